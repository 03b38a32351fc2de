"""Draws how many years the reference meter lasts on paper, over the interval of its transmissions.

python docs/images/battery_life.py PICTURE.svg

Prints the table of docs/explanation/power.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from meterbench.dut.reference_meter.hardware.power.life import Life, life_of, lives
from meterbench.dut.reference_meter.hardware.power.loads import Loads
from meterbench.dut.reference_meter.metrology.power.activity import Activity, Radio
from meterbench.reports.figures import GREY, INK, style

DAY_S = 86_400.0
INTERVALS_S = np.geomspace(10.0, DAY_S, 200)
SHORTEST_S = {Radio.LORA_SF7: 60.0, Radio.LORA_SF10: 120.0, Radio.LORA_SF12: 300.0, Radio.NB_IOT: 900.0}
CURVES = (
    (Radio.WMBUS_C1, "wM-Bus C1", "#009e73", "-"),
    (Radio.LORA_SF7, "LoRa SF7", "#0072b2", ":"),
    (Radio.LORA_SF10, "LoRa SF10", "#0072b2", "--"),
    (Radio.LORA_SF12, "LoRa SF12", "#0072b2", "-"),
    (Radio.NB_IOT, "NB-IoT", "#d55e00", "-"),
)
"""Colours of Okabe and Ito; the spreading factor by the dashes."""
SETS = (("c1", "C1 alone"), ("external_c1", "external pack, then C1"), ("c1_c2", "C1 and C2"))
CLAIM_YEARS, CLAIM_MA = 16.0, 0.02344
TICKS = {10.0: "10 s", 60.0: "1 min", 900.0: "15 min", 3600.0: "1 h", 12 * 3600.0: "12 h"}
GRID = "#e6e6e6"


def life_with(radio: Radio, interval_s: float) -> Life:
    """A nominal unit that sends this and nothing else."""
    activity = Activity(8.0, lcd=True, transmissions=((radio, interval_s),))
    return life_of("", "", Loads().demand(activity).mean_ma)


def draw(axes: Axes, battery_set: str, title: str) -> None:
    """One set of batteries."""
    for radio, label, colour, dashes in CURVES:
        intervals_s = INTERVALS_S[SHORTEST_S.get(radio, 0.0) <= INTERVALS_S]
        years = [getattr(life_with(radio, float(interval_s)), battery_set) for interval_s in intervals_s]
        axes.plot(intervals_s, years, color=colour, linestyle=dashes, linewidth=1.2, label=label)
    axes.axhline(CLAIM_YEARS, color=INK, linewidth=0.9)
    axes.axhline(getattr(life_of("", "", CLAIM_MA), battery_set), color=GREY, linewidth=0.7, linestyle=(0, (2, 2)))
    axes.set(xscale="log", xlim=(INTERVALS_S[0], INTERVALS_S[-1]), ylim=(0.0, 80.0), xlabel="interval")
    axes.set_xticks(list(TICKS), list(TICKS.values()))
    axes.minorticks_off()
    axes.set_title(title, fontsize=9, fontweight="bold")
    axes.grid(visible=True, color=GRID, linewidth=0.5, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw the three sets side by side, print the table."""
    with style(), rc_context({"svg.fonttype": "path", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(10.5, 3.6), layout="constrained")
        grid = figure.subplots(1, len(SETS), sharey=True)
        for axes, (battery_set, title) in zip(grid, SETS, strict=True):
            draw(axes, battery_set, title)
        grid[0].set_ylabel("life on paper / years")
        grid[0].text(DAY_S, CLAIM_YEARS - 1.0, "16 years", ha="right", va="top")
        grid[0].text(40.0, 28.5, "at 23.44 µA", color=GREY, va="top")
        grid[0].legend(loc="upper left", frameon=False, handlelength=2.2, borderaxespad=0.2)
        # No date and no version: the same curves make the same file.
        figure.savefig(Path(sys.argv[1]), metadata={"Date": None, "Creator": None})
    for life in lives():
        print(
            f"| {life.sending} | {life.interval} | {life.mean_ua:.1f} | {life.c1:.1f} | {life.c1_c2:.1f}"
            f" | {life.external_c1:.1f} |"
        )


if __name__ == "__main__":
    main()
