"""The firmware as a whole: everything at its tick, and everything there again after a loss of supply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.lcd import Reading as Seen
from meterbench.dut.reference_meter.hardware.lcd import read_segments
from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost
from meterbench.dut.reference_meter.hardware.sensors.accelerometer import gravity_in_case
from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import AlarmChange
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.firmware import Firmware
from meterbench.dut.reference_meter.metrology.measuring.transit import Echo
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.non_volatile import NonVolatile
from meterbench.dut.reference_meter.metrology.power.manager import PowerManager
from meterbench.dut.reference_meter.metrology.records.columns import ALL_COLUMNS, NO_PRESSURE, NO_TEMP, Column
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode
from meterbench.dut.reference_meter.metrology.records.memory_map import MEMORY_MAP, STATE_BYTES
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.settings import Settings, default_settings
from meterbench.dut.reference_meter.metrology.state import State
from meterbench.dut.reference_meter.metrology.status import Alarm, Status
from tests.dut.reference_meter.metrology.running import (
    CYCLE_NL_PER_L_H,
    DAY,
    EPOCH_2026,
    HOUR,
    TICKS_PER_S,
    Desk,
    at_once,
    battery,
    each_shot,
    events,
    filled,
    made,
    new_memory,
    shots,
    start,
    stretches,
    take,
)
from tests.dut.reference_meter.shown import glass_with

Array = NDArray[np.float64]
QUICK = Settings(600.0, leak_after_s=60, burst_after_s=20, reverse_after_s=5, clear_after_s=10)
"""Alarms that come soon."""


def hourly(firmware: Firmware) -> NDArray[np.void]:
    return firmware.kept.profiles[Period.HOUR].rows()


def with_all_columns(firmware: Firmware) -> Firmware:
    firmware.set_columns(Period.HOUR, ALL_COLUMNS)
    return firmware


def told(firmware: Firmware) -> list[tuple[EventCode, int]]:
    """What happened when, but for what the test itself did."""
    skipped = (EventCode.CONFIGURATION_CHANGED, EventCode.COLUMNS_CHANGED)
    return [(event.code, event.clock_ticks) for event in events(firmware) if event.code not in skipped]


def pieces(total: int, cuts: list[int]) -> Iterator[tuple[int, int]]:
    """Begin and end of the pieces that cuts leave of so many cycles."""
    return pairwise(sorted({0, total, *(cut % total for cut in cuts)}))


# However the cycles arrive.

ACTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.9, 5.0, 100.0, 700.0, 2500.0, -30.0, None]), st.integers(20, 700)),
    min_size=1,
    max_size=5,
)


def live(firmware: Firmware, acts: list[tuple[float | None, int]], cuts: list[int] | None) -> None:
    """Water of these flows, or none: in single cycles, or in pieces. After an empty pipe single ones are due."""
    for flow_l_h, cycles in acts:
        whole = range(1, cycles) if cuts is None else cuts
        if flow_l_h is None:
            for begin, end in pieces(cycles, list(whole)):
                firmware.miss(end - begin)
            continue
        done = 0
        while done < cycles and not firmware.measurement.clear:
            take(firmware, shots(flow_l_h, 1))
            done += 1
        if done < cycles:
            for begin, end in pieces(cycles - done, list(whole)):
                firmware.measure(shots(flow_l_h, end - begin))


@settings(max_examples=40, deadline=None)
@given(ACTS, st.lists(st.integers(1, 700), max_size=6), st.integers(1, 1200))
@example(acts=[(2500.0, 142), (0.0, 20), (None, 20)], cuts=[], to_hour=167)
@example(acts=[(100.0, 100)], cuts=[], to_hour=100)
@example(acts=[(100.0, 100)], cuts=[50], to_hour=50)
@example(acts=[(None, 200), (100.0, 500)], cuts=[], to_hour=100)
def test_hours_and_events_do_not_depend_on_the_blocks(
    acts: list[tuple[float | None, int]], cuts: list[int], to_hour: int
) -> None:
    """Single cycles, or pieces of any length, over a full hour: the same records, events and state, within 2 nL."""
    firmwares = []
    for how in (None, cuts):
        firmware = with_all_columns(filled(start(clock_ticks=EPOCH_2026 - to_hour - 40)))
        firmware.configure(QUICK)
        live(firmware, acts, how)
        firmwares.append(firmware)
    single, blocks = firmwares
    total = sum(cycles for _, cycles in acts)
    assert single.tick == blocks.tick == total + 40
    rows, others = hourly(single), hourly(blocks)
    assert rows["clock_ticks"].tolist() == ([EPOCH_2026] if to_hour <= total else [])
    for name in rows.dtype.names or ():
        slack = 2 if name in ("forward_nl", "reverse_nl", "flow_ml_h") else 0
        assert np.abs(rows[name].astype(np.int64) - others[name].astype(np.int64)).max(initial=0) <= slack, name
    assert told(single) == told(blocks)
    one, other = single.state(), blocks.state()
    assert abs(one.forward_nl - other.forward_nl) <= 2
    assert abs(one.reverse_nl - other.reverse_nl) <= 2
    alike = {"forward_nl": 0, "reverse_nl": 0, "forward_pending_nl": 0.0, "reverse_pending_nl": 0.0}
    assert replace(one, **alike) == replace(other, **alike)


def test_a_record_has_what_was_when_the_hour_was_full() -> None:
    """In one block over the hour: the total is that of the cycles before it, to a nanolitre."""
    firmware = with_all_columns(filled(start(clock_ticks=EPOCH_2026 - 40 - 100)))
    firmware.measure(shots(2500.0, 1000))
    (row,) = hourly(firmware)
    assert row["clock_ticks"] == EPOCH_2026
    assert row["forward_nl"] == pytest.approx(100 * 2500.0 * CYCLE_NL_PER_L_H, rel=1e-5)
    assert (row["reverse_nl"], row["alarms"], row["pressure_kpa"]) == (0, 0, NO_PRESSURE)
    assert row["status"] == 0
    assert row["ambient_temp_centi_c"] == 2134
    assert row["water_temp_centi_c"] == pytest.approx(2000, abs=3)
    assert row["flow_ml_h"] == pytest.approx(2_500_000, rel=1e-5)


def test_a_record_of_an_empty_pipe_has_no_temperature() -> None:
    firmware = with_all_columns(start(clock_ticks=EPOCH_2026 - 1000))
    firmware.miss(2000)
    (row,) = hourly(firmware)
    assert (row["water_temp_centi_c"], row["flow_ml_h"], row["alarms"]) == (NO_TEMP, 0, Alarm.DRY)


def course_of(acts: list[tuple[float, int]]) -> Array:
    return np.concatenate([np.full(cycles, flow_l_h) for flow_l_h, cycles in acts])


def in_stretches(firmware: Firmware, acts: list[tuple[float, int]]) -> None:
    """In one piece, cut at the hours, and the moving means filled again afterwards."""
    flow_l_h = course_of(acts)
    assert len(flow_l_h) < firmware.undisturbed_cycles
    ends = np.cumsum([cycles for _, cycles in acts])
    edges = np.unique(np.concatenate(([0], ends, firmware.hours_within(len(flow_l_h)))))
    firmware.measure_stretches(stretches(flow_l_h[edges[:-1]], np.diff(edges)))
    firmware.measurement.recall(each_shot(flow_l_h[-512:]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 20.0, 100.0, 570.0, 700.0, 2500.0, -30.0]), st.integers(32, 9000)),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, HOUR),
)
@example(acts=[(700.0, 500), (0.0, 500)], to_hour=160)
@example(acts=[(700.0, 500), (0.0, 500)], to_hour=500)
def test_stretches_make_the_records_that_single_cycles_make(acts: list[tuple[float, int]], to_hour: int) -> None:
    """Without noise: totals (2 nL a stretch), alarms and events, in every record and at the end."""
    firmwares = []
    acts = [*acts, (0.0, 600)]
    for closed in (False, True):
        firmware = with_all_columns(filled(start(clock_ticks=EPOCH_2026 - to_hour - 40)))
        firmware.configure(QUICK)
        if closed:
            in_stretches(firmware, acts)
        else:
            firmware.measure(each_shot(course_of(acts)))
        firmware.measure(shots(0.0, 600))
        firmwares.append(firmware)
    single, whole = firmwares
    rows, others = hourly(single), hourly(whole)
    assert told(single) == told(whole)
    for name in ("clock_ticks", "status", "alarms", "pressure_kpa", "ambient_temp_centi_c", "water_temp_centi_c"):
        assert rows[name].tolist() == others[name].tolist(), name
    for name in ("forward_nl", "reverse_nl"):
        np.testing.assert_allclose(rows[name], others[name], rtol=0.0, atol=2 * len(acts))
        assert abs(getattr(single.registers(), name) - getattr(whole.registers(), name)) <= 2 * len(acts)
    assert single.registers().measuring_cycles == whole.registers().measuring_cycles
    one, other = single.state(), whole.state()
    assert (one.seen, one.sticky, one.present, one.clock_ticks) == (
        other.seen,
        other.sticky,
        other.present,
        other.clock_ticks,
    )


@pytest.mark.parametrize(
    "flow_l_h",
    [
        20.0,
        -20.0,
        0.0,
        1.5625,
    ],
)
def test_a_record_of_a_steady_stretch_has_its_flow(flow_l_h: float) -> None:
    """What single cycles of the same show: the mean of four seconds (Q1 of R1600 among them), noise of 35 ps a shot."""
    firmware = with_all_columns(filled(start(clock_ticks=EPOCH_2026 - 2000)))
    take(firmware, shots(flow_l_h, 1000))
    assert firmware.registers().flow_l_h == pytest.approx(flow_l_h, abs=1e-3)
    edges = np.concatenate(([0], firmware.hours_within(3000), [3000]))
    pair = np.diff(edges)
    steady = stretches(np.full(len(pair), flow_l_h), pair, sd_ps=35.0)
    assert firmware.settled(steady)
    firmware.measure_steady(steady)
    (row,) = hourly(firmware)
    assert row["clock_ticks"] == EPOCH_2026
    assert row["flow_ml_h"] == pytest.approx(1e3 * flow_l_h, abs=10)


@pytest.mark.parametrize("flow_l_h", [0.9, 0.5])
def test_a_record_shows_no_flow_that_is_not_registered(flow_l_h: float) -> None:
    """Below the sensitivity threshold the flow register shows zero, in a quiet unit too."""
    firmware = with_all_columns(filled(start(clock_ticks=EPOCH_2026 - 2000)))
    take(firmware, shots(flow_l_h, 1000))
    assert firmware.registers().flow_l_h == 0.0
    pair = np.diff(np.concatenate(([0], firmware.hours_within(3000), [3000])))
    steady = stretches(np.full(len(pair), flow_l_h), pair, sd_ps=0.1)
    assert firmware.settled(steady)
    firmware.measure_steady(steady)
    assert hourly(firmware)["forward_nl"].tolist() == [0]
    assert hourly(firmware)["flow_ml_h"].tolist() == [0]


def test_many_hours_in_one_piece_are_as_many_records() -> None:
    """Ten days: 240 hours, 10 days, each with the total of its time."""
    firmware = filled(start(clock_ticks=EPOCH_2026 - 40))
    begun_nl = firmware.registers().forward_nl
    at_once(firmware, 20.0, 10 * DAY + 5)
    rows = hourly(firmware)
    hours = np.arange(241)
    assert rows["clock_ticks"].tolist() == (EPOCH_2026 + hours * HOUR).tolist()
    np.testing.assert_allclose(rows["forward_nl"], begun_nl + hours * 20e9, rtol=1e-5)
    assert len(firmware.kept.profiles[Period.DAY].rows()) == 11
    assert len(firmware.kept.profiles[Period.MONTH].rows()) == 1


# TEST.


def _dry(firmware: Firmware) -> None:
    firmware.miss(100)
    assert firmware.measurement.silent


@pytest.mark.requirement("ADR-063")
@pytest.mark.parametrize(
    ("prepare", "pass_cycles"),
    [
        (filled, lambda firmware: firmware.measure(shots(50.0, 2000))),
        (filled, lambda firmware: [firmware.measure(shots(50.0, 7)) for _ in range(300)]),
        (filled, lambda firmware: firmware.miss(2000)),
        (_dry, lambda firmware: firmware.miss(2000)),
        (_dry, lambda firmware: firmware.idle(2000)),
        (_dry, lambda firmware: [firmware.idle(3) for _ in range(700)]),
    ],
)
@pytest.mark.parametrize("to_hour", [10_000, 800, 799, 801])
def test_test_ends_at_its_tick(
    prepare: Callable[[Firmware], object], pass_cycles: Callable[[Firmware], object], to_hour: int
) -> None:
    """After 100 s to the eighth of a second, with water, without, and also if an hour is full at the same tick."""
    firmware = start()
    prepare(firmware)
    firmware.put_right(EPOCH_2026 - to_hour)
    firmware.configure(replace(firmware.settings, test_time_out_s=100))
    firmware.enter_test()
    assert (firmware.mode, firmware.measurement.full_rate) == (Mode.TEST, True)
    pass_cycles(firmware)
    assert (firmware.mode, firmware.measurement.full_rate) == (Mode.NORMAL, False)
    begun = EPOCH_2026 - to_hour
    changed = events(firmware, EventCode.MODE_CHANGED)
    assert [event.clock_ticks for event in changed] == [begun, begun + 800]
    assert [(event.value_a, event.value_b) for event in changed] == [(0, 3), (3, 0)]
    if to_hour < 10_000:
        (row,) = hourly(firmware)
        assert row["clock_ticks"] == EPOCH_2026
        assert bool(row["status"] & Status.TEST) == (to_hour < 800)


def test_test_begun_anew_lasts_all_its_time() -> None:
    """Entered at 0 s and at 60 s, it ends at 160 s; a time-out configured meanwhile is for the next one."""
    firmware = filled(start())
    firmware.configure(replace(firmware.settings, test_time_out_s=100))
    begun = firmware.tick
    firmware.enter_test()
    firmware.measure(shots(0.0, 480))
    firmware.enter_test()
    firmware.configure(replace(firmware.settings, test_time_out_s=5))
    firmware.measure(shots(0.0, 799))
    assert firmware.mode is Mode.TEST
    firmware.measure(shots(0.0, 1))
    assert firmware.mode is Mode.NORMAL
    assert [event.clock_ticks for event in events(firmware, EventCode.MODE_CHANGED)] == [
        EPOCH_2026 + begun,
        EPOCH_2026 + begun + 1280,
    ]


def test_test_goes_on_after_a_loss_of_supply() -> None:
    """For the rest of its time, at full rate."""
    memory = new_memory()
    firmware = filled(start(memory))
    firmware.configure(replace(firmware.settings, test_time_out_s=100))
    firmware.enter_test()
    firmware.measure(shots(0.0, 300))
    firmware.save()
    again = start(memory)
    assert (again.mode, again.measurement.full_rate) == (Mode.TEST, True)
    again.miss(499)
    assert again.mode is Mode.TEST
    again.miss(1)
    assert again.mode is Mode.NORMAL


# TRANSPORTATION.

TEN_L_NL = 10 * 10**9


def transported(flow_l_h: Array, cuts: list[int]) -> Firmware:
    """In TRANSPORTATION through these cycles, in pieces."""
    firmware = filled(start())
    firmware.enter_transportation()
    for begin, end in pieces(len(flow_l_h), cuts):
        firmware.measure(each_shot(flow_l_h[begin:end]))
    return firmware


@pytest.mark.requirement("ADR-062")
@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 30.0, 400.0, 2500.0, 3800.0, -300.0, -3000.0]), st.integers(1, 300)),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.integers(1, 2000), max_size=5),
)
@example(acts=[(2500.0, 116)], cuts=[])
@example(acts=[(3800.0, 200)], cuts=[50])
def test_transportation_ends_with_the_cycle_of_the_tenth_litre(acts: list[tuple[float, int]], cuts: list[int]) -> None:
    """The first after which both totals together have grown by 10 L, as a meter finds that gets single cycles."""
    flow_l_h = course_of(acts)
    free = filled(start())
    begun_nl, end = sum(free.measurement.totals_nl), None
    for cycle in range(len(flow_l_h)):
        free.measure(each_shot(flow_l_h[cycle : cycle + 1]))
        if end is None and sum(free.measurement.totals_nl) - begun_nl >= TEN_L_NL:
            end = free.tick
    firmware = transported(flow_l_h, cuts)
    ended = [event.clock_ticks - EPOCH_2026 for event in events(firmware, EventCode.MODE_CHANGED)][1:]
    assert ended == ([] if end is None else [end])
    assert firmware.mode is (Mode.TRANSPORTATION if end is None else Mode.NORMAL)


def test_transportation_ends_among_bridged_shots() -> None:
    """For a second the last flow counts on: the tenth litre may be among that."""
    firmware = transported(np.full(115, 2500.0), [])
    assert firmware.mode is Mode.TRANSPORTATION
    begun = firmware.tick
    firmware.miss(4000)
    assert sum(firmware.measurement.totals_nl) > TEN_L_NL
    (ended,) = events(firmware, EventCode.MODE_CHANGED)[1:]
    assert 1 <= ended.clock_ticks - EPOCH_2026 - begun <= 8


def test_transportation_is_not_taken_in_one_piece() -> None:
    """While water flows; still water may be."""
    firmware = filled(start())
    still = stretches(np.zeros(1), np.array([1000]))
    running = stretches(np.full(1, 100.0), np.array([1000]))
    assert firmware.settled(still)
    firmware.enter_transportation()
    assert firmware.settled(still)
    firmware.measure(shots(100.0, 600))
    assert not firmware.settled(running)


def test_transportation_goes_on_after_a_loss_of_supply() -> None:
    """What flowed before counts."""
    memory = new_memory()
    firmware = filled(start(memory))
    firmware.enter_transportation()
    firmware.measure(shots(2500.0, 100))
    firmware.save()
    again = filled(start(memory))
    assert again.mode is Mode.TRANSPORTATION
    again.measure(shots(2500.0, 15))
    assert again.mode is Mode.TRANSPORTATION
    again.measure(shots(2500.0, 3))
    assert again.mode is Mode.NORMAL


# The clock.


def run_to(clock_ticks: int) -> Firmware:
    """A meter of still water whose clock has come to this time by itself, over one full hour at least."""
    firmware = filled(start(clock_ticks=clock_ticks - HOUR - 40))
    firmware.measure(shots(0.0, HOUR))
    assert firmware.registers().clock_ticks == clock_ticks
    return firmware


TEN = EPOCH_2026 + 10 * HOUR


@pytest.mark.parametrize(
    ("old", "new", "missed"),
    [
        (TEN + 5, TEN + 100, 0),
        (TEN + 100, TEN + 5, 0),
        (TEN + 5, TEN + 5, 0),
        (TEN - 1, TEN + 1, 1),
        (TEN - 1, TEN, 1),
        (TEN, TEN + 1, 0),
        (TEN, TEN - 1, 0),
        (TEN + 1, TEN - 1, 0),
        (TEN + 1, TEN + HOUR, 1),
        (TEN + 1, TEN + 5 * HOUR, 5),
        (TEN + 1, TEN + 5 * HOUR - 1, 4),
        (TEN + 1, TEN - 5 * HOUR, 0),
        (TEN + 1, TEN - 5 * HOUR - 1, 0),
        (TEN, TEN, 0),
    ],
)
def test_setting_the_clock_is_on_record(old: int, new: int, missed: int) -> None:
    """The event with both times; with the next record, and no later one, marks and how many are missing before it."""
    firmware = run_to(old)
    before = hourly(firmware)
    firmware.set_clock(new)
    (event,) = events(firmware, EventCode.CLOCK_SET)
    assert (event.clock_ticks, event.value_a, event.value_b) == (new, old, new)
    assert (firmware.registers().clock_ticks, firmware.registers().clock_valid) == (new, True)
    assert np.array_equal(hourly(firmware), before)
    firmware.measure(shots(0.0, 2 * HOUR))
    rows = hourly(firmware)[len(before) :]
    first = (new // HOUR + 1) * HOUR
    assert rows["clock_ticks"].tolist() == [first, first + HOUR]
    gaps = [(each.clock_ticks, each.value_a) for each in events(firmware, EventCode.CAPTURES_MISSED)]
    assert gaps == ([(first, missed)] if missed else [])
    marks = rows["status"] & int(Status.CLOCK_SET | Status.CAPTURES_MISSED)
    assert marks.tolist() == [int(Status.CLOCK_SET | (Status.CAPTURES_MISSED if missed else 0)), 0]


def test_a_clock_set_forth_and_back_misses_nothing() -> None:
    """Two hours ahead, and back again before a record was due: every hour is there, and none is said to be missing."""
    firmware = run_to(TEN + 5)
    firmware.set_clock(TEN + 2 * HOUR + 5)
    firmware.measure(shots(0.0, 100))
    firmware.set_clock(TEN + 105)
    firmware.measure(shots(0.0, HOUR))
    assert hourly(firmware)["clock_ticks"].tolist() == [TEN - HOUR, TEN, TEN + HOUR]
    assert not (hourly(firmware)["status"] & int(Status.CAPTURES_MISSED)).any()
    assert events(firmware, EventCode.CAPTURES_MISSED) == []


def test_a_clock_set_in_a_block_moves_what_is_left_to_the_hour() -> None:
    """Ten ticks before the hour it is set to two before: the record comes with the second cycle."""
    firmware = run_to(TEN - 10)
    firmware.set_clock(TEN - 2)
    firmware.measure(shots(1000.0, 5))
    assert hourly(firmware)["clock_ticks"].tolist()[-1] == TEN
    assert hourly(firmware)["forward_nl"].tolist()[-1] == pytest.approx(2000.0 * CYCLE_NL_PER_L_H, rel=1e-4)


def test_a_refused_time_changes_nothing() -> None:
    firmware = run_to(TEN)
    before = (firmware.state(), told(firmware))
    with pytest.raises(Refused):
        firmware.set_clock(-1)
    assert (firmware.state(), told(firmware)) == before


def test_a_clock_is_trusted_again_when_it_is_set() -> None:
    """After a loss of supply it is not, in registers and records."""
    memory = new_memory()
    start(memory).save()
    again = start(memory)
    assert not again.registers().clock_valid
    again.idle(HOUR)
    assert hourly(again)["status"].tolist() == [int(Status.CLOCK_INVALID | Status.POWER_LOST)]
    again.idle(HOUR)
    assert hourly(again)["status"].tolist()[1:] == [int(Status.CLOCK_INVALID)]
    again.set_clock(EPOCH_2026 + 100 * HOUR + 5)
    again.idle(HOUR)
    assert hourly(again)["status"].tolist()[2:] == [int(Status.CLOCK_SET | Status.CAPTURES_MISSED)]
    assert again.registers().clock_valid


def test_the_clock_of_production_leaves_no_trace() -> None:
    firmware = start()
    firmware.put_right(EPOCH_2026 + DAY)
    assert told(firmware) == []
    assert firmware.state().sticky == 0


# The supply.


def restarted(memory: Fram, desk: Desk | None = None) -> Firmware:
    return start(memory, desk, clock_ticks=0)


def test_all_of_the_state_is_there_again() -> None:
    """A meter with something of everything; only the clock is not to be trusted, and the next record will say why."""
    memory, desk = new_memory(), Desk()
    firmware = filled(start(memory, desk))
    firmware.configure(replace(QUICK, pushed=Alarm.LEAK | Alarm.MAGNET))
    firmware.measure(shots(-20.0, 300))
    desk.magnet = True
    firmware.moved()
    firmware.measure(shots(700.3, 900))
    slipped = each_shot(np.full(3, 700.3))
    take(firmware, replace(slipped, t_up_s=slipped.t_up_s + 1e-6, dt_ps=slipped.dt_ps + 1e6))
    firmware.measure(shots(0.0, 10, Echo.UNSURE))
    firmware.set_clock(EPOCH_2026 + 5 * HOUR + 77)
    firmware.enter_test()
    firmware.measure(shots(333.3, 100))
    desk.valve = True
    firmware.valve_moved()
    firmware.measure(shots(0.02, 5000))
    firmware.save()
    was = firmware.state()
    nothing = {name for name, value in _parts(was) if value in (0, None, b"")}
    assert nothing == {"transport_from_nl"}
    state = restarted(memory, desk).state()
    assert state == replace(
        was,
        seen=was.seen | was.present,
        sticky=was.sticky | Status.POWER_LOST,
        logged=(was.logged[0] + 1, *was.logged[1:3], state.logged[3], *was.logged[4:]),
        power=state.power,
    )


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        State,
        clock_ticks=st.integers(0, EPOCH_2026),
        forward_nl=st.integers(0, 10**19 // 2),
        reverse_nl=st.integers(0, 10**19 // 2),
        forward_pending_nl=st.floats(-1e9, 1.0),
        reverse_pending_nl=st.floats(-1e9, 1.0),
        transport_from_nl=st.none() | st.integers(0, 10**18),
        test_left=st.none() | st.integers(1, 30 * DAY),
        present=st.integers(0, 2**9 - 1),
        latched=st.sets(st.sampled_from([Alarm.CASE_OPEN, Alarm.MAGNET, Alarm.TILT])).map(sum),
        to_push=st.integers(0, 2**9 - 1),
        seen=st.integers(0, 2**9 - 1),
        sticky=st.integers(0, 2**4 - 1),
        measuring_cycles=st.integers(0, 2**40),
        lost_shots=st.integers(0, 2**40),
        refused_shots=st.integers(0, 2**40),
        suspected_slips=st.integers(0, 2**40),
        captured=st.just(1),
        zero_correction_ps=st.floats(-8.0, 8.0),
        valve_closed=st.just(False),
        logged=st.just((1, 1, 1, 1, 1)),
        power=st.just(PowerManager().state()),
    )
)
def test_any_state_is_in_force_at_the_next_start(state: State) -> None:
    """And saved again at once, so that a supply that fails again at the first cycle takes nothing."""
    memory = new_memory()
    NonVolatile(memory).save_state(state)
    expected = replace(state, seen=state.seen | state.present, sticky=state.sticky | Status.POWER_LOST)
    firmware = Firmware(made(), memory, Desk())
    saved = NonVolatile(memory).state()
    assert saved is not None
    assert replace(firmware.state(), logged=state.logged) == replace(saved, logged=state.logged) == expected
    registers = firmware.registers()
    assert (registers.forward_nl, registers.reverse_nl) == (state.forward_nl, state.reverse_nl)
    assert (registers.clock_ticks, registers.clock_valid) == (state.clock_ticks, False)
    assert registers.alarms == state.present | state.latched
    assert registers.measuring_cycles == state.measuring_cycles
    if state.test_left is not None:
        assert firmware.mode is Mode.TEST
    elif state.transport_from_nl is not None:
        assert firmware.mode is Mode.TRANSPORTATION


def _parts(state: object) -> list[tuple[str, object]]:
    return [(name, getattr(state, name)) for name in type(state).__slots__]  # type: ignore[attr-defined]


@pytest.mark.parametrize("seconds", [0, 1, 5])
def test_totals_never_fall_over_a_loss_of_supply(seconds: int) -> None:
    """Nobody announced it: what was measured in the last second may be gone, what was before is there."""
    memory = new_memory()
    firmware = filled(start(memory))
    firmware.measure(shots(1000.0, 500))
    a_second_ago_nl = firmware.registers().forward_nl
    firmware.measure(shots(1000.0, 8))
    now_nl = firmware.registers().forward_nl
    firmware.save_as_of_a_second_ago()
    again = restarted(memory)
    assert a_second_ago_nl <= again.registers().forward_nl <= now_nl
    filled(again, 1000.0, seconds=8)
    assert again.registers().forward_nl > a_second_ago_nl


@pytest.mark.parametrize("since", [0, 1, 7])
def test_no_hour_is_captured_twice(since: int) -> None:
    """The supply goes unannounced within the second after a full hour: the record is there, and the clock is beyond."""
    memory = new_memory()
    firmware = filled(start(memory, clock_ticks=EPOCH_2026 - 540))
    firmware.measure(shots(1000.0, 500 + since))
    assert len(hourly(firmware)) == 1
    firmware.save_as_of_a_second_ago()
    again = filled(restarted(memory))
    again.measure(shots(0.0, HOUR))
    assert hourly(again)["clock_ticks"].tolist() == [EPOCH_2026, EPOCH_2026 + HOUR]
    assert np.diff(hourly(again)["forward_nl"]).min() >= 0


def _damaged(memory: Fram, *addresses: int) -> Fram:
    """Another memory with a byte changed at each of these addresses."""
    content = bytearray(memory.dump())
    for address in addresses:
        content[address] ^= 0xFF
    other = new_memory()
    other.load(bytes(content))
    return other


def test_a_damaged_record_takes_nothing_from_the_total() -> None:
    """The state is whole; the newest hour and the newest entry of the recorder's journal are not."""
    memory = new_memory()
    firmware = filled(start(memory, clock_ticks=EPOCH_2026 - HOUR))
    firmware.measure(shots(1000.0, 2 * HOUR + 1000))
    firmware.save()
    total_nl, clock_ticks = firmware.registers().forward_nl, firmware.registers().clock_ticks
    journal, hours = MEMORY_MAP.address("recorder"), MEMORY_MAP.address("hourly")
    newest = (EPOCH_2026 + HOUR).to_bytes(8, "little")
    newest_entry, newest_row = memory.dump().index(newest, journal), memory.dump().index(newest, hours)
    assert newest_entry < hours
    registers = restarted(_damaged(memory, newest_row, newest_entry)).registers()
    assert (registers.forward_nl, registers.clock_ticks) == (total_nl, clock_ticks)


def test_a_meter_whose_state_is_damaged_is_not_a_new_one() -> None:
    """Both copies: the last record still knows the total, the log the alarms, the clock is not to be trusted, and an
    event says so."""
    memory, desk = new_memory(), Desk()
    firmware = filled(start(memory, desk, clock_ticks=EPOCH_2026 - 2000))
    desk.magnet = True
    firmware.moved()
    firmware.measure(shots(1000.0, 1000))
    desk.magnet = False
    firmware.moved()
    firmware.measure(shots(1000.0, 2000))
    firmware.save()
    (row,) = hourly(firmware)
    state = MEMORY_MAP.address("state")
    again = restarted(_damaged(memory, state + 20, state + STATE_BYTES + 8 + 20))
    assert again.registers().forward_nl >= row["forward_nl"] > 0
    assert again.registers().alarms == Alarm.MAGNET
    assert not again.registers().clock_valid
    assert events(again)


def test_a_loss_of_supply_is_on_record() -> None:
    """An event at each start but the first; POWER_FAILED only if it was announced."""
    memory = new_memory()
    start(memory).save()
    restarted(memory).power_fails()
    again = restarted(memory)
    assert [event.code for event in events(again)] == [
        EventCode.STARTED_AFTER_POWER_LOSS,
        EventCode.STARTED_AFTER_POWER_LOSS,
        EventCode.POWER_FAILED,
    ]


def test_no_number_is_given_twice() -> None:
    """Over restarts, over the end of a block of reserved numbers, and over a supply that fails while one is given."""
    memory = new_memory()
    firmware = start(memory)
    given_numbers = [firmware.count_up(3) for _ in range(250)]
    firmware = restarted(memory)
    given_numbers += [firmware.count_up(3) for _ in range(100)]
    assert given_numbers == sorted(set(given_numbers))
    content = memory.dump()

    for cut in range(40):
        memory = new_memory()
        memory.load(content)
        numbers: list[int] = []
        firmware = restarted(memory)
        memory.cut_after(cut)
        with suppress(PowerLost):
            for _ in range(3):
                numbers.append(firmware.count_up(3))
        memory.restore()
        numbers.append(restarted(memory).count_up(3))
        assert given_numbers[-1] < numbers[0]
        assert numbers == sorted(set(numbers))


def test_counters_do_not_know_of_each_other() -> None:
    firmware = start()
    assert [firmware.count_up(0) for _ in range(3)] == [1, 2, 3]
    assert [firmware.count_up(counter) for counter in range(1, 8)] == [1] * 7


def test_a_cut_in_the_hour_leaves_no_alarm_unrecorded() -> None:
    """The supply fails while the record is written: alarm and clock setting stand in this record, or in the next."""
    memory = new_memory()
    firmware = filled(start(memory, clock_ticks=EPOCH_2026 - 10_000))
    firmware.set_clock(EPOCH_2026 - 3000)
    firmware.configure(QUICK)
    firmware.measure(shots(700.0, 300))
    firmware.measure(shots(0.0, 2000))
    assert firmware.state().seen & Alarm.BURST
    assert not firmware.state().present & Alarm.BURST
    firmware.save()
    content = memory.dump()
    for cut in range(0, 1700, 29):  # Run to the last cycle before the hour: what is cut is the hour itself.
        memory = new_memory()
        memory.load(content)
        again = filled(restarted(memory))
        again.measure(shots(0.0, again.to_hour - 1))
        memory.cut_after(cut)
        with suppress(PowerLost):
            again.measure(shots(0.0, 1))
        memory.restore()
        after = filled(restarted(memory))
        after.measure(shots(0.0, HOUR + 100))
        rows = hourly(after)
        assert (rows["alarms"] & np.uint32(Alarm.BURST)).any(), cut
        assert (rows["status"] & np.uint32(Status.CLOCK_SET)).any(), cut


# Sources and batteries.


def battery_at(firmware: Firmware, c1_v: float | None, backup_v: float | None) -> None:
    """What the power manager finds, three times over, so that it believes it."""
    for _ in range(3):
        battery(firmware, c1_v, backup_v)
    firmware.battery_changed()


@pytest.mark.requirement("ADR-061")
def test_the_source_makes_the_mode() -> None:
    """On the backup cell NORMAL is MEASUREMENT, with NFC only; back on C1 it is NORMAL again. Both are on record."""
    firmware = filled(start())
    assert (firmware.mode, bool(firmware.status & Status.MEASUREMENT)) == (Mode.NORMAL, False)
    battery_at(firmware, None, 3.6)
    assert (firmware.mode, bool(firmware.status & Status.MEASUREMENT)) == (Mode.MEASUREMENT, True)
    assert {channel.name for channel in firmware.channels} == {"IDENTIFICATION", "NFC"}
    battery_at(firmware, 3.6, 3.6)
    assert firmware.mode is Mode.NORMAL
    assert [(event.value_a, event.value_b) for event in events(firmware, EventCode.SOURCE_CHANGED)] == [(1, 2), (2, 1)]
    assert [(event.value_a, event.value_b) for event in events(firmware, EventCode.MODE_CHANGED)] == [(0, 1), (1, 0)]


@pytest.mark.parametrize("mode", [Mode.TEST, Mode.TRANSPORTATION])
@pytest.mark.parametrize("back", [False, True])
def test_the_source_ends_neither_test_nor_transportation(mode: Mode, back: bool) -> None:
    """What comes after them is what the source is then."""
    firmware = filled(start())
    if mode is Mode.TEST:
        firmware.enter_test()
    else:
        firmware.enter_transportation()
    battery_at(firmware, None, 3.6)
    assert firmware.mode is mode
    if back:
        battery_at(firmware, 3.6, 3.6)
    if mode is Mode.TEST:
        firmware.leave_test()
    else:
        firmware.measure(shots(2500.0, 200))
    assert firmware.mode is (Mode.NORMAL if back else Mode.MEASUREMENT)


def test_leaving_test_leaves_no_other_mode() -> None:
    firmware = filled(start())
    firmware.enter_transportation()
    firmware.leave_test()
    assert firmware.mode is Mode.TRANSPORTATION
    with pytest.raises(Refused, match="TRANSPORTATION"):
        firmware.enter_test()
    assert not firmware.measurement.full_rate


@pytest.mark.requirement("ADR-045")
def test_a_low_battery_is_an_alarm_while_it_is_low() -> None:
    """Discharged by voltage, then exchanged for a good one: told, recorded, and gone."""
    firmware = filled(start())
    battery_at(firmware, 2.5, 3.6)
    assert firmware.registers().alarms == Alarm.LOW_BATTERY_INTERNAL
    assert "LOW_BATTERY_INTERNAL" in look(firmware).icons
    battery_at(firmware, None, 3.6)
    battery_at(firmware, 3.6, 3.6)
    assert firmware.registers().alarms == Alarm(0)
    codes = [event.code for event in events(firmware)]
    assert EventCode.LOW_BATTERY_INTERNAL_BEGAN in codes
    assert EventCode.LOW_BATTERY_INTERNAL_ENDED in codes


# Configuration.


def test_settings_outlast_the_supply() -> None:
    """And are what the alarms, the display and TEST go by."""
    memory = new_memory()
    other = replace(
        QUICK, volume_decimals=5, screens=(Screen.INFO_CODE, Screen.VOLUME), test_time_out_s=7, pushed=Alarm.BURST
    )
    first = start(memory)
    assert first.settings == default_settings(2500.0)
    first.configure(other)
    firmware = restarted(memory)
    assert firmware.settings == other
    filled(firmware)
    firmware.measure(shots(700.0, 500))
    assert firmware.registers().alarms == Alarm.BURST | Alarm.LEAK
    assert firmware.registers().to_push == Alarm.BURST
    firmware.panel.show(Screen.VOLUME, firmware.tick)
    assert len(look(firmware).text.strip().split(".")[1]) == 5
    firmware.enter_test()
    firmware.measure(shots(0.0, 57))
    assert firmware.mode is Mode.NORMAL


@pytest.mark.parametrize("cut", [0, 33, 34, 500, 1065, 1066, 1067, 2097])
def test_settings_are_there_whole_or_as_they_were(cut: int) -> None:
    """The event of 34 bytes goes first, then come two copies of 1032: the first whole one counts."""
    memory = new_memory()
    firmware = start(memory)
    firmware.configure(replace(QUICK, volume_decimals=4))
    memory.cut_after(cut)
    with pytest.raises(PowerLost):
        firmware.configure(replace(QUICK, volume_decimals=5))
    memory.restore()
    again = restarted(memory)
    assert again.settings.volume_decimals == (4 if cut < 34 + 1032 else 5)
    assert len(events(again, EventCode.CONFIGURATION_CHANGED)) == (1 if cut < 34 else 2)


def test_other_columns_empty_a_profile_and_outlast_the_supply() -> None:
    memory = new_memory()
    firmware = start(memory, clock_ticks=EPOCH_2026 - 10)
    firmware.idle(2 * HOUR)
    firmware.set_columns(Period.HOUR, Column.TIME | Column.AMBIENT_TEMP)
    assert len(hourly(firmware)) == 0
    assert len(firmware.kept.profiles[Period.DAY].rows()) == 1
    firmware.idle(HOUR)
    firmware.save()
    again = restarted(memory)
    assert hourly(again).tolist() == [(EPOCH_2026 + 2 * HOUR, 2134)]
    (event,) = events(again, EventCode.COLUMNS_CHANGED)
    assert (event.value_a, event.value_b) == (0, int(Column.TIME | Column.AMBIENT_TEMP))


def test_a_new_limit_is_watched_from_now_on() -> None:
    """BURST at 600 L/h for 20 s: 19 s have gone when the limit is lowered, and its 20 s begin anew."""
    firmware = filled(start())
    firmware.configure(QUICK)
    begun = firmware.tick
    firmware.measure(shots(2500.0, 19 * TICKS_PER_S))
    firmware.configure(replace(QUICK, burst_limit_l_h=500.0))
    firmware.measure(shots(2500.0, 30 * TICKS_PER_S))
    (event,) = events(firmware, EventCode.BURST_BEGAN)
    assert event.clock_ticks == EPOCH_2026 + begun + (19 + 20) * TICKS_PER_S


def test_settings_that_do_not_concern_alarms_leave_them_alone() -> None:
    """19 s of 20 s have gone when the decimals are changed: the alarm comes a second later."""
    firmware = filled(start())
    firmware.configure(QUICK)
    firmware.measure(shots(2500.0, 19 * TICKS_PER_S))
    begun = firmware.tick
    firmware.configure(replace(QUICK, volume_decimals=2, test_time_out_s=10))
    firmware.measure(shots(2500.0, 30 * TICKS_PER_S))
    (event,) = events(firmware, EventCode.BURST_BEGAN)
    # The mean of four seconds passed 600 L/h with the eighth cycle.
    assert event.clock_ticks == EPOCH_2026 + begun + TICKS_PER_S + 7


# Alarms.


@pytest.mark.requirement("ADR-044")
@pytest.mark.requirement("ADR-046")
def test_an_attempt_to_tamper_stays_until_it_is_acknowledged() -> None:
    """Shown and recorded hour after hour, over a loss of supply; told to the centre once; gone when acknowledged."""
    memory, desk = new_memory(), Desk()
    firmware = start(memory, desk, clock_ticks=EPOCH_2026 - 1000)
    desk.magnet = True
    firmware.moved()
    firmware.idle(100)
    desk.magnet = False
    firmware.moved()
    firmware.idle(2 * HOUR)
    assert firmware.registers().alarms == firmware.registers().to_push == Alarm.MAGNET
    assert hourly(firmware)["alarms"].tolist() == [Alarm.MAGNET] * 2
    firmware.told(Alarm.MAGNET)
    firmware.save()
    again = restarted(memory, desk)
    assert (again.registers().alarms, again.registers().to_push) == (Alarm.MAGNET, Alarm(0))
    assert "TAMPER" in look(again).icons
    again.acknowledge(Alarm.MAGNET)
    assert again.registers().alarms == Alarm(0)
    again.idle(2 * HOUR)
    assert hourly(again)["alarms"].tolist()[-2:] == [Alarm.MAGNET, 0]


def test_an_acknowledgement_outlasts_the_supply() -> None:
    memory, desk = new_memory(), Desk()
    firmware = start(memory, desk)
    desk.lid_open = True
    firmware.moved()
    firmware.idle(100)
    desk.lid_open = False
    firmware.moved()
    firmware.idle(100)
    firmware.acknowledge(Alarm.CASE_OPEN)
    firmware.told(Alarm.CASE_OPEN)
    again = restarted(memory, desk)
    assert (again.registers().alarms, again.registers().to_push) == (Alarm(0), Alarm(0))


def test_what_goes_on_over_a_loss_of_supply_is_told_once() -> None:
    """The lid stays open."""
    memory, desk = new_memory(), Desk()
    firmware = start(memory, desk)
    desk.lid_open = True
    firmware.moved()
    firmware.idle(100)
    firmware.told(Alarm.CASE_OPEN)
    firmware.save()
    again = restarted(memory, desk)
    again.idle(1000)
    assert (again.registers().alarms, again.registers().to_push) == (Alarm.CASE_OPEN, Alarm(0))
    assert len(events(again, EventCode.CASE_OPENED)) == 1


def test_a_position_that_stays_wrong_over_a_loss_of_supply_is_told_once() -> None:
    memory, desk = new_memory(), Desk()
    firmware = start(memory, desk)
    desk.chip.place(gravity_in_case(-60.0, 0.0))
    firmware.moved()
    firmware.idle(1000)
    assert firmware.registers().alarms == Alarm.TILT
    firmware.told(Alarm.TILT)
    firmware.save()
    again = restarted(memory, desk)
    again.idle(1000)
    assert (again.registers().alarms, again.registers().to_push) == (Alarm.TILT, Alarm(0))
    assert len(events(again, EventCode.TILT_BEGAN)) == 1


def test_a_pipe_that_stays_empty_over_a_loss_of_supply_is_told_once() -> None:
    memory = new_memory()
    firmware = start(memory)
    firmware.miss(100)
    firmware.save()
    again = restarted(memory)
    again.miss(1000)
    assert again.registers().alarms == Alarm.DRY
    assert [event.code for event in events(again, EventCode.DRY_BEGAN, EventCode.DRY_ENDED)] == [EventCode.DRY_BEGAN]


def test_alarms_that_came_and_went_within_the_hour_are_in_its_record() -> None:
    """And not in the next one."""
    firmware = filled(start(clock_ticks=EPOCH_2026 - 5000))
    firmware.configure(QUICK)
    firmware.measure(shots(-100.0, 200))
    firmware.measure(shots(0.0, 200 + HOUR + 5000))
    assert hourly(firmware)["alarms"].tolist() == [Alarm.REVERSE, 0]


# The valve.


def test_the_valve_is_on_record_and_shown() -> None:
    """Each movement once."""
    desk = Desk()
    firmware = filled(start(desk=desk))
    for closed in (True, True, False, False, True):
        desk.valve = closed
        firmware.valve_moved()
    assert [event.code for event in events(firmware, EventCode.VALVE_CLOSED, EventCode.VALVE_OPENED)] == [
        EventCode.VALVE_CLOSED,
        EventCode.VALVE_OPENED,
        EventCode.VALVE_CLOSED,
    ]
    assert Status.VALVE_CLOSED in firmware.status
    assert "VALVE_CLOSED" in look(firmware).icons


# The display.


def look(firmware: Firmware) -> Seen:
    return read_segments(glass_with(firmware.frame()).lit)


@pytest.mark.requirement("ADR-017")
@pytest.mark.parametrize(
    ("forward_nl", "normal", "test"),
    [
        (0, "000000.000", "000.000000"),
        (1_234_567_899_999_999, "001234.567", "234.567899"),
        (999_999_999_999_999_999, "999999.999", "999.999999"),
        (10**18, "000000.000", "000.000000"),
        (10**18 + 999_999_999, "000000.000", "000.000999"),
    ],
)
def test_totals_roll_over_on_the_display_only(forward_nl: int, normal: str, test: str) -> None:
    """Cut off, never rounded; the register goes on."""
    memory = new_memory()
    NonVolatile(memory).save_state(replace(start().state(), forward_nl=forward_nl))
    firmware = restarted(memory)
    assert look(firmware).text == normal
    firmware.enter_test()
    seen = look(firmware)
    assert (seen.text, seen.unit, seen.captions) == (test, "m³", {"TOTAL", "TEST"})
    assert firmware.registers().forward_nl == forward_nl


def test_a_total_goes_on_beyond_the_roll_over() -> None:
    """A litre beyond a million cubic metres."""
    memory = new_memory()
    NonVolatile(memory).save_state(replace(start().state(), forward_nl=10**18 - 10**6))
    firmware = filled(restarted(memory))
    firmware.measure(shots(2500.0, 8 * 60))
    assert firmware.registers().forward_nl == pytest.approx(10**18 + 2500e9 / 60, rel=0, abs=1e7)
    firmware.panel.show(Screen.VOLUME, firmware.tick)
    assert look(firmware).text == "000000.041"


@pytest.mark.requirement("ADR-070")
def test_the_cycle_begins_when_it_is_configured() -> None:
    """Each screen for five seconds; a new list begins with its first, another setting does not disturb it."""
    firmware = filled(start())
    firmware.configure(replace(QUICK, screens=(Screen.VOLUME, Screen.INFO_CODE, Screen.REVERSE_VOLUME)))
    seen = []
    for second in range(16):
        seen.append(sorted(look(firmware).captions)[0])
        firmware.measure(shots(0.0, 8))
        if second == 6:
            firmware.configure(replace(firmware.settings, volume_decimals=2))
    assert seen == ["TOTAL"] * 5 + ["INFO"] * 5 + ["REVERSE"] * 5 + ["TOTAL"]


def test_what_others_report_is_shown() -> None:
    """And gone after a loss of supply, when nobody has reported yet."""
    memory = new_memory()
    firmware = filled(start(memory))
    firmware.panel.report_wan(3)
    firmware.panel.report_supply(small_credit=True, limited=True)
    seen = look(firmware)
    assert seen.icons == {"WAN", "SMALL_CREDIT", "SUPPLY_LIMITED"}
    assert seen.wan_bars == 3
    assert look(restarted(memory)).icons == set()


# Saving.


def test_changes_come_in_order_and_are_told_once() -> None:
    """The same alarm changes from the flow's own list do not come twice to the register."""
    firmware = filled(start())
    firmware.configure(QUICK)
    firmware.measure(shots(-100.0, 400))
    assert firmware.measurement.alarms.take_changes() == list[AlarmChange]()
    firmware.measure(shots(0.0, 400))
    codes = [event.code for event in events(firmware, EventCode.REVERSE_BEGAN, EventCode.REVERSE_ENDED)]
    assert codes == [EventCode.REVERSE_BEGAN, EventCode.REVERSE_ENDED]


def test_every_second_is_saved_when_the_supply_will_fail() -> None:
    """The supply fails in one of the saves: what is found is at most a second old."""
    unit = made()
    for cut in (10, 521, 5200, 5201, 9000):
        memory = new_memory()
        firmware = filled(start(memory, unit=unit))
        firmware.save_every_second()
        memory.cut_after(cut)
        with pytest.raises(PowerLost):
            firmware.measure(shots(1000.0, 10_000))
        total_nl, tick = firmware.registers().forward_nl, firmware.tick
        memory.restore()
        again = start(memory, unit=unit)
        assert 0 <= EPOCH_2026 + tick - again.registers().clock_ticks <= TICKS_PER_S
        assert 0 <= total_nl - again.registers().forward_nl <= TICKS_PER_S * 1000.0 * CYCLE_NL_PER_L_H * 1.001
