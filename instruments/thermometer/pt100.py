"""Platinum resistance thermometers by Callendar and Van Dusen, both ways, with the probe's own coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass

from meterbench.errors import CalibrationError

LOWEST_C, HIGHEST_C = -200.0, 850.0
"""Range of the equation (IEC 60751:2022, 4.2)."""


@dataclass(frozen=True, slots=True)
class PlatinumProbe:
    """R(t) = R0 (1 + A t + B t^2 + C (t - 100) t^3), C only below 0 degC; R0 in ohm, A, B, C per degC, its square ...

    The coefficients stand in the probe's certificate; ``IEC_PT100`` is the nominal curve.
    """

    r0_ohm: float
    a: float
    b: float
    c: float

    def resistance_ohm(self, temp_c: float) -> float:
        """Resistance in ohm at ``temp_c``; ``CalibrationError`` outside -200 to 850 degC."""
        if not LOWEST_C <= temp_c <= HIGHEST_C:
            raise CalibrationError(f"platinum probe: {temp_c} degC is outside {LOWEST_C} to {HIGHEST_C} degC")
        return self.r0_ohm * self._ratio(temp_c)

    def temp_c(self, resistance_ohm: float) -> float:
        """Temperature in degC at ``resistance_ohm``; ``CalibrationError`` outside the range, as for NaN."""
        lowest_ohm, highest_ohm = self.resistance_ohm(LOWEST_C), self.resistance_ohm(HIGHEST_C)
        if not lowest_ohm <= resistance_ohm <= highest_ohm:
            raise CalibrationError(
                f"platinum probe: {resistance_ohm} ohm is outside {lowest_ohm:.3f} to {highest_ohm:.3f} ohm"
            )
        # The quadratic, solved for the root at R0; written so that nothing cancels, and B = 0 may be.
        excess = 1.0 - resistance_ohm / self.r0_ohm
        temp_c = -2.0 * excess / (self.a + math.sqrt(self.a**2 - 4.0 * self.b * excess))
        if temp_c < 0:
            for _ in range(6):  # Newton: starts within 3 K, each step squares the error
                slope = self.a + 2 * self.b * temp_c + self.c * (4 * temp_c**3 - 300 * temp_c**2)
                temp_c -= (self._ratio(temp_c) - 1.0 + excess) / slope
        return temp_c

    def _ratio(self, temp_c: float) -> float:
        below_zero = self.c * (temp_c - 100.0) * temp_c**3 if temp_c < 0 else 0.0
        return 1.0 + self.a * temp_c + self.b * temp_c**2 + below_zero


IEC_PT100 = PlatinumProbe(100.0, 3.9083e-3, -5.775e-7, -4.183e-12)
"""IEC 60751:2022, 4.2."""
