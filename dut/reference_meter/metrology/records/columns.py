"""What a profile can capture (technical description, 5.2), and how it stands in the memory.

A set of columns is a sum of flags, its rows a packed little-endian structure in the order of the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from meterbench.dut.reference_meter.metrology.refusal import Refused

NO_TEMP = -(2**15)
NO_PRESSURE = 2**16 - 1
"""[design] What stands in a row where there was nothing to measure."""


class Column(IntFlag):
    """The catalogue. The bits stand in the memory: they never change their meaning."""

    TIME = 1 << 0
    STATUS = 1 << 1
    """``Status``."""
    FORWARD = 1 << 2
    REVERSE = 1 << 3
    ALARMS = 1 << 4
    """``Alarm``: all that were active at any time since the record before."""
    WATER_TEMP = 1 << 5
    AMBIENT_TEMP = 1 << 6
    PRESSURE = 1 << 7
    """Absolute."""
    FLOW = 1 << 8


ALL_COLUMNS = Column(sum(Column))
USUAL_COLUMNS = Column.TIME | Column.STATUS | Column.FORWARD | Column.REVERSE | Column.ALARMS | Column.WATER_TEMP
"""The parameter set of the technical description, 5.2."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a row."""

    name: str
    dtype: str
    unit: str


FIELDS = {
    Column.TIME: Field("clock_ticks", "<i8", "1/8 s since 1970-01-01 00:00 UTC"),
    Column.STATUS: Field("status", "<u4", "flags"),
    Column.FORWARD: Field("forward_nl", "<i8", "nL"),
    Column.REVERSE: Field("reverse_nl", "<i8", "nL"),
    Column.ALARMS: Field("alarms", "<u4", "flags"),
    Column.WATER_TEMP: Field("water_temp_centi_c", "<i2", "0.01 degC"),
    Column.AMBIENT_TEMP: Field("ambient_temp_centi_c", "<i2", "0.01 degC"),
    Column.PRESSURE: Field("pressure_kpa", "<u2", "kPa"),
    Column.FLOW: Field("flow_ml_h", "<i4", "mL/h"),
}


def row_dtype(columns: Column) -> np.dtype[np.void]:
    """The rows of a set of columns; ``Refused`` for a set without TIME, which no record can do without."""
    if Column.TIME not in columns or int(columns) & ~int(ALL_COLUMNS):
        raise Refused(f"columns {columns!r}: allowed is TIME with any of {ALL_COLUMNS!r}")
    return np.dtype([(FIELDS[column].name, FIELDS[column].dtype) for column in columns])


ROW = row_dtype(ALL_COLUMNS)
"""A row with all columns: what the firmware hands over to be captured."""
