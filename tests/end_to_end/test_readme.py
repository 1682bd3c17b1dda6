"""The commands of the README are run as they stand there; only training is told to be short."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from dlc_core.demo.generate import generate_video
from dlc_core.labels.csv_file import read_csv, write_csv
from dlc_core.labels.table import LabelTable
from dlc_core.overrides import quote_free_values, sort_tokens
from dlc_core.verbs import VERBS

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def block_commands(text: str) -> list[str]:
    """Return the lines of code blocks, without comments."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = (line.split("#")[0].strip() for kind, block in blocks if not kind for line in block.splitlines())
    return [line for line in lines if line]


def section(title: str) -> str:
    return re.split(r"^## ", README.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


def table_commands() -> list[str]:
    rows = re.findall(r"^\|[^|]*\| `(dlc [^`]*)` \|$", section("The protocol"), re.MULTILINE)
    assert len(rows) > 8
    return rows


def test_the_protocol_of_the_readme_runs_as_it_stands_there(dlc, small, tmp_path):
    truths = {
        f"reach{number}": generate_video(tmp_path / f"reach{number}.mp4", frames=30, height=96, width=128, seed=number)
        for number in (1, 2)
    }
    commands = block_commands(section("The protocol"))
    assert commands[0].startswith("dlc create-project")
    assert commands[1].startswith("cd ")
    dlc(tmp_path, *shlex.split(commands[0])[1:])
    (project,) = tmp_path.glob(shlex.split(commands[1])[1])
    # The README links; a project that travels holds its videos.
    for link in (project / "videos").iterdir():
        source = link.resolve()
        link.unlink()
        shutil.copy(source, link)
    for command in commands[2:]:
        words = shlex.split(command)[1:]
        extra = {"train": [*small, "training.steps=2"], "extract-frames": ["n=6"]}.get(words[0], [])
        dlc(project, *words, *extra)
        if words[0] == "extract-frames":
            label(project, truths)
    assert len(list((project / "videos").glob("*_labeled.mp4"))) == 2
    tables = [table.name for table in (project / "videos").glob("*.h5")]
    assert sum("_filtered" in name for name in tables) == 2
    assert sum("_filtered" not in name for name in tables) == 4


def label(project: Path, truths: dict) -> None:
    """Do what a person does between two commands."""
    for folder in (project / "labeled-data").iterdir():
        images = sorted(path.name for path in folder.glob("img*.png"))
        points = truths[folder.name].keypoints[[int(name[3:-4]) for name in images]][:, :, :3].astype(float)
        names = tuple(f"labeled-data/{folder.name}/{name}" for name in images)
        write_csv(LabelTable("ada", names, ("hand", "finger1", "finger2"), points), folder / "CollectedData_ada.csv")


def test_the_labels_of_the_readme_are_read(tmp_path):
    (text,) = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "CollectedData_ada.csv"
    path.write_text(text)
    table = read_csv(path)
    assert (table.scorer, table.bodyparts) == ("ada", ("hand", "finger1", "finger2"))
    assert table.images == ("labeled-data/reach1/img004.png",)


@pytest.mark.parametrize("command", table_commands())
def test_every_command_of_the_table_composes(command):
    from dlc_core.plugin_api.hydra_bridge import compose

    words = shlex.split(command)[1:]
    if words == ["plugins", "--check"]:
        return
    verb = next(verb for verb in VERBS if verb.command == words[0])
    multirun = "-m" in words
    overrides, _ = sort_tokens([word for word in words[1:] if word != "-m"])
    if multirun:  # each value of a sweep on its own; the launcher is Hydra's business
        overrides = [text.split(",")[0] for text in overrides if not text.startswith("hydra/")]
    composed = compose(verb.name, quote_free_values(overrides))
    assert composed.config


def test_the_python_of_the_readme_runs_as_it_stands_there(labelled, video, small, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", section("The protocol"), re.DOTALL)
    (name,) = re.findall(r'"(reaching-ada-[\d-]+)"', code)
    project = Path(shutil.copytree(labelled, tmp_path / name, symlinks=True))
    shutil.copy(video[0], project / "videos" / "reach1.mp4")
    short, changes = re.subn("maxiters=5000, overrides=.*?]", f"maxiters=2, overrides={list(small)}", code)
    assert changes == 1
    monkeypatch.chdir(tmp_path)
    exec(compile(short, "README.md", "exec"), {})
    tables = [table.name for table in (project / "videos").glob("reach1*.h5")]
    assert sorted("_filtered" in name for name in tables) == [False, True]
    assert list(project.glob("dlc-models-core/**/LabeledImages_*/*.png"))
