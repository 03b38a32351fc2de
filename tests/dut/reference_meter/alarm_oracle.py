"""What the alarms over flow and water ought to do, told plainly: a model of its own, cycle by cycle.

It knows nothing of the firmware: it follows the words of metering.md 2.6 and of the settings. It sees the true flow, so
each change that it expects comes with the number of cycles by which noise may shift it: a moving mean with slope s a
cycle and a standard deviation d crosses a limit within 6 d / s cycles.

After 512 cycles of the same flow all means are that flow, and nothing but the hold times goes on: these are leapt over.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from meterbench.dut.reference_meter.metrology.status import Alarm

CYCLES_A_SECOND = 8
QUICK, SLOW = 32, 512
"""Cycles of the two moving means: 4 s and 64 s."""
SHOT_PS = 35.0
PS_PER_L_H = {15: 175.2, 20: 129.3, 25: 99.3}
"""metering.md 2.2, 20 degC."""
Q1_L_H = {15: 1.5625, 20: 2.5, 25: 3.9375}
Q3_L_H = {15: 2500.0, 20: 4000.0, 25: 6300.0}
FLOW_ALARMS = (Alarm.DRY, Alarm.REVERSE, Alarm.LEAK, Alarm.BURST)


class Expected(NamedTuple):
    """After so many cycles an alarm comes or goes, ``within`` some cycles."""

    tick: int
    alarm: Alarm
    on: bool
    within: int


@dataclass(slots=True)
class Timer:
    """An alarm that waits: raised after ``raise_after`` cycles of its condition without a break, cleared after
    ``clear_after`` cycles without it."""

    raise_after: int
    clear_after: int
    active: bool = False
    on: bool = False
    lasted: int = 0
    """Cycles since the condition last came or went."""
    within: int = 0
    """By how many cycles that may be off."""
    known_from: int = 0
    """Before, nobody can say that the condition is gone."""

    def see(self, on: bool, cycles: int, tick: int, within: int) -> tuple[int, bool, int] | None:
        """So many cycles from ``tick`` on with the condition or without it; the change of the alarm."""
        if on is not self.on:
            self.on, self.lasted, self.within = on, 0, within
        needed = self.raise_after if on else self.clear_after
        due = tick + max(needed - self.lasted, 0)
        if not on:
            due = max(due, self.known_from + self.clear_after)
        self.lasted += cycles
        if self.active is on or tick + cycles < due:
            return None
        self.active = on
        return due, on, self.within

    def restart(self, tick: int) -> None:
        """The supply was lost: an active alarm stays until its condition has been away for its time, which begins once
        the slow mean is full again."""
        self.on, self.lasted, self.within, self.known_from = False, 0, 1, tick + SLOW


class AlarmOracle:
    """``see`` the water; ``take`` what ought to have happened."""

    def __init__(
        self,
        dn: int = 15,
        *,
        leak_after_s: int = 86_400,
        burst_after_s: int = 1_800,
        reverse_after_s: int = 10,
        clear_after_s: int = 30,
    ) -> None:
        self.tick = 0
        self.dry = False
        self._q1_l_h, self._burst_l_h = Q1_L_H[dn], 0.3 * Q3_L_H[dn]
        self._noise_l_h = SHOT_PS / PS_PER_L_H[dn]
        clear = clear_after_s * CYCLES_A_SECOND
        self._timers = {
            Alarm.REVERSE: Timer(reverse_after_s * CYCLES_A_SECOND, clear),
            Alarm.LEAK: Timer(leak_after_s * CYCLES_A_SECOND, clear),
            Alarm.BURST: Timer(burst_after_s * CYCLES_A_SECOND, clear),
        }
        self._on = dict.fromkeys(self._timers, False)
        self._expected: list[Expected] = []
        self._forget()

    @property
    def active(self) -> Alarm:
        """What is active after the last cycle."""
        active = Alarm.DRY if self.dry else Alarm(0)
        for alarm, timer in self._timers.items():
            active |= alarm if timer.active else Alarm(0)
        return active

    def take(self) -> list[Expected]:
        """What ought to have changed since this was last asked, in order of time."""
        expected, self._expected = sorted(self._expected), []
        return expected

    def see(self, cycles: int, flow_l_h: float, wet: bool = True, slack: int = 0) -> None:
        """So many cycles of one flow. ``slack``: cycles by which its beginning may be off."""
        if not wet:
            self._see_nothing(cycles, slack)
            return
        if self.dry:
            # Looked at every fourth cycle; eight good shots end DRY, sixteen are enough to measure again.
            self.dry = False
            self._expected.append(Expected(self.tick + 8, Alarm.DRY, False, 4 + slack))
            self._untold = 15
        if self._untold:
            untold = min(cycles, self._untold)
            self._untold -= untold
            self._go_on(untold, 0.0, 4 + slack)
            cycles, slack = cycles - untold, slack + 4
        self._go_on(cycles, flow_l_h, slack)

    def restart(self, tick: int) -> None:
        """The supply was lost, and what was known at ``tick`` is known again."""
        self.tick = tick
        self._forget()
        self._on = dict.fromkeys(self._timers, False)
        for timer in self._timers.values():
            timer.restart(tick)

    def _forget(self) -> None:
        self._recent, self._quick = deque([0.0] * SLOW, SLOW), deque([0.0] * QUICK, QUICK)
        self._direction = 0
        self._same = SLOW
        self._last_l_h = 0.0
        self._untold = 0

    def _see_nothing(self, cycles: int, slack: int) -> None:
        """An empty pipe: the last flow is bridged until eight shots were silent."""
        if not self.dry:
            if cycles < 8:
                raise ValueError("the model knows no silence that is too short to be noticed")
            self._go_on(7, self._last_l_h, slack)
            self._forget()
            self._conditions(False, 0.0, 1, 1 + slack)
            self.dry = True
            self._expected.append(Expected(self.tick, Alarm.DRY, True, 1 + slack))
            cycles -= 8
        self._conditions(False, 0.0, cycles, 1 + slack)

    def _go_on(self, cycles: int, flow_l_h: float, slack: int) -> None:
        if flow_l_h != self._last_l_h:
            self._same, self._last_l_h = 0, flow_l_h
        one_by_one = min(cycles, SLOW - self._same)
        for _ in range(one_by_one):
            self._cycle(flow_l_h, slack)
        self._same += one_by_one
        if cycles > one_by_one:
            mean_l_h = flow_l_h if self._direction else 0.0
            self._conditions(self._direction > 0, mean_l_h, cycles - one_by_one, SLOW)

    def _cycle(self, flow_l_h: float, slack: int) -> None:
        recent = self._recent
        quick_slope, slow_slope = (flow_l_h - recent[-QUICK]) / QUICK, (flow_l_h - recent[0]) / SLOW
        recent.append(flow_l_h)
        self._quick.append(flow_l_h)
        quick_l_h = math.fsum(self._quick) / QUICK
        decisive_l_h, within = quick_l_h, self._shift(quick_slope, QUICK)
        if abs(flow_l_h) >= 8.0:
            decisive_l_h, within = flow_l_h, 1
        elif 0.4 <= abs(quick_l_h) < 1.3:
            slow_l_h = math.fsum(recent) / SLOW
            if slow_l_h * quick_l_h > 0.0:
                decisive_l_h, within = slow_l_h, max(self._shift(slow_slope, SLOW), QUICK)
                if slow_slope != 0.0:
                    # Near 1.3 L/h noise may lift the quick mean over it for once; that counts from 0.8 L/h on.
                    within = max(within, math.ceil((1.0 - 0.8) / abs(slow_slope)))
        if abs(decisive_l_h) < 0.8:
            self._direction = 0
        elif abs(decisive_l_h) >= 1.0 or self._direction * decisive_l_h < 0.0:
            self._direction = (decisive_l_h >= 1.0) - (decisive_l_h <= -1.0)
        mean_l_h = quick_l_h if self._direction else 0.0
        limits_within = max(self._shift(quick_slope, QUICK), 1)
        self._conditions(self._direction > 0, mean_l_h, 1, within + slack, limits_within + slack)

    def _shift(self, slope_l_h: float, cycles: int) -> int:
        sd_l_h = self._noise_l_h / math.sqrt(cycles)
        return cycles if slope_l_h == 0.0 else 1 + min(cycles, math.ceil(6.0 * sd_l_h / abs(slope_l_h)))

    def _conditions(self, forward: bool, mean_l_h: float, cycles: int, within: int, limits_within: int = 1) -> None:
        if cycles == 0:
            return
        q1, burst, on = self._q1_l_h, self._burst_l_h, self._on
        now = {
            Alarm.LEAK: forward,
            Alarm.REVERSE: -mean_l_h >= (0.9 * q1 if on[Alarm.REVERSE] else q1),
            Alarm.BURST: mean_l_h >= (0.9 * burst if on[Alarm.BURST] else burst),
        }
        for alarm, timer in self._timers.items():
            shift = within if alarm is Alarm.LEAK else limits_within
            change = timer.see(now[alarm], cycles, self.tick, shift)
            if change is not None:
                self._expected.append(Expected(change[0], alarm, change[1], change[2]))
        self._on = now
        self.tick += cycles


def differences(expected: Iterable[Expected], seen: Iterable[tuple[int, Alarm, bool]], more: int = 0) -> list[str]:
    """Where what was seen is not what was expected, alarm by alarm; ``more`` cycles are allowed to all."""
    told = []
    expected, seen = list(expected), list(seen)
    for alarm in FLOW_ALARMS:
        wanted = [change for change in expected if change.alarm is alarm]
        found = [change for change in seen if change[1] is alarm]
        if [change.on for change in wanted] != [on for _, _, on in found]:
            told.append(f"{alarm.name}: expected {wanted}, seen {found}")
            continue
        for want, (tick, _, _) in zip(wanted, found, strict=True):
            if abs(want.tick - tick) > want.within + more:
                told.append(f"{alarm.name}: expected {want}, seen at {tick}")
    return told
