"""The PLC's retentive memory of its cycles: how many were done, and the summaries of the latest."""

from __future__ import annotations

import numpy as np

from meterbench.instruments.rig.cycle_map import SUMMARY, WINDOW, Records

DEPTH = 4096
"""A day and a half of cycles of 32 s."""


class CycleLog:
    """A ring of ``DEPTH`` summaries. A loss of supply leaves it as it is."""

    def __init__(self) -> None:
        self._ring = np.zeros(DEPTH, dtype=SUMMARY)
        self._first = 1
        self.done = 0
        """Number of the last whole cycle."""

    @property
    def oldest(self) -> int:
        """Number of the oldest cycle that is held; 0 if there is none."""
        return max(self._first, self.done - DEPTH + 1) if self.done >= self._first else 0

    def begin(self, first: int) -> None:
        """The next cycle has this number; unless it follows the last one, what was before is forgotten."""
        if first != self.done + 1:
            self._first, self.done = first, first - 1

    def add(self, summaries: Records) -> None:
        """Keep summaries of cycles, the first of which follows the last one kept; numbers are given here."""
        numbers = self.done + 1 + np.arange(len(summaries))
        kept = summaries[-DEPTH:]
        kept["number"] = numbers[-DEPTH:]
        self._ring[(numbers[-DEPTH:] - 1) % DEPTH] = kept
        self.done = int(numbers[-1])

    def window(self, first: int) -> Records:
        """The summaries of ``WINDOW`` cycles; zeros for those that are not held."""
        numbers = first + np.arange(WINDOW)
        summaries = self._ring[(numbers - 1) % DEPTH]
        summaries[(numbers < max(self.oldest, 1)) | (numbers > self.done)] = 0
        return summaries
