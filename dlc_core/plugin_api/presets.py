"""Which YAML presets the search paths hold, and what becomes of a component that has the name of one.

Hydra finds files before components, so a component named like a preset would never be reached by its own name, and the
preset, which starts from a component, might start from the wrong one. As with two components of one name, nobody can
then select the component; the preset keeps working. Files are listed here, not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources

from dlc_core.errors import PluginError
from dlc_core.plugin_api.kinds import KINDS

CONFIGS = "dlc_configs"
_PACKAGE = "pkg://"


def preset_names(path: str) -> dict[str, list[str]]:
    """Return the names of the presets below a search path, sorted, by config group; groups of plugins only.

    Parameters
    ----------
    path : str
        ``"pkg://package.folder"``.

    Raises
    ------
    PluginError
        It is no such path.
    ImportError
        There is no such package.
    """
    if not path.startswith(_PACKAGE):
        raise PluginError(f"the search path {path!r} was returned; expected one like 'pkg://dlc_mynet.conf'")
    root = resources.files(path.removeprefix(_PACKAGE))
    found = {}
    for kind in KINDS:
        folder = root / kind.group
        if folder.is_dir():
            files = [file.name for file in folder.iterdir() if file.is_file()]
            found[kind.group] = sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))
    return found


def check_presets(found: Mapping[str, Iterable[str]], components: Mapping[str, Iterable[str]]) -> None:
    """Check that no preset of a plugin has the name of a built-in component, in whose place Hydra would take it.

    Parameters
    ----------
    found, components : mapping of str to iterable of str
        Config group to names of presets, and of components.

    Raises
    ------
    PluginError
        Naming the file.
    """
    for group, names in found.items():
        if taken := sorted(set(names) & set(components.get(group, ()))):
            raise PluginError(f"the preset {group}/{taken[0]}.yaml has the name of a built-in component; rename it")
