"""Where there is no project: what the page may ask for, what it makes, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

from fastapi.testclient import TestClient

from dlc_core.gui.new_project import PATH, Beginning, build_app
from dlc_core.gui.server import listening
from dlc_core.project.create import create_project


@pytest.fixture
def video(data_folder: Path) -> Path:
    return data_folder / "sleap-tests" / "small_robot_3_frame.mp4"


@pytest.fixture
def begun(tmp_path: Path):
    """Return what the person decides, a client of the page, and a list that fills when the server is to end."""
    beginning, ended = Beginning(tmp_path), []
    return beginning, TestClient(build_app(beginning, lambda: ended.append(True))), ended


def test_a_project_is_made_with_its_videos_and_body_parts_and_the_server_gives_way(begun, video, tmp_path):
    beginning, client, ended = begun
    assert "Make the project" in client.get(PATH).text
    filled = {"name": "reach", "experimenter": "Zoë", "videos": [str(video)], "bodyparts": ["snout", "tail base"]}
    answer = client.post("/api/new", json={**filled, "folder": "mine"})
    assert (answer.status_code, ended) == (200, [True])
    assert beginning.project is not None
    assert beginning.project.root.parent == tmp_path / "mine"
    assert beginning.project.config.bodyparts == ("snout", "tail base")
    assert [path.name for path in beginning.project.videos()] == [video.name]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"videos": ["/nowhere.mp4"]}, "no file or folder /nowhere.mp4"),
        ({"videos": []}, "videos is empty"),
        ({"name": ""}, "the name is empty"),
        ({"bodyparts": []}, "no body part"),
        ({"bodyparts": ["a", "a"]}, "'a'"),
        ({"name": "../elsewhere"}, "'../elsewhere'"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_leaves_nothing(begun, video, tmp_path, change, said):
    beginning, client, ended = begun
    filled = {"name": "reach", "experimenter": "Ann", "videos": [str(video)], "bodyparts": ["snout"]}
    answer = client.post("/api/new", json=filled | change)
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert (beginning.project, ended, list(tmp_path.iterdir())) == (None, [], [])


def test_the_projects_of_the_folder_are_offered_and_opened(begun, video, tmp_path):
    beginning, client, ended = begun
    made = create_project("reach", "Ann", [video], tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.yaml").write_text("theme: dark\n")
    assert client.get("/api/begin").json() == {"here": str(tmp_path), "projects": [str(made.root)]}
    assert "does not exist" in client.post("/api/open", json={"folder": "nowhere"}).json()["error"]
    assert not ended
    assert client.post("/api/open", json={"folder": made.root.name}).status_code == 200
    assert ended == [True]
    assert beginning.project is not None
    assert beginning.project.root == made.root


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_project_that_is_opened_in_the_browser_keeps_the_port_where_its_edits_are_kept(video, tmp_path, is_taken):
    made = create_project("reach", "Ann", [video], tmp_path)
    port = made.root / ".dlc-gui" / "port"
    with listening("127.0.0.1", 0) as taken:
        own = taken.getsockname()[1]
        port.parent.mkdir()
        port.write_text(f"{own}\n")
        if not is_taken:
            taken.close()
        command = [sys.executable, "-m", "dlc_core", "gui", "--no-open"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as server:
            assert server.stdout is not None
            try:
                address = next(line for line in server.stdout if line.startswith("Browser: ")).split()[1]
                there = address.split("/new")[0]
                session = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
                session.open(address, timeout=60).read()
                body, headers = b'{"folder": "%s"}' % made.root.name.encode(), {"content-type": "application/json"}
                wanted = urllib.request.Request(f"{there}/api/open", body, {**headers, "origin": there})
                session.open(wanted, timeout=60).read()
                assert there in next(line for line in server.stdout if line.startswith("Browser: "))
            finally:
                server.terminate()
    assert there.endswith(f":{own}") is not is_taken
    assert port.read_text() == f"{own}\n"
