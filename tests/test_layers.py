"""Who may import whom: the house rules, kept by parsing imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

STAGES = (
    "video", "project", "labels", "frames", "data", "model", "training", "evaluation", "inference", "export",
    "filtering", "outliers", "refine", "visualize", "gui", "demo",
)  # fmt: skip
DATA_TYPES = {"dlc_core.model.structures"}  # dataclasses of tensors that flow through all stages; they import none


def imports_of(path: Path) -> set[str]:
    """Return every module imported at run time or inside functions; imports for type checkers do not count."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or "plugins" in path.parts, f"{path} imports relatively"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def files(repository: Path, package: str) -> list[Path]:
    return sorted((repository / package).rglob("*.py"))


def test_the_core_never_imports_the_built_in_plugins(repository):
    for path in files(repository, "dlc_core"):
        assert not any(name.split(".")[0] in ("dlc_plugins", "plugins") for name in imports_of(path)), path


def test_plugins_import_what_third_parties_can_never_a_run_module_or_the_command_line(repository):
    for path in files(repository, "plugins"):
        for name in imports_of(path):
            assert not name.startswith(("dlc_core.cli", "dlc_core.api", "dlc_core.sweep")), path
            assert not (name.startswith("dlc_core.") and ".run" in name), path
            assert not name.startswith(("hydra", "omegaconf")), path


def test_a_stage_imports_earlier_stages_only(repository):
    for path in files(repository, "dlc_core"):
        stage = path.relative_to(repository / "dlc_core").parts[0]
        if stage not in STAGES or stage in ("demo",):
            continue
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] == "dlc_core" and len(parts) > 1 and parts[1] in STAGES:
                earlier = STAGES.index(parts[1]) <= STAGES.index(stage)
                data_type = any(name == allowed or name.startswith(f"{allowed}.") for allowed in DATA_TYPES)
                assert earlier or data_type, f"{path.name} of {stage} imports {name}"


HYDRA = {
    *(
        "composition.py",
        "experiments.py",
        "hydra_bridge.py",
        "hydra_errors.py",
        "override_checks.py",
        "value_errors.py",
    ),
    *("registry.py", "testing.py", "sweep.py", "run.py"),
}


def test_only_what_composes_configurations_sweeps_and_run_modules_import_hydra(repository):
    found = set()
    for path in files(repository, "dlc_core"):
        if any(name.split(".")[0] in ("hydra", "omegaconf") for name in imports_of(path)):
            assert path.name in HYDRA, path
            found.add(path.name)
    assert found == HYDRA, "a file of the list needs Hydra no more: take it off, here and in CONTRIBUTING.md"
    text = (repository / "CONTRIBUTING.md").read_text()
    assert not [name for name in HYDRA if f"`{name}`" not in text]


@pytest.mark.parametrize(
    "code",
    [
        "import dlc_core",
        "import dlc_core.cli, dlc_core.commands",
        "from dlc_core.plugin_api.discovery import load_plugins; load_plugins()",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code):
    heavy = "('torch', 'timm', 'pytorch_lightning', 'cv2', 'pandas', 'zarr', 'matplotlib', 'sklearn', 'scipy')"
    program = f"import sys; {code}; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_module_has_a_name_that_says_nothing(repository):
    vague = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "base.py", "misc.py"}
    assert not [
        path for package in ("dlc_core", "plugins") for path in files(repository, package) if path.name in vague
    ]
