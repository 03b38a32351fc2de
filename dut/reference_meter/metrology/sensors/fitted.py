"""Which of the two optional measurement sensors is fitted: they never work together (technical description, 11)."""

from __future__ import annotations

from enum import Enum

from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.sensors import pressure_gauge
from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus, NotAcknowledged
from meterbench.dut.reference_meter.metrology.sensors.water_thermometer import OPEN_ABOVE_OHM


class SensorConflict(Refused):
    """A meter with both a PT1000 and a pressure sensor."""


class Fitted(Enum):
    """The optional sensor of a meter."""

    NONE = "none"
    PT1000 = "pt1000"
    PRESSURE = "pressure"


def find_fitted(measured_ohm: float, bus: I2cBus) -> Fitted:
    """Look for both once, when the meter is made; ``SensorConflict`` if both are there.

    Whatever closes the resistance input is a PT1000, even one that is shorted. A wire that breaks later is a fault of
    the thermometer and must not make the meter forget that it has one: hence once.
    """
    pt1000 = measured_ohm <= OPEN_ABOVE_OHM
    pressure = _answers(bus)
    if pt1000 and pressure:
        raise SensorConflict(
            f"the meter has a PT1000 ({measured_ohm:.1f} ohm) and a pressure sensor (I2C address"
            f" 0x{pressure_gauge.ADDRESS:02X}), which never work together; remove one of them"
        )
    if pt1000:
        return Fitted.PT1000
    return Fitted.PRESSURE if pressure else Fitted.NONE


def _answers(bus: I2cBus) -> bool:
    try:
        bus.read(pressure_gauge.ADDRESS, pressure_gauge.COMMAND, 1)
    except NotAcknowledged:
        return False
    return True
