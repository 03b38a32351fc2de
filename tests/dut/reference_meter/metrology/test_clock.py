"""The meter's clock against the standard library's calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.clock import MeterClock, as_datetime
from meterbench.dut.reference_meter.metrology.refusal import Refused

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=125)
HOUR_TICKS = 28_800
END = (datetime(2200, 1, 1, tzinfo=UTC) - EPOCH) // TICK
CLOCK_TICKS = st.integers(0, END - 1)
TICKS = st.integers(0, 10**10)


@given(CLOCK_TICKS)
@example(0)
@example(END - 1)
@example((datetime(2000, 2, 29, 23, 59, 59, tzinfo=UTC) - EPOCH) // TICK)
def test_ticks_are_eighths_of_a_second_since_1970(clock_ticks: int) -> None:
    assert as_datetime(clock_ticks) == EPOCH + clock_ticks * TICK


@given(CLOCK_TICKS, TICKS, TICKS)
@example(clock_ticks=HOUR_TICKS, tick=0, later=0)
@example(clock_ticks=HOUR_TICKS - 1, tick=5, later=5)
def test_the_next_full_hour(clock_ticks: int, tick: int, later: int) -> None:
    """It is one to 28800 ticks away, on the hour by the calendar, and none lies between; on the hour it is the next."""
    clock = MeterClock(clock_ticks, tick)
    now = EPOCH + (clock_ticks + later - tick) * TICK
    assert clock.at(later) == clock_ticks + later - tick
    ticks = clock.to_hour(later)
    then = now + ticks * TICK
    assert 1 <= ticks <= HOUR_TICKS
    assert (then.minute, then.second, then.microsecond) == (0, 0, 0)
    assert clock.to_hour(later + ticks) == HOUR_TICKS
    assert clock.to_hour(later + ticks - 1) == 1


@given(CLOCK_TICKS, TICKS, st.lists(TICKS, max_size=20))
def test_beyond_the_hour(clock_ticks: int, tick: int, later: list[int]) -> None:
    """Of many ticks at once: minutes, seconds and eighths of each."""
    clock = MeterClock(clock_ticks, tick)
    beyond = clock.beyond_hour(np.array(later, dtype=np.int64))
    for each, ticks in zip(later, beyond.tolist(), strict=True):
        time = EPOCH + clock.at(each) * TICK
        assert timedelta(minutes=time.minute, seconds=time.second, microseconds=time.microsecond) == ticks * TICK


@given(CLOCK_TICKS, CLOCK_TICKS, TICKS)
def test_setting(clock_ticks: int, other: int, tick: int) -> None:
    """It shows the time it was set to at that tick, and can be trusted from then on."""
    clock = MeterClock(clock_ticks)
    assert not clock.valid
    clock.set(other, tick)
    assert (clock.at(tick), clock.at(tick + 3), clock.valid) == (other, other + 3, True)


@pytest.mark.parametrize("clock_ticks", [-1, -HOUR_TICKS, END, END + 1, 2**63, -(2**63)])
def test_times_outside_1970_to_2199_are_refused(clock_ticks: int) -> None:
    """The clock goes on as it was, as little trusted as it was."""
    clock = MeterClock(1000, 10)
    with pytest.raises(Refused, match=f"{clock_ticks} is no .*1970 to 2199"):
        clock.set(clock_ticks, 20)
    assert (clock.at(20), clock.valid) == (1010, False)


@pytest.mark.parametrize(
    "clock_ticks",
    [
        float("nan"),
        float("inf"),
        1000.5,
        True,
    ],
)
def test_what_is_no_whole_number_of_ticks_is_refused(clock_ticks: int) -> None:
    clock = MeterClock(1000, 10)
    with pytest.raises(Refused):
        clock.set(clock_ticks, 20)
    assert clock.at(20) == 1010
