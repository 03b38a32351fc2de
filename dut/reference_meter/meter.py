"""The reference meter as the world sees it: clamped into a slot, it lives through segments and can be read."""

from __future__ import annotations

import math
from enum import Enum

from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.factory import Unit, build
from meterbench.dut.reference_meter.hardware.flow_tube import Flight
from meterbench.dut.reference_meter.hardware.sensor import LARGEST_BLOCK, Truth
from meterbench.dut.reference_meter.metrology.firmware import CYCLES_PER_S, WINDOW_CYCLES, Metrology
from meterbench.dut.reference_meter.metrology.registers import Mode, Registers
from meterbench.world.segment import Segment

_SAME_INSTANT_S = 1e-6
_NO_CYCLE_YET = -(2**62)
ALIKE = 1e-9
"""The firmware averages absolute times over a block: flights may share one if their times differ by no more than this
part, or the totals would depend on how the world cuts time."""
GATHERED_CYCLES = 32
"""Cycles of short segments that are measured in one block: four seconds at the most."""


class Fidelity(Enum):
    """How a stretch of measuring cycles is lived through.

    TRANSIT draws the noise of every shot. SEGMENT takes the middle of a steady stretch in closed form, with one draw of
    the same mean and variance, wherever the sensitivity threshold cannot be crossed; its ends are shots in any case.
    AUTO does so only where it saves much.
    """

    AUTO = 2 * LARGEST_BLOCK
    TRANSIT = 2**62
    SEGMENT = 2 * WINDOW_CYCLES + 1

    @property
    def shortest_closed_form(self) -> int:
        """Cycles in one segment from which on the closed form is used."""
        return self.value


class ReferenceMeter:
    """An ADR meter in the line (``world.segment.InLine``) and under test (``dut.meter.Meter``).

    ``filled`` tells whether there is water in its pipe. The same seed and serial give the same unit and, for the same
    segments, the same totals.
    """

    def __init__(
        self, nameplate: Nameplate, truth: Truth | None = None, *, seed: int, fidelity: Fidelity = Fidelity.AUTO
    ) -> None:
        self.nameplate = nameplate
        self.fidelity = fidelity
        self.filled = True
        self.unit: Unit = build(nameplate, truth or Truth(), seed)
        self._firmware = Metrology(self.unit.calibration, nameplate.pulse_volume_nl)
        self._next_cycle = _NO_CYCLE_YET
        self._now_s = math.nan
        self._waiting: list[tuple[Flight, int]] = []
        self._waiting_cycles = 0

    def advance(self, segment: Segment) -> None:
        """Live through a segment: the measuring cycles that fall into [start, end) see its water."""
        if self._next_cycle == _NO_CYCLE_YET:
            self._next_cycle = self._first_cycle_from(segment.start_s)
        elif abs(segment.start_s - self._now_s) > _SAME_INSTANT_S:
            raise ValueError(
                f"meter {self.nameplate.serial}: segment from {segment.start_s} s follows one to {self._now_s} s"
            )
        self._now_s = segment.end_s
        cycles = self._first_cycle_from(segment.end_s) - self._next_cycle
        if cycles <= 0:
            return
        self._next_cycle += cycles
        if not self.filled:
            self._catch_up()
            self._firmware.miss(cycles)
            return
        mean = self.unit.sensor.flight(segment.flow_l_h, segment.water_temp_c, segment.pressure_mpa)
        if cycles >= GATHERED_CYCLES:
            self._catch_up()
            self._measure(mean, cycles)
            return
        if self._waiting and not _alike(mean, self._waiting[0][0]):
            self._catch_up()
        self._waiting.append((mean, cycles))
        self._waiting_cycles += cycles
        if self._waiting_cycles >= GATHERED_CYCLES:
            self._catch_up()

    def _catch_up(self) -> None:
        """Measure what waits: transients come in segments of a cycle or less, and a block costs as much as a cycle."""
        if self._waiting:
            self._firmware.measure(self.unit.sensor.shots(self._waiting))
            self._waiting = []
            self._waiting_cycles = 0

    def registers(self) -> Registers:
        """The registers now."""
        self._catch_up()
        return self._firmware.registers()

    def display(self, *, reverse: bool = False) -> str:
        """What the display shows of the forward (or reverse) volume, in m3."""
        self._catch_up()
        return self._firmware.display(reverse=reverse)

    def set_mode(self, mode: Mode) -> None:
        """Switch between NORMAL and TEST."""
        self._catch_up()
        self._firmware.mode = mode

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

    def _measure(self, mean: Flight, cycles: int) -> None:
        if cycles < self.fidelity.shortest_closed_form:
            self._fire(mean, cycles)
            return
        self._fire(mean, WINDOW_CYCLES)
        steady = self.unit.sensor.steady(mean, cycles - 2 * WINDOW_CYCLES)
        if self._firmware.settled(steady):
            self._firmware.measure_steady(steady)
        else:
            self._fire(mean, steady.cycles)
        self._fire(mean, WINDOW_CYCLES)

    def _fire(self, mean: Flight, cycles: int) -> None:
        while cycles > 0:
            block = min(cycles, LARGEST_BLOCK)
            self._firmware.measure(self.unit.sensor.shots([(mean, block)]))
            cycles -= block


def _alike(one: Flight, other: Flight) -> bool:
    """Water that moves alike: the absolute times are the same but for ``ALIKE``."""
    together_s = one.t_up_s + one.t_dn_s
    return abs(together_s - other.t_up_s - other.t_dn_s) <= ALIKE * together_s
