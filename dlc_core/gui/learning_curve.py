"""The loss and the errors of a training as a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def curve_options(name: str, rows: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return a chart of a training's log: the loss on the left axis, the errors in pixels on the right one."""
    columns = {"loss": ("loss", 0, "#5aa2ff"), "test_error_px": ("test error", 1, "#ffc857")}
    columns |= {"validation_error_px": ("validation error", 1, "#5dd39e")}
    series = []
    for column, (title, axis, color) in columns.items():
        points = [[int(row["step"]), float(row[column])] for row in rows if row.get(column)]
        points = [point for point in points if math.isfinite(point[1])]
        if points:
            series.append(
                {
                    "name": title,
                    "type": "line",
                    "data": points,
                    "yAxisIndex": axis,
                    "showSymbol": axis == 1 or len(points) < 30,
                    "color": color,
                    "animation": False,
                }
            )
    dim, line = {"color": "#98a1b3"}, {"lineStyle": {"color": "#2c3342"}}
    return {
        "title": {"text": name, "left": 0, "textStyle": {"color": "#e8eaf0", "fontSize": 13, "fontWeight": "normal"}},
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0, "right": 0, "textStyle": dim},
        "grid": {"left": 50, "right": 50, "top": 52, "bottom": 40},
        "xAxis": {"type": "value", "name": "step", "nameLocation": "middle", "nameGap": 24, "axisLabel": dim,
                  "splitLine": line, "max": "dataMax"},
        "yAxis": [
            {"type": "log", "name": "loss", "axisLabel": dim, "nameTextStyle": dim, "splitLine": line},
            {"type": "value", "name": "px", "axisLabel": dim, "nameTextStyle": dim, "splitLine": {"show": False}},
        ],
        "series": series,
    }  # fmt: skip
