"""REVERSE, LEAK, BURST and DRY: watched over the registered flow, cycle by cycle (ADR-040..043).

Single cycles are looked at only where an alarm's limit may be crossed: a block whose flows all lie on one side of it
costs a comparison, and stretches in one piece are crossed where their mean is linear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.alarms.hold import Change, Hold, HoldTimes
from meterbench.dut.reference_meter.metrology.alarms.level import Level
from meterbench.dut.reference_meter.metrology.measuring.hysteresis import Mask
from meterbench.dut.reference_meter.metrology.measuring.stretches import Whole
from meterbench.dut.reference_meter.metrology.measuring.threshold import QUICK_CYCLES, SAFE_SD, SLOW_CYCLES
from meterbench.dut.reference_meter.metrology.status import NO_ALARM, Alarm

DRY_TIMES = HoldTimes(1, 1)
"""That there is no water is known after eight shots; that is time enough."""


class AlarmChange(NamedTuple):
    """From a moment on (cycles that were over), an alarm is active or no longer."""

    tick: int
    alarm: Alarm
    on: bool


@dataclass(frozen=True, slots=True)
class FlowWatch:
    """An alarm over the mean flow; without a ``level`` it is enough that forward flow is registered."""

    alarm: Alarm
    level: Level | None
    times: HoldTimes


class FlowAlarms:
    """The alarms over flow and water of one meter; ``tick`` counts the cycles that were seen."""

    def __init__(self, watches: tuple[FlowWatch, ...], tick: int = 0) -> None:
        self.tick = tick
        self._watches: tuple[FlowWatch, ...] = ()
        self._holds: list[Hold] = []
        self._dry = Hold(DRY_TIMES)
        self.watch(watches)
        self._dry_changes: list[Change] = []
        self._changes: list[AlarmChange] = []

    def watch(self, watches: tuple[FlowWatch, ...]) -> None:
        """Watch anew, for these conditions. An alarm that is active stays so until its new condition says otherwise."""
        active = self.active
        self._watches = watches
        self._holds = [Hold(watch.times) for watch in watches]
        for watch, hold in zip(watches, self._holds, strict=True):
            hold.restart(active=watch.alarm in active, now=self.tick)

    @property
    def active(self) -> Alarm:
        """The alarms that are active after the last cycle."""
        active = Alarm.DRY if self._dry.active else NO_ALARM
        for watch, hold in zip(self._watches, self._holds, strict=True):
            if hold.active:
                active |= watch.alarm
        return active

    def take_changes(self) -> list[AlarmChange]:
        """What changed since this was last asked, in order of time."""
        changes, self._changes = sorted(self._changes, key=lambda change: change.tick), []
        return changes

    def restart(self, active: Alarm) -> None:
        """Begin with these alarms active, as they were when the supply was lost. They clear as any other, but that
        their condition is gone is not known before the slow mean is full again; that a pipe is empty holds until water
        is heard."""
        self._dry.restart(active=Alarm.DRY in active, now=self.tick, on=Alarm.DRY in active)
        for watch, hold in zip(self._watches, self._holds, strict=True):
            hold.restart(active=watch.alarm in active, now=self.tick, unknown=SLOW_CYCLES)

    def see_dry(self, dry_after: Mask, was: bool) -> None:
        """Of the cycles that will be seen next: after which of them the pipe counts as empty."""
        self._dry_changes = _changes(dry_after, was, self.tick)

    def see(
        self, cycles: int, low_l_h: float, high_l_h: float, forward: bool | Mask, flow_l_h: Callable[[], Array]
    ) -> None:
        """Let cycles pass whose mean flows all lie between two; ``flow_l_h`` gives them one by one where it matters.

        ``forward`` says whether forward flow is registered, for all of them or for each.
        """
        if cycles == 0:
            return
        end = self.tick + cycles
        each_l_h: Array | None = None
        for watch, hold in zip(self._watches, self._holds, strict=True):
            on = forward if watch.level is None else watch.level.decided(low_l_h, high_l_h, hold.on)
            if on is None and watch.level is not None:
                each_l_h = flow_l_h() if each_l_h is None else each_l_h
                on = watch.level.counts(each_l_h, hold.on)
            if isinstance(on, np.ndarray):
                self._note(watch.alarm, hold.see(_changes(on, hold.on, self.tick), end))
            else:
                self._note(watch.alarm, hold.see([Change(self.tick, bool(on))] if on != hold.on else [], end))
        self._pass(end)

    def see_nothing(self, cycles: int) -> None:
        """Let cycles pass in which nothing is registered."""
        self.see(cycles, 0.0, 0.0, False, lambda: np.zeros(cycles))

    def unclear(self, mean_l_h: Array, sd_l_h: Array) -> NDArray[np.bool_]:
        """Which stretches of steady flow lie so near a limit that only their single cycles can tell."""
        margin_l_h = SAFE_SD * sd_l_h / QUICK_CYCLES**0.5
        near = np.zeros(len(mean_l_h), dtype=np.bool_)
        for watch in self._watches:
            if watch.level is not None:
                for limit_l_h in (watch.level.on_l_h, watch.level.off_l_h):
                    near |= np.abs(mean_l_h - limit_l_h) <= margin_l_h
        return near

    def see_stretches(
        self, recent_l_h: Array, cycles: Whole, mean_l_h: Array, registered: Whole, direction: Array
    ) -> None:
        """Let stretches of steady flow pass, none of them ``unclear``, after ``recent_l_h`` of single cycles.

        Of each the first ``registered`` cycles are, in this ``direction``.
        """
        end = self.tick + int(cycles.sum())
        for watch, hold in zip(self._watches, self._holds, strict=True):
            if watch.level is None:
                starts = np.cumsum(cycles) - cycles
                forward = (direction > 0.0) & (registered > 0)
                starts, ends = _joined(starts[forward], starts[forward] + registered[forward])
            else:
                starts, ends = watch.level.spells(recent_l_h, cycles, mean_l_h, hold.on)
            self._note(watch.alarm, hold.see_many(starts + self.tick, ends + self.tick, self.tick, end))
        self._pass(end)

    def _pass(self, end: int) -> None:
        self._note(Alarm.DRY, self._dry.see(self._dry_changes, end))
        self._dry_changes = []
        self.tick = end

    def _note(self, alarm: Alarm, changes: list[Change]) -> None:
        self._changes += [AlarmChange(change.tick, alarm, change.on) for change in changes]


def _changes(on: Mask, was: bool, begin: int) -> list[Change]:
    at = np.flatnonzero(on != np.append(was, on[:-1]))
    return [Change(begin + index, bool(on[index])) for index in at.tolist()]


def _joined(starts: Whole, ends: Whole) -> tuple[Whole, Whole]:
    """Spells that follow each other without a gap are one."""
    if not len(starts):
        return starts, ends
    apart = starts[1:] > ends[:-1]
    return starts[np.append(True, apart)], ends[np.append(apart, True)]
