"""The built-in filters pass the kit, and refuse options that cannot be used before poses are read."""

import pytest

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.testing import check_component, check_discovery_is_light, components_of


@pytest.mark.parametrize("name", [name for kind, name in components_of("dlc-core") if kind == "filter"])
def test_the_built_in_filters_pass_the_kit(name):
    check_component("filter", name)


def test_all_four_are_there_and_the_manifest_is_light():
    names = [name for kind, name in components_of("dlc-core") if kind == "filter"]
    assert names == ["median", "arima", "savgol", "kalman"]
    check_discovery_is_light("dlc_plugins.filters")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "median", "windowlength": 4}, "filter.windowlength is 4; an odd number of frames is needed, like 5"),
        ({"name": "median", "windowlength": -2}, "windowlength is -2; an odd number of frames is needed, like 1"),
        ({"name": "savgol", "windowlength": 5, "polyorder": 5}, "polyorder is 5; a number from 0 to 4 is needed"),
        ({"name": "savgol", "max_gap": -1}, "max_gap is -1"),
        ({"name": "savgol", "pcutoff": 60}, "filter.pcutoff is 60"),
        ({"name": "arima", "p_bound": 2}, "filter.p_bound is 2"),
        ({"name": "arima", "ar_degree": 0, "ma_degree": 0}, "at least one of them"),
        ({"name": "kalman", "max_sd": 0}, "filter.max_sd is 0"),
        ({"name": "kalman", "process_noise": -1}, "filter.process_noise is -1"),
        ({"name": "kalman", "motion": "circles"}, "motion"),
    ],
)
def test_options_that_cannot_be_used_are_one_line(build, options, message):
    with pytest.raises(ConfigError, match=message) as error:
        build(**options)
    assert "\n" not in str(error.value)
