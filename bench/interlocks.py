"""What must hold while the bench works, and the latch that keeps the first thing that did not.

The bench stops earlier than the PLC has to (instruments.md 9). None of this is a safety function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Protocol

from meterbench.errors import BenchError, InterlockTripped
from meterbench.instruments.capabilities import ChamberStatus, ClimateChamber, RigState, RigStatus, Supply
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
FLOWING = frozenset({RigState.RUNNING, RigState.DIVERTING, RigState.DRAINING})
"""States with water in a line; the weighing tank drains beside it."""
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
PACE_PART = 0.05
PACE_S = 2.0
PACE_WALL_S = 0.5
"""The PLC's clock may differ from the station's by this part of a stretch and so many seconds, or what goes by in so
much wall time: a laboratory that is served faster than wall time shows steps of that length."""
PACE_FROM_S = 20.0
"""The shortest stretch that is compared."""
STANDING_S = 5.0
"""An uptime that stands for so long is that of a programme that does not run."""
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
            # Vital: a job that waits for its instrument must not go on either.
            self._job = self._clock.every(_LATCHED_PERIOD_S, self.check, vital=True)

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
        highest=1680.0,
        reason="the PLC trips at 1760 kPa, 1.1 times the meters' nominal pressure",
    ),
    Limit(
        lambda status: status.tank_temp_c,
        "in the tank",
        "°C",
        highest=65.0,
        reason="the PLC trips at 68 °C",
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

    def should_flow(self, at_s: float) -> bool:
        """A flow is asked for, and had the time to begin."""
        return bool(self.asked_l_h) and at_s >= self._asked_at_s + RAMP_S

    def cause(self, at_s: float, status: RigStatus, /) -> str:
        flow_l_h = sum(status.flow_l_h.values())
        flows = status.state in (RigState.RUNNING, RigState.DIVERTING) and status.pump_speed_percent > 0.0
        if not (flows and self.should_flow(at_s)) or flow_l_h >= DRY_PART * self.asked_l_h:
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


class Stopped:
    """A flow is asked for, and the PLC is in a state without one, though it names no alarm."""

    def __init__(self, dry_run: DryRun) -> None:
        self._dry_run = dry_run

    def cause(self, at_s: float, status: RigStatus, /) -> str:
        if status.state in FLOWING or not self._dry_run.should_flow(at_s):
            return ""
        return (
            f"rig: in state {status.state} where {self._dry_run.asked_l_h:g} L/h are asked for: it stopped by itself "
            "(a key switch, another program, a restart); what was running is void"
        )


class Pace:
    """The PLC's clock goes, and as fast as the station's: all that is measured rests on durations.

    For stations in wall time: a laboratory that is served at another speed, a machine too slow for it, an image that
    nobody renews, a PLC that restarted while nobody looked.
    """

    def __init__(self, speed: float) -> None:
        """``speed``: seconds of the station's clock in one of wall time."""
        self._slack_s = max(PACE_S, PACE_WALL_S * speed)
        self._standing_s = max(STANDING_S, 2.0 * PACE_WALL_S * speed)
        self._first: tuple[float, int] | None = None
        self._recent: tuple[float, int] = (0.0, 0)
        self._changed: tuple[float, int] = (0.0, 0)

    def cause(self, at_s: float, status: RigStatus, /) -> str:
        now = (at_s, status.uptime_s)
        if self._first is None:
            self._first = self._recent = self._changed = now
        if status.uptime_s != self._changed[1]:
            self._changed = now
        if at_s - self._changed[0] > self._standing_s:
            return (
                f"rig: its uptime stands at {status.uptime_s} s for {at_s - self._changed[0]:.1f} s: the PLC's "
                "programme does not run, and what it shows may be old"
            )
        for began_s, uptime_s in (self._first, self._recent):
            took_s, counted_s = at_s - began_s, status.uptime_s - uptime_s
            if took_s >= PACE_FROM_S and abs(counted_s - took_s) > PACE_PART * took_s + self._slack_s:
                return (
                    f"rig: the PLC's clock counted {counted_s} s where the station's counted {took_s:.1f} s: the "
                    "laboratory does not go at the bench's speed; no duration can be trusted"
                )
        if at_s - self._recent[0] >= PACE_FROM_S:
            self._recent = now
        return ""


class ChamberInterlock:
    """A climate chamber that reports an alarm, or is beyond what it is made for while it runs."""

    period_s = 5.0
    steady_period_s = 30.0
    """Between looks in steady stretches of virtual time."""

    def __init__(self, chamber: ClimateChamber) -> None:
        self.device = chamber.role
        self.seen: ChamberStatus | None = None
        """What the last look showed, for whoever keeps it."""
        self._chamber = chamber

    def cause(self) -> str:
        """Why not to go on; what the link raises comes out."""
        status = self.seen = self._chamber.status()
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


def rig_interlocks(dry_run: DryRun, speed: float | None = None) -> Sequence[Interlock]:
    """Everything that is looked at on the rig, the PLC's own opinion first; ``speed`` of a clock in wall time."""
    pace = () if speed is None else (Pace(speed),)
    return (Alarms(), Permissives(), *RIG_LIMITS, dry_run, Stopped(dry_run), *pace)


def lost(device: str, error: BenchError) -> str:
    """The cause when an instrument that acts does not answer any more."""
    return f"{error}; {device} acts on the world, and the bench cannot see it any more"


ACTING = frozenset(
    {
        "start_flow",
        "start_cycles",
        "hold_pressure",
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
