import csv
import json
import math
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
import tables

from dlc_core.api import run_step
from dlc_core.data.create import TrainingSet
from dlc_core.errors import ConfigError, DataError, RunError
from dlc_core.inference.predictor import Predictor
from dlc_core.labels.files import read_folder, write_labels
from dlc_core.project.address import RunAddress
from dlc_core.project.project import Project
from dlc_core.project.runs import find_run
from dlc_core.training.checkpoint import load_model

PARTS = ("snout", "leftear", "rightear", "spine")
MEASURES = {"mean_px", "rmse_px", "mean_px_pcutoff", "pck", "per_bodypart"}


@pytest.fixture
def project(evaluated_project, tmp_path):
    return Project.open(shutil.copytree(evaluated_project.root, tmp_path / "project"))


def measured(outcome):
    (snapshot,) = outcome.data["runs"][0]["snapshots"].values()
    return snapshot


def folder_of(project):
    return find_run(project, RunAddress()).folder / "evaluation"


def test_the_errors_are_those_of_the_network_on_the_image_files_against_the_label_csv(project):
    outcome = run_step("evaluate", project)
    (run,) = outcome.data["runs"]
    assert (run["run"], run["shuffle"], run["trainingsetindex"]) == ("tiny", 1, 0)
    (snapshot,) = run["snapshots"].values()
    assert (snapshot["step"], snapshot["selected_on_test"], snapshot["pcutoff"]) == (4, False, 0.5)
    assert snapshot["train"].keys() >= MEASURES
    predictor = Predictor(load_model(find_run(project, RunAddress()).select(-1)[0].path)[0])
    split = TrainingSet.open(project).split
    for part, names in (("train", split.train), ("test", split.test)):
        apart = []
        for name in names:
            folder = (project.root / name).parent
            labels = pd.read_csv(folder / "CollectedData_me.csv", header=[0, 1, 2], index_col=[0, 1, 2])
            truth = labels.loc[tuple(name.split("/"))].to_numpy(float).reshape(-1, 2)
            found = predictor(cv2.imread(str(project.root / name))[None, ..., ::-1].copy())
            apart.append(np.linalg.norm(found.keypoints[0, 0] - truth, axis=-1))
        assert snapshot[part]["mean_px"] == pytest.approx(np.nanmean(apart), abs=1e-3)
        assert snapshot[part]["rmse_px"] == pytest.approx(np.sqrt(np.nanmean(np.square(apart))), abs=1e-3)
        parts = [entry["mean_px"] for entry in snapshot[part]["per_bodypart"].values()]
        np.testing.assert_allclose(parts, np.nanmean(apart, axis=0), atol=1e-3)


def test_the_tables_have_the_columns_that_deeplabcut_writes(project):
    snapshot = next(iter(run_step("evaluate", project).data["runs"][0]["snapshots"].values()))
    folder = folder_of(project)
    (results,) = csv.DictReader((next(folder.glob("*-results.csv"))).open())
    assert results.keys() >= {
        *("%Training dataset", "Shuffle number", "pcutoff"),
        *("train rmse", "train rmse_pcutoff", "test rmse", "test rmse_pcutoff"),
    }
    assert float(results["test rmse"]) == pytest.approx(snapshot["test"]["mean_px"])
    keypoints = {row["Error type"]: row for row in csv.DictReader(next(folder.glob("*-keypoint-results.csv")).open())}
    assert float(keypoints["Test error (px)"]["spine"]) == snapshot["test"]["per_bodypart"]["spine"]["mean_px"]
    poses = pd.read_hdf(next(folder.glob("*.h5")), "df_with_missing")
    assert list(poses.columns.names) == ["scorer", "bodyparts", "coords"]
    assert list(poses.columns.get_level_values("coords")[:3]) == ["x", "y", "likelihood"]
    assert len(poses) == 16
    combined = project.models_folder() / "CombinedEvaluation-results.csv"
    (row,) = csv.DictReader(combined.open())
    assert row == results


def test_the_screen_says_what_its_columns_mean_and_pck_in_per_cent(project, capsys):
    snapshot = measured(run_step("evaluate", project, ["pck=[300]"]))
    lines = capsys.readouterr().out.splitlines()
    heading = next(line for line in lines if line.startswith("snapshot "))
    assert "PCK@300px %" in heading and snapshot["train"]["pck"]["300"] == 1.0
    train = lines[lines.index(heading) + 1].split()
    assert train[-2] == "100.0"
    (note,) = (line for line in lines if line.startswith("mean px: "))
    assert "in the csv files rmse" in note
    rmse, shares = lines[lines.index(note) + 1 :][:2]
    assert rmse.startswith("RMSE px: ") and "csv files root mean square" in rmse
    assert shares.startswith("p: pcutoff=0.5; PCK: ")
    assert not any(line.startswith("AUROC -") for line in lines)


def test_all_snapshots_are_evaluated_and_the_combined_table_keeps_each_once(project):
    outcome = run_step("evaluate", project, ["snapshotindex=all"])
    assert [one["step"] for one in outcome.data["runs"][0]["snapshots"].values()] == [2, 4]
    run_step("evaluate", project, ["snapshotindex=[0,-1]"])
    rows = list(csv.DictReader((project.models_folder() / "CombinedEvaluation-results.csv").open()))
    assert [row["Training iterations"] for row in rows] == ["2", "4"]


def test_a_snapshot_chosen_on_the_test_images_is_marked_wherever_it_appears(project, capsys):
    (snapshot,) = run_step("evaluate", project, ["snapshotindex=best_on_test"]).data["runs"][0]["snapshots"].values()
    assert snapshot["selected_on_test"] is True
    assert "(selected on test)" in capsys.readouterr().out
    files = [file.name for file in folder_of(project).iterdir()]
    assert files
    assert all("_selected_on_test" in name for name in files)
    (row,) = csv.DictReader((project.models_folder() / "CombinedEvaluation-results.csv").open())
    assert row["selected_on_test"] == "True"


def test_a_label_outside_its_image_in_an_old_training_set_changes_no_error_and_is_named(project, capsys):
    before = measured(run_step("evaluate", project))
    training_set = TrainingSet.open(project)
    stored = json.loads(training_set.path.read_text())
    name = training_set.split.test[0]
    part = next(index for index, point in enumerate(stored["labels"]["points"][name]) if point[0] is not None)
    stored["labels"]["points"][name][part] = [5000, -50]
    training_set.path.write_text(json.dumps(stored))
    capsys.readouterr()
    after = measured(run_step("evaluate", project))
    said = capsys.readouterr().err
    assert f"{PARTS[part]} in {name} at 5000, -50" in said and said.count("lies outside its image") == 1
    assert after["test"]["points"] == before["test"]["points"] - 1
    assert after["train"] == before["train"]
    assert after["test"]["rmse_px"] < 200, "no side of the images is longer"


def test_run_all_evaluates_every_run_of_the_shuffle(project, capsys):
    tiny = find_run(project, RunAddress()).folder
    shutil.copytree(tiny, tiny.with_name("again"))
    outcome = run_step("evaluate", project, ["run=all"])
    assert {run["run"] for run in outcome.data["runs"]} == {"tiny", "again"}
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("run ") and "snapshot" in line for line in lines) == 1
    for name in ("tiny", "again"):
        assert any(line.split()[:2] == [name, "snapshot_0000004"] for line in lines)
        assert f"Body parts of {name}, snapshot_0000004:" in lines


def test_the_split_is_that_of_the_run_even_if_the_training_set_was_made_again(project, capsys):
    before = run_step("evaluate", project).data
    run_step("create_dataset", project, ["overwrite=true", "seed=5"])
    after = run_step("evaluate", project).data
    assert after == before


def test_pictures_are_drawn_for_every_training_and_test_image(project):
    run_step("evaluate", project, ["plotting=true"])
    pictures = sorted(path.name for path in next(folder_of(project).glob("LabeledImages_*")).iterdir())
    split = TrainingSet.open(project).split
    expected = [
        f"{prefix}-{name.split('/')[1]}-{name.split('/')[2]}"
        for prefix, names in (("Training", split.train), ("Test", split.test))
        for name in names
    ]
    assert pictures == sorted(expected)


def test_json_is_plain_and_strict(project):
    text = json.dumps(run_step("evaluate", project).data, allow_nan=False)
    scores = next(iter(json.loads(text)["runs"][0]["snapshots"].values()))["train"]
    assert set(scores["pck"]) == {"1", "2", "5", "10", "20"}
    assert math.isfinite(scores["auroc"])  # a third of the left ears is not labelled


def test_options_that_make_no_sense_are_refused_in_one_line(project):
    for option, message in (("pcutoff=2", "pcutoff"), ("batch_size=0", "batch_size"), ("pck=[]", "pck")):
        with pytest.raises(ConfigError, match=message):
            run_step("evaluate", project, [option])
    with pytest.raises(RunError, match="tiny"):
        run_step("evaluate", project, ["run=tyni"])
    with pytest.raises(RunError, match="7"):
        run_step("evaluate", project, ["snapshotindex=7"])


def test_the_training_set_is_the_recorded_one_when_trainingfraction_has_changed(project, capsys):
    before = run_step("evaluate", project).data["runs"][0]
    text = project.config.path.read_text().replace("TrainingFraction: [0.75]", "TrainingFraction: [0.5, 0.75]")
    project.config.path.write_text(text)
    after = run_step("evaluate", Project.open(project.root), ["trainingsetindex=1"]).data["runs"][0]
    assert after == {**before, "trainingsetindex": 1}
    (results,) = csv.DictReader((next(folder_of(project).glob("*-results.csv"))).open())
    assert results["%Training dataset"] == "75"


def test_a_training_set_that_is_gone_is_named(project):
    TrainingSet.open(project).path.unlink()
    with pytest.raises(
        DataError, match=r"tiny was trained with .*trainset75shuffle1\.json, which is gone.*create-dataset"
    ):
        run_step("evaluate", project)


def test_frames_without_labels_are_left_out_of_an_older_run_with_a_notice(project, capsys):
    split = TrainingSet.open(project).split
    folder = project.labeled_data / "small"
    labels = read_folder(folder)
    kept = labels.images[2:]
    write_labels(labels.select(kept), folder)
    run_step("create_dataset", project, ["overwrite=true"])
    capsys.readouterr()
    run_step("evaluate", project)
    assert f"2 of the {len(split.images)} frames that tiny used have no labels any more" in capsys.readouterr().err
    poses = pd.read_hdf(next(folder_of(project).glob("*.h5")), "df_with_missing")
    assert not {"/".join(row) for row in poses.index} & set(labels.images[:2])
    assert len(poses) == len(split.images) - 2


def test_no_string_of_the_h5_has_the_dtype_that_pandas_2_cannot_read(project):
    run_step("evaluate", project)
    with tables.open_file(str(next(folder_of(project).glob("*.h5")))) as file:
        kinds = [str(node._v_attrs.kind) for node in file.walk_nodes("/df_with_missing") if "kind" in node._v_attrs]
    assert set(kinds) == {"string"}
