"""The columns: their bytes, and which sets are allowed."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from meterbench.dut.reference_meter.metrology.records.columns import (
    ALL_COLUMNS,
    FIELDS,
    NO_PRESSURE,
    NO_TEMP,
    ROW,
    USUAL_COLUMNS,
    Column,
    row_dtype,
)
from meterbench.dut.reference_meter.metrology.refusal import Refused


def test_a_whole_row_is_packed_little_endian() -> None:
    """Its bytes, written down by hand: they stand in meters' memories."""
    figures = (2**40, 0x1FF, -1, 10**18, 0x81, NO_TEMP, -2500, NO_PRESSURE, -(2**31))
    row = np.zeros(1, dtype=ROW)
    for name, figure in zip(ROW.names or (), figures, strict=True):
        row[name] = figure
    assert row.tobytes() == struct.pack("<qIqqIhhHi", *figures)


def test_the_flags_of_the_columns_never_change() -> None:
    """They label what is in the memory."""
    names = ("TIME", "STATUS", "FORWARD", "REVERSE", "ALARMS", "WATER_TEMP", "AMBIENT_TEMP", "PRESSURE", "FLOW")
    assert {column.name: column.value for column in Column} == {name: 1 << bit for bit, name in enumerate(names)}
    assert ALL_COLUMNS == 0x1FF
    assert set(FIELDS) == set(Column)


def test_a_set_of_columns_is_a_part_of_the_row_in_the_same_order() -> None:
    """The parameter set of the technical description, and the smallest one."""
    assert row_dtype(USUAL_COLUMNS).names == (
        "clock_ticks", "status", "forward_nl", "reverse_nl", "alarms", "water_temp_centi_c",
    )  # fmt: skip
    assert row_dtype(USUAL_COLUMNS).itemsize == 8 + 4 + 8 + 8 + 4 + 2
    assert row_dtype(Column.PRESSURE | Column.TIME).names == ("clock_ticks", "pressure_kpa")
    assert row_dtype(Column.TIME).itemsize == 8


@pytest.mark.parametrize("columns", [Column(0), Column.FORWARD, ALL_COLUMNS & ~Column.TIME, Column(1 << 9 | 1)])
def test_a_set_without_time_or_with_more_than_there_is_is_refused(columns: Column) -> None:
    """No record can do without TIME."""
    with pytest.raises(Refused, match="TIME"):
        row_dtype(columns)
