"""REVERSE, LEAK, BURST, DRY: the same alarms however the flow is told (ADR-040..043)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import AlarmChange, FlowAlarms, FlowWatch
from meterbench.dut.reference_meter.metrology.alarms.hold import HoldTimes
from meterbench.dut.reference_meter.metrology.alarms.level import Level
from meterbench.dut.reference_meter.metrology.status import NO_ALARM, Alarm
from tests.dut.reference_meter.metrology.alarms.test_hold import one_by_one

WINDOW = 32
Array = NDArray[np.float64]
REVERSE = FlowWatch(Alarm.REVERSE, Level(-20.0, -18.0), HoldTimes(30, 20))
LEAK = FlowWatch(Alarm.LEAK, None, HoldTimes(200, 40))
STRONG_LEAK = FlowWatch(Alarm.LEAK, Level(50.0, 40.0), HoldTimes(200, 40))
BURST = FlowWatch(Alarm.BURST, Level(600.0, 540.0), HoldTimes(60, 30))
FLOWS = st.sampled_from([0.0, 0.1, 45.0, 100.0, 570.0, 650.0, 2500.0, -10.0, -19.0, -300.0])
STRETCHES = st.lists(st.tuples(FLOWS, st.one_of(st.integers(1, 40), st.integers(30, 400))), min_size=1, max_size=8)


class Course:
    """Stretches of steady flow after still water, with every cycle's mean, and which of them register forward flow."""

    def __init__(self, stretches: list[tuple[float, int]]) -> None:
        self.mean_l_h = np.array([flow for flow, _ in stretches])
        self.cycles = np.array([cycles for _, cycles in stretches], dtype=np.int64)
        each = np.repeat(self.mean_l_h, self.cycles)
        padded = np.concatenate((np.zeros(WINDOW), each))
        self.flow_l_h = padded
        self.means_l_h = np.array([padded[end - WINDOW : end].mean() for end in range(WINDOW + 1, len(padded) + 1)])
        self.registered = np.where(np.abs(self.mean_l_h) >= 8.0, self.cycles, 0)
        self.direction = np.sign(self.mean_l_h)
        ends = np.cumsum(self.cycles)
        self.forward = np.zeros(len(each), dtype=np.bool_)
        for end, cycles, registered, direction in zip(ends, self.cycles, self.registered, self.direction, strict=True):
            self.forward[end - cycles : end - cycles + registered] = direction > 0.0

    def recent_l_h(self, cycle: int) -> Array:
        """Flows of the window that is over after so many cycles."""
        return self.flow_l_h[cycle : cycle + WINDOW]


def expected(course: Course, watches: tuple[FlowWatch, ...]) -> list[AlarmChange]:
    """Cycle by cycle, from the descriptions of level and hold."""
    changes = []
    for watch in watches:
        if watch.level is None:
            condition = course.forward.tolist()
        else:
            condition, on = [], False
            sign = np.sign(watch.level.on_l_h)
            for mean in course.means_l_h:
                on = sign * mean >= abs(watch.level.on_l_h) or (on and sign * mean >= abs(watch.level.off_l_h))
                condition.append(bool(on))
        changes += [AlarmChange(change.tick, watch.alarm, change.on) for change in one_by_one(condition, watch.times)]
    return sorted(changes, key=lambda change: change.tick)


def see(alarms: FlowAlarms, course: Course, begin: int, end: int, *, wider_l_h: float = 0.0) -> None:
    """Cycles told in one block, by bounds of their means that may be wider than need be."""
    means = course.means_l_h[begin:end]
    forward: bool | NDArray[np.bool_] = course.forward[begin:end]
    if course.forward[begin:end].all() or not course.forward[begin:end].any():
        forward = bool(course.forward[begin])
    alarms.see(end - begin, means.min() - wider_l_h, means.max() + wider_l_h, forward, lambda: means)


def see_stretches(alarms: FlowAlarms, course: Course, first: int, end: int) -> None:
    """Stretches told as such."""
    cycle = int(course.cycles[:first].sum())
    part = slice(first, end)
    alarms.see_stretches(
        course.recent_l_h(cycle),
        course.cycles[part],
        course.mean_l_h[part],
        course.registered[part],
        course.direction[part],
    )


@settings(max_examples=150, deadline=None)
@given(STRETCHES, st.lists(st.integers(1, 300), max_size=10), st.sets(st.integers(1, 7)), st.booleans())
def test_alarms_do_not_depend_on_how_the_flow_is_told(
    stretches: list[tuple[float, int]], blocks: list[int], cuts: set[int], strong: bool
) -> None:
    """Cycle by cycle, in blocks of any length, as stretches in any number of calls: the same alarms at their ticks."""
    watches = (REVERSE, STRONG_LEAK if strong else LEAK, BURST)
    course = Course(stretches)
    total = int(course.cycles.sum())
    single, blockwise, whole = (FlowAlarms(watches) for _ in range(3))
    for cycle in range(total):
        see(single, course, cycle, cycle + 1)
    edges = sorted({0, total, *(int(edge) for edge in np.cumsum(blocks) if edge < total)})
    for number, (begin, end) in enumerate(pairwise(edges)):
        see(blockwise, course, begin, end, wider_l_h=0.0 if number % 2 else 30.0)
    calls = sorted({0, len(stretches), *(cut for cut in cuts if cut < len(stretches))})
    for first, after in pairwise(calls):
        see_stretches(whole, course, first, after)
    told = [[each for each in expected(course, watches) if each.alarm is watch.alarm] for watch in watches]
    for alarms in (single, blockwise, whole):
        changes = alarms.take_changes()
        assert [[each for each in changes if each.alarm is watch.alarm] for watch in watches] == told
        assert [each.tick for each in changes] == sorted(each.tick for each in changes)
        assert alarms.tick == total
        assert alarms.take_changes() == []
    assert single.active == blockwise.active == whole.active


def test_a_block_on_one_side_of_all_limits_is_not_looked_into() -> None:
    """That is what makes long blocks cheap; one that touches a limit is."""

    def never() -> Array:
        raise AssertionError("single cycles were asked for")

    alarms = FlowAlarms((REVERSE, LEAK, BURST))
    alarms.see(1000, 20.0, 599.0, True, never)
    alarms.see(1000, -17.9, 0.5, False, never)
    alarms.see(1000, 600.0, 2500.0, True, never)
    alarms.see(1000, 541.0, 599.0, True, never)
    assert [(each.alarm, each.on) for each in alarms.take_changes()] == [
        (Alarm.LEAK, True),
        (Alarm.LEAK, False),
        (Alarm.BURST, True),
        (Alarm.LEAK, True),
    ]
    with pytest.raises(AssertionError, match="asked for"):
        alarms.see(1000, 539.0, 599.0, True, never)


@pytest.mark.requirement("ADR-040")
def test_an_empty_pipe_is_told_at_once() -> None:
    """From the cycle after which it counts as empty, to the one after which it does not; nothing else clears it."""
    alarms = FlowAlarms((REVERSE, LEAK, BURST))
    alarms.see_nothing(10)
    alarms.see_dry(np.array([False] * 3 + [True] * 5), False)
    alarms.see_nothing(8)
    alarms.see_nothing(100)
    assert alarms.take_changes() == [AlarmChange(14, Alarm.DRY, True)]
    assert alarms.active == Alarm.DRY
    alarms.see_dry(np.array([True, False, True, False]), True)
    alarms.see_nothing(4)
    assert alarms.take_changes() == [
        AlarmChange(120, Alarm.DRY, False),
        AlarmChange(121, Alarm.DRY, True),
        AlarmChange(122, Alarm.DRY, False),
    ]


@pytest.mark.requirement("ADR-042")
def test_a_leak_is_over_when_nothing_flows() -> None:
    """After 200 cycles of flow it is there; after 40 without it is gone; 39 change nothing."""
    alarms = FlowAlarms((LEAK,))
    alarms.see(200, 1.0, 1.0, True, lambda: np.ones(200))
    alarms.see_nothing(39)
    alarms.see(10, 1.0, 1.0, True, lambda: np.ones(10))
    alarms.see_nothing(40)
    assert alarms.take_changes() == [AlarmChange(200, Alarm.LEAK, True), AlarmChange(289, Alarm.LEAK, False)]


@pytest.mark.requirement("ADR-041")
def test_reverse_flow_is_no_leak_and_no_burst() -> None:
    """However strong and long."""
    alarms = FlowAlarms((REVERSE, LEAK, STRONG_LEAK, BURST))
    alarms.see(10_000, -2500.0, -2500.0, False, lambda: np.full(10_000, -2500.0))
    assert alarms.take_changes() == [AlarmChange(30, Alarm.REVERSE, True)]


def test_near_a_limit_only_single_cycles_can_tell() -> None:
    """Six standard deviations of a mean over 32 cycles about on and off, of any level; beyond there is no doubt."""
    alarms = FlowAlarms((REVERSE, LEAK, BURST))
    sd_l_h = np.full(9, 2.0)
    margin_l_h = 6.0 * 2.0 / 32**0.5
    mean_l_h = np.array([0.0, 18.0, -18.0, -20.0, -25.0, 600.0, 540.0 - 1.01 * margin_l_h, 540.0, 570.0])
    assert alarms.unclear(mean_l_h, sd_l_h).tolist() == [False, False, True, True, False, True, False, True, False]
    just_in = np.array([600.0 + 0.99 * margin_l_h, 600.0 + 1.01 * margin_l_h])
    assert alarms.unclear(just_in, sd_l_h[:2]).tolist() == [True, False]


def test_active_alarms_stay_when_others_are_watched() -> None:
    """LEAK and BURST are there; with other limits LEAK goes on, and BURST clears as soon as its new time is over."""
    alarms = FlowAlarms((REVERSE, LEAK, BURST))
    alarms.see(300, 650.0, 650.0, True, lambda: np.full(300, 650.0))
    alarms.take_changes()
    assert alarms.active == Alarm.LEAK | Alarm.BURST
    higher = FlowWatch(Alarm.BURST, Level(900.0, 800.0), HoldTimes(60, 25))
    alarms.watch((REVERSE, LEAK, higher))
    assert alarms.active == Alarm.LEAK | Alarm.BURST
    alarms.see(100, 650.0, 650.0, True, lambda: np.full(100, 650.0))
    assert alarms.take_changes() == [AlarmChange(325, Alarm.BURST, False)]
    assert alarms.active == Alarm.LEAK


def test_time_so_far_begins_anew_when_others_are_watched() -> None:
    """50 of 60 cycles are gone; the new condition wants all of its 60."""
    alarms = FlowAlarms((BURST,))
    alarms.see(50, 650.0, 650.0, True, lambda: np.full(50, 650.0))
    alarms.watch((FlowWatch(Alarm.BURST, Level(610.0, 540.0), HoldTimes(60, 25)),))
    alarms.see(100, 650.0, 650.0, True, lambda: np.full(100, 650.0))
    assert alarms.take_changes() == [AlarmChange(110, Alarm.BURST, True)]


def test_a_flow_that_went_on_counts_for_a_new_watch_in_stretches() -> None:
    """The mean is at 650 L/h when the limit becomes 610 L/h, and stays there."""
    alarms = FlowAlarms((BURST,))
    alarms.see(50, 650.0, 650.0, True, lambda: np.full(50, 650.0))
    alarms.watch((FlowWatch(Alarm.BURST, Level(610.0, 540.0), HoldTimes(60, 25)),))
    cycles = np.array([100], dtype=np.int64)
    alarms.see_stretches(np.full(WINDOW, 650.0), cycles, np.array([650.0]), cycles, np.array([1.0]))
    assert alarms.take_changes() == [AlarmChange(110, Alarm.BURST, True)]


def test_after_a_loss_of_supply_alarms_clear_as_any_other() -> None:
    """After their time, once the slow mean is full again (512 cycles), unless the condition is there again; DRY as soon
    as there is water."""
    alarms = FlowAlarms((REVERSE, LEAK, BURST))
    alarms.restart(Alarm.DRY | Alarm.BURST | Alarm.LEAK | Alarm.MAGNET)
    assert alarms.active == Alarm.DRY | Alarm.BURST | Alarm.LEAK
    alarms.see_dry(np.arange(100) < 4, True)
    alarms.see(600, 100.0, 100.0, True, lambda: np.full(600, 100.0))
    assert alarms.take_changes() == [AlarmChange(5, Alarm.DRY, False), AlarmChange(512 + 30, Alarm.BURST, False)]
    assert alarms.active == Alarm.LEAK
    fresh = FlowAlarms((REVERSE,))
    assert fresh.active == NO_ALARM


def test_an_empty_pipe_stays_so_over_a_loss_of_supply() -> None:
    """Until water is heard."""
    alarms = FlowAlarms((REVERSE, LEAK, BURST))
    alarms.restart(Alarm.DRY)
    alarms.see_nothing(1000)
    assert (alarms.take_changes(), alarms.active) == ([], Alarm.DRY)


def test_adjacent_forward_stretches_are_one_condition() -> None:
    """Twenty stretches of ten cycles each are 200 cycles of flow; a cycle without begins anew."""
    cycles = np.full(41, 10, dtype=np.int64)
    for registered_in_the_sixth, raised in ((10, 200), (9, 260)):
        alarms = FlowAlarms((LEAK,))
        registered = cycles.copy()
        registered[5] = registered_in_the_sixth
        alarms.see_stretches(np.zeros(WINDOW), cycles, np.full(41, 100.0), registered, np.ones(41))
        assert alarms.take_changes() == [AlarmChange(raised, Alarm.LEAK, True)]


def test_no_cycles_are_no_break() -> None:
    """As `Measurement.miss` lets none pass when all its cycles were bridged."""
    alarms = FlowAlarms((REVERSE, LEAK, BURST))
    alarms.see(150, 650.0, 650.0, True, lambda: np.full(150, 650.0))
    alarms.see_nothing(0)
    alarms.see(100, 650.0, 650.0, True, lambda: np.full(100, 650.0))
    assert alarms.take_changes() == [AlarmChange(60, Alarm.BURST, True), AlarmChange(200, Alarm.LEAK, True)]
