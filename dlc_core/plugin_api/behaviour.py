"""What a component of each kind must do, as one check per kind; `testing.check_component` calls them.

Each check builds the component with small inputs on the CPU and takes a second or two.
The one of augmenters is in `behaviour_augmenter`.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dlc_core.plugin_api import protocols
from dlc_core.plugin_api.behaviour_augmenter import check_augmenter
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton

_REACH = 32.0  # a cell inside the image may vote for a point outside, but not further away than a cell or two
SKELETON = Skeleton(("nose", "left_ear", "right_ear"), (("nose", "left_ear"),), (("left_ear", "right_ear"),))


def _build(kind: str, name: str, options: dict[str, Any], **context: Any) -> Any:
    return load_plugins().registry(kind).build({"name": name, **options}, **context)


def check_backbone(name: str, options: dict[str, Any]) -> None:
    """Shapes and dtype follow the attributes, gradients flow, evaluation is deterministic, odd sizes work."""
    import torch

    from dlc_core.model.structures import Features

    if "pretrained" in load_plugins().registry("backbone").options({"name": name, **options}):
        options = {"pretrained": False, **options}
    backbone = _build("backbone", name, options)
    assert isinstance(backbone, protocols.Backbone), f"{name} lacks an attribute of the Backbone protocol"
    assert isinstance(backbone, torch.nn.Module), f"{name} is no torch.nn.Module"
    assert len(backbone.channels) == len(backbone.strides), f"{name}: channels and strides differ in length"
    size = max(64, 2 * backbone.size_multiple)
    for batch, height, width in ((1, size, size), (2, size, size + backbone.size_multiple)):
        features = backbone(torch.rand(batch, 3, height, width))
        assert isinstance(features, Features), f"{name} returned {type(features).__name__}, expected Features"
        assert features.strides == backbone.strides, f"{name}: strides of maps and attribute differ"
        for maps, channels, stride in zip(features.maps, backbone.channels, backbone.strides, strict=True):
            expected = (batch, channels, -(-height // stride), -(-width // stride))
            assert tuple(maps.shape) == expected, f"{name}: a map has shape {tuple(maps.shape)}, expected {expected}"
    sum(maps.float().square().mean() for maps in features.maps).backward()  # type: ignore[union-attr]
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in backbone.parameters()), f"{name}: no gradient"
    backbone.eval()
    image = torch.rand(1, 3, size, size)
    with torch.no_grad():
        first, second = backbone(image), backbone(image)
    assert all(torch.equal(a, b) for a, b in zip(first.maps, second.maps, strict=True)), f"{name}.eval() is random"
    twin = _build("backbone", name, options)
    twin.load_state_dict(backbone.state_dict())


def check_head(name: str, options: dict[str, Any]) -> None:
    """Check finite sums, counts from the targets alone, missing labels that teach nothing, decoding inside."""
    import torch

    from dlc_core.model.structures import FeatureInfo, Features, Labels

    strides, channels = (16,), (8,)
    head = _build("head", name, options, features=FeatureInfo(channels, strides), skeleton=SKELETON)
    assert isinstance(head, protocols.Head), f"{name} lacks an attribute or method of the Head protocol"
    assert 0 in head.window, f"{name}.window is {head.window}; it must contain 0, the frame whose pose is wanted"
    lead = (2,) if len(head.window) == 1 and head.views == 1 else (2, head.views, len(head.window))
    torch.manual_seed(0)
    maps = torch.rand(*lead, channels[0], 6, 8)
    keypoints = torch.tensor([[[20.3, 30.6], [50.0, 60.25], [100.5, 80.0]]]).repeat(2, 1, 1, 1)
    keypoints[1, 0, 1] = torch.nan
    labels = Labels(keypoints, ~torch.isnan(keypoints).any(-1))
    outputs = head(Features((maps.requires_grad_(),), strides))
    targets = head.targets(labels, (96, 128))
    terms = head.loss(outputs, targets)
    counts = head.counts(targets)
    assert set(terms) == set(counts) == set(head.loss_weights), (
        f"{name}: terms of loss {sorted(terms)}, of counts {sorted(counts)} and of loss_weights "
        f"{sorted(head.loss_weights)} differ"
    )
    for term, loss in terms.items():
        assert torch.isfinite(loss.total), f"{name}: term {term} is {loss.total}"
        assert torch.equal(torch.as_tensor(loss.count), torch.as_tensor(counts[term])), f"{name}: {term} counts differ"
    sum(loss.total for loss in terms.values()).backward()  # type: ignore[union-attr]
    assert maps.grad is not None, f"{name}: no gradient reaches the features"
    nothing = Labels(torch.full_like(keypoints, torch.nan), torch.zeros(2, 1, 3, dtype=torch.bool))
    empty = head.loss(outputs, head.targets(nothing, (96, 128)))
    assert all(float(loss.total.detach()) == 0 for loss in empty.values()), f"{name}: a loss without labels"
    for size in ((90, 120), (32, 40), torch.tensor([[32, 40], [90, 30]])):
        _check_decoding(name, head, outputs, size)


def _check_decoding(name: str, head: Any, outputs: Any, size: Any) -> None:
    """Check shapes and ranges, and that no cell beyond an image of (height, width), which is padding, is chosen."""
    import torch

    with torch.no_grad():
        poses = head.decode(outputs, size)
    assert tuple(poses.keypoints.shape[-3:]) == (1, 3, 2), f"{name}: decoded {tuple(poses.keypoints.shape)}"
    likelihood = poses.likelihood
    assert bool(((likelihood >= 0) & (likelihood <= 1)).all()), f"{name}: a likelihood lies outside [0, 1]"
    limits = torch.as_tensor(size).reshape(-1, 1, 1, 2).flip(-1)
    away = torch.maximum(-poses.keypoints, poses.keypoints - (limits - 1)).nan_to_num(0.0)
    assert float(away.max()) <= _REACH, (
        f"{name}: a keypoint lies {float(away.max()):.0f} px outside the image of {torch.as_tensor(size).tolist()} "
        "(height, width) that decode was given; what lies beyond is padding and is never chosen"
    )


def check_frame_selector(name: str, options: dict[str, Any]) -> None:
    """Check that it returns n sorted, unique candidates, all if there are fewer, and repeats itself."""
    from dlc_core.demo.generate import generate_video
    from dlc_core.video.reader import VideoReader

    selector = _build("frame_selector", name, options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        generate_video(path, frames=40, height=64, width=96, seed=0)
        candidates = np.arange(4, 36, dtype=np.int64)
        with VideoReader(path) as video:
            for n, expected in ((5, 5), (100, len(candidates)), (0, 0)):
                first = selector.select(video, candidates, n, None, np.random.default_rng(1))
                again = selector.select(video, candidates, n, None, np.random.default_rng(1))
                assert np.array_equal(first, again), f"{name}: one generator, two selections"
                assert len(first) == expected, f"{name}: asked for {n} of {len(candidates)}, got {len(first)}"
                assert np.isin(first, candidates).all(), f"{name} chose frames that were no candidates"
                assert (np.diff(first) > 0).all(), f"{name}: the frames are not sorted and unique"


def _poses(frames: int, wild: bool = True, noise: int = 0) -> Any:
    """Return poses of a walk with a wild, unlikely point in frame 7; `noise` seeds errors of another network."""
    from dlc_core.inference.pose_file import PoseFile

    generator = np.random.default_rng(0)
    steps = generator.normal(0, 1, (frames, 1, 3, 2)).astype(np.float32)
    keypoints = 100 + np.cumsum(steps, axis=0)
    likelihood = generator.uniform(0.7, 1, (frames, 1, 3)).astype(np.float32)
    if noise:
        keypoints += np.random.default_rng(noise).normal(0, 0.5, keypoints.shape).astype(np.float32)
    if wild:
        keypoints[7, 0, 1] += 80
        likelihood[7, 0, 1] = 0.001
    return PoseFile.from_arrays(keypoints, likelihood, skeleton=SKELETON, scorer="DLC_Test", fps=30.0)


def check_outlier_detector(name: str, options: dict[str, Any]) -> None:
    """One finite-or-NaN score a frame, the same twice, suspects in order; what is wrong in frame 7 is found.

    What the detector needs besides the poses is there: a video, labels of some frames, the poses of two other
    networks. In frame 7 a point is wild and unlikely; for a detector that needs out-of-fold predictions these are all
    good, and the label of this point is misplaced. Only a detector of what the video shows may have another opinion of
    that frame.
    """
    from dlc_core.demo.generate import generate_video
    from dlc_core.outliers.structures import DetectorInput
    from dlc_core.video.reader import VideoReader

    detector = _build("outlier_detector", name, options, skeleton=SKELETON)
    unknown = set(detector.needs) - {"video", "labels", "ensemble", "out_of_fold"}
    assert not unknown, f"{name}.needs contains {sorted(unknown)}, which the core cannot provide"
    main, given = _poses(40), dict[str, Any]()
    if "labels" in detector.needs:
        given["labels"] = np.full((40, 1, 3, 2), np.nan, np.float32)
        given["labels"][3:12] = _poses(40, wild=False).keypoints[3:12]
    if "ensemble" in detector.needs:
        given["ensemble"] = tuple(_poses(40, wild=False, noise=seed) for seed in (1, 2))
    if "out_of_fold" in detector.needs:
        main = given["out_of_fold"] = _poses(40, wild=False, noise=3)
        if "labels" in given:
            given["labels"][7, 0, 1] += 80
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if "video" in detector.needs:
            path = Path(folder) / "video.mp4"
            generate_video(path, frames=40, height=160, width=224, seed=0)
            given["video"] = stack.enter_context(VideoReader(path))
        poses = DetectorInput(main, np.ones(3, bool), **given)
        scores, again = detector.score(poses), detector.score(poses)
    assert scores.score.shape == (40,), f"{name}: scores of shape {scores.score.shape} for 40 frames"
    assert np.array_equal(scores.score, again.score, equal_nan=True), f"{name}: two different scores for the same poses"
    _check_suspects(name, scores)
    if "video" not in detector.needs:
        jumped, beside = "a point that jumped 80 px at likelihood 0.001", "a label 110 px from its prediction"
        wrong = beside if "out_of_fold" in detector.needs else jumped
        assert 7 in scores.outliers(), f"{name}: {wrong} is no outlier"


def _check_suspects(name: str, scores: Any) -> None:
    """Check that suspects are points of the arrays, worst first, each with a reason, in frames that are outliers."""
    worst = [suspect.score for suspect in scores.suspects]
    assert worst == sorted(worst, reverse=True), f"{name}: the suspects are not sorted, the most suspicious first"
    places = [(suspect.frame, suspect.individual, suspect.keypoint) for suspect in scores.suspects]
    assert len(set(places)) == len(places), f"{name}: a point is a suspect twice"
    for place, suspect in zip(places, scores.suspects, strict=True):
        inside = all(0 <= index < size for index, size in zip(place, (40, 1, 3), strict=True))
        assert inside, f"{name}: the suspect {place} is outside the arrays of (40, 1, 3) points"
        assert suspect.reason, f"{name}: the suspect {place} has no reason"
        assert suspect.frame in scores.outliers(), f"{name}: frame {suspect.frame} has a suspect, but is no outlier"


def check_exporter(name: str, options: dict[str, Any]) -> None:
    """Check that it writes the files it says it wrote, and reads them back if it can read."""
    exporter = _build("exporter", name, options)
    assert exporter.suffix.startswith("."), f"{name}.suffix is {exporter.suffix!r}, expected one like '.h5'"
    poses = _poses(25)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"videoDLC_Test{exporter.suffix}"
        written = exporter.write(poses, path)
        assert written, f"{name} wrote nothing"
        assert all(Path(file).is_file() for file in written), f"{name} names files that are not there"
        assert {Path(file) for file in written} == set(Path(folder).iterdir()), f"{name} leaves other files behind"
        if hasattr(exporter, "read"):
            back = exporter.read(written[0])
            assert back.skeleton.keypoints == SKELETON.keypoints, f"{name}: names changed on the way"
            assert np.allclose(back.keypoints[:], poses.keypoints[:], atol=1e-2), f"{name}: poses changed on the way"


def check_filter(name: str, options: dict[str, Any]) -> None:
    """Check that a track keeps its length, whatever is absent from it, that it is not changed, and the same twice."""
    from dlc_core.filtering.structures import Track

    smoother = _build("filter", name, options)
    assert isinstance(smoother, protocols.PoseFilter), f"{name} lacks the method of the PoseFilter protocol"
    poses = _poses(60)
    points = poses.keypoints[:, 0, 1].astype(np.float64)
    points[20:24] = np.nan
    whole = Track(points, poses.likelihood[:, 0, 1], fps=poses.fps)
    absent = Track(np.full((9, 2), np.nan), np.zeros(9, np.float32), fps=np.nan)
    for track in (whole, absent, Track(whole.points[:1], whole.likelihood[:1], fps=np.nan)):
        before = Track(track.points.copy(), track.likelihood.copy(), track.fps)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # how a filter says that it had too little to go by
            smooth, again = smoother.filter(track), smoother.filter(track)
        frames = len(track.points)
        assert isinstance(smooth, Track), f"{name} returned {type(smooth).__name__}, expected a Track"
        assert smooth.points.shape == (frames, 2), f"{name}: points of shape {smooth.points.shape} for {frames} frames"
        assert smooth.likelihood.shape == (frames,), f"{name}: likelihood of shape {smooth.likelihood.shape}"
        outside = (smooth.likelihood < 0) | (smooth.likelihood > 1)
        assert not outside.any(), f"{name}: a likelihood lies outside [0, 1]"
        assert _same(before, track), f"{name} changed the track that it was handed; change a copy"
        assert _same(smooth, again), f"{name}: two different tracks for the same one"
    assert np.isfinite(smooth.points).any(), f"{name}: the only point of a track is gone"


def _same(one: Any, two: Any) -> bool:
    pairs = ((one.points, two.points), (one.likelihood, two.likelihood))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


CHECKS: dict[str, Callable[[str, dict[str, Any]], None]] = {
    "backbone": check_backbone,
    "head": check_head,
    "augmenter": check_augmenter,
    "frame_selector": check_frame_selector,
    "outlier_detector": check_outlier_detector,
    "exporter": check_exporter,
    "filter": check_filter,
}
