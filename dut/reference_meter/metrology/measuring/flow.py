"""From transit times to flow: speed of sound, temperature, viscosity, path velocity, correction over Re.

Everything works on single numbers and on arrays: the water of a block is a ``Water`` of floats, that of many shots or
many stretches one of arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from meterbench.dut.reference_meter.array_types import Array, Numbers, Value
from meterbench.dut.reference_meter.metrology.calibration import REFERENCE_TEMP_C, Calibration, curve_at
from meterbench.dut.reference_meter.metrology.measuring.water import (
    NOMINAL_PRESSURE_MPA,
    SPEED_PER_PRESSURE,
    kinematic_viscosity_m2_s,
    sound_speed_m_s,
)
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault

_FEW_CYCLES = 256
_MANY_HINGES = 16
_TABLE_TEMP_C = np.linspace(0.0, 70.0, 1401)
"""Steps of 0.05 K, good to 1e-4 K; the speed of sound turns at 74 degC."""


CONTRADICTION_K = 5.0
"""[design] More than class B, a lead's resistance and a full range of pressure (2 K at 50 degC) together make."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What other sensors say of the water, where they are fitted."""

    water_temp_c: float | None = None
    """From a PT1000; without one the speed of sound tells the temperature."""
    pressure_mpa: float = NOMINAL_PRESSURE_MPA
    """Absolute, from the pressure sensor; without one, what is usual."""
    fault: SensorFault | None = None
    """Why a sensor that is fitted gives nothing: the firmware then does without."""


@dataclass(frozen=True, slots=True)
class Water:
    """What the absolute times say of the water, and what a picosecond of dt is worth in it."""

    temp_c: Numbers
    l_h_per_ps: Numbers
    """Uncorrected flow."""
    re_per_ps: Numbers
    zero_ps: Numbers
    """The unit's zero offset in this water."""
    contradicted: bool = False
    """The thermometer is too far from what the speed of sound says, which is then taken instead."""


@dataclass(frozen=True, slots=True)
class Parabola:
    """Flow where the correction is linear in Re: ``linear * dt + square * dt * |dt|``, L/h from ps."""

    linear: float
    square: float

    def flow_l_h(self, moved_ps: Value) -> Value:
        """Flow at a dt, offset removed; rises with dt."""
        flow_l_h: Value = moved_ps * (self.linear + self.square * np.abs(moved_ps))
        return flow_l_h


class FlowComputer:
    """Flow from transit times with one unit's calibration."""

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.tracked_ps = 0.0
        """What zero tracking found on top of the sealed zero."""
        self._knots = np.array(calibration.re_knots)
        self._factors = np.array(calibration.factors)
        self.largest_factor = max(calibration.factors)
        """No flow is larger than this times the uncorrected one."""
        slopes = np.diff(self._factors) / np.diff(self._knots)
        self._slopes = np.concatenate(([0.0], slopes, [0.0]))
        self._intercepts = np.concatenate((self._factors, self._factors[-1:]))
        self._intercepts[1:-1] = self._factors[:-1] - slopes * self._knots[:-1]
        self._sound_s = self._times_of_flight_s(_TABLE_TEMP_C)
        self._temp_by_time_c = _TABLE_TEMP_C[::-1]
        self._area_m2 = math.pi * calibration.throat_m**2 / 4.0

    def _times_of_flight_s(self, temp_c: Array) -> Array:
        """t_up + t_dn of still water at nominal pressure, falling with the temperature; returned rising."""
        told = self.calibration
        path_m = (told.axial_m + told.legs_m) * (1.0 + told.expansion_per_k * (temp_c - REFERENCE_TEMP_C))
        together: Array = 2.0 * (path_m / sound_speed_m_s(temp_c) + curve_at(told.delay_s, temp_c))
        return together[::-1]

    def water(self, t_up_s: Numbers, t_dn_s: Numbers, environment: Environment | None = None) -> Water:
        """Temperature, zero and sensitivity from the absolute times (metering.md 2.1, estimator 2).

        The fast way from times to temperature is a table, drawn up for nominal pressure.
        """
        told, known = self.calibration, environment or Environment()
        slower = SPEED_PER_PRESSURE * (known.pressure_mpa - NOMINAL_PRESSURE_MPA)
        both_ways_m = 2.0 * (told.axial_m + told.legs_m)
        at_nominal_s = (t_up_s + t_dn_s) * (1.0 + slower * (t_up_s + t_dn_s) / both_ways_m)
        temp_c: Numbers = np.interp(at_nominal_s, self._sound_s, self._temp_by_time_c)
        contradicted = False
        if known.water_temp_c is not None:
            differs = np.abs(temp_c - known.water_temp_c) > CONTRADICTION_K
            contradicted = bool(np.any(differs))
            temp_c = np.where(differs, temp_c, known.water_temp_c)
        viscosity_m2_s: Numbers = kinematic_viscosity_m2_s(temp_c)
        if isinstance(t_up_s, float):
            temp_c, viscosity_m2_s = float(temp_c), float(viscosity_m2_s)  # numpy's own numbers are slow
        warmer_k = temp_c - REFERENCE_TEMP_C
        growth = 1.0 + told.expansion_per_k * warmer_k
        delay_s = curve_at(told.delay_s, temp_c)
        path_m = told.axial_m + told.legs_m
        velocity_per_ps = 1e-12 * path_m**2 * growth / (2.0 * told.axial_m * (t_up_s - delay_s) * (t_dn_s - delay_s))
        return Water(
            temp_c=temp_c,
            l_h_per_ps=velocity_per_ps * (self._area_m2 * 3.6e6) * growth * growth,
            re_per_ps=velocity_per_ps * told.throat_m * growth / viscosity_m2_s,
            zero_ps=curve_at(told.zero_offset_ps, temp_c) + self.tracked_ps,
            contradicted=contradicted,
        )

    def flow_l_h(self, dt_ps: Array, water: Water) -> Array:
        """Signed flow of each cycle (or stretch)."""
        moved_ps = dt_ps - water.zero_ps
        reynolds = np.abs(moved_ps)
        reynolds *= water.re_per_ps
        flow_l_h = self._factor(reynolds)
        flow_l_h *= moved_ps
        flow_l_h *= water.l_h_per_ps
        return flow_l_h

    def _factor(self, reynolds: Array) -> Array:
        """The correction at each Reynolds number.

        A block of steady flow spans few pieces: a line with a hinge at each knot is then quicker than a search.
        """
        first, last = self._knots.searchsorted((reynolds.min(), reynolds.max()))
        factor: Array
        if len(reynolds) < _FEW_CYCLES or last - first > _MANY_HINGES:
            factor = np.interp(reynolds, self._knots, self._factors)
            return factor
        factor = reynolds * self._slopes[first]
        factor += self._intercepts[first]
        beyond = np.empty_like(reynolds)
        for knot in range(first, last):
            np.subtract(reynolds, self._knots[knot], out=beyond)
            np.maximum(beyond, 0.0, out=beyond)
            beyond *= self._slopes[knot + 1] - self._slopes[knot]
            factor += beyond
        return factor

    def parabola(self, low_ps: float, high_ps: float, water: Water) -> Parabola | None:
        """The flow as a parabola in dt (offset removed), if all between these two dt lies on one side of zero and
        between two knots. Only for the water of one block."""
        if low_ps * high_ps <= 0.0:
            return None
        scale, re_per_ps = float(water.l_h_per_ps), float(water.re_per_ps)
        pieces = self._knots.searchsorted((abs(low_ps) * re_per_ps, abs(high_ps) * re_per_ps))
        if pieces[0] != pieces[1]:
            return None
        return Parabola(
            linear=scale * float(self._intercepts[pieces[0]]),
            square=scale * re_per_ps * float(self._slopes[pieces[0]]),
        )

    def noisy_flow_l_h(self, mean_dt_ps: Array, sd_dt_ps: float, water: Water) -> tuple[Array, Array]:
        """Mean and standard deviation of a single cycle's flow where dt scatters so about each mean.

        Two nodes at one standard deviation are exact as long as the flow is a cubic in dt over so small a span.
        """
        low_l_h = self.flow_l_h(mean_dt_ps - sd_dt_ps, water)
        high_l_h = self.flow_l_h(mean_dt_ps + sd_dt_ps, water)
        return 0.5 * (low_l_h + high_l_h), 0.5 * (high_l_h - low_l_h)
