"""Never both optional sensors (technical description 11, ADR-021)."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus
from meterbench.dut.reference_meter.hardware.sensors.pressure_sensor import PressureErrors, PressureSensor
from meterbench.dut.reference_meter.hardware.sensors.pt1000 import Element
from meterbench.dut.reference_meter.hardware.sensors.resistance_input import ResistanceInput, WireFault
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted, SensorConflict, find_fitted


def bus(pressure: bool) -> Bus:
    made = Bus()
    if pressure:
        made.attach(0x6D, PressureSensor(PressureErrors(), lambda: 0.0, np.random.default_rng(1)))
    return made


def measured_ohm(fault: WireFault | None) -> float:
    wires = ResistanceInput(Element(), 0.0, np.random.default_rng(1))
    wires.fault = fault
    return wires.measured_ohm(20.0)


@pytest.mark.parametrize(
    ("fault", "pressure", "fitted"),
    [
        (WireFault.OPEN, False, Fitted.NONE),
        (WireFault.OPEN, True, Fitted.PRESSURE),
        (None, False, Fitted.PT1000),
        (WireFault.SHORT, False, Fitted.PT1000),
    ],
)
def test_what_is_fitted(fault: WireFault | None, pressure: bool, fitted: Fitted) -> None:
    """Nothing on the input and nobody on the bus is NONE; a PT1000 with a short circuit is still one."""
    assert find_fitted(measured_ohm(fault), bus(pressure)) is fitted


@pytest.mark.parametrize("fault", [None, WireFault.SHORT])
def test_both_are_refused(fault: WireFault | None) -> None:
    """And the error says what was found and what to do."""
    with pytest.raises(SensorConflict, match=r"PT1000 .* ohm\) and a pressure sensor .*0x6D.*; remove one"):
        find_fitted(measured_ohm(fault), bus(pressure=True))
