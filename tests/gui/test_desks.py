"""What happens to open folders while nobody asks: tables are written at rest, changes of others are told."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

from dlc_core.gui import desk as desk_module
from dlc_core.gui.desk import Desk
from dlc_core.gui.desks import Desks
from dlc_core.labels.compactor import Compactor
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import read_csv
from dlc_core.labels.journal import Edit

FOLDER = "mouse 1"


class Canvas:
    """Stands for a component of NiceGUI in a browser that is connected: keeps what it is told."""

    is_deleted = False

    def __init__(self):
        self.told = []
        self.client = contextlib.nullcontext()
        self.client.has_socket_connection = True

    def run_method(self, name, news):
        self.told.append(SimpleNamespace(name=name, **news))


@pytest.fixture
def desks(project):
    return Desks(lambda name: Desk(name, LabelEditor.open(project, name)), lambda: 0)


def edit(desk, file, **points):
    desk.edit(file, {"set": points}, desk.frame(file)["revision"])


async def until(condition, limit_s=30.0):
    for _ in range(int(limit_s / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


def test_tables_are_written_after_a_second_of_rest_and_at_the_end(project, desks):
    folder = project.labeled_data / FOLDER
    csv, journal = folder / "CollectedData_ada.csv", folder / "CollectedData_ada.journal"

    async def work():
        async with desks.service():
            edit(desks.desk(FOLDER), "img000.png", snout=[1.5, 2.5])
            assert journal.is_file()
            assert not csv.exists()
            await until(lambda: csv.is_file() and not journal.exists())
            edit(desks.desk(FOLDER), "img001.png", snout=[3.0, 4.0])

    asyncio.run(work())
    assert not journal.exists()
    assert read_csv(csv).keypoints[:, 0, 0].tolist() == [[1.5, 2.5], [3.0, 4.0]]


def test_what_another_program_does_is_told_to_every_browser(project, desks):
    canvas = Canvas()
    desks.shown_by(canvas)

    async def work():
        async with desks.service():
            desks.desk(FOLDER)
            with LabelEditor.open(project, FOLDER, by="Bob") as editor:
                editor.apply(Edit(image=editor.images[2], set={"snout": (5.0, 6.0)}))
            await until(lambda: canvas.told)
            shutil.copy(project.labeled_data / FOLDER / "img000.png", project.labeled_data / FOLDER / "img009.png")
            await until(lambda: len(canvas.told) > 1)

    asyncio.run(work())
    first, second = canvas.told[:2]
    assert (first.name, first.folder, first.files) == ("changed", FOLDER, ["img002.png"])
    assert second.files == ["", "img009.png"]  # the list of frames is another one


def test_a_folder_that_goes_away_does_not_end_the_watch_over_the_others(project, desks, capsys):
    gone = project.labeled_data / "gone"
    shutil.copytree(project.labeled_data / FOLDER, gone)

    async def work():
        async with desks.service():
            desks.desk("gone")
            edit(desks.desk(FOLDER), "img000.png", snout=[1.0, 2.0])
            shutil.rmtree(gone)
            await until(lambda: (project.labeled_data / FOLDER / "CollectedData_ada.csv").is_file())

    asyncio.run(work())
    assert capsys.readouterr().err.count("gone cannot be read") == 1, "said once"


def test_a_folder_is_opened_anew_when_what_it_depends_on_changes(project):
    version = [0]
    desks = Desks(lambda name: Desk(name, LabelEditor.open(project, name)), lambda: version[0])
    first = desks.desk(FOLDER)
    assert desks.desk(FOLDER) is first
    version[0] = 1
    assert desks.desk(FOLDER) is not first


def test_a_large_table_is_written_by_another_process_and_a_small_one_here(project, monkeypatch):
    monkeypatch.setattr(desk_module, "_REST_S", 0.0)
    monkeypatch.setattr(desk_module, "_REST_PER_COMPACTION", 0.0)
    csv = project.labeled_data / FOLDER / "CollectedData_ada.csv"
    with Compactor() as compactor:
        desk = Desk(FOLDER, LabelEditor.open(project, FOLDER), None, compactor)
        edit(desk, "img000.png", snout=[1.0, 2.0])
        desk.rest()
        assert csv.is_file()
        assert compactor.pid is None
        monkeypatch.setattr(desk_module, "_LARGE", 3)
        edit(desk, "img000.png", snout=[3.0, 4.0])
        desk.rest()
        assert read_csv(csv).keypoints[0, 0, 0].tolist() == [3.0, 4.0]
        assert compactor.pid is not None


def test_nobody_waits_while_another_folder_is_opened(project):
    shutil.copytree(project.labeled_data / FOLDER, project.labeled_data / "large")
    begun, may_go_on = threading.Event(), threading.Event()

    def open_desk(name):
        if name == "large":
            begun.set()
            assert may_go_on.wait(30)
        return Desk(name, LabelEditor.open(project, name))

    desks, found = Desks(open_desk, lambda: 0), []
    two = [threading.Thread(target=lambda: found.append(desks.desk("large"))) for _ in range(2)]
    for one in two:
        one.start()
    assert begun.wait(30)
    other = threading.Thread(target=lambda: edit(desks.desk(FOLDER), "img000.png", snout=[1.0, 2.0]), daemon=True)
    other.start()
    other.join(20)
    still_waits = other.is_alive()
    may_go_on.set()
    for one in two:
        one.join(30)
    assert not still_waits
    assert found[0] is found[1]
