"""The reference meter as the world sees it: clamped into a slot, it lives through segments and can be read."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import Enum

import numpy as np

from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.course_run import DAY_S, Run, cut_at_midnight, runs
from meterbench.dut.reference_meter.hardware.flow_tube import Flight
from meterbench.dut.reference_meter.hardware.sensor import LARGEST_BLOCK, LOWEST_FILL, Truth
from meterbench.dut.reference_meter.metrology.audit import AuditRecord
from meterbench.dut.reference_meter.metrology.measuring.registration import WINDOW_CYCLES
from meterbench.dut.reference_meter.metrology.measuring.stretches import Kind
from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S, TransitTimes
from meterbench.dut.reference_meter.metrology.registers import Mode, Registers
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.dut.reference_meter.production.factory import Unit, build
from meterbench.dut.reference_meter.water_probe import POLL_S
from meterbench.world.segment import Course, Segment

_SAME_INSTANT_S = 1e-6
_NO_CYCLE_YET = -(2**62)
GATHERED_CYCLES = 32
"""Cycles of short segments that are measured in one block: four seconds at the most."""
_RECENT_CYCLES = 64
"""The last cycles of a course are shots: the pulse output looks back on them."""
_BLOCK = 8
"""Shots between two looks of the firmware at what it has captured: one second."""
_CLEAR_BLOCK = 64
"""The same in clear water, where nothing new can be seen."""
_JUMP_S = 0.05e-6
_JUMP_PS = 0.9e6
"""After a jump of t_up + t_dn, or of dt, by more than this the firmware may doubt: it gets the shots one by one."""


class Fidelity(Enum):
    """How a stretch of measuring cycles is lived through.

    WAVEFORM captures both bursts of every shot. TRANSIT draws the noise of every shot. SEGMENT takes the middle of a
    steady stretch in closed form, with one draw of the same mean and variance, wherever the sensitivity threshold
    cannot be crossed; its ends are shots in any case. AUTO does so only where it saves much.
    """

    WAVEFORM = "waveform"
    TRANSIT = "transit time"
    SEGMENT = "segment"
    AUTO = "auto"


_SHORTEST_CLOSED_FORM = {Fidelity.SEGMENT: 2 * WINDOW_CYCLES + 1, Fidelity.AUTO: 2 * LARGEST_BLOCK}
"""Cycles in one segment from which on the closed form is used."""


class ReferenceMeter:
    """An ADR meter in the line (``world.segment.InLine``) and under test (``dut.meter.Meter``).

    The same seed and serial give the same unit and, for the same segments, the same totals.
    """

    def __init__(
        self,
        nameplate: Nameplate,
        truth: Truth | None = None,
        *,
        seed: int,
        fidelity: Fidelity = Fidelity.AUTO,
        fitted: Fitted = Fitted.NONE,
    ) -> None:
        self.nameplate = nameplate
        self.fidelity = fidelity
        self.unit: Unit = build(nameplate, truth or Truth(), seed, fitted=fitted)
        self._sensor = self.unit.sensor
        self._firmware = self.unit.firmware
        self.probe = self.unit.probe
        self._waveform = self.unit.waveform_stage() if fidelity is Fidelity.WAVEFORM else None
        self._next_cycle = _NO_CYCLE_YET
        self._now_s = math.nan
        self._last_together_s = self._last_dt_ps = math.nan
        self._waiting: list[tuple[Segment, float, int]] = []
        self._waiting_cycles = 0

    def advance(self, segment: Segment) -> None:
        """Live through a segment: the measuring cycles that fall into [start, end) see its water."""
        self._follow(segment.start_s)
        day = math.floor(segment.start_s / DAY_S)
        while segment.end_s > (day + 1) * DAY_S + _SAME_INSTANT_S:
            midnight_s = (day + 1) * DAY_S
            self._live_within_day(replace(segment, duration_s=midnight_s - segment.start_s), day)
            segment = replace(segment, start_s=midnight_s, duration_s=segment.end_s - midnight_s)
            day += 1
        self._live_within_day(segment, day)

    def live(self, course: Course) -> None:
        """Live through a course at once: what every shot would have made of it, with the same mean and variance.

        In closed form where the sensitivity threshold leaves no doubt: cost grows with the number of segments, not with
        their length. At ``Fidelity.TRANSIT`` and ``WAVEFORM``, with a sensor in the water or a closed valve, segment by
        segment.
        """
        watched = self.probe.fitted is not Fitted.NONE or self._firmware.valve_closed
        if watched or self.fidelity not in _SHORTEST_CLOSED_FORM:
            for index in range(len(course.flow_l_h)):
                self.advance(course.segment(index))
            return
        course = cut_at_midnight(course)
        self._follow(float(course.edges_s[0]))
        self._catch_up()
        edges = np.ceil(course.edges_s * CYCLES_PER_S - self.unit.cycle_phase).astype(np.int64)
        cycles = edges[1:] - edges[:-1]
        days = np.floor(course.edges_s[:-1] / DAY_S).astype(np.int64)
        drift_ps = np.array([self._sensor.offset.drift_ps(day) for day in range(days[0], days[-1] + 1)])
        drift_ps = drift_ps[days - days[0]]
        for index in np.flatnonzero(cycles)[:1].tolist():  # The first shots show whether the capture is well.
            shots = min(int(cycles[index]), WINDOW_CYCLES)
            self._live_cycles(course.segment(index), float(drift_ps[index]), shots)
            cycles[index] -= shots
        mean = self._sensor.flight(course.flow_l_h, course.water_temp_c, course.pressure_mpa, drift_ps)
        stretches = self._sensor.stretches(mean, cycles)
        together_s = stretches.t_up_s + stretches.t_dn_s
        certain = self._firmware.kinds(stretches) != Kind.UNCLEAR
        certain &= np.abs(np.diff(together_s, prepend=together_s[0])) < _JUMP_S
        for first, end in runs(certain):
            run = Run(course, stretches, drift_ps, first, end)
            head, tail = min(WINDOW_CYCLES, run.total), run.total - _RECENT_CYCLES
            self._live_shots(run, 0, head)
            if certain[first] and run.total > 4 * WINDOW_CYCLES and self._firmware.clear:
                self._firmware.measure_stretches(run.between(head, tail))
                recent = run.between(tail - WINDOW_CYCLES, tail)
                self._firmware.recall(self._sensor.recalled(recent))
                self._remember(Flight(recent.t_dn_s, recent.t_up_s, recent.mean_dt_ps))
                head = tail
            self._live_shots(run, head, run.total)
        self._next_cycle = int(edges[-1])
        self._now_s = float(course.edges_s[-1])

    def _follow(self, start_s: float) -> None:
        """See that time has no gaps."""
        if self._next_cycle == _NO_CYCLE_YET:
            self._next_cycle = self._first_cycle_from(start_s)
        elif abs(start_s - self._now_s) > _SAME_INSTANT_S:
            raise ValueError(f"meter {self.nameplate.serial}: segment from {start_s} s follows one to {self._now_s} s")

    def _live_within_day(self, segment: Segment, day: int) -> None:
        settled_s = segment.start_s + self.probe.settling_s(segment.water_temp_c)
        while segment.duration_s > POLL_S + _SAME_INSTANT_S and segment.start_s < settled_s:
            self._live_constant(replace(segment, duration_s=POLL_S), day)
            start_s = segment.start_s + POLL_S
            segment = replace(segment, start_s=start_s, duration_s=segment.end_s - start_s)
        self._live_constant(segment, day)

    def _live_constant(self, segment: Segment, day: int) -> None:
        """A segment in which nothing that the firmware knows changes."""
        self._now_s = segment.end_s
        if self.probe.fitted is not Fitted.NONE:
            self._firmware.environment = self.probe.poll(segment) or self._firmware.environment
        cycles = self._first_cycle_from(segment.end_s) - self._next_cycle
        if cycles > 0:
            self._next_cycle += cycles
            self._live_cycles(segment, self._sensor.offset.drift_ps(day), cycles)

    def _live_cycles(self, segment: Segment, drift_ps: float, cycles: int) -> None:
        if segment.fill <= LOWEST_FILL:
            self._catch_up()
            self._firmware.miss(cycles)
            return
        if not segment.clear or self._waveform is not None or not self._firmware.clear:
            self._catch_up()
            self._fire(segment, drift_ps, cycles)
            return
        if cycles < GATHERED_CYCLES:
            self._waiting.append((segment, drift_ps, cycles))
            self._waiting_cycles += cycles
            if self._waiting_cycles >= GATHERED_CYCLES:
                self._catch_up()
            return
        self._catch_up()
        mean = self._sensor.flight(segment.flow_l_h, segment.water_temp_c, segment.pressure_mpa, drift_ps)
        if self._jumps_to(mean) or not self._firmware.clear:
            self._fire(segment, drift_ps, cycles)
        else:
            self._remember(mean)
            self._measure(mean, cycles)

    def _jumps_to(self, mean: Flight) -> bool:
        """True if there is a jump on the way from the last flight to these, or among them."""
        together_s = np.diff(np.append(self._last_together_s, mean.t_up_s + mean.t_dn_s))
        dt_ps = np.diff(np.append(self._last_dt_ps, mean.dt_ps))
        return bool((np.abs(together_s) > _JUMP_S).any() or (np.abs(dt_ps) > _JUMP_PS).any())

    def _remember(self, mean: Flight) -> None:
        self._last_together_s = float(np.ravel(mean.t_up_s + mean.t_dn_s)[-1])
        self._last_dt_ps = float(np.ravel(mean.dt_ps)[-1])

    def _catch_up(self) -> None:
        """Measure the short segments that wait: a call on an array costs the same for one cycle as for many."""
        if not self._waiting:
            return
        waiting, self._waiting, self._waiting_cycles = self._waiting, [], 0
        water = np.array([(s.flow_l_h, s.water_temp_c, s.pressure_mpa, drift_ps) for s, drift_ps, _ in waiting])
        mean = self._sensor.flight(water[:, 0], water[:, 1], water[:, 2], water[:, 3])
        if self._jumps_to(mean) or not self._firmware.clear:
            for segment, drift_ps, cycles in waiting:
                self._fire(segment, drift_ps, cycles)
        else:
            self._remember(mean)
            self._take(self._sensor.shots_of_many(mean, np.array([cycles for _, _, cycles in waiting])))

    def _measure(self, mean: Flight, cycles: int) -> None:
        """A stretch of clear water, in closed form where that may be and saves something."""
        if cycles < _SHORTEST_CLOSED_FORM.get(self.fidelity, math.inf):
            self._shoot(mean, cycles)
            return
        self._shoot(mean, WINDOW_CYCLES)
        middle = cycles - 2 * WINDOW_CYCLES
        steady = self._sensor.stretches(mean, np.array([middle]))
        if self._firmware.settled(steady):
            self._firmware.measure_steady(steady)
        else:
            self._shoot(mean, middle)
        self._shoot(mean, WINDOW_CYCLES)

    def _shoot(self, mean: Flight, cycles: int) -> None:
        """Single shots in clear water."""
        while cycles > 0:
            block = min(cycles, LARGEST_BLOCK)
            self._take(self._sensor.shots(mean, block))
            cycles -= block

    def _fire(self, segment: Segment, drift_ps: float, cycles: int) -> None:
        """Single shots as the meter fires them: at waveform fidelity, through air, while it doubts, and until it has
        found water again."""
        while cycles > 0:
            idle = min(self._firmware.idle_cycles, cycles)
            if idle:
                self._firmware.idle(idle)
                cycles -= idle
                continue
            mean = self._sensor.flight_through_air(segment, drift_ps)
            jumps = self._jumps_to(mean)
            self._remember(mean)
            undisturbed = segment.clear and self._firmware.clear and not jumps
            if undisturbed and self._waveform is None:
                self._measure(mean, cycles)
                return
            block = 1 if jumps or self._firmware.doubting else min(cycles, _CLEAR_BLOCK if undisturbed else _BLOCK)
            if self._waveform is not None:
                self._take(self._waveform.shots(mean, segment, block))
            else:
                self._take(self._sensor.shots_through_air(mean, segment, block))
            cycles -= block

    def _live_shots(self, run: Run, first: int, end: int) -> None:
        """Cycles ``first`` to ``end`` of a run, shot by shot."""
        for index, cycles in run.segments(first, end):
            self._live_cycles(run.course.segment(index), float(run.drift_ps[index]), cycles)
        self._catch_up()

    def _take(self, times: TransitTimes) -> None:
        self._firmware.measure(times)
        if self._firmware.wants_rearm:
            self._sensor.sequencer.rearm()
            self._firmware.rearmed()

    def registers(self) -> Registers:
        """The registers now."""
        self._catch_up()
        return self._firmware.registers()

    @property
    def audit_records(self) -> tuple[AuditRecord, ...]:
        """What happened to the legally relevant parameters."""
        return self._firmware.audit_records

    def display(self, *, reverse: bool = False) -> str:
        """What the display shows of the forward (or reverse) volume, in m3."""
        self._catch_up()
        return self._firmware.display(reverse=reverse)

    def set_mode(self, mode: Mode) -> None:
        """Switch between NORMAL and TEST."""
        self._catch_up()
        self._firmware.mode = mode

    def close_valve(self, closed: bool) -> None:
        """Close or open the shut-off valve behind the meter, whose end switch the firmware sees. The water stands still
        only if the segments say so."""
        self._catch_up()
        self._firmware.valve_switch(closed)

    def pulse_count(self, at_s: float) -> int:
        """Pulses that the optical test output has emitted until ``at_s``, from the first segment on.

        ``at_s`` lies within the last few seconds that were advanced; ``ValueError`` otherwise.
        """
        if not at_s <= self._now_s + _SAME_INSTANT_S:
            raise ValueError(f"meter {self.nameplate.serial}: {at_s} s has not come yet, it is {self._now_s} s")
        self._catch_up()
        since_start = at_s * CYCLES_PER_S - self.unit.cycle_phase
        cycle = min(math.floor(since_start), self._next_cycle - 1)
        return self._firmware.pulse_count(self._next_cycle - 1 - cycle, min(since_start - cycle, 1.0))

    def _first_cycle_from(self, at_s: float) -> int:
        return math.ceil(at_s * CYCLES_PER_S - self.unit.cycle_phase)
