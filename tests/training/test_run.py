"""From options to a run's folder: what is written, what is refused; a resumed training is the uninterrupted one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
import yaml

from dlc_core.errors import CheckpointError, ConfigError, DataError, DiskError, RunError, RunTakenError
from dlc_core.labels.files import read_project_labels
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.address import RunAddress
from dlc_core.project.project import Project
from dlc_core.project.runs import Run, find_run
from dlc_core.training.checkpoint import load_checkpoint, load_model
from dlc_core.training.folder import LOCK_FILE, held
from dlc_core.training.log import read_log
from dlc_core.training.run import train as run_train

from .conftest import SMALL

WITH_DROPOUT = ("+backbone.model_options.drop_path_rate=0.3", "backbone.freeze_batchnorm=false")
"""The network draws random numbers and keeps running statistics: a resume must restore both."""


def weights(folder: Path, step: int) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(folder / f"snapshot_{step:07d}.ckpt").state_dict)


def assert_same_weights(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-7)  # the last bits of float32


def folder_of(project: Project, run: str) -> Path:
    return find_run(project, RunAddress(run=run)).folder


def test_a_run_writes_options_sources_log_record_and_snapshots(train, project, capsys):
    outcome = train("training.steps=7", "training.save_iters=3", "training.display_iters=2", "run=first")
    folder = Path(outcome.data["folder"])
    assert folder == project.models_folder() / "walkJan31-trainset75shuffle1" / "first"
    assert sorted(path.name for path in folder.iterdir()) == [
        next(folder.glob("best-on-test_*")).name,
        *("config.yaml", "log.csv", "run.yaml", "snapshot_0000003.ckpt", "snapshot_0000006.ckpt"),
        *("snapshot_0000007.ckpt", "sources.yaml"),
    ]
    assert [row["step"] for row in read_log(folder / "log.csv")] == ["2", "3", "4", "6", "7"]
    row = read_log(folder / "log.csv")[-1]
    assert float(row["loss"]) == pytest.approx(float(row["loss_scoremap"]) + 0.05 * float(row["loss_locref"]), rel=1e-4)
    record = yaml.safe_load((folder / "run.yaml").read_text())
    assert len(record["data_hash"]) == 16
    assert record["components"]["backbone"]["name"] == "timm"
    assert record["sessions"][0]["device"] == "cpu"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["training"]["steps"] == 7
    assert config["run"] == "first"
    assert yaml.safe_load((folder / "sources.yaml").read_text())["training.steps"] == "command line"
    out = capsys.readouterr().out
    for words in ("Project walk", "shuffle 1: 9 training, 3 test", "7 steps on a CPU", "training.minutes=", "first"):
        assert words in out
    assert outcome.next_step == "dlc evaluate"
    model, checkpoint = load_model(folder / "snapshot_0000007.ckpt", project.skeleton)
    assert checkpoint.step == 7
    assert model.preprocessing.global_scale == 1.0


def test_the_loss_falls(train):
    folder = Path(train("training.steps=40", "training.display_iters=10", "run=learn").data["folder"])
    losses = [float(row["loss"]) for row in read_log(folder / "log.csv")]
    assert losses[-1] < 0.85 * losses[0]


def test_a_taken_folder_is_refused_before_anything_is_written_in_it(train, project):
    train("training.steps=2", "run=mine")
    folder = folder_of(project, "mine")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RunError, match="resume=true"):
        train("training.steps=3", "run=mine")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_that_is_being_trained_is_neither_begun_nor_resumed_again(train, project):
    folder = project.models_folder() / "walkJan31-trainset75shuffle1" / "live"
    folder.mkdir(parents=True)
    with held(Run(folder)):  # another process, which has not written a row yet
        with pytest.raises(RunTakenError, match="the run live is being trained by process"):
            train("training.steps=2", "run=live")
        assert [path.name for path in folder.iterdir()] == [LOCK_FILE]
    train("training.steps=2", "run=live")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with held(Run(folder)), pytest.raises(RunTakenError, match="is being trained"):
        train("training.steps=4", "run=live", "resume=true")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["train", "test"])
def test_names_that_deeplabcut_uses_are_refused(train, name):
    with pytest.raises(RunError, match=name):
        train("training.steps=1", f"run={name}")


def test_accumulated_small_batches_make_the_steps_of_the_big_one(train):
    options = ("training.steps=4", "optimizer.name=sgd", "optimizer.lr=0.1")
    big = train(*options, "training.batch_size=8", "run=big").data
    cut = train(*options, "training.batch_size=2", "training.accumulate=4", "run=cut").data
    found, expected = weights(Path(cut["folder"]), 4), weights(Path(big["folder"]), 4)
    start = weights(Path(train("training.steps=1", "optimizer.lr=1e-12", "run=start").data["folder"]), 1)
    for name, value in expected.items():
        moved = (value.double() - start[name].double()).norm()
        # The order of float32 sums differs, and four steps on each other amplify it: a thousandth of the way moved.
        assert float((found[name].double() - value.double()).norm()) <= 1e-3 * float(moved) + 1e-6, name


def test_a_training_stopped_by_sigterm_and_resumed_is_the_uninterrupted_one(train, project, capsys):
    options = ("training.steps=40", "training.save_iters=5", "training.max_snapshots_to_keep=99", *WITH_DROPOUT)
    whole = Path(train(*options, "run=whole").data["folder"])
    stopped = project.models_folder() / "walkJan31-trainset75shuffle1" / "stopped"

    def stop_after_a_snapshot() -> None:
        while not (stopped / "snapshot_0000010.ckpt").exists():
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_after_a_snapshot, daemon=True).start()
    with pytest.raises(SystemExit) as ended:
        train(*options, "run=stopped")
    assert ended.value.code == 128 + signal.SIGTERM
    step = load_checkpoint(sorted(stopped.glob("snapshot_*"))[-1]).step
    assert 10 <= step < 40
    assert f"Stopped at step {step}" in capsys.readouterr().out
    torch.rand(3)  # whatever was drawn in between does not matter
    outcome = train("resume=true", "run=stopped", *options)
    assert outcome.data["step"] == 40
    assert_same_weights(weights(stopped, 40), weights(whole, 40))
    rows, expected = read_log(stopped / "log.csv"), read_log(whole / "log.csv")
    by_step = {row["step"]: row for row in rows}
    assert len(by_step) == len(rows)
    for row in expected:
        assert float(by_step[row["step"]]["learning_rate"]) == float(row["learning_rate"])
        if int(row["step"]) > step + 5:
            assert float(by_step[row["step"]]["loss"]) == pytest.approx(float(row["loss"]), rel=1e-4)


def test_a_killed_training_loses_at_most_save_iters_steps_and_resumes_exactly(train, project):
    options = ("training.steps=30", "training.save_iters=4", "training.max_snapshots_to_keep=99")
    whole = Path(train(*options, "run=whole").data["folder"])
    command = [sys.executable, "-m", "dlc_core", "train", "-p", str(project.root), *SMALL, *options, "run=killed"]
    killed = project.models_folder() / "walkJan31-trainset75shuffle1" / "killed"
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (killed / "snapshot_0000008.ckpt").exists() and child.poll() is None:
        time.sleep(0.002)
    child.kill()
    child.wait()
    logged = max([int(row["step"]) for row in read_log(killed / "log.csv")])
    last = max(int(path.stem.split("_")[1]) for path in killed.glob("snapshot_*"))
    assert logged - last <= 4
    train("resume=true", "run=killed")
    assert_same_weights(weights(killed, 30), weights(whole, 30))


def test_a_run_that_died_before_its_first_snapshot_begins_again(train, project):
    train("training.steps=4", "run=young")
    folder = folder_of(project, "young")
    expected = weights(folder, 4)
    for path in folder.glob("*.ckpt"):
        path.unlink()
    train("resume=true", "run=young")
    assert_same_weights(weights(folder, 4), expected)
    assert [row["step"] for row in read_log(folder / "log.csv")] == ["4"]


def test_a_finished_run_says_so_and_goes_on_when_given_more_steps(train, project, capsys):
    train("training.steps=4", "run=done")
    assert train("resume=true", "run=done").data["step"] == 4
    assert "has all its 4 steps" in capsys.readouterr().err
    assert train("resume=true", "run=done", "training.steps=6").data["step"] == 6
    assert load_checkpoint(folder_of(project, "done") / "snapshot_0000006.ckpt").config["training"]["steps"] == 6


@pytest.mark.parametrize("steps", [2, 4])
def test_a_length_that_is_reached_already_changes_nothing_in_the_folder(train, project, steps):
    train("training.steps=4", "run=done")
    folder = folder_of(project, "done")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    if steps < 4:
        with pytest.raises(ConfigError, match=r"training\.steps is 2, but the run done has 4 steps already"):
            train("resume=true", "run=done", f"training.steps={steps}")
    else:
        assert train("resume=true", "run=done", f"training.steps={steps}").data["step"] == 4
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_weights_that_do_not_fit_any_more_are_one_line_on_resume(train, project):
    train("training.steps=2", "run=old")
    path = folder_of(project, "old") / "snapshot_0000002.ckpt"
    stored = torch.load(path, weights_only=True)
    del stored["state_dict"]["head.scoremap.weight"]
    torch.save(stored, path)
    with pytest.raises(CheckpointError, match=r"snapshot_0000002\.ckpt do not fit.*head\.scoremap\.weight"):
        train("resume=true", "run=old", "training.steps=4")


def test_a_negative_seed_is_refused(train):
    with pytest.raises(ConfigError, match="seed is -1"):
        train("seed=-1", "training.steps=1")


def test_accumulation_with_batch_normalisation_that_learns_says_what_differs(train, capsys):
    options = ("training.steps=1", "training.accumulate=2")
    train(*options, "run=frozen")
    assert "batch normalisation" not in capsys.readouterr().err
    train(*options, "backbone.freeze_batchnorm=false", "run=learning")
    assert "batch normalisation learns from 2 samples at a time, not from all 4" in capsys.readouterr().err


def test_a_resumed_run_keeps_its_options_and_says_which_may_change(train):
    train("training.steps=4", "run=fixed")
    with pytest.raises(ConfigError, match=r"optimizer\.lr was 0\.001 when the run began and is 0\.5 now"):
        train("resume=true", "run=fixed", "optimizer.lr=0.5")
    with pytest.raises(ConfigError, match=r"training\.batch_size was 2"):
        train("resume=true", "run=fixed", "training.batch_size=3")


def test_a_run_is_not_resumed_on_other_labels(train, project, tmp_path):
    from dlc_core.data.create import create_training_dataset

    train("training.steps=4", "run=old")
    create_training_dataset(project, read_project_labels(project), seed=9, overwrite=True)
    with pytest.raises(CheckpointError, match="training set has changed"):
        train("resume=true", "run=old", "training.steps=6")


def test_the_best_by_validation_is_kept_and_the_best_on_test_is_marked(train):
    outcome = train("shuffle=2", "training.steps=6", "training.save_iters=2", "run=best")
    folder = Path(outcome.data["folder"])
    validation = load_checkpoint(next(folder.glob("best-validation_*")))
    errors = {row["step"]: row["validation_error_px"] for row in read_log(folder / "log.csv")}
    assert str(validation.step) == min(errors, key=lambda step: float(errors[step]))
    assert not validation.selected_on_test
    assert load_checkpoint(next(folder.glob("best-on-test_*"))).selected_on_test
    assert outcome.data["objective"] == outcome.data["errors_px"]["validation"]
    assert outcome.next_step == "dlc evaluate shuffle=2"


def test_a_fold_divides_all_labelled_frames_and_is_recorded(train, project):
    tested: list[str] = []
    for fold in range(3):
        folder = Path(
            train("training.steps=1", f"split.fold={fold}", "split.folds=3", f"run=fold{fold}").data["folder"]
        )
        record = yaml.safe_load((folder / "run.yaml").read_text())
        assert record["split"]["method"] == "fold"
        assert not set(record["split"]["train"]) & set(record["split"]["test"])
        tested += record["split"]["test"]
    assert sorted(tested) == sorted(read_project_labels(project).images)


def test_minutes_become_steps_that_are_printed_and_stored(train, capsys):
    started = time.monotonic()
    outcome = train("training.minutes=0.08", "run=short")
    took = time.monotonic() - started
    total = outcome.data["total_steps"]
    assert outcome.data["step"] == total >= 6  # at least three steps are timed, and as many bring the rate down
    assert f"training.steps={total}" in capsys.readouterr().out
    config = yaml.safe_load((Path(outcome.data["folder"]) / "config.yaml").read_text())
    assert config["training"]["steps"] == total
    assert config["training"]["minutes"] is None
    assert took < 60  # 4.8 s asked for; a busy machine takes longer
    repeated = train(f"training.steps={total}", "run=again")
    assert_same_weights(weights(Path(repeated.data["folder"]), total), weights(Path(outcome.data["folder"]), total))


def test_weights_come_from_a_snapshot_and_what_did_not_is_said(train, project, capsys):
    train("training.steps=2", "run=giver")
    path = folder_of(project, "giver") / "snapshot_0000002.ckpt"
    outcome = train("training.steps=1", "optimizer.lr=1e-12", f"init_weights='{path}'", "run=taker")
    found, given = weights(Path(outcome.data["folder"]), 1), weights(path.parent, 2)
    for name, value in given.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-6)
    assert "Weights from" in capsys.readouterr().out
    with pytest.raises(
        CheckpointError,
        match=r"'test_resnet.r160_in1k', of which nothing fits the 'test_efficientnet.r160_in1k' chosen",
    ):
        train(
            "training.steps=1", "backbone.model=test_efficientnet.r160_in1k", f"init_weights='{path}'", "run=other"
        )  # fmt: skip
    with pytest.raises(
        CheckpointError, match=r"^init_weights=LAST_SNAPSHOT: .*dlc-models-core/.*/snapshot_<step>\.ckpt"
    ):
        train("training.steps=1", "init_weights=LAST_SNAPSHOT", "run=other")
    with pytest.raises(ConfigError, match=r"init_weights=.* and backbone.weights_file=w.pth do not go together"):
        train("backbone.pretrained=true", "backbone.weights_file=w.pth", f"init_weights='{path}'", "run=other")


def test_a_missing_training_set_says_how_to_make_one(train):
    with pytest.raises(DataError, match=r"Make it: dlc create-dataset 'shuffles=\[7\]'$"):
        train("shuffle=7", "training.steps=1")
    with pytest.raises(DataError, match=r"Make it: dlc create-dataset iteration=5 'shuffles=\[1\]'$"):
        train("iteration=5", "training.steps=1")
    with pytest.raises(ConfigError, match=r"^shuffle is 0; shuffles are numbered from 1\.$"):
        train("shuffle=0", "training.steps=1")
    with pytest.raises(ConfigError, match=r"^iteration is -1; a whole number from 0 is needed\.$"):
        train("iteration=-1", "training.steps=1")


def test_the_name_of_a_run_makes_no_folder_within_a_folder(train, project):
    with pytest.raises(RunError, match=r"run='wide/first' is no name for a folder"):
        train("training.steps=1", "run=wide/first")
    assert not (project.models_folder() / "walkJan31-trainset75shuffle1" / "wide").exists()


@pytest.mark.parametrize("cause", ["processes", "body parts", "the loss"])
def test_a_training_that_is_refused_at_its_start_leaves_no_run(train, project, cause):
    options = {
        "processes": ("trainer.accelerator=cpu", "trainer.devices=5"),
        "the loss": ("training.display_iters=5", "optimizer.name=sgd", "optimizer.lr=1e30"),
    }
    if cause == "body parts":
        text = project.config.path.read_text(encoding="utf-8")
        project.config.path.write_text(text.replace("[nose, left, right, tail]", "[nose, left, right, tip]"))
        project = Project.open(project.root)
    with pytest.raises((ConfigError, DataError)) as raised:
        run_train(project, compose("train", [*SMALL, "training.steps=9", "run=odd", *options.get(cause, ())], project))
    said = {"processes": "with 5 processes at least 5 is needed", "body parts": "has the body parts nose, left"}
    assert said.get(cause, "") in str(raised.value)
    assert not (project.models_folder() / "walkJan31-trainset75shuffle1" / "odd").exists()


def test_an_option_that_lightning_refuses_is_one_line_and_makes_no_folder(train, project):
    with pytest.raises(ConfigError, match=r"trainer\.precision=17"):
        train("training.steps=1", "trainer.precision=17", "run=odd")
    assert not (project.models_folder() / "walkJan31-trainset75shuffle1" / "odd").exists()
    with pytest.raises(ConfigError, match=r"there is no option 'trainer\.precison'.*'precision'"):
        train("training.steps=1", "trainer.precison=32")


def test_bf16_autocast_trains(train):
    outcome = train("training.steps=4", "trainer.precision=bf16-mixed", "run=bf16")
    state = weights(Path(outcome.data["folder"]), 4)
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float32}


def test_tensorboard_writes_beside_the_log(train):
    pytest.importorskip("tensorboard")
    folder = Path(train("training.steps=2", "logger=tensorboard", "run=curves").data["folder"])
    assert list((folder / "tensorboard").rglob("events.out.tfevents*"))
    assert (folder / "log.csv").is_file()


def test_a_loss_that_is_no_number_stops_with_advice(train):
    with pytest.raises(ConfigError, match=r"the loss is (nan|inf).*optimizer\.lr"):
        train("training.steps=40", "training.display_iters=5", "optimizer.name=sgd", "optimizer.lr=1e30", "run=mad")


def test_a_sweep_names_its_runs_by_their_options_in_any_order(train, project):
    first = train("training.steps=1", "sweep=width", "seed=1", "optimizer.lr=0.01").data
    second = train("optimizer.lr=0.01", "training.steps=1", "sweep=width", "seed=2").data
    assert first["run"].startswith("width/")
    assert len(first["run"]) == len("width/") + 8
    assert first["run"] != second["run"]
    with pytest.raises(RunError, match="exists"):
        train("seed=1", "optimizer.lr=0.01", "sweep=width", "training.steps=1")
    resumed = train("seed=1", "optimizer.lr=0.01", "sweep=width", "training.steps=1", "resume=true").data
    assert resumed["run"] == first["run"]


@pytest.mark.long
def test_two_processes_make_the_steps_of_one(train, project):
    options = ("training.steps=4", "training.batch_size=4", "optimizer.name=sgd", "optimizer.lr=0.1")
    alone = weights(Path(train(*options, "run=alone").data["folder"]), 4)
    command = [sys.executable, "-m", "dlc_core", "train", "-p", str(project.root), *SMALL, *options, "run=both"]
    done = subprocess.run(
        [*command, "trainer.devices=2", "trainer.strategy=ddp"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Next: dlc evaluate") == 1
    for name, value in weights(folder_of(project, "both"), 4).items():
        torch.testing.assert_close(value, alone[name], rtol=1e-4, atol=1e-6)  # float32 sums in another order


def test_body_parts_reordered_in_the_project_do_not_mix_up_a_resumed_training(train, project):
    options = ("training.steps=6", "training.save_iters=3", "training.max_snapshots_to_keep=9")
    folder = Path(train(*options, "run=parts").data["folder"])
    expected = weights(folder, 6)
    (folder / "snapshot_0000006.ckpt").unlink()
    text = project.config.path.read_text(encoding="utf-8")
    project.config.path.write_text(text.replace("[nose, left, right, tail]", "[tail, nose, right, left]"))
    reordered = Project.open(project.root)
    assert reordered.skeleton.keypoints[0] == "tail"
    run_train(reordered, compose("train", [*SMALL, *options, "resume=true", "run=parts"], reordered))
    assert_same_weights(weights(folder, 6), expected)


def test_a_full_disk_ends_a_training_with_how_it_goes_on(train, project, monkeypatch):
    save, written = torch.save, []

    def fills_up(stored: object, file: object) -> None:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(stored, file)
        written.append(file)

    monkeypatch.setattr(torch, "save", fills_up)
    options = ("training.save_iters=1", "training.best_on_test=false")
    expected = (
        r"snapshot_0000002\.ckpt: the disk is full\. Free some space\. Then `dlc train resume=true run=full` goes on"
    )
    with pytest.raises(DiskError, match=expected):
        train("training.steps=3", "run=full", *options)
    assert [path.name for path in folder_of(project, "full").glob("*.ckpt")] == ["snapshot_0000001.ckpt"]
    monkeypatch.undo()
    assert train("run=full", "resume=true").data["step"] == 3


def test_memory_that_a_cpu_lacks_says_which_options_to_lower(train, monkeypatch):
    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")

    monkeypatch.setattr("dlc_core.training.module.PoseModule.training_step", full)
    with pytest.raises(ConfigError, match=r"out of memory at step 0\. Lower training\.batch_size"):
        train("training.steps=2")
