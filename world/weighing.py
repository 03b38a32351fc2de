"""The diverter and the tank on the balance: how water becomes weight, and when."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

GateListener = Callable[[bool, float], None]
"""Told the level of the gate's switch and the exact world time at which it changed."""


@dataclass(slots=True)
class Diverter:
    """Swings the jet between the return (0) and the weighing tank (1).

    The limit switch that gates the counters sits a little off the place where half the jet is in the tank
    (``switch_skew``, part of the travel): the timing error that a laboratory must find out.
    """

    delay_s: float = 0.040
    travel_s: float = 0.060
    switch_skew: float = 0.02
    position: float = 0.0
    gate: bool = False
    listeners: list[GateListener] = field(default_factory=list)
    travel_on_s: float = 0.0
    travel_off_s: float = 0.0
    gate_opened_s: float = 0.0
    gate_duration_s: float = 0.0
    _target: float = 0.0
    _moves_at_s: float = 0.0

    def command(self, to_tank: bool, now_s: float) -> None:
        """Swing towards the tank or the return; the valve's delay passes before it moves."""
        if self._target != float(to_tank):
            self._target = float(to_tank)
            self._moves_at_s = now_s + self.delay_s

    @property
    def still(self) -> bool:
        return self.position == self._target

    def next_event_s(self, now_s: float) -> float:
        """World time at which the motion, the gate's level or nothing (inf) changes next."""
        if self.still:
            return math.inf
        if now_s < self._moves_at_s:
            return self._moves_at_s
        switch = 0.5 + self.switch_skew
        ahead = [switch] if (self.position < switch) != (self._target < switch) else []
        return now_s + self.travel_s * min(abs(stop - self.position) for stop in [*ahead, self._target])

    def advance(self, now_s: float, duration_s: float) -> float:
        """Move on, not beyond ``next_event_s``; the mean part of the jet that went to the tank, 0..1."""
        before = self.position
        if not self.still and now_s >= self._moves_at_s:
            step = duration_s / self.travel_s
            gap = self._target - self.position
            self.position = self._target if abs(gap) <= step + 1e-9 else self.position + math.copysign(step, gap)
            self._note_gate(now_s + duration_s)
        return 0.5 * (before + self.position)

    def _note_gate(self, now_s: float) -> None:
        rising = self._target == 1.0
        # A position that lies on the switch belongs to the side that the diverter is moving to.
        beyond = self.position - (0.5 + self.switch_skew)
        level = beyond >= -1e-9 if rising else beyond > 1e-9
        if self.still:
            if rising:
                self.travel_on_s = now_s - self._moves_at_s
            else:
                self.travel_off_s = now_s - self._moves_at_s
        if level == self.gate:
            return
        self.gate = level
        if level:
            self.gate_opened_s = now_s
        else:
            self.gate_duration_s = now_s - self.gate_opened_s
        for listener in self.listeners:
            listener(level, now_s)


@dataclass(slots=True)
class WeighTank:
    """The tank: water arrives late by its fall and the film on the wall, evaporates a little, and drains."""

    capacity_g: float = 120_000.0
    fall_s: float = 0.7
    drain_g_s: float = 2_000.0
    heel_g: float = 40.0
    """What stays behind after draining."""
    mass_g: float = 40.0
    falling_g: float = 0.0
    drain_open: bool = False

    @property
    def level_percent(self) -> float:
        return 100.0 * self.mass_g / self.capacity_g

    @property
    def drained(self) -> bool:
        return self.mass_g <= self.heel_g

    @property
    def drained_in_s(self) -> float:
        """Seconds until the open drain has done its work; inf while it is shut."""
        return max(0.0, self.mass_g - self.heel_g) / self.drain_g_s if self.drain_open else math.inf

    def advance(self, duration_s: float, inflow_g: float, evaporation_g_s: float) -> None:
        """Let ``inflow_g`` leave the diverter evenly over ``duration_s``; part of it is still falling at the end."""
        decay = math.exp(-duration_s / self.fall_s)
        rate_g_s = inflow_g / duration_s if duration_s else 0.0
        falling_after_g = self.falling_g * decay + rate_g_s * self.fall_s * (1.0 - decay)
        arrived_g = self.falling_g + inflow_g - falling_after_g
        self.falling_g = falling_after_g
        self.mass_g = max(0.0, self.mass_g + arrived_g - evaporation_g_s * duration_s)
        if self.drain_open:
            self.mass_g = max(min(self.mass_g, self.heel_g), self.mass_g - self.drain_g_s * duration_s)
