"""When the mean of four seconds counts: the closed form over stretches against sums over single cycles."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import groupby

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.alarms.level import Level

WINDOW = 32
"""Cycles of the mean."""
WHOLE = st.integers(-400, 400)
LEVELS = st.tuples(st.integers(1, 300), st.integers(1, 300), st.sampled_from([1, -1])).map(
    lambda given: Level(float(given[2] * max(given[:2])), float(given[2] * min(given[:2])))
)
STRETCHES = st.lists(st.tuples(st.one_of(st.integers(1, 40), st.integers(1, 400)), WHOLE), min_size=1, max_size=12)
RECENT = st.one_of(WHOLE.map(lambda flow: [flow] * WINDOW), st.lists(WHOLE, min_size=WINDOW, max_size=WINDOW))


def means(recent: list[int], stretches: list[tuple[int, int]]) -> list[Fraction]:
    """The exact mean after each cycle."""
    flows = recent + [flow for cycles, flow in stretches for _ in range(cycles)]
    return [Fraction(sum(flows[end - WINDOW : end]), WINDOW) for end in range(WINDOW + 1, len(flows) + 1)]


def counted(level: Level, flows: list[Fraction], was: bool) -> list[bool]:
    """Flow by flow: on from one limit, off below the other, in between as before."""
    sign = 1 if level.on_l_h > 0 else -1
    on, off = Fraction(abs(level.on_l_h)), Fraction(abs(level.off_l_h))
    result = []
    for flow in flows:
        along = sign * flow
        was = True if along >= on else False if along < off else was
        result.append(was)
    return result


def edges(mask: list[bool]) -> list[tuple[int, int]]:
    """First cycle and end of each spell."""
    found, cycle = [], 0
    for on, run in groupby(mask):
        length = len(list(run))
        if on:
            found.append((cycle, cycle + length))
        cycle += length
    return found


def spells(level: Level, recent: list[int], stretches: list[tuple[int, int]], was: bool) -> list[tuple[int, int]]:
    """The closed form. A spell without a cycle says only that what was before is over at once."""
    cycles, flows = (np.array(each) for each in zip(*stretches, strict=True))
    starts, ends = level.spells(np.array(recent, dtype=float), cycles.astype(np.int64), flows.astype(float), was)
    return [(first, end) for first, end in zip(starts.tolist(), ends.tolist(), strict=True) if first < end]


@settings(max_examples=400)
@given(LEVELS, RECENT, STRETCHES, st.booleans())
@example(Level(100.0, 90.0), [0] * WINDOW, [(1, 400), (1, 0), (40, 400)], False)
@example(Level(100.0, 90.0), [100] * WINDOW, [(40, 0), (7, 380), (40, 0)], True)
@example(Level(-10.0, -5.0), [0] * WINDOW, [(32, -10), (16, 0), (100, -10), (33, 0)], False)
@example(Level(150.0, 150.0), [0] * WINDOW, [(31, 150), (1, 182), (1, 150)], False)
def test_spells_are_those_of_single_cycles(
    level: Level, recent: list[int], stretches: list[tuple[int, int]], was: bool
) -> None:
    """First and last cycles are identical, stretches shorter than the mean and exact landings on a limit among them."""
    (was,) = counted(level, [Fraction(sum(recent), WINDOW)], was)
    assert spells(level, recent, stretches, was) == edges(counted(level, means(recent, stretches), was))


@settings(max_examples=200)
@given(
    st.floats(1.0, 3000.0),
    st.floats(0.3, 1.0),
    st.sampled_from([1.0, -1.0]),
    st.lists(st.tuples(st.integers(1, 200), st.floats(-4000.0, 4000.0)), min_size=1, max_size=10),
    st.lists(st.floats(-4000.0, 4000.0), min_size=WINDOW, max_size=WINDOW),
    st.booleans(),
)
def test_spells_of_any_flow(
    on_l_h: float, part: float, sign: float, stretches: list[tuple[int, float]], recent_l_h: list[float], was: bool
) -> None:
    """Flows as they come, unless a mean lies so near a limit that the order of adding decides."""
    level = Level(sign * on_l_h, sign * part * on_l_h)
    flows = recent_l_h + [flow for cycles, flow in stretches for _ in range(cycles)]
    sums = [math.fsum(flows[end - WINDOW : end]) / WINDOW for end in range(WINDOW, len(flows) + 1)]
    if any(abs(mean - limit) < 1e-6 for mean in sums for limit in (level.on_l_h, level.off_l_h)):
        return
    before, *after = counted(level, [Fraction(mean) for mean in sums], was)
    cycles, flow_l_h = (np.array(each) for each in zip(*stretches, strict=True))
    starts, ends = level.spells(np.array(recent_l_h), cycles.astype(np.int64), flow_l_h.astype(float), before)
    found = [(first, end) for first, end in zip(starts.tolist(), ends.tolist(), strict=True) if first < end]
    assert found == edges(after)


@pytest.mark.parametrize(
    ("low_l_h", "high_l_h", "was", "expected"),
    [
        (100.0, 500.0, False, True),
        (99.9, 500.0, False, None),
        (90.0, 500.0, True, True),
        (89.9, 500.0, True, None),
        (-500.0, 99.9, False, False),
        (-500.0, 100.0, False, None),
        (-500.0, 89.9, True, False),
        (-500.0, 90.0, True, None),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_flows_on_one_side_need_not_be_looked_at(
    low_l_h: float, high_l_h: float, was: bool, expected: bool | None, sign: int
) -> None:
    """From 100 on, off below 90; the mirror image for reverse flow."""
    low_l_h, high_l_h = sorted((sign * low_l_h, sign * high_l_h))
    assert Level(sign * 100.0, sign * 90.0).decided(low_l_h, high_l_h, was) is expected


@given(LEVELS, st.lists(WHOLE, min_size=1, max_size=40), st.booleans(), st.integers(0, 50), st.integers(0, 50))
def test_what_is_decided_is_so_for_each(level: Level, flows: list[int], was: bool, below: int, above: int) -> None:
    """Flow by flow, whether it counts; bounds that are wider than need be decide less, but nothing else."""
    expected = counted(level, [Fraction(flow) for flow in flows], was)
    assert level.counts(np.array(flows, dtype=float), was).tolist() == expected
    decided = level.decided(float(min(flows) - below), float(max(flows) + above), was)
    assert decided is None or expected == [decided] * len(flows)


@pytest.mark.parametrize(
    ("on_l_h", "off_l_h"),
    [
        (0.0, 0.0),
        (10.0, 10.1),
        (10.0, 0.0),
        (10.0, -5.0),
        (-10.0, -10.1),
        (-10.0, 5.0),
        (math.nan, 1.0),
        (1.0, math.nan),
    ],
)
def test_a_level_that_cannot_end_is_refused(on_l_h: float, off_l_h: float) -> None:
    with pytest.raises(ValueError, match="cannot end at"):
        Level(on_l_h, off_l_h)
