"""The element against the tables of IEC 60751, and its pocket (metering.md 4.1, ADR-020)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors.pt1000 import Element, Pocket, draw_element

TABLE = {
    -25.0: (901.9234, 3.938, 0.425),
    0.0: (1000.0000, 3.908, 0.300),
    0.1: (1000.3908, 3.908, 0.3005),
    10.0: (1039.0252, 3.897, 0.350),
    20.0: (1077.9350, 3.885, 0.400),
    30.0: (1116.7292, 3.874, 0.450),
    50.0: (1193.9713, 3.851, 0.550),
    70.0: (1270.7513, 3.827, 0.650),
    100.0: (1385.0550, 3.793, 0.800),
}
"""degC: ohm, ohm/K, limit of class B in K."""


@pytest.mark.parametrize("temp_c", TABLE)
def test_nominal_element_gives_the_table(temp_c: float) -> None:
    """R to the last digit of the table, dR/dT to half a unit of its last."""
    resistance_ohm, ohm_per_k, _ = TABLE[temp_c]
    element = Element()
    assert element.resistance_ohm(temp_c) == pytest.approx(resistance_ohm, abs=5.1e-5)
    slope = (element.resistance_ohm(temp_c + 1e-3) - element.resistance_ohm(temp_c - 1e-3)) / 2e-3
    assert slope == pytest.approx(ohm_per_k, abs=5.1e-4)


def class_b_k(temp_c: float) -> float:
    return 0.30 + 0.005 * abs(temp_c)


def errors_k(element: Element, temps_c: list[float]) -> list[float]:
    nominal = Element()
    return [
        (element.resistance_ohm(temp_c) - nominal.resistance_ohm(temp_c))
        / (nominal.resistance_ohm(temp_c + 0.5) - nominal.resistance_ohm(temp_c - 0.5))
        for temp_c in temps_c
    ]


def test_class_b_is_that_of_the_table() -> None:
    """The limit that the next test judges by is the standard's."""
    assert {temp_c: limit_k for temp_c, (_, _, limit_k) in TABLE.items()} == pytest.approx(
        {temp_c: class_b_k(temp_c) for temp_c in TABLE}
    )


def test_every_unit_is_class_b_over_its_range() -> None:
    """1000 units lie within class B from -25 to 70 degC, and the worst use more than 0.9 of it at either end."""
    rng = np.random.default_rng(1)
    temps_c = [-25.0, -10.0, -1.0, 0.0, 1.0, 10.0, 30.0, 50.0, 70.0]
    shares = np.array(
        [
            [error_k / class_b_k(temp_c) for error_k, temp_c in zip(errors_k(element, temps_c), temps_c, strict=True)]
            for element in (draw_element(rng) for _ in range(1000))
        ]
    )
    assert np.abs(shares).max() < 1.0
    assert shares.max() > 0.9
    assert shares.min() < -0.9


@given(st.floats(-25.0, 70.0), st.floats(-25.0, 70.0), st.lists(st.floats(0.0, 100.0), min_size=1, max_size=20))
def test_pocket_does_not_depend_on_the_steps(start_c: float, water_c: float, steps_s: list[float]) -> None:
    """Many steps through the same water come to what one step comes to."""
    stepped, straight = Pocket(start_c), Pocket(start_c)
    for step_s in steps_s:
        stepped.advance(water_c, step_s)
    straight.advance(water_c, math.fsum(steps_s))
    assert stepped.temp_c == pytest.approx(straight.temp_c, abs=1e-9)


def test_pocket_lags_by_its_time_constant() -> None:
    """After one time constant 63.2 % of a step have arrived, after no time nothing."""
    pocket = Pocket(10.0, time_constant_s=5.0)
    pocket.advance(20.0, 0.0)
    assert pocket.temp_c == 10.0
    pocket.advance(20.0, 5.0)
    assert pocket.temp_c == pytest.approx(10.0 + 10.0 * 0.6321206, abs=1e-6)
