"""A snapshot loads without running code, builds its network again, and says clearly why it cannot."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dlc_core.errors import CheckpointError, DiskError
from dlc_core.model.build import build_model
from dlc_core.project.project import Project
from dlc_core.skeleton import Skeleton
from dlc_core.training.assemble import make_model
from dlc_core.training.checkpoint import Checkpoint, Provider, load_checkpoint, load_model, save_checkpoint
from dlc_core.training.snapshots import SnapshotFolder, regular_snapshots

SKELETON = Skeleton(("nose", "left", "right"), edges=(("nose", "left"),), symmetric=(("left", "right"),))
CONFIG = {
    "backbone": {"name": "timm", "model": "test_resnet.r160_in1k", "pretrained": True},
    "head": {"name": "deconv"},
    "preprocessing": {"global_scale": 0.5, "max_input_size": 1500, "min_input_size": 64},
}


def make_checkpoint(step: int = 10, **changes) -> Checkpoint:
    model = build_model(CONFIG, SKELETON, pretrained=False)
    made = Checkpoint(
        state_dict=model.state_dict(),
        config=CONFIG,
        choices={"backbone": "timm", "head": "deconv"},
        components={"backbone": Provider("timm", "dlc-core 0.1.0"), "head": Provider("deconv", "dlc-core 0.1.0")},
        skeleton=SKELETON,
        cell_offset=4.0,
        step=step,
        total_steps=100,
        trainer={"optimizer": {}, "random": {}},
    )
    return replace(made, **changes)


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "snapshot_0000010.ckpt"
    save_checkpoint(make_checkpoint(), path)
    return path


def test_pytorch_reads_a_snapshot_without_running_code(saved):
    stored = torch.load(saved, weights_only=True)
    assert stored["skeleton"]["keypoints"] == ["nose", "left", "right"]
    assert stored["components"]["backbone"] == {"name": "timm", "provider": "dlc-core 0.1.0"}
    assert stored["cell_offset"] == 4.0
    assert stored["config"] == CONFIG


def test_what_is_loaded_is_what_was_saved(saved):
    loaded, made = load_checkpoint(saved), make_checkpoint()
    assert loaded.skeleton == SKELETON
    assert loaded.skeleton.symmetric == (("left", "right"),)
    assert np.array_equal(loaded.skeleton.exists, SKELETON.exists)
    assert (loaded.step, loaded.total_steps, loaded.selected_on_test) == (10, 100, False)
    assert loaded.config == CONFIG
    assert loaded.components == made.components
    assert loaded.path == saved


def test_the_network_is_built_again_without_asking_for_pretrained_weights(saved):
    model, checkpoint = load_model(saved, SKELETON)
    assert not model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, checkpoint.state_dict[name])


def test_body_parts_may_stand_in_another_order_but_must_have_the_same_names(saved):
    _, checkpoint = load_model(saved, Skeleton(("right", "nose", "left")))
    assert checkpoint.skeleton.keypoints == ("nose", "left", "right")
    with pytest.raises(CheckpointError, match=r"other body parts.*it lacks tail; it has right"):
        load_model(saved, Skeleton(("nose", "left", "tail")))


def test_a_component_that_is_no_longer_installed_is_named_with_who_provided_it(tmp_path):
    config = {**CONFIG, "backbone": {"name": "my_net", "width": 3}}
    path = tmp_path / "snapshot_0000010.ckpt"
    save_checkpoint(
        make_checkpoint(config=config, components={"backbone": Provider("my_net", "dlc-mynet 1.2.0 [mynet]")}), path
    )
    with pytest.raises(CheckpointError, match=r"'my_net' of dlc-mynet 1\.2\.0 \[mynet\].*Install"):
        load_model(path)


def test_a_training_is_not_resumed_without_its_plugin_and_says_which_one_it_was(tmp_path):
    (tmp_path / "config.yaml").write_text("Task: t\nscorer: a\ndate: d\nbodyparts: [nose, left, right]\n")
    config = {**CONFIG, "backbone": {"name": "my_net", "width": 3}, "init_weights": None}
    path = tmp_path / "snapshot_0000010.ckpt"
    save_checkpoint(
        make_checkpoint(config=config, components={"backbone": Provider("my_net", "dlc-mynet 1.2.0 [mynet]")}), path
    )
    with pytest.raises(CheckpointError, match=r"'my_net' of dlc-mynet 1\.2\.0 \[mynet\].*Install"):
        make_model(config, Project.open(tmp_path), load_checkpoint(path), first=True)


def test_weights_that_do_not_fit_are_a_clear_line(tmp_path):
    checkpoint = make_checkpoint()
    state = dict(checkpoint.state_dict)
    del state["head.scoremap.weight"]
    path = tmp_path / "snapshot_0000010.ckpt"
    save_checkpoint(replace(checkpoint, state_dict=state), path)
    with pytest.raises(CheckpointError, match=r"do not fit.*dlc-core 0\.1\.0.*head\.scoremap\.weight"):
        load_model(path)


@pytest.mark.parametrize("size", [0, 1, 100, 50_000])
def test_a_truncated_snapshot_is_a_clear_line(saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(saved)
    assert str(caught.value) == (
        f"{saved} cannot be read as a snapshot of dlc-core: it is damaged, or of another kind ({size:,} bytes). "
        "Give a snapshot_<step>.ckpt of a run."
    ), "PyTorch's own text advises to run whatever is in the file"


def test_a_file_that_is_not_ours_is_a_clear_line(tmp_path):
    other = tmp_path / "weights.ckpt"
    torch.save({"weights": torch.zeros(3)}, other)
    with pytest.raises(CheckpointError, match=r"no snapshot of dlc-core"):
        load_checkpoint(other)
    with pytest.raises(CheckpointError, match=r"there is no snapshot"):
        load_checkpoint(tmp_path / "nowhere.ckpt")
    with pytest.raises(
        CheckpointError, match=r"is a folder; a snapshot is a file in it\. Give a snapshot_<step>\.ckpt"
    ):
        load_checkpoint(tmp_path)


def test_a_snapshot_of_deeplabcut_is_told_apart_by_name_and_by_contents(tmp_path):
    for name in ("snapshot-050.pt", "snapshot-best-120.pt", "snapshot-50000.index"):
        (tmp_path / name).write_bytes(b"whatever")
        with pytest.raises(CheckpointError, match=r"a snapshot of DeepLabCut"):
            load_checkpoint(tmp_path / name)
    renamed = tmp_path / "renamed.ckpt"
    torch.save({"model": {}, "metadata": {"epoch": 0, "metrics": {}, "losses": {}}}, renamed)
    with pytest.raises(CheckpointError, match=r"a snapshot of DeepLabCut"):
        load_checkpoint(renamed)


def test_a_snapshot_of_a_newer_version_asks_for_an_update(tmp_path):
    path = tmp_path / "snapshot_0000001.ckpt"
    torch.save({"format": "dlc-core snapshot 9"}, path)
    with pytest.raises(CheckpointError, match=r"'dlc-core snapshot 9'.*Update"):
        load_checkpoint(path)


def test_a_failed_write_leaves_the_old_snapshot_and_no_rest(saved, monkeypatch):
    before = saved.read_bytes()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DiskError, match="disk is full"):
        save_checkpoint(make_checkpoint(), saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.skipif(os.name != "posix", reason="limits of file size are a matter of POSIX")
def test_a_disk_that_fills_up_while_a_snapshot_is_written_is_one_line(tmp_path):
    """A limit on the size of files stands in for the full disk; torch itself complains of its archive only."""
    import resource

    made, limits = make_checkpoint(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(DiskError, match=r"cannot write .*snapshot_0000010\.ckpt: the file is larger than"):
            save_checkpoint(made, tmp_path / "snapshot_0000010.ckpt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_what_else_torch_says_of_a_snapshot_stays_as_it_is(tmp_path, monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(RuntimeError, match="something else"):
        save_checkpoint(make_checkpoint(), tmp_path / "snapshot_0000010.ckpt")


def test_the_last_snapshots_stay_and_the_best_ones_beside_them(tmp_path):
    snapshots = SnapshotFolder(tmp_path, keep=2)
    tests = {100: 9.0, 200: 4.0, 300: 5.0, 400: 4.5}
    for step, error in tests.items():
        snapshots.save(make_checkpoint(step, errors={"test": error, "validation": -step}))
    assert [path.name for path in regular_snapshots(tmp_path)] == ["snapshot_0000300.ckpt", "snapshot_0000400.ckpt"]
    best = load_checkpoint(tmp_path / "best-on-test_0000200.ckpt")
    assert best.selected_on_test
    assert best.trainer is None
    assert not load_checkpoint(tmp_path / "best-validation_0000400.ckpt").selected_on_test
    assert not load_checkpoint(tmp_path / "snapshot_0000400.ckpt").selected_on_test
    assert len(list(tmp_path.iterdir())) == 4


def test_a_resumed_training_knows_which_snapshot_was_the_best(tmp_path):
    SnapshotFolder(tmp_path, keep=2).save(make_checkpoint(100, errors={"test": 4.0}))
    SnapshotFolder(tmp_path, keep=2).save(make_checkpoint(200, errors={"test": 6.0}))
    assert [path.name for path in tmp_path.glob("best*")] == ["best-on-test_0000100.ckpt"]


def test_snapshots_are_ordered_by_step_not_by_name(tmp_path):
    for step in (9_999_999, 10_000_000, 5):
        (tmp_path / f"snapshot_{step:07d}.ckpt").touch()
    assert [path.stem for path in regular_snapshots(tmp_path)] == [
        "snapshot_0000005", "snapshot_9999999", "snapshot_10000000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        b"step,loss\n1,0.5\n",
        b"PK\x03\x04 cut",
        b"\x80",
        b"c",
        b"hello",
        b"(",
        b"\x00" * 40,
        b"trainer: {}\n",
        b"0",
        b"a.",
    ],
)
def test_a_file_of_any_other_kind_is_a_clear_line(tmp_path, content):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"log\.csv cannot be read as a snapshot of dlc-core: it is damaged, or"):
        load_checkpoint(path)


def test_a_snapshot_without_its_parts_is_damaged(tmp_path):
    path = tmp_path / "snapshot_0000001.ckpt"
    torch.save({"format": "dlc-core snapshot 1", "state_dict": {}}, path)
    with pytest.raises(CheckpointError, match=r"snapshot_0000001\.ckpt .*is damaged"):
        load_checkpoint(path)


def test_a_head_whose_cells_lie_elsewhere_now_is_refused(tmp_path):
    path = tmp_path / "snapshot_0000010.ckpt"
    save_checkpoint(make_checkpoint(cell_offset=3.5), path)
    with pytest.raises(CheckpointError, match=r"at 3\.5 px.*'deconv' of dlc-core 0\.1\.0.*at 4 px.*shifted"):
        load_model(path)
