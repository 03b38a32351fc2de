"""Which hour becomes a record of which profile, and what it says of the time before (ADR-030, ADR-031)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce
from itertools import islice
from operator import or_

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.memory import Fram
from meterbench.dut.reference_meter.metrology.records.columns import ALL_COLUMNS, ROW, Column
from meterbench.dut.reference_meter.metrology.records.profile import Period, Profile
from meterbench.dut.reference_meter.metrology.records.recorder import RECORDER_BYTES, Recorder
from meterbench.dut.reference_meter.metrology.status import Alarm, Status
from tests.dut.reference_meter.metrology.records.rows import ADDRESSES, HOUR, SIZE, Store, hours, ticks
from tests.dut.reference_meter.metrology.storage.cuts import every_cut

STICKY = Status.CLOCK_SET | Status.POWER_LOST | Status.CAPTURES_MISSED


def _calendar(start: datetime, count: int) -> tuple[list[datetime], list[datetime], list[datetime]]:
    """Times of the records of all three profiles, found hour by hour."""
    every = [start + number * HOUR for number in range(count)]
    daily = [time for time in every if time.hour == 0]
    monthly = [time for time in daily if time.day == 1]
    return every[-6000:], daily[-480:], monthly[-480:]


@pytest.mark.parametrize("year", [1972, 1999, 2000, 2024, 2026, 2100])
def test_the_calendar(year: int) -> None:
    """From October over the next 500 days: leap years, 2000 (one) and 2100 (none) among them."""
    start = datetime(year - 1, 10, 3, 5, tzinfo=UTC)
    store = Store(Fram(SIZE))
    store.recorder.capture(hours(start, 500 * 24))
    assert store.times() == _calendar(start, 500 * 24)


@pytest.mark.requirement("ADR-030")
def test_forty_years_leave_the_newest_of_each() -> None:
    """In one piece, in monthly pieces, and hour by hour at the end: the same 6000, 480 and 480 records."""
    start, count = datetime(2026, 1, 1, 1, tzinfo=UTC), 350_640
    rows = hours(start, count)
    rows["alarms"] = np.where(np.arange(count) % 1117 == 0, 1 << np.arange(count) % 9, 0)
    whole, pieces = Store(Fram(SIZE)), Store(Fram(SIZE))
    whole.recorder.capture(rows)
    for piece in np.array_split(rows[:-100], 480):
        pieces.recorder.capture(piece)
    for hour in range(count - 100, count):
        pieces.recorder.capture(rows[hour : hour + 1])
    assert whole.times() == _calendar(start, count)
    for one, other in zip(
        (whole.hourly, whole.daily, whole.monthly), (pieces.hourly, pieces.daily, pieces.monthly), strict=True
    ):
        np.testing.assert_array_equal(one.rows(), other.rows())
        assert one.next_number == other.next_number


def test_a_record_holds_the_readings_of_its_hour() -> None:
    """Totals of a day or a month are those at its end; nothing is summed up."""
    store = Store(Fram(SIZE))
    store.recorder.capture(hours(datetime(2026, 3, 30, 22, tzinfo=UTC), 60))
    assert store.daily.rows()["forward_nl"].tolist() == [2007, 26_007, 50_007]
    assert store.monthly.rows()["forward_nl"].tolist() == [26_007]


@given(
    st.lists(st.tuples(st.integers(0, 2**9 - 1), st.integers(0, 2**9 - 1)), min_size=1, max_size=70),
    st.integers(0, 47),
    st.lists(st.integers(1, 30), max_size=6),
)
@settings(deadline=None, max_examples=50)
def test_flags_are_gathered_since_the_record_before(
    flags: list[tuple[int, int]], begin: int, pieces: list[int]
) -> None:
    """Alarms, and what the status says of the time before, over any pieces and restarts; the rest is of the hour."""
    start = datetime(2026, 1, 30, tzinfo=UTC) + begin * HOUR
    rows = hours(start, len(flags))
    rows["alarms"], rows["status"] = np.array(flags, dtype=np.uint32).T
    fram = Fram(SIZE)
    for piece in np.split(rows, np.cumsum(pieces)):
        Store(fram).recorder.capture(piece)
    store = Store(fram)
    for profile, due in (
        (store.hourly, lambda time: True),
        (store.daily, lambda time: time.hour == 0),
        (store.monthly, lambda time: time.hour == 0 and time.day == 1),
    ):
        expected, since = [], []
        for number, (alarms, status) in enumerate(flags):
            since.append((alarms, status & STICKY))
            if due(start + number * HOUR):
                gathered = [reduce(or_, each) for each in zip(*since, strict=True)]
                expected.append((gathered[0], gathered[1] | status))
                since = []
        records = profile.rows()
        assert list(zip(records["alarms"].tolist(), records["status"].tolist(), strict=True)) == expected


def _missed(rows: NDArray[np.void]) -> list[int]:
    return np.nonzero(rows["status"] & Status.CAPTURES_MISSED)[0].tolist()


def test_captures_missed_are_marked() -> None:
    """After a gap in a piece, between pieces and over a restart; not at the very first, nor if the clock goes back."""
    start = datetime(2026, 5, 4, 20, tzinfo=UTC)
    rows = hours(start, 60)
    fram = Fram(SIZE)
    Store(fram).recorder.capture(np.concatenate((rows[:2], rows[3:10])))  # The third record comes after a gap.
    Store(fram).recorder.capture(rows[10:12])
    Store(fram).recorder.capture(rows[14:20])  # And so does the twelfth.
    Store(fram).recorder.capture(rows[18:30])  # The clock was set back by two hours.
    store = Store(fram)
    assert _missed(store.hourly.rows()) == [2, 11]
    assert _missed(store.daily.rows()) == [0, 1]  # One gap before the first midnight, one before the second.
    assert store.recorder.last_ticks == ticks(start + 29 * HOUR)


def test_a_midnight_without_supply_has_no_daily_record() -> None:
    """The next one says that captures are missing."""
    rows = hours(datetime(2026, 5, 4, 12, tzinfo=UTC), 72)
    store = Store(Fram(SIZE))
    store.recorder.capture(np.concatenate((rows[:10], rows[15:])))
    days = [time.day for time in store.times()[1]]
    assert days == [6, 7]
    assert _missed(store.daily.rows()) == [0]


@pytest.mark.parametrize("astray", [1, -1, 8, 4 * 3600])
def test_a_row_beside_the_hour_is_refused(astray: int) -> None:
    """And nothing of its piece is written."""
    fram = Fram(SIZE)
    store = Store(fram)
    before = fram.dump()
    rows = hours(datetime(2026, 5, 4, tzinfo=UTC), 5)
    rows["clock_ticks"][3] += astray
    with pytest.raises(ValueError, match=f"{rows['clock_ticks'][3]} ticks are not on the hour"):
        store.recorder.capture(rows)
    assert fram.dump() == before


def test_nothing_to_capture_changes_nothing() -> None:
    """Before the first hour there is no last one."""
    fram = Fram(SIZE)
    store = Store(fram)
    before = fram.dump()
    store.recorder.capture(hours(datetime(2026, 1, 1, tzinfo=UTC), 0))
    assert fram.dump() == before
    assert store.recorder.last_ticks is None


def test_profiles_in_the_wrong_place_are_refused() -> None:
    """Each profile has its period."""
    store = Store(Fram(SIZE))
    with pytest.raises(ValueError, match="its profiles are to be of"):
        Recorder(Fram(SIZE), 0, store.daily, store.hourly, store.monthly)


def _before_a_month_ends() -> tuple[Fram, NDArray[np.void]]:
    """Two days up to 23:00 of the last of April with alarms in them, and the rows that come next."""
    rows = hours(datetime(2026, 4, 29, tzinfo=UTC), 2 * 24 + 30)
    rows["alarms"][30] = Alarm.LEAK
    rows["alarms"][10] = Alarm.DRY
    rows["alarms"][48] = Alarm.MAGNET
    fram = Fram(SIZE)
    store = Store(fram)
    for hour in range(48):
        store.recorder.capture(rows[hour : hour + 1])
    return fram, rows[48:]


def test_a_cut_leaves_an_hour_in_all_its_profiles_or_in_none() -> None:
    """At every byte of the hour that is also a day's and a month's: what the cut left undone is done at the restart."""
    fram, rows = _before_a_month_ends()
    found = []
    for cut in every_cut(fram.dump(), lambda fram: Store(fram).recorder.capture(rows[:1])):
        store = Store(cut)
        found.append((len(store.hourly), len(store.daily), len(store.monthly)))
        if len(store.monthly):
            assert store.daily.rows()["alarms"].tolist() == [0, Alarm.DRY, Alarm.LEAK | Alarm.MAGNET]
            assert store.monthly.rows()["alarms"].tolist() == [Alarm.DRY | Alarm.LEAK | Alarm.MAGNET]
            assert store.recorder.last_ticks == rows["clock_ticks"][0]
    journal_bytes = found.count((48, 2, 0))
    assert found == [(48, 2, 0)] * journal_bytes + [(49, 3, 1)] * (len(found) - journal_bytes)
    assert 0 < journal_bytes < len(found) // 2


def test_a_cut_in_the_restart_is_made_good_by_the_next() -> None:
    """The supply fails right behind the journal, and then again at every byte of the repair."""
    fram, rows = _before_a_month_ends()
    cuts = every_cut(fram.dump(), lambda fram: Store(fram).recorder.capture(rows[:1]))
    behind_the_journal = next(islice(cuts, RECORDER_BYTES // 2, None))
    assert len(Profile(behind_the_journal, ADDRESSES[Period.HOUR], Period.HOUR, ALL_COLUMNS)) == 48
    repairs = 0
    for cut in every_cut(behind_the_journal.dump(), Store):
        store = Store(cut)
        assert (len(store.hourly), len(store.daily), len(store.monthly)) == (49, 3, 1)
        store.recorder.capture(rows[1:])
        assert store.daily.rows()["alarms"].tolist() == [0, Alarm.DRY, Alarm.LEAK | Alarm.MAGNET, 0]
        repairs += 1
    assert repairs == 1 + 3 * (ROW.itemsize + 8)


def test_a_damaged_newest_hour_is_written_again_at_the_restart() -> None:
    """The journal still has it."""
    fram, _ = _before_a_month_ends()
    intact = Store(fram).hourly.rows()
    newest = fram.dump().rindex(intact[-1].tobytes())
    fram.write(newest + 20, b"?!")
    assert len(Profile(fram, ADDRESSES[Period.HOUR], Period.HOUR, ALL_COLUMNS)) == 47
    np.testing.assert_array_equal(Store(fram).hourly.rows(), intact)


def test_columns_of_the_profiles_are_their_own_affair() -> None:
    """A day's alarms are gathered though the hourly profile does not keep them, and is emptied in between."""
    fram, rows = _before_a_month_ends()
    store = Store(fram)
    store.hourly.set_columns(Column.TIME | Column.FLOW)
    store.recorder.capture(rows[:5])
    store = Store(fram)
    assert store.hourly.rows().dtype.names == ("clock_ticks", "flow_ml_h")
    assert len(store.hourly) == 5
    assert store.monthly.rows()["alarms"].tolist() == [Alarm.DRY | Alarm.LEAK | Alarm.MAGNET]
