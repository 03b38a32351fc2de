"""When an alarm raises and clears, against a model that looks at one cycle after the other."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.alarms.hold import Change, Hold, HoldTimes

RUNS = st.lists(st.tuples(st.booleans(), st.integers(1, 12)), min_size=1, max_size=14)
TIMES = st.builds(HoldTimes, st.integers(1, 25), st.integers(1, 9))
EVERY_HOLD = [HoldTimes(1, 1), HoldTimes(5, 3), HoldTimes(3, 5)]


def one_by_one(condition: list[bool], times: HoldTimes, *, active: bool = False, begin: int = 0) -> list[Change]:
    """What the module's description says, of every cycle for itself."""
    changes: list[Change] = []
    lasted, gone = 0, 0
    for over, on in enumerate(condition, start=begin + 1):
        lasted, gone = (lasted + 1, 0) if on else (0, gone + 1)
        if not active and lasted >= times.raise_after:
            active = True
            changes.append(Change(over, True))
        elif active and gone >= times.clear_after:
            active = False
            changes.append(Change(over, False))
    return changes


def spells(condition: list[bool], begin: int) -> tuple[list[int], list[int]]:
    """Where it begins to hold, and where it ends."""
    starts, ends, cycle = [], [], begin
    for on, run in groupby(condition):
        length = len(list(run))
        if on:
            starts.append(cycle)
            ends.append(cycle + length)
        cycle += length
    return starts, ends


def see(hold: Hold, condition: list[bool], begin: int, *, as_spells: bool) -> list[Change]:
    """Let a block of cycles pass, told in one way or the other."""
    end = begin + len(condition)
    if as_spells:
        starts, ends = spells(condition, begin)
        return hold.see_many(np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64), begin, end)
    edges = pairwise([hold.on, *condition])
    changes = [Change(begin + index, now) for index, (was, now) in enumerate(edges) if was != now]
    return hold.see(changes, end)


def in_blocks(
    condition: list[bool], times: HoldTimes, blocks: list[tuple[int, bool]], *, active: bool = False, begin: int = 0
) -> list[Change]:
    """Told in blocks of so many cycles, each as changes or as spells; the rest in single cycles."""
    hold, changes, done = Hold(times), list[Change](), 0
    hold.restart(active=active, now=begin)
    for length, as_spells in [*blocks, *[(1, False)] * len(condition)]:
        block = condition[done : done + length]
        if block:
            changes += see(hold, block, begin + done, as_spells=as_spells)
            done += len(block)
            assert hold.on == block[-1]
            assert hold.active == (changes[-1].on if changes else active)
    return changes


@given(
    RUNS,
    TIMES,
    st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=12),
    st.booleans(),
    st.integers(0, 100),
)
@example(runs=[(True, 3), (False, 2), (True, 3)], times=HoldTimes(4, 3), blocks=[], active=False, begin=0)
@example(runs=[(True, 4), (False, 1), (True, 6)], times=HoldTimes(6, 9), blocks=[(4, True)], active=False, begin=0)
def test_alarms_do_not_depend_on_the_blocks(
    runs: list[tuple[bool, int]], times: HoldTimes, blocks: list[tuple[int, bool]], active: bool, begin: int
) -> None:
    """However time is cut, and whether a block is told as changes or as spells, after a restart or without one."""
    condition = [on for on, length in runs for _ in range(length)]
    expected = one_by_one(condition, times, active=active, begin=begin)
    assert in_blocks(condition, times, blocks, active=active, begin=begin) == expected


@pytest.mark.parametrize("times", EVERY_HOLD)
def test_every_course_of_eleven_cycles(times: HoldTimes) -> None:
    """All 2048 of them, cycle by cycle, as changes in one block, as spells in one, and as spells in two."""
    for bits in range(2**11):
        condition = [bool(bits >> cycle & 1) for cycle in range(11)]
        expected = one_by_one(condition, times)
        for blocks in ([], [(11, False)], [(11, True)], [(4, True), (7, True)]):
            assert in_blocks(condition, times, blocks) == expected, (condition, blocks)


def test_many_draws_of_which_only_the_last_raises() -> None:
    """A thousand draws of 5 cycles and one of 40: one alarm, 30 cycles after that has begun."""
    starts = np.append(np.arange(1000) * 20, 20_000)
    ends = starts + np.append(np.full(1000, 5), 40)
    hold = Hold(HoldTimes(30, 10))
    assert hold.see_many(starts, ends, 0, 20_040) == [Change(20_030, True)]
    assert (hold.active, hold.on) == (True, True)


@pytest.mark.requirement("ADR-042")
def test_a_break_of_one_cycle_begins_anew() -> None:
    """Nine of ten cycles, a cycle without, and ten."""
    hold = Hold(HoldTimes(10, 5))
    assert hold.see([Change(0, True), Change(9, False), Change(10, True)], 40) == [Change(20, True)]


def test_an_alarm_goes_on_over_short_breaks() -> None:
    """Four cycles without do not clear it, nor do many fours; five do."""
    hold = Hold(HoldTimes(3, 5))
    starts = np.arange(10) * 7
    assert hold.see_many(starts, starts + 3, 0, 70) == [Change(3, True)]
    assert hold.see([], 80) == [Change(71, False)]


def test_an_alarm_from_before_clears_unless_its_condition_comes_back() -> None:
    """It is not raised a second time either."""
    for condition, expected in (
        ([False] * 20, [Change(104, False)]),
        ([True] * 20, []),
        ([False, False, True, *[False] * 17], [Change(107, False)]),
    ):
        hold = Hold(HoldTimes(10, 4))
        hold.restart(active=True, now=100)
        assert hold.active
        assert see(hold, condition, 100, as_spells=False) == expected


@pytest.mark.parametrize(("raise_after", "clear_after"), [(0, 1), (1, 0), (-1, 5)])
def test_times_shorter_than_a_cycle_are_refused(raise_after: int, clear_after: int) -> None:
    with pytest.raises(ValueError, match="seen once"):
        HoldTimes(raise_after, clear_after)
