"""Which options a resumed training has: those it was started with, but for a few that change nothing it has learnt."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from dlc_core.errors import CheckpointError, ConfigError, DataError

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.runs import Run
    from dlc_core.training.checkpoint import Checkpoint

COMMAND_LINE = "command line"

_MAY_CHANGE = (
    "training.steps",
    "training.save_iters",
    "training.display_iters",
    "training.max_snapshots_to_keep",
    "training.best_on_test",
    "training.workers",
    "trainer",
    "logger",
)
_ADDRESS = ("run", "sweep", "resume", "shuffle", "trainingsetindex", "iteration", "training.pose_cfg")


def resumed_config(stored: Mapping[str, Any], chosen: Mapping[str, Any], composed: Composed) -> dict[str, Any]:
    """Return the configuration of the run, with what the command line may change.

    Parameters
    ----------
    stored : mapping
        The configuration of the run.
    chosen : mapping of str to str
        The components and presets of the run, by config group.
    composed : Composed
        The configuration as composed now; only what the command line says counts.

    Raises
    ------
    ConfigError
        The command line asks for something a resumed run cannot change.
    """
    config = deepcopy(dict(stored))
    asked = composed.plain()
    for group, choice in composed.choices.items():
        from_command_line = any(
            COMMAND_LINE in source for option, source in composed.sources.items() if option.startswith(f"{group}.")
        )
        if from_command_line and not _is_below(group, _MAY_CHANGE) and chosen.get(group, choice) != choice:
            raise ConfigError(
                f"{group} was {chosen[group]} when the run began and is {choice} now; a resumed run keeps it. Leave it "
                "out, or start a new run (run=NAME)."
            )
    for option, source in composed.sources.items():
        if source != COMMAND_LINE or _is_below(option, _ADDRESS):
            continue
        before, now = _get(stored, option), _get(asked, option)
        if before == now:
            continue
        if not _is_below(option, _MAY_CHANGE):
            raise ConfigError(
                f"{option} was {before!r} when the run began and is {now!r} now; a resumed run keeps it. Leave it out, "
                f"or start a new run (run=NAME). It may change: {', '.join(_MAY_CHANGE)}."
            )
        _set(config, option, now)
        if option == "training.steps":
            _set(config, "training.minutes", None)
    return config


def is_done(run: Run, checkpoint: Checkpoint, steps: int | None) -> bool:
    """Tell whether a run has reached the length that is asked for, before anything of it is changed.

    Parameters
    ----------
    run : Run
        That is to be resumed.
    checkpoint : Checkpoint
        Its last one.
    steps : int or None
        Length of the training, None for a budget in minutes.

    Raises
    ------
    ConfigError
        The run is longer than that already.
    """
    if steps is not None and steps < checkpoint.step:
        raise ConfigError(
            f"training.steps is {steps}, but the run {run.name} has {checkpoint.step} steps already, and none is taken "
            f"back. Ask for more than {checkpoint.step}, or start a new run (run=NAME)."
        )
    return steps == checkpoint.step


def require_same_data(stored_hash: str, found_hash: str, run: str) -> None:
    """Check that labels, images and split are those the run began with.

    Raises
    ------
    CheckpointError
        They have changed.
    """
    if stored_hash != found_hash:
        raise CheckpointError(
            f"the training set has changed since the run {run} began (hash {stored_hash}, now {found_hash}), so it "
            "cannot be resumed exactly. Start a new run; init_weights= takes the old one's last snapshot."
        )


def require_resumable(checkpoint: Checkpoint) -> None:
    """Check that a snapshot holds what a training needs to go on.

    Raises
    ------
    DataError
        It was kept for being the best and holds the weights alone.
    """
    if checkpoint.trainer is None:
        raise DataError(
            f"{checkpoint.path} holds weights alone and cannot be resumed. Resume from a snapshot_<step>.ckpt, or "
            f"start from it: init_weights={checkpoint.path}"
        )


def _is_below(option: str, names: tuple[str, ...]) -> bool:
    return any(option == name or option.startswith(f"{name}.") for name in names)


def _get(config: Mapping[str, Any], option: str) -> Any:
    place: Any = config
    for part in option.split("."):
        if not isinstance(place, Mapping) or part not in place:
            return None
        place = place[part]
    return place


def _set(config: dict[str, Any], option: str, value: Any) -> None:
    *parents, last = option.split(".")
    place = config
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = value
