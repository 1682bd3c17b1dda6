"""Where the server listens, what it prints, and that a project has one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from dlc_core.errors import ConfigError, ProjectError
from dlc_core.gui.refusals import only_pages_of
from dlc_core.gui.server import add_image_routes, ended_by_signals, greeting, listening, one_server, own_port
from dlc_core.gui.workspace import Workspace
from dlc_core.project.project import Project


def test_a_second_server_is_refused_with_the_address_of_the_first(project):
    with one_server(project) as note:
        note("http://127.0.0.1:8088/?token=abc")
        file = project.labeled_data / ".gui.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600  # it holds the token
        with (
            pytest.raises(ProjectError, match=r"already open.*http://127\.0\.0\.1:8088/\?token=abc"),
            one_server(project),
        ):
            pass
        assert json.loads(file.read_text())["address"].endswith("abc")
    assert not file.exists()
    with one_server(project):
        pass


def test_the_next_free_port_is_taken_and_one_that_was_asked_for_is_not_replaced():
    with listening("127.0.0.1", 0) as first:
        first.listen()
        taken = first.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {taken}.*--port"), listening("127.0.0.1", taken):
            pass
        with listening("127.0.0.1", None) as second:
            assert second.getsockname()[1] != taken


def test_a_browser_that_is_quicker_than_the_server_is_let_wait():
    with listening("127.0.0.1", 0) as listener, socket.socket() as browser:
        assert browser.connect_ex(listener.getsockname()) == 0


def test_an_address_that_is_not_of_this_machine_is_one_line():
    with pytest.raises(ConfigError, match="--host"), listening("203.0.113.7", None):
        pass


def test_the_greeting_names_the_tunnel_and_warns_where_others_can_reach_the_server():
    own = "\n".join(greeting("http://127.0.0.1:8090/?token=x", "127.0.0.1", 8090))
    assert "http://127.0.0.1:8090/?token=x" in own
    assert "ssh -N -L 8090:127.0.0.1:8090" in own
    others = "\n".join(greeting("http://cage-pc:8090/?token=x", "0.0.0.0", 8090))
    assert "ssh" not in others
    assert "not encrypted" in others


def test_the_commands_say_what_is_missing_before_anything_heavy_is_imported(project):
    code = (
        "import sys, importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'nicegui' else real(name, *rest)\n"
        "sys.argv = ['dlc', 'label', '-p', sys.argv[1]]\n"
        "from dlc_core.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(project.root)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "Error: the browser application needs NiceGUI, which is not installed. Run `pip install 'dlc-core[gui]'`."
    )


def test_a_folder_that_does_not_exist_is_refused_with_those_that_do(project):
    command = [sys.executable, "-m", "dlc_core", "label", "mouse1", "-p", str(project.root), "--no-open"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no folder 'mouse1'" in done.stderr
    assert "'mouse 1'" in done.stderr


def test_garbage_collection_leaves_alone_what_stays():
    script = "import gc, dlc_core.gui.server as s; s.spare_the_collector(); print(gc.get_freeze_count())"
    frozen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert int(frozen) > 50_000


def test_a_project_comes_back_to_its_port_where_browsers_have_kept_its_edits(project, served):
    assert own_port(project.root) is None
    server = served("label")
    server.start()
    server.end()
    assert own_port(project.root) == server.port
    with listening("127.0.0.1", None, own_port(project.root)) as again:
        assert again.getsockname()[1] == server.port
        again.listen()
        with listening("127.0.0.1", None, own_port(project.root)) as taken:
            assert taken.getsockname()[1] != server.port
    (project.root / ".dlc-gui" / "port").write_text("80 80")
    assert own_port(project.root) is None


@pytest.mark.parametrize("asked", [(), ("--port", "0")])
def test_a_start_at_another_port_leaves_the_project_its_own_and_says_where_edits_are_kept(project, asked):
    with listening("127.0.0.1", 0) as taken:
        own = taken.getsockname()[1]
        (project.root / ".dlc-gui").mkdir()
        (project.root / ".dlc-gui" / "port").write_text(f"{own}\n")
        command = [sys.executable, "-m", "dlc_core", "label", "-p", str(project.root), "--no-open", *asked]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            address = server.stdout.readline()
            server.terminate()
            said = server.stdout.read()
        assert server.returncode == 0
    assert f":{own}/" not in address
    assert f"`--port {own}` has them sent" in said
    assert own_port(project.root) == own


def test_a_port_that_is_named_is_the_projects_own_from_then_on(project, served):
    (project.root / ".dlc-gui").mkdir()
    (project.root / ".dlc-gui" / "port").write_text("8088\n")
    server = served("label")
    server.start()
    assert server.end() == 0
    assert own_port(project.root) == server.port


def test_a_link_leads_to_the_edits_that_a_browser_has_kept_and_a_copy_does_not_get_those_of_the_original(project):
    def key(root):
        workspace = Workspace(Project.open(root))
        workspace.close()
        return workspace.key

    root = project.root
    link, above = root.parent / "link", root.parent / "above"
    link.symlink_to(root)
    above.symlink_to(root.parent)
    assert key(link) == key(above / root.name) == key(root / ".." / root.name) == key(root)
    copy = shutil.copytree(root, root.parent / "copy")
    assert key(copy) != key(root)
    kept = key(root)
    renamed = root.rename(root.parent / "renamed")
    assert key(renamed) not in (kept, key(copy))
    renamed.rename(root)
    assert key(root) == kept


def test_the_address_that_a_browser_is_opened_with_is_not_the_one_that_is_printed(project, tmp_path):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}"\n')
    browser.chmod(0o755)
    environment = {**os.environ, "BROWSER": f"{browser} %s", "DISPLAY": ":99", "SSH_CONNECTION": ""}
    command = [sys.executable, "-m", "dlc_core", "label", "-p", str(project.root), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        printed = server.stdout.readline().split()[-1]
        limit = time.monotonic() + 20
        while not (opened.exists() and opened.read_text()) and time.monotonic() < limit:
            time.sleep(0.05)
        server.terminate()
        assert server.wait(60) == 0
    given = opened.read_text().strip()
    assert given.split("token=")[0] == printed.split("token=")[0]
    assert given != printed


def test_a_page_of_another_project_that_was_at_this_address_before_is_refused(project):
    workspace = Workspace(project)
    app = FastAPI(dependencies=[Depends(only_pages_of(workspace))])
    add_image_routes(app, workspace)
    app.post("/api/anything")(lambda: {})
    client = TestClient(app)
    for headers, status in (({}, 200), ({"x-dlc-project": workspace.key}, 200), ({"x-dlc-project": "other"}, 421)):
        assert client.post("/api/anything", headers=headers).status_code == status
    assert "another project" in client.post("/api/anything", headers={"x-dlc-project": "other"}).json()["error"]
    workspace.close()


def test_config_that_is_in_disorder_is_one_line_on_the_page_and_no_traceback(project, served):
    config = project.root / "config.yaml"
    server = served("gui")
    session = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    address = server.start()
    session.open(address).read()
    config.write_text("Task: [<b>reach\n")
    with pytest.raises(urllib.error.HTTPError) as refused:
        session.open(address.split("?")[0] + "label")
    assert f"<p>{config} line 2 is no valid YAML" in refused.value.read().decode()
    assert server.end() == 0
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_before_the_server_has_begun_ends_it(number):
    server = uvicorn.Server(uvicorn.Config(FastAPI()))
    before = signal.getsignal(number)
    with ended_by_signals(server):
        signal.raise_signal(number)
    assert server.should_exit
    assert signal.getsignal(number) is before
