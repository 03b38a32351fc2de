"""The sensitivity threshold: below 1 L/h nothing is registered, in either direction (ADR-012, metering.md 2.6).

One shot of DN25 in warm water is worth 0.38 L/h, so a mean over 4 s still wanders by 0.07 L/h: enough to tell that a
tap was opened or closed, not to tell 0.9 from 1.0 L/h for hours. Two boxcars share the work: the quick one (4 s)
decides when it is clearly off or clearly on, the slow one (64 s, 0.017 L/h) decides in between.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

ON_L_H = 1.0
OFF_L_H = 0.8
QUICK_OFF_L_H = 0.4
QUICK_ON_L_H = 1.3
"""Between these two magnitudes of the quick mean the slow mean decides."""
QUICK_CYCLES = 32
SLOW_CYCLES = 512
_SAFE_SD = 6.0

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class SensitivityThreshold:
    """Remembers the last flows and which direction is on."""

    def __init__(self) -> None:
        self._recent_l_h = np.zeros(SLOW_CYCLES)
        self.direction = 0
        """1 while forward flow is registered, -1 while reverse flow is, else 0."""

    @property
    def quick_mean_l_h(self) -> float:
        """Signed mean flow of the last ``QUICK_CYCLES``."""
        return float(self._recent_l_h[-QUICK_CYCLES:].mean())

    def reset(self) -> None:
        """Forget all flow: nothing could be measured."""
        self._recent_l_h[:] = 0.0
        self.direction = 0

    def remember(self, flow_l_h: Array) -> None:
        """Take in the latest flows without judging them: the direction did not change."""
        newest = flow_l_h[-SLOW_CYCLES:]
        self._recent_l_h[: -len(newest)] = self._recent_l_h[len(newest) :]
        self._recent_l_h[-len(newest) :] = newest

    def clearly_on(self, low_l_h: float, high_l_h: float) -> bool:
        """True if flows that all lie between these follow flows so strong that the direction cannot change."""
        quick_l_h = self._recent_l_h[-QUICK_CYCLES:]
        if self.direction > 0:
            return bool(low_l_h > QUICK_ON_L_H and quick_l_h.min() > QUICK_ON_L_H)
        return bool(self.direction < 0 and high_l_h < -QUICK_ON_L_H and quick_l_h.max() < -QUICK_ON_L_H)

    def settled(self, mean_l_h: float, sd_l_h: float) -> bool:
        """True if a stationary flow that fills both windows keeps the present direction (to six sd of the means)."""
        quick_sd_l_h = _SAFE_SD * sd_l_h / math.sqrt(QUICK_CYCLES)
        slow_sd_l_h = _SAFE_SD * sd_l_h / math.sqrt(SLOW_CYCLES)
        if self.direction == 0:
            magnitude = abs(mean_l_h)
            return magnitude + quick_sd_l_h < QUICK_ON_L_H and (
                magnitude + quick_sd_l_h < QUICK_OFF_L_H or magnitude + slow_sd_l_h < ON_L_H
            )
        along_l_h = mean_l_h * self.direction
        return along_l_h - quick_sd_l_h > QUICK_OFF_L_H and (
            along_l_h - quick_sd_l_h > QUICK_ON_L_H or along_l_h - slow_sd_l_h > OFF_L_H
        )

    def judge(self, flow_l_h: Array) -> tuple[Mask, Mask]:
        """Cycle by cycle, whether forward and whether reverse flow is registered."""
        count = len(flow_l_h)
        sums = np.empty(SLOW_CYCLES + count + 1)
        sums[0] = 0.0
        np.cumsum(np.concatenate((self._recent_l_h, flow_l_h)), out=sums[1:])
        self.remember(flow_l_h)
        newest = sums[SLOW_CYCLES + 1 :]
        mean_l_h = (newest - sums[SLOW_CYCLES + 1 - QUICK_CYCLES : -QUICK_CYCLES]) / QUICK_CYCLES
        low_l_h, high_l_h = float(mean_l_h.min()), float(mean_l_h.max())
        quiet = low_l_h > -QUICK_OFF_L_H and high_l_h < QUICK_OFF_L_H
        if quiet or low_l_h >= QUICK_ON_L_H or high_l_h <= -QUICK_ON_L_H:
            # The quick mean says the same all the time.
            self.direction = int(low_l_h >= QUICK_ON_L_H) - int(high_l_h <= -QUICK_ON_L_H)
            return np.full(count, self.direction > 0), np.full(count, self.direction < 0)
        magnitude = np.abs(mean_l_h)
        unclear = (magnitude >= QUICK_OFF_L_H) & (magnitude < QUICK_ON_L_H)
        if unclear.any():
            slow_l_h = (newest - sums[1:-SLOW_CYCLES]) / SLOW_CYCLES
            np.copyto(mean_l_h, slow_l_h, where=unclear)
        forward = _hysteresis(mean_l_h, on=self.direction > 0)
        reverse = _hysteresis(-mean_l_h, on=self.direction < 0)
        self.direction = int(forward[-1]) - int(reverse[-1])
        return forward, reverse


def _hysteresis(mean_l_h: Array, on: bool) -> Mask:
    """On from ``ON_L_H``, off below ``OFF_L_H``, in between as before."""
    above = mean_l_h >= ON_L_H
    held = (mean_l_h >= OFF_L_H) & ~above
    if not held.any():
        return above
    last_decided = np.maximum.accumulate(np.where(held, -1, np.arange(len(mean_l_h))))
    return np.where(last_decided < 0, on, above[last_decided])
