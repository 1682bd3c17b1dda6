"""The scorer name DeepLabCut will look for. Expected names are what DeepLabCut 3.0.2 prints for such folders."""

import numpy as np
import pandas as pd
import pytest
from dlc_plugins.exporters.deeplabcut import DeepLabCut, deeplabcut_scorer

from dlc_core.errors import DataError, DiskError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.skeleton import Skeleton

OURS = "DLC_EfficientnetLite0_openfieldOct30shuffle1_a_snapshot_500"


def make(root="", **project):
    about = {
        "task": "openfield",
        "date": "Oct30",
        "shuffle": 1,
        "iteration": 0,
        "training_fraction": 0.95,
        "root": str(root),
    }
    return PoseFile.from_arrays(
        np.zeros((5, 1, 2, 2)),
        np.ones((5, 1, 2)),
        Skeleton(("nose", "tail")),
        scorer=OURS,
        attributes={"project": {**about, **project}, "backbone": "efficientnet_lite0", "step": 500},
    )


def deeplabcut_folder(root, *snapshots, net_type="resnet_50"):
    folder = root / "dlc-models-pytorch" / "iteration-0" / "openfieldOct30-trainset95shuffle1" / "train"
    folder.mkdir(parents=True)
    (folder / "pytorch_config.yaml").write_text(f"data:\n  net_type: other\nmethod: bu\nnet_type: {net_type}\n")
    for name in snapshots:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("snapshots", "uid"),
    [
        (["snapshot-001.pt", "snapshot-best-002.pt"], "best-2"),
        (["snapshot-025.pt", "snapshot-200.pt", "snapshot-050.pt"], "200"),
        (["snapshot-best-010.pt", "snapshot-best-040.pt", "snapshot-200.pt"], "best-40"),
    ],
)
def test_it_is_that_of_deeplabcuts_own_network(tmp_path, snapshots, uid):
    deeplabcut_folder(tmp_path, *snapshots)
    assert deeplabcut_scorer(make(tmp_path)) == f"DLC_Resnet50_openfieldOct30shuffle1_snapshot_{uid}"


@pytest.mark.parametrize(
    ("index", "uid"), [("0", "50"), ("1", "200"), ("2", "best-40"), ("-1", "best-40"), ("-3", "50"), ("all", "best-40")]
)
def test_snapshotindex_of_config_yaml_chooses_the_snapshot_as_in_deeplabcut(tmp_path, index, uid):
    deeplabcut_folder(tmp_path, "snapshot-best-040.pt", "snapshot-200.pt", "snapshot-050.pt")
    (tmp_path / "config.yaml").write_text(f"detector_snapshotindex: 1\nsnapshotindex: {index} # which\n")
    assert deeplabcut_scorer(make(tmp_path)) == f"DLC_Resnet50_openfieldOct30shuffle1_snapshot_{uid}"


def test_a_snapshotindex_that_counts_too_far_is_an_error_that_lists_the_snapshots(tmp_path):
    deeplabcut_folder(tmp_path, "snapshot-200.pt", "snapshot-050.pt")
    (tmp_path / "config.yaml").write_text("snapshotindex: 4\n")
    with pytest.raises(DataError, match=r"is 4, but DeepLabCut has 2 snapshots.*snapshot-050\.pt, snapshot-200\.pt"):
        deeplabcut_scorer(make(tmp_path))


def test_a_scorer_that_deeplabcut_will_not_look_for_is_never_announced_as_such(tmp_path, capsys):
    DeepLabCut().write(make(tmp_path), tmp_path / f"mouse{OURS}.h5")
    out, err = capsys.readouterr()
    assert "will look for" not in out
    assert "may not find" in err and "no network for shuffle 1" in err and "exporters.deeplabcut.scorer=" in err
    deeplabcut_folder(tmp_path, "snapshot-200.pt")
    DeepLabCut().write(make(tmp_path), tmp_path / f"mouse{OURS}.h5")
    out, err = capsys.readouterr()
    assert "will look for the scorer DLC_Resnet50_openfieldOct30shuffle1_snapshot_200" in out and not err


def test_other_networks_are_named_as_deeplabcut_does(tmp_path):
    deeplabcut_folder(tmp_path, "snapshot-100.pt", net_type="hrnet_w32")
    assert deeplabcut_scorer(make(tmp_path)) == "DLC_HrnetW32_openfieldOct30shuffle1_snapshot_100"


def test_without_a_network_of_deeplabcuts_it_is_ours(tmp_path):
    expected = "DLC_EfficientnetLite0_openfieldOct30shuffle1_snapshot_500"
    assert deeplabcut_scorer(make(tmp_path)) == expected
    deeplabcut_folder(tmp_path)
    assert deeplabcut_scorer(make(tmp_path)) == expected


def test_the_name_stands_in_the_file_and_in_the_table(tmp_path):
    exporter = DeepLabCut(scorer="DLC_Resnet50_openfieldOct30shuffle1_snapshot_best-2")
    files = exporter.write(make(), tmp_path / f"mouse{OURS}.h5")
    stem = "mouseDLC_Resnet50_openfieldOct30shuffle1_snapshot_best-2"
    assert [file.name for file in files] == [f"{stem}.h5", f"{stem}_meta.pickle"]
    assert pd.read_hdf(files[0]).columns.get_level_values(0).unique() == [
        "DLC_Resnet50_openfieldOct30shuffle1_snapshot_best-2"
    ]
    assert exporter.target(make(), tmp_path / f"mouse{OURS}.h5") == files[0]


def test_poses_of_an_unknown_project_keep_their_scorer(tmp_path, capsys):
    poses = PoseFile.from_arrays(np.zeros((5, 1, 1, 2)), np.ones((5, 1, 1)), Skeleton(("nose",)), scorer="DLC_x")
    assert DeepLabCut().write(poses, tmp_path / "mouseDLC_x.h5")[0].name == "mouseDLC_x.h5"
    assert "exporters.deeplabcut.scorer" in capsys.readouterr().err


def test_a_name_that_is_too_long_is_one_clear_line(tmp_path):
    with pytest.raises(DiskError, match=r"exporters\.deeplabcut\.scorer"):
        DeepLabCut(scorer="DLC_" + "x" * 250).write(make(), tmp_path / f"mouse{OURS}.h5")
