"""What an override may not do: take options away, add what nothing reads, hold a value of another type."""

from __future__ import annotations

import pytest

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.hydra_bridge import compose


def refusal(verb: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as raised:
        compose(verb, list(overrides))
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("verb", "override"), [("create_dataset", "~seed"), ("evaluate", "~shuffle"), ("extract_frames", "~n")]
)
def test_an_option_cannot_be_taken_away(verb, override):
    assert f"{override} takes an option away" in refusal(verb, override)


def test_that_an_optional_group_is_taken_away_changes_nothing():
    assert compose("train", ["~experiment"]).choices == compose("train").choices


@pytest.mark.parametrize(
    ("verb", "override"),
    [("create_dataset", "seed=${foo}"), ("evaluate", "pcutoff=${foo}"), ("label_video", "pcutoff=${foo}")],
)
def test_a_reference_to_what_does_not_exist_is_one_line(verb, override):
    option = override.partition("=")[0]
    assert f"{option} refers to another option, but: interpolation key 'foo' not found." in refusal(verb, override)


@pytest.mark.parametrize("sign", ["+", "++"])
def test_a_plus_adds_no_option_that_nothing_reads(sign):
    assert "there is no option 'foo'." in refusal("evaluate", f"{sign}foo=1")
    assert "no option 'sede'. Did you mean 'seed'" in refusal("train", f"{sign}sede=1")
    assert "no option 'training.stesp'. Did you mean 'steps'" in refusal("train", f"{sign}training.stesp=1")
    assert "Did you mean 'pretrained'" in refusal("train", f"{sign}backbone.pretraind=1")


@pytest.mark.parametrize(
    "override", ["+trainer.log_every_n_steps=1", "+backbone.model_options.drop_path_rate=0.3", "+logger.version=1"]
)
def test_a_plus_adds_where_more_may_be_given_than_is_listed(override):
    compose("train", [override])


@pytest.mark.parametrize(
    ("verb", "override", "message"),
    [
        ("create_dataset", "overwrite=maybe", "overwrite is 'maybe'; true or false is needed."),
        ("create_dataset", "num_shuffles=abc", "num_shuffles is 'abc'; a whole number is needed."),
        ("create_dataset", "seed=1.5", "seed is 1.5; a whole number is needed."),
        ("create_dataset", "seed=", "seed is ''; a whole number is needed."),
        ("create_dataset", "seed=null", "seed is null; a whole number is needed."),
        ("create_dataset", "shuffles=3", "shuffles is 3; a list is needed, like shuffles=[3], or null."),
        ("create_dataset", "shuffles=[a]", "shuffles[0] is 'a'; a whole number is needed."),
        ("create_dataset", "shuffles=1,2", "where a list is taken, write 'shuffles=[1,2]'"),
        ("create_dataset", "trainingsetindex=all", "trainingsetindex is 'all'; a whole number is needed, or null."),
        ("create_dataset", "split={a:1}", "there is no option 'split.a'. split takes: method"),
        ("create_dataset", "split=3", "split is 3; it is a group of options, set one by one: split.method=..."),
        ("train", "training.minutes=abc", "training.minutes is 'abc'; a number is needed, or null."),
        ("train", "optimizer.lr=abc", "optimizer.lr is 'abc'; a number is needed."),
        ("train", "backbone.pretrained=maybe", "backbone.pretrained is 'maybe'; true or false is needed."),
        ("filter", "filter=kalman filter.motion=fast", "filter.motion is 'fast'; velocity or acceleration is needed."),
        ("check_labels", "detector.threshold=1", "detector.threshold is an option of a detector, and none is chosen."),
        ("analyze", "snapshotindex=[1]", "snapshotindex is [1]; a whole number or a text is needed."),
    ],
)
def test_a_value_of_the_wrong_type_says_what_is_needed(verb, override, message):
    assert message in refusal(verb, *override.split())
