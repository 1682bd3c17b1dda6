"""The command ``dlc``: one word per step of the protocol.

A plain run composes its configuration and runs in this process; ``-m`` hands the enumeration to Hydra, whose jobs are
child processes. Nothing heavy is imported before a verb needs it.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from dlc_core import __version__
from dlc_core.console import Outcome, say, show_tracebacks, stdout_for_data, warn
from dlc_core.errors import DlcError, ProjectError
from dlc_core.overrides import quote, quote_free_values, sort_tokens
from dlc_core.verbs import VERBS, Verb, settings_of

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_IN_BROWSER = {"extract-frames": "label", "extract-outliers": "refine"}
_STEPS = [word for verb in VERBS for word in (verb.command, _IN_BROWSER.get(verb.command)) if word]
_ORDER = ["create-project", "add-videos", *_STEPS, "gui", "config", "plugins", "doctor", "demo"]

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)

USER_ERROR, OUR_ERROR, INTERRUPTED = 2, 1, 130

project_option = click.option(
    "-p", "--project", "project_path", help="Folder of the project; else the nearest one upwards."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask, go on.")
manual_option = click.option("--manual", is_flag=True, help="Do it by hand, in the browser.")
debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")


def browser_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that can open the browser application."""
    for option in (
        click.option("--no-open", is_flag=True, help="Do not open a browser."),
        click.option("--host", default="127.0.0.1", show_default=True, help="Address; others let others in."),
        click.option("--port", type=click.IntRange(0, 65535), help="Port; the project's own, else one from 8088 on."),
    ):
        command = option(command)
    return command


def _as_it_is(command: Command) -> Command:
    return command


class Protocol(click.Group):
    """The verbs in the order of the protocol, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names of all verbs."""
        return sorted(self.commands, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the near verb for a misspelt one."""
        from dlc_core.errors import suggest

        if args and not args[0].startswith("-") and args[0] not in self.commands:
            names = ", ".join(self.commands)
            raise click.UsageError(
                f"there is no command {args[0]!r}. {suggest(args[0], self.commands)}Commands: {names}."
            )
        return super().resolve_command(ctx, args)


class Step(click.Command):
    """A verb whose words are overrides and files."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep ``--``, which click would swallow: it ends the overrides."""
        end = args.index("--") if "--" in args else len(args)
        try:
            rest = super().parse_args(ctx, args[:end])
        except click.NoSuchOption as exc:
            raise click.UsageError(_as_override(str(ctx.info_name), exc.option_name, args[:end])) from exc
        ctx.params["tokens"] = (*(ctx.params.get("tokens") or ()), *args[end:])
        return rest


def _as_override(command: str, dashed: str, words: Sequence[str]) -> str:
    """Say how ``--steps 20`` is written."""
    from dlc_core.option_names import option_meant
    from dlc_core.verbs import verb_named

    name = option_meant(verb_named(command), dashed.lstrip("-")) or "name"
    place = next((at for at, word in enumerate(words) if word.split("=")[0] == dashed), len(words))
    _, _, value = words[place].partition("=") if place < len(words) else ("", "", "")
    follows = words[place + 1] if not value and place + 1 < len(words) else ""
    value = value or ("" if follows.startswith("-") or "=" in follows else follows) or "value"
    return (
        f"there is no option {dashed}: options of a step are written name=value, like {name}={value}. "
        f"`dlc {command} --help` lists them."
    )


HELP = """Markerless pose estimation: label 20-200 frames, get every body part in every frame.

\b
create-project -> extract-frames -> label -> check-labels -> create-dataset
-> train -> evaluate -> analyze -> filter -> plot, label-video
-> extract-outliers -> refine -> merge -> create-dataset -> train -> ...

Options of a step are written name=value: `dlc train backbone=resnet101 head.locref_weight=0.1`. Several values with
-m make a sweep. `dlc VERB --help` lists a step's options, `dlc plugins` everything that can be chosen.
"""


@click.group(cls=Protocol, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dlc-core")
def dlc() -> None:
    """Collect the verbs."""


def run_verb(verb: Verb, project_path: str | None, tokens: Sequence[str], multirun: bool = False) -> Outcome:
    """Run one configured step, as the command line does."""
    overrides, arguments = sort_tokens(tokens)
    overrides = quote_free_values(overrides, multirun)
    if arguments and not verb.arguments:
        raise click.UsageError(
            f"{arguments[0]!r} is no option of `dlc {verb.command}`: options are written name=value, and "
            "it takes no files."
        )
    project = find_project(verb, project_path, overrides)
    if multirun:
        return _sweep(verb, project, overrides, arguments)
    from dlc_core.api import run_step
    from dlc_core.sweep import write_result

    outcome = run_step(verb.name, project, overrides, arguments)

    write_result(outcome.data)
    return outcome


def find_project(verb: Verb, path: str | None, overrides: Sequence[str]) -> Project | None:
    """Return the project of this command; None for a verb that can do without and is told a run's folder or a file."""
    from dlc_core.project.project import Project

    project = Project.chosen(path)
    if project is not None or (verb.without_project and any(text.startswith(("run=", "file=")) for text in overrides)):
        return project
    try:
        return Project.find()  # raises, naming the folders searched
    except ProjectError as exc:
        if not verb.without_project:
            raise
        named = "run=/path/to/run" + (" or file=POSES" if "file" in settings_of(verb).__dataclass_fields__ else "")
        raise ProjectError(f"{exc} Outside a project, `dlc {verb.command}` needs {named}.") from exc


def _sweep(verb: Verb, project: Project | None, overrides: list[str], arguments: Sequence[str]) -> Outcome:
    from dlc_core.sweep import evaluation_of, report, run_sweep
    from dlc_core.sweep_folder import claimed_folder, take_name
    from dlc_core.sweep_search import require_objective

    name, overrides = take_name(verb, overrides)
    require_objective(verb, project, overrides)
    with claimed_folder(verb, project, overrides, name) as folder:
        say(f"Sweep {folder.name}: jobs and their logs in {folder}")
        fixed = [f"sweep={quote(folder.name)}"] if verb.name == "train" else []
        results = run_sweep(verb, project.root if project else None, overrides, arguments, folder, fixed)
    failed = report(results)
    jobs = [
        {
            "number": job.number,
            "overrides": job.overrides,
            "exit_code": job.exit_code,
            "folder": str(job.folder),
            "result": job.found,
        }
        for job in results
    ]
    next_step = evaluation_of(results, folder.name) if verb.name == "train" else ""
    return Outcome({"sweep": folder.name, "jobs": jobs}, next_step, failed)


def finish(outcome: Outcome, as_json: bool) -> None:
    """Print what a command hands back, and exit with 2 if some of several things failed."""
    if as_json:
        print(json.dumps(outcome.data, indent=2, default=str))
    if outcome.next_step:
        say(f"Next: {outcome.next_step}")
    if outcome.failed:
        which = "one thing" if outcome.failed == 1 else f"{outcome.failed} things"
        sys.exit(_complain(f"{which} failed; the notes above say why.", USER_ERROR))


def _add(verb: Verb) -> None:
    @dlc.command(verb.command, cls=Step, help=verb.summary, short_help=verb.summary, add_help_option=False)
    @click.argument("tokens", nargs=-1, type=click.UNPROCESSED, shell_complete=_complete)
    @click.option("-m", "--multirun", is_flag=True, help="Run every combination of comma-separated values.")
    @click.option("-h", "--help", "wants_help", is_flag=True, help="Show the options and their values.")
    @project_option
    @json_option
    @debug_option
    @(yes_option if verb.asks else _as_it_is)
    @(manual_option if verb.page else _as_it_is)
    @(browser_options if verb.page else _as_it_is)
    def command(
        tokens: tuple[str, ...],
        multirun: bool,
        wants_help: bool,
        project_path: str | None,
        as_json: bool,
        yes: bool = False,
        manual: bool = False,
        **browser: Any,
    ) -> None:
        if yes:
            tokens = ("yes=true", *tokens)
        if wants_help:
            from dlc_core.help import verb_help

            print(verb_help(verb, project_path, tokens))
            return
        if manual:
            _open_by_hand(verb, project_path, tokens, **browser)
            return
        if browser:
            _refuse_without_by_hand(browser)
        if as_json:
            click.get_current_context().with_resource(stdout_for_data())
        finish(run_verb(verb, project_path, tokens, multirun), as_json)


def _refuse_without_by_hand(names: Iterable[str]) -> None:
    """Raise a usage error if an option of the browser was given to a step that runs without it."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is for --manual, which opens the browser. Add --manual, or leave it out.")


def _open_by_hand(
    verb: Verb, project_path: str | None, tokens: Sequence[str], port: int | None, host: str, no_open: bool
) -> None:
    """Open the page on which a step is done by hand, with the video that was named."""
    from dlc_core.browser import open_page
    from dlc_core.frames.extract import chosen_videos
    from dlc_core.project.project import Project

    overrides, arguments = sort_tokens(tokens)
    if overrides or len(arguments) > 1:
        extra = [*overrides, *arguments[1:]][0]
        raise click.UsageError(
            f"{extra!r} means nothing with --manual, which takes one video and no options: a person chooses. "
            "Leave it out, or leave out --manual."
        )
    project = Project.chosen(project_path) or Project.find()
    query = {"video": next(iter(chosen_videos(project, arguments))).name} if arguments else {}
    finish(open_page(project, verb.page, query, host=host, port=port, opens=not no_open), False)


def _complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete ``group=choice`` and option names; never fails a shell."""
    from dlc_core.help import completions, typed_in_bash

    prefix, value = typed_in_bash(os.environ, incomplete)
    return [text.removeprefix(prefix) for text in completions(str(ctx.info_name), prefix + value)]


def main() -> None:
    """Run ``dlc``: errors of the user are one line and exit code 2, ours are 1."""
    warnings.showwarning = _show_warning
    from dlc_core import commands, gui_commands  # noqa: F401 - add the verbs that are plain click commands

    debug = "--debug" in sys.argv
    show_tracebacks(debug)
    if not debug:
        sys.excepthook = _one_line
    try:
        dlc.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as exc:
        print(exc.format_message(), file=sys.stderr)
        sys.exit(USER_ERROR)
    except click.exceptions.Exit as exc:
        sys.exit(exc.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except click.UsageError as exc:
        sys.exit(_complain(exc.format_message(), USER_ERROR))
    except click.ClickException as exc:
        sys.exit(_complain(exc.format_message(), USER_ERROR))
    except DlcError as exc:
        if debug:
            traceback.print_exc()
        sys.exit(_complain(str(exc), USER_ERROR))
    except KeyboardInterrupt:
        sys.exit(_complain("interrupted", INTERRUPTED))
    except BrokenPipeError:
        sys.exit(OUR_ERROR)


def _one_line(_kind: type[BaseException], exc: BaseException, _where: object) -> None:
    """Print a bug of ours as one line; the interpreter then exits with 1."""
    text = f"{type(exc).__name__}: {' '.join(str(exc).split())}"
    _complain(f"internal error, {text}. Run it with --debug and report the traceback.", OUR_ERROR)


def _complain(message: str, code: int) -> int:
    print(f"Error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    return code


def _show_warning(message: Warning | str, category: type[Warning], *_where: object, **_more: object) -> None:
    """Show our own warnings as notes; keep quiet about those meant for the authors of libraries."""
    if issubclass(category, RuntimeWarning | UserWarning) and not issubclass(category, DeprecationWarning):
        warn(" ".join(str(message).split()))


for _verb in VERBS:
    _add(_verb)
