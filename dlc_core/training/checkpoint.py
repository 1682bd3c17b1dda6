"""Snapshots of ours: what is in one, how it is written, and how a network is built from it again.

A snapshot is a dictionary of plain values and tensors that ``torch.load(path, weights_only=True)`` reads without
running any code of its own. Its config names components, and only installed ones can be built from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlc_core.errors import CheckpointError, ConfigError, PluginError, UnknownComponentError
from dlc_core.files import replacing
from dlc_core.model.weights_file import UNREADABLE, load_weights_only, why_unreadable
from dlc_core.skeleton import Skeleton

if TYPE_CHECKING:
    from dlc_core.model.pose_model import PoseModel

FORMAT = "dlc-core snapshot 1"
_FAMILY = "dlc-core snapshot"
_GIVE_ONE = "Give a snapshot_<step>.ckpt of a run."
_DEEPLABCUT = re.compile(r"^snapshot-(best-)?(detector-)?\d+\.(pt|index|meta|data-.*)$")


@dataclass(frozen=True)
class Provider:
    """A component of a network and who offered it when the snapshot was made: ``dlc-mynet 1.2.0 [mynet]``."""

    name: str
    provider: str


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The contents of a snapshot.

    Parameters
    ----------
    state_dict : mapping of str to Tensor
        Weights and buffers of the `PoseModel`.
    config : mapping
        The plain, resolved configuration of the run: ``backbone``, ``head``, ``preprocessing``, ``training``, ...
    choices : mapping
        Config group to the chosen component or preset: ``{"backbone": "resnet50"}``.
    components : mapping of str to Provider
        Kind to the component and who provided it.
    skeleton : Skeleton
        Names on the keypoint and individual axes of what the network returns.
    cell_offset : float
        Where the first cell of the head's map lies, in network-input pixels.
    step : int
        Optimiser steps done.
    total_steps : int
        Length of the training it belongs to.
    selected_on_test : bool
        Whether it was chosen for its error on the test images; its test error is then no fair estimate.
    errors : mapping of str to float
        Mean errors in pixels of the original images at this step, by part: ``validation``, ``test``.
    versions : mapping of str to str
        Of the software that wrote it.
    trainer : mapping or None
        Optimiser, random state and counters, for resuming; None in a snapshot that was kept for being the best.
    """

    state_dict: Mapping[str, Tensor]
    config: Mapping[str, Any]
    choices: Mapping[str, Any]
    components: Mapping[str, Provider]
    skeleton: Skeleton
    cell_offset: float
    step: int
    total_steps: int
    selected_on_test: bool = False
    errors: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    trainer: Mapping[str, Any] | None = None
    path: Path | None = None


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a snapshot aside and move it into place.

    Raises
    ------
    DiskError
        The disk is full or read-only; a snapshot of that name is left as it was.
    """
    stored = {
        "format": FORMAT,
        "state_dict": {name: value.detach().cpu() for name, value in checkpoint.state_dict.items()},
        "config": dict(checkpoint.config),
        "choices": dict(checkpoint.choices),
        "components": {kind: asdict(component) for kind, component in checkpoint.components.items()},
        "skeleton": checkpoint.skeleton.to_dict(),
        "cell_offset": float(checkpoint.cell_offset),
        "step": checkpoint.step,
        "total_steps": checkpoint.total_steps,
        "selected_on_test": checkpoint.selected_on_test,
        "errors": dict(checkpoint.errors),
        "versions": dict(checkpoint.versions),
        "trainer": None if checkpoint.trainer is None else dict(checkpoint.trainer),
    }
    with replacing(path) as temporary, _reason_kept(), temporary.open("wb") as file:
        torch.save(stored, file)


@contextmanager
def _reason_kept() -> Iterator[None]:
    """Raise what the file system said: torch tries to finish its archive after a failed write, and complains of that.

    Raises
    ------
    OSError
        A write failed.
    """
    try:
        yield
    except RuntimeError as exc:
        said: BaseException | None = exc
        while said is not None and not isinstance(said, OSError):
            said = said.__cause__ or said.__context__
        if said is None:
            raise
        raise said from exc


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Return the contents of a snapshot, on the CPU.

    Raises
    ------
    CheckpointError
        There is no such file, it is truncated, not a snapshot, one of DeepLabCut's, or of a newer version.
    """
    path = Path(path)
    if path.is_dir():
        raise CheckpointError(f"{str(path)!r} is a folder; a snapshot is a file in it. {_GIVE_ONE}")
    if not path.is_file():
        raise CheckpointError(
            f"there is no snapshot {str(path)!r}. `snapshotindex=` and `run=` choose one, or give its path."
        )
    if _DEEPLABCUT.match(path.name):
        raise _foreign(path)
    try:
        stored = load_weights_only(path)
    except UNREADABLE as exc:
        why = why_unreadable(path, exc)
        raise CheckpointError(f"{path} cannot be read as a snapshot of dlc-core: {why}. {_GIVE_ONE}") from exc
    if not isinstance(stored, dict) or not str(stored.get("format", "")).startswith(_FAMILY):
        if isinstance(stored, dict) and {"model", "metadata"} <= set(stored):
            raise _foreign(path)
        raise CheckpointError(f"{path} is no snapshot of dlc-core. {_GIVE_ONE}")
    if stored["format"] != FORMAT:
        raise CheckpointError(
            f"{path} has the format {stored['format']!r}; this version reads {FORMAT!r}. Update dlc-core."
        )
    try:
        return _from_dict(stored, path)
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise _damaged(path, f"{type(exc).__name__}: {exc}") from exc


def load_model(path: str | Path, skeleton: Skeleton | None = None) -> tuple[PoseModel, Checkpoint]:
    """Return the network of a snapshot, in evaluation mode on the CPU, and what the snapshot says about it.

    Parameters
    ----------
    path : path
        A snapshot.
    skeleton : Skeleton or None
        Of the project it is to be used in. The names must be the same; their order need not be: what the network
        returns is in the order of the snapshot's own skeleton.

    Raises
    ------
    CheckpointError
        The file cannot be read, belongs to other body parts, or needs a component that is not installed.
    """
    checkpoint = load_checkpoint(path)
    if skeleton is not None:
        require_names(checkpoint, skeleton)
    model = build_from(checkpoint)
    fill(model, checkpoint)
    return model.eval(), checkpoint


def fill(model: PoseModel, checkpoint: Checkpoint) -> None:
    """Give a network that was built for a snapshot its weights.

    Raises
    ------
    CheckpointError
        They do not fit, or the head would read its map at other places than when it was trained.
    """
    remedy = "Install the versions it was made with."
    if float(model.head.cell_offset) != checkpoint.cell_offset:
        raise CheckpointError(
            f"{checkpoint.path} was trained with the first cell of the map at {checkpoint.cell_offset:g} px of the "
            f"network's input; the installed components ({_made_with(checkpoint)}) have it at "
            f"{float(model.head.cell_offset):g} px, so every point would be shifted. {remedy}"
        )
    try:
        model.load_state_dict(dict(checkpoint.state_dict))
    except RuntimeError as exc:
        raise CheckpointError(
            f"the weights of {checkpoint.path} do not fit the installed components ({_made_with(checkpoint)}): "
            f"{' '.join(str(exc).split())[:300]}. {remedy}"
        ) from exc


def build_from(checkpoint: Checkpoint) -> PoseModel:
    """Return a network as the snapshot's config describes it, with weights of its own.

    Raises
    ------
    CheckpointError
        A component is no longer installed or has changed its options.
    """
    from dlc_core.model.build import build_model

    try:
        return build_model(checkpoint.config, checkpoint.skeleton, pretrained=False)
    except UnknownComponentError as exc:
        raise CheckpointError(
            f"{checkpoint.path} was made with {_made_with(checkpoint)}, and not all of that is installed: {exc} "
            "Install the missing plugin."
        ) from exc
    except (PluginError, ConfigError) as exc:
        raise CheckpointError(
            f"{checkpoint.path} cannot be built with what is installed: {exc} It was made with "
            f"{_made_with(checkpoint)}."
        ) from exc


def require_names(checkpoint: Checkpoint, skeleton: Skeleton) -> None:
    """Check that a snapshot has the body parts and individuals of `skeleton`, in any order.

    Raises
    ------
    CheckpointError
        The names differ; the message lists how.
    """
    for what, ours, theirs in (
        ("body parts", skeleton.keypoints, checkpoint.skeleton.keypoints),
        ("individuals", skeleton.individuals, checkpoint.skeleton.individuals),
    ):
        missing, more = [n for n in ours if n not in theirs], [n for n in theirs if n not in ours]
        if missing or more:
            differences = [f"it lacks {', '.join(missing)}"] * bool(missing) + [f"it has {', '.join(more)}"] * bool(
                more
            )
            raise CheckpointError(
                f"{checkpoint.path} was trained on other {what} than this project's config.yaml lists: "
                f"{'; '.join(differences)}. Choose a run of this project, or train one."
            )


def _from_dict(stored: Mapping[str, Any], path: Path) -> Checkpoint:
    return Checkpoint(
        state_dict=stored["state_dict"],
        config=stored["config"],
        choices=stored["choices"],
        components={kind: Provider(**component) for kind, component in stored["components"].items()},
        skeleton=Skeleton.from_dict(stored["skeleton"]),
        cell_offset=stored["cell_offset"],
        step=stored["step"],
        total_steps=stored["total_steps"],
        selected_on_test=stored["selected_on_test"],
        errors=stored["errors"],
        versions=stored["versions"],
        trainer=stored["trainer"],
        path=path,
    )


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path} ({path.stat().st_size:,} bytes) is damaged or no snapshot of dlc-core: {why}. Choose another snapshot "
        "of the run."
    )


def _made_with(checkpoint: Checkpoint) -> str:
    parts = [f"{kind} {part.name!r} of {part.provider}" for kind, part in checkpoint.components.items()]
    return ", ".join(parts)


def _foreign(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} is a snapshot of DeepLabCut, not of dlc-core; the two cannot read each other's. Choose a "
        "snapshot_<step>.ckpt of a run, or use DeepLabCut for this one."
    )
