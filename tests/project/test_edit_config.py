"""Single values of config.yaml: what is written, and that nothing else changes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dlc_core.errors import DataError
from dlc_core.project.edit_config import set_crop, set_value
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop

CONFIG = """# our lab's project, do not touch
Task: reach
scorer: Ann   # she left in May
date: Jan1
project_path: /somewhere/else/reach-Ann-2018-01-01
video_sets:
  # the good camera
  /somewhere/else/reach-Ann-2018-01-01/videos/a.mp4:
    crop: 0, 640, 0, 480   # whole
  '/somewhere/else/reach-Ann-2018-01-01/videos/b.mp4':
    crop: 0, 640, 0, 480
bodyparts: [hand, 'tip of the "finger"']
unknown_key: 007
TrainingFraction:
- 0.95
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "videos").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "videos" / name).write_bytes(b"")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return Project.open(tmp_path)


def test_a_crop_replaces_that_of_its_video_and_nothing_else(project: Project) -> None:
    changed = set_crop(project, project.root / "videos" / "a.mp4", Crop(10, 300, 20, 400))
    text = (project.root / "config.yaml").read_text(encoding="utf-8")
    assert text == CONFIG.replace("crop: 0, 640, 0, 480   # whole", "crop: 10, 300, 20, 400 # whole")
    assert list(changed.videos().values()) == [Crop(10, 300, 20, 400), Crop(0, 640, 0, 480)]
    assert sorted(path.name for path in project.root.iterdir()) == ["config.yaml", "videos"]


def test_a_video_without_a_crop_gets_one(project: Project) -> None:
    text = CONFIG.replace("\n    crop: 0, 640, 0, 480   # whole", "")
    (project.root / "config.yaml").write_text(text, encoding="utf-8")
    changed = set_crop(Project.open(project.root), project.root / "videos" / "a.mp4", Crop(1, 2, 3, 4))
    assert changed.videos()[project.root / "videos" / "a.mp4"] == Crop(1, 2, 3, 4)


def test_a_video_that_is_not_listed_is_refused(project: Project) -> None:
    with pytest.raises(DataError, match=r"does not list .*c\.mp4.*dlc add-videos"):
        set_crop(project, project.root / "videos" / "c.mp4", Crop(1, 2, 3, 4))


def test_values_that_several_write_at_once_are_all_there(project: Project) -> None:
    names = [f"key_{number}" for number in range(12)]
    threads = [threading.Thread(target=set_value, args=(project, [name], number)) for number, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Project.open(project.root).config.others
    assert [found[name] for name in names] == list(range(12))
