"""Brings the row of each hour into the profiles it belongs to (ADR-030, ADR-031).

Every row goes to the hourly profile, that of 00:00 to the daily one, that of 00:00 on the first of a month to the
monthly one (UTC). What a day's or a month's record says of the time since the record before is gathered from its hours.

A journal makes an hour's records one: the row, what was gathered before it and the numbers of the records to be written
are saved first. Whatever a cut leaves undone is done at the restart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.clock import HOUR_TICKS
from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S
from meterbench.dut.reference_meter.metrology.records.columns import ROW
from meterbench.dut.reference_meter.metrology.records.profile import Period, Profile
from meterbench.dut.reference_meter.metrology.status import Status
from meterbench.dut.reference_meter.metrology.storage.memory import Memory
from meterbench.dut.reference_meter.metrology.storage.slots import TwinSlots, twin_slots_bytes

GATHERED = {"alarms": 2**32 - 1, "status": int(Status.CLOCK_SET | Status.POWER_LOST | Status.CAPTURES_MISSED)}
"""Which flags of a row say something of the time since the record before."""

_JOURNAL = np.dtype([("row", ROW), ("next_numbers", "<u4", 3), ("gathered", "<u4", (2, len(GATHERED)))])
"""The row; the next numbers of all three profiles before it is written; what the day and the month had gathered."""
RECORDER_BYTES = twin_slots_bytes(_JOURNAL.itemsize)
"""Bytes that the journal takes in the memory."""


class Recorder:
    """Fills the three profiles; its journal lies at ``address``."""

    def __init__(self, memory: Memory, address: int, hourly: Profile, daily: Profile, monthly: Profile) -> None:
        self._profiles = (hourly, daily, monthly)
        self._gathered = [[0] * len(GATHERED) for _ in (daily, monthly)]
        self._last_ticks: int | None = None
        periods = tuple(profile.period for profile in self._profiles)
        if periods != tuple(Period):
            raise ValueError(f"recorder: its profiles are to be of {tuple(Period)}, not of {periods}")
        self._journal = TwinSlots(memory, address, _JOURNAL.itemsize)
        stored = self._journal.load()
        if stored is not None:
            self._resume(np.frombuffer(stored, dtype=_JOURNAL))

    @property
    def last_row(self) -> NDArray[np.void] | None:
        """The row (``ROW``) that was captured last, shape (1,); None before the first."""
        stored = self._journal.load()
        return None if stored is None else np.frombuffer(stored, dtype=_JOURNAL)["row"]

    @property
    def last_ticks(self) -> int | None:
        """Clock time of the hour that was captured last; None before the first."""
        return self._last_ticks

    def capture(self, rows: NDArray[np.void]) -> None:
        """Take in the rows (``ROW``) of hours, oldest first; ``ValueError`` for a row that is not on the hour.

        A row after a gap is marked CAPTURES_MISSED. The journal knows the last hour only: a supply that fails among the
        others of a batch, as no meter writes them, may leave their day's or month's record out.
        """
        if not len(rows):
            return
        rows = self._mark_gaps(rows)
        self._route(rows[:-1])
        self._journal.skip_saves(len(rows) - 1)
        entry = np.zeros(1, dtype=_JOURNAL)
        entry["row"] = rows[-1:]
        entry["next_numbers"] = [profile.next_number for profile in self._profiles]
        entry["gathered"] = self._gathered
        self._journal.save(entry.tobytes())
        self._route(rows[-1:])

    def _resume(self, entry: NDArray[np.void]) -> None:
        """Go on from the journal; records that were numbered and not written are written now."""
        numbers = entry["next_numbers"][0].tolist()
        missing = [profile.next_number == number for profile, number in zip(self._profiles, numbers, strict=True)]
        self._gathered = entry["gathered"][0].tolist()
        self._route(entry["row"], missing)

    def _mark_gaps(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """A copy of the rows, with a mark where an hour is missing before."""
        marked = rows.copy()
        ticks = rows["clock_ticks"]
        (astray,) = np.nonzero(ticks % HOUR_TICKS)
        if len(astray):
            raise ValueError(f"recorder: {ticks[astray[0]]} ticks are not on the hour")
        before = np.concatenate(([ticks[0] if self._last_ticks is None else self._last_ticks], ticks[:-1]))
        marked["status"][ticks - before > HOUR_TICKS] |= np.uint32(Status.CAPTURES_MISSED)
        return marked

    def _route(self, rows: NDArray[np.void], to_write: Sequence[bool] = (True, True, True)) -> None:
        """Gather, and write the records that are due into the profiles ``to_write``."""
        if not len(rows):
            return
        daily, monthly = _due(rows["clock_ticks"])
        records = (rows, _gather(rows, daily, self._gathered[0]), _gather(rows, monthly, self._gathered[1]))
        for profile, due, wanted in zip(self._profiles, records, to_write, strict=True):
            if wanted and len(due):
                profile.capture(due)
        self._last_ticks = int(rows["clock_ticks"][-1])


def _due(clock_ticks: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of these hours are records of the day, and of the month."""
    time = (clock_ticks // CYCLES_PER_S).astype("datetime64[s]")
    day = time.astype("datetime64[D]")
    daily = time == day
    return daily, daily & (day == day.astype("datetime64[M]"))


def _gather(rows: NDArray[np.void], due: NDArray[np.bool_], gathered: list[int]) -> NDArray[np.void]:
    """The rows that are due, with the flags since the record before; what comes after the last stays ``gathered``."""
    (ends,) = np.nonzero(due)
    records = rows[ends]
    starts = np.concatenate(([0], ends + 1))
    for number, (name, flags) in enumerate(GATHERED.items()):
        # A zero at the end, for what has been since the last record if that was the last row.
        each = np.zeros(len(rows) + 1, dtype=np.uint32)
        each[:-1] = rows[name] & np.uint32(flags)
        since = np.bitwise_or.reduceat(each, starts)
        since[0] |= np.uint32(gathered[number])
        records[name] |= since[:-1]
        gathered[number] = int(since[-1])
    return records
