"""Pure rules of 7.11, on both sides of each limit (iso4064.md 2.6)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from meterbench.bench.cycle_log import Cycles
from meterbench.instruments.capabilities import CyclePlan
from meterbench.procedures import conditions
from meterbench.procedures.durability_rules import (
    Tolerances,
    all_cycles,
    chunk,
    due_volume_l,
    each_cycle,
    listed,
    ramp_s,
)

PLAN = CyclePlan("C", 2500.0, 1.0, 15.0, 1.0, 15.0, 100)
ALLOWED = Tolerances("7.11.2", 10.0, 10.0, 5.0, 5.0, 1.0, (15.0, 25.0), 30.0)


def some(count: int = 100, **changed: float) -> Cycles:
    """As many cycles as planned; ``changed`` in the one with number 17."""
    one = {"rise_s": 1.0, "on_s": 15.0, "fall_s": 1.0, "off_s": 15.0, "flow_l_h": 2500.0,
           "volume_l": 2500.0 * 16.0 / 3600.0, "pressure_upstream_kpa": 400.0, "pressure_downstream_kpa": 200.0,
           "water_temp_c": 20.0}  # fmt: skip
    found = {"number": np.arange(1.0, count + 1.0), **{name: np.full(count, value) for name, value in one.items()}}
    for name, value in changed.items():
        found[name][16] = value
    return found


@pytest.mark.parametrize(("q3_m3_h", "expected"), [(1.6, 1.0), (6.3, 1.0), (10.0, 1.5), (16.0, 2.4)])
def test_ramps(q3_m3_h: float, expected: float) -> None:
    """0.15 x [Q3] s, at least 1 s: that is what all ADR sizes have."""
    assert ramp_s(1000.0 * q3_m3_h, 0.15, 1.0) == pytest.approx(expected)


@pytest.mark.parametrize(("q3_m3_h", "volume_m3"), [(1.6, 711.1), (2.5, 1111.1), (4.0, 1777.8), (6.3, 2800.0)])
def test_volumes(q3_m3_h: float, volume_m3: float) -> None:
    """100 000 cycles of 32 s, by size."""
    plan = CyclePlan("C", 1000.0 * q3_m3_h, 1.0, 15.0, 1.0, 15.0, 100_000)
    assert due_volume_l(plan, plan.cycles) / 1000.0 == pytest.approx(volume_m3, abs=0.05)


@pytest.mark.parametrize(
    ("depth", "cycles"), [(4096, 2048), (100_000, 2700), (1, 1), (0, 1)], ids=["log", "day", "one", "none"]
)
def test_chunks(depth: int, cycles: int) -> None:
    """Half of the log, a day at the most."""
    assert chunk(depth, 32.0, 86_400.0) == cycles


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([17], "17"), ([17, 20, 21, 22], "17, 20 to 22"), (list(range(1, 30, 2)), None)],
)
def test_numbers_are_named(numbers: list[int], text: str | None) -> None:
    """Stretches, the first ten."""
    assert listed(numbers) == ("1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and more" if text is None else text)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("flow_l_h", 2250.0, 2249.9),
        ("flow_l_h", 2750.0, 2750.1),
        ("rise_s", 1.1, 1.101),
        ("on_s", 13.5, 13.49),
        ("fall_s", 0.9, 0.899),
        ("off_s", 16.5, 16.51),
        ("water_temp_c", 15.0, 14.9),
        ("water_temp_c", 25.0, 25.1),
        ("pressure_downstream_kpa", 30.0, 29.9),
        ("flow_l_h", 2500.0, math.nan),
        ("water_temp_c", 20.0, math.nan),
    ],
)
def test_every_cycle_counts(name: str, inside: float, outside: float) -> None:
    """One of a hundred at the limit is good; beyond it, or without a number, it is named."""
    assert all(each.met for each in each_cycle(some(**{name: inside}), PLAN, ALLOWED))
    (unmet,) = [each for each in each_cycle(some(**{name: outside}), PLAN, ALLOWED) if not each.met]
    assert unmet.note == "not in cycle 17"
    assert conditions.unmet([unmet])


@pytest.mark.parametrize(("count", "met"), [(99, False), (100, True), (101, True), (102, False)])
def test_number_of_cycles(count: int, met: bool) -> None:
    """As many as asked for, and 1 % more at the most."""
    found = {each.quantity: each.met for each in all_cycles(some(count), PLAN, ALLOWED)}
    assert found == {"number of cycles": met, "total time": True, "discharged volume": True}


@pytest.mark.parametrize(("part", "met"), [(0.949, False), (0.951, True), (1.049, True), (1.051, False)])
def test_time_and_volume(part: float, met: bool) -> None:
    """Within 5 % of what the plan makes: a flow that is 6 % low all the time is in its window and yet too little."""
    slow, little = some(), some()
    for phase in ("rise_s", "on_s", "fall_s", "off_s"):
        slow[phase] *= part
    little["volume_l"] *= part
    assert [each.met for each in all_cycles(slow, PLAN, ALLOWED)] == [True, met, True]
    assert [each.met for each in all_cycles(little, PLAN, ALLOWED)] == [True, True, met]


def test_nothing_is_met_by_nothing() -> None:
    """No cycle at all."""
    empty = {name: values[:0] for name, values in some().items()}
    assert not any(each.met for each in each_cycle(empty, PLAN, ALLOWED))
    assert not any(each.met for each in all_cycles(empty, PLAN, ALLOWED))
