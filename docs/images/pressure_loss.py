"""Draws the true pressure loss of the reference meter's bodies over the flow, and the ranges of the 21 variants.

python docs/images/pressure_loss.py PICTURE.svg
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from meterbench.dut.reference_meter.hardware.body import Body
from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES
from meterbench.dut.variants import Rating, all_ratings
from meterbench.reports.figures import INK, style

CLASS_KPA = 40.0
TEMP_C = 20.0
OTHER_TEMPS_C = {0.1: "#2f6fb0", 50.0: "#c0392b"}
SHOWN_AT_ALL_TEMPS = 15
PLAIN = FuncFormatter(lambda number, _: f"{number:g}")
BAND = "#f3dcd6"


def draw_curve(axes: Axes, dn: int, ratings: list[Rating]) -> None:
    """One diameter's loss from the lowest Q1 to the highest Q4, with its Q3 and the class limit."""
    body = Body(GEOMETRIES[dn])
    flows_l_h = np.geomspace(min(r.q1_l_h for r in ratings), max(r.q4_l_h for r in ratings), 200)
    q3s_l_h = sorted({r.q3_l_h for r in ratings})
    axes.axhspan(CLASS_KPA, 300.0, color=BAND, linewidth=0, zorder=0)
    axes.plot([flows_l_h[0], *q3s_l_h], [CLASS_KPA] * 3, "-|", color=INK, linewidth=0.9, markersize=7, zorder=1)
    axes.text(flows_l_h[0] * 1.1, CLASS_KPA * 1.3, "p40: at most 40 kPa from Q1 to Q3", va="bottom")
    temps_c = (*OTHER_TEMPS_C, TEMP_C) if dn == SHOWN_AT_ALL_TEMPS else (TEMP_C,)
    for temp_c in sorted(temps_c):
        colour, width = OTHER_TEMPS_C.get(temp_c, INK), 1.3 if temp_c == TEMP_C else 0.9
        losses_kpa = body.loss_kpa(flows_l_h, temp_c)
        axes.plot(flows_l_h, losses_kpa, color=colour, linewidth=width, label=f"{temp_c:g} °C")
    axes.legend(loc="lower right", frameon=False, handlelength=1.6, borderaxespad=0.2)
    for q3_l_h in q3s_l_h:
        loss_kpa = body.loss_kpa(q3_l_h, TEMP_C)
        axes.plot(q3_l_h, loss_kpa, "o", color=INK, markersize=4, zorder=3)
        axes.annotate(
            f"Q3 {q3_l_h / 1000.0:g} m³/h: {loss_kpa:.1f} kPa",
            (q3_l_h, loss_kpa),
            xytext=(-13, -9),
            textcoords="offset points",
            ha="right",
            va="center",
        )
    axes.set(xscale="log", yscale="log", xlim=(1.0, 14000.0), ylim=(2e-4, 200.0))
    axes.set_title(f"DN{dn}", fontsize=9, fontweight="bold")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.grid(visible=True, which="major", color="#e6e6e6", linewidth=0.5, zorder=0)


def draw_ranges(axes: Axes, ratings: list[Rating]) -> None:
    """A bar from Q1 to Q3 for each variant."""
    for row, rating in enumerate(ratings):
        axes.plot([rating.q1_l_h, rating.q3_l_h], [row, row], color=INK, linewidth=2.2, solid_capstyle="butt")
    axes.set_yticks(range(len(ratings)), [f"{rating.q3_m3_h} R{rating.ratio}" for rating in ratings], fontsize=6.5)
    axes.set(ylim=(len(ratings) - 0.4, -0.6), xlabel="flow Q / (L/h)")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x", which="major", color="#e6e6e6", linewidth=0.5, zorder=0)


def main() -> None:
    """Draw all three diameters side by side."""
    with style(), rc_context({"svg.fonttype": "path", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(10.5, 5.2), layout="constrained")
        grid = figure.subplots(2, len(GEOMETRIES), sharex=True, height_ratios=(3.0, 1.1))
        for (curve, ranges), dn in zip(grid.T, GEOMETRIES, strict=True):
            ratings = [rating for rating in all_ratings() if rating.dn == dn]
            draw_curve(curve, dn, ratings)
            draw_ranges(ranges, ratings)
            for axes in (curve, ranges):
                axes.spines[["top", "right"]].set_visible(False)
        grid[0, 0].set_ylabel("pressure loss Δp / kPa")
        grid[1, 0].set_ylabel("Q1 to Q3 of each variant", fontsize=6.5)
        # No date and no version: the same curves make the same file.
        figure.savefig(Path(sys.argv[1]), metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
