"""A climate chamber's air, its machine, and how slowly the electronics of what stands in it follow.

The machine asks for a temperature that goes to the set-point by its gradient; the air follows with a lag, and no
faster than heater and cooler can. Where the machine is off, the air drifts back to the hall's. Humidity is held by a
machine of its own; where that is off, the air keeps its water, and exchanges it slowly with the hall's. All in closed
form, so that a stretch of hours costs what a stretch of seconds does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from meterbench.world.air import Air, saturation_pressure_hpa

AT_REST_K = 0.01
"""So near to where it is going, nothing about the temperature can be seen to move any more."""
AMBIENT_STEP_K = 0.25
"""What stands in the chamber is told of its temperature in steps of this, and where it comes to rest: each costs it
something."""
HUMIDITY_STEP_PERCENT = 1.0
"""The same of the air's relative humidity, which it is told in whole percent."""
HUMIDITY_AT_REST_PERCENT = 0.1
SATURATED_PERCENT = 100.0
"""More condenses."""
SATURATION_PER_K = 0.1
"""The saturation pressure of water changes by no more than this part of itself in 1 K, above -35 degC."""


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
    humid: bool = True
    """It can hold a humidity."""
    humidity_percent: tuple[float, float] = (10.0, 98.0)
    """What it can hold (datasheets of such cabinets), and at which set-points of the temperature:"""
    humid_c: tuple[float, float] = (10.0, 95.0)
    humidity_s: float = 180.0
    """Time constant of the controlled humidity."""


class Chamber:
    """The air and what is in it. Touched only in the lab's loop.

    ``start`` and ``stop`` are the machine's controls; the door, the limiter and the humidifier's water are truth that
    no set-point changes.
    """

    def __init__(self, hall: Callable[[], Air], spec: ChamberSpec | None = None) -> None:
        self.spec = spec or ChamberSpec()
        self._hall = hall
        self.air_temp_c = self.body_temp_c = hall().temp_c
        self._water_hpa = self._hall_vapour_hpa
        """Vapour pressure if all of the air's water were vapour: what condensed on the walls comes back from them."""
        self.running = False
        """The machine has been told to hold its set-point; whether it can is another matter."""
        self.setpoint_c = 23.0
        self.gradient_up_k_min = self.gradient_down_k_min = 0.0
        """Asked for; 0 for as fast as it can."""
        self.humidity_on = False
        """While it runs, hold ``humidity_setpoint_percent``, too."""
        self.humidity_setpoint_percent = 50.0
        self.door_open = False
        self.humidifier_empty = False
        """Nobody has refilled its water; the controller is not told."""
        self._limiter_tripped = False

    # Controls.

    def start(self) -> None:
        """Hold ``setpoint_c``."""
        self.running = True

    def stop(self) -> None:
        """Heater, cooler, humidifier and fan off."""
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

    @property
    def humidity_controlled(self) -> bool:
        """The humidity's machine acts on the air."""
        lowest_c, highest_c = self.spec.humid_c
        able = self.spec.humid and not self.humidifier_empty and lowest_c <= self.setpoint_c <= highest_c
        return able and self.humidity_on and self.controlled

    @property
    def air_humidity_percent(self) -> float:
        """Relative humidity of the air."""
        return min(SATURATED_PERCENT, 100.0 * self._water_hpa / saturation_pressure_hpa(self.air_temp_c))

    @air_humidity_percent.setter
    def air_humidity_percent(self, percent: float) -> None:
        self._water_hpa = percent / 100.0 * saturation_pressure_hpa(self.air_temp_c)

    # Time.

    @property
    def steady(self) -> bool:
        """Neither air nor body move any more, nor a humidity that is held; that of air left alone drifts for hours."""
        goal_c = self._goal_c
        if abs(self.air_temp_c - goal_c) > AT_REST_K or abs(self.body_temp_c - goal_c) > AT_REST_K:
            return False
        return not self.humidity_controlled or self._humidity_gap_percent <= HUMIDITY_AT_REST_PERCENT

    def advance(self, duration_s: float) -> bool:
        """Let time pass with the controls as they are; True if it was steady from beginning to end."""
        was_steady, humidity_percent = self.steady, self.air_humidity_percent
        ramping_s = min(duration_s, self._ramping_s)
        if ramping_s > 0.0:
            self._ramp(ramping_s)
        self._approach(duration_s - ramping_s)
        self._moisten(duration_s, humidity_percent)
        return was_steady and self.steady

    def body_moves_in_s(self, step_k: float) -> float:
        """The body cannot move by ``step_k`` in less time than this; infinite once it is at rest."""
        # The air stays between where it is and where it goes, so it pulls at the body no harder than from these two.
        air_pull_k = abs(self.air_temp_c - self.body_temp_c)
        pull_k = max(air_pull_k, abs(self._goal_c - self.body_temp_c))
        if pull_k <= AT_REST_K:
            return math.inf
        far_s = step_k * self.spec.body_s / pull_k
        rate_k_s = self._ramp_k_s
        if rate_k_s == math.inf:
            return far_s
        # Nor can the pull grow faster than the air goes: t (pull + rate t / 2) = step x body_s.
        root = math.sqrt(air_pull_k * air_pull_k + 2.0 * rate_k_s * step_k * self.spec.body_s)
        return max(far_s, (root - air_pull_k) / rate_k_s)

    def humidity_moves_in_s(self, step_percent: float) -> float:
        """The air's relative humidity cannot move by ``step_percent`` in less time than this; infinite if it is near to
        where it goes."""
        if self.humidity_controlled:
            gap = self._humidity_gap_percent
            return math.inf if gap <= step_percent else -self.spec.humidity_s * math.log1p(-step_percent / gap)
        goal_c = self._goal_c
        way_k = abs(goal_c - self.air_temp_c)
        saturation_hpa = saturation_pressure_hpa(min(goal_c, self.air_temp_c))
        gap = 100.0 * abs(self._water_hpa - self._hall_vapour_hpa) / saturation_hpa
        if way_k <= AT_REST_K and gap <= step_percent:
            return math.inf
        # What is condensed must come back first.
        all_vapour_percent = 100.0 * self._water_hpa / saturation_pressure_hpa(self.air_temp_c)
        condensed_percent = max(0.0, all_vapour_percent - SATURATED_PERCENT)
        by_heat = 0.0
        if way_k > AT_REST_K:
            coldest_percent = min(SATURATED_PERCENT, 100.0 * self._water_hpa / saturation_hpa)
            highest_percent = max(all_vapour_percent, coldest_percent)
            by_heat = SATURATION_PER_K * highest_percent * min(self._ramp_k_s, way_k / self._lag_s)
        return (step_percent + condensed_percent) / (gap / self._exchange_s + by_heat)

    @property
    def _goal_c(self) -> float:
        return self.setpoint_c if self.controlled else self._hall().temp_c

    @property
    def _lag_s(self) -> float:
        return self.spec.air_s if self.controlled else self._exchange_s

    @property
    def _exchange_s(self) -> float:
        """Time constant of heat and water between the cabinet's air and the hall's."""
        return self.spec.door_s if self.door_open else self.spec.drift_s

    @property
    def _hall_vapour_hpa(self) -> float:
        hall = self._hall()
        return hall.humidity_percent / 100.0 * saturation_pressure_hpa(hall.temp_c)

    @property
    def _humidity_gap_percent(self) -> float:
        return abs(self.air_humidity_percent - self.humidity_setpoint_percent)

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

    def _moisten(self, duration_s: float, before_percent: float) -> None:
        """Humidity to its set-point by an exponential, whatever the temperature does; or water to the hall's."""
        if self.humidity_controlled:
            goal_percent = self.humidity_setpoint_percent
            decay = math.exp(-duration_s / self.spec.humidity_s)
            self.air_humidity_percent = goal_percent + (before_percent - goal_percent) * decay
        else:
            hall_hpa = self._hall_vapour_hpa
            self._water_hpa = hall_hpa + (self._water_hpa - hall_hpa) * math.exp(-duration_s / self._exchange_s)


class InAir(Protocol):
    """What feels the temperature of its electronics, and the humidity of the air around it."""

    def set_ambient(self, temp_c: float, /) -> None:
        """It is ``temp_c`` from now on."""

    def set_humidity(self, percent: float, /) -> None:
        """The air's relative humidity is ``percent`` from now on."""


class Climate:
    """A chamber and all that stands in it, beside the rest of the world."""

    def __init__(self, chamber: Chamber, inside: Sequence[InAir]) -> None:
        self._chamber = chamber
        self._inside = inside
        self._told_c = self._told_percent = math.nan

    def advance(self, duration_s: float, advance_rest: Callable[[float], bool]) -> bool:
        """Let both live, in pieces in which neither a body nor the humidity moves by more than a step; True if all was
        steady.

        Pieces are seconds to minutes while the chamber moves, and one of any length when it is at rest.
        """
        steady, left_s, chamber = True, duration_s, self._chamber
        while left_s > 0.0:
            moves_s = min(chamber.body_moves_in_s(AMBIENT_STEP_K), chamber.humidity_moves_in_s(HUMIDITY_STEP_PERCENT))
            piece_s = min(left_s, moves_s)
            rest_steady, chamber_steady = advance_rest(piece_s), chamber.advance(piece_s)
            steady = steady and rest_steady and chamber_steady
            self._tell()
            left_s -= piece_s
        return steady

    def _tell(self) -> None:
        chamber = self._chamber
        step_k = AT_REST_K if chamber.body_moves_in_s(AMBIENT_STEP_K) == math.inf else AMBIENT_STEP_K
        if not abs(chamber.body_temp_c - self._told_c) <= step_k:
            self._told_c = chamber.body_temp_c
            for each in self._inside:
                each.set_ambient(self._told_c)
        percent = HUMIDITY_STEP_PERCENT * round(chamber.air_humidity_percent / HUMIDITY_STEP_PERCENT)
        if percent != self._told_percent:
            self._told_percent = percent
            for each in self._inside:
                each.set_humidity(percent)
