"""A limit on the mean flow of the last four seconds, with hysteresis, and when such a mean crosses it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.alarms.hold import Cycles
from meterbench.dut.reference_meter.metrology.measuring.hysteresis import Mask, hysteresis
from meterbench.dut.reference_meter.metrology.measuring.threshold import QUICK_CYCLES


@dataclass(frozen=True, slots=True)
class Level:
    """Flow of ``on_l_h`` and beyond counts until it is below ``off_l_h``. Negative limits are for reverse flow."""

    on_l_h: float
    off_l_h: float

    def __post_init__(self) -> None:
        if not (self.on_l_h != 0.0 and 0.0 < self.off_l_h / self.on_l_h <= 1.0):
            raise ValueError(f"a flow that counts from {self.on_l_h} L/h on cannot end at {self.off_l_h} L/h")

    @property
    def _sign(self) -> float:
        return 1.0 if self.on_l_h > 0.0 else -1.0

    def decided(self, low_l_h: float, high_l_h: float, was: bool) -> bool | None:
        """Whether flows count that all lie between two; None if it is not the same for all."""
        if self._sign < 0.0:
            low_l_h, high_l_h = -high_l_h, -low_l_h
        if low_l_h >= abs(self.off_l_h if was else self.on_l_h):
            return True
        if high_l_h < abs(self.off_l_h if was else self.on_l_h):
            return False
        return None

    def counts(self, flow_l_h: Array, was: bool) -> Mask:
        """Flow by flow, whether it counts; ``was`` is what was before."""
        return hysteresis(self._sign * flow_l_h, abs(self.on_l_h), abs(self.off_l_h), was)

    def spells(self, recent_l_h: Array, cycles: Cycles, flow_l_h: Array, was: bool) -> tuple[Cycles, Cycles]:
        """First cycles of the spells in which the mean counts, and their ends.

        Stretches of steady flow of so many ``cycles`` each, after ``recent_l_h`` of the last ``QUICK_CYCLES``. The mean
        is linear between the stretches' edges and the same edges ``QUICK_CYCLES`` later.
        """
        flow_l_h, recent_l_h = self._sign * flow_l_h, self._sign * recent_l_h
        on, off = abs(self.on_l_h), abs(self.off_l_h)
        end = int(cycles.sum())
        if max(float(recent_l_h.max()), float(flow_l_h.max(initial=0.0))) < on and not was:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        edges = np.concatenate((np.arange(-QUICK_CYCLES, 0), [0], np.cumsum(cycles)))
        sums = np.concatenate(([0.0], np.cumsum(np.concatenate((recent_l_h, cycles * flow_l_h)))))
        corners = np.sort(np.concatenate((edges, edges + QUICK_CYCLES)), kind="stable")  # two sorted ones: a merge
        corners = corners[(corners >= 0) & (corners <= end) & (np.diff(corners, prepend=corners[0] - 1) > 0)]
        mean = (np.interp(corners, edges, sums) - np.interp(corners - QUICK_CYCLES, edges, sums)) / QUICK_CYCLES
        before, after = mean[:-1], mean[1:]
        rises, falls = (before < on) & (after >= on), (before >= off) & (after < off)
        slope = (after - before) / np.diff(corners)
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.ceil(corners[:-1] + (on - before) / slope)[rises]
            down = np.floor(corners[:-1] + (off - before) / slope)[falls] + 1.0
        # After so many cycles the mean counts, or no longer: the last of them is the one that made it so.
        at = np.concatenate(([1.0], up, down)).astype(np.int64) - 1
        # A limit that is new finds a mean that is beyond it already.
        first = mean[0] >= (off if was else on)
        starts = np.concatenate(([first], np.repeat([True, False], [len(up), len(down)])))
        order = np.argsort(at, kind="stable")
        at, starts = at[order], starts[order]
        changes = starts != np.append(was, starts[:-1])
        at, starts = at[changes], starts[changes]
        if was:
            at, starts = np.append(0, at), np.append(True, starts)
        begins, ends = at[starts], np.append(at[~starts], end)[: int(starts.sum())]
        return begins[begins < ends], ends[begins < ends]
