"""The run over time: flows, pressures, temperatures and whatever else was looked at, one panel a kind, on one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterbench.reports.figures import GREY, INK, ZONE, plain, style, svg_text

POINTS = 600
"""Of a series, drawn: the lowest and the highest of each stretch, so that no spike is lost."""
COLOURS = ("#00549f", "#b33c00", "#00795a", "#7a3e8e", "#8a6d00", "#4a4f55", "#c2457d")
LEAST_FLOW_L_H = 0.5
"""Flows are drawn on a logarithmic axis, from here on."""
LEAST_SPAN = 0.05
"""Of an axis, as a part of the largest value on it: the noise of what stands still looks still."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A panel: what its series' names end in, and what its axis says."""

    ending: str
    axis: str
    logarithmic: bool = False


KINDS = (
    Kind("_l_h", "flow / (L/h)", logarithmic=True),
    Kind("pressure_upstream_kpa", "pressure / kPa"),
    Kind("pressure_downstream_kpa", "pressure / kPa"),
    Kind("pressure_kpa", "pressure / kPa"),
    Kind("_c", "temperature / °C"),
    Kind("_v", "voltage / V"),
    Kind("_ma", "current / mA"),
)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel."""

    label: str
    minutes: NDArray[np.float64]
    values: NDArray[np.float64]


def over_time(traces: Mapping[str, Mapping[str, NDArray[Any]]], steps: Sequence[tuple[str, datetime, datetime]]) -> str:
    """The figure as SVG text, empty if there is nothing to draw; ``steps`` are shaded and named, with their times."""
    panels = _panels(traces)
    if not panels:
        return ""
    from matplotlib.figure import Figure

    width_inch, panel_inch, left_inch, right_inch, top_inch, bottom_inch = 7.2, 1.35, 0.7, 1.45, 0.2, 0.42
    height_inch = top_inch + bottom_inch + panel_inch * len(panels)
    start = _start(traces)
    end_minutes = max(float(series.minutes[-1]) for of_panel in panels.values() for series in of_panel)
    with style():
        figure = Figure(figsize=(width_inch, height_inch))
        for number, (kind, of_panel) in enumerate(panels.items()):
            bottom = bottom_inch + panel_inch * (len(panels) - 1 - number)
            axes = figure.add_axes((
                left_inch / width_inch, bottom / height_inch,
                1.0 - (left_inch + right_inch) / width_inch, (panel_inch - 0.16) / height_inch,
            ))  # fmt: skip
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xlim(0.0, max(end_minutes, 1e-3))
            for index, (name, begins, ends) in enumerate(steps):
                edges = [_minutes(start, edge) for edge in (begins, ends)]
                if index % 2 == 0:
                    axes.axvspan(*edges, color=ZONE, linewidth=0, zorder=0)
                if number == 0 and edges[1] - edges[0] > 0.03 * end_minutes:
                    axes.annotate(
                        plain(name), (sum(edges) / 2, 1.0), (0, 2), xycoords=("data", "axes fraction"),
                        textcoords="offset points", ha="center", fontsize=6.5, color=GREY,
                    )  # fmt: skip
            for series, colour in zip(of_panel, COLOURS * (1 + len(of_panel) // len(COLOURS)), strict=False):
                axes.plot(series.minutes, series.values, color=colour, linewidth=0.8, label=plain(series.label))
            if kind.logarithmic:
                axes.set_yscale("log")
                axes.set_ylim(bottom=LEAST_FLOW_L_H)
                axes.yaxis.set_major_formatter(lambda flow_l_h, _: f"{flow_l_h:g}")
                axes.minorticks_off()
            else:
                axes.set_ylim(*_limits(axes.get_ylim(), of_panel))
                axes.ticklabel_format(axis="y", style="plain", useOffset=False)
            axes.set_ylabel(kind.axis)
            axes.yaxis.set_label_coords(-0.56 / (width_inch - left_inch - right_inch), 0.5)
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.04), frameon=False, fontsize=6.5, labelcolor=INK,
                        labelspacing=0.2)  # fmt: skip
            axes.tick_params(labelbottom=number == len(panels) - 1)
        axes.set_xlabel(f"time since {start:%Y-%m-%d %H:%M} UTC / min")
    return svg_text(figure, "Process values of the run over time: " + ", ".join(kind.axis for kind in panels))


def _panels(traces: Mapping[str, Mapping[str, NDArray[Any]]]) -> dict[Kind, list[Series]]:
    start = _start(traces) if traces else None
    by_axis: dict[str, tuple[Kind, list[Series]]] = {}
    for kind in KINDS:
        for source, columns in sorted(traces.items(), key=lambda item: (item[0] != "rig", item[0])):
            minutes = np.asarray([_minutes(start, each) for each in _utc(columns)]) if start else np.zeros(0)
            for name, column in columns.items():
                if not name.endswith(kind.ending) or (kind.ending == "_c" and not np.isfinite(column).any()):
                    continue
                series = _drawn(_label(source, name, kind), minutes, np.asarray(column, dtype=np.float64), kind)
                if series is not None:
                    by_axis.setdefault(kind.axis, (kind, []))[1].append(series)
    return dict(by_axis.values())


def _limits(usual: tuple[float, float], of_panel: Sequence[Series]) -> tuple[float, float]:
    """Of a linear axis: as usual, or about the same middle as wide as ``LEAST_SPAN`` asks."""
    largest = max(float(np.nanmax(np.abs(series.values))) for series in of_panel)
    half, middle = max(usual[1] - usual[0], LEAST_SPAN * largest) / 2.0, sum(usual) / 2.0
    return middle - half, middle + half


def _label(source: str, name: str, kind: Kind) -> str:
    what = name.removesuffix(kind.ending if kind.ending.startswith("_") else "_kpa").replace("_", " ")
    if what.startswith("flow line"):
        what = f"line {what[-1].upper()}"
    if what == source:
        return f"{what} (reference)"
    return f"{source.replace('_', ' ')}: {what}" if source != "rig" else what


def _drawn(label: str, minutes: NDArray[np.float64], values: NDArray[np.float64], kind: Kind) -> Series | None:
    """Thinned; None if there is nothing in it that could be seen."""
    if kind.logarithmic:
        values = np.where(values >= LEAST_FLOW_L_H, values, np.nan)
    if not np.isfinite(values).any() or (kind.ending in ("_v", "_ma") and not np.nansum(np.abs(values))):
        return None  # nothing, or a supply that was never switched on
    if len(values) > POINTS:
        picked: list[int] = []
        for part in np.array_split(np.arange(len(values)), POINTS // 2):
            finite = part[np.isfinite(values[part])]
            ends = [finite[values[finite].argmin()], finite[values[finite].argmax()]] if len(finite) else [part[0]]
            picked += sorted({int(place) for place in ends})
        minutes, values = minutes[picked], values[picked]
    return Series(label, minutes, values)


def _utc(columns: Mapping[str, NDArray[Any]]) -> list[datetime]:
    return [each.replace(tzinfo=None) for each in columns["utc"].astype("datetime64[us]").tolist()]


def _start(traces: Mapping[str, Mapping[str, NDArray[Any]]]) -> datetime:
    return min(_utc(columns)[0] for columns in traces.values())


def _minutes(start: datetime, at: datetime) -> float:
    return (at.replace(tzinfo=None) - start).total_seconds() / 60.0
