"""The sensitivity threshold: below 1 L/h nothing is registered, in either direction (ADR-012, metering.md 2.6).

One shot of DN25 in warm water is worth 0.38 L/h, so a mean over 4 s still wanders by 0.07 L/h: enough to tell that a
tap was opened or closed, not to tell 0.9 from 1.0 L/h for hours. Two boxcars share the work: the quick one (4 s)
decides when it is clearly off or clearly on, the slow one (64 s, 0.017 L/h) decides in between. A single shot that no
noise can make of still water needs no mean: a tap of half a second counts from its first shot, and water that swings
to and fro is told apart by its direction.
"""

from __future__ import annotations

import math

import numpy as np

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.measuring.hysteresis import Mask, hysteresis

ON_L_H = 1.0
OFF_L_H = 0.8
QUICK_OFF_L_H = 0.4
QUICK_ON_L_H = 1.3
"""Between these two magnitudes of the quick mean the slow mean decides."""
CLEAR_L_H = 8.0
"""[design] A shot of so much is flow by itself: 20 standard deviations of a good unit, seven of one with 100 ps."""
QUICK_CYCLES = 32
SLOW_CYCLES = 512
SAFE_SD = 6.0


class SensitivityThreshold:
    """Remembers the last flows and which direction is on. ``present``: False registers every shot for itself."""

    def __init__(self, *, present: bool = True) -> None:
        self.present = present
        self._recent_l_h = np.zeros(SLOW_CYCLES)
        self.direction = 0
        """1 while forward flow is registered, -1 while reverse flow is, else 0."""

    @property
    def quick_mean_l_h(self) -> float:
        """Signed mean flow of the last ``QUICK_CYCLES``."""
        return float(self._recent_l_h[-QUICK_CYCLES:].mean())

    @property
    def quick_l_h(self) -> Array:
        """A copy of the flows of the last ``QUICK_CYCLES``."""
        return self._recent_l_h[-QUICK_CYCLES:].copy()

    @property
    def newest_l_h(self) -> float:
        """Signed flow of the last cycle."""
        return float(self._recent_l_h[-1])

    def reset(self) -> None:
        """Forget all flow: nothing could be measured."""
        self._recent_l_h[:] = 0.0
        self.direction = 0

    def remember(self, flow_l_h: Array) -> None:
        """Take in the latest flows without judging them: the direction did not change."""
        newest = flow_l_h[-SLOW_CYCLES:]
        self._recent_l_h[: -len(newest)] = self._recent_l_h[len(newest) :]
        self._recent_l_h[-len(newest) :] = newest

    def recall(self, flow_l_h: Array) -> None:
        """Take in flows that were all clear or quiet: the quick mean tells the direction."""
        self.remember(flow_l_h)
        quick_l_h = self.quick_mean_l_h
        self.direction = int(quick_l_h >= QUICK_OFF_L_H) - int(quick_l_h <= -QUICK_OFF_L_H)

    def certain_direction(self, low_l_h: float, high_l_h: float) -> int:
        """1 or -1 if flows that all lie between these are registered so whatever the means say; else 0."""
        if low_l_h >= CLEAR_L_H or high_l_h <= -CLEAR_L_H:
            self.direction = 1 if low_l_h > 0.0 else -1
            return self.direction
        quick_l_h = self._recent_l_h[-QUICK_CYCLES:]
        if self.direction > 0 and low_l_h > QUICK_ON_L_H and quick_l_h.min() > QUICK_ON_L_H:
            return 1
        if self.direction < 0 and high_l_h < -QUICK_ON_L_H and quick_l_h.max() < -QUICK_ON_L_H:
            return -1
        return 0

    def settled(self, mean_l_h: float, sd_l_h: float) -> bool:
        """True if a stationary flow that fills both windows keeps the present direction (to six sd of the means)."""
        if not self.present:
            return mean_l_h * self.direction > SAFE_SD * sd_l_h
        quick_sd_l_h = SAFE_SD * sd_l_h / math.sqrt(QUICK_CYCLES)
        slow_sd_l_h = SAFE_SD * sd_l_h / math.sqrt(SLOW_CYCLES)
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
        if not self.present:
            self.remember(flow_l_h)
            self.direction = int(flow_l_h[-1] > 0.0) - int(flow_l_h[-1] < 0.0)
            return flow_l_h > 0.0, flow_l_h < 0.0
        count = len(flow_l_h)
        sums = np.empty(SLOW_CYCLES + count + 1)
        sums[0] = 0.0
        np.cumsum(np.concatenate((self._recent_l_h, flow_l_h)), out=sums[1:])
        self.remember(flow_l_h)
        newest = sums[SLOW_CYCLES + 1 :]
        decisive_l_h = (newest - sums[SLOW_CYCLES + 1 - QUICK_CYCLES : -QUICK_CYCLES]) / QUICK_CYCLES
        magnitude = np.abs(decisive_l_h)
        clear = np.abs(flow_l_h) >= CLEAR_L_H
        np.copyto(decisive_l_h, flow_l_h, where=clear)
        low_l_h, high_l_h = float(decisive_l_h.min()), float(decisive_l_h.max())
        quiet = low_l_h > -QUICK_OFF_L_H and high_l_h < QUICK_OFF_L_H
        if quiet or low_l_h >= QUICK_ON_L_H or high_l_h <= -QUICK_ON_L_H:
            # All say the same all the time.
            self.direction = int(low_l_h >= QUICK_ON_L_H) - int(high_l_h <= -QUICK_ON_L_H)
            return np.full(count, self.direction > 0), np.full(count, self.direction < 0)
        unclear = (magnitude >= QUICK_OFF_L_H) & (magnitude < QUICK_ON_L_H) & ~clear
        if unclear.any():
            slow_l_h = (newest - sums[1:-SLOW_CYCLES]) / SLOW_CYCLES
            # A slow mean of the other direction remembers other water: the quick one is then left to itself.
            np.copyto(decisive_l_h, slow_l_h, where=unclear & (slow_l_h * decisive_l_h > 0.0))
        forward = hysteresis(decisive_l_h, ON_L_H, OFF_L_H, self.direction > 0)
        reverse = hysteresis(-decisive_l_h, ON_L_H, OFF_L_H, self.direction < 0)
        self.direction = int(forward[-1]) - int(reverse[-1])
        return forward, reverse


def quick_means(recent_l_h: Array, flow_l_h: Array) -> Array:
    """The mean over ``QUICK_CYCLES`` after each of several flows that follow ``recent_l_h``."""
    sums = np.concatenate(([0.0], np.cumsum(np.concatenate((recent_l_h[1 - QUICK_CYCLES :], flow_l_h)))))
    means: Array = (sums[QUICK_CYCLES:] - sums[:-QUICK_CYCLES]) / QUICK_CYCLES
    return means
