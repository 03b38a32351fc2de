"""The guard against cycle slips: what it refuses, what it believes, and when."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.dut.reference_meter.metrology.calibration import Calibration, curve_at
from meterbench.dut.reference_meter.metrology.cycle_guard import (
    CONFIRMING_SHOTS,
    NEAR,
    PERIOD_S,
    SOUND_SPEED_M_S,
    TOLERANCE,
    CycleGuard,
)
from meterbench.dut.reference_meter.metrology.transit import TransitTimes
from meterbench.dut.reference_meter.metrology.type_data import type_calibration
from meterbench.world.water import sound_speed_m_s

Array = NDArray[np.float64]

Q4_L_H = {15: 3125.0, 20: 5000.0, 25: 7875.0}
STILL_S = float(flight(GEOMETRIES[15], 0.0, sound_speed_m_s(20.0)).t_up_s)
SLIPS = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, -1), (2, 0), (3, 1)]
"""Periods by which up and dn come late."""


def transit(up_s: Array, dn_s: Array) -> TransitTimes:
    return TransitTimes((up_s - dn_s) * 1e12, up_s, dn_s)


def refused(guard: CycleGuard, up_s: Array, dn_s: Array) -> list[bool]:
    """Which shots of one block are refused."""
    verdict = guard.refuse(transit(up_s, dn_s))
    return [False] * len(up_s) if verdict is None else verdict.tolist()


def one(guard: CycleGuard, up_periods: float = 0.0, dn_periods: float = 0.0, still_s: float = STILL_S) -> bool:
    """Whether a single shot in still water, late by so much, is refused."""
    return refused(guard, np.array([still_s + up_periods * PERIOD_S]), np.array([still_s + dn_periods * PERIOD_S]))[0]


def rearmed(guard: CycleGuard, up_periods: float = 0.0, dn_periods: float = 0.0, still_s: float = STILL_S) -> bool:
    """As ``one``, with the capture re-armed before."""
    guard.wants_rearm = False
    return one(guard, up_periods, dn_periods, still_s)


def started(calibration: Calibration | None = None, up_s: float = STILL_S, dn_s: float = STILL_S) -> CycleGuard:
    """A guard that has just begun to believe: two shots with these times, re-armed in between."""
    guard = CycleGuard(calibration or type_calibration(15))
    assert refused(guard, np.array([up_s]), np.array([dn_s])) == [True]
    guard.wants_rearm = False
    assert refused(guard, np.array([up_s]), np.array([dn_s])) == [False]
    assert guard.suspected_slips == 0
    assert not guard.wants_rearm
    assert not guard.doubting
    return guard


def after_good_shots(calibration: Calibration | None = None) -> CycleGuard:
    """A guard that has seen a second of still water at 20 degC."""
    guard = started(calibration)
    assert not any(one(guard) for _ in range(8))
    return guard


@pytest.mark.parametrize(("up", "dn"), SLIPS)
def test_a_single_slip_is_refused(up: int, dn: int) -> None:
    """One shot that is whole periods off is refused, and the good one after it is believed at once."""
    guard = after_good_shots()
    assert one(guard, up, dn)
    assert guard.suspected_slips == 1
    assert guard.wants_rearm
    assert not one(guard)
    assert not guard.doubting


@pytest.mark.parametrize(("up", "dn"), SLIPS)
@pytest.mark.parametrize("shots", [2, 8, 1000])
def test_a_slip_that_is_not_rearmed_is_never_believed(up: int, dn: int, shots: int) -> None:
    """However long the capture runs late without being re-armed, in one block or in many, every shot is refused; it is
    one slip. As soon as it is cured the shots are believed again."""
    for block in (1, shots):
        guard = after_good_shots()
        for _ in range(shots // block):
            late_s, dn_s = np.full(block, STILL_S + up * PERIOD_S), np.full(block, STILL_S + dn * PERIOD_S)
            assert all(refused(guard, late_s, dn_s))
        assert guard.suspected_slips == 1
        assert guard.doubting
        assert not one(guard)
        assert not guard.doubting


@pytest.mark.parametrize(("up", "dn"), SLIPS)
def test_rearming_cures(up: int, dn: int) -> None:
    """Slips that re-arming cures, met again and again: each is refused and counted, no good shot is."""
    guard = after_good_shots()
    for slip in range(1, 6):
        assert one(guard, up, dn)
        assert guard.wants_rearm
        guard.wants_rearm = False
        assert [one(guard) for _ in range(8)] == [False] * 8
        assert guard.suspected_slips == slip
        assert not guard.wants_rearm


def test_a_slip_within_a_block() -> None:
    """Of a block in which some shots slipped, these and no others are refused."""
    guard = after_good_shots()
    late = np.array([0, 0, 1, 1, 0, 0, -1, 0]) * PERIOD_S
    assert refused(guard, STILL_S + late, np.full(8, STILL_S)) == (late != 0.0).tolist()
    assert guard.suspected_slips == 2


def test_a_slip_onto_another() -> None:
    """A jump on top of a doubted one starts the waiting afresh: 16 re-armed shots of the same must follow."""
    guard = after_good_shots()
    for _ in range(10):
        assert one(guard, 1.0)
        guard.wants_rearm = False
    verdicts = []
    for _ in range(CONFIRMING_SHOTS + 1):
        verdicts.append(one(guard, 2.0))
        guard.wants_rearm = False
    assert verdicts == [True] * CONFIRMING_SHOTS + [False]
    assert guard.suspected_slips == 2


@pytest.mark.parametrize("temps_c", [(20.0, 30.0), (30.0, 20.0)])
def test_a_front_by_whole_periods_is_believed_after_two_seconds(temps_c: tuple[float, float]) -> None:
    """20 to 30 degC are 2.01 us on DN15: the sixteenth shot that was re-armed before is believed, none earlier."""
    before_s, after_s = (float(flight(GEOMETRIES[15], 0.0, sound_speed_m_s(t)).t_up_s) for t in temps_c)
    assert abs(2.0 * (after_s - before_s)) == pytest.approx(2.01 * PERIOD_S, abs=0.005 * PERIOD_S)
    guard = started(up_s=before_s, dn_s=before_s)
    assert one(guard, still_s=after_s)
    verdicts = []
    for _ in range(CONFIRMING_SHOTS):
        guard.wants_rearm = False
        verdicts.append(one(guard, still_s=after_s))
    assert verdicts == [True] * (CONFIRMING_SHOTS - 1) + [False]
    assert not guard.doubting
    assert not any(one(guard, still_s=after_s) for _ in range(100))


def test_a_block_confirms_once() -> None:
    """The shots of a block were captured without re-arming in between: eight of them count as one."""
    guard = after_good_shots()
    late_s = np.full(8, STILL_S + PERIOD_S)
    assert all(refused(guard, late_s, late_s))
    for _ in range(CONFIRMING_SHOTS - 1):
        guard.wants_rearm = False
        assert all(refused(guard, late_s, late_s))
    guard.wants_rearm = False
    assert not any(refused(guard, late_s, late_s))


@given(
    st.sampled_from([15, 20, 25]),
    st.floats(0.1, 50.0),
    st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=20),
)
def test_a_step_of_the_flow_is_no_slip(dn: int, temp_c: float, shares: list[float]) -> None:
    """Flows that step by any amount within +-2 Q4 from one shot to the next are never refused: the sum of the times
    moves by 2 L v^2/c^3, 15 ns, a third of the tolerance of 50 ns."""
    flows_l_h = np.array(shares) * Q4_L_H[dn]
    true = flight(GEOMETRIES[dn], flows_l_h, sound_speed_m_s(temp_c))
    guard = started(type_calibration(dn), float(true.t_up_s[0]), float(true.t_dn_s[0]))
    assert guard.refuse(TransitTimes(true.dt_ps, true.t_up_s, true.t_dn_s)) is None
    assert guard.suspected_slips == 0


@pytest.mark.parametrize("dn", [15, 20, 25])
@pytest.mark.parametrize("minutes", [0.25, 2.0, 60.0])
def test_drifting_water_is_no_slip(dn: int, minutes: float) -> None:
    """From 0.1 to 50 degC and back, in a quarter of a minute or slower, 6 us and more go by, but never 0.95 us between
    two shots: none is refused."""
    shots = round(minutes * 480)
    temps_c = 0.1 + 49.9 * np.abs(np.linspace(-1.0, 1.0, shots))
    true = flight(GEOMETRIES[dn], 100.0, sound_speed_m_s(temps_c))
    together_us = (true.t_up_s + true.t_dn_s) * 1e6
    assert np.ptp(together_us) > 6.0
    guard = started(type_calibration(dn), float(true.t_up_s[0]), float(true.t_dn_s[0]))
    assert guard.refuse(TransitTimes(np.full(shots, 1.0), true.t_up_s, true.t_dn_s)) is None


@given(st.integers(-3, 3), st.floats(TOLERANCE + 0.005, 0.5 - 1e-9))
def test_a_front_by_parts_of_a_period_passes(whole: int, part: float) -> None:
    """A jump that is further than the tolerance from whole periods is the water's, and is believed at once."""
    for jump in (whole + part, whole - part):
        guard = after_good_shots()
        assert not one(guard, jump)
        assert not one(guard, jump)
        assert guard.suspected_slips == 0


@given(st.integers(1, 3), st.floats(0.0, TOLERANCE - 0.005), st.booleans())
def test_a_jump_near_whole_periods_is_doubted(whole: int, part: float, early: bool) -> None:
    """Within the tolerance of whole periods a jump is refused, early or late."""
    jump = -whole if early else whole
    assert one(after_good_shots(), jump + part)
    assert one(after_good_shots(), jump - part)


@pytest.mark.parametrize("dn", [15, 20, 25])
@pytest.mark.parametrize("delay_s", [0.0, 200e-9])
def test_no_water_is_so_slow_or_so_quick(dn: int, delay_s: float) -> None:
    """c within 1395 to 1560 m/s is believed when a second shot says the same, half a metre per second outside it is
    not, nor is it remembered: neither as the first shot nor as a later one."""
    calibration = replace(type_calibration(dn), delay_s=(delay_s, 0.0, 0.0))
    path_m = calibration.axial_m + calibration.legs_m
    for speed_m_s, wrong in ((1394.5, True), (1395.5, False), (1559.5, False), (1560.5, True)):
        guard = CycleGuard(calibration)
        assert one(guard, still_s=path_m / speed_m_s + delay_s)
        assert rearmed(guard, still_s=path_m / speed_m_s + delay_s) is wrong
        assert guard.doubting is wrong
    guard = CycleGuard(calibration)
    water_s = path_m / 1480.0 + delay_s
    assert one(guard, still_s=path_m / 1300.0 + delay_s)
    assert rearmed(guard, still_s=water_s)
    assert not rearmed(guard, still_s=water_s)
    assert one(guard, still_s=path_m / 1300.0 + delay_s)
    assert guard.suspected_slips == 0
    assert not one(guard, still_s=water_s)


def test_one_time_for_a_block() -> None:
    """Where one number stands for the whole block, the verdict is for all of its shots."""
    guard = after_good_shots()
    verdict = guard.refuse(TransitTimes(np.zeros(5), STILL_S + PERIOD_S, STILL_S))
    assert verdict is not None
    assert verdict.tolist() == [True] * 5
    assert guard.refuse(TransitTimes(np.zeros(5), STILL_S, STILL_S)) is None


def test_shots_without_times_are_not_judged() -> None:
    """A shot that was not heard is neither refused nor remembered: the next is judged by the last one heard."""
    guard = after_good_shots()
    up_s = np.array([math.nan, STILL_S, math.nan, STILL_S + PERIOD_S, STILL_S])
    dn_s = np.where(np.isnan(up_s), math.nan, STILL_S)
    assert refused(guard, up_s, dn_s) == [False, False, False, True, False]
    assert guard.suspected_slips == 1


@pytest.mark.requirement("ADR-040")
def test_an_empty_pipe_is_forgotten() -> None:
    """After the pipe was empty water of another temperature, whole periods off, is believed with its second shot;
    without that it is doubted for long. What was being doubted is forgotten too, and does not count as a first."""
    guard = after_good_shots()
    assert one(guard, 1.0, 1.0)
    guard.forget()
    assert rearmed(guard, 1.0, 1.0)
    assert guard.doubting
    assert not rearmed(guard, 1.0, 1.0)
    assert not guard.doubting
    assert guard.suspected_slips == 1
    assert one(guard, 0.0, 0.0)


# The first shot of all, and the first after an empty pipe, have nothing to be compared with.


def never_started() -> CycleGuard:
    return CycleGuard(type_calibration(15))


def after_an_empty_pipe() -> CycleGuard:
    guard = after_good_shots()
    guard.forget()
    return guard


def empty_again_after_a_first_shot() -> CycleGuard:
    guard = never_started()
    assert one(guard)
    guard.forget()
    return guard


def empty_while_doubting() -> CycleGuard:
    guard = after_good_shots()
    assert one(guard, 1)
    guard.forget()
    guard.suspected_slips = 0
    return guard


at_the_beginning = pytest.mark.parametrize(
    "begin", [never_started, after_an_empty_pipe, empty_again_after_a_first_shot, empty_while_doubting]
)


@at_the_beginning
@given(st.floats(*SOUND_SPEED_M_S, exclude_min=True, exclude_max=True))
def test_a_first_shot_alone_is_never_believed(begin: Callable[[], CycleGuard], speed_m_s: float) -> None:
    """Whatever it says of the water, though the capture has just been re-armed: it is refused, asks for a re-arm, and
    is doubted, but not counted as a slip."""
    guard = begin()
    calibration = type_calibration(15)
    still_s = (calibration.axial_m + calibration.legs_m) / speed_m_s + float(curve_at(calibration.delay_s, 20.0))
    assert rearmed(guard, still_s=still_s)
    assert guard.wants_rearm
    assert guard.doubting
    assert guard.suspected_slips == 0


@at_the_beginning
def test_nothing_is_believed_before_the_first_shot(begin: Callable[[], CycleGuard]) -> None:
    """A guard that knows nothing doubts, so each shot is re-armed for itself from the first on."""
    assert begin().doubting


@at_the_beginning
@given(st.floats(-NEAR + 0.005, NEAR - 0.005))
def test_a_second_shot_that_agrees_is_believed(begin: Callable[[], CycleGuard], late: float) -> None:
    """Within 0.45 us of t_up + t_dn, re-armed in between: the first stays refused, the second and all further are
    believed."""
    guard = begin()
    assert rearmed(guard)
    assert not rearmed(guard, late)
    assert not guard.wants_rearm
    assert not guard.doubting
    assert not any(one(guard, late) for _ in range(8))
    assert guard.suspected_slips == 0


@at_the_beginning
@given(st.floats(NEAR + 0.005, 3.0), st.booleans())
def test_a_second_shot_that_does_not_agree_is_not_believed(
    begin: Callable[[], CycleGuard], apart: float, early: bool
) -> None:
    """Further apart, early or late, neither is believed; a third decides by what the second said, not the first."""
    late = -apart if early else apart
    for third, believed in ((late, True), (0.0, False)):
        guard = begin()
        assert rearmed(guard)
        assert rearmed(guard, late)
        assert guard.wants_rearm
        assert guard.doubting
        assert rearmed(guard, third) is not believed
        assert guard.doubting is not believed


@at_the_beginning
@pytest.mark.parametrize(("up", "dn"), SLIPS)
def test_a_first_shot_that_slipped_is_not_believed(begin: Callable[[], CycleGuard], up: int, dn: int) -> None:
    """Re-arming cures the slip: the second shot disagrees by whole periods and waits, the third agrees with it. What is
    believed then is the water: another slip is refused and counted."""
    guard = begin()
    assert rearmed(guard, up, dn)
    assert rearmed(guard)
    assert not rearmed(guard)
    assert guard.suspected_slips == 0
    assert one(guard, up, dn)
    assert guard.suspected_slips == 1
    assert not one(guard)


@at_the_beginning
@pytest.mark.parametrize(("up", "dn"), SLIPS)
def test_a_second_shot_that_slipped_is_not_believed(begin: Callable[[], CycleGuard], up: int, dn: int) -> None:
    """A slip after a good first shot: two further good ones are needed."""
    guard = begin()
    assert [rearmed(guard, *late) for late in ((0, 0), (up, dn), (0, 0))] == [True] * 3
    assert not rearmed(guard)


@at_the_beginning
@pytest.mark.parametrize("slipped", [False, True])
@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("block", [1, 8, 1000])
def test_without_rearming_nothing_is_ever_believed(
    begin: Callable[[], CycleGuard], slipped: bool, alike: bool, block: int
) -> None:
    """However often shots agree with the first, one by one or in blocks: they may all have slipped with it. Re-armed,
    a single block of the same is enough."""
    guard = begin()
    guard.wants_rearm = False
    late_s = np.full(block, STILL_S + slipped * PERIOD_S)
    times = TransitTimes(np.zeros(block), float(late_s[0]), float(late_s[0])) if alike else transit(late_s, late_s)
    for _ in range(1000 // block):
        verdict = guard.refuse(times)
        assert verdict is not None
        assert verdict.tolist() == [True] * block
        assert guard.wants_rearm
        assert guard.doubting
    assert guard.suspected_slips == 0
    guard.wants_rearm = False
    assert guard.refuse(times) is None
    assert not guard.doubting


@at_the_beginning
def test_a_first_block_that_slips_within(begin: Callable[[], CycleGuard]) -> None:
    """Of the first block no shot is believed, whichever of them slipped, and its first is what the second block's first
    is compared with."""
    late = np.array([0, 0, 1, 1, 0, 0, -1, 0]) * PERIOD_S
    still_s = np.full(8, STILL_S)
    guard = begin()
    guard.wants_rearm = False
    assert refused(guard, still_s + late, still_s) == [True] * 8
    guard.wants_rearm = False
    assert refused(guard, still_s + late, still_s) == (late != 0.0).tolist()


@at_the_beginning
def test_what_cannot_be_water_is_no_first_shot(begin: Callable[[], CycleGuard]) -> None:
    """Shots that were not heard, or that no water makes, neither are a first shot nor confirm one."""
    guard = begin()
    guard.wants_rearm = False
    nothing, impossible = np.array([math.nan]), STILL_S * 1.2
    for _ in range(3):
        assert refused(guard, nothing, nothing) == [False]
        assert rearmed(guard, still_s=impossible)
        assert guard.doubting
    assert rearmed(guard)
    guard.wants_rearm = False
    assert refused(guard, nothing, nothing) == [False]
    assert one(guard, still_s=impossible)
    assert guard.doubting
    assert not rearmed(guard)
