"""The water thermometer: temperature from the resistance of a PT1000 (IEC 60751, metering.md 4.1, ADR-020)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault

OPEN_ABOVE_OHM = 1400.0
SHORT_BELOW_OHM = 800.0
"""104 degC and -51 degC: no water is so hot or so cold (metering.md 4.1)."""

_R0_OHM = 1000.0
_A, _B, _C = 3.9083e-3, -5.775e-7, -4.183e-12


def temp_from_resistance_c(element_ohm: float) -> float:
    """Temperature, degC, of a nominal PT1000 of this resistance; within 1e-4 K over -25..70 degC.

    The quadratic is exact from 0 degC on. Below, it errs by the term with C (-0.002 K at -25 degC), which is small
    enough for a single step of Newton's to remove.
    """
    temp_c = (-_A + math.sqrt(_A * _A - 4.0 * _B * (1.0 - element_ohm / _R0_OHM))) / (2.0 * _B)
    if temp_c < 0.0:
        temp_c -= _C * (temp_c - 100.0) * temp_c**3 / (_A + 2.0 * _B * temp_c)
    return temp_c


@dataclass(frozen=True, slots=True)
class WaterThermometer:
    """The thermometer with what its calibration knows."""

    lead_loop_ohm: float = 0.0
    """Resistance of the two leads together, which is taken off."""

    def temp_c(self, measured_ohm: float) -> float | SensorFault:
        """Water temperature, degC; a resistance that no water can give is a fault, and so is no number at all."""
        if measured_ohm < SHORT_BELOW_OHM:
            return SensorFault.SHORT
        if not measured_ohm <= OPEN_ABOVE_OHM:
            return SensorFault.OPEN
        return temp_from_resistance_c(measured_ohm - self.lead_loop_ohm)
