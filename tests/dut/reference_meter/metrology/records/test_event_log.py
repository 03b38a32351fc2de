"""The event logs: five, 120 events each, for ever numbered (ADR-032)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost
from meterbench.dut.reference_meter.metrology.records.event_log import (
    EVENT_LOGS_BYTES,
    Event,
    EventCode,
    EventLogs,
    LogType,
)
from tests.dut.reference_meter.metrology.storage.cuts import every_cut, with_bits_flipped

SIZE = EVENT_LOGS_BYTES
I64 = st.integers(-(2**63), 2**63 - 1)


def _filled(count: int) -> Fram:
    """So many events in every log, each with its number as its time."""
    fram = Fram(SIZE)
    logs = EventLogs(fram, 0)
    for number in range(1, count + 1):
        for code in (
            EventCode.CLOCK_SET, EventCode.MAGNET_BEGAN, EventCode.LEAK_ENDED,
            EventCode.POWER_FAILED, EventCode.PUSH_LIST_CHANGED,
        ):  # fmt: skip
            logs.add(code, number, -number, 2 * number)
    return fram


@pytest.mark.requirement("ADR-032")
@pytest.mark.parametrize("count", [0, 1, 119, 120, 121, 1000])
def test_each_of_five_logs_keeps_its_newest_120(count: int) -> None:
    """Oldest first, numbers gone on, over a restart."""
    logs = EventLogs(_filled(count), 0)
    assert len(LogType) == 5
    for log in LogType:
        events = logs.events(log)
        assert [event.number for event in events] == list(range(max(1, count - 119), count + 1))
        assert all(event.clock_ticks == event.number for event in events)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(EventCode), I64, I64, I64), max_size=30))
def test_what_is_added_is_found_in_the_log_of_its_code(added: list[tuple[EventCode, int, int, int]]) -> None:
    """With time and both parameters, which may be any 64-bit numbers."""
    fram = Fram(SIZE)
    for each in added:
        EventLogs(fram, 0).add(*each)
    for log in LogType:
        expected = [each for each in added if each[0] >> 8 == log]
        assert EventLogs(fram, 0).events(log) == tuple(
            Event(number, log, *each) for number, each in enumerate(expected, start=1)
        )


def test_add_returns_the_event_as_it_is_kept() -> None:
    """With its number."""
    logs = EventLogs(_filled(3), 0)
    event = logs.add(EventCode.TILT_ENDED, 77, 5)
    assert event == Event(4, LogType.TAMPER, EventCode.TILT_ENDED, 77, 5, 0)
    assert logs.events(LogType.TAMPER)[-1] == event


@pytest.mark.parametrize(
    ("log", "codes"),
    [
        (LogType.STANDARD, "CLOCK_SET MODE_CHANGED COLUMNS_CHANGED CONFIGURATION_CHANGED CAPTURES_MISSED "
                           "STARTED_AFTER_POWER_LOSS"),
        (LogType.TAMPER, "CASE_OPENED CASE_CLOSED MAGNET_BEGAN MAGNET_ENDED TILT_BEGAN TILT_ENDED ALARMS_ACKNOWLEDGED"),
        (LogType.FLOW, "DRY_BEGAN DRY_ENDED REVERSE_BEGAN REVERSE_ENDED LEAK_BEGAN LEAK_ENDED BURST_BEGAN BURST_ENDED "
                       "VALVE_CLOSED VALVE_OPENED"),
        (LogType.POWER, "SOURCE_CHANGED PACK_REMOVED PACK_INSERTED LOW_BATTERY_INTERNAL_BEGAN "
                        "LOW_BATTERY_INTERNAL_ENDED LOW_BATTERY_EXTERNAL_BEGAN LOW_BATTERY_EXTERNAL_ENDED POWER_FAILED "
                        "BATTERY_REPLACED"),
        (LogType.COMMUNICATION, "PUSH_LIST_CHANGED"),
    ],
)  # fmt: skip
def test_codes_never_change(log: LogType, codes: str) -> None:
    """They stand in meters' memories: log in the upper byte, counted in this order below."""
    expected = {name: 256 * log + number for number, name in enumerate(codes.split(), start=1)}
    assert {code.name: code.value for code in EventCode if code.log == log} == expected


@pytest.mark.parametrize("count", [0, 3, 120, 125])
def test_a_cut_loses_only_the_event_that_is_written(count: int) -> None:
    """At every byte; the other logs are as they were."""
    content = _filled(count).dump()
    before = {log: EventLogs(_filled(count), 0).events(log) for log in LogType}
    added = Event(count + 1, LogType.FLOW, EventCode.BURST_BEGAN, 9, 8, 7)
    found = []
    for fram in every_cut(content, lambda fram: EventLogs(fram, 0).add(EventCode.BURST_BEGAN, 9, 8, 7)):
        logs = EventLogs(fram, 0)
        found.append(logs.events(LogType.FLOW))
        assert all(logs.events(log) == before[log] for log in LogType if log != LogType.FLOW)
    old = before[LogType.FLOW]
    assert found == [old] * (len(found) - 1) + [(*old, added)[-120:]]
    assert len(found) > 26


@settings(deadline=None)
@given(st.sets(st.integers(0, 8 * SIZE - 1), max_size=60))
def test_damage_gives_no_false_events(bits: set[int]) -> None:
    """Every event that is read was written."""
    logs = EventLogs(with_bits_flipped(_FULL, bits), 0)
    for log in LogType:
        events = logs.events(log)
        assert all(
            (event.clock_ticks, event.value_a, event.value_b) == (event.number, -event.number, 2 * event.number)
            for event in events
        )
        assert len(events) >= 120 - len(bits)


_FULL = _filled(130)


@pytest.mark.parametrize("figures", [(2**63, 0, 0), (0, 2**63, 0), (0, 0, -(2**63) - 1)])
def test_what_has_no_room_is_refused(figures: tuple[int, int, int]) -> None:
    """Before anything is written."""
    fram = _filled(2)
    before = fram.dump()
    with pytest.raises(ValueError, match="CLOCK_SET"):
        EventLogs(fram, 0).add(EventCode.CLOCK_SET, *figures)
    assert fram.dump() == before


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*EventCode]), st.one_of(st.none(), st.integers(0, 40))), max_size=20))
def test_any_series_of_events_and_cuts(series: list[tuple[EventCode, int | None]]) -> None:
    """Each log is the list it should be, with the event that was cut or without it."""
    fram = Fram(SIZE)
    logs = EventLogs(fram, 0)
    expected: dict[LogType, list[EventCode]] = {log: [] for log in LogType}
    for code, cut in series:
        if cut is not None:
            fram.cut_after(cut)
        try:
            logs.add(code, 5)
            expected[code.log].append(code)
        except PowerLost:
            fram.restore()
            logs = EventLogs(fram, 0)
            if len(logs.events(code.log)) > len(expected[code.log]):
                expected[code.log].append(code)
        fram.restore()
        assert {log: [event.code for event in logs.events(log)] for log in LogType} == expected
