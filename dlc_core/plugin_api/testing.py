"""The kit for plugin authors: one call per component, and one per plugin module.

In the tests of a plugin package::

    from dlc_core.plugin_api.testing import check_component, check_discovery_is_light, components_of

    @pytest.mark.parametrize("kind, name", components_of("dlc-mynet"))
    def test_component(kind, name):
        check_component(kind, name)

    def test_the_plugin_module_is_light():
        check_discovery_is_light("dlc_mynet.plugin")

A check that fails raises `AssertionError` with what was found and what is expected. Options that a component cannot run
without (or should not: downloading weights) are given as ``check_component("backbone", "my_net", pretrained=False)``.
The built-ins run through the same kit. The behavioural checks, one per kind, are in `dlc_core.plugin_api.behaviour`.
"""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import subprocess
import sys
from typing import Any

from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.kinds import KINDS, kind_of
from dlc_core.plugin_api.registry import Entry

HEAVY = ("torch", "timm", "pytorch_lightning", "cv2", "pandas", "zarr", "sklearn", "matplotlib")


def components_of(distribution: str) -> list[tuple[str, str]]:
    """Return (kind, name) of every component that `distribution` offers, for ``pytest.mark.parametrize``."""
    return [
        (kind.singular, name)
        for kind in KINDS
        for name, entry in load_plugins().registry(kind.singular).items()
        if entry.provider.split(" ")[0] == distribution
    ]


def check_discovery_is_light(module: str) -> None:
    """Check that importing a plugin module imports nothing heavy.

    Raises
    ------
    AssertionError
        It imports torch, timm, Lightning, OpenCV, pandas, zarr, scikit-learn or Matplotlib.
    """
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    assert done.returncode == 0, f"importing {module} failed: {said[-1]}"
    heavy = done.stdout.split()
    assert not heavy, f"importing {module} also imports {', '.join(heavy)}; move that behind the component's target"


def check_component(kind: str, name: str, **options: Any) -> None:
    """Check one installed component: its record, its options, and what it does.

    Parameters
    ----------
    kind : str
        Singular: ``"backbone"``.
    name : str
        The component's name.
    **options
        Options for the behavioural check, instead of the defaults.

    Raises
    ------
    AssertionError
        Found and expected.
    """
    from dlc_core.plugin_api.behaviour import CHECKS

    entry = load_plugins().registry(kind)[name]
    check_record(entry)
    check_signature(kind, entry)
    CHECKS[kind](name, options)


def check_record(entry: Entry) -> None:
    """Check the component's dataclass: at module level, picklable, its ``name`` defaulting to the component's."""
    from omegaconf import OmegaConf

    component = entry.component
    config = component.config
    assert dataclasses.is_dataclass(config), f"{config!r} is no dataclass"
    fields = {field.name: field for field in dataclasses.fields(config)}
    assert "name" in fields, f"{config.__name__} has no field `name`"
    assert fields["name"].default == component.name, (
        f"{config.__name__}.name defaults to {fields['name'].default!r}, expected {component.name!r}"
    )
    structured = OmegaConf.structured(config)
    hint = f"{config.__name__} must live at module level: launchers of sweeps pickle it"
    try:
        restored = pickle.loads(pickle.dumps(structured))
    except (pickle.PicklingError, AttributeError) as exc:
        raise AssertionError(f"{hint} ({exc})") from exc
    assert restored == structured, hint
    assert component.summary, f"{component.name} has no summary: `dlc plugins` would show an empty line"


def check_signature(kind: str, entry: Entry) -> None:
    """Check that the target takes exactly its options and the context of its kind, all by name."""
    component = entry.component
    target = load_plugins().registry(kind).load(component.name)
    parameters = inspect.signature(target).parameters
    variadic = [p.name for p in parameters.values() if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    assert not variadic, f"{component.target} takes *{variadic[0]}, which hides misspelt options; name the parameters"
    expected = {field.name for field in dataclasses.fields(component.config)} - {"name"} | set(kind_of(kind).context)
    assert set(parameters) == expected, (
        f"{component.target} takes {sorted(parameters)}; expected the fields of {component.config.__name__} and the "
        f"context of a {kind}: {sorted(expected)}"
    )
