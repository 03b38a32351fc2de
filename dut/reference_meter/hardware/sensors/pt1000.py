"""The PT1000 in its pocket: a unit's resistance at a temperature (IEC 60751, metering.md 4.1, ADR-020).

A unit deviates in R0 and in its slope A. B and C are the alloy's: over -25..70 degC their spread would be
indistinguishable from that of A.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

R0_OHM = 1000.0
A_PER_K = 3.9083e-3
B_PER_K2 = -5.775e-7
C_PER_K4 = -4.183e-12
"""Callendar-Van Dusen (IEC 60751); the C term counts below 0 degC only."""

ZERO_SPREAD_K = 0.30
"""Class B at 0 degC (IEC 60751)."""
SLOPE_SPREAD = 0.0033
"""[design] Class B lets the error grow by 0.005 K per K. An error of 0.30 K in R0 already grows by 0.0013 K per K; a
slope that is 0.33 % off adds 0.0034 at most over -25..70 degC, so that every unit stays in its class there."""
POCKET_S = 5.0
"""[design] Time constant of the element in its pocket."""


@dataclass(frozen=True, slots=True)
class Element:
    """One unit's element: its R0 in ohm and its slope A in 1/K."""

    r0_ohm: float = R0_OHM
    a_per_k: float = A_PER_K

    def resistance_ohm(self, temp_c: float) -> float:
        """Resistance at the element's own temperature, without leads."""
        below_zero = C_PER_K4 * (temp_c - 100.0) * temp_c**3 if temp_c < 0.0 else 0.0
        return self.r0_ohm * (1.0 + self.a_per_k * temp_c + B_PER_K2 * temp_c**2 + below_zero)


def draw_element(rng: np.random.Generator) -> Element:
    """A unit of class B, spread evenly over its class [design]: real lots lie narrower."""
    return Element(
        r0_ohm=R0_OHM * (1.0 + A_PER_K * float(rng.uniform(-ZERO_SPREAD_K, ZERO_SPREAD_K))),
        a_per_k=A_PER_K * (1.0 + float(rng.uniform(-SLOPE_SPREAD, SLOPE_SPREAD))),
    )


class Pocket:
    """The pocket that holds the element: its temperature follows the water's with a lag of first order."""

    def __init__(self, temp_c: float, time_constant_s: float = POCKET_S) -> None:
        self.temp_c = temp_c
        self.time_constant_s = time_constant_s

    def advance(self, water_temp_c: float, duration_s: float) -> None:
        """Live through a stretch of constant water temperature: exact, however it is cut into steps."""
        self.temp_c -= (water_temp_c - self.temp_c) * math.expm1(-duration_s / self.time_constant_s)
