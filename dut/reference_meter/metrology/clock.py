"""The meter's clock: it counts measuring cycles, an eighth of a second each, and knows whether it can be trusted.

It runs on UTC; ticks are counted from 1970-01-01 00:00. It stands still without supply.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S
from meterbench.dut.reference_meter.metrology.refusal import Refused

TICKS_PER_S = CYCLES_PER_S
HOUR_TICKS = 3600 * TICKS_PER_S
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 0, (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * TICKS_PER_S


class MeterClock:
    """Clock time is ``tick`` (cycles since the start) plus an offset."""

    def __init__(self, clock_ticks: int, tick: int = 0, *, valid: bool = False) -> None:
        self._offset = clock_ticks - tick
        self.valid = valid
        """False from a loss of supply until somebody sets the clock."""

    def at(self, tick: int) -> int:
        """Clock time, in ticks, when so many cycles were over."""
        return tick + self._offset

    def set(self, clock_ticks: int, tick: int) -> None:
        """Set the clock; ``Refused`` for a time before 1970 or after 2199."""
        if type(clock_ticks) is not int or not _EARLIEST <= clock_ticks < _LATEST:
            raise Refused(f"set the clock: {clock_ticks!r} is no whole number of eighths of a second in 1970 to 2199")
        self._offset = clock_ticks - tick
        self.valid = True

    def beyond_hour(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """How far beyond a full hour each of these ticks lies."""
        return (ticks + self._offset) % HOUR_TICKS

    def to_hour(self, tick: int) -> int:
        """Ticks until the next full hour: 1 to ``HOUR_TICKS``."""
        return HOUR_TICKS - self.at(tick) % HOUR_TICKS


def as_datetime(clock_ticks: int) -> datetime:
    """Clock time in UTC."""
    return _EPOCH + timedelta(seconds=clock_ticks / TICKS_PER_S)
