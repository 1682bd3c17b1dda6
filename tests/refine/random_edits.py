"""A state machine that labels, refines, merges, saves from a spreadsheet and kills processes, beside a plain dict.

The machine knows what must be in the tables after every operation: dicts of points, nothing of journals. An operation
that is killed may have happened or not, but not half, and never without being asked for again.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dlc_core.errors import DataError, EditConflict
from dlc_core.labels import compact as compaction
from dlc_core.labels.bodyparts import add_bodyparts
from dlc_core.labels.compact import compact, snapshot
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.labels.files import read_folder, write_labels
from dlc_core.labels.machine import MachineLabels, add_machine, machine_file
from dlc_core.labels.table import LabelTable
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.project.project import Project
from dlc_core.refine.editing import RefineEditor
from dlc_core.refine.merge import merge

from .crashing import DONE, KILLED, REFUSED, killed_at

IMAGES = 6
PARTS = ("snout", "ear", "tail")
MORE_PARTS = ("paw", "hip")
CONFIG = """# mine
Task: t
scorer: ada
bodyparts:
- snout  # first
- ear
- tail
# rounds
iteration: 0 # up
"""

Point = tuple[float, ...]
Rows = dict[str, dict[str, Point]]

images = st.integers(0, IMAGES - 1).map(lambda number: f"labeled-data/m/img{number}.png")
parts = st.sampled_from(PARTS)
steps = st.integers(0, 60)
likelihoods = st.sampled_from([0.05, 0.3, 0.6, 0.95])


class Operations:
    """How many operations have run in all."""

    count = 0


class RandomEdits(RuleBasedStateMachine):
    """One folder, two label editors, one refine editor, other programs, and death at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.settled, compaction.SETTLED_S = compaction.SETTLED_S, 0.0
        self.project = self._new_project()
        self.folder = self.project.labeled_data / "m"
        self.labels: Rows = {}
        self.machine: Rows = {}
        self.done: dict[str, float | None] = {}
        self.there = {f"labeled-data/m/img{number}.png" for number in range(IMAGES)}
        self.parts = list(PARTS)
        self.iteration = 0
        self.undo: Edit | None = None
        self.number = 0.0
        self.removed: list[tuple[str, dict[str, Point]]] = []
        self.refiner: RefineEditor | None = None

    def _new_project(self) -> Project:
        root = self.place / "project"
        (root / "labeled-data" / "m").mkdir(parents=True)
        for number in range(IMAGES):
            (root / f"labeled-data/m/img{number}.png").write_bytes(b"an image")
        text = (
            "# mine\nTask: t\nscorer: ada\nbodyparts:\n- snout  # first\n- ear\n- tail\n# rounds\niteration: 0 # up\n"
        )
        (root / "config.yaml").write_text(text)
        return Project.open(root)

    def teardown(self) -> None:
        compaction.SETTLED_S = self.settled
        shutil.rmtree(self.place)

    @initialize(labelled=st.integers(0, 3), index_columns=st.sampled_from([1, 3]))
    def start(self, labelled: int, index_columns: int) -> None:
        """Begin with a table, or without one."""
        names = tuple(sorted(self.there)[:labelled])
        if names:
            self.labels = {image: {part: self._next_point() for part in PARTS} for image in names}
            points = [[list(self.labels[image].values())] for image in names]
            write_labels(LabelTable("ada", names, PARTS, np.array(points)), self.folder)
            if index_columns == 1:
                file = self.folder / "CollectedData_ada.csv"
                lines = [line.replace("labeled-data,m,", "labeled-data/m/") for line in file.read_text().split("\n")]
                file.write_text("\n".join(line.replace(",,,", ",", 1) for line in lines))
                (self.folder / "CollectedData_ada.h5").unlink()
        self._reopen()

    def _reopen(self) -> None:
        self.project = Project.open(self.project.root)
        self.one = LabelEditor.open(self.project, "m", "one")
        self.two = LabelEditor.open(self.project, "m", "two")
        self.refiner = RefineEditor.open(self.project, "m", "one") if self.machine else None

    def _next_point(self) -> tuple[float, float]:
        self.number += 1
        return (self.number, math.sqrt(self.number))

    # What is done, with or without death.

    def _do(self, crash: tuple[int, bool] | None, work: Callable[[], Any]) -> bool | None:
        """Return whether `work` was acknowledged; None if it was killed before."""
        Operations.count += 1
        if crash is None:
            work()
            return True
        ended = killed_at(*crash, work)
        assert ended in (DONE, KILLED), ended
        return True if ended == DONE else None

    def _edited(self, rows: Rows, edit: Edit) -> Rows:
        new = {image: dict(row) for image, row in rows.items()}
        if edit.drop:
            new.pop(edit.image, None)
            return new
        if edit.set or edit.unset or edit.row:
            row = new.setdefault(edit.image, {})
            for name in edit.unset:
                row.pop(name, None)
            row.update(edit.set)
        return new

    def _apply(self, editor: LabelEditor, edit: Edit, crash: tuple[int, bool] | None) -> None:
        after = self._edited(self.labels, edit)
        inverse: list[Edit] = []
        ended = self._do(crash, lambda: inverse.append(editor.apply(edit)))
        if inverse:
            self.undo = inverse[0]
            assert self._edited(after, inverse[0]) == self.labels or edit.image not in self.labels
        if ended or self._labels_on_disk() != self.labels:
            self.labels = after

    crashes = st.one_of(st.none(), st.tuples(steps, st.booleans()))

    @rule(image=images, chosen=st.sets(parts, min_size=1), removed=st.sets(parts), second=st.booleans(), crash=crashes)
    def label(
        self, image: str, chosen: set[str], removed: set[str], second: bool, crash: tuple[int, bool] | None
    ) -> None:
        """Place and remove points."""
        if image not in self.there:
            return
        edit = Edit(
            image=image,
            set={part: self._next_point() for part in sorted(chosen)},
            unset=tuple(sorted(removed - chosen)),
        )
        self._apply(self.two if second else self.one, edit, crash)

    @rule(image=images, kind=st.sampled_from(["row", "drop", "unset"]), part=parts, crash=crashes)
    def empty(self, image: str, kind: str, part: str, crash: tuple[int, bool] | None) -> None:
        """Mark a frame as labelled, remove its row, or one point."""
        if image not in self.there:
            return
        edit = Edit(image=image, row=kind == "row", drop=kind == "drop", unset=(part,) if kind == "unset" else ())
        self._apply(self.one, edit, crash)

    @precondition(lambda self: self.undo is not None)
    @rule()
    def take_back(self) -> None:
        """Undo the last edit, if the frame is as it was made."""
        assert self.undo is not None
        inverse = self.undo
        self.undo = None
        if inverse.image not in self.there:
            return
        self._do(None, lambda: self.one.apply(inverse))
        self.labels = self._edited(self.labels, inverse)

    @rule(image=images, part=parts)
    def two_people_at_one_frame(self, image: str, part: str) -> None:
        """The second of two people who look at the same state is told, and changes nothing."""
        if image not in self.there:
            return
        self.one.poll()
        seen = self.one.revision(image)
        self._apply(self.two, Edit(image=image, set={part: self._next_point()}), None)
        try:
            self.one.apply(Edit(image=image, set={part: self._next_point()}), seen=seen)
        except EditConflict as conflict:
            assert conflict.points == {name: tuple(values) for name, values in self.labels[image].items()}
        else:
            raise AssertionError("an edit of an outdated state was made")
        assert image in self.one.poll()
        Operations.count += 1

    @rule(crash=crashes, which=st.sampled_from(["labels", "machine labels", "in the editor"]))
    def compact(self, crash: tuple[int, bool] | None, which: str) -> None:
        """Put the journal into the table; an editor that did so need not read the files again."""
        if which == "in the editor":
            self._do(None, self.one.compact)
        elif which == "labels" or not self.machine:
            self._do(crash, lambda: compact(LabelFiles(self.folder, "ada")))
        else:
            self._do(crash, lambda: compact(MachineFiles(self.folder, self.iteration)))

    @rule(step=st.integers(15, 34))
    def die_while_moving_files(self, step: int) -> None:
        """Most steps only prepare; these are the ones that count."""
        self._do((step, False), lambda: compact(LabelFiles(self.folder, "ada")))

    @rule(crash=crashes)
    def read(self, crash: tuple[int, bool] | None) -> None:
        """Any step of the protocol reads the labels."""
        if self._has_table():
            self._do(crash, lambda: read_folder(self.folder, "ada"))
            assert _rows_of(read_folder(self.folder, "ada")) == self.labels

    @rule(which=st.sampled_from(["one", "two", "refiner"]))
    def restart(self, which: str) -> None:
        """Kill a server and start it again."""
        Operations.count += 1
        if which == "refiner":
            self.refiner = RefineEditor.open(self.project, "m", "one") if self.machine else None
        else:
            setattr(self, which, LabelEditor.open(self.project, "m", which))

    @rule(pick=st.integers(0, 100), part=parts, remove=st.booleans())
    def spreadsheet(self, pick: int, part: str, remove: bool) -> None:
        """Another program changes a point of the csv, which it may have read before the last edits."""
        file = self.folder / "CollectedData_ada.csv"
        if not file.is_file():
            return
        with file.open(newline="") as opened:
            rows = list(csv.reader(opened))
        if len(rows) < 4:
            return
        row = rows[3 + pick % (len(rows) - 3)]
        width = 3 if rows[2][1] == "" else 1
        image = "/".join(row[:width])
        if image not in self.there:  # removed, and not yet from the table: the point would stay, without its image
            return
        pending = any(
            entry.edit.drop or part in (*entry.edit.set, *entry.edit.unset)
            for entry in snapshot(LabelFiles(self.folder, "ada")).journal.entries
            if entry.edit.image == image
        )
        if remove and pending:  # nobody can tell this from an edit that was put in
            return
        column = rows[1].index(part)
        point = None if remove else self._next_point()
        row[column : column + 2] = ["", ""] if point is None else [repr(value) for value in point]
        with file.open("w", newline="") as opened:
            csv.writer(opened).writerows(rows)
        (self.folder / "CollectedData_ada.h5").unlink(missing_ok=True)
        Operations.count += 1
        if point is not None:
            self.labels.setdefault(image, {})[part] = point
        elif image in self.labels:
            self.labels[image].pop(part, None)
        self.undo = None

    @precondition(lambda self: len(self.machine) < 3)
    @rule(chosen=st.sets(images, min_size=1), lik=likelihoods)
    def extract_outliers(self, chosen: set[str], lik: float) -> None:
        """A network labels frames; those that it labelled before stay as they are."""
        names = tuple(sorted(chosen & self.there))
        if not names:
            return
        keypoints = np.array([[[self._next_point() for _ in PARTS]] for _ in names])
        new = MachineLabels("net", names, PARTS, keypoints, np.full((len(names), 1, len(PARTS)), lik))
        self._do(None, lambda: add_machine(new, machine_file(self.folder, self.iteration)))
        for row, image in enumerate(names):
            if image not in self.machine:
                points = {part: (*map(float, keypoints[row, 0, k]), lik) for k, part in enumerate(PARTS)}
                self.machine[image] = points
        if self.refiner is None:
            self.refiner = RefineEditor.open(self.project, "m", "one")

    @precondition(lambda self: self.refiner is not None)
    @rule(image=images, part=parts, remove=st.booleans(), crash=crashes)
    def correct(self, image: str, part: str, remove: bool, crash: tuple[int, bool] | None) -> None:
        """Move or remove a point that the network found."""
        if image not in self.machine:
            return
        point = self._next_point()
        edit = Edit(image=image, unset=(part,)) if remove else Edit(image=image, set={part: point})
        assert self.refiner is not None
        ended = self._do(crash, lambda: self.refiner and self.refiner.apply(edit))
        after = {name: dict(row) for name, row in self.machine.items()}
        after[image].pop(part, None)
        if not remove:
            after[image][part] = (*point, 1.0)
        if ended or self._machine_on_disk() != (self.machine, self.done):
            self.machine = after
            self.done.setdefault(image, None)

    @precondition(lambda self: self.refiner is not None)
    @rule(image=images, pcutoff=st.sampled_from([None, 0.0, 0.5]), crash=crashes)
    def finish(self, image: str, pcutoff: float | None, crash: tuple[int, bool] | None) -> None:
        """Mark a frame as done, or as not done."""
        if image not in self.machine:
            return
        ended = self._do(crash, lambda: self.refiner and self.refiner.mark_done(image, pcutoff))
        if ended or self._machine_on_disk() != (self.machine, self.done):
            self.done[image] = pcutoff

    @precondition(lambda self: len(self.there) > 3)
    @rule(image=images, refining=st.booleans(), crash=crashes)
    def remove(self, image: str, refining: bool, crash: tuple[int, bool] | None) -> None:
        """Take a frame out of the folder; death leaves its image, its labels, or a note of them."""
        editor = self.refiner if refining and self.refiner is not None and image in self.machine else self.one
        if image not in self.there:
            return
        had = [rows[image] for rows in (self.labels, self.machine) if image in rows]
        if self._do(crash, lambda: editor.remove_frame(image)) is None:
            state = self._labels_on_disk(), self._machine_on_disk()[0]
            for rows, found in zip((self.labels, self.machine), state, strict=True):
                assert found in (rows, {name: row for name, row in rows.items() if name != image})
            compact(LabelFiles(self.folder, "ada"))  # finishes what was begun
            if (self.project.root / image).is_file():
                LabelEditor.open(self.project, "m").remove_frame(image)
            for rows in state:  # the move may be the only thing left
                assert image not in rows or not (self.project.root / image).is_file()
        self.there.discard(image)
        for rows in (self.labels, self.machine, self.done):
            rows.pop(image, None)
        noted = (
            [json.loads(line) for line in (self.folder / "removed/removed.jsonl").read_text().splitlines()]
            if had
            else []
        )
        for row in had:
            wanted = {name: list(values) for name, values in row.items()}
            assert any(line["image"] == image and line["points"] == wanted for line in noted)
        self.undo = None
        if self.refiner is not None and not self.machine:
            self.refiner = None

    @precondition(lambda self: len(self.parts) < len(PARTS) + len(MORE_PARTS))
    @rule(crash=crashes)
    def more_bodyparts(self, crash: tuple[int, bool] | None) -> None:
        """Add a body part to config.yaml and to the tables."""
        name = MORE_PARTS[len(self.parts) - len(PARTS)]
        ended = self._do(crash, lambda: add_bodyparts(self.project, [name]))
        written = Project.open(self.project.root).config.bodyparts
        assert written == (*self.parts, name) or (ended is None and written == tuple(self.parts))
        self.parts = list(written)
        self.project = Project.open(self.project.root)
        assert "# first" in self.project.config.path.read_text()

    @precondition(lambda self: bool(self.machine))
    @rule(unrefined=st.sampled_from(["refuse", "leave", "accept"]), crash=crashes)
    def merge(self, unrefined: str, crash: tuple[int, bool] | None) -> None:
        """Join what was refined, and begin the next iteration."""
        joined, begins, refused = self._merged(unrefined)
        Operations.count += 1
        if crash is not None:
            ended = killed_at(*crash, lambda: merge(self.project, unrefined, 0.5))
            assert ended in ((REFUSED, KILLED) if refused else (DONE, KILLED))
        else:
            try:
                assert (merge(self.project, unrefined, 0.5) is not None) == begins
                assert not refused
            except DataError:
                assert refused
        now = Project.open(self.project.root).iteration
        found = self._labels_on_disk()
        if crash is None:
            assert (now == self.iteration + 1) == (begins and not refused)
        if now > self.iteration:
            assert found == joined and not refused
            self.labels, self.machine, self.done, self.iteration = joined, {}, {}, now
            self.refiner = None
        else:
            assert found in (self.labels, joined)
            self.labels = found
        text = self.project.config.path.read_text()
        assert "# mine" in text and "# up" in text and "# rounds" in text
        self.project = Project.open(self.project.root)
        self.undo = None

    def _merged(self, unrefined: str) -> tuple[Rows, bool, bool]:
        """Return the labels afterwards, whether an iteration ends, and whether frames are unfinished."""
        joined = {image: dict(row) for image, row in self.labels.items()}
        ends = refused = False
        for image, row in self.machine.items():
            cutoff = self.done.get(image)
            if cutoff is None and image in self.labels and image not in self.done:
                ends = True
                continue
            if cutoff is None:
                if unrefined != "accept":
                    refused |= unrefined == "refuse"
                    continue
                cutoff = 0.5
            ends = True
            found = {part: values[:2] for part, values in row.items() if values[2] >= cutoff}
            joined[image] = found | joined.get(image, {})
        return joined, ends, refused

    # What must be so at all times.

    def _labels_on_disk(self) -> Rows:
        return dict(snapshot(LabelFiles(self.folder, "ada")).frames.rows)  # type: ignore[arg-type]

    def _machine_on_disk(self) -> tuple[Rows, dict[str, float | None]]:
        frames = snapshot(MachineFiles(self.folder, self.iteration)).frames
        return dict(frames.rows), frames.done  # type: ignore[return-value]

    def _has_table(self) -> bool:
        return any((self.folder / f"CollectedData_ada.{suffix}").is_file() for suffix in ("csv", "h5", "journal"))

    @invariant()
    def nothing_is_lost_or_moved(self) -> None:
        """Files, and the editors after a poll, hold what was done."""
        if not hasattr(self, "one"):
            return
        assert self._labels_on_disk() == self.labels
        for editor in (self.one, self.two):
            editor.poll()
            assert set(editor.images) == self.there and not editor.missing
            assert {image for image in self.there if editor.is_labelled(image)} == set(self.labels)
            for image, row in self.labels.items():
                assert editor.points(image) == row
        if self.machine:
            if self.refiner is not None:
                self.refiner.poll()
                for image, row in self.machine.items():
                    assert self.refiner.points(image) == row
                    assert self.refiner.done(image) == self.done.get(image)
            else:
                assert self._machine_on_disk() == (self.machine, self.done)


def _rows_of(table: LabelTable) -> Rows:
    rows: Rows = {}
    for image, points in zip(table.images, table.keypoints[:, 0].tolist(), strict=True):
        rows[image] = {part: (x, y) for part, (x, y) in zip(table.bodyparts, points, strict=True) if not math.isnan(x)}
    return rows
