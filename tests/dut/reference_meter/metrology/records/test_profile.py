"""A profile: which columns of which rows it keeps, over cuts, restarts and changes of its columns."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost
from meterbench.dut.reference_meter.metrology.records.columns import ALL_COLUMNS, ROW, USUAL_COLUMNS, Column
from meterbench.dut.reference_meter.metrology.records.profile import CAPACITY, Period, Profile, profile_bytes
from meterbench.dut.reference_meter.metrology.refusal import Refused
from tests.dut.reference_meter.metrology.records.rows import hours
from tests.dut.reference_meter.metrology.storage.cuts import bytes_written, every_cut, with_bits_flipped

SIZE = profile_bytes(Period.DAY)
START = datetime(2026, 1, 1, tzinfo=UTC)


def _rows(count: int) -> NDArray[np.void]:
    """Rows with something in every byte."""
    rows = np.frombuffer(np.random.default_rng(3).bytes(count * ROW.itemsize), dtype=ROW).copy()
    rows["clock_ticks"] = hours(START, count)["clock_ticks"]
    return rows


def _profile(fram: Fram, columns: Column = USUAL_COLUMNS) -> Profile:
    return Profile(fram, 0, Period.DAY, columns)


@pytest.mark.requirement("ADR-031")
@pytest.mark.parametrize(("period", "records"), [(Period.HOUR, 250 * 24), (Period.DAY, 480), (Period.MONTH, 480)])
def test_capacities(period: Period, records: int) -> None:
    """The newest 6000, 480 and 480 records are kept, over a restart."""
    fram, rows = Fram(profile_bytes(period)), _rows(2 * records + 5)
    Profile(fram, 0, period, ALL_COLUMNS).capture(rows)
    restarted = Profile(fram, 0, period, ALL_COLUMNS)
    np.testing.assert_array_equal(restarted.rows(), rows[-records:])
    assert (len(restarted), restarted.next_number) == (records, len(rows) + 1)
    assert CAPACITY[period] == records


@pytest.mark.requirement("ADR-031")
@given(st.integers(0, 2**9 - 1))
@settings(max_examples=40, deadline=None)
def test_any_set_of_columns_can_be_kept(others: int) -> None:
    """Each column as it was handed over, in the same place of the memory."""
    columns = Column(others) | Column.TIME
    fram, rows = Fram(SIZE), _rows(500)
    _profile(fram, columns).capture(rows)
    kept = _profile(fram, ALL_COLUMNS).rows()
    assert _profile(fram, ALL_COLUMNS).columns == columns
    assert len(kept.dtype.names or ()) == others.bit_count() + (not others & 1)
    for name in kept.dtype.names or ():
        np.testing.assert_array_equal(kept[name], rows[name][-480:])


def test_rows_cannot_be_written_to() -> None:
    """Who reads the profile changes nothing."""
    profile = _profile(Fram(SIZE))
    profile.capture(_rows(2))
    with pytest.raises(ValueError, match="read-only"):
        profile.rows()["forward_nl"][0] = 1


def test_an_empty_profile_has_rows_of_its_columns() -> None:
    """None of them."""
    profile = _profile(Fram(SIZE))
    profile.capture(_rows(0))
    assert profile.rows().shape == (0,)
    assert profile.rows().dtype.names == (
        "clock_ticks", "status", "forward_nl", "reverse_nl", "alarms", "water_temp_centi_c",
    )  # fmt: skip


def test_new_columns_empty_the_profile() -> None:
    """Even if they are the old ones; and numbers go on."""
    fram = Fram(SIZE)
    profile = _profile(fram)
    for columns in (Column.TIME | Column.FLOW, Column.TIME | Column.FLOW, ALL_COLUMNS):
        profile.capture(_rows(3))
        number = profile.next_number
        profile.set_columns(columns)
        assert len(profile) == len(_profile(fram)) == 0
        assert profile.columns == _profile(fram).columns == columns
        assert profile.next_number == _profile(fram).next_number == number


def test_columns_without_time_are_refused_and_nothing_is_changed() -> None:
    """The profile stays as it was."""
    fram = Fram(SIZE)
    profile = _profile(fram)
    profile.capture(_rows(3))
    before = fram.dump()
    with pytest.raises(Refused, match="TIME"):
        profile.set_columns(Column.FORWARD | Column.FLOW)
    assert fram.dump() == before
    assert profile.columns == USUAL_COLUMNS
    assert len(profile) == 3


def test_rows_of_another_kind_are_refused() -> None:
    """A profile picks its columns itself."""
    with pytest.raises(ValueError, match="DAY profile: rows are"):
        _profile(Fram(SIZE)).capture(_rows(2)[["clock_ticks", "status"]])


def test_a_cut_in_a_capture_loses_only_that_row() -> None:
    """At every byte."""
    fram, rows = Fram(SIZE), _rows(484)
    _profile(fram).capture(rows[:482])
    found = []
    for cut in every_cut(fram.dump(), lambda fram: _profile(fram).capture(rows[482:483])):
        found.append(_profile(cut).rows()["clock_ticks"][[0, -1]].tolist())
        count = _profile(cut).next_number - 1
        _profile(cut).capture(rows[count : count + 1])
        np.testing.assert_array_equal(_profile(cut).rows()["reverse_nl"], rows["reverse_nl"][count - 479 : count + 1])
    old, new = rows["clock_ticks"][[2, 481]].tolist(), rows["clock_ticks"][[3, 482]].tolist()
    assert found == [old] * (len(found) - 1) + [new]


@pytest.mark.parametrize("columns", [USUAL_COLUMNS, Column.TIME | Column.PRESSURE, ALL_COLUMNS])
def test_a_cut_in_a_change_of_columns_leaves_the_old_or_the_new(columns: Column) -> None:
    """At every byte: the old columns with all their rows, or the new ones with none."""
    fram, rows = Fram(SIZE), _rows(10)
    _profile(fram).capture(rows)
    found = []
    for cut in every_cut(fram.dump(), lambda fram: _profile(fram).set_columns(columns)):
        restarted = _profile(cut)
        found.append((restarted.columns, len(restarted)))
        if len(restarted):
            np.testing.assert_array_equal(restarted.rows()["reverse_nl"], rows["reverse_nl"])
        restarted.capture(rows[:1])
        assert _profile(cut).rows()["clock_ticks"][-1] == rows["clock_ticks"][0]
    half = bytes_written(fram.dump(), lambda fram: _profile(fram).set_columns(columns)) // 2
    assert found == [(USUAL_COLUMNS, 10)] * half + [(columns, 0)] * (half + 1)


def test_a_cut_at_the_first_start_is_made_good_at_the_next() -> None:
    """The first start writes the columns; until it has, the next one does."""
    for cut in every_cut(bytes(SIZE), _profile):
        _profile(cut).capture(_rows(3))
        assert _profile(cut, ALL_COLUMNS).columns == USUAL_COLUMNS
        assert len(_profile(cut, ALL_COLUMNS)) == 3


@given(st.sets(st.integers(0, 8 * 1000), max_size=30))
@settings(deadline=None)
def test_damage_gives_no_false_rows(bits: set[int]) -> None:
    """Not even if the profile's columns are what is damaged: each row that is read was captured so."""
    fram, rows = Fram(SIZE), _rows(15)
    profile = _profile(fram)
    profile.capture(rows[:10])
    profile.set_columns(Column.TIME | Column.REVERSE)
    profile.capture(rows[10:])
    damaged = _profile(with_bits_flipped(fram, bits)).rows()
    captured = {row.tobytes() for row in rows[list(damaged.dtype.names or ())].astype(damaged.dtype)}
    assert {row.tobytes() for row in damaged} <= captured


_changes = st.sampled_from([USUAL_COLUMNS, Column.TIME | Column.REVERSE, ALL_COLUMNS])


@given(
    st.lists(st.tuples(st.one_of(st.integers(1, 3), _changes), st.one_of(st.none(), st.integers(0, 90))), max_size=8)
)
@settings(deadline=None)
def test_any_series_of_captures_changes_and_cuts(series: list[tuple[int | Column, int | None]]) -> None:
    """The profile is what a list would be, or what it was on the way there."""
    fram, rows = Fram(SIZE), _rows(24)
    profile, columns, first, last = _profile(fram), USUAL_COLUMNS, 0, 0
    for step, cut in series:
        ways = [(columns, first, last)]
        if isinstance(step, Column):
            ways.append((step, last, last))
        else:
            ways += [(columns, first, last + count) for count in range(1, step + 1)]
        if cut is not None:
            fram.cut_after(cut)
        try:
            if isinstance(step, Column):
                profile.set_columns(step)
            else:
                profile.capture(rows[last : last + step])
            ways = ways[-1:]
        except PowerLost:
            fram.restore()
            profile = _profile(fram)
        fram.restore()
        columns, first, last = next(
            way
            for way in ways
            if way[0] == profile.columns
            and profile.rows()["clock_ticks"].tolist() == rows["clock_ticks"][way[1] : way[2]].tolist()
        )
