"""Which filtered poses of a video are meant, and whether they still belong to its analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.errors import DataError, suggest
from dlc_core.inference.filtered_stores import poses_id
from dlc_core.inference.store_files import SUFFIX
from dlc_core.plugin_api.discovery import load_plugins

if TYPE_CHECKING:
    from dlc_core.export.sources import Candidate

Filtered = bool | str
"""``False`` for poses as the network gave them, ``True`` for those of a filter, or the filter's name."""


def of_filter(video: Path, found: Sequence[Candidate], filtered: str) -> list[Candidate]:
    """Return the stores among `found` that the filter `filtered` made; tables do not say who made them.

    Raises
    ------
    DataError
        There are none.
    """
    chosen = [one for one in found if one.about and one.about["filter"]["name"] == filtered]
    if not chosen:
        raise DataError(
            f"there are no poses of {video.name} by filter={filtered}. "
            f"{how_to_filter(video, filtered, filter_names(found))}"
        )
    return chosen


def how_to_filter(video: Path, filtered: str, there: Sequence[str] = ()) -> str:
    """Return in words how to get the poses of the filter `filtered` if it is installed, and whose poses are `there`."""
    plugins = load_plugins()
    installed = sorted({*plugins.registry("filter"), *plugins.presets["filter"]})
    others = f"There are those by {', '.join(there)}. " if there else ""
    if filtered in installed:
        return f"{suggest(filtered, there)}{others}Run `dlc filter {video} filter={filtered}` first."
    return (
        f"{suggest(filtered, {*there, *installed})}{others}No such filter is installed; installed: "
        f"{', '.join(installed)}."
    )


def check_one_filter(video: Path, found: Sequence[Candidate]) -> None:
    """Refuse to choose among the stores of several filters.

    Raises
    ------
    DataError
        There are several.
    """
    names = filter_names(found)
    if len(names) > 1:
        raise DataError(
            f"{video.name} was filtered by {', '.join(names[:-1])} and {names[-1]}. Choose one with filtered=, like "
            f"filtered={names[0]}, or name a file with file=."
        )


def filter_names(found: Sequence[Candidate]) -> list[str]:
    """Return the names of the filters whose stores are among `found`, sorted."""
    return sorted({str(one.about["filter"]["name"]) for one in found if one.about})


def check_fresh(video: Path, store: Path, about: Mapping[str, Any]) -> None:
    """Check that a filtered store is of the poses that are there today; if those are gone, nobody can tell.

    Raises
    ------
    DataError
        The video was analysed anew since, or the table that was filtered was changed.
    """
    made = about["filter"]
    analysis = store.with_name(f"{video.stem}{about['scorer']}{SUFFIX}")
    source = analysis if analysis.exists() else store.with_name(str(made["source"]))
    if source.exists() and poses_id(source) != made["of"]:
        raise DataError(
            f"{store} was filtered from poses that were replaced since: {source.name} holds others now. "
            f"Filter these: `dlc filter {video} filter={made['name']}`."
        )
