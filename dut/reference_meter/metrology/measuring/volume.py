"""The volume totals: integer nanolitres that never fall, and the pulses that they are worth (ADR-015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S

REMEMBERED_CYCLES = 32
NL_PER_L_H = 1e9 / 3600.0 / CYCLES_PER_S
"""Volume of one cycle at 1 L/h."""


class Total:
    """One direction's volume, and what it was after each of the last ``REMEMBERED_CYCLES``.

    What does not fill a nanolitre stays pending. Noise can make single cycles negative at low flow: the total then
    waits until that is made good, it never falls.
    """

    def __init__(self, total_nl: int = 0, pending_nl: float = 0.0) -> None:
        self.total_nl = total_nl
        self.pending_nl = pending_nl
        self._recent_nl = np.full(REMEMBERED_CYCLES + 1, total_nl, dtype=np.int64)

    def add(self, earlier_nl: float, cycles_nl: Array) -> None:
        """Add a volume that cannot be negative, then that of each of the latest cycles."""
        if len(cycles_nl) > len(self._recent_nl) and cycles_nl.min() >= 0.0:
            # None can take back what came before: only the newest need be told apart.
            earlier_nl += float(cycles_nl[: -len(self._recent_nl)].sum())
            cycles_nl = cycles_nl[-len(self._recent_nl) :]
        running = np.cumsum(cycles_nl)
        running += self.pending_nl + earlier_nl
        whole = np.maximum.accumulate(np.floor(running))
        np.maximum(whole, 0.0, out=whole)
        newest_nl = whole[-REMEMBERED_CYCLES - 1 :].astype(np.int64) + self.total_nl
        self._recent_nl = np.concatenate((self._recent_nl[len(newest_nl) :], newest_nl))
        self.total_nl = int(newest_nl[-1])
        self.pending_nl = float(running[-1] - whole[-1])

    def add_stretches(self, volumes_nl: Array) -> NDArray[np.int64]:
        """Add the volumes of stretches in one piece; the total after each. Single cycles must follow."""
        running = np.cumsum(volumes_nl)
        running += self.pending_nl
        whole = np.maximum.accumulate(np.floor(running))
        np.maximum(whole, 0.0, out=whole)
        totals_nl: NDArray[np.int64] = whole.astype(np.int64) + self.total_nl
        self.total_nl = int(totals_nl[-1])
        self.pending_nl = float(running[-1] - whole[-1])
        self._recent_nl[:] = self.total_nl
        return totals_nl

    def stand_still(self, cycles: int) -> None:
        """Let cycles go by in which nothing is registered in this direction."""
        still = min(cycles, REMEMBERED_CYCLES + 1)
        self._recent_nl[: len(self._recent_nl) - still] = self._recent_nl[still:]
        self._recent_nl[len(self._recent_nl) - still :] = self.total_nl

    def before_nl(self, cycles_ago: int) -> int:
        """The total ``cycles_ago`` cycles before the latest one was added (0: with the latest)."""
        if not 0 <= cycles_ago <= REMEMBERED_CYCLES:
            raise ValueError(f"totals are kept for the last {REMEMBERED_CYCLES} cycles, not {cycles_ago} back")
        return int(self._recent_nl[-1 - cycles_ago])


def pulses_emitted(before_nl: int, after_nl: int, pulse_volume_nl: int, cycle_fraction: float) -> int:
    """Pulses of the optical test output since the meter was made, at a fraction of the cycle after a measurement.

    The measurement took the total from ``before_nl`` to ``after_nl``; the pulses that this is worth are spread evenly
    over the cycle that follows, the last one at its end.
    """
    earlier = before_nl // pulse_volume_nl
    return earlier + int((after_nl // pulse_volume_nl - earlier) * cycle_fraction)
