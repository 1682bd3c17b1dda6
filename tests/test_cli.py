"""What a person at a terminal meets: help, exit codes, one line an error, where the project is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Dlc = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dlc(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dlc:
    """Return ``dlc(*words) -> (exit code, stdout, stderr)``, run in this process."""
    from dlc_core.cli import main

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dlc", *map(str, words)])
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        try:
            main()
            code = 0
        except SystemExit as exc:
            code = int(exc.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def project_root(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("Task: reach\nscorer: ada\ndate: Nov21\nbodyparts: [hand, finger]\n")
    (tmp_path / "labeled-data").mkdir()
    return tmp_path


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


def test_help_lists_the_verbs_in_the_order_of_the_protocol(dlc):
    code, out, _ = dlc("--help")
    assert code == 0
    verbs = [
        line.split()[0] for line in out.split("Commands:")[1].splitlines() if line.startswith("  ") and line[2:3] != " "
    ]
    assert verbs[:5] == ["create-project", "add-videos", "extract-frames", "label", "check-labels"]
    assert verbs.index("refine") == verbs.index("extract-outliers") + 1
    assert verbs.index("train") < verbs.index("evaluate") < verbs.index("analyze") < verbs.index("plot")


def test_help_begins_with_the_steps_of_the_protocol_and_of_the_loop(dlc):
    _, out, _ = dlc("--help")
    chain = " ".join(line for line in out.splitlines() if "->" in line)
    steps = [step for step in chain.replace("->", " ").replace(",", " ").split() if step.strip(".")]
    once = (
        "create-project extract-frames label check-labels create-dataset train evaluate analyze filter plot label-video"
    )
    assert " ".join(steps) == f"{once} extract-outliers refine merge create-dataset train"
    assert set(steps) <= {line.split()[0] for line in out.split("Commands:")[1].splitlines() if line.strip()}


def test_a_misspelt_verb_names_the_near_one_and_exits_with_2(dlc):
    code, _, err = dlc("trian")
    assert code == 2
    assert "Did you mean 'train'" in one_line(err)


@pytest.mark.parametrize("verb", ["extract-frames", "check-labels", "create-dataset", "train", "evaluate", "plot"])
def test_a_verb_outside_any_project_names_the_folders_searched(dlc, tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    code, _, err = dlc(verb)
    assert code == 2
    assert str(tmp_path) in one_line(err)
    assert "-p" in one_line(err)


def test_a_file_given_to_a_verb_that_takes_none_is_one_clear_line(dlc, project_root):
    code, _, err = dlc("train", "-p", project_root, "video.mp4")
    assert code == 2
    assert "name=value" in one_line(err)


def test_an_option_that_does_not_exist_is_one_line_with_the_near_name(dlc, project_root):
    code, _, err = dlc("train", "-p", project_root, "training.stesp=3")
    assert code == 2
    assert "Did you mean 'steps'" in one_line(err)


@pytest.mark.parametrize(
    "verb",
    [
        "extract-frames",
        "check-labels",
        "create-dataset",
        "train",
        "evaluate",
        "analyze",
        "export",
        "plot",
        "label-video",
    ],
)
def test_the_help_of_every_verb_shows_its_options_with_values(dlc, project_root, monkeypatch, verb):
    monkeypatch.chdir(project_root)
    code, out, _ = dlc(verb, "--help")
    assert code == 0
    assert f"Usage: dlc {verb}" in out
    assert out.count(" = ") > 2


def test_the_help_of_train_lists_backbones_and_presets_and_follows_the_choice(dlc, project_root):
    _, out, _ = dlc("train", "-p", project_root, "backbone=timm", "augmenter=scalecrop", "--help")
    choices = next(line for line in out.splitlines() if line.startswith("  backbone:"))
    assert "resnet50" in choices
    assert "timm" in choices
    assert "augmenter.cropratio" in out


def test_config_says_where_each_value_comes_from(dlc, project_root):
    with (project_root / "config.yaml").open("a") as file:
        file.write("default_net_type: resnet_101\n")
    code, out, _ = dlc("config", "train", "-p", project_root, "seed=5")
    assert code == 0
    assert "seed = 5   (command line)" in out
    assert "config.yaml: default_net_type" in out


def test_plugins_as_json_lists_components_with_their_provider(dlc):
    code, out, _ = dlc("plugins", "--json")
    listing = json.loads(out)
    assert code == 0
    assert {"deconv"} <= {row["name"] for row in listing["components"] if row["kind"] == "head"}
    assert "resnet50" in listing["presets"]["backbone"]
    assert all(row["provider"] and row["summary"] for row in listing["components"])


def test_create_project_makes_a_project_and_says_what_comes_next(dlc, tmp_path, monkeypatch):
    from dlc_core.demo.generate import generate_video

    generate_video(tmp_path / "a b=1.mp4", frames=10, height=64, width=96, seed=0)
    monkeypatch.chdir(tmp_path)
    code, out, _ = dlc("create-project", "reach", "ada", "a b=1.mp4", "--bodyparts", "hand, finger")
    assert code == 0
    assert "Next: cd " in out
    assert "extract-frames" in out
    (root,) = tmp_path.glob("reach-ada-*")
    assert "hand" in (root / "config.yaml").read_text()
    code, _, err = dlc("create-project", "reach", "ada", "a b=1.mp4")
    assert code == 2
    assert "exists" in one_line(err)


def test_after_a_command_with_json_the_next_one_prints_to_stdout_again(dlc, project_root, tmp_path, monkeypatch):
    from dlc_core.demo.generate import generate_video

    generate_video(tmp_path / "a.mp4", frames=10, height=64, width=96, seed=0)
    monkeypatch.chdir(tmp_path)
    code, out, _ = dlc("config", "train", "-p", project_root, "--json")
    assert code == 0 and "config" in json.loads(out)
    code, out, _ = dlc("create-project", "reach", "Zoë", "a.mp4", "--bodyparts", "hand")
    assert code == 0 and "Next: cd " in out


def test_doctor_reports_versions_and_a_bad_video_as_an_error(dlc, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"not a video")
    code, out, _ = dlc("doctor", bad)
    assert code == 2
    assert "torch" in out
    assert "bad.mp4" in out


def test_what_one_of_several_videos_failed_of_has_its_traceback_with_debug(dlc, project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    for words, shown in (((), False), (("--debug",), True), ((), False)):
        code, _, err = dlc("export", "absent.mp4", *words)
        assert code == 2
        assert "Note: " in err
        assert ("Traceback" in err) is shown


def test_a_bug_of_ours_is_one_line_and_exit_code_1():
    program = (
        "import sys; sys.argv = ['dlc', 'plugins']\n"
        "import dlc_core.plugin_api.listing as listing\n"
        "listing.make_listing = None\n"
        "from dlc_core.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "internal error" in one_line(done.stderr)


def test_a_double_dash_ends_the_overrides(dlc, project_root):
    code, _, err = dlc("plot", "-p", project_root, "pcutoff=0.3", "--", "trial=3.mp4", "-x.mp4")
    assert code == 2
    assert "trial=3.mp4" in err
    assert "-x.mp4" in err
    assert "no option" not in err
    code, _, err = dlc("train", "-p", project_root, "--", "seed=3")
    assert "'seed=3' is no option of `dlc train`" in one_line(err)


def test_a_project_that_is_named_and_is_none_is_an_error_for_help_as_well(dlc, project_root, tmp_path, monkeypatch):
    monkeypatch.chdir(project_root)
    for words in (["train", "--help"], ["config", "train"], ["train"], ["add-videos", "a.mp4"]):
        code, _, err = dlc(*words, "-p", tmp_path / "nowhere")
        assert code == 2
        assert "nowhere does not exist" in one_line(err)
    (project_root / "config.yaml").write_text("Task: reach\nscorer: ada\nbodyparts: 3\n")
    code, _, err = dlc("train", "--help")
    assert code == 2
    assert "bodyparts" in one_line(err)


def test_a_value_that_cannot_be_read_comes_back_quoted(dlc, project_root):
    code, _, err = dlc("train", "-p", project_root, "backbone.model=#1")
    assert code == 2
    assert "\"backbone.model='#1'\"" in one_line(err)
    code, _, err = dlc("train", "-p", project_root, "backbone.model=net(x)")
    assert "\"backbone.model='net(x)'\"" in one_line(err)


def test_completion_offers_choices_of_a_group_and_option_names():
    from dlc_core.help import completions

    assert {"backbone=resnet50", "backbone=resnet101"} <= set(completions("train", "backbone=res"))
    assert "training.steps=" in completions("train", "training.")
    assert completions("train", "nonsense=") == []


@pytest.mark.parametrize(
    ("words", "expected", "not_expected"),
    [
        (["train", "backbone", "=", "res"], "plain,resnet101", "plain,resume="),
        (["train", "backbone", "="], "plain,timm", "plain,resume="),
        (["train", "seed", "=", "3", "augmenter", "=", "scale"], "plain,scalecrop", "plain,imgaug"),
        (["train", "res"], "plain,resume=", "plain,resnet101"),
    ],
)
def test_bash_which_splits_words_at_the_equals_sign_is_offered_the_rest_of_the_word(
    dlc, monkeypatch, words, expected, not_expected
):
    monkeypatch.setenv("_DLC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "\n".join(["dlc", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    _, out, err = dlc()
    assert expected in out.splitlines(), err
    assert not_expected not in out.splitlines()


def test_zsh_which_does_not_is_offered_whole_words(dlc, monkeypatch):
    monkeypatch.setenv("_DLC_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", "dlc train backbone=resnet1")
    monkeypatch.setenv("COMP_CWORD", "2")
    _, out, err = dlc()
    assert "backbone=resnet101" in out.splitlines(), err


def test_dlc_alone_prints_the_help_as_it_stands(dlc):
    _, helped, _ = dlc("--help")
    code, out, err = dlc()
    assert code == 2
    assert (out + err).strip() == helped.strip()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plot", "file=poses.h5"], "poses.h5"),
        (["label-video", "file=poses.h5"], "poses.h5"),
        (["export", "run=/no/run"], "run=/no/run is no run's folder"),
        (["plot"], "Outside a project, `dlc plot` needs run=/path/to/run or file=POSES."),
        (["export"], "Outside a project, `dlc export` needs run=/path/to/run."),
    ],
)
def test_steps_after_analyze_do_without_a_project_if_told_a_run_or_a_file(dlc, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").touch()
    code, _, err = dlc(*words, "a.mp4")
    assert code == 2
    assert said in err
    assert ("no project here:" in err) == (len(words) == 1)


def test_a_command_some_of_whose_items_failed_ends_with_an_error(dlc, project_root):
    (project_root / "a.mp4").touch()
    code, _, err = dlc("plot", "-p", project_root, project_root / "a.mp4")
    assert code == 2
    assert err.splitlines()[-1] == "Error: one thing failed; the notes above say why."
