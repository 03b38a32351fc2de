"""Rows to be captured, and the calendar as the standard library has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.memory import Fram
from meterbench.dut.reference_meter.metrology.records.columns import ALL_COLUMNS, ROW, Column
from meterbench.dut.reference_meter.metrology.records.profile import Period, Profile, profile_bytes
from meterbench.dut.reference_meter.metrology.records.recorder import RECORDER_BYTES, Recorder

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADDRESSES = {
    Period.HOUR: RECORDER_BYTES,
    Period.DAY: RECORDER_BYTES + profile_bytes(Period.HOUR),
    Period.MONTH: RECORDER_BYTES + profile_bytes(Period.HOUR) + profile_bytes(Period.DAY),
}
SIZE = RECORDER_BYTES + sum(profile_bytes(period) for period in Period)


def ticks(time: datetime) -> int:
    """Eighths of a second since 1970."""
    return (time - EPOCH) // timedelta(seconds=1) * 8


def hours(start: datetime, count: int) -> NDArray[np.void]:
    """Rows of consecutive hours; each tells by its forward volume which hour it is."""
    rows = np.zeros(count, dtype=ROW)
    rows["clock_ticks"] = ticks(start) + np.arange(count) * 8 * 3600
    rows["forward_nl"] = np.arange(count) * 1000 + 7
    return rows


class Store:
    """The three profiles and their recorder, as they start up over a memory."""

    def __init__(self, memory: Fram, columns: Column = ALL_COLUMNS) -> None:
        self.hourly, self.daily, self.monthly = (
            Profile(memory, ADDRESSES[period], period, columns) for period in Period
        )
        self.recorder = Recorder(memory, 0, self.hourly, self.daily, self.monthly)

    def times(self) -> tuple[list[datetime], list[datetime], list[datetime]]:
        """Of the records of each profile."""
        hourly, daily, monthly = (
            [EPOCH + timedelta(seconds=tick // 8) for tick in profile.rows()["clock_ticks"].tolist()]
            for profile in (self.hourly, self.daily, self.monthly)
        )
        return hourly, daily, monthly
