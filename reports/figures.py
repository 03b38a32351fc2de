"""The report's figures as SVG text, ready to stand inline in a page.

Text stays text, ids are unique to a figure, nothing depends on the time or the machine: the same data gives the same
bytes. A verdict is told by its marker's shape as well as by its colour (after Okabe and Ito, darkened for print), so
that it survives colour blindness and grey paper. The drawing library takes long to import: it is imported on first use.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY, ZONE = "#1a1d21", "#6b7178", "#eef2f6"
VERDICT_STYLES = {
    "PASS": ("o", "#00549f"),
    "FAIL": ("X", "#b33c00"),
    "INVALID": ("D", "#7a3e8e"),
}
"""Verdict -> marker and colour; any other verdict gets ``OTHER_STYLE``."""
OTHER_STYLE = ("^", "#4a4f55")

_TIMES = (("o", "#00549f", "-"), ("s", "#b33c00", "--"), ("D", "#00795a", "-."), ("^", "#7a3e8e", ":"))
"""Marker, colour and dashes of a meter's curves, first to last."""
_REPEAT_SHIFT = 0.013
"""How far apart the repeats at one flow rate are drawn, as a part of the axis."""
_WIDEST_SCALE = 1.6
"""Half the height of an error axis is at most so many limits: beyond, the zones would be squeezed flat."""


@dataclass(frozen=True, slots=True)
class ErrorPoint:
    """One error of indication as it is drawn."""

    place: float | str
    """The flow rate in L/h, or a category (a serial number) where the run has no single flow rate."""
    error_percent: float
    expanded_uncertainty_percent: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Zone:
    """A stretch of the flow axis with its maximum permissible errors."""

    start_l_h: float
    end_l_h: float
    lower_percent: float
    upper_percent: float


def error_scale(points: Iterable[ErrorPoint], limits_percent: Iterable[float]) -> float:
    """Half the height of the error axis, %: room for the errors, yet not so much that the limits vanish."""
    limit = max((abs(part) for part in limits_percent), default=0.0)
    widest = max((abs(p.error_percent) + (p.expanded_uncertainty_percent or 0.0) for p in points), default=0.0)
    wanted = max(1.3 * limit, 1.15 * widest)
    return (min(wanted, _WIDEST_SCALE * limit) if limit else wanted) or 1.0


def error_curve(
    name: str, points: Sequence[ErrorPoint], zones: Sequence[Zone], marks_l_h: dict[str, float], scale_percent: float
) -> str:
    """The error curve of one meter over flow (log axis), with the envelope of its maximum permissible errors.

    ``marks_l_h`` are the flow rates to mark, in rising order (Q1, Q2, Q3, Q4); ``scale_percent`` is half the height of
    the error axis, from ``error_scale``. Errors beyond it are drawn at the edge, with the value of the largest one.
    """
    figure, axes = _panel(3.4, 2.3, 0.52, 0.18)
    start, end = _draw_flow_axis(axes, marks_l_h)
    _draw_zones(axes, zones)
    at_flow = _by_place(points)
    means = sorted((float(place), fmean(p.error_percent for p in there)) for place, there in at_flow.items())
    axes.plot([place for place, _ in means], [mean for _, mean in means], color=GREY, linewidth=0.8, zorder=2)
    shift = (end / start) ** _REPEAT_SHIFT
    placed = [
        (float(place) * shift ** (index - (len(there) - 1) / 2), point)
        for place, there in at_flow.items()
        for index, point in enumerate(there)
    ]
    _draw_points(axes, placed, scale_percent)
    return svg_text(figure, f"Error curve of meter {name}: error of indication in % over flow rate in L/h")


def curves_over_flow(
    name: str,
    curves: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    zones: Sequence[Zone],
    marks_l_h: dict[str, float],
) -> str:
    """Mean errors of one meter at several times of its life, each a label and its (flow in L/h, error in %)."""
    figure, axes = _panel(7.0, 2.6, 0.52, 0.18, right_inch=1.75)
    _draw_flow_axis(axes, marks_l_h)
    _draw_zones(axes, zones)
    for (label, points), (marker, colour, dashes) in zip(curves, _TIMES * len(curves), strict=False):
        axes.plot(
            [flow_l_h for flow_l_h, _ in points], [error for _, error in points], marker=marker, color=colour,
            linestyle=dashes, linewidth=1.0, markersize=5, markeredgecolor="white", markeredgewidth=0.5,
            label=plain(label), zorder=3,
        )  # fmt: skip
    limits = [abs(part) for zone in zones for part in (zone.lower_percent, zone.upper_percent)]
    scale = max([1.3 * max(limits, default=0.0), *(1.15 * abs(error) for _, points in curves for _, error in points)])
    axes.set_ylim(-scale or -1.0, scale or 1.0)
    axes.set_ylabel("mean error of indication / %", labelpad=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.04), frameon=False, fontsize=7, labelcolor=INK)
    return svg_text(figure, f"Error curves of meter {name}: {', '.join(label for label, _ in curves)}")


def _draw_flow_axis(axes: Axes, marks_l_h: dict[str, float]) -> tuple[float, float]:
    """A logarithmic axis over the marked flow rates, with their names; its ends."""
    axes.set_xscale("log")
    start, end = min(marks_l_h.values()) / 1.7, max(marks_l_h.values()) * 1.7
    axes.set_xlim(start, end)
    axes.xaxis.set_major_formatter(lambda flow_l_h, _: f"{flow_l_h:g}")
    axes.minorticks_off()
    decades = range(floor(log10(start)), ceil(log10(end)))
    between = [digit * 10.0**decade for decade in decades for digit in range(2, 10)]
    axes.plot(
        between, [0.0] * len(between), "|", color=GREY, markersize=4, markeredgewidth=0.5,
        transform=axes.get_xaxis_transform(), zorder=1,
    )  # fmt: skip
    for index, (label, flow_l_h) in enumerate(marks_l_h.items()):
        axes.axvline(flow_l_h, color=GREY, linewidth=0.5, linestyle=(0, (1, 2)), zorder=1)
        axes.annotate(
            label, (flow_l_h, 1.0), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="left" if index % 2 else "right", fontsize=7.5,
        )  # fmt: skip
    axes.set_xlabel("flow rate Q / (L/h)")
    return start, end


def error_dots(points: Sequence[ErrorPoint], lower_percent: float | None, upper_percent: float | None) -> str:
    """Errors side by side, one category a meter, for a run without a single flow rate (a draw profile)."""
    at_meter = _by_place(points)
    figure, axes = _panel(7.0, 2.3, 0.52, 0.05)
    axes.set_xlim(-0.6, len(at_meter) - 0.4)
    axes.set_xticks(range(len(at_meter)), [plain(str(place)) for place in at_meter])
    if lower_percent is not None and upper_percent is not None:
        _draw_zones(axes, [Zone(-0.6, len(at_meter) - 0.4, lower_percent, upper_percent)])
    placed = [
        (number + 0.06 * (index - (len(there) - 1) / 2), point)
        for number, there in enumerate(at_meter.values())
        for index, point in enumerate(there)
    ]
    _draw_points(axes, placed, error_scale(points, [part for part in (lower_percent, upper_percent) if part]))
    axes.set_xlabel("meter (serial number)")
    return svg_text(figure, "Errors of indication in % of each meter")


def budget_bars(name: str, contributions_percent: Sequence[tuple[str, float]], combined_percent: float) -> str:
    """The contributions to an uncertainty budget (name, standard uncertainty of the result in %), and combined."""
    bars = [*contributions_percent, ("combined", combined_percent)]
    longest = max(len(label) for label, _ in bars)
    figure, axes = _panel(7.0, 0.17 * len(bars), min(0.15 + 0.065 * longest, 3.0), 0.0, 0.0)
    decimals = max(0, 2 - floor(log10(combined_percent))) if combined_percent else 2
    smallest = 10.0**-decimals
    places = range(len(bars))
    axes.barh(places, [part for _, part in bars], 0.62, color=[*[GREY] * (len(bars) - 1), VERDICT_STYLES["PASS"][1]])
    for place, (_, part) in zip(places, bars, strict=True):
        label = f"{part:.{decimals}f} %" if part >= smallest else f"< {smallest:.{decimals}f} %"
        axes.annotate(label, (part, place), (3, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_yticks(places, [plain(label) for label, _ in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, 1.12 * max(part for _, part in bars) or 1.0)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    return svg_text(figure, f"Contributions to the uncertainty of {name}, in %")


def _panel(
    width_inch: float,
    height_inch: float,
    left_inch: float,
    top_inch: float,
    bottom_inch: float = 0.42,
    right_inch: float = 0.1,
) -> tuple[Figure, Axes]:
    """A figure with one panel; fixed margins, for letting the library find them costs more than all the drawing."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width_inch, height_inch))
        axes = figure.add_axes((
            left_inch / width_inch, bottom_inch / height_inch,
            1 - (left_inch + right_inch) / width_inch, 1 - (bottom_inch + top_inch) / height_inch,
        ))  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def style() -> AbstractContextManager[None]:
    """The look of every picture that the project draws with matplotlib."""
    from matplotlib import rc_context

    return rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "meterbench",
            "font.size": 8,
            "axes.linewidth": 0.6,
            "axes.edgecolor": GREY,
            "axes.labelcolor": INK,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "text.color": INK,
        }
    )


def _draw_zones(axes: Axes, zones: Sequence[Zone]) -> None:
    """The envelope as a band with steps where the zones meet; half of it as a light line."""
    axes.axhline(0, color=INK, linewidth=0.6, zorder=1)
    for side in ("lower_percent", "upper_percent"):
        outline = [(edge, getattr(z, side)) for z in zones for edge in (z.start_l_h, z.end_l_h)]
        if outline:
            edges, limits = zip(*outline, strict=True)
            axes.fill_between(edges, limits, color=ZONE, linewidth=0, zorder=0)
            axes.plot(edges, limits, color=INK, linewidth=1.1, zorder=1)
            axes.plot(edges, [part / 2 for part in limits], color=GREY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)


def _draw_points(axes: Axes, placed: Sequence[tuple[float, ErrorPoint]], scale_percent: float) -> None:
    axes.set_ylim(-scale_percent, scale_percent)
    axes.set_ylabel("error of indication E / %", labelpad=0)
    for verdict in sorted({point.verdict for _, point in placed}):
        marker, colour = VERDICT_STYLES.get(verdict, OTHER_STYLE)
        shown = [(x, p) for x, p in placed if p.verdict == verdict and abs(p.error_percent) <= scale_percent]
        axes.errorbar(
            [x for x, _ in shown], [p.error_percent for _, p in shown],
            [p.expanded_uncertainty_percent or 0.0 for _, p in shown],
            fmt=marker, color=colour, markersize=5, markeredgecolor="white", markeredgewidth=0.5,
            elinewidth=0.9, capsize=2, capthick=0.9, zorder=3,
        )  # fmt: skip
    beyond = [(x, point) for x, point in placed if abs(point.error_percent) > scale_percent]
    for x, point in beyond:
        marker, colour = VERDICT_STYLES.get(point.verdict, OTHER_STYLE)
        sign = 1 if point.error_percent > 0 else -1
        axes.plot([x], [sign * scale_percent], marker=marker, markersize=5, color=colour, clip_on=False, zorder=3)
        if abs(point.error_percent) == max(abs(p.error_percent) for _, p in beyond if p.place == point.place):
            axes.annotate(
                f"{point.error_percent:+.3g} %", (x, sign * scale_percent), (0, -sign * 5), rotation=90, ha="center",
                va="top" if sign > 0 else "bottom", textcoords="offset points", fontsize=7, color=colour,
            )  # fmt: skip


def _by_place(points: Iterable[ErrorPoint]) -> dict[float | str, list[ErrorPoint]]:
    found: dict[float | str, list[ErrorPoint]] = {}
    for point in points:
        found.setdefault(point.place, []).append(point)
    return found


def plain(label: str) -> str:
    """A label in which nothing is taken for a formula."""
    return label.replace("$", r"\$")


def svg_text(figure: Figure, description: str) -> str:
    """The figure as one ``svg`` element that tells its content to a screen reader and shares no id with another."""
    sheet = io.StringIO()
    with style():
        undated = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(sheet, format="svg", transparent=True, metadata=undated)
    svg = sheet.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    prefix = "f" + hashlib.sha256((description + svg).encode()).hexdigest()[:8]
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1).strip()
