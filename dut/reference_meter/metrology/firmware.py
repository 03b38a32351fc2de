"""The legally relevant firmware of one meter: measuring, and all that is kept, watched and shown of it.

It counts measuring cycles, and everything that has its time (full hours, time-outs, looks at a sensor) is due at a
tick: whatever is measured in blocks is cut there, so that nothing comes a cycle too early or too late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.alarms.alarm_events import event_of
from meterbench.dut.reference_meter.metrology.alarms.alarm_register import AlarmRegister
from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import AlarmChange, FlowAlarms
from meterbench.dut.reference_meter.metrology.alarms.tamper import TamperWatch
from meterbench.dut.reference_meter.metrology.audit import AuditRecord
from meterbench.dut.reference_meter.metrology.channels import Channel, allowed
from meterbench.dut.reference_meter.metrology.clock import HOUR_TICKS, TICKS_PER_S, MeterClock
from meterbench.dut.reference_meter.metrology.display.frame import Frame
from meterbench.dut.reference_meter.metrology.display.panel import Panel
from meterbench.dut.reference_meter.metrology.made import Inputs, Made, Programme
from meterbench.dut.reference_meter.metrology.measuring.measurement import PLAUSIBLE_Q4, Measurement
from meterbench.dut.reference_meter.metrology.measuring.registration import TotalsAfter
from meterbench.dut.reference_meter.metrology.measuring.transit import Stretches, TransitTimes
from meterbench.dut.reference_meter.metrology.measuring.volume import NL_PER_L_H
from meterbench.dut.reference_meter.metrology.measuring.water import ATMOSPHERE_MPA
from meterbench.dut.reference_meter.metrology.mode_control import ModeControl
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.non_volatile import NonVolatile
from meterbench.dut.reference_meter.metrology.power.manager import PowerManager
from meterbench.dut.reference_meter.metrology.power.places import Place, Source
from meterbench.dut.reference_meter.metrology.records.columns import Column, row_dtype
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.hour_rows import Circumstances, alarms_by_hour, hour_rows
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.recovery import brought_up_to_date
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.registers import Registers
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.dut.reference_meter.metrology.settings import Settings, default_settings
from meterbench.dut.reference_meter.metrology.state import State
from meterbench.dut.reference_meter.metrology.status import LOW_BATTERY, Alarm, Status
from meterbench.dut.reference_meter.metrology.storage.memory import Memory

_NEVER = 2**62
_MODE_STATUS = {
    Mode.MEASUREMENT: Status.MEASUREMENT,
    Mode.TRANSPORTATION: Status.TRANSPORTATION,
    Mode.TEST: Status.TEST,
}
_SOURCE_NUMBER = {source: number for number, source in enumerate(Source)}
_PLACE_NUMBER = {place: number for number, place in enumerate(Place)}
_MODE_NUMBER = {mode: number for number, mode in enumerate(Mode)}


class Firmware:
    """Runs from one start of the supply to its loss; the next start makes a new one over the same memory.

    ``clock_ticks`` is what production sets the clock to on a memory that is new.
    """

    def __init__(self, made: Made, memory: Memory, inputs: Inputs, *, clock_ticks: int = 0) -> None:
        self._made = made
        self._inputs = inputs
        self._kept = NonVolatile(memory)
        self.power = PowerManager()
        self._source = Source.NONE
        settings = self._kept.settings()
        self._settings = settings or default_settings(made.q3_l_h)
        self.measurement = Measurement(
            made.parameters,
            made.q4_l_h,
            made.pulse_volume_nl,
            FlowAlarms(self._settings.watches(made.q1_l_h)),
            has_threshold=made.has_threshold,
        )
        self._tamper = TamperWatch(inputs, 0)
        self.running = True
        """False once the supply is lost: nobody answers any more."""
        self.panel = Panel(made.q3_l_h, self._settings.screens, made.programme)
        self._clock = MeterClock(clock_ticks, valid=True)
        self._modes = ModeControl()
        self._alarms = AlarmRegister()
        self._seen = 0
        self._sticky = Status(0)
        self._saved_at = 0
        self._every_second = False
        self.clock_was_set = False
        """Since the board was last told: its checks fall on the clock's hours."""
        state = self._kept.state()
        self._fresh = state is None and not self._kept.used
        if self._fresh:
            self._kept.save_settings(self._settings)
            self.save()
        else:
            self._go_on_from(state)
            if settings is None:  # Both copies are damaged: what it was told before is lost.
                self.configure(self._settings)
        self._source = self.power.source
        self._mode = self._modes.mode(on_backup=self._on_backup)
        self._packs = self.power.present
        self.valve_moved()
        self._deadline = self._next_deadline()

    def _go_on_from(self, saved: State | None) -> None:
        """After a loss of supply: what was saved is in force; how long it was away nobody knows. If both copies of the
        state are damaged, the last record tells what can still be known."""
        state = brought_up_to_date(saved or self._state_lost(), self._kept, self._settings.pushed)
        self._clock = MeterClock(state.clock_ticks, valid=False)
        self.measurement.restore(state)
        self.power.restore(state.power)
        self._modes = ModeControl(state.transport_from_nl, state.test_left)
        self.measurement.full_rate = state.test_left is not None
        self._alarms = AlarmRegister(Alarm(state.present), Alarm(state.latched), Alarm(state.to_push))
        self.measurement.alarms.restart(Alarm(state.present))
        self._tamper = TamperWatch(self._inputs, 0, Alarm(state.present))
        self._seen = state.seen | state.present
        self._sticky = Status(state.sticky) | Status.POWER_LOST
        self._event(EventCode.STARTED_AFTER_POWER_LOSS, int(saved is None))
        self.save()

    def _state_lost(self) -> State:
        """What is left to begin with."""
        nothing = tuple(0 for _ in LogType)
        return replace(self.state(), captured=0, clock_ticks=self._kept.newest_ticks or 0, logged=nothing)

    # Time.

    @property
    def tick(self) -> int:
        """Cycles since the start."""
        return self.measurement.alarms.tick

    @property
    def to_hour(self) -> int:
        """Ticks until the clock's next full hour."""
        return self._clock.to_hour(self.tick)

    @property
    def undisturbed_cycles(self) -> int:
        """Cycles until something other than a full hour is due: fewer than these may be taken in one piece."""
        return self._next_deadline(hours=False) - self.tick

    def hours_within(self, cycles: int) -> NDArray[np.int64]:
        """The full hours among the next cycles, as numbers of cycles from now; the last cycle's end is not one."""
        return np.arange(self._clock.to_hour(self.tick), cycles, HOUR_TICKS)

    def _next_deadline(self, *, hours: bool = True) -> int:
        deadline = self.tick + self._clock.to_hour(self.tick) if hours else _NEVER
        next_save = (self.tick // TICKS_PER_S + 1) * TICKS_PER_S if self._every_second else None
        for due in (self._tamper.next_look, self._modes.test_until, next_save):
            if due is not None:
                deadline = min(deadline, due)
        return deadline

    @property
    def _room(self) -> int:
        """Cycles that may be measured at once."""
        room = self._deadline - self.tick
        to_go_nl = self._modes.to_end_of_transport_nl(self._flowed_nl)
        if to_go_nl is not None:
            room = min(room, max(1, int(to_go_nl / (PLAUSIBLE_Q4 * self._made.q4_l_h * NL_PER_L_H))))
        return room

    @property
    def _flowed_nl(self) -> int:
        return sum(self.measurement.totals_nl)

    def _cycles_passed(self) -> None:
        """Do what has become due with the cycles just measured."""
        self._alarms_changed(self.measurement.alarms.take_changes())
        if self._modes.to_end_of_transport_nl(self._flowed_nl) == 0:
            self._modes.transport_from_nl = None
            self._mode_may_have_changed()
        tick = self.tick
        if tick < self._deadline:
            return
        if tick == self._tamper.next_look:
            self._alarms_changed(self._tamper.look(tick))
        if tick == self._modes.test_until:
            self.leave_test()
        if self._clock.at(tick) % HOUR_TICKS == 0:
            self._capture_now()
        elif self._every_second and tick % TICKS_PER_S == 0:
            self.save()
        self._deadline = self._next_deadline()

    # Measuring: see ``Measurement`` for what each takes.

    def measure(self, times: TransitTimes) -> None:
        """A block of measuring cycles."""
        while len(times.dt_ps) > (room := self._room):
            head, times = times.cut(room)
            self.measurement.measure(head)
            self._cycles_passed()
        self.measurement.measure(times)
        self._cycles_passed()

    def miss(self, cycles: int) -> None:
        """Cycles without an echo."""
        self._in_pieces(self.measurement.miss, cycles)

    def idle(self, cycles: int) -> None:
        """Cycles of a dry pipe."""
        self._in_pieces(self.measurement.idle, cycles)

    def _in_pieces(self, pass_cycles: Callable[[int], None], cycles: int) -> None:
        while cycles > 0:
            nothing_flows = self.measurement.silent
            piece = min(cycles, self._deadline - self.tick if nothing_flows else self._room)
            pass_cycles(piece)
            self._cycles_passed()
            cycles -= piece

    @property
    def in_transport(self) -> bool:
        """True in TRANSPORTATION: flow must be followed cycle by cycle, as one of them ends it."""
        return self._modes.transport_from_nl is not None

    def settled(self, steady: Stretches) -> bool:
        """True if ``measure_steady`` may take in a stretch like this."""
        return self.measurement.settled(steady) and not (self.in_transport and self.measurement.registering)

    def measure_steady(self, steady: Stretches) -> None:
        """A ``settled`` stretch, cut at ``hours_within``, of fewer than ``undisturbed_cycles``."""
        self._stretches_passed(self.tick, steady, self.measurement.measure_steady(steady))

    def measure_stretches(self, stretches: Stretches) -> None:
        """Stretches that are clear or quiet, cut in the same way."""
        self._stretches_passed(self.tick, stretches, self.measurement.measure_stretches(stretches))

    def _stretches_passed(self, begin: int, stretches: Stretches, totals: TotalsAfter) -> None:
        changes = self.measurement.alarms.take_changes()
        ends = begin + np.cumsum(stretches.cycles)
        on_hour = self._clock.beyond_hour(ends) == 0
        captured = begin
        if on_hour.any():
            hours = ends[on_hour]
            captured = int(hours[-1])
            rows = hour_rows(
                self._clock.at(0) + hours,
                totals.forward_nl[on_hour],
                totals.reverse_nl[on_hour],
                self.measurement.water_temp_c(stretches)[on_hour],
                totals.flow_l_h[on_hour],
                alarms_by_hour(hours, changes, self._alarms.active, self._seen),
                self._circumstances(),
            )
            self._capture(rows)
        self._alarms_changed(change for change in changes if change.tick <= captured)
        if on_hour.any():
            self._seen = int(self._alarms.active)
        self._alarms_changed(change for change in changes if change.tick > captured)
        self._save_as_of_now()
        self._deadline = self._next_deadline()

    # Records.

    def _circumstances(self) -> Circumstances:
        """What the next row has to say besides what was measured; it is said once."""
        sticky, self._sticky = self._sticky, Status(0)
        return Circumstances(self.status, sticky, self._inputs.ambient_temp_c(), self._absolute_mpa)

    def _capture(self, rows: NDArray[np.void]) -> None:
        first, last = int(rows["clock_ticks"][0]), self._kept.recorder.last_ticks
        if last is not None and (missed := (first - last) // HOUR_TICKS - 1) > 0:
            self._kept.logs.add(EventCode.CAPTURES_MISSED, first, missed)
        self._kept.recorder.capture(rows)

    def _capture_now(self) -> None:
        measured = self.measurement.measured()
        rows = hour_rows(
            np.array([self._clock.at(self.tick)]),
            np.array([measured.forward_nl]),
            np.array([measured.reverse_nl]),
            np.array([measured.water_temp_c]),
            np.array([measured.flow_l_h]),
            np.array([self._seen | self._alarms.active], dtype=np.uint32),
            self._circumstances(),
        )
        self._capture(rows)
        self._seen = int(self._alarms.active)
        self._save_as_of_now()

    def _event(self, code: EventCode, value_a: int = 0, value_b: int = 0, *, tick: int | None = None) -> None:
        self._kept.logs.add(code, self._clock.at(self.tick if tick is None else tick), value_a, value_b)

    def _alarms_changed(self, changes: Iterable[AlarmChange]) -> None:
        for change in changes:
            self._alarms.change(change.alarm, on=change.on, pushed=self._settings.pushed)
            self._seen |= int(self._alarms.active)
            self._event(event_of(change), tick=change.tick)

    # The memory.

    def state(self, *, cycles_ago: int = 0) -> State:
        """What a loss of supply must not take."""
        measured = self.measurement.measured()
        (forward_nl, reverse_nl), pending_nl = self.measurement.totals_before_nl(cycles_ago)
        test_until = self._modes.test_until
        return State(
            clock_ticks=self._clock.at(self.tick - cycles_ago),
            forward_nl=forward_nl,
            reverse_nl=reverse_nl,
            forward_pending_nl=pending_nl[0],
            reverse_pending_nl=pending_nl[1],
            transport_from_nl=self._modes.transport_from_nl,
            test_left=None if test_until is None else test_until - self.tick + cycles_ago,
            present=int(self._alarms.present),
            latched=int(self._alarms.latched),
            to_push=int(self._alarms.to_push),
            seen=self._seen,
            sticky=int(self._sticky),
            measuring_cycles=measured.measuring_cycles,
            lost_shots=measured.lost_shots,
            refused_shots=measured.refused_shots,
            suspected_slips=measured.suspected_slips,
            captured=self._kept.profiles[Period.HOUR].next_number,
            zero_correction_ps=measured.zero_correction_ps,
            valve_closed=self.measurement.valve_closed,
            logged=self._kept.logs.next_numbers,
            power=self.power.state(),
        )

    def save(self) -> None:
        """Save the state as it is now; a meter does so every second."""
        self._saved_at = self.tick
        self._kept.save_state(self.state())

    def save_every_second(self) -> None:
        """Save when it is due, and leave none out: for a supply that will fail in one of them."""
        self.save()
        self._every_second = True
        self._deadline = self._next_deadline()

    def save_as_of_a_second_ago(self) -> None:
        """Save what was saved last when the supply went unannounced."""
        self._kept.save_state(self.state(cycles_ago=min(TICKS_PER_S, self.tick - self._saved_at)))

    def _save_as_of_now(self) -> None:
        """Save; the saves that were due before are counted and left out, as no start could find them any more."""
        if (skipped := (self.tick - self._saved_at) // TICKS_PER_S - 1) > 0 and not self._every_second:
            self._kept.skip_states(skipped)
        self.save()

    # The supply.

    @property
    def _on_backup(self) -> bool:
        """On the backup cell, or on what is left in the pulse capacitor."""
        return self._source in (Source.BACKUP, Source.NONE)

    @property
    def channels(self) -> Channel:
        """The ways to the outside that may work now."""
        return allowed(self._mode, on_backup=self._on_backup)

    def started(self) -> None:
        """The power manager has measured all packs for the first time."""
        if self._fresh:
            self._source = self.power.source
            self._mode = self._modes.mode(on_backup=self._on_backup)
        else:
            for place in sorted(self._packs ^ self.power.present, key=list(Place).index):
                self.pack_changed(place, inserted=place in self.power.present)
        self.battery_changed()

    def battery_replaced(self, place: Place) -> None:
        """Somebody says that the pack in this place is a new one."""
        self.power.exchanged(place)
        self._event(EventCode.BATTERY_REPLACED, _PLACE_NUMBER[place])
        self.battery_changed()

    def battery_changed(self) -> None:
        """The power manager has chosen another source, or judges a battery low or no longer."""
        was, self._source = self._source, self.power.source
        if self._source is not was:
            self._event(EventCode.SOURCE_CHANGED, _SOURCE_NUMBER[was], _SOURCE_NUMBER[self._source])
            self._mode_may_have_changed()
        low = self.power.low_battery
        self._alarms_changed(
            AlarmChange(self.tick, alarm, alarm in low)
            for alarm in LOW_BATTERY
            if (alarm in low) != (alarm in self._alarms.present)
        )

    def pack_changed(self, place: Place, *, inserted: bool) -> None:
        """A pack was taken out or put in."""
        self._event(EventCode.PACK_INSERTED if inserted else EventCode.PACK_REMOVED, _PLACE_NUMBER[place])

    def power_fails(self) -> None:
        """The supply will be lost: what must not be lost is saved while there is time."""
        self._event(EventCode.POWER_FAILED)
        self.save()

    # Commands: nothing here can change a total or a parameter.

    def moved(self) -> None:
        """Something has moved at the lid, near the Hall switch or with the meter: interrupts tell."""
        self._tamper.wake(self.tick)
        self._deadline = self._next_deadline()

    def enter_test(self) -> None:
        """Begin TEST, or begin its time anew; ``Refused`` in TRANSPORTATION."""
        self._modes.enter_test(self.tick + self._settings.test_time_out_s * TICKS_PER_S)
        self.measurement.full_rate = True
        self._mode_may_have_changed()

    def leave_test(self) -> None:
        """End TEST; nothing happens in another mode."""
        self._modes.test_until = None
        self.measurement.full_rate = False
        self._mode_may_have_changed()

    def enter_transportation(self) -> None:
        """Begin TRANSPORTATION; ``Refused`` in TEST."""
        self._modes.enter_transportation(self._flowed_nl)
        self._mode_may_have_changed()

    def _mode_may_have_changed(self) -> None:
        was, self._mode = self._mode, self._modes.mode(on_backup=self._on_backup)
        self._deadline = self._next_deadline()
        if self._mode is not was:
            self._event(EventCode.MODE_CHANGED, _MODE_NUMBER[was], _MODE_NUMBER[self._mode])
            self.save()

    def put_right(self, clock_ticks: int) -> None:
        """Set the clock as production does, before the meter has measured anything; a clock that was set is right."""
        if self.clock_was_set:
            return
        self._clock.set(clock_ticks, self.tick)
        self._deadline = self._next_deadline()
        self.save()

    def set_clock(self, clock_ticks: int) -> None:
        """Set the clock. What that does to the profiles is on record: the event has the old and the new time, the next
        record says that the clock was set and, if hours were leapt over, that others are missing before it; hours that
        come again are captured again. ``Refused`` outside 1970 to 2199."""
        old = self._clock.at(self.tick)
        self._clock.set(clock_ticks, self.tick)
        self._event(EventCode.CLOCK_SET, old, clock_ticks)
        self._sticky |= Status.CLOCK_SET
        self.clock_was_set = True
        self._deadline = self._next_deadline()
        self.save()

    @property
    def settings(self) -> Settings:
        return self._settings

    def configure(self, settings: Settings) -> None:
        """Put other settings into force; the event goes first, so that no change is without one. An alarm over flow
        whose limit or time has changed begins to watch anew, and so do the others over flow."""
        self._event(EventCode.CONFIGURATION_CHANGED)
        if settings.pushed != self._settings.pushed:
            self._event(EventCode.PUSH_LIST_CHANGED, int(self._settings.pushed), int(settings.pushed))
        self._kept.save_settings(settings)
        watched, self._settings = self._settings.watches(self._made.q1_l_h), settings
        watches = settings.watches(self._made.q1_l_h)
        if watches != watched:
            self.measurement.alarms.watch(watches)
        self.panel.turn(settings.screens, self.tick)

    def set_columns(self, period: Period, columns: Column) -> None:
        """Capture other columns in a profile, which is emptied, as its rows would mean something else; nothing happens
        if they are the same. ``Refused`` without TIME."""
        row_dtype(columns)
        if columns == self._kept.profiles[period].columns:
            return
        self._event(EventCode.COLUMNS_CHANGED, list(Period).index(period), int(columns))
        self._kept.profiles[period].set_columns(columns)

    def acknowledge(self, alarms: Alarm) -> None:
        """Clear alarms that stay after their cause is gone."""
        self._event(EventCode.ALARMS_ACKNOWLEDGED, int(alarms))
        self._alarms.acknowledge(alarms)
        self.save()

    def told(self, alarms: Alarm) -> None:
        """The control centre has been told of these alarms."""
        self._alarms.told(alarms)
        self.save()

    def count_up(self, counter: int) -> int:
        """The next number of an invocation counter: never given before, whatever the supply did."""
        if not 0 <= counter < len(self._kept.counters):
            raise Refused(f"count up: there is no counter {counter}; there are 0 to {len(self._kept.counters) - 1}")
        return self._kept.counters[counter].next()

    def valve_moved(self) -> None:
        """The end switch of the shut-off valve has changed."""
        closed = self._inputs.valve_closed()
        if closed != self.measurement.valve_closed:
            self._event(EventCode.VALVE_CLOSED if closed else EventCode.VALVE_OPENED)
        self.measurement.valve_switch(closed)

    # Reading.

    @property
    def kept(self) -> NonVolatile:
        """The profiles and logs."""
        return self._kept

    @property
    def programme(self) -> Programme:
        """What it says it is."""
        return self._made.programme

    @property
    def parameters_digest(self) -> str:
        return self._made.parameters.calibration.digest

    @property
    def audit_records(self) -> tuple[AuditRecord, ...]:
        return self._made.parameters.records

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def status(self) -> Status:
        """The AMR status word."""
        measured = self.measurement.measured()
        status = _MODE_STATUS.get(self._mode, Status(0))
        if not self._clock.valid:
            status |= Status.CLOCK_INVALID
        if measured.disturbed or measured.weak_signal or measured.sensor_fault is not None:
            status |= Status.DISTURBED
        if self.measurement.valve_closed:
            status |= Status.VALVE_CLOSED
        return status

    @property
    def _absolute_mpa(self) -> float | None:
        """Where a sensor is fitted and well."""
        environment = self.measurement.environment
        known = self._inputs.fitted is Fitted.PRESSURE and environment.fault is None
        return environment.pressure_mpa if known else None

    def registers(self) -> Registers:
        """All registers, now."""
        measured = self.measurement.measured()
        absolute_mpa = self._absolute_mpa
        return Registers(
            **{field.name: getattr(measured, field.name) for field in fields(measured)},
            clock_ticks=self._clock.at(self.tick),
            clock_valid=self._clock.valid,
            mode=self._mode,
            ambient_temp_c=self._inputs.ambient_temp_c(),
            pressure_mpa=None if absolute_mpa is None else absolute_mpa - ATMOSPHERE_MPA,
            alarms=self._alarms.active,
            to_push=self._alarms.to_push,
            status=self.status | self._sticky,
            source=self._source,
            internal_percent=self.power.internal_percent,
            external_percent=self.power.external_percent,
            channels=self.channels,
        )

    def frame(self) -> Frame:
        """What the display shows at this tick."""
        decimals, valve_closed = self._settings.volume_decimals, self.measurement.valve_closed
        return self.panel.frame(self.registers(), self.tick, decimals=decimals, valve_closed=valve_closed)
