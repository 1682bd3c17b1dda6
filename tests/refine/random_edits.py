"""A state machine that labels, refines, merges, saves from a spreadsheet and kills processes, beside a plain dict.

The machine knows what must be in the tables after every operation: dicts of points, nothing of journals. An operation
that is killed may have happened or not, but not half, and never without being asked for again. One that a full disk
refuses has not happened.
"""

from __future__ import annotations

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
from dlc_core.frames.unwritten import note_machine
from dlc_core.labels import compact as compaction
from dlc_core.labels.bodyparts import add_bodyparts
from dlc_core.labels.compact import compact, snapshot
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.labels.files import has_labels, read_folder, write_labels
from dlc_core.labels.machine import MachineLabels
from dlc_core.labels.table import LabelTable
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.project.project import Project
from dlc_core.refine.editing import RefineEditor
from dlc_core.refine.merge import merge

from .crashing import DIES, DISK_IS_FULL, DONE, KILLED, MOVES, REFUSED, Crash, crashes, killed_at
from .model import (
    CUTOFF,
    IMAGES,
    MORE_PARTS,
    PARTS,
    Rows,
    Sheet,
    edited,
    merged,
    name_in_one_column,
    name_of,
    new_project,
    removal_notes,
    rows_of,
)

images = st.integers(0, IMAGES - 1).map(name_of)
parts = st.sampled_from(PARTS)
likelihoods = st.sampled_from([0.05, 0.3, 0.6, 0.95])
of_edits, of_compaction, of_merges = crashes(13, 1), crashes(42, 11), crashes(57, 14)


class Operations:
    """How many operations have run in all."""

    count = 0


class RandomEdits(RuleBasedStateMachine):
    """One folder, two label editors, one refine editor, other programs, and death at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.settled, compaction.SETTLED_S = compaction.SETTLED_S, 0.0
        self.project = new_project(self.place / "project")
        self.folder = self.project.labeled_data / "m"
        self.labels: Rows = {}
        self.machine: Rows = {}
        self.done: dict[str, float | None] = {}
        self.there = set(map(name_of, range(IMAGES)))
        self.parts = list(PARTS)
        self.undo: Edit | None = None
        self.iteration, self.number = 0, 0.0
        self.refiner: RefineEditor | None = None

    def teardown(self) -> None:
        compaction.SETTLED_S = self.settled
        shutil.rmtree(self.place)

    @initialize(labelled=st.integers(0, 3), index_columns=st.sampled_from([1, 3]))
    def start(self, labelled: int, index_columns: int) -> None:
        """Begin with a table, or without one."""
        if names := tuple(sorted(self.there)[:labelled]):
            self.labels = {image: {part: self._next_point() for part in PARTS} for image in names}
            points = [[list(self.labels[image].values())] for image in names]
            write_labels(LabelTable("ada", names, PARTS, np.array(points)), self.folder)
            if index_columns == 1:
                name_in_one_column(self.folder)
        self.one = LabelEditor.open(self.project, "m", "one")
        self.two = LabelEditor.open(self.project, "m", "two")

    def _next_point(self) -> tuple[float, float]:
        self.number += 1
        return (self.number, math.sqrt(self.number))

    # What is done, with or without death.

    def _do(self, crash: Crash | None, work: Callable[[], Any]) -> bool | None:
        """Return whether `work` was acknowledged, False if the disk refused it; None if it was killed before."""
        Operations.count += 1
        if crash is None:
            work()
            return True
        ended = killed_at(crash, work)
        if ended == REFUSED:
            assert crash.ending == DISK_IS_FULL
            return False
        assert ended in (DONE, KILLED), ended
        return True if ended == DONE else None

    def _apply(self, editor: LabelEditor, edit: Edit, crash: Crash | None) -> None:
        after = edited(self.labels, edit)
        inverse: list[Edit] = []
        ended = self._do(crash, lambda: inverse.append(editor.apply(edit)))
        if inverse:
            self.undo = inverse[0]
            assert edited(after, inverse[0]) == self.labels or edit.image not in self.labels
        if ended or (ended is None and self._labels_on_disk() != self.labels):
            self.labels = after

    @rule(
        image=images,
        chosen=st.sets(parts, min_size=1),
        removed=st.sets(parts),
        second=st.booleans(),
        crash=of_edits,
    )
    def label(self, image: str, chosen: set[str], removed: set[str], second: bool, crash: Crash | None) -> None:
        """Place and remove points."""
        if image not in self.there:
            return
        edit = Edit(
            image=image,
            set={part: self._next_point() for part in sorted(chosen)},
            unset=tuple(sorted(removed - chosen)),
        )
        self._apply(self.two if second else self.one, edit, crash)

    @rule(image=images, kind=st.sampled_from(["row", "drop", "unset"]), part=parts, crash=of_edits)
    def empty(self, image: str, kind: str, part: str, crash: Crash | None) -> None:
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
        inverse, self.undo = self.undo, None
        if inverse.image not in self.there:
            return
        self._do(None, lambda: self.one.apply(inverse))
        self.labels = edited(self.labels, inverse)

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

    @rule(crash=of_compaction, which=st.sampled_from(["labels", "machine labels", "in the editor"]))
    def compact(self, crash: Crash | None, which: str) -> None:
        """Put the journal into the table; an editor that did so need not read the files again."""
        if which == "in the editor":
            self._do(None, self.one.compact)
        elif which == "labels" or not self.machine:
            self._do(crash, lambda: compact(LabelFiles(self.folder, "ada")))
        else:
            self._do(crash, lambda: compact(MachineFiles(self.folder, self.iteration)))

    @rule(step=st.integers(0, 11), image=images, without_csv=st.booleans())
    def die_while_moving_files(self, step: int, image: str, without_csv: bool) -> None:
        """Die at the calls that count, with an edit to put in; a person may have removed the csv, as the h5 has it."""
        if image in self.there:
            self._apply(self.one, Edit(image=image, set={PARTS[0]: self._next_point()}), None)
        if without_csv and (self.folder / "CollectedData_ada.h5").is_file():
            (self.folder / "CollectedData_ada.csv").unlink(missing_ok=True)
        self._do(Crash(step, DIES, MOVES), lambda: compact(LabelFiles(self.folder, "ada")))

    @rule(crash=of_compaction)
    def read(self, crash: Crash | None) -> None:
        """Any step of the protocol reads the labels."""
        if has_labels(self.folder, "ada"):
            self._do(crash, lambda: read_folder(self.folder, "ada"))
            assert rows_of(read_folder(self.folder, "ada")) == self.labels

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
        sheet = Sheet(file)
        if not sheet.images:
            return
        row = pick % len(sheet.images)
        image = sheet.images[row]
        if image not in self.there:  # removed, and not yet from the table: the point would stay, without its image
            return
        pending = any(
            entry.edit.drop or part in (*entry.edit.set, *entry.edit.unset)
            for entry in snapshot(LabelFiles(self.folder, "ada")).journal.entries
            if entry.edit.image == image
        )
        if remove and pending:  # nobody can tell this from an edit that was put in
            return
        point = None if remove else self._next_point()
        sheet.save(row, part, point)
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
        files = MachineFiles(self.folder, self.iteration)
        self._do(None, lambda: note_machine(new, files, None))
        for row, image in enumerate(names):
            if image not in self.machine:
                points = {part: (*map(float, keypoints[row, 0, k]), lik) for k, part in enumerate(PARTS)}
                self.machine[image] = points
        if self.refiner is None:
            self.refiner = RefineEditor.open(self.project, "m", "one")

    @precondition(lambda self: self.refiner is not None)
    @rule(image=images, part=parts, remove=st.booleans(), crash=of_edits)
    def correct(self, image: str, part: str, remove: bool, crash: Crash | None) -> None:
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
        if ended or (ended is None and self._machine_on_disk() != (self.machine, self.done)):
            self.machine = after
            self.done.setdefault(image, None)

    @precondition(lambda self: self.refiner is not None)
    @rule(image=images, pcutoff=st.sampled_from([None, 0.0, 0.5]), crash=of_edits)
    def finish(self, image: str, pcutoff: float | None, crash: Crash | None) -> None:
        """Mark a frame as done, or as not done."""
        if image not in self.machine:
            return
        ended = self._do(crash, lambda: self.refiner and self.refiner.mark_done(image, pcutoff))
        if ended or (ended is None and self._machine_on_disk() != (self.machine, self.done)):
            self.done[image] = pcutoff

    @precondition(lambda self: len(self.there) > 3)
    @rule(image=images, refining=st.booleans(), crash=crashes(47, 3))
    def remove(self, image: str, refining: bool, crash: Crash | None) -> None:
        """Take a frame out of the folder; death leaves its image, its labels, or a note of them; no label alone."""
        editor = self.refiner if refining and self.refiner is not None and image in self.machine else self.one
        if image not in self.there:
            return
        had = [rows[image] for rows in (self.labels, self.machine) if image in rows]
        ended = self._do(crash, lambda: editor.remove_frame(image))
        if ended is False:
            return
        if ended is None:
            is_begun = False
            for rows, found in ((self.labels, self._labels_on_disk()), (self.machine, self._machine_on_disk()[0])):
                assert found in (rows, {name: row for name, row in rows.items() if name != image})
                is_begun |= found != rows
            for files in (LabelFiles(self.folder, "ada"), MachineFiles(self.folder, self.iteration)):
                compact(files)  # finishes what was begun
            assert not (is_begun and (self.project.root / image).is_file())
            assert (self.project.root / image).is_file() or image not in self._labels_on_disk()
            for open_again in (LabelEditor, RefineEditor)[: 2 if self.machine else 1]:
                if image in (again := open_again.open(self.project, "m")).images:
                    again.remove_frame(image)
        assert not (self.project.root / image).is_file()
        self.there.discard(image)
        for rows in (self.labels, self.machine, self.done):
            rows.pop(image, None)
        assert all((image, row) in removal_notes(self.folder) for row in had)
        self.undo = None
        if self.refiner is not None and not self.machine:
            self.refiner = None

    @rule(image=images)
    def put_back(self, image: str) -> None:
        """A person moves an image back out of ``removed/``: it is a frame without labels, and stays."""
        moved = self.folder / "removed" / Path(image).name
        if image not in self.there and moved.is_file():
            moved.rename(self.project.root / image)
            self.there.add(image)
            Operations.count += 1

    @precondition(lambda self: len(self.parts) < len(PARTS) + len(MORE_PARTS))
    @rule(crash=of_merges)
    def more_bodyparts(self, crash: Crash | None) -> None:
        """Add a body part to config.yaml and to the tables."""
        name = MORE_PARTS[len(self.parts) - len(PARTS)]
        ended = self._do(crash, lambda: add_bodyparts(self.project, [name]))
        written = Project.open(self.project.root).config.bodyparts
        assert written == (*self.parts, name) or (not ended and written == tuple(self.parts))
        self.parts, self.project = list(written), Project.open(self.project.root)
        assert "# first" in self.project.config.path.read_text()

    @precondition(lambda self: bool(self.machine))
    @rule(unrefined=st.sampled_from(["refuse", "leave", "accept"]), crash=of_merges)
    def merge(self, unrefined: str, crash: Crash | None) -> None:
        """Join what was refined, and begin the next iteration."""
        joined, begins, refused = merged(self.labels, self.machine, self.done, unrefined)
        Operations.count += 1
        if crash is not None:
            ended = killed_at(crash, lambda: merge(self.project, unrefined, CUTOFF))
            is_full = crash.ending == DISK_IS_FULL
            assert ended in ((REFUSED, KILLED) if refused else (DONE, REFUSED) if is_full else (DONE, KILLED))
        else:
            try:
                assert (merge(self.project, unrefined, CUTOFF) is not None) == begins
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

    # What must be so at all times.

    def _labels_on_disk(self) -> Rows:
        return dict(snapshot(LabelFiles(self.folder, "ada")).frames.rows)  # type: ignore[arg-type]

    def _machine_on_disk(self) -> tuple[Rows, dict[str, float | None]]:
        frames = snapshot(MachineFiles(self.folder, self.iteration)).frames
        return dict(frames.rows), frames.done  # type: ignore[return-value]

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
            assert {image: editor.points(image) for image in self.labels} == self.labels
        if self.machine:
            assert self._machine_on_disk() == (self.machine, self.done)
        if self.machine and self.refiner is not None:
            self.refiner.poll()
            assert set(self.refiner.images) == set(self.machine)
            assert {image: self.refiner.points(image) for image in self.machine} == self.machine
