"""A year of household use through the reference meter at segment fidelity, beside the floor of its draws; forty years.

    python benchmarks/household_year.py [--json]

The household is ``world/demand.py``'s. No run can be quicker than its random numbers: two normal numbers a stretch of
steady flow. Every full hour is captured, so the stretches are cut there: the floor counts them with the hours.
"""

from __future__ import annotations

import numpy as np
from common.figures import Figure, main_of
from common.timing import best_call_s, duration_s

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.power.pack import fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import FITS, Place
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.records.profile import CAPACITY, Period
from meterbench.dut.variants import rating
from meterbench.world.demand import DAY_S, household
from meterbench.world.segment import Course

REPEATS = 3
FORTY_YEARS_S = (40 * 365 + 10) * DAY_S
"""1970 to 2009: 480 months."""


def measure() -> list[Figure]:
    """A year in closed form; two days of it with every shot; forty years; the floors of all."""
    designation = Designation.parse("ADR15-1-1")
    nameplate = Nameplate("10000001", designation, rating(designation, 2.5, 1600))

    def course(time_s: float) -> Course:
        return household(0.0, time_s, np.random.default_rng(1))

    def live(course: Course, fidelity: Fidelity) -> float:
        meters = iter([ReferenceMeter(nameplate, Truth(), seed=1, fidelity=fidelity) for _ in range(REPEATS)])
        return best_call_s(lambda: next(meters).live(course), 1, REPEATS)

    year, days = course(365.0 * DAY_S), course(2.0 * DAY_S)
    stretches, shots = len(year.flow_l_h) + 365 * 24, int(2.0 * DAY_S * 8.0)
    rng = np.random.Generator(np.random.SFC64(1))
    return [
        Figure(f"a year in closed form, {stretches} stretches", live(year, Fidelity.SEGMENT) * 1e3, "ms", "below 1000"),
        Figure(
            "floor: two normal draws a stretch",
            best_call_s(lambda: rng.standard_normal((2, stretches)), 1, 20) * 1e3,
            "ms",
        ),
        Figure(f"two days shot by shot, {shots} shots", live(days, Fidelity.TRANSIT) * 1e3, "ms"),
        Figure(
            "floor: one normal draw a shot", best_call_s(lambda: rng.standard_normal(shots), 1, REPEATS) * 1e3, "ms"
        ),
        *forty_years(nameplate, course(FORTY_YEARS_S + DAY_S), rng),
    ]


def forty_years(nameplate: Nameplate, course: Course, rng: np.random.Generator) -> list[Figure]:
    """Forty years and a day of hourly captures, on two C cells; ``RuntimeError`` if a record of a month is missing."""
    meter = ReferenceMeter(nameplate, Truth(), seed=1, fidelity=Fidelity.SEGMENT)
    meter.insert(Place.C2, fresh_pack(FITS[Place.C2]))
    took_s = duration_s(lambda: meter.live(course))
    months = len(meter.reading.profile(Period.MONTH))
    if months != CAPACITY[Period.MONTH]:
        raise RuntimeError(f"after forty years there are {months} monthly records, not {CAPACITY[Period.MONTH]}")
    stretches = len(course.flow_l_h) + round(FORTY_YEARS_S / 3600.0)
    return [
        Figure(f"forty years in closed form, {stretches} stretches", took_s, "s", "at most 5"),
        Figure(
            "floor: two normal draws a stretch", best_call_s(lambda: rng.standard_normal((2, stretches)), 1, 3), "s"
        ),
    ]


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "household_year", measure)


if __name__ == "__main__":
    main()
