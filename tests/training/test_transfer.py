"""init_weights takes what two networks have in common, keypoints by name."""

from __future__ import annotations

import torch

from dlc_core.model.build import build_model
from dlc_core.skeleton import Skeleton
from dlc_core.training.checkpoint import Checkpoint
from dlc_core.training.transfer import transfer_weights

OLD = Skeleton(("nose", "left", "right"))


def config(model: str = "test_resnet.r160_in1k") -> dict:
    return {"backbone": {"name": "timm", "model": model, "pretrained": False}, "head": {"name": "deconv"}}


def source(seed: int = 1) -> Checkpoint:
    torch.manual_seed(seed)
    state = build_model(config(), OLD).state_dict()
    return Checkpoint(
        state_dict={name: value + 1 if value.is_floating_point() else value for name, value in state.items()},
        config={**config(), "preprocessing": {}}, choices={}, components={}, skeleton=OLD, cell_offset=4.0, step=1,
        total_steps=1,
    )  # fmt: skip


def test_the_same_keypoints_take_everything():
    model, checkpoint = build_model(config(), OLD), source()
    transfer = transfer_weights(checkpoint, model, OLD)
    assert transfer.left == ()
    assert all(torch.equal(value, checkpoint.state_dict[name]) for name, value in model.state_dict().items())


def test_other_keypoints_are_taken_by_name_and_the_rest_is_said():
    skeleton = Skeleton(("tail", "right", "nose", "tip"))
    model, checkpoint = build_model(config(), skeleton), source()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    transfer = transfer_weights(checkpoint, model, skeleton)
    old, new = checkpoint.state_dict, model.state_dict()
    assert transfer.keypoints == ("right", "nose")
    assert transfer.new_keypoints == ("tail", "tip")
    assert transfer.left == ()
    for mine, theirs in ((1, 2), (2, 0)):
        assert torch.equal(new["head.scoremap.weight"][:, mine], old["head.scoremap.weight"][:, theirs])
        assert torch.equal(new["head.scoremap.bias"][mine], old["head.scoremap.bias"][theirs])
        both, theirs_both = slice(2 * mine, 2 * mine + 2), slice(2 * theirs, 2 * theirs + 2)
        assert torch.equal(new["head.locref.weight"][:, both], old["head.locref.weight"][:, theirs_both])
    for fresh in (0, 3):
        assert torch.equal(new["head.scoremap.weight"][:, fresh], before["head.scoremap.weight"][:, fresh])
    assert "body parts that start from nothing: tail, tip" in str(transfer)


def test_renamed_keypoints_of_the_same_number_are_not_taken_by_position():
    skeleton = Skeleton(("snout", "ear", "paw"))
    model = build_model(config(), skeleton)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    transfer = transfer_weights(source(), model, skeleton)
    assert transfer.keypoints == ()
    assert transfer.has_backbone
    assert all(
        torch.equal(value, before[name]) for name, value in model.state_dict().items() if name.startswith("head.")
    )


def test_another_backbone_has_nothing_to_give():
    model = build_model(config("test_efficientnet.r160_in1k"), OLD)
    transfer = transfer_weights(source(), model, OLD)
    assert not transfer.has_backbone
