"""The commands that open a page: what they say when the person has done and ends the server."""

from __future__ import annotations

import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")


@pytest.mark.parametrize(("command", "following"), [("label", "dlc check-labels"), ("refine", "dlc merge")])
def test_who_ends_the_server_is_told_what_comes_next(served, command, following):
    server = served(command)
    server.start()
    assert server.end() == 0
    assert server.log.read_text(encoding="utf-8").rstrip().endswith(f"Next: {following}")
