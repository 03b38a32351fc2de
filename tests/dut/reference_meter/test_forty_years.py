"""Forty years of a household in one go: the records of a whole life, and totals as every shot would have made them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from meterbench.dut.reference_meter.course_run import split
from meterbench.dut.reference_meter.hardware.power.pack import fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import Place
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.status import Alarm
from meterbench.world.segment import Course
from tests.dut.reference_meter.line import make

Array = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGIN = datetime(2025, 1, 15, tzinfo=UTC)
MONTHS = 480
END = datetime(2065, 3, 15, tzinfo=UTC)
"""Two firsts of a month more than the ring holds."""
HOUR_S, DAY_S = 3600.0, 86_400.0
TICKS_S = 8
SERIAL = "10000001"
SHOT_PS, PS_PER_L_H = 35.0, 175.0
NL_PER_L_H = 1e9 / 3600.0 / TICKS_S
"""Volume of a cycle at 1 L/h."""
DRAWS_A_DAY, SHORTEST_PAUSE_S = 6.0, 120.0


def household(rng: np.random.Generator, begin_s: float, end_s: float) -> Course:
    """Some draws a day at any time, 5 s to 20 min, 60 to 1 000 L/h, two minutes apart at least."""
    count = round((end_s - begin_s) / DAY_S * DRAWS_A_DAY)
    length_s = np.clip(60.0 * rng.lognormal(0.0, 1.0, count), 5.0, 1200.0)
    pause_s = SHORTEST_PAUSE_S + rng.exponential(DAY_S / DRAWS_A_DAY - SHORTEST_PAUSE_S - length_s.mean(), count)
    edges_s = begin_s + np.concatenate(([0.0], np.cumsum(np.column_stack((pause_s, length_s)).ravel())))
    edges_s = edges_s[: 2 * int((np.searchsorted(edges_s, end_s - HOUR_S) - 1) // 2) + 1]
    flow_l_h = np.zeros(len(edges_s))
    flow_l_h[1:-1:2] = rng.uniform(60.0, 1000.0, (len(edges_s) - 1) // 2)
    return Course(np.append(edges_s, end_s), flow_l_h, np.full(len(flow_l_h), 15.0), np.full(len(flow_l_h), 0.5))


def true_l(course: Course, at_s: Array) -> Array:
    """What has flowed until each of these times."""
    flowed_l = np.concatenate(([0.0], np.cumsum(course.flow_l_h * np.diff(course.edges_s)) / HOUR_S))
    return np.interp(at_s, course.edges_s, flowed_l)


class Life:
    """A meter and what it has lived through; a new C cell every ten years."""

    def __init__(self) -> None:
        self.begin_s, self.end_s = (BEGIN - EPOCH).total_seconds(), (END - EPOCH).total_seconds()
        self.course = household(np.random.default_rng(40), self.begin_s, self.end_s)
        self.meter = make(fidelity=Fidelity.SEGMENT, serial=SERIAL)
        rest: Course | None = self.course
        for decade in range(1, 5):
            assert rest is not None
            until_s = self.begin_s + decade * 3652.0 * DAY_S if decade < 4 else self.end_s
            part, rest = split(rest, until_s)
            self.meter.live(part)
            if rest is not None:
                self.meter.remove(Place.C1)
                self.meter.insert(Place.C1, fresh_pack("LS26500"))
        assert rest is None

    def world_s(self, clock_ticks: Array) -> Array:
        """When in the world the meter's clock showed this: the crystal was at one temperature all the time."""
        begin_ticks = TICKS_S * self.begin_s
        rate = (self.meter.registers().clock_ticks - begin_ticks) / (self.end_s - self.begin_s)
        return self.begin_s + (clock_ticks - begin_ticks) / rate


@pytest.fixture(scope="module")
def life() -> Life:
    """Lived through once for all tests."""
    return Life()


def firsts(begin: datetime, end: datetime) -> list[datetime]:
    """The firsts of the months after a time and until another."""
    months = (datetime(begin.year + index // 12, index % 12 + 1, 1, tzinfo=UTC) for index in range(600))
    return [month for month in months if begin < month <= end]


@pytest.mark.requirement("ADR-030")
@pytest.mark.requirement("ADR-031")
def test_the_rings_are_full(life: Life) -> None:
    """480 months, 480 days, 6 000 hours: the newest, without a gap, by the meter's own clock."""
    now = EPOCH + timedelta(seconds=life.meter.registers().clock_ticks // TICKS_S)
    assert abs((now - END).total_seconds()) < 100e-6 * (END - BEGIN).total_seconds()
    months, days, hours = (life.meter.reading.profile(period) for period in (Period.MONTH, Period.DAY, Period.HOUR))
    wanted = firsts(BEGIN, now)
    assert len(wanted) == MONTHS + 2
    assert months["clock_ticks"].tolist() == [int((m - EPOCH).total_seconds()) * TICKS_S for m in wanted[-MONTHS:]]
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    for rows, last, step_s, count in (
        (days, midnight, DAY_S, 480),
        (hours, now.replace(minute=0, second=0), HOUR_S, 6000),
    ):
        last_ticks = round((last - EPOCH).total_seconds()) * TICKS_S
        assert (
            rows["clock_ticks"].tolist() == [last_ticks - round(step_s) * TICKS_S * back for back in range(count)][::-1]
        )


@pytest.mark.requirement("ADR-030")
def test_months_hold_what_flowed_in_them(life: Life) -> None:
    """Each month within 0.3 %; all of them add up; no reverse volume, no mark, no alarm in forty years."""
    rows = life.meter.reading.profile(Period.MONTH)
    flowed_l = np.diff(true_l(life.course, life.world_s(rows["clock_ticks"].astype(np.float64))))
    shown_l = np.diff(rows["forward_nl"]) * 1e-9
    assert (np.abs(shown_l - flowed_l) <= 0.003 * flowed_l).all()
    total_l = float(true_l(life.course, np.array([life.end_s]))[0])
    assert life.meter.registers().forward_l == pytest.approx(total_l, rel=0.003)
    assert life.meter.registers().reverse_nl == 0
    assert not rows["status"].any()
    assert not rows["alarms"].any()


def test_a_life_without_incidents(life: Life) -> None:
    """In the logs stand the three exchanges of the cell, and nothing but them."""
    registers = life.meter.registers()
    assert (registers.mode, registers.alarms, registers.clock_valid) == (Mode.NORMAL, Alarm(0), True)
    assert life.meter.reading.events(LogType.FLOW) == ()
    assert life.meter.reading.events(LogType.TAMPER) == ()
    codes = [event.code for event in life.meter.reading.events(LogType.POWER)]
    assert codes.count(EventCode.PACK_REMOVED) == codes.count(EventCode.PACK_INSERTED) == 3
    assert set(codes) == {EventCode.PACK_REMOVED, EventCode.PACK_INSERTED, EventCode.SOURCE_CHANGED}


def clear_of_draws(course: Course, at_s: float) -> bool:
    """True if the water stands still for a minute before and after."""
    index = int(np.searchsorted(course.edges_s, at_s)) - 1
    apart = course.edges_s[index] + 60.0 < at_s < course.edges_s[index + 1] - 60.0
    return bool(course.flow_l_h[index] == 0.0 and apart)


@pytest.mark.parametrize("pick", range(3))
def test_days_are_as_every_shot_would_have_made_them(life: Life, pick: int) -> None:
    """A meter of the same unit and seed that lives a day shot by shot registers the same.

    The zero's drift is the same: it depends on the date. Noise differs: a cycle of a draw adds 35/175 L/h of it, once
    in each meter. So does the grid of cycles: each edge of a draw lies evenly anywhere within one, in each meter. Both
    together, five standard deviations.
    """
    rows = life.meter.reading.profile(Period.HOUR)
    row_s = life.world_s(rows["clock_ticks"].astype(np.float64))
    rng = np.random.default_rng(pick)
    while True:
        first = int(rng.integers(0, len(rows) - 30))
        last = first + 24 + int(rng.integers(0, 5))
        begin_s, end_s = float(row_s[first]), float(row_s[last])
        if clear_of_draws(life.course, begin_s) and clear_of_draws(life.course, end_s):
            break
    part = split(life.course, begin_s)[1]
    assert part is not None
    day = split(part, end_s)[0]
    fresh: ReferenceMeter = make(fidelity=Fidelity.TRANSIT, serial=SERIAL)
    fresh.live(day)
    drawn = day.flow_l_h > 0.0
    assert drawn.any()
    cycles = TICKS_S * float(np.diff(day.edges_s)[drawn].sum())
    noise_nl = SHOT_PS / PS_PER_L_H * NL_PER_L_H * math.sqrt(cycles)
    grid_nl = NL_PER_L_H * math.sqrt(float((day.flow_l_h[drawn] ** 2).sum()) * 2.0 / 12.0)
    shown_nl = int(rows["forward_nl"][last]) - int(rows["forward_nl"][first])
    sd_nl = math.sqrt(2.0) * math.hypot(noise_nl, grid_nl)
    assert fresh.registers().forward_nl == pytest.approx(shown_nl, abs=5.0 * sd_nl)
    assert 5.0 * sd_nl < 0.005 * shown_nl, "a comparison that shows nothing"
