"""The documents are true: every hook has a section, and what they name exists."""

from __future__ import annotations

import re

import pytest

from dlc_core.plugin_api.discovery import HOOKS
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.verbs import VERBS


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_section_for_plugin_authors(repository, hook):
    text = (repository / "CONTRIBUTING.md").read_text()
    section = re.search(rf"^### `{hook}`\n\n(.+?)(?=\n#)", text, re.DOTALL | re.MULTILINE)
    assert section, f"CONTRIBUTING.md has no section for {hook}"
    assert len(section[1].split()) > 15


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.singular)
def test_every_kind_has_its_hook_protocol_check_and_folder(repository, kind):
    from dlc_core.plugin_api import behaviour, contract, protocols

    assert (contract.__dict__[kind.hook].__doc__ or "").count("Example::") == 1
    assert hasattr(protocols, kind.protocol)
    assert kind.singular in behaviour.CHECKS
    assert (repository / "plugins" / kind.folder / "__init__.py").is_file()


def test_every_file_that_the_documents_name_exists(repository):
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (repository / document).read_text()
        for name in re.findall(r"`((?:dlc_core|plugins|configs|tests|benchmarks|docs)/[\w./*-]+)`", text):
            assert list(repository.glob(name)), f"{document} names {name}, which does not exist"


def test_every_command_that_the_documents_name_exists(repository):
    from dlc_core import commands, gui_commands  # noqa: F401 - add their verbs
    from dlc_core.cli import dlc

    for document in (repository / "README.md", *(repository / "docs").glob("*.md")):
        named = set(re.findall(r"(?:^|`)dlc ([a-z-]+)", document.read_text(), re.MULTILINE))
        assert named <= set(dlc.commands), f"{document.name} names commands that do not exist"


def test_the_readme_names_every_verb(repository):
    text = (repository / "README.md").read_text()
    missing = [verb.command for verb in VERBS if f"dlc {verb.command}" not in text]
    assert not missing


def test_the_table_of_keys_is_the_one_the_program_uses(repository):
    from dlc_core.project.keys import key_table_markdown

    text = (repository / "docs" / "keys.md").read_text()
    assert key_table_markdown().strip() in text, (
        "docs/keys.md is out of date: print dlc_core.project.keys.key_table_markdown()"
    )
