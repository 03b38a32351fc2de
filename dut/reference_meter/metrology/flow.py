"""From transit times to flow: speed of sound, temperature, viscosity, path velocity, correction over Re."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.transit import SteadyTransit
from meterbench.dut.reference_meter.metrology.water import kinematic_viscosity_m2_s, temp_from_sound_speed_c

Array = NDArray[np.float64]
Value = TypeVar("Value", float, Array)

# Nodes and weights that average over a normal distribution: equal steps over +-6 sd, exact to 1e-8.
_NODES = np.linspace(-6.0, 6.0, 97)
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()


_FEW_CYCLES = 256
_MANY_HINGES = 16


@dataclass(frozen=True, slots=True)
class Water:
    """What a block's absolute times say of the water, and what a picosecond of dt is worth in it."""

    temp_c: float
    l_h_per_ps: float
    """Uncorrected flow."""
    re_per_ps: float


@dataclass(frozen=True, slots=True)
class Parabola:
    """Flow where the correction is linear in Re: ``linear * dt + square * dt * |dt|``, L/h from ps."""

    linear: float
    square: float

    def flow_l_h(self, moved_ps: Value) -> Value:
        """Flow at a dt, offset removed; rises with dt."""
        flow_l_h: Value = moved_ps * (self.linear + self.square * abs(moved_ps))
        return flow_l_h


class FlowComputer:
    """Flow from transit times with one unit's calibration."""

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self._knots = np.array(calibration.re_knots)
        self._factors = np.array(calibration.factors)
        slopes = np.diff(self._factors) / np.diff(self._knots)
        self._slopes = np.concatenate(([0.0], slopes, [0.0]))
        self._intercepts = np.concatenate((self._factors, self._factors[-1:]))
        self._intercepts[1:-1] = self._factors[:-1] - slopes * self._knots[:-1]

    def water(self, t_up_s: float, t_dn_s: float) -> Water:
        """Temperature and sensitivity from the absolute times, delay removed (metering.md 2.1, estimator 2)."""
        told = self.calibration
        up_s, dn_s = t_up_s - told.delay_s, t_dn_s - told.delay_s
        path_m = told.axial_m + told.legs_m
        temp_c = temp_from_sound_speed_c(2.0 * path_m / (up_s + dn_s))
        velocity_per_ps = 1e-12 * path_m**2 / (2.0 * told.axial_m * up_s * dn_s)
        area_m2 = math.pi * told.throat_m**2 / 4.0
        return Water(
            temp_c=temp_c,
            l_h_per_ps=velocity_per_ps * area_m2 * 3.6e6,
            re_per_ps=velocity_per_ps * told.throat_m / kinematic_viscosity_m2_s(temp_c),
        )

    def flow_l_h(self, dt_ps: Array, water: Water) -> Array:
        """Signed flow of each cycle."""
        moved_ps = dt_ps - self.calibration.zero_offset_ps
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
        between two knots."""
        if low_ps * high_ps <= 0.0:
            return None
        pieces = self._knots.searchsorted((abs(low_ps) * water.re_per_ps, abs(high_ps) * water.re_per_ps))
        if pieces[0] != pieces[1]:
            return None
        scale = water.l_h_per_ps
        return Parabola(
            linear=scale * float(self._intercepts[pieces[0]]),
            square=scale * water.re_per_ps * float(self._slopes[pieces[0]]),
        )

    def steady_flow_l_h(self, steady: SteadyTransit, water: Water) -> tuple[float, float]:
        """Mean and standard deviation of a single cycle's flow in a steady stretch."""
        flow_l_h = self.flow_l_h(steady.mean_dt_ps + steady.sd_dt_ps * _NODES, water)
        mean_l_h = float(_WEIGHTS @ flow_l_h)
        return mean_l_h, math.sqrt(float(_WEIGHTS @ (flow_l_h - mean_l_h) ** 2))
