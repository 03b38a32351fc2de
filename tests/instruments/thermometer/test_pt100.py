"""Callendar and Van Dusen, both ways."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.errors import CalibrationError
from meterbench.instruments.thermometer.pt100 import IEC_PT100, PlatinumProbe

PT1000 = dataclasses.replace(IEC_PT100, r0_ohm=1000.0)


@pytest.mark.parametrize(
    ("temp_c", "resistance_ohm"),
    [
        (-25.0, 901.9234),
        (0.0, 1000.0),
        (0.1, 1000.3908),
        (10.0, 1039.0252),
        (20.0, 1077.9350),
        (25.0, 1097.3466),
        (30.0, 1116.7292),
        (50.0, 1193.9713),
        (70.0, 1270.7513),
    ],
)
def test_vectors_of_iec_60751(temp_c: float, resistance_ohm: float) -> None:
    """PT1000 values (instruments.md 11.12), to their last figure, both ways and for PT100 at a tenth."""
    assert PT1000.resistance_ohm(temp_c) == pytest.approx(resistance_ohm, abs=0.5e-4)
    assert PT1000.temp_c(resistance_ohm) == pytest.approx(temp_c, abs=2e-5)
    assert IEC_PT100.temp_c(resistance_ohm / 10) == pytest.approx(temp_c, abs=2e-5)


@given(st.floats(-200.0, 850.0))
def test_there_and_back(temp_c: float) -> None:
    """To 1 uK over the whole range of the equation."""
    assert IEC_PT100.temp_c(IEC_PT100.resistance_ohm(temp_c)) == pytest.approx(temp_c, abs=1e-6)


@given(
    st.floats(99.9, 100.1),
    st.floats(3.90e-3, 3.99e-3),
    st.floats(-6e-7, 0.0),
    st.floats(-5e-12, 0.0),
    st.floats(-50.0, 150.0),
)
def test_the_probes_own_coefficients_are_used(r0_ohm: float, a: float, b: float, c: float, temp_c: float) -> None:
    """Any certificate's coefficients, a linear probe too."""
    probe = PlatinumProbe(r0_ohm, a, b, c)
    assert probe.temp_c(probe.resistance_ohm(temp_c)) == pytest.approx(temp_c, abs=1e-6)


@pytest.mark.parametrize("resistance_ohm", [math.nan, math.inf, -math.inf, 0.0, 18.0, 391.0, 9.9e37])
def test_what_no_probe_can_have_is_no_temperature(resistance_ohm: float) -> None:
    """Open, shorted, not a number: an error, never degC."""
    with pytest.raises(CalibrationError):
        IEC_PT100.temp_c(resistance_ohm)


def test_temperature_beyond_the_equation_is_an_error() -> None:
    """And so is NaN."""
    for temp_c in (-201.0, 851.0, math.nan):
        with pytest.raises(CalibrationError):
            IEC_PT100.resistance_ohm(temp_c)
