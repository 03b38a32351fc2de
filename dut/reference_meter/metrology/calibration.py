"""What the end of the line writes into a meter: geometry, delay and zero over temperature, correction over Re."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass

from meterbench.dut.reference_meter.array_types import Value
from meterbench.dut.reference_meter.metrology.refusal import Refused

Curve = tuple[float, float, float]
"""Terms of a parabola in (T - 20 degC): three temperatures determine it."""

REFERENCE_TEMP_C = 20.0
_WIDEST = {"throat_m": (5e-3, 50e-3), "axial_m": (0.02, 0.5), "legs_m": (0.0, 0.2), "expansion_per_k": (0.0, 2e-4)}
_LARGEST_DELAY_S = 5e-6
_LARGEST_OFFSET_PS = 2000.0
_FACTORS = (0.5, 2.0)
_COLDEST_C, _WARMEST_C = 0.1, 50.0
"""Where the curves are used."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One unit's calibration; lengths at 20 degC.

    ``factors[i]`` is true over uncorrected flow at the Reynolds number ``re_knots[i]`` that the firmware finds from its
    uncorrected path velocity; linear in Re in between, constant beyond. A table over flow alone would leave 1 to 3 %
    in cold and warm water, because the transition sits at a Reynolds number (metering.md 2.4).

    ``Refused`` for figures that no meter has.
    """

    throat_m: float
    axial_m: float
    legs_m: float
    expansion_per_k: float = 0.0
    delay_s: Curve = (0.0, 0.0, 0.0)
    zero_offset_ps: Curve = (0.0, 0.0, 0.0)
    re_knots: tuple[float, ...] = (1.0,)
    factors: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        for name, (low, high) in _WIDEST.items():
            if not low <= getattr(self, name) <= high:
                raise Refused(f"calibration: {name} is {getattr(self, name)}, allowed is {low} to {high}")
        for name, limit in (("delay_s", _LARGEST_DELAY_S), ("zero_offset_ps", _LARGEST_OFFSET_PS)):
            curve = getattr(self, name)
            if len(curve) != 3 or not all(abs(curve_at(curve, temp_c)) <= limit for temp_c in _extremes_c(curve)):
                raise Refused(f"calibration: {name} is {curve}, it must stay within +-{limit} from 0.1 to 50 degC")
        if len(self.re_knots) != len(self.factors) or not self.re_knots:
            raise Refused(f"calibration: {len(self.re_knots)} re_knots need as many factors, not {len(self.factors)}")
        if not all(math.isfinite(knot) and knot > 0.0 for knot in self.re_knots) or any(
            b <= a for a, b in zip(self.re_knots, self.re_knots[1:], strict=False)
        ):
            raise Refused(f"calibration: re_knots must rise from above zero: {self.re_knots}")
        if not all(_FACTORS[0] <= factor <= _FACTORS[1] for factor in self.factors):
            raise Refused(f"calibration: factors must lie between {_FACTORS[0]} and {_FACTORS[1]}: {self.factors}")

    @property
    def digest(self) -> str:
        """SHA-256 of all parameters, hex: what the audit record names them by."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def curve_at(curve: Curve, temp_c: Value) -> Value:
    """A curve's value at a temperature in degC."""
    above = temp_c - REFERENCE_TEMP_C
    constant, linear, square = curve
    value: Value = constant + above * (linear + above * square)
    return value


def _extremes_c(curve: Curve) -> tuple[float, ...]:
    """Temperatures between which a curve cannot exceed what it is at one of them: both ends, and its turning point."""
    _, linear, square = curve
    turning_c = REFERENCE_TEMP_C - linear / (2.0 * square) if square else REFERENCE_TEMP_C
    return (_COLDEST_C, min(max(turning_c, _COLDEST_C), _WARMEST_C), _WARMEST_C)
