"""The event that an alarm's beginning or end is in the logs."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import AlarmChange
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode
from meterbench.dut.reference_meter.metrology.status import Alarm

_EVENTS = {
    Alarm.DRY: (EventCode.DRY_BEGAN, EventCode.DRY_ENDED),
    Alarm.REVERSE: (EventCode.REVERSE_BEGAN, EventCode.REVERSE_ENDED),
    Alarm.LEAK: (EventCode.LEAK_BEGAN, EventCode.LEAK_ENDED),
    Alarm.BURST: (EventCode.BURST_BEGAN, EventCode.BURST_ENDED),
    Alarm.CASE_OPEN: (EventCode.CASE_OPENED, EventCode.CASE_CLOSED),
    Alarm.MAGNET: (EventCode.MAGNET_BEGAN, EventCode.MAGNET_ENDED),
    Alarm.TILT: (EventCode.TILT_BEGAN, EventCode.TILT_ENDED),
    Alarm.LOW_BATTERY_INTERNAL: (EventCode.LOW_BATTERY_INTERNAL_BEGAN, EventCode.LOW_BATTERY_INTERNAL_ENDED),
    Alarm.LOW_BATTERY_EXTERNAL: (EventCode.LOW_BATTERY_EXTERNAL_BEGAN, EventCode.LOW_BATTERY_EXTERNAL_ENDED),
}


_CHANGES = {code: (alarm, code is began) for alarm, (began, ended) in _EVENTS.items() for code in (began, ended)}


def event_of(change: AlarmChange) -> EventCode:
    """The code of a change."""
    began, ended = _EVENTS[change.alarm]
    return began if change.on else ended


def change_of(code: EventCode) -> tuple[Alarm, bool] | None:
    """The alarm that begins (True) or ends with an event; None if it is about something else."""
    return _CHANGES.get(code)
