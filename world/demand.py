"""What a household draws: fixtures that are opened at random, by day more than at night.

Lengths and flows are spread about what was recorded of single fixtures (metering.md 6). No draw goes beyond the longest
and the strongest that were recorded, so none raises an alarm over flow by itself. Draws may follow one another within a
second, though: for a meter, which takes a mean over seconds, a row of them may be one long flow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.world.segment import Course

Array = NDArray[np.float64]

DAY_S = 86_400.0
APART_S = 0.5
"""[design] Draws that come closer than this are one; the later one is left out."""
LENGTH_SPREAD, FLOW_SPREAD = 0.5, 0.3
"""[design] Standard deviations of the logarithms of a fixture's lengths and flows."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One kind of draw-off. Medians and extremes are of its single draws."""

    name: str
    draws_a_day: float
    """[design] A family's."""
    median_s: float
    longest_s: float
    median_l_h: float
    peak_l_h: float


FIXTURES = (
    Fixture("shower", 1.5, 360.0, 880.0, 306.0, 1375.0),
    Fixture("washing machine", 4.0, 10.0, 67.0, 655.0, 785.0),
    Fixture("kitchen tap", 25.0, 6.0, 326.0, 151.0, 720.0),
    Fixture("bidet", 4.0, 4.0, 588.0, 151.0, 702.0),
    Fixture("wash basin", 20.0, 5.0, 1375.0, 130.0, 1361.0),
    Fixture("toilet", 14.0, 60.0, 120.0, 360.0, 720.0),
)
"""metering.md 6, but for what is [design]: the toilet, and the shower's 360 s: its records are mostly of a second."""

RHYTHM = (1, 1, 1, 1, 1, 3, 7, 8, 6, 4, 4, 4, 5, 5, 4, 3, 4, 5, 7, 8, 7, 5, 4, 2)
"""[design] How the draws of a day are shared among its hours, from midnight UTC on."""


def household(
    start_s: float,
    duration_s: float,
    rng: np.random.Generator,
    *,
    water_temp_c: float = 15.0,
    pressure_mpa: float = 0.5,
    leak_l_h: float = 0.0,
) -> Course:
    """Draws in [start, start + duration), none of which meets another, nor either end.

    Times are seconds since 1970 UTC. With an ``rng`` in the same state a longer time begins with the same draws. A
    ``leak_l_h`` flows all the time, also in the draws; without one the water between them and at both ends is still.
    """
    end_s = start_s + duration_s
    draw_s, length_s, flow_l_h = _draws(start_s, end_s, rng)
    busy_until_s = np.maximum.accumulate(np.concatenate(([start_s], draw_s + length_s)))
    kept = (draw_s > busy_until_s[:-1] + APART_S) & (draw_s + length_s < end_s - APART_S)
    draw_s, length_s, flow_l_h = draw_s[kept], length_s[kept], flow_l_h[kept]
    edges_s = np.concatenate(([start_s], np.column_stack((draw_s, draw_s + length_s)).ravel(), [end_s]))
    flows_l_h = np.full(len(edges_s) - 1, leak_l_h)
    flows_l_h[1::2] += flow_l_h
    return Course(edges_s, flows_l_h, np.full(len(flows_l_h), water_temp_c), np.full(len(flows_l_h), pressure_mpa))


def _draws(start_s: float, end_s: float, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Begin, length and flow of every draw, whether it meets another or not.

    Each of them has a stream of its own, of which a longer time only takes more.
    """
    gap_rng, fixture_rng, length_rng, flow_rng = rng.spawn(4)
    a_day = np.array([fixture.draws_a_day for fixture in FIXTURES])
    first, last = _by_rhythm(np.array([start_s, end_s])) * a_day.sum()
    expected = last - first
    drawn = math.ceil(expected + 10.0 * math.sqrt(expected) + 20.0)  # Beyond what chance could ask for.
    at = first + np.cumsum(gap_rng.standard_exponential(drawn))
    at = at[at < last]
    which = np.searchsorted(np.cumsum(a_day / a_day.sum())[:-1], fixture_rng.random(len(at)), side="right")

    def about(rng: np.random.Generator, sd: float, median: list[float], most: list[float]) -> Array:
        factor = np.exp(sd * rng.standard_normal(len(at)))
        spread: Array = np.minimum(np.array(median)[which] * factor, np.array(most)[which])
        return spread

    length_s = about(length_rng, LENGTH_SPREAD, [f.median_s for f in FIXTURES], [f.longest_s for f in FIXTURES])
    flow_l_h = about(flow_rng, FLOW_SPREAD, [f.median_l_h for f in FIXTURES], [f.peak_l_h for f in FIXTURES])
    return _from_rhythm(at / a_day.sum()), length_s, flow_l_h


_HOURS = np.arange(25.0) / 24.0
_SHARE = np.concatenate(([0.0], np.cumsum(RHYTHM))) / sum(RHYTHM)


def _by_rhythm(at_s: Array) -> Array:
    """Days whose hours are as long as they are busy."""
    day = np.floor(at_s / DAY_S)
    shared: Array = day + np.interp(at_s / DAY_S - day, _HOURS, _SHARE)
    return shared


def _from_rhythm(shared: Array) -> Array:
    """The other way round, in seconds."""
    day = np.floor(shared)
    at_s: Array = DAY_S * (day + np.interp(shared - day, _SHARE, _HOURS))
    return at_s


class Household:
    """The same household at any time: the draws of a date depend on the seed and on nothing else."""

    def __init__(self, seed: int, *, water_temp_c: float = 15.0, pressure_mpa: float = 0.5) -> None:
        self._seed = seed
        self._water_temp_c = water_temp_c
        self._pressure_mpa = pressure_mpa
        self._day = -1
        self._course: Course | None = None

    def between(self, start_s: float, end_s: float) -> Course:
        """What flows from one time to another after 1970; a draw that goes on beyond them is cut there."""
        days = range(math.floor(start_s / DAY_S), math.ceil(end_s / DAY_S))
        courses = [self._on(day) for day in days]
        edges_s = np.concatenate([course.edges_s[:-1] for course in courses] + [courses[-1].edges_s[-1:]])
        first, end = np.searchsorted(edges_s, start_s, side="right") - 1, np.searchsorted(edges_s, end_s)
        flow_l_h = np.concatenate([course.flow_l_h for course in courses])[first:end]
        inner_s = edges_s[first + 1 : end]
        return Course(
            np.concatenate(([start_s], inner_s, [end_s])),
            flow_l_h,
            np.full(len(flow_l_h), self._water_temp_c),
            np.full(len(flow_l_h), self._pressure_mpa),
        )

    def _on(self, day: int) -> Course:
        if self._course is None or self._day != day:
            self._day = day
            self._course = household(day * DAY_S, DAY_S, np.random.default_rng((self._seed, day)))
        return self._course
