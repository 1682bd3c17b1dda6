"""OmegaConf's complaints about the value of an option, in words: what was found and what is needed."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from omegaconf.errors import (
    ConfigTypeError,
    InterpolationKeyError,
    InterpolationResolutionError,
    OmegaConfBaseException,
    ValidationError,
)

_WORDS: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def value_error(exc: BaseException) -> str:
    """Return a sentence on the value that `exc` is about; "" if it is about something else or an unknown type."""
    if match := re.search(r"Ambiguous value for argument '(.+?)=(.+)'", str(exc)):
        key, value = match.groups()
        return (
            f"{key}={value} holds several values; one is needed. To try one after the other, add -m; where a list is "
            f"taken, write '{key}=[{value}]', where a text, \"{key}='{value}'\"."
        )
    for cause in causes(exc):
        if isinstance(cause, InterpolationKeyError):
            missing = str(cause).splitlines()[0]
            return f"{cause.full_key} refers to another option, but: {missing[0].lower()}{missing[1:]}."
        if isinstance(cause, InterpolationResolutionError):
            return f"the reference in {cause.full_key} cannot be followed: {str(cause).splitlines()[0]}."
        if isinstance(cause, ValidationError) and cause.full_key:
            return _wrong_value(cause)
        if isinstance(cause, ConfigTypeError) and "does not support deletion" in str(cause):
            return f"{cause.full_key} cannot be taken away, the step needs it. Leave it out for its default."
    return ""


def causes(exc: BaseException | None) -> Iterator[BaseException]:
    """Return `exc`, what caused it, what caused that, and so on."""
    while exc is not None:
        yield exc
        exc = exc.__cause__


def _wrong_value(exc: OmegaConfBaseException) -> str:
    option, value = str(exc.full_key), getattr(exc, "value", None)
    kind = _type_of(exc, option)
    if kind is None:
        return ""
    shown = "null" if value is None else repr(value)
    return f"{option} is {shown}; {needed}." if (needed := _needed(kind, option, value)) else ""


def _type_of(exc: OmegaConfBaseException, option: str) -> Any:
    """Return the annotation of the option that `exc` is about, None if it has none."""
    holder: Any = exc.object_type
    if holder is not None and is_dataclass(holder):
        name = option.rpartition(".")[2]
        return get_type_hints(holder).get(name)
    if option.endswith("]"):  # an element of a list
        allowed, _ = _without_none(exc.ref_type)
        return (get_args(allowed[0]) or (None,))[0]
    return None


def _without_none(kind: Any) -> tuple[list[Any], bool]:
    """Return the types that an annotation allows besides None, and whether it allows None."""
    if get_origin(kind) not in (Union, types.UnionType):
        return [kind], False
    others = [one for one in get_args(kind) if one is not type(None)]
    return others, len(others) < len(get_args(kind))


def _needed(kind: Any, option: str, value: Any) -> str:
    allowed, optional = _without_none(kind)
    or_null = ", or null" if optional else ""
    if all(one in _WORDS for one in allowed):
        return f"{' or '.join(_WORDS[one] for one in allowed)} is needed{or_null}"
    only = allowed[0]
    if isinstance(only, type) and issubclass(only, Enum):
        return f"{' or '.join(only.__members__)} is needed{or_null}"
    if is_dataclass(only):
        names = [field.name for field in fields(only)]
        return f"it is a group of options, set one by one: {option}.{names[0]}=... ({', '.join(names)})"
    if get_origin(only) in (list, tuple):
        return f"a list is needed, like {option}=[{'A,B' if value is None else value}]{or_null}"
    return ""
