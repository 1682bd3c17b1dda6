"""Which files a result shows, and that a browser gets no other."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from dlc_core.errors import DataError
from dlc_core.gui.artifacts import Artifacts, shown_files


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name in ("a.png", "b.mp4", "read.mp4", "secret.txt", "drawn/1.png", "drawn/2.png", "drawn/notes.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(name.encode() * 100)
    return {path.name: path for path in tmp_path.rglob("*")}


def test_the_pictures_and_videos_a_result_names_are_found_whatever_its_keys_are(files):
    result = {
        "videos": [
            {
                "video": str(files["read.mp4"]),
                "files": [str(files["a.png"]), str(files["b.mp4"]), str(files["secret.txt"])],
            }
        ],
        "drawn": [str(files["drawn"])],
        "again": str(files["a.png"]),
        "gone": str(files["a.png"].with_name("gone.png")),
        "text": "not / a path" * 500,
        "number": 3,
    }
    assert [file.name for file in shown_files(result)] == ["a.png", "b.mp4", "1.png", "2.png"]
    assert shown_files({}) == []


def test_only_what_was_shown_can_be_fetched_videos_in_parts(files):
    app = FastAPI()
    app.exception_handler(DataError)(lambda _, exc: JSONResponse({"error": str(exc)}, status_code=422))
    artifacts = Artifacts(app)
    client = TestClient(app)
    address = artifacts.url(files["b.mp4"])
    answer = client.get(address, headers={"range": "bytes=10-19"})
    assert (answer.status_code, answer.headers["content-type"]) == (206, "video/mp4")
    assert answer.content == files["b.mp4"].read_bytes()[10:20]
    for other in ("0" * 32, "..%2f..%2fsecret.txt", str(files["secret.txt"]).replace("/", "%2f")):
        assert client.get(f"/api/artifact/{other}").status_code in (404, 422)


def test_a_file_that_was_written_anew_has_a_new_address(files):
    artifacts = Artifacts(FastAPI())
    before = artifacts.url(files["a.png"])
    assert artifacts.url(files["a.png"]) == before
    files["a.png"].write_bytes(b"another picture")
    assert artifacts.url(files["a.png"]) != before
