"""The plus blinks faster the more water flows (ADR-072)."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.variants import Rating, all_ratings
from tests.dut.reference_meter.shown import read

TICKS_16_S = 128


def seen(flow_l_h: float, q3_l_h: float, ticks: range = range(TICKS_16_S)) -> list[bool]:
    """Whether the plus is lit on the glass, at each tick."""
    return ["FLOW" in read(tick=tick, flow_l_h=flow_l_h, q3_l_h=q3_l_h).icons for tick in ticks]


def frequency_hz(lit: list[bool]) -> float:
    """How often it goes on, from what was seen; the 16 s begin and end alike."""
    return sum(now and not before for before, now in pairwise([lit[-1], *lit])) / 16.0


@pytest.mark.requirement("ADR-072")
@pytest.mark.parametrize("rating", all_ratings(), ids=str)
def test_at_least_four_frequencies_between_q1_and_q4(rating: Rating) -> None:
    """For every variant; none falls when the flow grows; lit for half of the time at each."""
    steps = 12
    flows_l_h = [rating.q1_l_h * (rating.q4_l_h / rating.q1_l_h) ** (step / steps) for step in range(steps + 1)]
    watched = [seen(flow_l_h, rating.q3_l_h) for flow_l_h in flows_l_h]
    frequencies_hz = [frequency_hz(lit) for lit in watched]
    assert frequencies_hz == sorted(frequencies_hz)
    assert set(frequencies_hz) == {0.5, 1.0, 2.0, 4.0}
    assert {sum(lit) for lit in watched} == {TICKS_16_S // 2}


@pytest.mark.parametrize(
    ("of_q3", "hz"),
    [(1e-4, 0.5), (0.0099, 0.5), (0.01, 1.0), (0.099, 1.0), (0.1, 2.0), (0.49, 2.0), (0.5, 4.0), (9, 4.0)],
)
def test_the_bands(of_q3: float, hz: float) -> None:
    """[design] 1, 10 and 50 % of Q3."""
    assert frequency_hz(seen(of_q3 * 4000.0, 4000.0)) == hz


@pytest.mark.parametrize("flow_l_h", [0.0, -0.0, -1.0, -5000.0, math.nan])
def test_dark_without_forward_flow(flow_l_h: float) -> None:
    assert not any(seen(flow_l_h, 2500.0))


@given(st.floats(0.001, 1e5), st.integers(-(10**12), 10**12))
def test_never_steady(flow_l_h: float, first_tick: int) -> None:
    """Within any two seconds it is on and off, whenever one begins to look."""
    assert set(seen(flow_l_h, 2500.0, range(first_tick, first_tick + 16))) == {True, False}


@pytest.mark.requirement("ADR-072")
@pytest.mark.parametrize(
    ("flow_l_h", "minus"), [(-1.0, True), (-2500.0, True), (0.0, False), (1.0, False), (math.nan, False)]
)
def test_reverse_flow_lights_the_minus_steadily(flow_l_h: float, minus: bool) -> None:
    """From the sensitivity threshold on, long before the alarm REVERSE."""
    assert {"REVERSE" in read(Screen.VOLUME, tick, flow_l_h=flow_l_h).icons for tick in range(32)} == {minus}
