"""The true zero offset of a unit's differential time: a curve over temperature, and a slow drift with the days."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from meterbench.dut.reference_meter.array_types import Value
from meterbench.dut.reference_meter.hardware.flow_tube import REFERENCE_TEMP_C

SPREAD_PS = (30.0, 0.3, 3e-3, 3e-5)
"""Standard deviations over units of the terms in (T - 20 degC)^0..3.

[design] The constant is removed by calibration; the others make a span of 10 to 25 ps over 0.1 to 50 degC, TI's
published drift (metering.md 2.2, 2.5). No curve through three temperatures catches the cubic.
"""
DAILY_DRIFT_PS = 1.0
"""Standard deviation of a day's change (metering.md 2.5)."""
LONG_TERM_DRIFT_PS = 1.5
"""[design] Standard deviation over the years: the transducers that drift do not drift off. A walk without a bound
would take every unit out of class within a year (19 ps); a meter of R1600 must hold its zero within 4 to 6 ps for life
(metering.md 3), which is three of these."""
CROSSTALK_PS = 159.0
"""[design] Drive that leaks past the water at a thousandth of the signal shifts a 1 MHz burst by 1e-3/(2 pi f). Equal
in both directions it cancels; a difference of signals lets this times the difference through (metering.md 2.5)."""

_KEPT = 1.0 - 0.5 * (DAILY_DRIFT_PS / LONG_TERM_DRIFT_PS) ** 2
_STEP_PS = LONG_TERM_DRIFT_PS * math.sqrt(1.0 - _KEPT**2)


@dataclass(frozen=True, slots=True)
class ZeroOffset:
    """One unit's offset. ``rng`` draws its drift, a step at each midnight; day 0 is that of its calibration."""

    terms_ps: tuple[float, float, float, float]
    rng: np.random.Generator
    _drifts_ps: list[float] = field(default_factory=lambda: [0.0], repr=False)

    def at_ps(self, water_temp_c: Value) -> Value:
        """Offset in ps at a temperature, on the day of calibration."""
        above = water_temp_c - REFERENCE_TEMP_C
        constant, linear, square, cube = self.terms_ps
        offset_ps: Value = constant + above * (linear + above * (square + above * cube))
        return offset_ps

    def drift_ps(self, day: int) -> float:
        """What drift has added by this day; nothing before day 0."""
        while len(self._drifts_ps) <= day:
            self._drifts_ps.append(_KEPT * self._drifts_ps[-1] + _STEP_PS * float(self.rng.standard_normal()))
        return self._drifts_ps[max(day, 0)]


def draw_zero_offset(rng: np.random.Generator, drift_rng: np.random.Generator) -> ZeroOffset:
    """A unit's zero offset."""
    constant, linear, square, cube = (float(draw) for draw in rng.normal(0.0, SPREAD_PS))
    return ZeroOffset((constant, linear, square, cube), drift_rng)


def from_mismatch_ps(mismatch_db: float) -> float:
    """Offset that crosstalk makes where one direction's signal is stronger by so much."""
    return CROSSTALK_PS * math.expm1(math.log(10.0) * mismatch_db / 20.0)
