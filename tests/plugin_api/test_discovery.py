"""A plugin is found by its entry point; a broken one is named and stops nobody else."""

from __future__ import annotations

import warnings

import pytest

from dlc_core.errors import (
    BrokenPluginError,
    ConfigError,
    DuplicateComponentError,
    PluginError,
    UnknownComponentError,
)
from dlc_core.plugin_api.discovery import Plugins, load_plugins
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.plugin_api.listing import format_listing, make_listing

GOOD = """
from dataclasses import dataclass
from dlc_core.plugin_api import Component, hookimpl

@dataclass
class Config:
    name: str = "{name}"
    width: int = 64
    ratio: float = 0.5

class Net:
    def __init__(self, width: int, ratio: float) -> None:
        self.width, self.ratio = width, ratio

@hookimpl
def dlc_backbones():
    return [Component(name="{name}", target="{target}", config=Config, summary="s", install="pip install {name}-gpu")]
"""


def good(name: str, module: str, target: str = "") -> str:
    return GOOD.format(name=name, target=target or f"{module}:Net")


def discover() -> Plugins:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_plugins()


def test_a_third_party_component_is_found_with_its_provider_and_built_with_its_options(install_package):
    install_package("dlc-mynet", good("my_net", "dlc_mynet"))
    registry = discover().registry("backbone")
    assert registry["my_net"].provider == "dlc-mynet 1.2 [plugin]"
    built = registry.build({"name": "my_net", "width": 32})
    assert (built.width, built.ratio) == (32, 0.5)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        (
            "from dlc_core.plugin_api import hookimpl\n@hookimpl\ndef dlc_backbones(colour):\n    return []",
            "colour",
        ),
        (
            "from dlc_core.plugin_api import hookimpl\n@hookimpl\ndef dlc_backbone():\n    return []",
            "Did you mean 'dlc_backbones'",
        ),
        (
            "from dlc_core.plugin_api import hookimpl\n@hookimpl\ndef dlc_heads():\n    raise OSError('no licence')",
            "dlc_heads: OSError: no licence",
        ),
        (
            "from dlc_core.plugin_api import hookimpl\n@hookimpl\ndef dlc_heads():\n    return ['deconv']",
            "must return Component records",
        ),
        (good("bad_net", "dlc_broken").replace("@dataclass", ""), "'bad_net' has config <class 'dlc_broken.Config'>"),
        (good("bad_net", "dlc_broken").replace('name: str = "bad_net"', ""), "has no field `name`"),
        (
            good("bad_net", "dlc_broken").replace('name: str = "bad_net"', 'name: str = "timm"'),
            "'bad_net': `name` of its config Config defaults to 'timm'; expected 'bad_net'",
        ),
        (good("bad_net", "dlc_broken").replace(' = "bad_net"\n', "\n", 1), "defaults to nothing; expected 'bad_net'"),
        ("import sys\nsys.exit('no display')", "SystemExit: no display"),
        (
            "from dlc_core.plugin_api import hookimpl\n@hookimpl\ndef dlc_heads():\n    raise SystemExit(3)",
            "dlc_heads: SystemExit: 3",
        ),
    ],
)
def test_a_broken_plugin_is_recorded_with_distribution_and_reason_and_the_rest_works(install_package, code, reason):
    install_package("dlc-broken", code)
    install_package("dlc-mynet", good("my_net", "dlc_mynet"))
    plugins = discover()
    assert [failure.provider for failure in plugins.failures] == ["dlc-broken 1.2 [plugin]"]
    assert reason in plugins.failures[0].reason
    assert "my_net" in plugins.registry("backbone")
    assert "uncertain" in plugins.registry("outlier_detector")


def test_a_left_out_plugin_is_warned_about_once_by_name(install_package):
    install_package("dlc-broken", "1 / 0")
    with pytest.warns(RuntimeWarning, match=r"plugin dlc-broken 1.2 \[plugin\] was left out: ZeroDivisionError"):
        load_plugins()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_plugins()


def test_two_distributions_may_use_the_same_entry_point_name(install_package):
    install_package("dlc-one", good("one_net", "dlc_one"), "net")
    install_package("dlc-two", good("two_net", "dlc_two"), "net")
    registry = discover().registry("backbone")
    assert {"one_net", "two_net"} <= set(registry)


def test_a_name_offered_twice_is_selectable_by_nobody_until_one_provider_is_disabled(install_package, monkeypatch):
    install_package("dlc-one", good("my_net", "dlc_one"))
    install_package("dlc-two", good("my_net", "dlc_two"))
    with pytest.warns(RuntimeWarning, match="offered by dlc-one"):
        registry = load_plugins().registry("backbone")
    assert "my_net" not in registry
    assert "my_net" not in list(registry)
    with pytest.raises(DuplicateComponentError, match=r"dlc-one .* and by dlc-two .*DLC_DISABLED_PLUGINS"):
        registry.build({"name": "my_net"})
    monkeypatch.setenv("DLC_DISABLED_PLUGINS", "dlc-two")
    load_plugins.cache_clear()
    plugins = load_plugins()
    assert plugins.registry("backbone")["my_net"].provider.startswith("dlc-one")
    assert plugins.disabled == ["dlc-two 1.2 [plugin]"]


def test_an_option_typo_fails_with_the_near_name_and_the_provider(install_package):
    install_package("dlc-mynet", good("my_net", "dlc_mynet"))
    registry = discover().registry("backbone")
    with pytest.raises(ConfigError, match=r"dlc-mynet 1\.2.*no option 'widht'.*Did you mean 'width'.*width, ratio"):
        registry.build({"name": "my_net", "widht": 3})
    with pytest.raises(ConfigError, match=r"option 'width': .*not be converted to Integer\. It takes: width, ratio"):
        registry.build({"name": "my_net", "width": "wide"})


def test_the_options_of_a_component_are_listed_wherever_its_field_name_stands(install_package):
    fields = '    name: str = "my_net"\n    width: int = 64\n    ratio: float = 0.5\n'
    turned = '    width: int = 64\n    ratio: float = 0.5\n    name: str = "my_net"\n'
    code = good("my_net", "dlc_mynet")
    assert fields in code
    install_package("dlc-mynet", code.replace(fields, turned))
    with pytest.raises(ConfigError, match=r"It takes: width, ratio\.$"):
        discover().registry("backbone").build({"name": "my_net", "heigth": 3})


def test_two_configs_of_one_class_name_are_not_mixed_up_when_an_option_is_unknown(install_package):
    install_package("dlc-one", good("one_net", "dlc_one").replace("width", "depth"))
    install_package("dlc-two", good("two_net", "dlc_two"))
    with pytest.raises(
        ConfigError, match=r"backbone=two_net has no option 'widht'\. Did you mean 'width'.*takes: width, ratio"
    ):
        compose("train", ["backbone=two_net", "backbone.widht=3"])
    with pytest.raises(ConfigError, match=r"takes: depth, ratio"):
        compose("train", ["backbone=one_net", "backbone.widht=3"])


def test_choosing_a_name_that_two_packages_offer_says_who_they_are(install_package):
    install_package("dlc-one", good("my_net", "dlc_one"))
    install_package("dlc-two", good("my_net", "dlc_two"))
    discover()
    with pytest.raises(ConfigError, match=r"'my_net' is offered by dlc-one .* and by dlc-two .*DLC_DISABLED_PLUGINS"):
        compose("train", ["backbone=my_net"])


def test_plugins_are_disabled_in_either_spelling_and_an_unknown_name_is_warned_about(install_package, monkeypatch):
    install_package("dlc-mynet", good("my_net", "dlc_mynet"), "nets")
    for name in ("dlc_MyNet", "Dlc-mynet", "NETS"):
        monkeypatch.setenv("DLC_DISABLED_PLUGINS", name)
        load_plugins.cache_clear()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert load_plugins().disabled == ["dlc-mynet 1.2 [nets]"]
    monkeypatch.setenv("DLC_DISABLED_PLUGINS", "dlc-mynett")
    load_plugins.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"names 'dlc-mynett', which is no plugin.*Did you mean 'dlc-mynet'\?"):
        assert load_plugins().disabled == []


def test_an_unknown_component_lists_what_is_known(install_package):
    install_package("dlc-mynet", good("my_net", "dlc_mynet"))
    with pytest.raises(UnknownComponentError, match=r"no backbone is named 'my_nett'.*Did you mean 'my_net'.*Known:"):
        discover().registry("backbone").build({"name": "my_nett"})


def test_a_component_whose_import_fails_says_what_to_install(install_package):
    install_package("dlc-mynet", good("my_net", "dlc_mynet", "dlc_mynet_gpu.net:Net"))
    with pytest.raises(BrokenPluginError, match=r"No module named 'dlc_mynet_gpu'.*pip install my_net-gpu"):
        discover().registry("backbone").build({"name": "my_net"})


def test_a_plugin_class_whose_constructor_raises_is_recorded(install_package):
    install_package("dlc-broken", "class Offer:\n    def __init__(self):\n        1 / 0", attribute="Offer")
    install_package("dlc-mynet", good("my_net", "dlc_mynet"))
    plugins = discover()
    assert [failure.provider for failure in plugins.failures] == ["dlc-broken 1.2 [plugin]"]
    assert "ZeroDivisionError" in plugins.failures[0].reason
    assert "my_net" in plugins.registry("backbone")


def test_a_config_that_cannot_be_composed_takes_out_its_component_only(install_package):
    code = good("choosy", "dlc_choosy").replace("width: int = 64", 'width: Literal["a", "b"] = "a"')
    install_package("dlc-choosy", code.replace("from dataclasses", "from typing import Literal\nfrom dataclasses", 1))
    install_package("dlc-mynet", good("my_net", "dlc_mynet"))
    with pytest.warns(RuntimeWarning, match=r"plugin dlc-choosy 1.2 \[plugin\] was left out: backbone 'choosy'"):
        assert compose("train", ["backbone=my_net"]).config.backbone.name == "my_net"
    with pytest.raises(ConfigError, match="backbone=choosy does not exist"):
        compose("train", ["backbone=choosy"])
    load_plugins.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        listing = make_listing(load_plugins())
    assert [failure["provider"] for failure in listing.failures] == ["dlc-choosy 1.2 [plugin]"]
    assert "choosy" not in [row.name for row in listing.components]
    assert "FAILED dlc-choosy 1.2 [plugin]: backbone 'choosy'" in format_listing(listing)


def test_whatever_the_import_of_a_component_raises_is_a_broken_plugin(install_package):
    install_package("dlc-gpu-code", "raise OSError('libcuda.so.1: cannot open shared object file')")
    install_package("dlc-mynet", good("my_net", "dlc_mynet", "dlc_gpu_code:Net"))
    with pytest.raises(BrokenPluginError, match=r"'my_net' \(dlc-mynet .*OSError: libcuda.*pip install my_net-gpu"):
        discover().registry("backbone").build({"name": "my_net"})


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        (
            "raise ValueError('width must be even')",
            PluginError,
            r"'my_net' \(dlc-mynet 1\.2 .*ValueError: width",
        ),
        (
            "import no_such_module",
            BrokenPluginError,
            r"'my_net' .*named 'no_such_module'.*pip install my_net",
        ),
    ],
)
def test_what_a_constructor_raises_names_component_and_provider(install_package, line, error, message):
    code = good("my_net", "dlc_mynet").replace("self.width, self.ratio = width, ratio", line)
    install_package("dlc-mynet", code)
    with pytest.raises(error, match=message):
        discover().registry("backbone").build({"name": "my_net"})


def test_an_error_that_a_constructor_words_itself_is_kept(install_package):
    line = "from dlc_core.errors import ConfigError; raise ConfigError('width is 64; odd is needed')"
    install_package("dlc-mynet", good("my_net", "dlc_mynet").replace("self.width, self.ratio = width, ratio", line))
    with pytest.raises(ConfigError, match=r"^width is 64; odd is needed$"):
        discover().registry("backbone").build({"name": "my_net"})


def test_a_component_named_like_a_preset_is_not_selectable_and_the_preset_works(install_package):
    install_package("dlc-mynet", good("resnet50", "dlc_mynet"))
    with pytest.warns(RuntimeWarning, match=r"backbone 'resnet50' is offered by dlc-mynet .* and by dlc-core .*preset"):
        plugins = load_plugins()
    composed = compose("train", [])
    assert (composed.config.backbone.name, composed.config.backbone.model) == ("timm", "resnet50")
    with pytest.raises(DuplicateComponentError, match=r"dlc-mynet 1\.2 .*dlc-core .*\(preset\)"):
        plugins.registry("backbone").build({"name": "resnet50"})
    listing = make_listing(plugins)
    owners = listing.ambiguous["backbone"]["resnet50"]
    assert [owner.split(" ")[0] for owner in owners] == ["dlc-mynet", "dlc-core"]
    assert "resnet50" in listing.presets["backbone"]
    assert "resnet50: NOT SELECTABLE, offered by dlc-mynet 1.2 [plugin] and by dlc-core" in format_listing(listing)


def with_presets(code: str, path: str) -> str:
    return code + f"\n@hookimpl\ndef dlc_config_paths():\n    return [{path!r}]\n"


def write_preset(folder, name: str, text: str, group: str = "backbone") -> None:
    (folder / group).mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / group / f"{name}.yaml").write_text(text)


def test_presets_of_every_group_are_listed_with_who_offers_them(install_package, tmp_path):
    conf = tmp_path / "site" / "dlc_lab_conf"
    write_preset(conf, "lab", "# @package _global_\nseed: 3\n", "experiment")
    write_preset(conf, "cluster", "defaults: [submitit_slurm]\n", "hydra/launcher")
    write_preset(conf, "lab_wide", "defaults: [lab_net, _self_]\nwidth: 128\n")
    install_package("dlc-lab", with_presets(good("lab_net", "dlc_lab"), "pkg://dlc_lab_conf"))
    plugins = discover()
    assert plugins.failures == []
    listing = make_listing(plugins)
    for group, name in (("experiment", "lab"), ("hydra/launcher", "cluster"), ("backbone", "lab_wide")):
        assert listing.presets[group][name] == "dlc-lab 1.2 [plugin]"
    assert listing.presets["experiment"]["deeplabcut2018"].startswith("dlc-core ")
    text = format_listing(listing)
    assert "experiment=\n  presets: deeplabcut2018, deeplabcut2018_resnet101, lab [dlc-lab 1.2 [plugin]]" in text
    as_json = listing.as_json()
    (row,) = (row for row in as_json["components"] if row["name"] == "lab_net")
    assert (row["distribution"], row["version"]) == ("dlc-lab", "1.2")
    assert as_json["providers"][1] == {
        "provider": "dlc-lab 1.2 [plugin]", "distribution": "dlc-lab", "version": "1.2", "entry_point": "plugin",
    }  # fmt: skip


def test_a_preset_of_any_group_that_ours_hides_is_named(install_package, tmp_path):
    write_preset(tmp_path / "site" / "dlc_lab_conf", "deeplabcut2018", "# @package _global_\nseed: 3\n", "experiment")
    install_package("dlc-lab", with_presets(good("lab_net", "dlc_lab"), "pkg://dlc_lab_conf"))
    (failure,) = discover().failures
    assert "preset experiment/deeplabcut2018.yaml is hidden by that of dlc-core" in failure.reason


def test_a_preset_of_a_plugin_takes_the_name_from_the_component_of_another(install_package, tmp_path):
    write_preset(tmp_path / "site" / "dlc_lab_conf", "wide_net", "defaults: [lab_net, _self_]\nwidth: 128\n")
    install_package("dlc-lab", with_presets(good("lab_net", "dlc_lab"), "pkg://dlc_lab_conf"))
    install_package("dlc-mynet", good("wide_net", "dlc_mynet"))
    plugins = discover()
    assert set(plugins.registry("backbone").ambiguous) == {"wide_net"}
    assert compose("train", ["backbone=wide_net"]).config.backbone == {"name": "lab_net", "width": 128, "ratio": 0.5}


@pytest.mark.parametrize(
    ("path", "preset", "reason"),
    [
        ("pkg://dlc_no_such_package", "", "No module named 'dlc_no_such_package'"),
        ("conf", "", "expected one like 'pkg://dlc_mynet.conf'"),
        ("pkg://dlc_lab_conf", "timm", "backbone/timm.yaml has the name of a built-in component"),
        ("pkg://dlc_lab_conf", "resnet50", "preset backbone/resnet50.yaml is hidden by that of dlc-core"),
    ],
)
def test_presets_that_cannot_be_found_or_would_hide_others_are_named(install_package, tmp_path, path, preset, reason):
    if preset:
        write_preset(tmp_path / "site" / "dlc_lab_conf", preset, "defaults: [lab_net, _self_]\n")
    install_package("dlc-lab", with_presets(good("lab_net", "dlc_lab"), path))
    plugins = discover()
    (failure,) = plugins.failures
    assert failure.provider == "dlc-lab 1.2 [plugin]"
    assert reason in failure.reason
    assert compose("train", []).config.backbone == compose("train", ["backbone=resnet50"]).config.backbone
    assert compose("train", []).config.backbone.name == "timm"
    assert compose("train", ["backbone=lab_net"]).config.backbone.name == "lab_net"
