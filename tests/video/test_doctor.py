"""What the doctor finds, on this machine and on prepared lists of packages."""

from __future__ import annotations

from importlib import metadata

import pytest

from dlc_core.video.doctor import _opencv, _packages, examine, examine_machine, examine_videos


def test_the_machine_is_examined_and_everything_has_a_level():
    findings = examine_machine()
    assert {finding.level for finding in findings} <= {"ok", "warn", "error"}
    assert {"python", "packages", "opencv", "gpu", "encoder", "disk"} <= {finding.topic for finding in findings}
    packages = next(finding.text for finding in findings if finding.topic == "packages" and finding.level == "ok")
    assert f"av {metadata.version('av')}" in packages


def test_two_builds_of_opencv_are_a_warning_that_names_both():
    finding = _opencv({"opencv-python": "4.10", "opencv-python-headless": "4.12"})
    assert finding.level == "warn"
    assert "opencv-python 4.10 and opencv-python-headless 4.12" in finding.text
    assert "pip uninstall" in finding.text
    assert _opencv({"opencv-python-headless": "4.12"}).level == "ok"
    assert _opencv({}).level == "error"


def test_a_missing_and_an_old_package_are_errors_with_the_command_to_run():
    def version(name: str) -> str:
        if name == "av":
            raise metadata.PackageNotFoundError
        return "1.0"

    wanted = ["av>=14", "numpy>=2.0", "click>=0.5", 'wandb>=9; extra == "logging"']
    findings = list(_packages(version, wanted))
    assert [(finding.level, finding.text.split()[0]) for finding in findings[:-1]] == [
        ("error", "av"),
        ("error", "numpy"),
    ]
    assert 'pip install "av>=14"' in findings[0].text
    assert "1.0 was found, >=2.0 is needed" in findings[1].text


def test_a_sound_video_is_one_line(b_frame_video):
    (finding,) = examine_videos(b_frame_video)
    assert finding.level == "ok"
    assert "150 readable frames (150 by its header)" in finding.text
    assert "seekable" in finding.text


def test_every_problem_of_a_video_is_a_warning(damaged_video):
    first, *others = examine_videos(damaged_video)
    assert first.level == "ok"
    assert others
    assert all(finding.level == "warn" and str(damaged_video) in finding.text for finding in others)


@pytest.mark.parametrize("content", [b"", b"nothing of the kind" * 100])
def test_what_is_no_video_is_an_error_and_the_rest_is_examined(tmp_path, b_frame_video, content):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    levels = [finding.level for finding in examine([bad, tmp_path / "missing.mp4", b_frame_video])][-3:]
    assert levels == ["error", "error", "ok"]
