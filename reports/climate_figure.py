"""Temperature and humidity around the meters during an environmental test, with the moments of measuring marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from meterbench.reports.figures import GREY, INK, ZONE, style, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 800
"""Of a line, drawn: a chamber has no spikes that thinning could lose."""
SOURCE = "chamber"


def has_climate(traces: Mapping[str, Mapping[str, NDArray[Any]]]) -> bool:
    """Was a chamber looked at during the run."""
    return "air_temp_c" in traces.get(SOURCE, {})


def climate_over_time(
    name: str,
    traces: Mapping[str, Mapping[str, NDArray[Any]]],
    span: tuple[datetime, datetime],
    measured: Sequence[tuple[datetime, datetime]],
) -> str:
    """SVG text of one test: hours since its beginning, ``measured`` shaded; empty without a reading."""
    if not has_climate(traces):
        return ""
    columns = traces[SOURCE]
    begins, ends = (np.datetime64(each.replace(tzinfo=None), "us") for each in span)
    utc = columns["utc"].astype("datetime64[us]")
    inside = (utc >= begins) & (utc <= ends) & np.isfinite(columns["air_temp_c"].astype(np.float64))
    if inside.sum() < 2:
        return ""
    hours = (utc[inside] - begins) / np.timedelta64(3600, "s")
    picked = np.unique(np.linspace(0, len(hours) - 1, min(POINTS, len(hours))).astype(int))
    lines = {key: columns[key][inside].astype(np.float64)[picked] for key in _LINES if key in columns}
    humid = "humidity_percent" in lines and bool(np.isfinite(lines["humidity_percent"]).any())
    from matplotlib.figure import Figure

    heights = [1.7, 1.1] if humid else [1.7]
    width, left, right, top, bottom, gap = 7.0, 0.62, 0.1, 0.22, 0.42, 0.14
    height = top + bottom + sum(heights) + gap * (len(heights) - 1)
    with style():
        figure = Figure(figsize=(width, height))
        panels = []
        place = height - top
        for part in heights:
            place -= part
            box = (left / width, place / height, 1.0 - (left + right) / width, part / height)
            panels.append(figure.add_axes(box))
            place -= gap
        for axes in panels:
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xlim(0.0, float((ends - begins) / np.timedelta64(3600, "s")) or 1.0)
            for start, end in measured:
                edges = [(each - span[0]).total_seconds() / 3600.0 for each in (start, end)]
                axes.axvspan(*edges, color="#c9d7e6", linewidth=0, zorder=0)
        _draw(panels[0], hours[picked], lines, ("setpoint_c", "air_temp_c"), "temperature / °C")
        if humid:
            _draw(panels[1], hours[picked], lines, ("humidity_percent",), "rel. humidity / %")
            lowest = float(np.nanmin(lines["humidity_percent"]))
            panels[1].set_ylim(80.0 if lowest > 82.0 else 0.0, 101.0)  # damp heat is judged between 93 % and 100 %
            panels[0].tick_params(labelbottom=False)
        panels[0].legend(
            loc="lower right", bbox_to_anchor=(1.0, 0.98), frameon=False, fontsize=6.5, labelcolor=INK, ncols=3,
            borderaxespad=0.0,
        )  # fmt: skip
        panels[-1].set_xlabel(f"time since {span[0]:%Y-%m-%d %H:%M} UTC / h")
    return svg_text(figure, f"Temperature and humidity in the chamber over time: {name}")


_LINES = {
    "setpoint_c": ("set point", GREY, (0, (4, 2))),
    "air_temp_c": ("air in the chamber", "#b33c00", "-"),
    "humidity_percent": ("relative humidity", "#00549f", "-"),
}


def _draw(
    axes: Axes, hours: NDArray[Any], lines: Mapping[str, NDArray[np.float64]], keys: Sequence[str], axis: str
) -> None:
    for key in keys:
        if key in lines:
            label, colour, dashes = _LINES[key]
            axes.plot(hours, lines[key], color=colour, linestyle=dashes, linewidth=0.9, label=label)
    low, high = axes.get_ylim()
    spare = max(0.0, 4.0 - (high - low)) / 2.0
    axes.set_ylim(low - spare, high + spare)
    axes.set_ylabel(axis)
    axes.yaxis.set_label_coords(-0.065, 0.5)
    axes.grid(axis="y", color=ZONE, linewidth=0.6)
