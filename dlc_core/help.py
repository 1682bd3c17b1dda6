"""What a verb can be told: help texts and shell completion, read from the composed configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlc_core.errors import DlcError
from dlc_core.verbs import VERBS, Verb


def verb_help(verb: Verb, project_path: str | None = None, tokens: Sequence[str] = ()) -> str:
    """Return the help of a verb: what can be chosen in each group, and every option with its value.

    With overrides (``dlc train backbone=my_net --help``) the options are those of the chosen components.
    """
    from dlc_core.overrides import quote_free_values, sort_tokens
    from dlc_core.plugin_api.hydra_bridge import Composed, compose, group_options
    from dlc_core.project.project import Project

    overrides, _ = sort_tokens(tokens)
    composed: Composed = compose(verb.name, quote_free_values(overrides), Project.chosen(project_path))
    files = f"{verb.arguments}... " if verb.arguments else ""
    lines = [f"Usage: dlc {verb.command} [-p PROJECT] [-m] {files}[name=value]..."]
    lines += ["", f"  {verb.summary}", "", "Choices:"]
    for group in _groups(composed):
        if names := group_options(group, verb.name):
            lines.append(f"  {group}: {', '.join(names)}")
    lines += ["", "Options, as they are now:"]
    options = {option: source for option, source in composed.sources.items() if option}
    values = flat(composed.plain())
    width = min(max((len(option) for option in options), default=0), 40)
    for option, source in options.items():
        origin = "" if source == "default" or source.endswith("(default)") else f"   ({source})"
        lines.append(f"  {option:{width}} = {values.get(option)}{origin}")
    lines += [
        "",
        "  -p, --project FOLDER   the project; else the nearest one upwards",
        "  -m, --multirun         run every combination of comma-separated values (hydra/launcher=joblib: at once)",
        "  --json                 print the result as JSON",
        "  --debug                show the traceback of an error",
    ]
    return "\n".join(lines)


def typed_in_bash(environment: Mapping[str, str], incomplete: str) -> tuple[str, str]:
    """Return (prefix, value) of the word under the cursor, of which bash hands over only the part after its ``=``.

    Bash splits words at ``=``: ``backbone=res`` arrives as ``backbone``, ``=``, ``res``, and what is offered replaces
    ``res`` alone. The prefix is ``backbone=`` then, and "" in other shells or before a ``=``.

    Parameters
    ----------
    environment : mapping of str to str
        With the variables of click's completion script: ``_DLC_COMPLETE``, ``COMP_WORDS`` (one a line), ``COMP_CWORD``.
    incomplete : str
        The word under the cursor as the shell sees it.
    """
    if not environment.get("_DLC_COMPLETE", "").startswith("bash"):
        return "", incomplete
    words, place = environment["COMP_WORDS"].split("\n"), int(environment["COMP_CWORD"])
    if place < len(words) and words[place] == "=":  # the cursor is right behind it
        place, incomplete = place + 1, ""
    if not 2 <= place <= len(words) or words[place - 1] != "=":
        return "", incomplete
    return f"{words[place - 2]}=", incomplete


def completions(command: str, incomplete: str) -> list[str]:
    """Return what `incomplete` could become: ``group=choice`` after a ``=``, else groups and options."""
    from dlc_core.plugin_api.hydra_bridge import compose, group_options

    verb = next((verb for verb in VERBS if verb.command == command), None)
    if verb is None:
        return []
    try:
        composed = compose(verb.name)
    except DlcError:
        return []
    groups = _groups(composed)
    group, equals, _ = incomplete.partition("=")
    if equals:
        names = [f"{group}={choice}" for choice in group_options(group, verb.name)] if group in groups else []
    else:
        names = [f"{name}=" for name in (*groups, *composed.sources)]
    return sorted({name for name in names if name.startswith(incomplete)})


def _groups(composed: object) -> list[str]:
    from dlc_core.plugin_api.hydra_bridge import Composed

    assert isinstance(composed, Composed)
    return [*dict.fromkeys([*composed.choices, "experiment"])]


def flat(node: object, prefix: str = "") -> dict[str, object]:
    """Return every leaf of nested dictionaries by its dotted name."""
    if isinstance(node, dict) and node:
        return {key: value for name, child in node.items() for key, value in flat(child, f"{prefix}{name}.").items()}
    return {prefix[:-1]: node}
