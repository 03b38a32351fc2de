"""What is known after a loss of supply: the state that was saved, brought up to what was recorded and logged since.

A state is saved every second, records and events as they come: in the last second they are newer.
"""

from __future__ import annotations

from dataclasses import replace

from meterbench.dut.reference_meter.metrology.alarms.alarm_events import change_of
from meterbench.dut.reference_meter.metrology.alarms.alarm_register import AlarmRegister
from meterbench.dut.reference_meter.metrology.non_volatile import NonVolatile
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.state import State
from meterbench.dut.reference_meter.metrology.status import Alarm


def brought_up_to_date(saved: State, kept: NonVolatile, pushed: Alarm) -> State:
    """``saved`` with the newest record and the events that it does not know; ``pushed`` is the configured list."""
    return _with_last_events(_with_last_record(saved, kept), kept, pushed)


def _with_last_record(state: State, kept: NonVolatile) -> State:
    """A record that was made after the state was saved has told what it told."""
    row = kept.recorder.last_row
    if row is None or kept.profiles[Period.HOUR].next_number <= state.captured:
        return state
    return replace(
        state,
        clock_ticks=int(row["clock_ticks"][0]),
        forward_nl=int(row["forward_nl"][0]),
        reverse_nl=int(row["reverse_nl"][0]),
        forward_pending_nl=0.0,
        reverse_pending_nl=0.0,
        seen=0,
        sticky=0,
    )


def _with_last_events(state: State, kept: NonVolatile, pushed: Alarm) -> State:
    """What was logged of alarms after the state was saved has happened."""
    alarms = AlarmRegister(Alarm(state.present), Alarm(state.latched), Alarm(state.to_push))
    seen = state.seen
    for log, known in zip(LogType, state.logged, strict=True):
        for event in kept.logs.events(log):
            if event.number < known:
                continue
            if event.code is EventCode.ALARMS_ACKNOWLEDGED:
                alarms.acknowledge(Alarm(event.value_a))
            elif (change := change_of(event.code)) is not None:
                alarm, on = change
                alarms.change(alarm, on=on, pushed=pushed)
                seen |= int(alarms.active)
    return replace(
        state, present=int(alarms.present), latched=int(alarms.latched), to_push=int(alarms.to_push), seen=seen
    )
