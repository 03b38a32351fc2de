"""Draws what the reference meter's units read: error curves, their spread over units, and bad units.

python docs/images/error_curves.py FOLDER

Writes error-curves.svg, error-spread.svg and error-bad-units.svg, and prints the tables of
docs/explanation/accuracy.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.metrology.measuring.threshold import ON_L_H
from meterbench.dut.reference_meter.metrology.measuring.water import NOMINAL_PRESSURE_MPA
from meterbench.dut.reference_meter.production.factory import Unit
from meterbench.dut.reference_meter.production.population import (
    cpk,
    draw_population,
    flow_points_l_h,
    intrinsic_errors_percent,
)
from meterbench.dut.variants import Rating, all_ratings
from meterbench.reports.figures import GREY, INK, style

SEED = 4064
UNITS = 100
TEMPS_C = np.array([0.1, 10.0, 20.0, 30.0, 45.0, 50.0])
COLOURS = {temp_c: colormaps["plasma"](0.85 * i / (len(TEMPS_C) - 1)) for i, temp_c in enumerate(TEMPS_C)}
"""From cold to warm, even in lightness: readable without colour vision."""
LOWER_MPE, UPPER_MPE, WARM_UPPER_MPE = 5.0, 2.0, 3.0
"""Class 2 in percent: below Q2; from Q2 on up to 30 degC, and above (ISO 4064-1, 4.2.3)."""
SHOTS_A_MINUTE = 480
BAD_AT_C = 50.0
WIDE = 4.0
NOISY = ("noise 100 ps", Truth(noise_ps=100.0), "#cc79a7", "-")
BAD = (
    ("good unit", Truth(), "#c4c4c4", "-"),
    NOISY,
    ("amplitude down by 35 %", Truth(amplitude_loss_percent=35.0), "#1a1a1a", ":"),
    ("zero drifts by 0.8 ps/K", Truth(zero_slope_ps_k=0.8), "#d55e00", "-"),
    ("25 ps of drift not compensated", Truth(zero_offset_ps=25.0), "#0072b2", "--"),
    ("directions differ by 1 dB", Truth(mismatch_db=1.0), "#009e73", "-."),
)
"""The bad units of metering.md 2.5 and 3, in colours of Okabe and Ito."""
PLAIN = FuncFormatter(lambda number, _: f"{number:g}".replace("-", "−"))
NOT_REGISTERED = f"below {ON_L_H:g} L/h nothing is registered"
BAND, GRID = "#ececec", "#e6e6e6"


def rating_of(dn: int, ratio: int) -> Rating:
    """The variant with this ratio and the largest Q3 of its diameter."""
    return [rating for rating in all_ratings() if rating.dn == dn and rating.ratio == ratio][-1]


def draw_envelope(axes: Axes, rating: Rating, *, warm: bool | None = None) -> None:
    """Class 2 stepped at Q2, mirrored; solid up to 30 degC, dashed above; both if ``warm`` is None."""
    q1_l_h, q2_l_h, q4_l_h = rating.q1_l_h, rating.q2_l_h, rating.q4_l_h
    for sign in (1.0, -1.0):
        for upper, line, shown in ((UPPER_MPE, "-", warm is not True), (WARM_UPPER_MPE, "--", warm is not False)):
            if shown:
                limits = sign * np.array([LOWER_MPE, LOWER_MPE, upper, upper])
                axes.plot([q1_l_h, q2_l_h, q2_l_h, q4_l_h], limits, line, color=INK, linewidth=1.0, zorder=2)


def draw_flow_axis(axes: Axes, rating: Rating) -> None:
    """Log axis from Q1/2 to Q4, with the named flow rates on top and what is not registered in grey."""
    low_l_h, high_l_h = rating.q1_l_h / 2.0, rating.q4_l_h
    axes.set(xscale="log", xlim=(low_l_h, high_l_h * 1.12), xlabel="flow Q / (L/h)")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.axhline(0.0, color=GREY, linewidth=0.6, zorder=1)
    if low_l_h < ON_L_H:
        axes.axvspan(low_l_h, ON_L_H, color=BAND, linewidth=0, zorder=0)
    named = (rating.q1_l_h, rating.q2_l_h, rating.q3_l_h, rating.q4_l_h)
    for flow_l_h in named:
        axes.axvline(flow_l_h, color=GRID, linewidth=0.8, zorder=0)
    top = axes.secondary_xaxis("top")
    top.set_xticks(named, ["Q1", "Q2", "Q3", "Q4"], fontsize=7)
    top.set_xticks([], minor=True)
    top.tick_params(length=0, pad=1)
    top.spines["top"].set_visible(False)
    for label, side in zip(top.get_xticklabels(), ("center", "center", "right", "left"), strict=True):
        label.set(horizontalalignment=side)


def errors_over_flow(unit: Unit, flow_l_h: Array, temp_c: float) -> Array:
    """Error in percent at each flow, at one temperature."""
    return intrinsic_errors_percent(unit, flow_l_h, np.full(flow_l_h.shape, temp_c))


def draw_curves(folder: Path) -> None:
    """One unit of DN15 Q3 2.5 R1600 before and after its calibration, against the envelope and magnified."""
    rating = rating_of(15, 1600)
    flow_l_h = np.geomspace(rating.q1_l_h / 2.0, rating.q4_l_h, 600)
    (calibrated,), (raw,) = (draw_population(rating, 1, SEED, calibrated=done) for done in (True, False))
    figure = Figure(figsize=(10.5, 7.0), layout="constrained")
    grid = figure.subplot_mosaic([["calibrated", "raw"], ["magnified", "magnified"]])
    for name, unit in (("calibrated", calibrated), ("raw", raw), ("magnified", calibrated)):
        for temp_c in TEMPS_C:
            errors = errors_over_flow(unit, flow_l_h, temp_c)
            grid[name].plot(flow_l_h, errors, color=COLOURS[temp_c], linewidth=1.2, label=f"{temp_c:g} °C", zorder=3)
        draw_flow_axis(grid[name], rating)
        grid[name].set_ylabel("error E / %")
    for name in ("calibrated", "raw"):
        draw_envelope(grid[name], rating)
    grid["calibrated"].set(ylim=(-6.5, 6.5), title=f"{rating}, calibrated")
    grid["raw"].set_title("the same unit uncalibrated (type data only)")
    label_ripples(grid["magnified"], calibrated, flow_l_h)
    grid["magnified"].set(
        ylim=(-0.8, 0.8), title="calibrated, magnified: the ripple of the transition moves with the water's viscosity"
    )
    temps = [Line2D([], [], color=COLOURS[temp_c], linewidth=1.6, label=f"{temp_c:g} °C") for temp_c in TEMPS_C]
    limits = [
        Line2D([], [], color=INK, linewidth=1.0, label="class 2, water up to 30 °C"),
        Line2D([], [], color=INK, linewidth=1.0, linestyle="--", label="class 2, water above 30 °C"),
        Patch(color=BAND, label=NOT_REGISTERED),
    ]
    figure.legend(
        handles=temps + limits, loc="outside lower center", ncols=9, fontsize=7.5, handlelength=1.6, columnspacing=1.2
    )
    save(figure, folder / "error-curves.svg")


def label_ripples(axes: Axes, unit: Unit, flow_l_h: Array) -> None:
    """Write each temperature beside the lowest point of its curve."""
    for temp_c in TEMPS_C:
        errors = errors_over_flow(unit, flow_l_h, temp_c)
        lowest = int(np.argmin(errors))
        side = "right" if temp_c == TEMPS_C[-1] else "left" if temp_c == TEMPS_C[-2] else "center"
        axes.text(flow_l_h[lowest], errors[lowest] - 0.02, f"{temp_c:g}°", ha=side, va="top", fontsize=7)


def draw_spread(folder: Path) -> None:
    """Errors at Q1 of 100 units of each variant, against the MPE and magnified, with the lowest Cpk.

    Prints both tables.
    """
    ratings = all_ratings()
    found = {rating: population_errors(rating) for rating in ratings}
    figure = Figure(figsize=(10.5, 10.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 2.2))
    rows = np.arange(len(ratings))
    for place, temp_c in enumerate(TEMPS_C):
        at_q1 = np.array([found[rating][:, 0, place, 0] for rating in ratings])
        least, quarter, median, most_quarters, most = np.quantile(at_q1, (0.0, 0.25, 0.5, 0.75, 1.0), axis=1)
        lines, colour = rows + 0.13 * (place - 2.5), COLOURS[temp_c]
        left.hlines(lines, least, most, color=colour, linewidth=2.5)
        right.hlines(lines, least, most, color=colour, linewidth=0.9)
        right.hlines(lines, quarter, most_quarters, color=colour, linewidth=3.6)
        right.plot(median, lines, "|", color="white", markersize=3.6, markeredgewidth=0.9)
    for row, rating in enumerate(ratings):
        capability = f"{lowest_cpk(found[rating]):.1f}"
        right.text(1.02, row, capability, transform=right.get_yaxis_transform(), va="center")
    left.set(
        xlim=(-6.0, 6.0),
        xticks=(-LOWER_MPE, 0.0, LOWER_MPE),
        ylim=(len(ratings) - 0.4, -0.6),
        title="against the MPE of ±5 %",
    )
    right.set(xlim=(-0.4, 0.4), title=f"magnified: {UNITS} units each; bar: middle half, line: all units")
    for axes in (left, right):
        axes.axvline(0.0, color=GREY, linewidth=0.6, zorder=0)
        axes.xaxis.set_major_formatter(PLAIN)
        axes.set_xlabel("error at Q1, forward, E / %")
        axes.tick_params(axis="y", length=0)
        axes.hlines(rows[:-1] + 0.5, *axes.get_xlim(), color=GRID, linewidth=0.5, zorder=0)
    for limit in (-LOWER_MPE, LOWER_MPE):
        left.axvline(limit, color=INK, linewidth=1.0)
    left.set_yticks(range(len(ratings)), [f"{rating}\nQ1 {rating.q1_l_h:g} L/h" for rating in ratings], fontsize=7)
    right.text(1.02, -0.75, "lowest\nCpk", transform=right.get_yaxis_transform(), va="bottom", fontsize=8)
    boxes = [Patch(color=COLOURS[temp_c], label=f"{temp_c:g} °C") for temp_c in TEMPS_C]
    figure.legend(handles=boxes, loc="outside lower center", ncols=6)
    save(figure, folder / "error-spread.svg")
    print_tables(found)


def population_errors(rating: Rating) -> Array:
    """Of the population: shape (units, forward and reverse, temperatures, flow points), percent."""
    sign, temp_c, flow_l_h = np.meshgrid([1.0, -1.0], TEMPS_C, flow_points_l_h(rating), indexing="ij")
    points = (sign * flow_l_h).ravel(), temp_c.ravel()
    errors = [intrinsic_errors_percent(unit, *points) for unit in draw_population(rating, UNITS, SEED)]
    return np.array(errors).reshape(UNITS, *sign.shape)


def lowest_cpk(errors: Array) -> float:
    """Over temperatures and directions, at Q1."""
    at_q1 = errors[..., 0].reshape(len(errors), -1)
    return min(cpk(at_one, LOWER_MPE) for at_one in at_q1.T)


def print_tables(found: dict[Rating, Array]) -> None:
    """The tables of docs/explanation/accuracy.md, in Markdown."""
    worst = np.max([np.abs(errors).max(axis=(0, 1, 3)) for errors in found.values()], axis=0)
    print("| water | " + " | ".join(f"{temp_c:g} °C" for temp_c in TEMPS_C) + " |")
    print("|---" * (1 + len(TEMPS_C)) + "|")
    print("| worst error | " + " | ".join(f"{error:.2f} %" for error in worst) + " |")
    print("\n| variant | Q1 in L/h | worst error at Q1 | lowest Cpk at Q1 |\n|---|---|---|---|")
    for rating, errors in found.items():
        at_q1 = np.abs(errors[..., 0]).max()
        print(f"| {rating} | {rating.q1_l_h:g} | {at_q1:.2f} % | {lowest_cpk(errors):.1f} |")


def draw_bad_units(folder: Path) -> None:
    """The same unit of each diameter, good and with each of the faults, at 50 degC; R1600."""
    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    row = figure.subplots(1, 3, sharey=True)
    for axes, dn in zip(row, (15, 20, 25), strict=True):
        rating = rating_of(dn, 1600)
        flow_l_h = np.geomspace(rating.q1_l_h / 2.0, rating.q4_l_h, 300)
        for name, truth, colour, line in BAD:
            (unit,) = draw_population(rating, 1, SEED, truth)
            errors = errors_over_flow(unit, flow_l_h, BAD_AT_C)
            width = WIDE if truth == Truth() else 1.4
            axes.plot(flow_l_h, errors, color=colour, linestyle=line, linewidth=width, label=name, zorder=3)
            if truth == NOISY[1]:
                spread = 2.0 * minute_sd_percent(unit, flow_l_h)
                axes.fill_between(flow_l_h, errors - spread, errors + spread, color=colour, alpha=0.2, linewidth=0)
        draw_envelope(axes, rating, warm=True)
        draw_flow_axis(axes, rating)
        axes.set(ylim=(-7.5, 16.0), yticks=(-5.0, -3.0, 0.0, 3.0, 5.0, 10.0, 15.0), title=str(rating))
    row[0].set_ylabel(f"error E at {BAD_AT_C:g} °C / %")
    shown, _ = row[0].get_legend_handles_labels()
    shown.append(Patch(color=NOISY[2], alpha=0.2, label="noise 100 ps: ±2 sd of one minute"))
    shown.append(Line2D([], [], color=INK, linewidth=1.0, linestyle="--", label="class 2, water above 30 °C"))
    shown.append(Patch(color=BAND, label=NOT_REGISTERED))
    figure.legend(handles=shown, loc="outside lower center", ncols=3, handlelength=2.6)
    save(figure, folder / "error-bad-units.svg")


def minute_sd_percent(unit: Unit, flow_l_h: Array) -> Array:
    """Standard deviation of a minute's mean flow, from the noise of one shot, at 50 degC."""
    dt_ps = np.asarray(unit.sensor.flight(flow_l_h, BAD_AT_C, NOMINAL_PRESSURE_MPA).dt_ps)
    sd: Array = 100.0 * unit.sensor.truth.noise_ps / np.abs(dt_ps) / np.sqrt(SHOTS_A_MINUTE)
    return sd


def save(figure: Figure, picture: Path) -> None:
    """Without date or version: the same curves make the same file."""
    figure.savefig(picture, metadata={"Date": None, "Creator": None})


def main() -> None:
    """Draw all three pictures into the folder."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    more = {
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
    with style(), rc_context(more):
        draw_curves(folder)
        draw_spread(folder)
        draw_bad_units(folder)


if __name__ == "__main__":
    main()
