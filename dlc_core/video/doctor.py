"""Is this machine, and are these videos, fit for work? What ``dlc doctor`` prints."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dlc_core.errors import DataError
from dlc_core.video.probe import find_videos, probe

OPENCV_BUILDS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_STACK = ("torch", "timm", "pytorch-lightning", "hydra-core", "numpy", "pandas", "zarr", "av")
_LITTLE_DISK_GB, _NO_DISK_GB = 5.0, 0.5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    level : str
        ``"ok"``, ``"warn"`` or ``"error"``.
    topic : str
        What was looked at: ``"gpu"``, ``"opencv"``, or a video's path.
    text : str
        What was found and, where something is to be done, what.
    """

    level: str
    topic: str
    text: str


def examine(videos: Iterable[str | os.PathLike[str]] = ()) -> list[Finding]:
    """Return what was found about the machine and about each video (folders stand for the videos in them)."""
    return [*examine_machine(), *(finding for video in videos for finding in examine_videos(video))]


def examine_machine(folder: Path | None = None) -> list[Finding]:
    """Return findings on Python, packages, OpenCV, the GPU, the video encoder and the disk of `folder` (here)."""
    return [
        Finding(
            "ok", "python", f"Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} CPU cores"
        ),
        *_packages(metadata.version, _requirements()),
        _opencv(installed_opencv_builds()),
        _gpu(),
        _encoder(),
        _disk(folder or Path.cwd()),
    ]


def examine_videos(path: str | os.PathLike[str]) -> Iterator[Finding]:
    """Yield findings on a video, or on each video of a folder: what its header says against what can be read."""
    try:
        videos = find_videos([path])
    except DataError as exc:
        yield Finding("error", str(path), str(exc))
        return
    for video in videos:
        try:
            report = probe(video)
        except DataError as exc:
            yield Finding("error", str(video), str(exc))
            continue
        yield Finding(
            "ok",
            str(video),
            f"{video}: {report.readable} readable frames ({report.metadata_frames or 'not said'} by its header), "
            f"{report.width} x {report.height} pixels, {report.fps:g} fps, {report.duration_s:.1f} s, {report.codec} "
            f"{report.pixel_format}, {'seekable' if report.seekable else 'read from the start'}",
        )
        for problem in report.problems:
            yield Finding("warn", str(video), f"{video}: {problem}")


def installed_opencv_builds() -> dict[str, str]:
    """Return name and version of every distribution that installs a module ``cv2``."""
    found = {}
    for name in OPENCV_BUILDS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _requirements() -> list[str]:
    try:
        return metadata.requires("dlc-core") or []
    except metadata.PackageNotFoundError:
        return []


def _packages(version_of: Callable[[str], str], requirements: Iterable[str]) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    versions: dict[str, str] = {}
    for line in requirements:
        required = Requirement(line)
        if required.marker is not None and not required.marker.evaluate({"extra": ""}):
            continue
        try:
            versions[required.name] = version_of(required.name)
        except metadata.PackageNotFoundError:
            if required.name not in OPENCV_BUILDS:  # any build will do, and `_opencv` looks at them
                yield Finding("error", "packages", f'{required.name} is missing. Install it: pip install "{required}"')
            continue
        if not required.specifier.contains(versions[required.name], prereleases=True):
            found = f"{required.name} {versions[required.name]} was found, {required.specifier} is needed"
            yield Finding("error", "packages", f'{found}. Install it: pip install "{required}"')
    shown = ", ".join(f"{name} {versions[name]}" for name in _STACK if name in versions)
    yield Finding("ok", "packages", shown or "dlc-core runs from its source tree; its requirements are not known")


def _opencv(builds: dict[str, str]) -> Finding:
    listed = " and ".join(f"{name} {version}" for name, version in builds.items())
    if not builds:
        return Finding("error", "opencv", "no OpenCV was found. Install it: pip install opencv-python-headless")
    if len(builds) > 1:
        return Finding(
            "warn",
            "opencv",
            f"{listed} share this environment and overwrite each other's files. Keep one: "
            f"pip uninstall -y {' '.join(builds)}; pip install opencv-python-headless",
        )
    return Finding("ok", "opencv", listed)


def _gpu() -> Finding:
    try:
        import torch
    except ImportError as exc:
        return Finding("error", "gpu", f"torch cannot be imported ({exc}). Install it as https://pytorch.org says.")
    if torch.cuda.is_available():
        devices = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
        shown = ", ".join(f"{device.name} ({device.total_memory / 2**30:.0f} GiB)" for device in devices)
        return Finding("ok", "gpu", f"{shown}, CUDA {torch.version.cuda}")
    if torch.backends.mps.is_available():
        return Finding("ok", "gpu", "Apple GPU (mps)")
    if shutil.which("nvidia-smi"):
        return Finding(
            "warn",
            "gpu",
            "an NVIDIA driver is installed, but torch cannot use the GPU. Install a build of torch with CUDA: "
            "https://pytorch.org",
        )
    return Finding("ok", "gpu", f"no GPU; training and analysis use the CPU with {torch.get_num_threads()} threads")


def _encoder() -> Finding:
    import av

    if "libx264" in av.codecs_available:
        return Finding("ok", "encoder", f"H.264 by libx264, PyAV {av.__version__}")
    return Finding(
        "warn", "encoder", "this build of PyAV has no libx264; labelled videos will be larger. pip install --upgrade av"
    )


def _disk(folder: Path) -> Finding:
    free_gb = shutil.disk_usage(folder).free / 1e9
    text = f"{free_gb:.1f} GB free in {folder}"
    if free_gb < _NO_DISK_GB:
        return Finding("error", "disk", f"{text}; at least {_NO_DISK_GB} GB is needed. Free some space.")
    if free_gb < _LITTLE_DISK_GB:
        return Finding("warn", "disk", f"{text}; a training set and its snapshots may need more than that.")
    return Finding("ok", "disk", text)
