"""The sensitivity threshold on flows without and with noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.measuring.threshold import (
    CLEAR_L_H,
    QUICK_CYCLES,
    SLOW_CYCLES,
    SensitivityThreshold,
)


def after(*steps: tuple[float, int]) -> SensitivityThreshold:
    """A threshold that has seen these flows (L/h), each for so many cycles."""
    threshold = SensitivityThreshold()
    for flow_l_h, cycles in steps:
        threshold.judge(np.full(cycles, flow_l_h))
    return threshold


@pytest.mark.requirement("ADR-012")
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


@pytest.mark.requirement("ADR-012")
@pytest.mark.parametrize("flow_l_h", [8.0, 480.0, -8.0, -480.0])
def test_a_tap_counts_from_its_first_shot(flow_l_h: float) -> None:
    """A single clear shot after still water is registered in its own direction, and in no other."""
    threshold = after((0.0, 2000))
    forward, reverse = threshold.judge(np.array([flow_l_h]))
    assert (forward[0], reverse[0]) == (flow_l_h > 0.0, flow_l_h < 0.0)


@given(st.lists(st.floats(CLEAR_L_H, 3000.0).flatmap(lambda q: st.sampled_from([q, -q])), min_size=1, max_size=50))
def test_water_that_swings_is_told_apart(flows_l_h: list[float]) -> None:
    """Every clear shot is registered in the direction of its own flow, whatever went before."""
    forward, reverse = SensitivityThreshold().judge(np.array(flows_l_h))
    assert forward.tolist() == [flow > 0.0 for flow in flows_l_h]
    assert reverse.tolist() == [flow < 0.0 for flow in flows_l_h]


@given(
    st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=80),
    st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=40),
)
def test_what_is_certain_is_so(before: list[float], flows_l_h: list[float]) -> None:
    """Where the direction is called certain, judging each cycle says the same of all of them."""
    threshold, judged = SensitivityThreshold(), SensitivityThreshold()
    threshold.judge(np.array(before))
    judged.judge(np.array(before))
    certain = threshold.certain_direction(min(flows_l_h), max(flows_l_h))
    forward, reverse = judged.judge(np.array(flows_l_h))
    if certain:
        assert (forward.all(), reverse.all()) == (certain > 0, certain < 0)
        assert not (forward & reverse).any()


@pytest.mark.requirement("ADR-015")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("flow_l_h", [0.3, 0.7, 0.9, 1.1, 1.5, 5.0])
def test_a_flow_is_never_registered_against_itself(sign: int, flow_l_h: float) -> None:
    """A minute of 1000 L/h the other way does not make a small flow count in that direction once the quick mean has
    forgotten it; 1.1 L/h is registered from then on."""
    threshold = after((-sign * 1000.0, 480))
    verdicts = threshold.judge(np.full(2000, sign * flow_l_h))
    along, against = verdicts[::sign]
    assert not against[QUICK_CYCLES:].any()
    assert along[QUICK_CYCLES:].all() == (flow_l_h > 1.0)
    assert along[QUICK_CYCLES:].any() == (flow_l_h > 1.0)


def test_forgetting() -> None:
    """After a reset nothing is on and nothing is remembered."""
    threshold = after((2500.0, 1000))
    threshold.reset()
    assert (threshold.direction, threshold.quick_mean_l_h, threshold.newest_l_h) == (0, 0.0, 0.0)


@pytest.mark.parametrize(("flow_l_h", "direction"), [(50.0, 1), (-50.0, -1), (0.0, 0), (0.39, 0)])
def test_recalling(flow_l_h: float, direction: int) -> None:
    """After clear or quiet flows that were not judged the quick mean tells the direction."""
    threshold = after((2500.0, 1000))
    threshold.recall(np.full(SLOW_CYCLES, flow_l_h))
    assert threshold.direction == direction
    assert threshold.quick_mean_l_h == pytest.approx(flow_l_h)
