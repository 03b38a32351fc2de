"""The rows of full hours, as the firmware captures them: one when an hour has come, or those of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import AlarmChange
from meterbench.dut.reference_meter.metrology.records.columns import NO_PRESSURE, NO_TEMP, ROW
from meterbench.dut.reference_meter.metrology.status import Alarm, Status


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is the same for all rows that are captured at once."""

    status: Status
    sticky: Status
    """What the records before have not told yet: it stands in the first row."""
    ambient_temp_c: float
    absolute_mpa: float | None


def hour_rows(
    clock_ticks: NDArray[np.int64],
    forward_nl: NDArray[np.int64],
    reverse_nl: NDArray[np.int64],
    water_temp_c: Array,
    flow_l_h: Array,
    alarms: NDArray[np.uint32],
    circumstances: Circumstances,
) -> NDArray[np.void]:
    """Rows of ``ROW``, one an hour; all arrays have the shape (hours,). A temperature that is not known is NaN."""
    rows = np.zeros(len(clock_ticks), dtype=ROW)
    rows["clock_ticks"], rows["forward_nl"], rows["reverse_nl"] = clock_ticks, forward_nl, reverse_nl
    rows["status"] = int(circumstances.status)
    rows["status"][0] |= int(circumstances.sticky)
    rows["alarms"] = alarms
    known = np.isfinite(water_temp_c)
    rows["water_temp_centi_c"] = np.where(known, np.rint(np.where(known, water_temp_c, 0.0) * 100.0), NO_TEMP)
    rows["ambient_temp_centi_c"] = round(circumstances.ambient_temp_c * 100.0)
    absolute_mpa = circumstances.absolute_mpa
    rows["pressure_kpa"] = NO_PRESSURE if absolute_mpa is None else round(absolute_mpa * 1e3)
    rows["flow_ml_h"] = np.rint(flow_l_h * 1e3)
    return rows


def alarms_by_hour(
    hours: NDArray[np.int64], changes: Sequence[AlarmChange], active: Alarm, seen: int
) -> NDArray[np.uint32]:
    """What was active at any time in each of the hours that end at these ticks.

    ``active`` is so before the first of the ``changes``, ``seen`` was at any time since the record before.
    """
    flags = np.full(len(hours), int(active), dtype=np.uint32)
    flags[0] |= np.uint32(seen)
    for change in changes:
        hour = int(np.searchsorted(hours, change.tick))
        if change.on:
            flags[hour:] |= np.uint32(change.alarm)
        else:
            flags[hour + 1 :] &= ~np.uint32(change.alarm)
    return flags
