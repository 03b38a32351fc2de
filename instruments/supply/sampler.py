"""A fast log out of what a load has drawn between two looks at it. For simulators only.

Between two looks the current is taken as even, but for the load's regular pulses: the mean of all samples is the
charge over the time, exactly, and nothing in them is finer than the looks and those pulses.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from meterbench.instruments.supply.fed_load import Drawn

PULSE_S = 1e-3
"""[design] Length of a pulse: nobody has seen how a shot's charge is drawn."""
MC_PER_MAH = 3600.0
_SAME_INSTANT = 1e-6
"""Of a period: sums of floats never meet exactly."""


class Sampler:
    """Samples of ``period_s`` each, from ``start_s`` on; every sample is the mean over its period."""

    def __init__(self, start_s: float, drawn: Drawn, period_s: float) -> None:
        self.period_s = period_s
        self._start_s = start_s
        self._taken = 0
        self._looked_s = start_s
        self._charge_mah = drawn.charge_mah
        self._edge_mah = drawn.charge_mah + self._ripple_mah(np.array([start_s]), drawn)[0]
        """Charge at the end of the last sample."""

    def look(self, now_s: float, drawn: Drawn, most: int) -> tuple[int, NDArray[np.float64]]:
        """How many samples have ended since the last look, and the currents of (the last ``most`` of) them in mA."""
        ended = max(0, math.floor((now_s - self._start_s) / self.period_s + _SAME_INSTANT) - self._taken)
        first = self._taken + max(0, ended - most)
        edges_s = self._start_s + self.period_s * np.arange(first, self._taken + ended + 1, dtype=np.float64)
        lasted_s = now_s - self._looked_s
        rate_mah_s = (drawn.charge_mah - self._charge_mah) / lasted_s if lasted_s > 0.0 else 0.0
        charge_mah = self._charge_mah + rate_mah_s * (edges_s - self._looked_s) + self._ripple_mah(edges_s, drawn)
        if first == self._taken:
            charge_mah[0] = self._edge_mah
        self._taken += ended
        self._looked_s, self._charge_mah, self._edge_mah = now_s, drawn.charge_mah, float(charge_mah[-1])
        return ended, np.diff(charge_mah) * (3600.0 / self.period_s)

    @staticmethod
    def _ripple_mah(at_s: NDArray[np.floating], drawn: Drawn) -> NDArray[np.float64]:
        """By how much the pulses are ahead of their own mean."""
        number = at_s * drawn.pulses_per_s
        whole = np.floor(number)
        going = np.minimum((number - whole) / max(PULSE_S * drawn.pulses_per_s, 1e-12), 1.0)
        return np.asarray(drawn.pulse_mc / MC_PER_MAH * (whole + going - number))
