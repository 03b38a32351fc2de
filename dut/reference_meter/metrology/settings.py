"""What may be configured in service: limits and times of the alarms, what is pushed, what the display shows.

None of it can change a volume. Defaults are those of the technical description where it names any (7, 15; OPEN-6).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import FlowWatch
from meterbench.dut.reference_meter.metrology.alarms.hold import HoldTimes
from meterbench.dut.reference_meter.metrology.alarms.level import Level
from meterbench.dut.reference_meter.metrology.clock import TICKS_PER_S
from meterbench.dut.reference_meter.metrology.display.screens import DEFAULT_SCREENS, Screen, ScreenList
from meterbench.dut.reference_meter.metrology.measuring.threshold import OFF_L_H, ON_L_H
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.status import Alarm

BURST_OF_Q3 = 0.3
"""OPEN-6."""
STILL_COUNTS = 0.9
"""[design] A flow that counts does so until it falls below this part of the limit."""
EVERY_ALARM = Alarm((1 << len(Alarm)) - 1)
LONGEST_S = 30 * 86_400
LARGEST_L_H = 1e6
"""Beyond what any meter of the series measures."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration; ``Refused`` names the first value that cannot be."""

    burst_limit_l_h: float
    leak_limit_l_h: float = ON_L_H
    """At the sensitivity threshold it is enough that flow is registered."""
    leak_after_s: int = 86_400
    burst_after_s: int = 1_800
    reverse_after_s: int = 10
    """[design] Water that swings to and fro is no reverse flow."""
    clear_after_s: int = 30
    """[design] How long a flow must be away before its alarm, or its time so far, is over."""
    pushed: Alarm = EVERY_ALARM
    """The alarms that are told to the control centre (ADR-046)."""
    test_time_out_s: int = 86_400
    """[design] TEST ends by itself after this."""
    volume_decimals: int = 3
    """On the display in all modes but TEST (ADR-017)."""
    screens: tuple[Screen, ...] = DEFAULT_SCREENS
    """What the display shows in turn (ADR-070)."""

    def __post_init__(self) -> None:
        for name, low in (("burst_limit_l_h", 0.0), ("leak_limit_l_h", ON_L_H)):
            limit = getattr(self, name)
            number = type(limit) in (int, float) and abs(limit) <= LARGEST_L_H
            if not (number and limit >= low and limit > 0.0):
                raise Refused(
                    f"settings: {name} = {limit}; allowed are flows above 0 L/h, for a leak from {ON_L_H:g} on"
                )
        for name in ("leak_after_s", "burst_after_s", "reverse_after_s", "clear_after_s", "test_time_out_s"):
            seconds = getattr(self, name)
            if type(seconds) is not int or not 1 <= seconds <= LONGEST_S:
                raise Refused(f"settings: {name} = {seconds}; allowed are whole seconds from 1 to {LONGEST_S}")
        if type(self.volume_decimals) is not int or not 1 <= self.volume_decimals <= 6:
            raise Refused(f"settings: volume_decimals = {self.volume_decimals}; allowed are 1 to 6")
        if not isinstance(self.screens, tuple) or not all(isinstance(screen, Screen) for screen in self.screens):
            raise Refused(f"settings: screens = {self.screens!r}; allowed are {', '.join(Screen.__members__)}")
        ScreenList(self.screens)
        if not isinstance(self.pushed, Alarm) or int(self.pushed) & ~int(EVERY_ALARM):
            raise Refused(f"settings: pushed = {self.pushed!r}; allowed are the alarms {EVERY_ALARM!r}")

    def watches(self, q1_l_h: float) -> tuple[FlowWatch, ...]:
        """The alarms over flow, for a meter with this Q1."""
        leak = Level(self.leak_limit_l_h, OFF_L_H / ON_L_H * self.leak_limit_l_h)
        return (
            FlowWatch(Alarm.REVERSE, Level(-q1_l_h, -STILL_COUNTS * q1_l_h), self._times(self.reverse_after_s)),
            FlowWatch(Alarm.LEAK, leak if self.leak_limit_l_h > ON_L_H else None, self._times(self.leak_after_s)),
            FlowWatch(
                Alarm.BURST,
                Level(self.burst_limit_l_h, STILL_COUNTS * self.burst_limit_l_h),
                self._times(self.burst_after_s),
            ),
        )

    def _times(self, raise_after_s: int) -> HoldTimes:
        return HoldTimes(raise_after_s * TICKS_PER_S, self.clear_after_s * TICKS_PER_S)

    def to_bytes(self) -> bytes:
        """For the memory."""
        screens = [screen.value for screen in self.screens]
        return json.dumps(asdict(self) | {"screens": screens}, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> Settings:
        """From the memory; ``Refused`` if these are no settings of this firmware."""
        try:
            found = json.loads(kept)
            if set(found) != {field.name for field in fields(cls)}:
                raise Refused(f"settings in memory are of another firmware: {sorted(found)}")
            screens = tuple(Screen(screen) for screen in found["screens"])
            return cls(**found | {"pushed": Alarm(found["pushed"]), "screens": screens})
        except (ValueError, TypeError) as error:
            raise Refused(f"settings in memory cannot be read: {error}") from error


def default_settings(q3_l_h: float) -> Settings:
    """As a meter leaves the factory."""
    return Settings(burst_limit_l_h=BURST_OF_Q3 * q3_l_h)
