"""Open folders as the browser asks for them, without a browser: the routes, the files, what is told to whom."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from dlc_core.errors import DiskError
from dlc_core.gui import desk as desks
from dlc_core.gui import label_page, refine_page
from dlc_core.gui.desk import Desk
from dlc_core.gui.server import add_image_routes
from dlc_core.gui.workspace import Workspace
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import read_folder
from dlc_core.labels.journal import Edit
from dlc_core.labels.machine import MachineLabels, machine_file, write_machine
from dlc_core.outliers.suspects import SUSPECTS, Suspect, write_suspects

FOLDER = "mouse 1"
API = f"/api/label/{FOLDER}"


@pytest.fixture
def workspace(project):
    found = Workspace(project)
    yield found
    found.close()


@pytest.fixture
def client(workspace):
    app = FastAPI()
    add_image_routes(app, workspace)
    label_page.add(app, workspace)
    refine_page.add(app, workspace)
    return TestClient(app)


def frame(client, file="img000.png"):
    return client.post(f"{API}/frames", json={"files": [file]}).json()[file]


def test_a_folder_is_described_before_its_first_frame_is_shown(client):
    found = client.get(API).json()
    assert [one["name"] for one in found["files"]] == [f"img{number:03d}.png" for number in range(5)]
    assert {one["marks"] for one in found["files"]} == {"0000"}
    assert len(set(found["colors"])) == len(found["bodyparts"]) == 4
    assert found["edges"] == [["snout", "tail base"]]
    assert found["settings"]["corner"] == [20, 30]
    assert client.get("/api/label").json() == [{"name": FOLDER, "frames": 5, "finished": 0}]


@pytest.mark.parametrize("table", ["csv", "h5"])
def test_labels_of_a_folder_that_is_not_open_are_counted_with_those_of_its_journal(client, project, table):
    folder = project.labeled_data / FOLDER
    with LabelEditor.open(project, FOLDER) as editor:
        editor.apply(Edit(image=editor.images[0], set={"snout": (9.0, 9.0)}))
    if table == "h5":
        (folder / "CollectedData_ada.csv").unlink()
    assert client.get("/api/label").json() == [{"name": FOLDER, "frames": 5, "finished": 1}]
    LabelEditor.open(project, FOLDER).apply(Edit(image=editor.images[1], row=True))
    assert client.get("/api/label").json() == [{"name": FOLDER, "frames": 5, "finished": 2}]


def test_tables_that_a_full_disk_refused_are_written_when_there_is_room(project, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(desks, "_REST_S", 0.0)
    monkeypatch.setattr(desks, "_RETRY_S", 0.0)
    desk = Desk(FOLDER, LabelEditor.open(project, FOLDER))
    desk.edit("img000.png", {"set": {"snout": [9, 9]}}, desk.frame("img000.png")["revision"])
    csv = project.labeled_data / FOLDER / "CollectedData_ada.csv"
    with monkeypatch.context() as patched:
        patched.setattr("os.replace", full)
        with pytest.raises(DiskError, match="the disk is full"):
            desk.rest()
    assert not csv.exists()
    desk.rest()
    assert "9.0,9.0" in csv.read_text()


def test_an_edit_is_in_the_journal_when_it_is_acknowledged_and_its_inverse_takes_it_back(client, project):
    seen = frame(client)["revision"]
    made = client.post(f"{API}/edit", json={"file": "img000.png", "seen": seen, "set": {"snout": [3.5, 4.25]}}).json()
    journal = project.labeled_data / FOLDER / "CollectedData_ada.journal"
    assert b"[3.5,4.25]" in journal.read_bytes()
    assert made["frame"]["points"] == {"snout": [3.5, 4.25]}
    assert made["frame"]["done"] == 1.0
    back = {"file": "img000.png", "seen": made["frame"]["revision"], **made["inverse"]}
    assert client.post(f"{API}/edit", json=back).json()["frame"] == {"revision": seen, "points": {}, "done": None}


def test_an_edit_of_a_frame_that_changed_meanwhile_is_refused_with_the_frame_as_it_is(client, project):
    seen = frame(client)["revision"]
    with LabelEditor.open(project, FOLDER, by="Bob") as editor:
        editor.apply(Edit(image=editor.images[0], set={"snout": (9.0, 9.0)}))
    answer = client.post(f"{API}/edit", json={"file": "img000.png", "seen": seen, "set": {"snout": [1, 1]}})
    assert answer.status_code == 409
    assert answer.json()["frame"]["points"] == {"snout": [9.0, 9.0]}
    assert read_folder(project.labeled_data / FOLDER, "ada").keypoints[0, 0, 0].tolist() == [9.0, 9.0]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"file": "../../config.yaml"}, "no frame"),
        ({"file": "img009.png"}, "no frame"),
        ({"set": {"nose": [1, 2]}}, "no body part"),
        ({"set": {"snout": [1]}}, "x and y"),
        ({"set": {"snout": [1, 1e9]}}, "x and y"),
        ({"set": {"snout": "ab"}}, "cannot be read"),
        ({"set": {"snout": [None, 1]}}, "cannot be read"),
        ({"unset": ["nose"]}, "no body part"),
        ({"seen": None}, "revision None"),
        ({"seen": "1"}, "revision '1'"),
    ],
)
def test_nonsense_from_a_browser_is_one_line_and_changes_nothing(client, project, change, word):
    sent = {"file": "img000.png", "seen": frame(client)["revision"], "set": {"snout": [1, 1]}, **change}
    answer = client.post(f"{API}/edit", json=sent)
    assert answer.status_code == 422
    assert word in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert not list((project.labeled_data / FOLDER).glob("*.journal"))


@pytest.mark.parametrize("path", ["/api/label/..%2f..", "/api/label/nowhere", "/image/nowhere/img000.png"])
def test_only_names_of_what_is_there_are_answered(client, path):
    assert client.get(path).status_code in (404, 422)


@pytest.mark.parametrize("name", ["..%2fconfig.yaml", "%2e%2e%2fconfig.yaml", "config.yaml", ".hidden.png", "%00"])
def test_no_name_from_a_browser_is_a_path(client, name, project):
    (project.labeled_data / FOLDER / ".hidden.png").write_bytes(b"secret")
    answer = client.get(f"/image/{FOLDER}/{name}")
    assert answer.status_code in (404, 422)
    assert b"secret" not in answer.content
    assert b"scorer" not in answer.content


def test_an_image_is_sent_once_and_then_by_its_tag(client):
    first = client.get(f"/image/{FOLDER}/img003.png")
    assert first.headers["content-type"] == "image/png"
    again = client.get(f"/image/{FOLDER}/img003.png", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert (
        "cookie" in first.headers["vary"].lower()
    )  # another server's cookie, another image, though the address is the same


def test_body_parts_are_added_to_the_project_and_all_its_folders(client, project, workspace):
    seen = frame(client)["revision"]
    client.post(f"{API}/edit", json={"file": "img000.png", "seen": seen, "set": {"snout": [1, 2]}})
    assert client.post("/api/bodyparts", json={"names": ["paw"], "by": "Ann"}).status_code == 200
    assert workspace.project.config.bodyparts[-1] == "paw"
    taken = client.post("/api/bodyparts", json={"names": ["paw"]})
    assert taken.status_code == 422
    assert "there already" in taken.json()["error"]
    table = read_folder(project.labeled_data / FOLDER, "ada")
    assert table.bodyparts[-1] == "paw"
    assert table.keypoints[0, 0, 0].tolist() == [1, 2]


def test_a_removed_frame_is_moved_aside(client, project):
    seen = frame(client, "img001.png")["revision"]
    assert client.post(f"{API}/remove", json={"file": "img001.png", "seen": seen}).status_code == 200
    folder = project.labeled_data / FOLDER
    assert (folder / "removed" / "img001.png").is_file()
    assert len(client.get(API).json()["files"]) == 4


def test_doubtful_labels_are_listed_in_their_order_and_unknown_numbers_are_null(client, project):
    assert client.get("/api/suspects").json() == []
    numbers = {"label_x": 1.0, "label_y": 2.0, "prediction_x": float("nan"), "prediction_y": float("nan")}
    suspects = [
        Suspect(rank, f"labeled-data/{FOLDER}/img00{rank}.png", "snout", "swap", 3.0 - rank, likelihood=0.5, **numbers)
        for rank in (1, 2)
    ]
    write_suspects(suspects, project.root / SUSPECTS)
    found = client.get("/api/suspects").json()
    assert [one["rank"] for one in found] == [1, 2]
    assert found[0]["prediction_x"] is None
    assert found[0]["label_x"] == 1.0


def test_frames_of_a_video_whose_name_ends_as_that_of_drawn_labels_are_offered(client, project):
    folder = project.labeled_data / FOLDER
    for name in ("rat_labeled", f"{FOLDER}_labeled"):  # a video of that name; pictures of check-labels
        shutil.copytree(folder, project.labeled_data / name)
    assert [one["name"] for one in client.get("/api/label").json()] == [FOLDER, "rat_labeled"]
    assert client.get("/image/rat_labeled/img000.png").status_code == 200


def test_machine_labels_that_cannot_be_read_hide_no_others(client, project):
    shutil.copytree(project.labeled_data / FOLDER, project.labeled_data / "another")
    images = tuple(f"labeled-data/{FOLDER}/img{number:03d}.png" for number in range(2))
    labels = MachineLabels("net", images, ("snout",), np.full((2, 1, 1, 2), 5.0), np.full((2, 1, 1), 0.5))
    write_machine(labels, machine_file(project.labeled_data / FOLDER, 0))
    machine_file(project.labeled_data / "another", 0).write_bytes(b"no table")
    damaged, whole = client.get("/api/refine").json()
    assert whole == {"name": FOLDER, "frames": 2, "finished": 0}
    assert damaged["name"] == "another"
    assert "machinelabels-iter0.h5" in damaged["problem"]
    assert "machinelabels-iter0.h5" in client.get("/api/refine/another").json()["error"]


@pytest.mark.parametrize("done", [float("nan"), 5.0, -0.1])
def test_a_cutoff_is_a_likelihood(client, project, done):
    labels = MachineLabels(
        "net", (f"labeled-data/{FOLDER}/img000.png",), ("snout",), np.full((1, 1, 1, 2), 5.0), np.full((1, 1, 1), 0.5)
    )
    write_machine(labels, machine_file(project.labeled_data / FOLDER, 0))
    api = f"/api/refine/{FOLDER}"
    seen = client.post(f"{api}/frames", json={"files": ["img000.png"]}).json()["img000.png"]["revision"]
    text = f'{{"file": "img000.png", "seen": {seen}, "done": {"NaN" if done != done else done}}}'
    answer = client.post(f"{api}/edit", content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "0 to 1" in answer.json()["error"]
