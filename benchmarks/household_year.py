"""A year of household use through the reference meter at segment fidelity, beside the floor of its draws.

    python benchmarks/household_year.py [--json]

The year is drawn at random from what was recorded of single fixtures (metering.md 6: median lengths and flows). No run
can be quicker than its random numbers: two normal numbers a stretch of steady flow.
"""

from __future__ import annotations

import numpy as np
from common.figures import Figure, main_of
from common.timing import best_call_s

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.sensor import Truth
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.variants import rating
from meterbench.world.segment import Course

DAY_S = 86_400.0
REPEATS = 3
FIXTURES = {
    "shower": (1.5, 360.0, 306.0),
    "washing machine": (4.0, 10.0, 655.0),
    "kitchen tap": (25.0, 6.0, 151.0),
    "bidet": (4.0, 4.0, 151.0),
    "wash basin": (20.0, 5.0, 130.0),
    "toilet": (14.0, 60.0, 360.0),
}
"""Draws a day (a family's, our choice), and the recorded medians: seconds and L/h."""


def household(days: float, rng: np.random.Generator) -> Course:
    """Draws at random times, lengths and flows spread about the medians; a draw that would meet another is left out."""
    starts, lengths, flows = [], [], []
    for per_day, median_s, median_l_h in FIXTURES.values():
        count = int(rng.poisson(per_day * days))
        starts.append(rng.uniform(1.0, days * DAY_S, count))
        lengths.append(median_s * rng.lognormal(0.0, 0.5, count))
        flows.append(median_l_h * rng.lognormal(0.0, 0.3, count))
    order = np.argsort(np.concatenate(starts))
    start_s, length_s, flow_l_h = (np.concatenate(part)[order] for part in (starts, lengths, flows))
    busy_until_s = np.concatenate(([0.0], np.maximum.accumulate(start_s + length_s)[:-1]))
    apart = start_s > busy_until_s + 0.5
    start_s, length_s, flow_l_h = start_s[apart], length_s[apart], flow_l_h[apart]
    edges_s = np.concatenate(([0.0], np.column_stack((start_s, start_s + length_s)).ravel(), [(days + 1.0) * DAY_S]))
    flows_l_h = np.zeros(len(edges_s) - 1)
    flows_l_h[1::2] = flow_l_h
    return Course(edges_s, flows_l_h, np.full(len(flows_l_h), 15.0), np.full(len(flows_l_h), 0.5))


def measure() -> list[Figure]:
    """A year in closed form; a day of it with every shot; the floors of both."""
    designation = Designation.parse("ADR15-1-1")
    nameplate = Nameplate("10000001", designation, rating(designation, 2.5, 1600))
    year = household(365.0, np.random.default_rng(1))
    day = household(1.0, np.random.default_rng(1))
    stretches, shots = len(year.flow_l_h), int((day.edges_s[-1] - day.edges_s[0]) * 8.0)

    def live(course: Course, fidelity: Fidelity) -> float:
        meters = iter([ReferenceMeter(nameplate, Truth(), seed=1, fidelity=fidelity) for _ in range(REPEATS)])
        return best_call_s(lambda: next(meters).live(course), 1, REPEATS)

    rng = np.random.Generator(np.random.SFC64(1))
    return [
        Figure(f"a year in closed form, {stretches} stretches", live(year, Fidelity.SEGMENT) * 1e3, "ms", "below 1000"),
        Figure(
            "floor: two normal draws a stretch",
            best_call_s(lambda: rng.standard_normal((2, stretches)), 1, 20) * 1e3,
            "ms",
        ),
        Figure(f"two days shot by shot, {shots} shots", live(day, Fidelity.TRANSIT) * 1e3, "ms"),
        Figure(
            "floor: one normal draw a shot", best_call_s(lambda: rng.standard_normal(shots), 1, REPEATS) * 1e3, "ms"
        ),
    ]


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "household_year", measure)


if __name__ == "__main__":
    main()
