"""The built-in frame selectors: the kit, chance, clusters."""

from __future__ import annotations

import numpy as np
import pytest
from dlc_plugins.frame_selectors.kmeans import Kmeans
from dlc_plugins.frame_selectors.uniform import Uniform

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.testing import check_component, check_discovery_is_light
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader
from dlc_core.video.writer import VideoWriter

HEIGHT, WIDTH = 60, 80
SCENES = 4
PER_SCENE = 15


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Return a video of four scenes, 15 frames each: a coloured block in another corner."""
    path = tmp_path_factory.mktemp("scenes") / "scenes.mp4"
    generator = np.random.default_rng(0)
    with VideoWriter(path, 30, HEIGHT, WIDTH, quality=10) as writer:
        for scene, (y, x) in enumerate([(0, 0), (0, 40), (30, 0), (30, 40)]):
            for _ in range(PER_SCENE):
                image = generator.integers(20, 30, (HEIGHT, WIDTH, 3), dtype=np.uint8)
                image[y : y + 30, x : x + 40] = (200, 40, 40) if scene % 2 else (40, 40, 200)
                writer.write(image)
    return path


@pytest.mark.parametrize("name", ["uniform", "kmeans"])
def test_the_selector_passes_the_kit(name):
    check_component("frame_selector", name)


def test_the_manifest_is_light():
    check_discovery_is_light("dlc_plugins.frame_selectors")


@pytest.mark.parametrize("selector", [Uniform(), Kmeans()])
def test_another_generator_gives_another_choice(scenes, selector):
    candidates = np.arange(60)
    with VideoReader(scenes) as video:
        choices = {tuple(selector.select(video, candidates, 5, None, np.random.default_rng(seed))) for seed in range(4)}
    assert len(choices) == 4


def test_uniform_draws_every_candidate_equally_often(scenes):
    candidates = np.arange(100, 140)
    drawn = np.zeros(40)
    with VideoReader(scenes) as video:
        for seed in range(2000):
            drawn[Uniform().select(video, candidates, 10, None, np.random.default_rng(seed)) - 100] += 1
    # each frame is drawn 500 times on average, binomially: standard deviation sqrt(2000 * 1/4 * 3/4) = 19
    assert drawn.sum() == 20_000
    assert np.abs(drawn - 500).max() < 5 * 19.4


@pytest.mark.parametrize("selector", [Kmeans(), Kmeans(step=2), Kmeans(color=True), Kmeans(resize_width=8)])
def test_kmeans_takes_one_frame_from_each_scene(scenes, selector):
    with VideoReader(scenes) as video:
        chosen = selector.select(video, np.arange(60), SCENES, None, np.random.default_rng(0))
    assert (chosen // PER_SCENE).tolist() == [0, 1, 2, 3]


def test_kmeans_finds_a_rare_posture_that_chance_would_miss(scenes):
    # 45 frames of three scenes and a single one of the fourth
    candidates = np.arange(46)
    with VideoReader(scenes) as video:
        hits = [
            45 in Kmeans(step=1).select(video, candidates, SCENES, None, np.random.default_rng(seed))
            for seed in range(5)
        ]
    assert np.mean(hits) >= 0.6  # by chance 4 / 46


def test_kmeans_looks_only_into_the_crop(scenes):
    # within the right upper corner, scenes 0, 2 and 3 are the same dark ground
    crop = Crop(40, 80, 0, 30)
    with VideoReader(scenes) as video:
        chosen = Kmeans().select(video, np.arange(60), 2, crop, np.random.default_rng(0))
    assert sorted(frame // PER_SCENE == 1 for frame in chosen) == [False, True]


def test_kmeans_fills_up_when_frames_are_alike(tmp_path):
    with VideoWriter(tmp_path / "still.mp4", 30, HEIGHT, WIDTH) as writer:
        for _ in range(30):
            writer.write(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    with VideoReader(tmp_path / "still.mp4") as video:
        chosen = Kmeans().select(video, np.arange(30), 10, None, np.random.default_rng(0))
    assert len(np.unique(chosen)) == 10


def test_a_large_step_still_leaves_enough_frames_to_choose_from(scenes):
    with VideoReader(scenes) as video:
        chosen = Kmeans(step=1000).select(video, np.arange(60), 7, None, np.random.default_rng(0))
    assert len(np.unique(chosen)) == 7


def test_the_automatic_step_keeps_the_number_of_frames_looked_at_bounded():
    steps = {frames: Kmeans()._step(frames, 20) for frames in (100, 1000, 1001, 2330, 10**6)}
    assert steps == {100: 1, 1000: 1, 1001: 2, 2330: 3, 10**6: 1000}


@pytest.mark.parametrize(("options", "named"), [({"step": 0}, "selector.step"), ({"resize_width": 0}, "resize_width")])
def test_impossible_options_are_named(options, named):
    with pytest.raises(ConfigError, match=named):
        Kmeans(**options)
