"""The built-in augmenters pass the kit that third parties run."""

from __future__ import annotations

import pytest

from dlc_core.plugin_api.testing import check_component, check_discovery_is_light

NAMES = ("imgaug", "scalecrop", "tensorpack", "kornia", "none")


@pytest.mark.parametrize("name", NAMES)
def test_the_augmenter_passes_the_kit(name: str) -> None:
    if name == "kornia":
        pytest.importorskip("kornia", reason="the optional package kornia is not installed")
    check_component("augmenter", name)


def test_the_manifest_is_light() -> None:
    check_discovery_is_light("dlc_plugins.augmenters")
