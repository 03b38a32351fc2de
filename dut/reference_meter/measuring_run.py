"""Fires the measuring cycles: how each stretch of water reaches the firmware, shot by shot or in one piece."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.course_run import DAY_S, Run, runs
from meterbench.dut.reference_meter.hardware.flow_tube import Flight
from meterbench.dut.reference_meter.hardware.sensor import LARGEST_BLOCK, LOWEST_FILL
from meterbench.dut.reference_meter.metrology.firmware import Firmware
from meterbench.dut.reference_meter.metrology.measuring.registration import WINDOW_CYCLES
from meterbench.dut.reference_meter.metrology.measuring.stretches import Kind
from meterbench.dut.reference_meter.metrology.measuring.transit import TransitTimes
from meterbench.dut.reference_meter.production.factory import Unit
from meterbench.world.segment import Course, Segment

GATHERED_CYCLES = 32
"""Cycles of short segments that are measured in one block: four seconds at the most."""
_RECENT_CYCLES = 64
"""The last cycles of a course are shots: the pulse output looks back on them."""
_BLOCK = 8
"""Shots between two looks of the firmware at what it has captured: one second."""
_CLEAR_BLOCK = 64
"""The same in clear water, where nothing new can be seen."""
_TOGETHER_CYCLES = 1024
"""Cycles of a course's segments that are measured in one block: its head, or its tail."""
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


class MeasuringRun:
    """Between one unit's sensor and its running firmware."""

    def __init__(self, unit: Unit, firmware: Firmware, fidelity: Fidelity) -> None:
        self._sensor = unit.sensor
        self._memory = unit.board.memory
        self._firmware = firmware
        self._measurement = firmware.measurement
        self._fidelity = fidelity
        self._waveform = unit.waveform_stage() if fidelity is Fidelity.WAVEFORM else None
        self._last_together_s = self._last_dt_ps = math.nan
        self._waiting: list[tuple[Segment, float, int]] = []
        self._waiting_cycles = 0

    @property
    def in_one_piece(self) -> bool:
        """True if courses may be lived through in closed form now: not if the supply will fail in one of the writes."""
        return self._fidelity in _SHORTEST_CLOSED_FORM and not (
            self._measurement.valve_closed or self._firmware.in_transport or self._memory.failing
        )

    def live(self, segment: Segment, cycles: int) -> None:
        """Live through so many cycles in the water of a segment."""
        drift_ps = self._sensor.offset.drift_ps(math.floor(segment.start_s / DAY_S))
        self._live_cycles(segment, drift_ps, cycles)

    def live_course(self, course: Course, edges: NDArray[np.int64]) -> None:
        """Live through a course at once: what every shot would have made of it, with the same mean and variance.

        ``edges`` are the numbers of the cycles at its edges; midnights and the clock's full hours are among them.
        """
        self.catch_up()
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
        certain = self._measurement.kinds(stretches) != Kind.UNCLEAR
        certain &= np.abs(np.diff(together_s, prepend=together_s[0])) < _JUMP_S
        for first, end in runs(certain):
            run = Run(course, stretches, drift_ps, first, end)
            head, tail = min(WINDOW_CYCLES, run.total), run.total - _RECENT_CYCLES
            self._live_shots(run, 0, head)
            if certain[first] and run.total > 4 * WINDOW_CYCLES and self._measurement.clear:
                self._firmware.measure_stretches(run.between(head, tail))
                recent = run.between(tail - WINDOW_CYCLES, tail)
                self._measurement.recall(self._sensor.recalled(recent))
                self._remember(Flight(recent.t_dn_s, recent.t_up_s, recent.mean_dt_ps))
                head = tail
            self._live_shots(run, head, run.total)

    def catch_up(self) -> None:
        """Measure the short segments that wait: a call on an array costs the same for one cycle as for many."""
        if not self._waiting:
            return
        waiting, self._waiting, self._waiting_cycles = self._waiting, [], 0
        water = np.array([(s.flow_l_h, s.water_temp_c, s.pressure_mpa, drift_ps) for s, drift_ps, _ in waiting])
        mean = self._sensor.flight(water[:, 0], water[:, 1], water[:, 2], water[:, 3])
        if self._jumps_to(mean) or not self._measurement.clear:
            for segment, drift_ps, cycles in waiting:
                self._fire(segment, drift_ps, cycles)
        else:
            self._remember(mean)
            self._take(self._sensor.shots_of_many(mean, np.array([cycles for _, _, cycles in waiting])))

    def _live_cycles(self, segment: Segment, drift_ps: float, cycles: int) -> None:
        if segment.fill <= LOWEST_FILL:
            self.catch_up()
            self._firmware.miss(cycles)
            return
        if not segment.clear or self._waveform is not None or not self._measurement.clear:
            self.catch_up()
            self._fire(segment, drift_ps, cycles)
            return
        if cycles < GATHERED_CYCLES:
            self._waiting.append((segment, drift_ps, cycles))
            self._waiting_cycles += cycles
            if self._waiting_cycles >= GATHERED_CYCLES:
                self.catch_up()
            return
        self.catch_up()
        mean = self._sensor.flight(segment.flow_l_h, segment.water_temp_c, segment.pressure_mpa, drift_ps)
        if self._jumps_to(mean) or not self._measurement.clear:
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

    def _measure(self, mean: Flight, cycles: int) -> None:
        """A stretch of clear water, in closed form where that may be and saves something."""
        shortest = math.inf if self._memory.failing else _SHORTEST_CLOSED_FORM.get(self._fidelity, math.inf)
        while cycles >= shortest:
            piece = min(cycles, self._firmware.undisturbed_cycles)
            if piece >= shortest:
                self._measure_steady(mean, piece)
            else:
                self._shoot(mean, piece)
            cycles -= piece
        self._shoot(mean, cycles)

    def _measure_steady(self, mean: Flight, cycles: int) -> None:
        self._shoot(mean, WINDOW_CYCLES)
        middle = cycles - 2 * WINDOW_CYCLES
        hours = self._firmware.hours_within(middle)
        pieces = np.diff(np.concatenate(([0], hours, [middle])))
        dt_ps, up_s, dn_s = (np.full(len(pieces), float(time)) for time in (mean.dt_ps, mean.t_up_s, mean.t_dn_s))
        steady = self._sensor.stretches(Flight(t_dn_s=dn_s, t_up_s=up_s, dt_ps=dt_ps), pieces)
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
            idle = min(self._measurement.idle_cycles, cycles)
            if idle:
                self._firmware.idle(idle)
                cycles -= idle
                continue
            mean = self._sensor.flight_through_air(segment, drift_ps)
            jumps = self._jumps_to(mean)
            self._remember(mean)
            undisturbed = segment.clear and self._measurement.clear and not jumps
            if undisturbed and self._waveform is None:
                self._measure(mean, cycles)
                return
            block = 1 if jumps or self._measurement.doubting else min(cycles, _CLEAR_BLOCK if undisturbed else _BLOCK)
            if self._waveform is not None:
                self._take(self._waveform.shots(mean, segment, block))
            else:
                self._take(self._sensor.shots_through_air(mean, segment, block))
            cycles -= block

    def _live_shots(self, run: Run, first: int, end: int) -> None:
        """Cycles ``first`` to ``end`` of a run, shot by shot."""
        self.catch_up()
        if 0 < end - first <= _TOGETHER_CYCLES and self._measurement.clear:
            shots = run.between(first, end)
            mean = Flight(t_dn_s=shots.t_dn_s, t_up_s=shots.t_up_s, dt_ps=shots.mean_dt_ps)
            if not self._jumps_to(mean):
                self._remember(mean)
                self._take(self._sensor.shots_of_many(mean, shots.cycles))
                return
        for index, cycles in run.segments(first, end):
            self._live_cycles(run.course.segment(index), float(run.drift_ps[index]), cycles)
        self.catch_up()

    def _take(self, times: TransitTimes) -> None:
        self._firmware.measure(times)
        if self._measurement.wants_rearm:
            self._sensor.sequencer.rearm()
            self._measurement.rearmed()
