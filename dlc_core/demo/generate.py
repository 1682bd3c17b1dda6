"""Videos of a moving animal whose keypoints are known exactly in every frame, for demo, tests and benchmarks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.demo.animal import RATE_FPS, SKELETON, Posture, draw, postures
from dlc_core.demo.change import scene
from dlc_core.errors import ConfigError
from dlc_core.seeds import check_seed

_NOISE = 2.5  # standard deviation, grey values
_SMALLEST = 32


@dataclass(frozen=True)
class Truth:
    """What a generated video shows.

    Parameters
    ----------
    keypoints : (frames, 1, keypoints, 2) float32
        Pixels x, y; the centre of a pixel at integer coordinates. Every point is inside the image.
    names : tuple of str
        Of the keypoints.
    edges, symmetric : tuple of (str, str)
        As in `dlc_core.skeleton.Skeleton`.
    """

    keypoints: NDArray[np.float32]
    names: tuple[str, ...] = SKELETON.keypoints
    edges: tuple[tuple[str, str], ...] = SKELETON.edges
    symmetric: tuple[tuple[str, str], ...] = SKELETON.symmetric


def generate_video(
    path: str | os.PathLike[str],
    frames: int = 300,
    height: int = 240,
    width: int = 320,
    seed: int = 0,
    change_at: int | None = None,
) -> Truth:
    """Write a video of a walking animal and return where its body parts are.

    Parameters
    ----------
    path : path
        The mp4 file to write.
    frames : int
        Length; the rate is 30 frames per second.
    height, width : int
        Pixels, at least 32.
    seed : int
        Decides the walk, the ground and the noise. The same arguments give the same frames, and a longer video begins
        with the shorter one.
    change_at : int or None
        Frame with which another animal in another light begins that moves in another way (`dlc_core.demo.change`);
        the frames before it stay what they are. None: there is none.

    Raises
    ------
    ConfigError
        The size or the length cannot be drawn, the change lies outside the video, or the seed is negative.
    """
    from dlc_core.video.writer import VideoWriter

    truth = true_keypoints(frames, height, width, seed, change_at)
    with VideoWriter(Path(path), RATE_FPS, height, width) as writer:
        for image in generate_frames(frames, height, width, seed, change_at):
            writer.write(image)
    return truth


def true_keypoints(frames: int, height: int, width: int, seed: int, change_at: int | None = None) -> Truth:
    """Return where the body parts are in the video that `generate_video` writes for these arguments."""
    walk = _walk(frames, height, width, seed, change_at)
    return Truth(np.stack([posture.keypoints for posture in walk])[:, None].astype(np.float32))


def generate_frames(
    frames: int, height: int, width: int, seed: int, change_at: int | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames that `generate_video` encodes.

    Yields
    ------
    (height, width, 3) uint8
        RGB.
    """
    walk = _walk(frames, height, width, seed, change_at)
    floor = ground(height, width, seed)
    for index, posture in enumerate(walk):
        shown = scene(index, change_at)
        yield _lit(draw(floor, posture, shown.look), index, seed, shown.light)


def ground(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Return the empty arena: a wooden floor with bedding on it.

    Returns
    -------
    (height, width, 3) uint8
        RGB.
    """
    generator = np.random.default_rng(np.random.SeedSequence((seed, 2)))
    tone = np.zeros((height, width), np.float32)
    for cells, strength in ((4, 10.0), (12, 6.0), (40, 5.0)):
        shape = (max(cells * height // width, 2), cells)
        coarse = generator.standard_normal(shape).astype(np.float32)
        tone += strength * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = generator.standard_normal((max(height // 2, 1), max(width // 24, 1))).astype(np.float32)
    tone += 5.0 * cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
    floor = np.array([186, 172, 150], np.float32) + tone[..., None] * np.array([1.0, 0.98, 0.9], np.float32)
    image: NDArray[np.uint8] = np.clip(floor, 0, 255).astype(np.uint8)
    size = min(height, width) / 60
    for _ in range(max(height * width // 700, 8)):  # chips of bedding
        centre = generator.uniform((0, 0), (width, height))
        angle, shade = generator.uniform(0, np.pi), generator.uniform(-34, 30)
        step = size * generator.uniform(0.4, 1.0) * np.array([np.cos(angle), np.sin(angle)])
        start, end = np.rint((centre - step) * 16).astype(int), np.rint((centre + step) * 16).astype(int)
        colour = tuple(float(np.clip(value + shade, 0, 255)) for value in (196, 180, 152))
        cv2.line(image, start.tolist(), end.tolist(), colour, max(round(size / 3), 1), cv2.LINE_AA, 4)
    return image


def _walk(frames: int, height: int, width: int, seed: int, change_at: int | None) -> list[Posture]:
    if frames < 1:
        raise ConfigError(f"a video of {frames} frames was asked for; at least 1 is needed.")
    if min(height, width) < _SMALLEST:
        raise ConfigError(f"frames of {height} x {width} pixels were asked for; both sides need at least {_SMALLEST}.")
    if change_at is not None and not 0 <= change_at < frames:
        raise ConfigError(f"change_at is {change_at}; a frame of the video is needed, from 0 to {frames - 1}.")
    return postures(frames, height, width, check_seed(seed), change_at)


def _lit(image: NDArray[np.uint8], index: int, seed: int, light: float) -> NDArray[np.uint8]:
    """Return `image` under a lamp that drifts and flickers slightly, with the noise of a sensor."""
    height, width = image.shape[:2]
    generator = np.random.default_rng(np.random.SeedSequence((seed, 3, index)))
    t = index / RATE_FPS
    x = (np.arange(width, dtype=np.float32) / width - 0.5 - 0.15 * np.sin(0.5 * t)) ** 2
    y = (np.arange(height, dtype=np.float32) / height - 0.5 - 0.15 * np.cos(0.4 * t)) ** 2
    lamp = (1.06 + 0.04 * np.sin(0.9 * t) - 0.45 * (x[None, :] + y[:, None])) * np.float32(light)
    noise = generator.standard_normal((height, width, 3), np.float32) * _NOISE
    lit: NDArray[np.uint8] = np.clip(image * lamp[..., None] + noise + 0.5, 0, 255).astype(np.uint8)
    return lit
