"""Totals and pulses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.measuring.volume import REMEMBERED_CYCLES, Total, pulses_emitted

CYCLES_NL = st.lists(st.floats(-1e5, 3e8), min_size=1, max_size=80)


@pytest.mark.requirement("ADR-015")
@given(st.lists(CYCLES_NL, min_size=1, max_size=6))
def test_totals_never_fall_and_lose_nothing(blocks: list[list[float]]) -> None:
    """The total never falls, is never above the volume's highest sum so far, and ends within 1 nL of it."""
    total, everything = Total(), [0.0]
    for block in blocks:
        before = total.total_nl
        total.add(0.0, np.array(block))
        everything.extend(block)
        assert total.total_nl >= before
        assert abs(total.total_nl - np.cumsum(everything).max()) <= 1.01
        kept = [total.before_nl(ago) for ago in range(REMEMBERED_CYCLES, -1, -1)]
        assert kept == sorted(kept)
        assert kept[-1] == total.total_nl


@given(st.floats(0, 1e9), st.lists(st.floats(0, 3e8), min_size=34, max_size=200))
def test_many_cycles_in_one_go(earlier_nl: float, cycles_nl: list[float]) -> None:
    """Of many cycles that only add, the total and the totals of the last 32 cycles are those of one by one, to 1 nL."""
    total, single = Total(), Total()
    total.add(earlier_nl, np.array(cycles_nl))
    single.add(earlier_nl, np.zeros(1))
    for cycle_nl in cycles_nl:
        single.add(0.0, np.array([cycle_nl]))
    for ago in range(REMEMBERED_CYCLES + 1):
        assert abs(total.before_nl(ago) - single.before_nl(ago)) <= 1


@pytest.mark.requirement("ADR-015")
def test_the_remainder_is_carried() -> None:
    """A thousand times a quarter of a nanolitre are 250 nL."""
    total = Total()
    for _ in range(1000):
        total.add(0.0, np.array([0.25]))
    assert total.total_nl == 250


def test_standing_still_is_remembered() -> None:
    """Cycles without volume count as cycles."""
    total = Total()
    total.add(10.0, np.array([1.0, 2.0]))
    total.stand_still(3)
    assert [total.before_nl(ago) for ago in range(5)] == [13, 13, 13, 13, 11]
    total.stand_still(1000)
    assert total.before_nl(REMEMBERED_CYCLES) == 13
    with pytest.raises(ValueError, match="last 32 cycles"):
        total.before_nl(REMEMBERED_CYCLES + 1)


def test_pulses_spread_evenly_over_the_cycle() -> None:
    """Four pulses leave at a quarter, half, three quarters and the whole of the cycle; the remainder waits."""
    emitted = [pulses_emitted(150, 590, 100, fraction) for fraction in (0.0, 0.24, 0.25, 0.5, 0.75, 0.99, 1.0)]
    assert emitted == [1, 1, 2, 3, 4, 4, 5]
    assert pulses_emitted(590, 590, 100, 0.7) == 5
