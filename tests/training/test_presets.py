"""The recipes under configs/ hold the numbers they promise, and their parts can be swapped."""

from __future__ import annotations

import pytest

from dlc_core.plugin_api.hydra_bridge import compose


def test_deeplabcut2018_is_the_protocol():
    composed = compose("train", ["experiment=deeplabcut2018"])
    config = composed.plain()
    assert composed.choices["backbone"] == "resnet50"
    assert config["backbone"]["output_stride"] == 16
    head = config["head"]
    assert (head["target"], head["pos_dist_thresh"], head["locref_stdev"], head["locref_weight"]) == (
        "disc", 17, 7.2801, 0.05,
    )  # fmt: skip
    assert not head["intermediate_supervision"]
    assert config["optimizer"]["name"] == "sgd"
    assert config["schedule"]["name"] == "multi_step"
    assert config["schedule"]["multi_step"] == [[0.005, 10_000], [0.02, 430_000], [0.002, 730_000], [0.001, 1_030_000]]
    assert (config["training"]["batch_size"], config["training"]["accumulate"]) == (1, 1)
    assert (config["training"]["display_iters"], config["training"]["save_iters"]) == (1000, 50_000)
    assert config["training"]["steps"] == 200_000
    assert config["preprocessing"] == {"global_scale": 0.8, "max_input_size": 1500, "min_input_size": 64}
    augmenter = config["augmenter"]
    assert augmenter["name"] == "scalecrop"
    assert (augmenter["scale_jitter_lo"], augmenter["scale_jitter_up"]) == (0.5, 1.5)
    assert (augmenter["cropratio"], augmenter["minsize"], augmenter["mirror"]) == (0.4, 100, False)
    assert {augmenter[side] for side in ("leftwidth", "rightwidth", "topheight", "bottomheight")} == {400}


def test_the_resnet101_experiment_adds_intermediate_supervision_to_the_protocol():
    plain = compose("train", ["experiment=deeplabcut2018"]).plain()
    deeper = compose("train", ["experiment=deeplabcut2018_resnet101"])
    assert deeper.choices["backbone"] == "resnet101"
    config = deeper.plain()
    assert config["head"]["intermediate_supervision"]
    assert config["backbone"]["out_indices"] == [-2, -1]
    for group in ("optimizer", "schedule", "training", "preprocessing", "augmenter"):
        assert config[group] == plain[group]


@pytest.mark.parametrize("part", ["backbone=efficientnet_lite0", "augmenter=imgaug", "optimizer.name=adamw"])
def test_a_part_of_the_protocol_can_be_swapped_on_the_command_line(part):
    assert compose("train", ["experiment=deeplabcut2018", part]).sources["schedule.name"] == "experiment=deeplabcut2018"


def test_the_default_recipe_is_ours():
    config = compose("train").plain()
    assert (config["optimizer"]["name"], config["optimizer"]["lr"], config["schedule"]["name"]) == (
        "adamw", 1e-3, "cosine",
    )  # fmt: skip
    assert (config["training"]["steps"], config["training"]["minutes"]) == (None, None)


@pytest.mark.parametrize("name", ["csv", "tensorboard", "wandb"])
def test_every_logger_composes(name):
    logger = compose("train", [f"logger={name}"]).plain()["logger"]
    assert bool(logger.get("_target_")) == (name != "csv")


def test_wandb_stays_offline_unless_asked():
    assert compose("train", ["logger=wandb"]).plain()["logger"]["offline"] is True
