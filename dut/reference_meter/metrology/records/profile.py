"""A profile: rows captured at a fixed period, the newest of them kept (ADR-031).

Rows of any set of columns take the place of a whole row, so a change of columns moves nothing in the memory. The set is
the label of the ring: rows that were written with another set are never read.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.records.columns import ROW, Column, row_dtype
from meterbench.dut.reference_meter.metrology.storage.memory import Memory
from meterbench.dut.reference_meter.metrology.storage.ring import RecordRing, ring_bytes


class Period(Enum):
    """How often a profile is captured."""

    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


CAPACITY = {Period.HOUR: 6000, Period.DAY: 480, Period.MONTH: 480}
"""Records (technical description, 5.2): 250 days of hours, 480 days, 480 months."""


def profile_bytes(period: Period) -> int:
    """Bytes that a profile takes in the memory."""
    return ring_bytes(CAPACITY[period], ROW.itemsize)


class Profile:
    """The newest rows of one period; ``columns`` are captured until others are set."""

    def __init__(self, memory: Memory, address: int, period: Period, columns: Column) -> None:
        self.period = period
        self._ring = RecordRing(memory, address, CAPACITY[period], ROW.itemsize)
        if self._ring.label:
            self._take(Column(self._ring.label))
        else:
            self.set_columns(columns)

    @property
    def columns(self) -> Column:
        """What is captured."""
        return self._columns

    @property
    def next_number(self) -> int:
        """The number of the next record: they go on for ever."""
        return self._ring.next_number

    def __len__(self) -> int:
        return len(self._ring)

    def set_columns(self, columns: Column) -> None:
        """Capture these columns from now on; the profile is emptied. ``Refused`` for a set without TIME."""
        self._take(columns)
        self._ring.clear(label=int(columns))

    def capture(self, rows: NDArray[np.void]) -> None:
        """Add rows of ``ROW``, oldest first; the columns in force are kept of them."""
        if rows.dtype != ROW:
            raise ValueError(f"{self.period.value} profile: rows are {rows.dtype}, not {ROW}")
        payloads = np.zeros((len(rows), ROW.itemsize), dtype=np.uint8)
        kept = payloads[:, : self._row.itemsize].view(self._row)[:, 0]
        for name in self._row.names or ():
            kept[name] = rows[name]
        self._ring.append_many(payloads)

    def rows(self) -> NDArray[np.void]:
        """The records of the columns in force, oldest first, read-only."""
        packed = np.ascontiguousarray(self._ring.payloads()[:, : self._row.itemsize])
        rows = packed.view(self._row).reshape(-1)
        rows.flags.writeable = False
        return rows

    def _take(self, columns: Column) -> None:
        self._row = row_dtype(columns)
        self._columns = columns
