"""The watch crystal that everything in the meter counts: measuring cycles and the clock (metering.md names none).

A tuning fork: it is tuned at 25 degC and is slow on either side, by a parabola. Twenty parts in a million are two
seconds a day on the clock, and nothing on a volume.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from meterbench.dut.reference_meter.array_types import Value

NOMINAL_HZ = 8.0
"""Measuring cycles a second."""
TURNOVER_C = 25.0
PARABOLA_PER_K2 = -0.034e-6
"""Usual of a 32 kHz tuning fork; unconfirmed for the meter's part."""
CUT_SD = 7e-6
"""[design] Spread over units at 25 degC; the part is sold as +-20 ppm."""


@dataclass(slots=True)
class Oscillator:
    """One unit's crystal: which measuring cycle has come at which time of the world."""

    cut: float
    """Relative error of the frequency at 25 degC."""
    phase: float
    """Part of a cycle by which the first one comes later than the start."""
    _since_s: float = 0.0
    _cycles: float = field(init=False)
    _rate_hz: float = field(init=False)

    def __post_init__(self) -> None:
        self._cycles = -self.phase
        self._rate_hz = NOMINAL_HZ * (1.0 + self.error(TURNOVER_C))

    def error(self, ambient_temp_c: float) -> float:
        """Relative error of the frequency."""
        return self.cut + PARABOLA_PER_K2 * (ambient_temp_c - TURNOVER_C) ** 2

    def start(self, at_s: float, ambient_temp_c: float) -> None:
        """Count from this moment on."""
        self._since_s, self._cycles = at_s, -self.phase
        self._rate_hz = NOMINAL_HZ * (1.0 + self.error(ambient_temp_c))

    def warm(self, at_s: float, ambient_temp_c: float) -> None:
        """From this moment on the crystal has another temperature."""
        self._cycles, self._since_s = self.cycles(at_s), at_s
        self._rate_hz = NOMINAL_HZ * (1.0 + self.error(ambient_temp_c))

    def cycles(self, at_s: Value) -> Value:
        """Cycles, and part of one, that have come until a time since the last start or change of temperature."""
        counted: Value = self._cycles + (at_s - self._since_s) * self._rate_hz
        return counted

    def time_s(self, cycle: Value) -> Value:
        """When a cycle comes."""
        time_s: Value = self._since_s + (cycle - self._cycles) / self._rate_hz
        return time_s


def draw_oscillator(rng: np.random.Generator, phase: float) -> Oscillator:
    """The crystal of a unit."""
    return Oscillator(float(rng.normal(0.0, CUT_SD)), phase)
