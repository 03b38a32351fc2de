"""The crystal: phase, parabola, and the way from cycles to time and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.oscillator import Oscillator, draw_oscillator

DAY_S = 86_400.0
CUTS = st.floats(-20e-6, 20e-6)
PHASES = st.floats(0.0, 1.0, exclude_max=True)
TEMPS = st.floats(-40.0, 85.0)
COURSES = st.lists(st.tuples(st.floats(0.01, 1e6), TEMPS), max_size=8)


def warmed(cut: float, phase: float, course: list[tuple[float, float]], start_s: float = 0.0) -> Oscillator:
    """A crystal that was at each temperature for so long."""
    oscillator, now_s = Oscillator(cut, phase), start_s
    oscillator.start(start_s, 25.0)
    for duration_s, temp_c in course:
        oscillator.warm(now_s, temp_c)
        now_s += duration_s
    return oscillator


@given(CUTS, PHASES, COURSES, st.floats(0.0, 1e7))
def test_cycles_and_times_are_inverse(cut: float, phase: float, course: list[tuple[float, float]], in_s: float) -> None:
    """Within a millionth of a cycle, which is the digits of a time of years."""
    oscillator = warmed(cut, phase, course)
    at_s = math.fsum(duration_s for duration_s, _ in course) + in_s
    cycle = oscillator.cycles(at_s)
    assert oscillator.time_s(cycle) == pytest.approx(at_s, abs=1e-6)
    assert oscillator.cycles(oscillator.time_s(math.ceil(cycle))) == pytest.approx(math.ceil(cycle), abs=1e-6)


def test_many_at_once() -> None:
    """Arrays go through as single numbers do."""
    oscillator = warmed(5e-6, 0.3, [(1000.0, 60.0)])
    at_s = np.linspace(1000.0, 5000.0, 7)
    cycles = oscillator.cycles(at_s)
    assert cycles.tolist() == [oscillator.cycles(float(each)) for each in at_s]
    np.testing.assert_allclose(oscillator.time_s(cycles), at_s, atol=1e-9)


@pytest.mark.parametrize("temp_c", [-25.0, 0.0, 25.0, 50.0, 70.0])
@pytest.mark.parametrize("cut", [-10e-6, 0.0, 7e-6])
def test_a_day_loses_what_the_parabola_says(temp_c: float, cut: float) -> None:
    """At 50 degC 0.034 ppm times 625: 21.25 ppm, 1.836 s of clock and 14.7 cycles a day, beside the cut."""
    oscillator = Oscillator(cut, 0.0)
    oscillator.start(0.0, temp_c)
    slow_ppm = 0.034 * (temp_c - 25.0) ** 2 - 1e6 * cut
    assert 8.0 * DAY_S - oscillator.cycles(DAY_S) == pytest.approx(slow_ppm * 1e-6 * 8.0 * DAY_S, abs=1e-6)
    if temp_c == 50.0 and cut == 0.0:
        assert DAY_S - oscillator.cycles(DAY_S) / 8.0 == pytest.approx(1.836, abs=1e-6)


@given(CUTS, PHASES, COURSES, st.floats(0.01, 1e6))
def test_the_phase_does_not_jump(cut: float, phase: float, course: list[tuple[float, float]], later_s: float) -> None:
    """All cycles of a course are those of its parts together; a change of temperature adds or loses none."""
    oscillator = warmed(cut, phase, [*course, (later_s, 25.0)])
    expected, now_s = -phase, 0.0
    for duration_s, temp_c in [*course, (later_s, 25.0)]:
        expected += duration_s * 8.0 * (1.0 + cut - 0.034e-6 * (temp_c - 25.0) ** 2)
        now_s += duration_s
    assert oscillator.cycles(now_s) == pytest.approx(expected, rel=1e-12, abs=1e-6)


@given(CUTS, PHASES, TEMPS, TEMPS, st.floats(0.0, 1e6))
def test_a_cycle_is_counted_once(cut: float, phase: float, was_c: float, is_c: float, at_s: float) -> None:
    """At the moment of a change of temperature as many have come by the old rate as by the new one."""
    oscillator = Oscillator(cut, phase)
    oscillator.start(0.0, was_c)
    before = oscillator.cycles(at_s)
    oscillator.warm(at_s, is_c)
    assert oscillator.cycles(at_s) == before


@given(PHASES, st.floats(0.0, 1e9))
def test_the_first_cycle_comes_by_its_phase_after_the_start(phase: float, start_s: float) -> None:
    oscillator = Oscillator(0.0, phase)
    oscillator.start(start_s, 25.0)
    assert oscillator.time_s(0) == pytest.approx(start_s + phase / 8.0, abs=1e-6)


def test_units_differ_and_are_the_same_again() -> None:
    """A thousand cuts spread by 7 ppm about zero, all but one or two within the 20 ppm they are sold with."""
    cuts = np.array([draw_oscillator(np.random.default_rng(seed), 0.0).cut for seed in range(1000)])
    assert abs(cuts.mean()) < 3 * 7e-6 / math.sqrt(1000.0)
    assert cuts.std() == pytest.approx(7e-6, rel=0.1)
    assert (np.abs(cuts) > 20e-6).sum() <= 12
    assert draw_oscillator(np.random.default_rng(5), 0.25) == draw_oscillator(np.random.default_rng(5), 0.25)
