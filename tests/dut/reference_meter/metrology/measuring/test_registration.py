"""What is registered of stretches in one piece: the same as of their single cycles (ADR-012, ADR-015)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import FlowAlarms
from meterbench.dut.reference_meter.metrology.measuring.registration import Registration
from meterbench.dut.reference_meter.metrology.measuring.transit import Stretches
from meterbench.dut.reference_meter.metrology.measuring.volume import REMEMBERED_CYCLES, Total
from tests.dut.reference_meter.metrology.running import CYCLE_NL_PER_L_H

Array = NDArray[np.float64]
CLEAR_AND_STILL = st.sampled_from([0.0, 0.0, 9.0, 30.0, 450.0, 3125.0, -12.0, -800.0])
DRAWS = st.lists(st.tuples(CLEAR_AND_STILL, st.integers(32, 3000)), min_size=1, max_size=10)


def registration() -> Registration:
    """After a minute of still water."""
    fresh = Registration(100_000, FlowAlarms(()))
    fresh.add_each(np.zeros(512))
    return fresh


def stretches(cycles: list[int], chance: Array) -> Stretches:
    """Only their lengths and their luck matter here: flows are told beside them."""
    nothing = np.zeros(len(cycles))
    return Stretches(np.array(cycles, dtype=np.int64), nothing, 0.0, nothing, nothing, chance)


def totals(of: Registration) -> tuple[int, int]:
    return of.forward.total_nl, of.reverse.total_nl


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-1e9, 1e12), min_size=1, max_size=12), min_size=1, max_size=5))
def test_totals_after_stretches_never_fall_and_lose_nothing(parts: list[list[float]]) -> None:
    """In any number of calls: never lower than before, the last is the total, and it is the highest sum so far."""
    total, everything, before_nl = Total(), [0.0], 0
    for volumes_nl in parts:
        after_nl = total.add_stretches(np.array(volumes_nl)).tolist()
        everything += volumes_nl
        assert after_nl == sorted(after_nl)
        assert before_nl <= after_nl[0]
        assert after_nl[-1] == total.total_nl
        assert total.total_nl == pytest.approx(float(np.cumsum(everything).max()), rel=1e-14, abs=1.01 + len(parts))
        assert {total.before_nl(ago) for ago in range(REMEMBERED_CYCLES + 1)} == {total.total_nl}
        before_nl = total.total_nl


def test_what_does_not_fill_a_nanolitre_waits() -> None:
    """Ten times 0.3 nL are 3 nL, over stretches and cycles alike."""
    total = Total()
    for _ in range(5):
        total.add_stretches(np.array([0.3]))
        total.add(0.0, np.array([0.3]))
    assert total.total_nl + total.pending_nl == pytest.approx(3.0)
    assert total.total_nl in (2, 3)


@pytest.mark.requirement("ADR-015")
@settings(deadline=None)
@given(DRAWS, st.integers(0, 2**32), st.floats(0.0, 0.15))
def test_totals_after_each_stretch(draws: list[tuple[float, int]], seed: int, sd_l_h: float) -> None:
    """With noise: none falls, the last are the registers, and each holds what flowed, within six sd of its noise."""
    flows = np.array([flow for flow, _ in draws])
    cycles = [count for _, count in draws]
    chance = np.random.default_rng(seed).standard_normal((2, len(draws)))
    registers = registration()
    after = registers.add_stretches(stretches(cycles, chance), flows, np.full(len(draws), sd_l_h))
    for totals_nl, sign, last in (
        (after.forward_nl, 1.0, registers.forward.total_nl),
        (after.reverse_nl, -1.0, registers.reverse.total_nl),
    ):
        assert totals_nl.tolist() == sorted(totals_nl.tolist())
        assert totals_nl[-1] == last
        true_nl = np.cumsum(np.maximum(sign * flows, 0.0) * cycles) * CYCLE_NL_PER_L_H
        noise_nl = 6.0 * sd_l_h * math.sqrt(sum(cycles)) * CYCLE_NL_PER_L_H + 1.0
        assert np.abs(totals_nl - true_nl).max() <= noise_nl + 6.0 * sd_l_h * 32 * len(draws) * CYCLE_NL_PER_L_H


@pytest.mark.requirement("ADR-012")
@settings(deadline=None)
@given(DRAWS)
def test_stretches_are_worth_their_single_cycles(draws: list[tuple[float, int]]) -> None:
    """Without noise, after each stretch: both totals within a nanolitre or two, and what flow is registered."""
    single, whole = registration(), registration()
    flows = np.array([flow for flow, _ in draws])
    cycles = [count for _, count in draws]
    after = whole.add_stretches(stretches(cycles, np.zeros((2, len(draws)))), flows, np.zeros(len(draws)))
    for index, (flow, count) in enumerate(draws):
        single.add_each(np.full(count, flow))
        forward_nl, reverse_nl = totals(single)
        assert abs(forward_nl - after.forward_nl[index]) <= 1 + index
        assert abs(reverse_nl - after.reverse_nl[index]) <= 1 + index
        assert after.flow_l_h[index] == flow
    everything = np.repeat(flows, cycles)[-512:]
    whole.recall(everything)
    assert whole.flow_l_h == pytest.approx(single.flow_l_h, abs=1e-9)
    for registers in (single, whole):
        registers.add_each(np.zeros(100))
    assert whole.flow_l_h == single.flow_l_h == 0.0
    assert abs(totals(whole)[0] - totals(single)[0]) <= 2 + len(draws)


@pytest.mark.parametrize("flow_l_h", [1.2, -1.2, 100.0, 0.9, 0.0])
def test_a_steady_stretch_is_worth_its_single_cycles(flow_l_h: float) -> None:
    """Between 512 cycles of the same on either side; below the threshold it is worth nothing."""
    single, whole = registration(), registration()
    for registers in (single, whole):
        registers.add_each(np.full(2000, flow_l_h))
    pieces = [300, 28_800, 50]
    mean_l_h = np.full(3, flow_l_h)
    assert whole.settled(mean_l_h, np.zeros(3))
    after = whole.add_steady(stretches(pieces, np.zeros((2, 3))), mean_l_h, np.zeros(3))
    for index, count in enumerate(pieces):
        single.add_each(np.full(count, flow_l_h))
        assert abs(single.forward.total_nl - after.forward_nl[index]) <= 2
        assert abs(single.reverse.total_nl - after.reverse_nl[index]) <= 2
        assert after.flow_l_h[index] == pytest.approx(single.flow_l_h, abs=1e-9)
    assert totals(whole) == (after.forward_nl[-1], after.reverse_nl[-1])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_blocks_register_what_single_cycles_do(seed: int, blocks: list[int]) -> None:
    """Noise, draws and reverse water about the threshold, cut anywhere: equal to a nanolitre a block."""
    chance = np.random.default_rng(seed)
    count = sum(blocks)
    levels = chance.choice([0.0, 0.9, 1.1, 5.0, 20.0, 900.0, -3.0, -60.0], size=count // 100 + 1)
    flow_l_h = np.repeat(levels, 100)[:count] + chance.normal(0.0, 0.2, count)
    single, blockwise, begin = registration(), registration(), 0
    for length in blocks:
        for cycle in range(begin, begin + length):
            single.add_each(flow_l_h[cycle : cycle + 1])
        blockwise.add_each(flow_l_h[begin : begin + length])
        begin += length
        assert np.abs(np.subtract(totals(single), totals(blockwise))).max() <= 1
        assert single.flow_l_h == pytest.approx(blockwise.flow_l_h, abs=1e-6)
        assert single.alarms.tick == blockwise.alarms.tick
