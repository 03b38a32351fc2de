"""Weeks of recorded draws: what the profiles keep of them, and that only what should raises an alarm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.status import Alarm
from meterbench.world.segment import Course
from tests.dut.reference_meter.alarm_oracle import CYCLES_A_SECOND, AlarmOracle, Expected
from tests.dut.reference_meter.line import make

Array = NDArray[np.float64]

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "data" / "consumption"
L_H_PER_ML_S = 3.6
HOUR_S, DAY_S = 3600.0, 86_400.0
BEGIN_S = 1_571_616_000.0
"""Monday, 21 October 2019, 00:00 UTC."""
WEEKS = 5
END_S = BEGIN_S + WEEKS * 7 * DAY_S
SECOND_BY_SECOND = ("weusedto_shower.csv", "weusedto_washingmachine.csv")
BY_USES = ("weusedto_toilet.csv", "weusedto_dishwasher30.csv")


def published(name: str) -> Path:
    path = PUBLISHED / name
    if not path.exists():
        pytest.skip(f"the recorded flows are not here: {path}")
    return path


def uses_of(name: str) -> tuple[Array, Array, Array]:
    """Begin and end in seconds, and L/h, of what one fixture drew in these weeks (SOURCE.md beside the data)."""
    if name in SECOND_BY_SECOND:
        begin_s, ml_s = np.loadtxt(published(name), unpack=True)
        begin_s, first = np.unique(begin_s, return_index=True)
        end_s, flow_l_h = np.minimum(begin_s + 1.0, np.append(begin_s[1:], np.inf)), ml_s[first] * L_H_PER_ML_S
    else:
        begin_s, litres, end_s = np.loadtxt(published(name), unpack=True, skiprows=1)
        flow_l_h = litres / (end_s - begin_s) * HOUR_S
    drawn = (flow_l_h > 0.0) & (begin_s > BEGIN_S + HOUR_S) & (end_s < END_S - 0.25 * HOUR_S)
    return begin_s[drawn], end_s[drawn], flow_l_h[drawn]


def household(*more: tuple[float, float, float], until_s: float = END_S + 0.25 * HOUR_S) -> Course:
    """All fixtures together, and what else flows (begin s, end s, L/h). Still water at both ends."""
    begin_s, end_s, flow_l_h = (
        np.concatenate(part) for part in zip(*(uses_of(name) for name in SECOND_BY_SECOND + BY_USES), strict=True)
    )
    begin_s, end_s, flow_l_h = (
        np.concatenate((part, [extra[index] for extra in more]))
        for index, part in enumerate((begin_s, end_s, flow_l_h))
    )
    edges_s = np.unique(np.concatenate(([BEGIN_S], begin_s, end_s, [until_s])))
    steps = np.zeros(len(edges_s))
    np.add.at(steps, np.searchsorted(edges_s, begin_s), flow_l_h)
    np.add.at(steps, np.searchsorted(edges_s, end_s), -flow_l_h)
    flows_l_h = np.round(np.cumsum(steps)[:-1], 6)
    return Course(edges_s, flows_l_h, np.full(len(flows_l_h), 18.0), np.full(len(flows_l_h), 0.5))


def lived_through(course: Course) -> ReferenceMeter:
    meter = make(fidelity=Fidelity.SEGMENT)
    meter.live(course)
    return meter


def true_l(course: Course, at_s: Array) -> Array:
    """What has flowed until each of these times."""
    flowed_l = np.concatenate(([0.0], np.cumsum(course.flow_l_h * np.diff(course.edges_s)) / HOUR_S))
    return np.interp(at_s, course.edges_s, flowed_l)


def tick_rate(meter: ReferenceMeter, course: Course) -> float:
    """Ticks of this meter's clock in a second of the world."""
    begin_s, end_s = float(course.edges_s[0]), float(course.edges_s[-1])
    return (meter.registers().clock_ticks - CYCLES_A_SECOND * begin_s) / (end_s - begin_s)


def world_s(meter: ReferenceMeter, course: Course, clock_ticks: Array) -> Array:
    """When in the world the meter's clock showed this."""
    begin_s = float(course.edges_s[0])
    return begin_s + (clock_ticks - CYCLES_A_SECOND * begin_s) / tick_rate(meter, course)


def expected_of(meter: ReferenceMeter, course: Course, from_s: float, until_s: float) -> list[Expected]:
    """What the oracle expects of these hours, in ticks of the meter's clock; before them the water must stand still."""
    rate, begin_s = tick_rate(meter, course), float(course.edges_s[0])
    edges_s = np.unique(
        np.concatenate(([from_s], course.edges_s[(course.edges_s > from_s) & (course.edges_s < until_s)]))
    )
    flows_l_h = course.flow_l_h[np.searchsorted(course.edges_s, edges_s, side="right") - 1]
    ticks = np.ceil(CYCLES_A_SECOND * begin_s + (np.append(edges_s, until_s) - begin_s) * rate).astype(int)
    oracle = AlarmOracle()
    oracle.restart(int(ticks[0]))
    for flow_l_h, cycles in zip(flows_l_h.tolist(), np.diff(ticks).tolist(), strict=True):
        oracle.see(cycles, flow_l_h)
    return oracle.take()


def changes_of(meter: ReferenceMeter) -> list[tuple[EventCode, int]]:
    return [(event.code, event.clock_ticks) for event in meter.reading.events(LogType.FLOW)]


def still_before(course: Course, at_s: float) -> float:
    """The end of the last pause of ten minutes before a time."""
    pauses = np.flatnonzero((course.flow_l_h == 0.0) & (np.diff(course.edges_s) > 600.0) & (course.edges_s[1:] < at_s))
    return float(course.edges_s[pauses[-1] + 1])


@pytest.fixture(scope="module")
def usual() -> tuple[Course, ReferenceMeter]:
    """Five weeks, and the meter that has lived through them."""
    course = household()
    return course, lived_through(course)


@pytest.mark.requirement("ADR-030")
@pytest.mark.parametrize("period", [Period.HOUR, Period.DAY])
def test_increments_add_up_to_the_total(usual: tuple[Course, ReferenceMeter], period: Period) -> None:
    """To the nanolitre: no water flows after the last full hour, which is a midnight."""
    _, meter = usual
    forward_nl = meter.reading.profile(period)["forward_nl"]
    assert len(forward_nl) == WEEKS * 7 * (24 if period is Period.HOUR else 1)
    increments_nl = np.diff(forward_nl, prepend=0)
    assert (increments_nl >= 0).all()
    assert int(increments_nl.sum()) == meter.registers().forward_nl
    assert meter.registers().forward_nl > 500 * 10**9
    assert (meter.reading.profile(period)["reverse_nl"] == 0).all()


@pytest.mark.requirement("ADR-030")
def test_days_are_made_of_hours(usual: tuple[Course, ReferenceMeter]) -> None:
    """A day's increment is that of its 24 hours."""
    _, meter = usual
    hours, days = meter.reading.profile(Period.HOUR), meter.reading.profile(Period.DAY)
    by_hours_nl = np.diff(hours["forward_nl"], prepend=0).reshape(-1, 24).sum(axis=1)
    assert by_hours_nl.tolist() == np.diff(days["forward_nl"], prepend=0).tolist()
    assert days["clock_ticks"].tolist() == hours["clock_ticks"][23::24].tolist()


@pytest.mark.requirement("ADR-030")
def test_hours_hold_what_flowed_in_them(usual: tuple[Course, ReferenceMeter]) -> None:
    """Each hour by the meter's clock, within 0.3 %, and 0.04 L for a zero that is off by 7 ps all the time.

    The edges of the samples fall anywhere between two cycles: for each step of the flow half a cycle of it, twice the
    root of the sum of their squares, and 2 mL for the ends of draws below 8 L/h.
    """
    course, meter = usual
    rows = meter.reading.profile(Period.HOUR)
    edges_s = np.append(course.edges_s[0], world_s(meter, course, rows["clock_ticks"]))
    flowed_l = np.diff(true_l(course, edges_s))
    steps_l_h = np.abs(np.diff(course.flow_l_h))
    step_hour = np.searchsorted(edges_s, course.edges_s[1:-1]) - 1
    inside = step_hour < len(flowed_l)
    square = np.bincount(step_hour[inside], steps_l_h[inside] ** 2, len(flowed_l))
    edge_l = np.sqrt(square) / CYCLES_A_SECOND / HOUR_S
    shown_l = np.diff(rows["forward_nl"], prepend=0) * 1e-9
    zero_l = 0.04 * (np.bincount(step_hour[inside], minlength=len(flowed_l)) > 0)
    assert (np.abs(shown_l - flowed_l) <= 0.003 * flowed_l + 2.0 * edge_l + 0.002 + zero_l).all()
    assert (shown_l[flowed_l == 0.0] == 0.0).all()


@pytest.mark.requirement("ADR-042")
@pytest.mark.requirement("ADR-043")
def test_a_household_raises_no_alarm(usual: tuple[Course, ReferenceMeter]) -> None:
    """At default settings: no event, no flag, in no record."""
    _, meter = usual
    assert changes_of(meter) == []
    assert meter.registers().alarms == Alarm(0)
    assert not meter.reading.profile(Period.HOUR)["alarms"].any()


@pytest.mark.requirement("ADR-042")
@pytest.mark.parametrize("hours", [25.0, 80.0])
def test_a_leaking_toilet_is_told(hours: float) -> None:
    """2 L/h on top of everything from a Thursday on: LEAK at the minute that the oracle says, a day later, and gone
    after it; only the records from then on carry it."""
    begin_s = BEGIN_S + 10 * DAY_S + 9.3 * HOUR_S
    course = household((begin_s, begin_s + hours * HOUR_S, 2.0))
    meter = lived_through(course)
    expected = expected_of(meter, course, still_before(course, begin_s) - 300.0, begin_s + (hours + 2.0) * HOUR_S)
    assert [(change.alarm, change.on) for change in expected] == [(Alarm.LEAK, True), (Alarm.LEAK, False)]
    changes = changes_of(meter)
    assert [code for code, _ in changes] == [EventCode.LEAK_BEGAN, EventCode.LEAK_ENDED]
    for change, (_, tick) in zip(expected, changes, strict=True):
        assert abs(change.tick - tick) <= change.within + 1
    assert world_s(meter, course, np.array([changes[0][1]]))[0] == pytest.approx(begin_s + DAY_S, abs=60.0)
    rows = meter.reading.profile(Period.HOUR)
    hour_ticks = 3600 * CYCLES_A_SECOND
    flagged = (rows["clock_ticks"] >= changes[0][1]) & (rows["clock_ticks"] - hour_ticks < changes[1][1])
    assert ((rows["alarms"] == int(Alarm.LEAK)) == flagged).all()
    assert flagged.any()


@pytest.mark.requirement("ADR-043")
def test_a_broken_pipe_is_told() -> None:
    """1 500 L/h for 40 minutes on top of everything: BURST after 30 of them; 29 minutes a week later are none."""
    begin_s = BEGIN_S + 12 * DAY_S + 18.7 * HOUR_S
    again_s = begin_s + 7 * DAY_S
    course = household((begin_s, begin_s + 2400.0, 1500.0), (again_s, again_s + 1740.0, 1500.0))
    meter = lived_through(course)
    expected = expected_of(meter, course, still_before(course, begin_s) - 300.0, begin_s + HOUR_S)
    assert [(change.alarm, change.on) for change in expected] == [(Alarm.BURST, True), (Alarm.BURST, False)]
    changes = changes_of(meter)
    assert [code for code, _ in changes] == [EventCode.BURST_BEGAN, EventCode.BURST_ENDED]
    for change, (_, tick) in zip(expected, changes, strict=True):
        assert abs(change.tick - tick) <= change.within + 1
    assert world_s(meter, course, np.array([changes[0][1]]))[0] == pytest.approx(begin_s + 1800.0, abs=60.0)
