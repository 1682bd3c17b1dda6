"""What a verb can be told: help texts and shell completion, read from the composed configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlc_core.errors import DlcError
from dlc_core.verbs import VERBS, Verb, settings_of

if TYPE_CHECKING:
    from dlc_core.option_docs import OptionDoc
    from dlc_core.plugin_api.hydra_bridge import Composed


def verb_help(verb: Verb, project_path: str | None = None, tokens: Sequence[str] = ()) -> str:
    """Return the help of a verb: what can be chosen in each group, and every option with its value.

    With overrides (``dlc train backbone=my_net --help``) the options are those of the chosen components.
    """
    from dlc_core.overrides import quote_free_values, sort_tokens
    from dlc_core.plugin_api.hydra_bridge import compose, group_options
    from dlc_core.project.project import Project

    overrides, _ = sort_tokens(tokens)
    composed = compose(verb.name, quote_free_values(overrides), Project.chosen(project_path))
    files = f"[{verb.arguments}]... " if verb.arguments else ""
    lines = [f"Usage: dlc {verb.command} [-p PROJECT] [-m] {files}[name=value]..."]
    lines += ["", f"  {verb.summary}"]
    offered = {group: names for group in choice_groups(verb, composed) if (names := group_options(group, verb.name))}
    if offered:
        lines += ["", "Choices:", *(f"  {group}: {', '.join(names)}" for group, names in offered.items())]
    lines += ["", "Options, as they are now:", *_option_lines(verb, composed)]
    lines += [""]
    if verb.page:
        lines += ["  --manual               choose by hand in the browser (--port, --host, --no-open as for `dlc gui`)"]
    if verb.asks:
        lines += ["  -y, --yes              do not ask, go on (for scripts)"]
    lines += [
        "  -p, --project FOLDER   the project; else the nearest one upwards",
        "  -m, --multirun         run every combination of comma-separated values (hydra/launcher=joblib: at once)",
        "  --json                 print the result as JSON",
        "  --debug                show the traceback of an error",
    ]
    return "\n".join(lines)


def _option_lines(verb: Verb, composed: Composed) -> list[str]:
    """Return two lines an option: its value here, and what it means."""
    from dlc_core.option_docs import doc_of

    docs, values, lines = documentation(verb, composed), flat(composed.plain()), []
    for option, source in composed.sources.items():
        if not option:
            continue
        origin = "" if source == "default" or source.endswith("(default)") else f"   ({source})"
        lines.append(f"  {option} = {values.get(option)}{origin}")
        doc = doc_of(option, docs)
        allowed = f"One of: {', '.join(doc.choices)}." if doc.choices else ""
        if meaning := f"{doc.meaning} {allowed}".strip():
            lines.append(f"      {meaning}")
    return lines


def documentation(verb: Verb, composed: Composed) -> dict[str, OptionDoc]:
    """Return what is documented of the options of a verb and of the components that were chosen."""
    from dlc_core.option_docs import OptionDoc, option_docs
    from dlc_core.plugin_api.discovery import load_plugins
    from dlc_core.plugin_api.kinds import KINDS

    found, plain = option_docs(settings_of(verb)), composed.plain()
    for kind in KINDS:
        nodes: Any = plain.get(f"{kind.group}s" if kind.many else kind.group) or {}
        for place, node in nodes.items() if kind.many else [(kind.group, nodes)]:
            where = f"{kind.group}s.{place}" if kind.many else place
            component = load_plugins().registry(kind.singular)[node["name"]].component if "name" in node else None
            if component is not None:
                found[f"{where}.name"] = OptionDoc(f"The component that was chosen, by {kind.group}=.")
                found |= {f"{where}.{name}": doc for name, doc in option_docs(component.config).items()}
    return found


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
    """Return what `incomplete` could become: groups and options, and after a ``=`` choices of a group or known values.

    Behind a comma (a sweep, a list in brackets) what could come next.
    """
    from dlc_core.plugin_api.hydra_bridge import compose, group_options

    verb = next((verb for verb in VERBS if verb.command == command), None)
    if verb is None:
        return []
    try:
        composed = compose(verb.name)
    except DlcError:
        return []
    groups = choice_groups(verb, composed)
    option, equals, typed = incomplete.partition("=")
    if equals:
        doc = documentation(verb, composed).get(option)
        known = group_options(option, verb.name) if option in groups else doc.choices if doc else ()
        before = typed[: max(typed.rfind(","), typed.rfind("[")) + 1]
        names = [f"{option}={before}{choice}" for choice in known]
    else:
        names = [f"{name}=" for name in (*groups, *composed.sources)]
    return sorted({name for name in names if name.startswith(incomplete)})


def choice_groups(verb: Verb, composed: Composed) -> list[str]:
    """Return the config groups in which something is chosen, or can be, as a detector in ``check-labels``."""
    from dlc_core.plugin_api.kinds import KINDS

    can_be = [kind.group for kind in KINDS if kind.group in settings_of(verb).__dataclass_fields__]
    return [*dict.fromkeys([*composed.choices, *can_be, "experiment"])]


def flat(node: object, prefix: str = "") -> dict[str, object]:
    """Return every leaf of nested dictionaries by its dotted name."""
    if isinstance(node, dict) and node:
        return {key: value for name, child in node.items() for key, value in flat(child, f"{prefix}{name}.").items()}
    return {prefix[:-1]: node}
