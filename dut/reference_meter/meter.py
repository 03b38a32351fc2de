"""The reference meter as the world sees it: clamped into a slot, it lives through segments, is handled, and is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.course_run import (
    DAY_S,
    SAME_INSTANT_S,
    after,
    midnights_s,
    split,
    split_segment,
    with_edges,
)
from meterbench.dut.reference_meter.hardware.influences import Influences
from meterbench.dut.reference_meter.hardware.lcd import Glass
from meterbench.dut.reference_meter.hardware.lcd import Reading as Seen
from meterbench.dut.reference_meter.hardware.memory import PowerLost
from meterbench.dut.reference_meter.hardware.power.pack import Inserted
from meterbench.dut.reference_meter.hardware.power.played_pack import PlayedPack
from meterbench.dut.reference_meter.hardware.power.supply import PEAK_MA, WARNING_V, Place
from meterbench.dut.reference_meter.hardware.sensors.accelerometer import gravity_in_case
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.measuring_run import Fidelity, MeasuringRun
from meterbench.dut.reference_meter.metrology.channels import Channel
from meterbench.dut.reference_meter.metrology.clock import TICKS_PER_S
from meterbench.dut.reference_meter.metrology.firmware import Firmware
from meterbench.dut.reference_meter.metrology.interface import Commands, Reading
from meterbench.dut.reference_meter.metrology.power.activity import Activity, Radio
from meterbench.dut.reference_meter.metrology.power.places import Place as FirmwarePlace
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.registers import Registers
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.dut.reference_meter.pins import Pins
from meterbench.dut.reference_meter.power_run import Change, Lived, PowerRun
from meterbench.dut.reference_meter.production.factory import Unit, build
from meterbench.dut.reference_meter.water_probe import POLL_S
from meterbench.world.segment import Course, Segment

__all__ = ["Fidelity", "Fitted", "ReferenceMeter"]

COURSE_WEAR_L = 25_000.0
"""A course is cut where so much has passed: what it wears acts on the rest of it."""
USUAL_TRANSMISSIONS = ((Radio.LORA_SF12, 43_200.0),)
"""[design] Two telegrams a day, as the technical description recommends (16.2)."""


class ReferenceMeter:
    """An ADR meter in the line (``world.segment.InLine``) and under test (``dut.meter.Meter``).

    The same seed and serial give the same unit and, for the same segments and hands, the same totals. Hands (a lid that
    is opened, a pack that is taken out) act at the end of what was lived through last.
    """

    def __init__(
        self,
        nameplate: Nameplate,
        truth: Truth | None = None,
        *,
        seed: int,
        fidelity: Fidelity = Fidelity.AUTO,
        fitted: Fitted = Fitted.NONE,
        transmissions: tuple[tuple[Radio, float], ...] = USUAL_TRANSMISSIONS,
        memory: bytes | None = None,
    ) -> None:
        """``memory`` is what ``saved_memory`` gave of the same unit: its firmware starts as after a loss of supply.
        ``ValueError`` if it is of another size."""
        self.nameplate = nameplate
        self.fidelity = fidelity
        self.unit: Unit = build(nameplate, truth or Truth(), seed, fitted=fitted)
        self.lcd = Glass()
        self.transmissions = transmissions
        """What the radios send, and every how many seconds, while they may."""
        self._board = self.unit.board
        self._influences = self.unit.sensor.influences
        self._new = memory is None
        """True if production has to set the clock."""
        if memory is not None:
            self._board.memory.load(memory)
        self.probe = self.unit.probe
        self._power = PowerRun(self._board.supply, self._board.loads)
        self._firmware: Firmware | None = None
        self._run: MeasuringRun | None = None
        self._first_cycle = 0
        self._next_cycle = 0
        self._now_s = 0.0
        self._begun = False
        """False until the first segment tells what time it is."""
        self._supplied_until_s = 0.0
        """Until here the supply has been lived through."""
        self._quiet_until_s = 0.0
        """Until here nothing can happen to the supply that anybody must know."""
        self._pulses = self._pulses_before = 0
        self._start_firmware()

    # Living.

    def advance(self, segment: Segment) -> None:
        """Live through a segment: the measuring cycles that fall into [start, end) see its water."""
        self._follow(segment.start_s)
        rest: Segment | None = segment
        while rest is not None:
            self._heed_influences(rest.start_s)
            midnight_s = (math.floor(rest.start_s / DAY_S) + 1) * DAY_S
            day, rest = split_segment(rest, min(midnight_s, self._influences.next_change_s))
            self._live_within_day(day)

    def live(self, course: Course) -> None:
        """Live through a course at once: what every shot would have made of it, with the same mean and variance.

        In closed form where the sensitivity threshold leaves no doubt: cost grows with the number of segments, not with
        their length. At ``Fidelity.TRANSIT`` and ``WAVEFORM``, with a sensor in the water, a closed valve or in
        TRANSPORTATION, segment by segment.
        """
        self._follow(float(course.edges_s[0]))
        rest: Course | None = course
        while rest is not None:
            self._before_hands()
            first = rest.segment(0)
            self._heed_influences(first.start_s)
            end_s = min(float(rest.edges_s[-1]), self._alone_until_s(), self._influences.next_change_s)
            if end_s < first.end_s or self.probe.fitted is not Fitted.NONE or not self._in_one_piece:
                self.advance(first)
                rest = split(rest, first.end_s)[1]
                continue
            self._catch_up_supply()
            lived = self._live_supply(end_s - first.start_s)
            now_s = first.start_s + lived.seconds
            if not lived.changes or now_s - first.start_s > SAME_INSTANT_S:
                part, rest = split(rest, now_s if lived.changes else end_s)
                self._measure_course(part)
            self._heed(lived.changes)

    def _follow(self, start_s: float) -> None:
        """See that time has no gaps; begin where the first segment does."""
        self._notice()
        if not self._begun:
            self._begun = True
            self._now_s = self._supplied_until_s = self._quiet_until_s = start_s
            self._influences.begin(start_s)
            self._board.oscillator.start(start_s, self._board.ambient_temp_c)
            self._first_cycle = self._next_cycle = self._first_cycle_from(start_s)
            if self._firmware is not None and self._new:
                self._firmware.put_right(round(start_s * TICKS_PER_S))
                self._power.next_check_s = self._firmware.to_hour / TICKS_PER_S
        elif abs(start_s - self._now_s) > SAME_INSTANT_S:
            raise ValueError(f"meter {self.nameplate.serial}: segment from {start_s} s follows one to {self._now_s} s")

    def _heed_influences(self, now_s: float) -> None:
        """Let what was due by itself (a discharge is over, damp has got in) act on the shots from now on."""
        if self._influences.next_change_s <= now_s + SAME_INSTANT_S:
            if self._run is not None:
                with self._mortal():
                    self._run.catch_up()
            self._influences.come_to(now_s + SAME_INSTANT_S)

    def _live_within_day(self, segment: Segment) -> None:
        settled_s = segment.start_s + self.probe.settling_s(segment.water_temp_c)
        while segment.duration_s > POLL_S + SAME_INSTANT_S and segment.start_s < settled_s:
            head, tail = split_segment(segment, segment.start_s + POLL_S)
            self._live_supplied(head)
            segment = tail or head
        self._live_supplied(segment)

    def _live_supplied(self, segment: Segment) -> None:
        """A segment in which the probe changes nothing, cut where something happens to the supply."""
        rest: Segment | None = segment
        while rest is not None:
            until_s, changes = rest.end_s, Change(0)
            if until_s > self._quiet_until_s:
                self._catch_up_supply()
                lived = self._live_supply(rest.duration_s)
                until_s, changes = rest.start_s + lived.seconds, lived.changes
            if not changes or until_s - rest.start_s > SAME_INSTANT_S:
                part = split_segment(rest, until_s)[0]
                self._measure(part)
                if self._now_s < part.end_s:
                    changes = Change(0)  # They would have come after a failure in the middle of a write.
                rest = after(rest, self._now_s)
            self._heed(changes)

    def _measure(self, segment: Segment) -> None:
        """A segment in which nothing changes that the firmware knows, nor the supply."""
        if self.probe.fitted is not Fitted.NONE:
            environment = self.probe.poll(segment)
            if environment is not None and self._firmware is not None:
                self._firmware.measurement.environment = environment
        cycles = self._pass_to(segment.end_s)
        half_l = abs(segment.volume_l) / 2.0
        self._influences.wear(half_l, self._influences.start(segment.flow_l_h))
        if cycles > 0 and self._run is not None and self._firmware is not None:
            firmware = self._firmware
            with self._mortal():
                self._run.live(segment, cycles)
            if self._firmware is None:
                cut_cycle = self._first_cycle + firmware.tick
                cut_s = float(self._board.oscillator.time_s(cut_cycle))
                self._go_back_to(min(max(cut_s, segment.start_s), segment.end_s))
        # What is lived through again wears again then.
        self._influences.wear(half_l * (2.0 * (self._now_s - segment.start_s) / segment.duration_s - 1.0))

    def _go_back_to(self, at_s: float) -> None:
        """The supply failed in the middle of a write: what comes after is lived through again, without it."""
        self._next_cycle = self._first_cycle_from(at_s)
        self._now_s = self._supplied_until_s = self._quiet_until_s = at_s

    def _measure_course(self, course: Course) -> None:
        """A course in which nothing changes that the firmware knows, nor the supply, in parts that wear little."""
        volumes_l = np.abs(course.flow_l_h) * np.diff(course.edges_s) / 3600.0
        passed_l = np.cumsum(volumes_l)
        inner_l = np.arange(COURSE_WEAR_L, passed_l[-1], COURSE_WEAR_L)
        ends = np.unique(np.append(np.searchsorted(passed_l, inner_l) + 1, len(passed_l)))
        for first, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            half_l = float(volumes_l[first:end].sum()) / 2.0
            self._influences.wear(half_l, self._influences.starts(course.flow_l_h[first:end]))
            water = (course.flow_l_h[first:end], course.water_temp_c[first:end], course.pressure_mpa[first:end])
            self._measure_part(Course(course.edges_s[first : end + 1], *water))
            self._influences.wear(half_l)

    def _measure_part(self, course: Course) -> None:
        if self._firmware is None or self._run is None:
            self._pass_to(float(course.edges_s[-1]))
            return
        oscillator = self._board.oscillator
        last = self._first_cycle_from(float(course.edges_s[-1]))
        hours = self._next_cycle + self._firmware.hours_within(last - self._next_cycle)
        # Half a cycle early: an edge between two cycles belongs to neither.
        course = with_edges(course, np.union1d(midnights_s(course), oscillator.time_s(hours.astype(np.float64) - 0.5)))
        edges = np.ceil(oscillator.cycles(course.edges_s)).astype(np.int64)
        edges[0] = self._next_cycle
        self._pass_to(float(course.edges_s[-1]))
        with self._mortal():
            self._run.live_course(course, edges)

    def _pass_to(self, end_s: float) -> int:
        """Let time come to here; how many measuring cycles fall into it."""
        next_cycle = self._first_cycle_from(end_s)
        cycles, self._next_cycle, self._now_s = next_cycle - self._next_cycle, next_cycle, end_s
        return cycles

    def _first_cycle_from(self, at_s: float) -> int:
        return math.ceil(self._board.oscillator.cycles(at_s))

    @property
    def _in_one_piece(self) -> bool:
        return self._run is None or self._run.in_one_piece

    def _alone_until_s(self) -> float:
        """Until when nothing but full hours is due in the firmware."""
        if self._firmware is None:
            return math.inf
        return self._board.oscillator.time_s(self._next_cycle + self._firmware.undisturbed_cycles - 1)

    # The supply.

    @property
    def _activity(self) -> Activity:
        """What the meter does now, as far as it takes power."""
        if self._firmware is None:
            return Activity(0.0, lcd=False)
        sending = Channel.WAN in self._firmware.channels
        return Activity(self._firmware.measurement.shots_per_s, True, self.transmissions if sending else ())

    def _live_supply(self, duration_s: float) -> Lived:
        """Let the supply live from now on: so long, or until something happens."""
        lived = self._power.live(duration_s, self._activity, self._board.ambient_temp_c)
        self._supplied_until_s = self._now_s + lived.seconds
        supply, ambient_c = self._board.supply, self._board.ambient_temp_c
        self._quiet_until_s = self._supplied_until_s
        if supply.feeding:
            self._influences.feed(max(supply.terminal_v(place, ambient_c) for place in supply.feeding))
        if self._firmware is None:  # Whether the rail comes back must be looked for all the time.
            return lived
        # Above it no transmission can make the supply warn.
        clear_v = WARNING_V + 1e-3 * PEAK_MA * supply.capacitor.esr_at_ohm(ambient_c)
        mean_ma = self._board.loads.demand(self._activity).mean_ma
        clear_s = supply.time_to_v_s(clear_v, mean_ma, ambient_c) if supply.spc_v > clear_v else 0.0
        self._quiet_until_s += max(0.0, min(self._power.next_check_s, clear_s) - SAME_INSTANT_S)
        return lived

    def _catch_up_supply(self) -> None:
        """The supply has lived as long as the meter."""
        behind_s = self._now_s - self._supplied_until_s
        if behind_s > 0.0:
            now_s, self._now_s = self._now_s, self._supplied_until_s
            lived = self._live_supply(behind_s)
            self._now_s = now_s
            self._heed(lived.changes)

    def _heed(self, changes: Change) -> None:
        """Let the firmware know what happened to the supply, and start or end it."""
        if not changes:
            return
        if self._run is not None:
            with self._mortal():
                self._run.catch_up()
        firmware = self._firmware
        if Change.BROWN_OUT in changes:
            if firmware is not None:  # The supervisor interrupts before it resets.
                with self._mortal():
                    firmware.save()
            self._end_firmware()
        elif Change.RAIL_BACK in changes:
            self._board.memory.restore()
            self._start_firmware()
        elif firmware is not None:
            with self._mortal():
                if Change.POWER_FAIL in changes:
                    firmware.power_fails()
                if changes & (Change.SOURCE | Change.LOW_BATTERY):
                    firmware.battery_changed()

    def _start_firmware(self) -> None:
        self._first_cycle = self._next_cycle = self._first_cycle_from(self._now_s)
        pins = Pins(self._board, self.probe.fitted, self._first_cycle)
        clock_ticks = round(self._now_s * TICKS_PER_S)
        self._firmware = Firmware(self.unit.made, self._board.memory, pins, clock_ticks=clock_ticks)
        self._run = MeasuringRun(self.unit, self._firmware, self.fidelity)
        self._pulses_before = 0
        self._pulses_before = self._pulses - self._emitted(0, 1.0)
        self.lcd.supply(True)
        self._power.boot(self._firmware.power, self._board.ambient_temp_c, self._firmware.to_hour / TICKS_PER_S)
        self._firmware.started()
        self._quiet_until_s = self._now_s

    def _end_firmware(self) -> None:
        if self._firmware is not None:
            behind = self._next_cycle - self._first_cycle != self._firmware.tick  # It ended in the middle of a block.
            self._pulses = self._emitted(0, 1.0) if behind else self._emitted_until(self._now_s)
            self._firmware.running = False
        self._firmware = self._run = None
        self._quiet_until_s = self._now_s
        self.lcd.supply(False)

    @contextmanager
    def _mortal(self) -> Iterator[None]:
        """What the firmware does may be cut off by a supply that fails in the middle of a write."""
        try:
            yield
        except PowerLost:
            self._cut_off()

    def _cut_off(self) -> None:
        """The supply has failed, and nothing announced it."""
        self._end_firmware()
        self._board.supply.short()

    # Hands.

    @property
    def packs(self) -> frozenset[Place]:
        """The places with a pack."""
        return frozenset(place for place in Place if self._board.supply.present(place))

    def insert(self, place: Place, pack: Inserted) -> None:
        """Put a pack in; ``ValueError`` if the place is taken or the pack does not fit."""
        self._before_hands()
        self._board.supply.insert(place, pack)
        self._pack_moved(place, inserted=True)

    def remove(self, place: Place) -> Inserted:
        """Take a pack out; ``ValueError`` if there is none."""
        self._before_hands()
        pack = self._board.supply.remove(place)
        self._pack_moved(place, inserted=False)
        return pack

    def lead_in(self, leads: PlayedPack, place: Place) -> dict[Place, Inserted]:
        """Take all packs out and put a supply's leads into a place; what was taken out.

        The capacitor is as it is after a day on them, unless the supply is off: then it stays as it was.
        """
        taken = {each: self.remove(each) for each in reversed(Place) if each in self.packs}
        self.insert(place, leads)
        board = self._board
        if leads.open_v > 0.0:
            board.supply.settle(place, board.loads.demand(self._activity).mean_ma, board.ambient_temp_c)
            self._quiet_until_s = self._now_s
        return taken

    def turn_up(self, leads: PlayedPack, open_v: float, ohm: float, limit_ma: float) -> None:
        """The supply behind the leads has this output from now on; 0 V is off."""
        self._before_hands()
        leads.open_v, leads.ohm, leads.limit_ma = open_v, ohm, limit_ma
        self._quiet_until_s = self._now_s

    def at_leads(self, place: Place) -> tuple[float, float]:
        """What can be measured now at leads in a place: voltage in V, and current in mA that the meter takes."""
        self._before_hands()
        supply, ambient_c = self._board.supply, self._board.ambient_temp_c
        return supply.terminal_v(place, ambient_c), supply.feeding_ma(place, ambient_c)

    def shots_at_leads(self, place: Place) -> tuple[float, float]:
        """How often the meter measures, in 1/s, and the charge in mC of each shot that the leads see at once: the
        capacitor's own resistance leaves them a part, and the rest comes evenly. (0, 0) if they feed nothing."""
        self._before_hands()
        board = self._board
        if board.supply.feeding_ma(place, board.ambient_temp_c) == 0.0:
            return 0.0, 0.0
        part = board.supply.seen_at_once(place, board.ambient_temp_c)
        return self._activity.shots_per_s, part * board.loads.shot_mc

    def _pack_moved(self, place: Place, *, inserted: bool) -> None:
        changes = self._live_supply(0.0).changes
        if self._firmware is not None:
            with self._mortal():
                self._firmware.pack_changed(FirmwarePlace[place.name], inserted=inserted)
        self._heed(changes)

    def fail_supply(self) -> None:
        """Drain the pulse capacitor at once: a loss of supply that nothing announces. What was saved within the last
        second is what the next start finds. ``Refused`` before the first segment: there is no time yet to be kept."""
        if not self._begun:
            raise Refused(f"meter {self.nameplate.serial}: its supply cannot fail before it has begun to live")
        self._before_hands()
        if self._firmware is not None:
            with self._mortal():
                self._firmware.save_as_of_a_second_ago()
        self._cut_off()

    def fail_in_write(self, after_bytes: int) -> None:
        """Let the supply fail, like ``fail_supply``, once the memory has taken in so many more bytes: the state, some
        500 bytes, every second; records and events as they come. ``Refused`` while the meter is Off."""
        self._before_hands()
        self._running().save_every_second()
        self._board.memory.cut_after(after_bytes)

    def set_ambient(self, temp_c: float) -> None:
        """The air around the meter has this temperature from now on."""
        self._before_hands()
        self._board.oscillator.warm(self._now_s, temp_c)
        self._board.ambient_temp_c = temp_c
        self._influence().warm(temp_c)

    def set_humidity(self, percent: float) -> None:
        """The air around the meter has this relative humidity from now on; ``ValueError`` beyond 0 to 100 %."""
        self._influence().moisten(percent)

    def disturb(self, disturber: str, place: str) -> None:
        """Fit a flow disturber ("1", "2", "3") directly "upstream" or "downstream"; both empty: take it out.
        ``ValueError`` for any other."""
        self._influence().disturb(disturber, place)

    def discharge(self, level_kv: float) -> None:
        """Let an electrostatic discharge of either sign strike the meter."""
        self._influence().discharge(level_kv)

    def irradiate(self, frequency_mhz: float, level_v_m: float) -> None:
        """Put the meter into a radio-frequency field; 0 V/m ends it. ``ValueError`` for what is no field."""
        self._influence().irradiate(frequency_mhz, level_v_m)

    def _influence(self) -> Influences:
        """The surroundings, as a hand finds them: with all that came before lived through."""
        self._before_hands()
        self._influences.come_to(self._now_s)
        return self._influences

    def open_case(self) -> None:
        """Lift the lid."""
        self._before_hands()
        self._board.case_switch.open(self._now_s)
        self._moved()

    def close_case(self) -> None:
        """Put the lid back."""
        self._before_hands()
        self._board.case_switch.close(self._now_s)
        self._moved()

    def expose(self, field_mt: float) -> None:
        """Hold a magnet so that the field at the Hall switch is this; 0 to take it away."""
        self._influence().expose(field_mt)
        self._board.hall_switch.expose(field_mt)
        self._moved()

    def turn(self, inclination_deg: float, roll_deg: float = 0.0) -> None:
        """Mount the meter with the flow arrow rising by so much, and turned about it."""
        self._before_hands()
        self._board.accelerometer.place(gravity_in_case(inclination_deg, roll_deg))
        self._moved()

    def close_valve(self, closed: bool) -> None:
        """Close or open the shut-off valve behind the meter, whose end switch the firmware sees. The water stands still
        only if the segments say so."""
        self._before_hands()
        self._board.valve_closed = closed
        if self._firmware is not None:
            with self._mortal():
                self._firmware.valve_moved()

    def _before_hands(self) -> None:
        """What came before is over and done."""
        self._notice()
        if self._run is not None:
            with self._mortal():
                self._run.catch_up()
        self._catch_up_supply()

    def _notice(self) -> None:
        """What a command has done to the board."""
        if self._firmware is None:
            return
        if not self._firmware.running:  # It ended in the middle of a write.
            self._cut_off()
        elif self._begun and self._firmware.clock_was_set:
            self._firmware.clock_was_set = False
            self._catch_up_supply()
            self._power.next_check_s = self._firmware.to_hour / TICKS_PER_S
            self._quiet_until_s = self._now_s

    def _moved(self) -> None:
        if self._firmware is not None:
            self._firmware.moved()

    # Reading.

    @property
    def powered(self) -> bool:
        """True if the meter is Active; False if it is Off (ADR-057)."""
        self._before_hands()
        return self._firmware is not None

    @property
    def reading(self) -> Reading:
        """The read interface of the legally relevant software; ``Refused`` while the meter is Off."""
        return Reading(self._running(), self._before_hands)

    @property
    def commands(self) -> Commands:
        """Its command interface; ``Refused`` while the meter is Off."""
        return Commands(self._running(), self._before_hands)

    def registers(self) -> Registers:
        """The registers now; ``Refused`` while the meter is Off."""
        return self._running().registers()

    def look(self) -> Seen:
        """What there is to be seen on the display."""
        self._before_hands()
        if self._firmware is not None:
            self.lcd.write(self._firmware.frame().bits())
        return self.lcd.read_text()

    def saved_memory(self) -> bytes:
        """What the non-volatile memory holds when the state of this second has been saved."""
        self._before_hands()
        if self._firmware is not None:
            with self._mortal():
                self._firmware.save()
        return self._board.memory.dump()

    def _running(self) -> Firmware:
        self._before_hands()
        if self._firmware is None:
            raise Refused(f"meter {self.nameplate.serial} is Off: nothing answers")
        return self._firmware

    def pulse_count(self, at_s: float) -> int:
        """Pulses that the optical test output has emitted until ``at_s``, from the first segment on.

        ``at_s`` lies within the last few seconds that were advanced; ``ValueError`` otherwise.
        """
        if not at_s <= self._now_s + SAME_INSTANT_S:
            raise ValueError(f"meter {self.nameplate.serial}: {at_s} s has not come yet, it is {self._now_s} s")
        self._before_hands()
        if self._firmware is None:
            return self._pulses
        return self._emitted_until(at_s)

    def _emitted_until(self, at_s: float) -> int:
        since_start = float(self._board.oscillator.cycles(at_s))
        cycle = min(math.floor(since_start), self._next_cycle - 1)
        return self._emitted(self._next_cycle - 1 - cycle, min(since_start - cycle, 1.0))

    def _emitted(self, cycles_ago: int, cycle_fraction: float) -> int:
        """Pulses until then; a start goes on where the output has stopped, whatever its total is then."""
        if self._firmware is None:
            return self._pulses
        return self._pulses_before + self._firmware.measurement.pulse_count(cycles_ago, cycle_fraction)
