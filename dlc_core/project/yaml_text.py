"""YAML that people wrote: read with line numbers, changed without losing a comment, a quote or an unknown key."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlc_core.errors import ConfigError
from dlc_core.project.box1 import BOX1


def read_yaml(path: Path) -> Any:
    """Return the file as a ruamel mapping that remembers comments, quotes and lines.

    Raises
    ------
    ConfigError
        The file cannot be read, is no YAML, or holds no table of keys.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path} is not UTF-8 text (byte {exc.start}). Save it as UTF-8.") from exc
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}. Expected a project's config.yaml.") from exc
    try:
        content = _yaml().load(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f" line {mark.line + 1}" if mark else ""
        reason = " ".join(str(exc.problem or exc.context or "cannot be read").split())
        raise ConfigError(f"{path}{where} is no valid YAML: {reason}. Compare the line with its neighbours.") from exc
    except ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1 if isinstance(exc.position, int) else 1
        raise ConfigError(
            f"{path} line {line} holds the sign {_sign(exc.character)}, which no text file has, so it is no YAML. Put "
            "back a copy of the file, or make a new one."
        ) from exc
    except YAMLError as exc:
        raise ConfigError(f"{path} is no valid YAML: {' '.join(str(exc).split())}.") from exc
    if not isinstance(content, Mapping):
        what = "is empty" if content is None else "holds no keys"
        raise ConfigError(
            f"{path} {what}; lines like `Task: reaching` are expected. Put back a copy of the file, or remove it if "
            "it is no project's."
        )
    return content


def _sign(character: object) -> str:
    return f"U+{ord(character) if isinstance(character, str) else character:04X}"


def with_entries(path: Path, key: str, entries: Mapping[str, Any]) -> str:
    """Return the text of the file at `path` with `entries` at the end of the table under `key`.

    Every other key, comment and quote stays where it is. Nothing is written.
    """
    content = read_yaml(path)
    table: Any = content.get(key)
    if not (table and isinstance(table, dict)):
        content[key] = _as_yaml(entries)
        return _dump(content)
    below = _take_comment_below(table)
    for name, value in entries.items():
        table[name] = _as_yaml(value)
    if below is not None:
        leaf, last = _last_leaf(table)
        leaf.ca.items[last] = [None, None, below, None]
    return _dump(content)


def with_value(path: Path, keys: Sequence[str], value: Any) -> str:
    """Return the text of the file at `path` with one value replaced, or added: ``["video_sets", "a.mp4", "crop"]``.

    Every other key, comment and quote stays where it is. Nothing is written.

    Parameters
    ----------
    path : Path
    keys : sequence of str
        The tables from the outside in, and the key; tables that are not there are made.
    value : object
        Text, number, list or mapping.
    """
    content = read_yaml(path)
    *tables, last = keys
    place: Any = content
    for key in tables:
        if not isinstance(place.get(key), Mapping):
            place[key] = _as_yaml({})
        place = place[key]
    place[last] = _as_yaml(value)
    return _dump(content)


def with_items(path: Path, key: str, items: Sequence[str]) -> str:
    """Return the text of the file at `path` with `items` at the end of the list under `key`.

    Every other key, comment and quote stays where it is. Nothing is written.
    """
    content = read_yaml(path)
    found = content.get(key)
    if not (found and isinstance(found, list)):
        content[key] = list(items)
        return _dump(content)
    there: Any = found
    last = len(there) - 1
    place = there.ca.items.get(last)
    below = None
    if place and place[0] is not None:
        place[0], below = _split_comment(place[0])
    there.extend(items)
    if below is not None:
        there.ca.items[len(there) - 1] = [below, None, None, None]
    return _dump(content)


def new_text(values: Mapping[str, Any]) -> str:
    """Return the text of a new config.yaml: each key of `BOX1` with its meaning, and `values` in place of defaults."""
    from ruamel.yaml.comments import CommentedMap

    content = CommentedMap()
    for row in BOX1:
        if row.written:
            content[row.key] = _as_yaml(values.get(row.key, row.default))
            content.yaml_set_comment_before_after_key(row.key, before=row.meaning)
    pairs = next(row for row in BOX1 if row.key == "symmetric_bodyparts")
    hint = (
        f"# {pairs.meaning}.\n# DeepLabCut 3 opens no project with a key it does not know, so remove it before.\n"
        "# symmetric_bodyparts: []\n"
    )
    return _dump(content) + hint


def plain(value: Any) -> Any:
    """Return what YAML holds as builtin objects: dict, list, str, int, float, bool or None; dates as ISO text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _as_yaml(value: Any) -> Any:
    from ruamel.yaml.comments import CommentedMap

    if isinstance(value, tuple | list):
        return [_as_yaml(item) for item in value]
    return CommentedMap({key: _as_yaml(item) for key, item in value.items()}) if isinstance(value, Mapping) else value


def _last_leaf(table: Any) -> tuple[Any, Any]:
    """Return the mapping and the key that are written last within `table`."""
    key = list(table)[-1]
    return _last_leaf(table[key]) if isinstance(table[key], Mapping) and table[key] else (table, key)


def _take_comment_below(table: Any) -> Any:
    """Cut out the comment lines that follow `table`, which ruamel keeps with its last value, and return them."""
    leaf, key = _last_leaf(table)
    place = leaf.ca.items.get(key)
    token = place[2] if place and len(place) > 2 else None
    if token is None:
        return None
    place[2], below = _split_comment(token)
    return below


def _split_comment(token: Any) -> tuple[Any, Any]:
    """Return the part of a comment in its value's line and that in the lines below it; None for one that is not."""
    from ruamel.yaml.tokens import CommentToken

    same_line, newline, below = token.value.partition("\n")
    if not below:
        return token, None
    first = CommentToken(same_line + newline, token.start_mark, column=token.column) if same_line else None
    return first, CommentToken(newline + below, token.start_mark, column=0)


def _dump(content: Any) -> str:
    stream = io.StringIO()
    _yaml().dump(content, stream)
    return stream.getvalue()


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10**6  # long paths stay on one line
    return yaml
