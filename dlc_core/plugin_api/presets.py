"""Which YAML presets the search paths hold, and what becomes of a component that has the name of one.

Hydra finds files before components, so a component named like a preset would never be reached by its own name, and the
preset, which starts from a component, might start from the wrong one. As with two components of one name, nobody can
then select the component; the preset keeps working. Files are listed here, not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable

from dlc_core.errors import PluginError

CONFIGS = "dlc_configs"
_PACKAGE = "pkg://"


def preset_names(path: str) -> dict[str, list[str]]:
    """Return the names of the presets below a search path, sorted, by config group.

    Every folder with YAML files is a group: ``backbone``, ``experiment``, ``hydra/launcher``. Files that lie in no
    folder are whole configs, not presets.

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
    found: dict[str, list[str]] = {}
    _collect(resources.files(path.removeprefix(_PACKAGE)), "", found)
    return found


def _collect(folder: Traversable, group: str, found: dict[str, list[str]]) -> None:
    children = sorted(folder.iterdir(), key=lambda child: child.name)
    names = [child.name.removesuffix(".yaml") for child in children if child.name.endswith(".yaml")]
    if group and names:
        found[group] = names
    for child in children:
        if child.is_dir():
            _collect(child, f"{group}/{child.name}".lstrip("/"), found)


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
