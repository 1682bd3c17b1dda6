"""The kit of dlc-core on everything this package offers, and what only this package can promise."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.testing import check_component, check_discovery_is_light, components_of


def test_the_package_offers_a_backbone_and_a_frame_selector():
    assert components_of("dlc-example") == [("backbone", "tiny_conv"), ("frame_selector", "every_nth")]


@pytest.mark.parametrize(("kind", "name"), components_of("dlc-example"))
def test_a_component_passes_the_kit(kind, name):
    check_component(kind, name)


def test_the_plugin_module_is_light():
    check_discovery_is_light("dlc_example.plugin")


def test_frames_lie_at_the_distance_that_was_asked_for():
    selector = load_plugins().registry("frame_selector").build({"name": "every_nth", "nth": 3})
    candidates = np.arange(100, 130)
    assert selector.select(None, candidates, 4, None, None).tolist() == [100, 103, 106, 109]


def test_a_distance_of_zero_is_refused():
    with pytest.raises(ConfigError, match="nth=0"):
        load_plugins().registry("frame_selector").build({"name": "every_nth", "nth": 0})
