"""What a training's chart shows of its log."""

from __future__ import annotations

from dlc_core.gui.learning_curve import curve_options


def test_the_loss_is_on_the_left_and_errors_are_where_they_were_measured():
    rows = [
        {"step": "10", "loss": "0.5", "test_error_px": "", "validation_error_px": ""},
        {"step": "20", "loss": "0.25", "test_error_px": "3.5", "validation_error_px": ""},
        {"step": "30", "loss": "nan", "test_error_px": "inf", "validation_error_px": ""},
    ]
    series = {line["name"]: line for line in curve_options("first", rows)["series"]}
    assert series["loss"]["data"] == [[10, 0.5], [20, 0.25]]
    assert series["test error"]["data"] == [[20, 3.5]]
    assert (series["loss"]["yAxisIndex"], series["test error"]["yAxisIndex"]) == (0, 1)
    assert "validation error" not in series
