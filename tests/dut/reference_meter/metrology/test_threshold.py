"""The sensitivity threshold on flows without and with noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.threshold import QUICK_CYCLES, SLOW_CYCLES, SensitivityThreshold


def after(*steps: tuple[float, int]) -> SensitivityThreshold:
    """A threshold that has seen these flows (L/h), each for so many cycles."""
    threshold = SensitivityThreshold()
    for flow_l_h, cycles in steps:
        threshold.judge(np.full(cycles, flow_l_h))
    return threshold


@pytest.mark.parametrize(
    ("steps", "direction"),
    [
        ([(0.99, 2000)], 0),
        ([(1.01, 2000)], 1),
        ([(-1.01, 2000)], -1),
        ([(1.2, 2000), (0.85, 2000)], 1),
        ([(1.2, 2000), (0.79, 2000)], 0),
        ([(1.2, 2000), (-0.85, 2000)], 0),
        ([(1.2, 2000), (-1.2, 2000)], -1),
        ([(2500.0, 1)], 1),
        ([(2500.0, 100), (0.0, QUICK_CYCLES + 1)], 0),
    ],
)
def test_hysteresis(steps: list[tuple[float, int]], direction: int) -> None:
    """On from 1.0, off below 0.8 L/h, in both directions; a tap is noticed at once and its closing after 4 s."""
    assert after(*steps).direction == direction


def test_closing_a_tap_does_not_count_as_a_slow_flow() -> None:
    """The minute after 2500 L/h is off from the fifth second on, although the slow mean is still high."""
    threshold = after((2500.0, 1000))
    forward, reverse = threshold.judge(np.zeros(2 * SLOW_CYCLES))
    assert np.flatnonzero(~forward)[0] <= QUICK_CYCLES
    assert not forward[QUICK_CYCLES:].any()
    assert not reverse.any()


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12), st.integers(0, 2**31))
def test_judgement_does_not_depend_on_the_blocks(splits: list[int], seed: int) -> None:
    """Any cutting of a flow that wanders about the threshold gives the same judgement of every cycle."""
    total = sum(splits)
    flow_l_h = np.random.default_rng(seed).normal(0.0, 0.4, total) + 1.3 * np.sin(np.arange(total) / 200.0)
    whole = SensitivityThreshold().judge(flow_l_h)
    threshold = SensitivityThreshold()
    pieces = [threshold.judge(piece) for piece in np.split(flow_l_h, np.cumsum(splits)[:-1])]
    for direction in (0, 1):
        assert np.array_equal(whole[direction], np.concatenate([piece[direction] for piece in pieces]))


@pytest.mark.parametrize("flow_l_h", [0.0, 0.3, 0.7, 0.9, 1.1, 1.5, 5.0, -0.9, -1.5])
def test_settled_flows_do_not_cross(flow_l_h: float) -> None:
    """Where a flow is called settled, an hour of noise indeed does not change the direction."""
    noise = np.random.default_rng(1).normal(flow_l_h, 0.2, 28_800)
    threshold = SensitivityThreshold()
    threshold.judge(noise[:2000])
    assert threshold.settled(flow_l_h, 0.2)
    forward, reverse = threshold.judge(noise)
    assert forward.all() or not forward.any()
    assert reverse.all() or not reverse.any()


def test_unsettled_near_the_threshold() -> None:
    """A flow at which the direction may still change is not called settled."""
    assert not after().settled(1.0, 0.2)
    assert not after((1.2, 2000)).settled(0.8, 0.2)
    assert not after((5.0, 2000)).settled(-5.0, 0.2)
