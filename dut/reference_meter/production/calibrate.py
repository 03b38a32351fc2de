"""The calibration procedure at the end of the line, through the meter's calibration interface.

1. Both ends blocked, at three temperatures: zero offset and delay, each a parabola in the temperature.
2. Four flows at each of the three: true over indicated flow. They move the type's correction, a unit's own deviation
   being smooth over Re but for the ripple of the transition, which no four flows can catch.
3. The result is written, and the meter sealed: its audit record says so.

The procedure sees what the rig tells and what the meter indicates, never what the unit is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.hardware.sensor import Sensor
from meterbench.dut.reference_meter.metrology.calibration import REFERENCE_TEMP_C, Calibration, Curve
from meterbench.dut.reference_meter.metrology.measuring.measurement import Measurement
from meterbench.dut.reference_meter.metrology.measuring.water import kinematic_viscosity_m2_s, sound_speed_m_s
from meterbench.dut.reference_meter.production.rig import REFERENCE_SD, RigRecord, run_points

TEMPERATURES_C = (5.0, 20.0, 50.0)
ZERO_HOURS = 4.0
"""0.1 ps of a good unit's noise is left: 0.04 % of the lowest Q1."""
FLOW_HOURS = 1.0
FLOW_SHARES = (1.0 / 1250.0, 0.007, 0.12, 1.0)
"""[design] Of the largest Q3 of the diameter: between Q1 and Q2 of R1600, below and above the transition at each of the
temperatures, and Q3."""
LARGEST_Q3_L_H = {15: 2500.0, 20: 4000.0, 25: 6300.0}
_KNOTS_RE = (60.0, 900.0, 8000.0, 1e5)
"""[design] Between these the unit's deviation from the type is a line in ln Re."""
_EXPECTED_NOISE_L_H = 0.002
"""[design] Of an hour at one flow and of the zero, as a flow of DN15: what the weights of the points go by, which need
not be exact."""


def calibrate(firmware: Measurement, sensor: Sensor, dn: int, rng: np.random.Generator, by: str) -> None:
    """Calibrate and seal a meter. ``Refused`` if the meter is sealed or the result is no meter's."""
    temps_c = np.array(TEMPERATURES_C)
    still = run_points(sensor, rng, np.zeros(len(temps_c)), temps_c, ZERO_HOURS)
    at_zero = with_zero_and_delay(firmware, still)
    firmware.calibrate(at_zero, by)
    flows_l_h = np.tile(np.array(FLOW_SHARES) * LARGEST_Q3_L_H[dn], len(temps_c))
    flowing = run_points(sensor, rng, flows_l_h, np.repeat(temps_c, len(FLOW_SHARES)), FLOW_HOURS)
    firmware.calibrate(_with_flow(firmware, at_zero, flowing), by)
    firmware.seal(by)


def with_zero_and_delay(firmware: Measurement, still: RigRecord) -> Calibration:
    """The calibration in force, with zero and delay as found in still water at three temperatures."""
    told, seen, temp_c = firmware.calibration, firmware.average(still.stretches), still.water_temp_c
    path_m = (told.axial_m + told.legs_m) * (1.0 + told.expansion_per_k * (temp_c - REFERENCE_TEMP_C))
    delay_s = (seen.t_up_s + seen.t_dn_s) / 2.0 - path_m / sound_speed_m_s(temp_c)
    return replace(told, delay_s=_parabola(temp_c, delay_s), zero_offset_ps=_parabola(temp_c, seen.dt_ps))


def _parabola(temp_c: Array, found: Array) -> Curve:
    """Through three points."""
    constant, linear, square = np.polynomial.polynomial.polyfit(temp_c - REFERENCE_TEMP_C, found, 2)
    return float(constant), float(linear), float(square)


def _with_flow(firmware: Measurement, at_zero: Calibration, flowing: RigRecord) -> Calibration:
    """The type's correction, moved by what the unit showed: least squares for the deviation at four knots in ln Re."""
    seen = firmware.average(flowing.stretches)
    deviation = flowing.flow_l_h / seen.flow_l_h - 1.0
    throat_m2 = np.pi * at_zero.throat_m**2 / 4.0
    velocity_m_s = flowing.flow_l_h / 3.6e6 / throat_m2
    reynolds = velocity_m_s * at_zero.throat_m / kinematic_viscosity_m2_s(flowing.water_temp_c)
    weights = 1.0 / np.hypot(_EXPECTED_NOISE_L_H / flowing.flow_l_h, REFERENCE_SD)
    shares = _hats(reynolds)
    at_knots, *_ = np.linalg.lstsq(shares * weights[:, np.newaxis], deviation * weights, rcond=None)
    moved = np.array(at_zero.factors) * (1.0 + _hats(np.array(at_zero.re_knots)) @ at_knots)
    return replace(at_zero, factors=tuple(float(factor) for factor in moved))


def _hats(reynolds: Array) -> Array:
    """Weight of each knot at each Re, shape (points, knots): linear in ln Re, constant beyond the ends."""
    ln_knots = np.log(_KNOTS_RE)
    identity = np.eye(len(ln_knots))
    return np.stack([np.interp(np.log(reynolds), ln_knots, row) for row in identity], axis=1)
