"""The verbs that are plain commands: making a project, and looking at the installation."""

from __future__ import annotations

import itertools
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click

from dlc_core.cli import USER_ERROR, debug_option, dlc, finish, json_option, project_option
from dlc_core.console import Outcome, counted, say, stdout_for_data
from dlc_core.errors import PluginError
from dlc_core.verbs import VERBS, verb_named


@dlc.command("create-project")
@click.argument("name")
@click.argument("experimenter")
@click.argument("videos", nargs=-1)
@click.option("-d", "--working-directory", default=".", help="Where the project's folder is made.")
@click.option("--copy-videos", is_flag=True, help="Copy the videos instead of linking to them.")
@click.option("--bodyparts", help="Names of the body parts, separated by commas.")
@click.option("--from-labels", "labels", help="A CollectedData csv with its images: make a project from them.")
@debug_option
def create_project(
    name: str,
    experimenter: str,
    videos: tuple[str, ...],
    working_directory: str,
    copy_videos: bool,
    bodyparts: str | None,
    labels: str | None,
) -> None:
    """Make a project's folders and its config.yaml."""
    from dlc_core.project import create

    if labels is not None:
        from dlc_core.labels.from_labels import project_from_labels

        if bodyparts:
            raise click.UsageError("--bodyparts and --from-labels exclude each other: the table names the body parts.")
        project = project_from_labels(
            Path(labels), name=name, experimenter=experimenter, working_directory=Path(working_directory)
        )
        if videos:
            create.add_videos(project, list(videos), copy_videos=copy_videos)
    else:
        names = [part.strip() for part in bodyparts.split(",") if part.strip()] if bodyparts else None
        project = create.create_project(
            name, experimenter, list(videos), Path(working_directory), copy_videos=copy_videos, bodyparts=names
        )
    say(f"Project: {project.root}")
    step = "check-labels" if labels else "extract-frames"
    hint = "" if labels or bodyparts else f"edit the body parts in {project.root / 'config.yaml'}, then "
    finish(Outcome({"project": str(project.root)}, f"{hint}cd {shlex.quote(str(project.root))} && dlc {step}"), False)


@dlc.command("add-videos")
@click.argument("videos", nargs=-1, required=True)
@click.option("--copy-videos", is_flag=True, help="Copy the videos instead of linking to them.")
@project_option
@debug_option
def add_videos(videos: tuple[str, ...], copy_videos: bool, project_path: str | None) -> None:
    """Add videos to a project."""
    from dlc_core.project import create
    from dlc_core.project.project import Project

    project = Project.chosen(project_path) or Project.find()
    create.add_videos(project, list(videos), copy_videos=copy_videos)
    finish(Outcome({"project": str(project.root)}, "dlc extract-frames"), False)


@dlc.command("plugins")
@click.option("--check", is_flag=True, help="Import the code of every component, too; exit with 2 if one fails.")
@json_option
@debug_option
def plugins(check: bool, as_json: bool) -> None:
    """List what is installed: distributions, components, presets, and what failed to load."""
    from dlc_core.plugin_api.discovery import load_plugins
    from dlc_core.plugin_api.listing import format_listing, make_listing

    listing = make_listing(load_plugins(), check)
    print(json.dumps(listing.as_json(), indent=2) if as_json else format_listing(listing))
    if listing.code_failures:
        raise PluginError(
            f"the code of {counted(len(listing.code_failures), 'component')} cannot be imported; the lines with FAILED "
            "say why. Install what is missing."
        )


@dlc.command("config")
@click.argument("verb", type=click.Choice([verb.command for verb in VERBS]))
@click.argument("tokens", nargs=-1)
@project_option
@json_option
@debug_option
def config(verb: str, tokens: tuple[str, ...], project_path: str | None, as_json: bool) -> None:
    """Show the options a step would run with, and where each value comes from."""
    from dlc_core.help import flat
    from dlc_core.overrides import quote_free_values, sort_tokens
    from dlc_core.plugin_api.hydra_bridge import compose
    from dlc_core.project.project import Project

    if as_json:
        click.get_current_context().with_resource(stdout_for_data())
    project = Project.chosen(project_path)
    composed = compose(verb_named(verb).name, quote_free_values(sort_tokens(tokens)[0]), project)
    if as_json:
        print(
            json.dumps({"config": composed.plain(), "choices": composed.choices, "sources": composed.sources}, indent=2)
        )
        return
    for option, value in flat(composed.plain()).items():
        print(f"{option} = {value}   ({composed.sources.get(option, 'default')})")


@dlc.command("doctor")
@click.argument("videos", nargs=-1)
@json_option
@debug_option
def doctor(videos: tuple[str, ...], as_json: bool) -> None:
    """Check this machine, and videos: frames by metadata against readable frames, seeking."""
    from dlc_core.video.doctor import examine

    findings = examine([Path(video) for video in videos])
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2, default=str))
    else:
        for finding in findings:
            print(f"{finding.level:5}  {finding.text}")
    if any(finding.level == "error" for finding in findings):
        sys.exit(USER_ERROR)


@dlc.command("demo")
@click.argument("folder", required=False)
@click.option("--seed", default=0, show_default=True, help="Of the animal, the split and the training.")
@click.option("--minutes", default=1.5, show_default=True, help="Of training; the rest takes about one more.")
@json_option
@debug_option
def demo(folder: str | None, seed: int, minutes: float, as_json: bool) -> None:
    """Run the whole protocol on a generated animal whose true keypoints are known; FOLDER is new (demo-project)."""
    from dlc_core.demo.run import demo as run_demo

    if as_json:
        click.get_current_context().with_resource(stdout_for_data())
    place = Path(folder) if folder else _first_free("demo-project")
    finish(run_demo(place, seed=seed, minutes=minutes), as_json)


def _first_free(name: str) -> Path:
    candidates = (Path(name if number == 1 else f"{name}-{number}") for number in itertools.count(1))
    return next(path for path in candidates if not path.exists())
