"""What must hold while the bench works, and the latch that keeps the first thing that did not.

The bench stops earlier than the PLC has to (instruments.md 9). None of this is a safety function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Protocol

from meterbench.errors import BenchError, InterlockTripped
from meterbench.instruments.capabilities import ClimateChamber, RigState, RigStatus, Supply
from meterbench.world.clock import Clock, Job

MOVING = frozenset(
    {
        RigState.FILLING,
        RigState.PURGING,
        RigState.RUNNING,
        RigState.DIVERTING,
        RigState.DRAINING,
        RigState.PRESSURE_TEST,
    }
)
"""States in which water moves, or stands under pressure."""
NOT_NEEDED_IN_MOTION = frozenset({"weigh_tank_empty"})
"""A second collection may go on top of the first."""
DRY_S = 5.0
"""Pump on and no flow for so long is a dry run (instruments.md 9)."""
RAMP_S = 5.0
"""A flow that is asked for may take so long to begin."""
DRY_PART = 0.02
"""No flow: less than this part of what is asked for."""
CHAMBER_MARGIN_K = 5.0
"""A chamber overshoots the ends of its range by a little; more is a limiter that failed."""
LIMITING_LOOKS = 2
"""One look may fall into the inrush of what is fed; the second one sees a fault."""
_LATCHED_PERIOD_S = 1e-6
"""Once tripped, the latch is due in every wait, however short."""


@dataclass(frozen=True, slots=True)
class Trip:
    """The first thing that did not hold."""

    cause: str
    """A sentence with the reading."""
    at_s: float
    """By the station's clock."""
    utc: str


class Latch:
    """Holds the first cause: from then on every wait on the clock and every command raises it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._job: Job | None = None
        self.first: Trip | None = None

    def trip(self, cause: str) -> None:
        """Latch ``cause`` unless something is latched already; raise ``InterlockTripped`` with the first one."""
        if self.first is None:
            self.first = Trip(cause, self._clock.now_s(), self._clock.utc().isoformat(timespec="milliseconds"))
            self.arm()
        self.check()

    def check(self) -> None:
        """Raise ``InterlockTripped`` with the first cause, if there is one."""
        if self.first is not None:
            raise InterlockTripped(self.first.cause)

    def arm(self) -> None:
        """Let every wait raise the first cause, if there is one."""
        if self.first is not None and self._job is None:
            self._job = self._clock.every(_LATCHED_PERIOD_S, self.check)

    def disarm(self) -> None:
        """Let a clean-up wait; what is latched stays latched, and commands stay refused."""
        if self._job is not None:
            self._job.cancel()
            self._job = None


class Interlock(Protocol):
    """One thing that must hold on the rig."""

    def cause(self, at_s: float, status: RigStatus, /) -> str:
        """Why not to go on, with the reading; empty if all is well."""


class Alarms:
    """The PLC tripped."""

    def cause(self, _at_s: float, status: RigStatus, /) -> str:
        if not status.alarms and status.state not in (RigState.FAULT, RigState.ESTOP):
            return ""
        names = ", ".join(sorted(status.alarms)) or status.state.value
        return f"rig: tripped by {names} while in use; what was running is void"


class Permissives:
    """The PLC's live permissives, while water moves."""

    def cause(self, _at_s: float, status: RigStatus, /) -> str:
        missing = status.missing_permissives - NOT_NEEDED_IN_MOTION
        if not missing or status.state not in MOVING:
            return ""
        return f"rig: {', '.join(sorted(missing))} no longer given in state {status.state}; what was running is void"


@dataclass(frozen=True, slots=True)
class Limit:
    """A reading that must stay on one side of a number; a reading that is no number is on neither."""

    reading: Callable[[RigStatus], float]
    what: str
    unit: str
    highest: float | None = None
    lowest: float | None = None
    only_in: frozenset[RigState] | None = None
    reason: str = ""

    def cause(self, _at_s: float, status: RigStatus, /) -> str:
        if self.only_in is not None and status.state not in self.only_in:
            return ""
        reading = self.reading(status)
        if self.highest is not None and not reading <= self.highest:
            return self._sentence(reading, "above", self.highest)
        if self.lowest is not None and not reading >= self.lowest:
            return self._sentence(reading, "below", self.lowest)
        return ""

    def _sentence(self, reading: float, side: str, limit: float) -> str:
        return (
            f"rig: {reading:.4g} {self.unit} {self.what}; the bench stops {side} {limit:g} {self.unit} ({self.reason})"
        )


RIG_LIMITS = (
    Limit(
        lambda status: status.pressure_upstream_kpa,
        "before the meters",
        "kPa",
        highest=1550.0,
        reason="the PLC trips at 1760 kPa, 1.1 times the meters' nominal pressure",
    ),
    Limit(
        lambda status: status.tank_temp_c,
        "in the tank",
        "°C",
        highest=52.0,
        reason="the PLC trips at 55 °C",
    ),
    Limit(
        lambda status: min(status.tank_temp_c, status.water_temp_upstream_c),
        "of the water",
        "°C",
        lowest=3.0,
        reason="freezing water bursts meters; the PLC trips at 2 °C",
    ),
    Limit(
        lambda status: status.weigh_tank_level_percent,
        "of the weighing tank filled",
        "%",
        highest=90.0,
        only_in=frozenset({RigState.DIVERTING}),
        reason="its level switch is at 95 %",
    ),
)
"""Soft limits, each before the PLC's own (instruments.md 9)."""


class DryRun:
    """The pump runs, a flow is asked for, and none comes."""

    def __init__(self) -> None:
        self.asked_l_h = 0.0
        """What the bench asked for; 0: nothing."""
        self._asked_at_s = 0.0
        self._dry_since_s: float | None = None

    def ask(self, at_s: float, flow_l_h: float) -> None:
        """From now on ``flow_l_h`` is asked for; 0: none."""
        if not self.asked_l_h:
            self._asked_at_s = at_s
        self.asked_l_h = flow_l_h

    def cause(self, at_s: float, status: RigStatus, /) -> str:
        flow_l_h = sum(status.flow_l_h.values())
        flows = status.state in (RigState.RUNNING, RigState.DIVERTING) and status.pump_speed_percent > 0.0
        begun = at_s >= self._asked_at_s + RAMP_S
        if not (self.asked_l_h and flows and begun) or flow_l_h >= DRY_PART * self.asked_l_h:
            self._dry_since_s = None
            return ""
        if self._dry_since_s is None:
            self._dry_since_s = at_s
        if at_s - self._dry_since_s < DRY_S:
            return ""
        return (
            f"rig: pump at {status.pump_speed_percent:.0f} % and {flow_l_h:.3g} L/h for {DRY_S:g} s where "
            f"{self.asked_l_h:g} L/h are asked for: it runs dry, or a valve is shut"
        )


class ChamberInterlock:
    """A climate chamber that reports an alarm, or is beyond what it is made for while it runs."""

    period_s = 5.0
    steady_period_s = 30.0
    """Between looks in steady stretches of virtual time."""

    def __init__(self, chamber: ClimateChamber) -> None:
        self.device = chamber.role
        self._chamber = chamber

    def cause(self) -> str:
        """Why not to go on; what the link raises comes out."""
        status = self._chamber.status()
        if status.alarms:
            return f"{self.device}: it reports {', '.join(status.alarms)} at {status.temp_c:.1f} °C"
        lowest_c, highest_c = self._chamber.limits_c
        if status.running and not lowest_c - CHAMBER_MARGIN_K <= status.temp_c <= highest_c + CHAMBER_MARGIN_K:
            return (
                f"{self.device}: {status.temp_c:.1f} °C with {status.setpoint_c:.1f} °C asked for; it is made for "
                f"{lowest_c:g} to {highest_c:g} °C"
            )
        return ""


class SupplyInterlock:
    """A power supply whose protection tripped, or which limits the current of what it feeds."""

    period_s = 2.0
    steady_period_s = 30.0
    """Between looks in steady stretches of virtual time."""

    def __init__(self, supply: Supply) -> None:
        self.device = supply.role
        self._supply = supply
        self._limiting = 0

    def cause(self) -> str:
        """Why not to go on; what the link raises comes out."""
        status = self._supply.status()
        if status.tripped:
            return f"{self.device}: its protection tripped: {', '.join(status.tripped)}"
        self._limiting = self._limiting + 1 if status.on and status.limiting else 0
        if self._limiting >= LIMITING_LOOKS:
            return f"{self.device}: it limits the current: what it feeds draws more than it may"
        return ""


def rig_interlocks(dry_run: DryRun) -> Sequence[Interlock]:
    """Everything that is looked at on the rig, the PLC's own opinion first."""
    return (Alarms(), Permissives(), *RIG_LIMITS, dry_run)


def lost(device: str, error: BenchError) -> str:
    """The cause when an instrument that acts does not answer any more."""
    return f"{error}; {device} acts on the world, and the bench cannot see it any more"


ACTING = frozenset(
    {
        "start_flow",
        "divert_to_tank",
        "drain_weigh_tank",
        "start_pressure_test",
        "set_water_temp",
        "start",
        "set_output",
        "switch_on",
        "play_battery",
        "set_resistance_ohm",
    }
)
"""Commands that are refused once something is latched. What reads, and what leads towards the safe state, is not."""


class Guarded:
    """An instrument as procedures get it: its acting commands ask the latch first, and what it finds tripped is."""

    def __init__(self, instrument: object, latch: Latch) -> None:
        self._instrument = instrument
        self._latch = latch

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self._instrument, name)
        if not callable(attribute):
            return attribute

        @wraps(attribute)
        def guarded(*positional: object, **named: object) -> object:
            if name in ACTING:
                self._latch.check()
            try:
                return attribute(*positional, **named)
            except InterlockTripped as error:
                self._latch.trip(str(error))
                raise

        return guarded
