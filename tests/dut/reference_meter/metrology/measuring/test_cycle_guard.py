"""The guard against cycle slips: what it refuses, what it believes, and when.

Sums and changes are in us of t_up + t_dn, relative to still water of 20 degC on DN15 (113.33 us).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.dut.reference_meter.metrology.calibration import curve_at
from meterbench.dut.reference_meter.metrology.measuring.cycle_guard import (
    CONFIRMING_SHOTS,
    PERIOD_S,
    SOUND_SPEED_M_S,
    STEADY_S,
    WHOLE_PERIODS,
    CycleGuard,
)
from meterbench.dut.reference_meter.metrology.measuring.transit import TransitTimes
from meterbench.dut.reference_meter.metrology.type_data import type_calibration
from meterbench.world.water import sound_speed_m_s

Array = NDArray[np.float64]

US = 1e-6
STEADY = STEADY_S / US
Q4_L_H = {15: 3125.0, 20: 5000.0, 25: 7875.0}
STILL_S = float(flight(GEOMETRIES[15], 0.0, sound_speed_m_s(20.0)).t_up_s)
"""20 degC, DN15."""
SLIPS = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, -1), (2, 0), (3, 1)]
"""Periods by which up and dn come late."""

few = settings(max_examples=12)
"""In each form and from each of many states."""
each_slip = pytest.mark.parametrize(("up", "dn"), SLIPS)
each_form = pytest.mark.parametrize("number", [False, True], ids=["arrays", "one number"])


def sum_us(temp_c: float, dn: int = 15) -> float:
    """Of still water, relative to ``2 STILL_S``."""
    true = flight(GEOMETRIES[dn], 0.0, sound_speed_m_s(temp_c))
    return (float(true.t_up_s + true.t_dn_s) - 2.0 * STILL_S) / US


def transit(up_us: Array, dn_us: Array) -> TransitTimes:
    """Shots of which up and dn come late by so much."""
    return TransitTimes((up_us - dn_us) * 1e6, STILL_S + up_us * US, STILL_S + dn_us * US)


def judged(guard: CycleGuard, times: TransitTimes) -> list[bool]:
    """Which shots of one block are refused."""
    verdict = guard.refuse(times)
    return [False] * len(times.dt_ps) if verdict is None else verdict.tolist()


def block(guard: CycleGuard, sums_us: Iterable[float]) -> list[bool]:
    """Which shots of a block with these sums are refused."""
    half_us = np.array(list(sums_us), dtype=np.float64) / 2.0
    return judged(guard, transit(half_us, half_us))


def one(guard: CycleGuard, late_us: float = 0.0, number: bool = False) -> bool:
    """Whether a single shot whose sum is late by so much is refused."""
    if number:
        return judged(guard, TransitTimes(np.zeros(1), STILL_S + late_us * US, STILL_S))[0]
    return block(guard, [late_us])[0]


def fresh(guard: CycleGuard, late_us: float = 0.0, number: bool = False) -> bool:
    """As ``one``, with the capture re-armed before."""
    guard.rearmed()
    return one(guard, late_us, number)


def slipped(guard: CycleGuard, up: int, dn: int, shots: int = 1, number: bool = False) -> list[bool]:
    """Which of these shots in still water, each late by so many periods, are refused."""
    up_us, dn_us = np.full(shots, up * PERIOD_S / US), np.full(shots, dn * PERIOD_S / US)
    if number:
        return judged(guard, TransitTimes(np.zeros(shots), STILL_S + up * PERIOD_S, STILL_S + dn * PERIOD_S))
    return judged(guard, transit(up_us, dn_us))


def served(guard: CycleGuard, sums_us: Iterable[float], number: bool = False) -> list[bool]:
    """Which of these single shots are refused, if the capture is re-armed before each one whenever that is wanted."""
    verdicts = []
    for late_us in sums_us:
        if guard.wants_rearm:
            guard.rearmed()
        verdicts.append(one(guard, late_us, number))
    return verdicts


def settled(late_us: float = 0.0, dn: int = 15) -> CycleGuard:
    """A guard that believes this sum: two shots, re-armed in between, then a second of further ones."""
    guard = CycleGuard(type_calibration(dn))
    assert served(guard, [late_us] * 10) == [True] + [False] * 9
    assert guard.suspected_slips == 0
    assert not guard.wants_rearm
    assert not guard.doubting
    return guard


# Slips.


@each_form
@each_slip
def test_a_single_slip_is_refused(up: int, dn: int, number: bool) -> None:
    """One shot that is 1 to 4 periods off is refused, counted, and asks for a re-arm; the good one after it is believed
    at once, re-armed or not."""
    for then in (one, fresh):
        guard = settled()
        assert slipped(guard, up, dn, 1, number) == [True]
        assert guard.suspected_slips == 1
        assert guard.wants_rearm
        assert guard.doubting
        assert not then(guard, number=number)
        assert not guard.doubting
        assert guard.wants_rearm is (then is one)


@each_form
@each_slip
@pytest.mark.parametrize("size", [1, 8, 1000])
def test_a_slip_that_is_not_rearmed_is_never_believed(up: int, dn: int, size: int, number: bool) -> None:
    """However long the capture runs late, two minutes in blocks of 1, 8 or 1000 shots: all are refused, it is one slip,
    and the first good shot ends it."""
    guard = settled()
    for _ in range(1000 // size):
        assert slipped(guard, up, dn, size, number) == [True] * size
        assert guard.doubting
        assert guard.wants_rearm
    assert guard.suspected_slips == 1
    assert not one(guard)
    assert not guard.doubting


@each_form
@each_slip
@pytest.mark.parametrize("run", [1, 5])
def test_repeated_slips_are_counted(up: int, dn: int, run: int, number: bool) -> None:
    """Five runs of 1 or 5 slipped shots with a second in between, each cured by re-arming: five slips, and none of the
    good shots is refused."""
    guard = settled()
    for count in range(1, 6):
        assert [slipped(guard, up, dn, 1, number) for _ in range(run)] == [[True]] * run
        assert served(guard, [0.0] * 8, number) == [False] * 8
        assert guard.suspected_slips == count
        assert not guard.wants_rearm


def test_slips_within_a_block() -> None:
    """Of a block in which two runs slipped, these shots and no others are refused: two slips."""
    guard = settled()
    late_us = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, -1.0, 0.0]
    assert block(guard, late_us) == [late != 0.0 for late in late_us]
    assert guard.suspected_slips == 2
    assert not guard.doubting
    assert guard.wants_rearm


@each_form
@each_slip
def test_a_slip_that_survives_rearming(up: int, dn: int, number: bool) -> None:
    """Only CONFIRMING_SHOTS = 4 fresh shots in a row make it believed: the shot that jumped and three fresh ones are
    refused, the fourth fresh one is believed. It is one slip."""
    guard = settled()
    late_us = (up + dn) * PERIOD_S / US
    assert served(guard, [late_us] * 7, number) == [True] * CONFIRMING_SHOTS + [False] * 3
    assert guard.suspected_slips == 1


@each_form
@pytest.mark.parametrize("interruption", ["not re-armed", "other slip", "impossible"])
def test_confirming_shots_must_follow_each_other(interruption: str, number: bool) -> None:
    """A shot in between that is another slip, or cannot be water, makes the counting start again: three more are
    refused before one is believed. One that is not fresh does not count, and interrupts nothing."""
    guard = settled()
    assert one(guard, 1.0, number)
    assert [fresh(guard, 1.0, number) for _ in range(CONFIRMING_SHOTS - 1)] == [True] * (CONFIRMING_SHOTS - 1)
    if interruption == "not re-armed":
        assert one(guard, 1.0, number)
        again = 0
    else:
        assert fresh(guard, 2.0 if interruption == "other slip" else 20.0, number)
        again = CONFIRMING_SHOTS - 1
    assert [fresh(guard, 1.0, number) for _ in range(again + 1)] == [True] * again + [False]


@given(st.integers(1, 4), st.floats(0.0, WHOLE_PERIODS - 0.001), st.booleans(), st.booleans())
def test_near_whole_periods_a_fresh_shot_alone_is_not_believed(
    whole: int, part: float, early: bool, number: bool
) -> None:
    """Within 0.2 periods of 1 to 4 whole ones, early or late: refused though fresh, and counted."""
    for apart_us in (whole + part, whole - part):
        guard = settled()
        late_us = -apart_us if early else apart_us
        assert [one(guard, late_us, number), fresh(guard, late_us, number)] == [True, True]
        assert guard.suspected_slips == 1


@given(st.floats(20.0, 47.0), st.floats(0.1, 3.0), st.booleans(), st.sampled_from(SLIPS), st.integers(1, 20))
def test_a_slip_on_a_change_of_temperature(
    temp_c: float, change_k: float, colder: bool, slip: tuple[int, int], late_shots: int
) -> None:
    """The water changes by 0.1 to 3 K from one shot to the next, 0.01 to 0.75 us, and the same shot slips: without
    re-arming it stays refused, and the first fresh shot, which re-arming has cured, is believed."""
    before_us = sum_us(temp_c)
    after_us = sum_us(temp_c - change_k if colder and temp_c - change_k >= 17.0 else temp_c + change_k)
    assert abs(after_us - before_us) < 1.0 - WHOLE_PERIODS
    guard = settled(before_us)
    assert [one(guard, after_us + sum(slip)) for _ in range(late_shots)] == [True] * late_shots
    assert served(guard, [after_us] * 8) == [False] * 8
    assert not guard.doubting


@each_slip
def test_a_slip_amid_a_ramp(up: int, dn: int) -> None:
    """Water that warms by 0.12 us per shot (0.5 K), each shot re-armed: one that slips all the same is refused, and the
    next, cured, is believed."""
    guard = settled()
    assert served(guard, [-0.12, -0.24, -0.36]) == [True, False, False]
    assert served(guard, [-0.48 + up + dn, -0.60, -0.72]) == [True, False, False]
    assert guard.suspected_slips == 1


def test_a_slip_right_after_a_front() -> None:
    """The shot after a front was believed is fresh and agrees; a slip by a period on 0.3 us of change is then refused
    like any other, as the capture has not been re-armed since."""
    guard = settled()
    assert served(guard, [-0.5, -0.5, -0.5], number=True) == [True, False, False]
    assert not guard.wants_rearm
    assert one(guard, -0.5 + 0.7, number=True)


def test_a_shot_is_fresh_only_once_in_arrays_too() -> None:
    """As above, in arrays: a good shot uses up its being fresh, so that 0.7 us after it is refused."""
    guard = settled()
    assert served(guard, [-0.5, -0.5, -0.5]) == [True, False, False]
    assert not guard.wants_rearm
    assert one(guard, -0.5 + 0.7)


# Water that changes.


@each_form
@given(st.floats(STEADY + 0.001, 1.0 - WHOLE_PERIODS - 0.001), st.integers(0, 3), st.booleans())
def test_a_front_costs_one_shot(number: bool, part: float, whole: int, early: bool) -> None:
    """A front of any size from 0.1 us on that is not within 0.2 periods of whole ones: the first shot is refused, all
    after it are believed, and it is no slip. Doubted until the third, which agrees with the second."""
    if whole:
        part = max(part, WHOLE_PERIODS + 0.001)
    late_us = -(whole + part) if early else whole + part
    guard = settled()
    assert served(guard, [late_us], number) == [True]
    assert guard.wants_rearm
    assert guard.doubting
    assert served(guard, [late_us], number) == [False]
    assert guard.wants_rearm
    assert guard.doubting
    assert served(guard, [late_us], number) == [False]
    assert not guard.wants_rearm
    assert not guard.doubting
    assert served(guard, [late_us] * 8, number) == [False] * 8
    assert guard.suspected_slips == 0


@each_form
def test_a_front_that_is_not_rearmed_is_never_believed(number: bool) -> None:
    """0.5 us apart without re-arming: refused for two minutes; the first fresh shot is believed."""
    guard = settled()
    assert [one(guard, 0.5, number) for _ in range(1000)] == [True] * 1000
    assert guard.wants_rearm
    assert not fresh(guard, 0.5, number)


@each_form
@pytest.mark.parametrize("temps_c", [(20.0, 30.0), (30.0, 20.0)])
def test_a_front_by_whole_periods_costs_four_shots(temps_c: tuple[float, float], number: bool) -> None:
    """20 to 30 degC and back are 2.01 us on DN15. Four fresh shots must agree: the shot that jumped and three fresh
    ones are refused, 1 + 3, and the fourth fresh one is believed; with the fifth the doubt ends."""
    before_us, after_us = (sum_us(temp_c) for temp_c in temps_c)
    assert abs(after_us - before_us) == pytest.approx(2.01, abs=0.005)
    guard = settled(before_us)
    assert served(guard, [after_us] * 5, number) == [True] * (1 + CONFIRMING_SHOTS - 1) + [False]
    assert guard.doubting
    assert guard.wants_rearm
    assert served(guard, [after_us] * 8, number) == [False] * 8
    assert not guard.doubting
    assert guard.suspected_slips == 1


@given(st.floats(0.0, STEADY - 1e-6), st.booleans(), st.booleans())
def test_less_than_a_tenth_of_a_microsecond_is_steady(part: float, early: bool, number: bool) -> None:
    """A sum that moves by less than 0.1 us is believed without re-arming, and the next is judged by it."""
    step_us = -part if early else part
    guard = settled()
    assert [one(guard, shot * step_us, number) for shot in range(1, 6)] == [False] * 5
    assert not guard.doubting
    assert one(guard, 5.0 * step_us + math.copysign(STEADY + 1e-6, step_us), number)


@pytest.mark.parametrize(
    ("dn", "coldest_c", "k_per_shot"), [(15, 20.0, 0.4), (15, 0.1, 0.22), (20, 0.1, 0.2), (25, 0.1, 0.17)]
)
@pytest.mark.parametrize("size", [1, 8, 0])
def test_slow_ramps_are_never_refused(dn: int, coldest_c: float, k_per_shot: float, size: int) -> None:
    """Up to 50 degC and back at 0.4 K per shot from 20 degC on DN15; from 0.1 degC, where 0.4 K are 0.17 to 0.22 us, at
    0.22, 0.20 and 0.17 K per shot on DN15, 20 and 25: none is refused, shot by shot, in blocks of 8 or as one."""
    up_c = np.arange(coldest_c, 50.0, k_per_shot)
    true = flight(GEOMETRIES[dn], 100.0, sound_speed_m_s(np.concatenate([up_c, up_c[::-1]])))
    together_us = (true.t_up_s + true.t_dn_s - 2.0 * STILL_S) / US
    assert np.ptp(together_us) > 4.3
    assert 0.09 < np.abs(np.diff(together_us)).max() < STEADY
    guard = settled(float(together_us[0]), dn)
    for first in range(0, len(together_us), size or len(together_us)):
        part = slice(first, first + (size or len(together_us)))
        assert guard.refuse(TransitTimes(true.dt_ps[part], true.t_up_s[part], true.t_dn_s[part])) is None
    assert not guard.doubting


@pytest.mark.parametrize("dn", [15, 20, 25])
@pytest.mark.parametrize("number", [False, True])
@given(st.floats(0.5, 0.7), st.booleans())
def test_fast_ramps_are_believed_shot_by_shot(dn: int, number: bool, k_per_shot: float, cooling: bool) -> None:
    """At 0.5 to 0.7 K per shot between 0.1 and 30 degC, 0.07 to 0.39 us, re-armed whenever that is wanted: the first
    step of 0.1 us or more is refused, and no other shot; it is no slip."""
    temps_c = np.arange(0.1, 30.0, k_per_shot)
    sums_us = [sum_us(temp_c, dn) for temp_c in (temps_c[::-1] if cooling else temps_c)]
    fast = np.abs(np.diff(sums_us)) >= STEADY
    assert fast.any()
    guard = settled(sums_us[0], dn)
    verdicts = served(guard, sums_us[1:], number)
    assert verdicts == [shot == int(np.argmax(fast)) for shot in range(len(fast))]
    assert guard.suspected_slips == 0
    assert guard.doubting is bool(fast[-1])


@each_form
@given(st.floats(0.401, 0.599), st.booleans())
def test_a_ramp_that_looks_like_a_slip_costs_one_shot_more(number: bool, step_us: float, early: bool) -> None:
    """By 0.4 to 0.6 us per shot the first fresh shot is 0.8 to 1.2 us away and does not agree with the one before: it
    is refused too. The next is not near whole periods, and is believed, as are all after it."""
    guard = settled()
    sums_us = [(-step_us if early else step_us) * shot for shot in range(1, 8)]
    assert served(guard, sums_us, number) == [True, True, False, False, False, False, False]


@each_form
def test_a_fast_ramp_wants_each_shot_rearmed(number: bool) -> None:
    """While the sum moves by 0.12 us per shot, each shot believed asks for a re-arm; one that was not re-armed is
    refused, and the next fresh one is believed. Two that agree within 0.1 us end it."""
    guard = settled()
    assert served(guard, [0.12], number) == [True]
    for shot in range(2, 8):
        assert guard.wants_rearm
        assert served(guard, [0.12 * shot], number) == [False]
        assert guard.doubting
    assert one(guard, 0.96, number)
    assert not fresh(guard, 1.08, number)
    assert guard.doubting
    assert guard.wants_rearm
    assert not fresh(guard, 1.17, number)
    assert not guard.doubting
    assert not guard.wants_rearm


@given(
    st.sampled_from([15, 20, 25]),
    st.floats(0.1, 50.0),
    st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=20),
)
def test_a_step_of_the_flow_is_never_refused(dn: int, temp_c: float, shares: list[float]) -> None:
    """Flows that step by any amount within +-2 Q4 move the sum by 2 L v^2/c^3, 26 ns and less of the 100: none is
    refused, in a block or shot by shot."""
    true = flight(GEOMETRIES[dn], np.array([0.0, *shares]) * Q4_L_H[dn], sound_speed_m_s(temp_c))
    together_us = (true.t_up_s + true.t_dn_s - 2.0 * STILL_S) / US
    assert np.ptp(together_us) < 0.026
    guard = settled(float(together_us[0]), dn)
    assert guard.refuse(TransitTimes(true.dt_ps, true.t_up_s, true.t_dn_s)) is None
    for dt_ps, up_s, dn_s in zip(true.dt_ps, true.t_up_s, true.t_dn_s, strict=True):
        assert guard.refuse(TransitTimes(np.array([dt_ps]), float(up_s), float(dn_s))) is None
    assert (guard.suspected_slips, guard.doubting, guard.wants_rearm) == (0, False, False)


@each_form
def test_followed_water_is_believed(number: bool) -> None:
    """Water that came 2 us further without single shots is the new measure, also for a guard that knew nothing or was
    doubting: the next shot there is believed without re-arming, the old sum is a slip."""
    for guard in (settled(), CycleGuard(type_calibration(15)), doubting_a_slip(), amid_a_ramp()):
        before = guard.suspected_slips
        guard.follow(2.0 * STILL_S - 2.0 * US)
        assert not guard.doubting
        assert not one(guard, -2.0, number)
        assert one(guard, 0.0, number)
        assert guard.suspected_slips == before + 1


# States to begin from. In the first five nothing is known of the water.


def never_started() -> CycleGuard:
    return CycleGuard(type_calibration(15))


def after_an_empty_pipe() -> CycleGuard:
    guard = settled()
    guard.forget()
    return guard


def empty_again_after_a_first_shot() -> CycleGuard:
    guard = never_started()
    assert one(guard)
    guard.forget()
    return guard


def empty_while_doubting() -> CycleGuard:
    guard = doubting_a_slip()
    guard.forget()
    guard.suspected_slips = 0
    return guard


def empty_amid_a_ramp() -> CycleGuard:
    guard = amid_a_ramp()
    guard.forget()
    return guard


def after_a_first_shot() -> CycleGuard:
    guard = never_started()
    assert one(guard)
    return guard


def doubting_a_slip() -> CycleGuard:
    guard = settled()
    assert one(guard, 1.0)
    return guard


def amid_a_ramp() -> CycleGuard:
    guard = settled()
    assert served(guard, [0.2, 0.4]) == [True, False]
    return guard


STARTS = [
    never_started,
    after_an_empty_pipe,
    empty_again_after_a_first_shot,
    empty_while_doubting,
    empty_amid_a_ramp,
]
at_the_beginning = pytest.mark.parametrize("begin", STARTS)
at_any_time = pytest.mark.parametrize("begin", [*STARTS, settled, after_a_first_shot, doubting_a_slip, amid_a_ramp])


# What no water is.


@each_form
@at_any_time
@few
@given(
    st.one_of(
        st.floats(500.0, SOUND_SPEED_M_S[0] - 0.001),
        st.floats(SOUND_SPEED_M_S[1] + 0.001, 3000.0),
    ),
    st.booleans(),
)
def test_no_water_is_so_slow_or_so_quick(
    begin: Callable[[], CycleGuard], number: bool, speed_m_s: float, rearm: bool
) -> None:
    """c outside 1395 to 1560 m/s is refused at any time, six times over, re-armed each time or never; it is no slip."""
    guard = begin()
    slips = guard.suspected_slips
    calibration = type_calibration(15)
    still_s = (calibration.axial_m + calibration.legs_m) / speed_m_s + float(curve_at(calibration.delay_s, 20.0))
    late_us = 2.0 * (still_s - STILL_S) / US
    for _ in range(6):
        assert fresh(guard, late_us, number) if rearm else one(guard, late_us, number)
        assert guard.wants_rearm
        assert guard.doubting
    assert guard.suspected_slips == slips


@each_form
@pytest.mark.parametrize("dn", [15, 20, 25])
@pytest.mark.parametrize("delay_s", [0.0, 200e-9])
@pytest.mark.parametrize("edge", [0, 1])
def test_where_water_ends(dn: int, delay_s: float, edge: int, number: bool) -> None:
    """At 0.25 m/s within 1395 and 1560 m/s a shot is believed; 0.25 m/s outside, which is 0.05 us or less further and
    would be steady, it is refused, and not remembered."""
    calibration = replace(type_calibration(dn), delay_s=(delay_s, 0.0, 0.0))
    outwards = (-0.25, 0.25)[edge]

    def late_us(speed_m_s: float) -> float:
        return 2.0 * ((calibration.axial_m + calibration.legs_m) / speed_m_s + delay_s - STILL_S) / US

    within_us, beyond_us = (late_us(SOUND_SPEED_M_S[edge] + side * outwards) for side in (-1.0, 1.0))
    assert abs(beyond_us - within_us) < 0.06
    guard = CycleGuard(calibration)
    assert served(guard, [within_us] * 3, number) == [True, False, False]
    assert one(guard, beyond_us, number)
    assert fresh(guard, beyond_us, number)
    assert not one(guard, within_us, number)
    assert guard.suspected_slips == 0


# The first shot of all, and the first after an empty pipe.


@each_form
@at_the_beginning
@few
@given(st.floats(*SOUND_SPEED_M_S, exclude_min=True, exclude_max=True))
def test_a_first_shot_alone_is_never_believed(begin: Callable[[], CycleGuard], number: bool, speed_m_s: float) -> None:
    """Whatever it says of the water, though the capture has just been re-armed: refused, to be re-armed, doubted, but
    not counted as a slip."""
    guard = begin()
    assert guard.doubting
    calibration = type_calibration(15)
    still_s = (calibration.axial_m + calibration.legs_m) / speed_m_s + float(curve_at(calibration.delay_s, 20.0))
    assert fresh(guard, 2.0 * (still_s - STILL_S) / US, number)
    assert guard.wants_rearm
    assert guard.doubting
    assert guard.suspected_slips == 0


@each_form
@at_the_beginning
@few
@given(st.floats(-STEADY + 1e-6, STEADY - 1e-6))
def test_a_second_shot_that_agrees_is_believed(begin: Callable[[], CycleGuard], number: bool, late_us: float) -> None:
    """Within 0.1 us, re-armed in between: the first stays refused, the second and all further are believed."""
    guard = begin()
    assert fresh(guard, 0.0, number)
    assert not fresh(guard, late_us, number)
    assert not guard.wants_rearm
    assert not guard.doubting
    assert [one(guard, late_us, number) for _ in range(8)] == [False] * 8
    assert guard.suspected_slips == 0


@each_form
@at_the_beginning
@few
@given(st.floats(STEADY + 1e-6, 3.0), st.booleans())
def test_a_second_shot_that_does_not_agree_is_not_believed(
    begin: Callable[[], CycleGuard], number: bool, apart_us: float, early: bool
) -> None:
    """0.1 us or more apart, early or late, neither is believed; a third is compared with the second, not the first."""
    late_us = -apart_us if early else apart_us
    for third_us, believed in ((late_us, True), (0.0, False)):
        guard = begin()
        assert fresh(guard, 0.0, number)
        assert fresh(guard, late_us, number)
        assert guard.wants_rearm
        assert guard.doubting
        assert fresh(guard, third_us, number) is not believed
        assert guard.doubting is not believed
        assert guard.suspected_slips == 0


@at_the_beginning
@each_slip
def test_a_first_shot_that_slipped_is_not_believed(begin: Callable[[], CycleGuard], up: int, dn: int) -> None:
    """Re-arming cures it: the second shot disagrees by whole periods, the third agrees with the second. What is
    believed then is the water: the same slip is refused, and now counted."""
    guard = begin()
    guard.rearmed()
    assert slipped(guard, up, dn) == [True]
    assert [fresh(guard), fresh(guard)] == [True, False]
    assert guard.suspected_slips == 0
    assert slipped(guard, up, dn) == [True]
    assert guard.suspected_slips == 1
    assert not one(guard)


@at_the_beginning
@each_slip
def test_a_second_shot_that_slipped_is_not_believed(begin: Callable[[], CycleGuard], up: int, dn: int) -> None:
    """A slip after a good first shot: two further good ones are needed."""
    guard = begin()
    assert fresh(guard)
    guard.rearmed()
    assert slipped(guard, up, dn) == [True]
    assert [fresh(guard), fresh(guard)] == [True, False]


@each_form
@at_the_beginning
@pytest.mark.parametrize("periods", [0, 1])
@pytest.mark.parametrize("size", [1, 8, 1000])
def test_without_rearming_nothing_is_believed_first(
    begin: Callable[[], CycleGuard], periods: int, size: int, number: bool
) -> None:
    """However many shots agree, one by one or in blocks: they may all have slipped with the first. Re-armed, a single
    block of the same is enough, all of it."""
    guard = begin()
    for _ in range(1000 // size):
        assert slipped(guard, periods, periods, size, number) == [True] * size
        assert guard.wants_rearm
        assert guard.doubting
    assert guard.suspected_slips == 0
    guard.rearmed()
    assert slipped(guard, periods, periods, size, number) == [False] * size
    assert not guard.doubting


@at_the_beginning
def test_a_first_block_that_slips_within(begin: Callable[[], CycleGuard]) -> None:
    """Of the first block no shot is believed. Its last is what the second block's first, which is fresh, agrees with;
    of that block those that slipped are refused."""
    guard = begin()
    late_us = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, -1.0, 0.0]
    assert block(guard, late_us) == [True] * 8
    guard.rearmed()
    assert block(guard, late_us) == [late != 0.0 for late in late_us]
    assert guard.suspected_slips == 2


@each_form
@at_the_beginning
def test_what_cannot_be_water_is_no_first_shot(begin: Callable[[], CycleGuard], number: bool) -> None:
    """Nor does it stand between two that agree: 133 us (1263 m/s) makes both first shots count for nothing."""
    guard = begin()
    assert [fresh(guard, 20.0, number) for _ in range(3)] == [True] * 3
    assert [fresh(guard, late_us, number) for late_us in (0.0, 20.0, 0.0, 0.0)] == [True, True, True, False]


@each_form
@pytest.mark.requirement("ADR-040")
def test_an_empty_pipe_is_forgotten(number: bool) -> None:
    """After the pipe was empty, water 2 us apart is believed with its second, fresh shot, where it would cost four
    otherwise. What was being doubted is forgotten too, and is no first shot; slips stay counted."""
    guard = settled()
    assert one(guard, 2.0, number)
    guard.forget()
    assert guard.doubting
    assert fresh(guard, 2.0, number)
    assert guard.doubting
    assert not fresh(guard, 2.0, number)
    assert not guard.doubting
    assert guard.suspected_slips == 1
    assert one(guard, 0.0, number)
    assert guard.suspected_slips == 2


# Blocks, and shots that were not heard.


@at_any_time
@pytest.mark.parametrize("rearm", [False, True])
@pytest.mark.parametrize("late_us", [0.0, 0.05, 0.25, 0.5, 1.0, -2.0, 20.0])
@pytest.mark.parametrize("shots", [1, 5])
def test_one_number_is_a_block_of_equal_shots(
    begin: Callable[[], CycleGuard], rearm: bool, late_us: float, shots: int
) -> None:
    """Where one number stands for a block, the verdict on each of its shots, the slips counted and whether to re-arm
    are as if each had its own times; at all changes, from all states, re-armed or not."""
    alike, each = begin(), begin()
    for guard in (alike, each) if rearm else ():
        guard.rearmed()
    verdict = judged(alike, TransitTimes(np.zeros(shots), STILL_S + late_us * US, STILL_S))
    assert verdict in ([True] * shots, [False] * shots)
    assert block(each, [late_us] * shots) == verdict
    assert (each.suspected_slips, each.wants_rearm) == (alike.suspected_slips, alike.wants_rearm)


@each_form
def test_a_block_is_not_four_fresh_shots(number: bool) -> None:
    """A slip of which 100 shots in one block agree is no nearer to being believed: only the first is fresh."""
    guard = settled()
    assert slipped(guard, 1, 0, 100, number) == [True] * 100
    guard.rearmed()
    assert slipped(guard, 1, 0, 100, number) == [True] * 100
    assert fresh(guard, 1.0, number)


def test_only_a_block_s_first_shot_is_fresh() -> None:
    """0.3 us apart from the second shot of a re-armed block on: refused; from its first on: believed, all of it."""
    guard = settled()
    guard.rearmed()
    assert block(guard, [0.0, 0.3, 0.3]) == [False, True, True]
    guard = settled()
    guard.rearmed()
    assert block(guard, [0.3, 0.3, 0.3]) == [False, False, False]


def test_a_number_confirms_like_its_shots() -> None:
    """Blocks of 8 a period apart, re-armed before each, get the same verdicts as one number and as arrays."""
    alike, each = settled(), settled()
    for _ in range(8):
        verdicts = []
        for guard, number in ((alike, True), (each, False)):
            if guard.wants_rearm:
                guard.rearmed()
            verdicts.append(slipped(guard, 1, 0, 8, number))
        assert verdicts[0] == verdicts[1]


def test_a_block_is_judged_from_shot_to_shot() -> None:
    """A jump of 0.18 us within a block is refused as it is between two blocks, though both sides are within 0.1 us of
    what was believed before."""
    guard = settled()
    assert [one(guard, -0.09), one(guard, 0.09)] == [False, True]
    guard = settled()
    assert block(guard, [-0.09, 0.09]) == [False, True]


def test_shots_without_times_are_not_judged() -> None:
    """A shot that was not heard is neither refused nor remembered: the next is judged by the last one heard."""
    guard = settled()
    assert block(guard, [math.nan, 0.0, math.nan, 1.0, math.nan, 0.05]) == [False, False, False, True, False, False]
    assert guard.suspected_slips == 1
    assert not guard.doubting
    assert block(guard, [math.nan]) == [False]
    assert not guard.doubting
    assert block(guard, [0.16]) == [True]


@at_the_beginning
def test_shots_without_times_are_no_first_shots(begin: Callable[[], CycleGuard]) -> None:
    """Nor do they confirm one, or ask for a re-arm, or stand between two that agree."""
    guard = begin()
    guard.rearmed()
    for _ in range(3):
        assert block(guard, [math.nan, math.nan]) == [False, False]
        assert not guard.wants_rearm
        assert guard.doubting
    assert one(guard)
    assert block(guard, [math.nan]) == [False]
    assert guard.doubting
    assert not fresh(guard)


def test_one_number_without_times_is_not_judged() -> None:
    """NaN for a whole block: as NaN for each of its shots."""
    guard = settled()
    assert guard.refuse(TransitTimes(np.zeros(5), math.nan, math.nan)) is None
    assert not guard.doubting


def test_a_shot_after_one_without_times_is_not_fresh() -> None:
    """The first after re-arming was not heard: the second, 0.3 us apart, is not the first, and is refused."""
    guard = settled()
    guard.rearmed()
    assert block(guard, [math.nan, 0.3]) == [False, True]


def test_every_run_of_slips_is_counted() -> None:
    """A slip on top of a doubt that was no slip, 0.3 us apart or no water at all, is met as well, and counted."""
    for doubt_us in (0.3, 20.0):
        guard = settled()
        assert [one(guard, doubt_us), fresh(guard, 1.0)] == [True, True]
        assert guard.suspected_slips == 1
