"""A climate chamber's air, its machine, and how slowly the electronics of what stands in it follow.

The machine asks for a temperature that goes to the set-point by its gradient; the air follows with a lag, and no
faster than heater and cooler can. Where the machine is off, the air drifts back to the hall's. All in closed form,
so that a stretch of hours costs what a stretch of seconds does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

AT_REST_K = 0.01
"""So near to where it is going, nothing about the temperature can be seen to move any more."""
AMBIENT_STEP_K = 0.1
"""What stands in the chamber is told of its temperature in steps of this: each costs it something."""


@dataclass(frozen=True, slots=True)
class ChamberSpec:
    """A cabinet of some 300 L (instruments.md 3: time constant of minutes, 2..5 K/min, a slower body)."""

    lowest_c: float = -40.0
    highest_c: float = 180.0
    ramp_k_min: float = 3.0
    """What heater and cooler can do."""
    air_s: float = 120.0
    """Time constant of the controlled air."""
    drift_s: float = 5400.0
    """Time constant of the closed, insulated cabinet towards the hall's air."""
    door_s: float = 60.0
    """The same with the door open."""
    body_s: float = 1500.0
    """Time constant of a meter's electronics and battery in their case."""


class Chamber:
    """The air and what is in it. Touched only in the lab's loop.

    ``start`` and ``stop`` are the machine's controls; the door and the limiter are truth that no set-point changes.
    """

    def __init__(self, hall_temp_c: Callable[[], float], spec: ChamberSpec | None = None) -> None:
        self.spec = spec or ChamberSpec()
        self._hall_temp_c = hall_temp_c
        self.air_temp_c = self.body_temp_c = hall_temp_c()
        self.running = False
        """The machine has been told to hold its set-point; whether it can is another matter."""
        self.setpoint_c = 23.0
        self.gradient_up_k_min = self.gradient_down_k_min = 0.0
        """Asked for; 0 for as fast as it can."""
        self.door_open = False
        self._limiter_tripped = False

    # Controls.

    def start(self) -> None:
        """Hold ``setpoint_c``."""
        self.running = True

    def stop(self) -> None:
        """Heater, cooler and fan off."""
        self.running = False

    # Truth.

    def trip_limiter(self) -> None:
        """The over-temperature limiter, a device of its own, cuts heater and cooler off; the controller is not told."""
        self._limiter_tripped = True

    def reset_limiter(self) -> None:
        """Somebody presses its button."""
        self._limiter_tripped = False

    @property
    def controlled(self) -> bool:
        """Heater and cooler act on the air."""
        return self.running and not self.door_open and not self._limiter_tripped

    # Time.

    @property
    def steady(self) -> bool:
        """Neither the air nor the body moves any more."""
        goal_c = self._goal_c
        return abs(self.air_temp_c - goal_c) <= AT_REST_K and abs(self.body_temp_c - goal_c) <= AT_REST_K

    def advance(self, duration_s: float) -> bool:
        """Let time pass with the controls as they are; True if it was steady from beginning to end."""
        was_steady = self.steady
        ramping_s = min(duration_s, self._ramping_s)
        if ramping_s > 0.0:
            self._ramp(ramping_s)
        self._approach(duration_s - ramping_s)
        return was_steady and self.steady

    def body_moves_in_s(self, step_k: float) -> float:
        """The body cannot move by ``step_k`` in less time than this; infinite once it is at rest."""
        # The air stays between where it is and where it goes, so it pulls at the body no harder than from these two.
        pull_k = max(abs(self.air_temp_c - self.body_temp_c), abs(self._goal_c - self.body_temp_c))
        return math.inf if pull_k <= AT_REST_K else step_k * self.spec.body_s / pull_k

    @property
    def _goal_c(self) -> float:
        return self.setpoint_c if self.controlled else self._hall_temp_c()

    @property
    def _lag_s(self) -> float:
        if self.controlled:
            return self.spec.air_s
        return self.spec.door_s if self.door_open else self.spec.drift_s

    @property
    def _ramp_k_s(self) -> float:
        """The air's speed limit; a cabinet that nobody heats or cools has none."""
        if not self.controlled:
            return math.inf
        asked_k_min = self.gradient_up_k_min if self._goal_c > self.air_temp_c else self.gradient_down_k_min
        return min(self.spec.ramp_k_min, asked_k_min or math.inf) / 60.0

    @property
    def _ramping_s(self) -> float:
        """How long the air goes at its limit before it slows down towards the goal."""
        beyond_k = abs(self._goal_c - self.air_temp_c) - self._ramp_k_s * self._lag_s
        return beyond_k / self._ramp_k_s if beyond_k > 0.0 else 0.0

    def _ramp(self, duration_s: float) -> None:
        """Air in a straight line; the body behind it."""
        rate_k_s = math.copysign(self._ramp_k_s, self._goal_c - self.air_temp_c)
        body_s = self.spec.body_s
        offset_k = self.body_temp_c - self.air_temp_c + rate_k_s * body_s
        decay = math.exp(-duration_s / body_s)
        self.air_temp_c += rate_k_s * duration_s
        self.body_temp_c = self.air_temp_c - rate_k_s * body_s + offset_k * decay

    def _approach(self, duration_s: float) -> None:
        """Air to its goal by an exponential; the body behind it (``body_s`` is no time constant of the air)."""
        goal_c, lag_s, body_s = self._goal_c, self._lag_s, self.spec.body_s
        gap_k = self.air_temp_c - goal_c
        driven_k = gap_k * lag_s / (lag_s - body_s)
        free_k = self.body_temp_c - goal_c - driven_k
        air_decay, body_decay = math.exp(-duration_s / lag_s), math.exp(-duration_s / body_s)
        self.air_temp_c = goal_c + gap_k * air_decay
        self.body_temp_c = goal_c + driven_k * air_decay + free_k * body_decay


class InAir(Protocol):
    """What feels the temperature of its electronics."""

    def set_ambient(self, temp_c: float, /) -> None:
        """It is ``temp_c`` from now on."""


class Climate:
    """A chamber and all that stands in it, beside the rest of the world."""

    def __init__(self, chamber: Chamber, inside: Sequence[InAir]) -> None:
        self._chamber = chamber
        self._inside = inside
        self._told_c = math.nan

    def advance(self, duration_s: float, advance_rest: Callable[[float], bool]) -> bool:
        """Let both live, in pieces in which no body moves by more than a step; True if all was steady.

        Pieces are seconds to minutes while the chamber moves, and one of any length when it is at rest.
        """
        steady, left_s = True, duration_s
        while left_s > 0.0:
            piece_s = min(left_s, self._chamber.body_moves_in_s(AMBIENT_STEP_K))
            rest_steady, chamber_steady = advance_rest(piece_s), self._chamber.advance(piece_s)
            steady = steady and rest_steady and chamber_steady
            self._tell()
            left_s -= piece_s
        return steady

    def _tell(self) -> None:
        if not abs(self._chamber.body_temp_c - self._told_c) < AMBIENT_STEP_K:
            self._told_c = self._chamber.body_temp_c
            for each in self._inside:
                each.set_ambient(self._told_c)
