"""The threshold's verdict on whole stretches, against its own verdict cycle by cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.measuring.stretches import Kind, kinds_of, registered_cycles
from meterbench.dut.reference_meter.metrology.measuring.threshold import QUICK_CYCLES, SLOW_CYCLES, SensitivityThreshold

pytestmark = pytest.mark.requirement("ADR-012")

Array = NDArray[np.float64]

SD_L_H = 0.07
"""Of a single shot: 35 ps on DN15 make 0.2 L/h, here it is a quiet unit's, so that the flows may come near the
threshold."""
LONG_CYCLES = 2 * QUICK_CYCLES


@dataclass(frozen=True, slots=True)
class Told:
    """Cycles of each stretch that are registered forward and reverse."""

    forward: Array
    reverse: Array


def in_closed_form(cycles: NDArray[np.int64], mean_l_h: Array) -> Told:
    clear = kinds_of(mean_l_h, np.full(len(cycles), SD_L_H)) == Kind.CLEAR
    registered, direction = registered_cycles(cycles, mean_l_h, clear)
    return Told(registered * (direction > 0), registered * (direction < 0))


def shot_by_shot(cycles: NDArray[np.int64], mean_l_h: Array, seed: int) -> Told:
    noise_l_h = np.random.default_rng(seed).normal(0.0, SD_L_H, cycles.sum())
    forward, reverse = SensitivityThreshold().judge(np.repeat(mean_l_h, cycles) + noise_l_h)
    first = np.cumsum(cycles) - cycles
    return Told(np.add.reduceat(forward, first, dtype=float), np.add.reduceat(reverse, first, dtype=float))


CLEAR = st.tuples(
    st.floats(8.0 + 6.001 * SD_L_H, 3000.0), st.sampled_from([1.0, -1.0]), st.integers(LONG_CYCLES, 600)
).map(lambda drawn: (drawn[0] * drawn[1], drawn[2]))
LONG_CLEAR = CLEAR.map(lambda drawn: (drawn[0], drawn[1] + SLOW_CYCLES))
QUIET = st.tuples(st.floats(-0.3, 0.3), st.integers(1, 600))


def courses(clear: st.SearchStrategy[tuple[float, int]]) -> st.SearchStrategy[list[tuple[float, int]]]:
    return st.lists(clear | QUIET, min_size=1, max_size=10)


def differences(course: list[tuple[float, int]], seed: int) -> tuple[float, float]:
    """Largest difference of the cycles registered in any stretch, forward and reverse."""
    mean_l_h, cycles = np.array([mean for mean, _ in course]), np.array([count for _, count in course])
    closed, single = in_closed_form(cycles, mean_l_h), shot_by_shot(cycles, mean_l_h, seed)
    return float(np.abs(closed.forward - single.forward).max()), float(np.abs(closed.reverse - single.reverse).max())


@settings(max_examples=120)
@given(courses(CLEAR), st.integers(0, 2**31))
def test_cycles_registered_are_those_of_the_threshold(course: list[tuple[float, int]], seed: int) -> None:
    """In clear stretches of eight seconds or more and quiet ones of any length the closed form registers the cycles
    that the threshold registers one by one, in each direction, but for 6 after a flow was closed: between 1.3 and
    0.4 L/h of the quick mean the slow one may decide earlier, (1.3 - 0.4) x 32/8 = 4 cycles at 8 L/h, and quiet water
    of 0.3 L/h with its noise moves the quick mean by as much as 2 cycles of 8 L/h."""
    assert max(differences(course, seed)) <= 6.0


@settings(max_examples=60)
@given(courses(LONG_CLEAR), st.integers(0, 2**31))
def test_after_long_flows(course: list[tuple[float, int]], seed: int) -> None:
    """Where the flow lasted for more than the slow mean's 64 s, the two differ by 3 cycles at the most: what quiet
    water of 0.3 L/h and noise do to the quick mean, and rounding."""
    assert max(differences(course, seed)) <= 3.0


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(8.5, 3000.0), st.sampled_from([1.0, -1.0]), st.integers(1, 40)).map(
            lambda drawn: (drawn[0] * drawn[1], drawn[2])
        )
        | QUIET,
        min_size=1,
        max_size=10,
    ),
    st.integers(0, 2**31),
)
def test_short_taps(course: list[tuple[float, int]], seed: int) -> None:
    """Of taps of any length all cycles are registered in either way; in the quiet stretch after one no more than the 32
    cycles differ that the quick mean remembers."""
    mean_l_h, cycles = np.array([mean for mean, _ in course]), np.array([count for _, count in course])
    closed, single = in_closed_form(cycles, mean_l_h), shot_by_shot(cycles, mean_l_h, seed)
    clear = np.abs(mean_l_h) > 1.0
    for told in (closed, single):
        along = np.where(mean_l_h > 0.0, told.forward, told.reverse)
        against = np.where(mean_l_h > 0.0, told.reverse, told.forward)
        assert (along[clear] == cycles[clear]).all()
        assert (against[clear] == 0).all()
    assert max(differences(course, seed)) <= QUICK_CYCLES


def test_the_quick_mean_forgets() -> None:
    """After 100 L/h, 31.87 cycles of which make the quick mean fall to 0.4 L/h, the 31 are registered of the quiet
    stretches that follow, however these are cut; before any flow none is."""
    cycles = np.array([100, 50, 10, 15, 2, 10, 900])
    mean_l_h = np.array([0.1, 100.0, 0.0, 0.1, 0.0, 0.0, 0.0])
    registered, direction = registered_cycles(cycles, mean_l_h, mean_l_h >= 8.0)
    assert registered.tolist() == [0, 50, 10, 15, 2, 4, 0]
    assert direction[1:].tolist() == [1.0] * 6


@pytest.mark.parametrize(
    ("mean_l_h", "sd_l_h", "kind"),
    [
        (0.0, 0.2, Kind.QUIET),
        (0.18, 0.2, Kind.QUIET),
        (0.2, 0.2, Kind.UNCLEAR),
        (0.39, 0.001, Kind.QUIET),
        (0.4, 0.0, Kind.UNCLEAR),
        (1.5, 0.2, Kind.UNCLEAR),
        (8.5, 0.1, Kind.UNCLEAR),
        (8.0, 0.0, Kind.CLEAR),
        (9.3, 0.2, Kind.CLEAR),
        (9.1, 0.2, Kind.UNCLEAR),
        (0.0, 1.0, Kind.UNCLEAR),
    ],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_kinds(mean_l_h: float, sd_l_h: float, kind: Kind, sign: float) -> None:
    """Quiet if six standard deviations of the quick mean stay below 0.4 L/h, clear if six of a single shot stay above
    8 L/h, in either direction."""
    assert kinds_of(np.array([sign * mean_l_h]), np.array([sd_l_h])).tolist() == [kind]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quiet_water_never_registers(seed: int) -> None:
    """Two hours at the edge of quiet are registered in no direction: six standard deviations leave 1e-9 a cycle."""
    mean_l_h, sd_l_h = 0.18, 0.2
    assert kinds_of(np.array([mean_l_h]), np.array([sd_l_h]))[0] == Kind.QUIET
    forward, reverse = SensitivityThreshold().judge(np.random.default_rng(seed).normal(mean_l_h, sd_l_h, 57_600))
    assert not forward.any()
    assert not reverse.any()
