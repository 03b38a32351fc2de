"""The inverse against the table and against the element (metering.md 4.1, ADR-020)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors.pt1000 import Element
from meterbench.dut.reference_meter.hardware.sensors.resistance_input import (
    ResistanceInput,
    WireFault,
    draw_resistance_input,
)
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.water_thermometer import (
    WaterThermometer,
    temp_from_resistance_c,
)


def quiet() -> ResistanceInput:
    return ResistanceInput(Element(), 0.0, np.random.default_rng(1), noise_ohm=0.0)


def reading_c(thermometer: WaterThermometer, measured_ohm: float) -> float:
    reading = thermometer.temp_c(measured_ohm)
    assert not isinstance(reading, SensorFault)
    return reading


@pytest.mark.parametrize(
    ("resistance_ohm", "temp_c"),
    [
        (901.9234, -25.0),
        (1000.0, 0.0),
        (1000.3908, 0.1),
        (1039.0252, 10.0),
        (1077.9350, 20.0),
        (1116.7292, 30.0),
        (1193.9713, 50.0),
        (1270.7513, 70.0),
        (1385.0550, 100.0),
    ],
)
def test_table(resistance_ohm: float, temp_c: float) -> None:
    """The table backwards: its last digit is worth 1.3e-5 K."""
    assert temp_from_resistance_c(resistance_ohm) == pytest.approx(temp_c, abs=3e-5)


@given(st.floats(-25.0, 70.0))
def test_round_trip_from_temperature(temp_c: float) -> None:
    """Element, then firmware: within 1e-6 K, well inside the 1e-4 K that are promised."""
    assert temp_from_resistance_c(Element().resistance_ohm(temp_c)) == pytest.approx(temp_c, abs=1e-6)


@given(st.floats(901.9234, 1270.7513))
def test_round_trip_from_resistance(resistance_ohm: float) -> None:
    """Firmware, then element: within 4e-6 ohm, the same 1e-6 K."""
    assert Element().resistance_ohm(temp_from_resistance_c(resistance_ohm)) == pytest.approx(resistance_ohm, abs=4e-6)


@pytest.mark.parametrize(("temp_c", "error_k", "digits"), [(-10.0, -0.0001, 4), (-20.0, -0.001, 3), (-25.0, -0.002, 3)])
def test_quadratic_errs_below_zero(temp_c: float, error_k: float, digits: int) -> None:
    """Without its correction the inverse would err as metering.md 4.1 says: the C term is really there."""
    ratio = Element().resistance_ohm(temp_c) / 1000.0
    roots = np.roots([-5.775e-7, 3.9083e-3, 1.0 - ratio])
    quadratic_c = float(roots[np.argmin(np.abs(roots))])
    assert round(quadratic_c - temp_c, digits) == error_k
    assert temp_from_resistance_c(1000.0 * ratio) == pytest.approx(temp_c, abs=1e-6)


def test_calibrated_leads_are_taken_off() -> None:
    """Untold, 0.025 ohm read 0.0064 K too much at 20 degC; told, nothing."""
    measured_ohm = quiet().measured_ohm(20.0)
    assert reading_c(WaterThermometer(), measured_ohm) == pytest.approx(20.00643, abs=1e-5)
    assert reading_c(WaterThermometer(lead_loop_ohm=0.025), measured_ohm) == pytest.approx(20.0, abs=1e-6)


def test_a_bad_contact_reads_warm() -> None:
    """1 ohm of contact resistance is 0.26 K, which the firmware cannot know."""
    wires = quiet()
    wires.contact_ohm = 1.0
    thermometer = WaterThermometer(lead_loop_ohm=0.025)
    assert reading_c(thermometer, wires.measured_ohm(20.0)) == pytest.approx(20.26, abs=0.005)


@pytest.mark.parametrize(
    ("measured_ohm", "fault"),
    [
        (1400.001, SensorFault.OPEN),
        (2000.0, SensorFault.OPEN),
        (math.inf, SensorFault.OPEN),
        (math.nan, SensorFault.OPEN),
        (799.999, SensorFault.SHORT),
        (0.025, SensorFault.SHORT),
        (0.0, SensorFault.SHORT),
    ],
)
def test_no_water_has_such_a_resistance(measured_ohm: float, fault: SensorFault) -> None:
    """Open, short, or no number: a fault, never a temperature."""
    assert WaterThermometer().temp_c(measured_ohm) is fault


@pytest.mark.parametrize(("measured_ohm", "temp_c"), [(1400.0, 103.94), (800.0, -50.77)])
def test_the_limits_themselves_are_readings(measured_ohm: float, temp_c: float) -> None:
    assert reading_c(WaterThermometer(), measured_ohm) == pytest.approx(temp_c, abs=0.01)


@pytest.mark.parametrize(("fault", "seen"), [(WireFault.OPEN, SensorFault.OPEN), (WireFault.SHORT, SensorFault.SHORT)])
def test_broken_wires_are_told_apart(fault: WireFault, seen: SensorFault) -> None:
    """From the wire to the firmware's fault, at both ends of the range."""
    wires = quiet()
    wires.fault = fault
    for temp_c in (-25.0, 70.0):
        assert WaterThermometer().temp_c(wires.measured_ohm(temp_c)) is seen


def test_units_read_within_class_b() -> None:
    """200 units with leads, reference and noise stay within class B widened by 0.05 K for the input, over the range."""
    thermometer = WaterThermometer(lead_loop_ohm=0.025)
    noise_rng = np.random.default_rng(9)
    for seed in range(200):
        wires = draw_resistance_input(np.random.default_rng(seed), noise_rng)
        for temp_c in (-25.0, 0.0, 20.0, 70.0):
            error_k = reading_c(thermometer, wires.measured_ohm(temp_c)) - temp_c
            assert abs(error_k) < 0.30 + 0.005 * abs(temp_c) + 0.05
