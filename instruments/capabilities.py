"""The capabilities that procedures ask for, as small Protocols; drivers fulfil them, the bench binds them by role.

Every driver is made by ``open_<driver>(options, clock)``-like functions listed in ``instruments.drivers``; it holds its
link and the clock, never the bench, a limit or a procedure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """What an instrument says of itself, as it says it."""

    manufacturer: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question on the wire and what came back; kept for error messages (the last 20) and golden tests."""

    sent: bytes
    received: bytes
    duration_s: float
    fault: str = ""


class Instrument(Protocol):
    """What every driver can do."""

    role: str
    identity: Identity
    """Read from the instrument while it was opened."""

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""

    def close(self) -> None:
        """Release the link; safe to call twice."""


class Balance(Instrument, Protocol):
    """A weighing instrument with one pan."""

    readability_g: float
    """The step of its last stable reading in grams; NaN before the first."""

    def weigh_stable_g(self, deadline_s: float) -> float:
        """The stable reading in grams (mass in air against steel weights, no buoyancy correction).

        Polls until the balance itself calls its reading stable; ``DeadlineExceeded`` after ``deadline_s`` on the clock.
        """


class PulseCounter(Instrument, Protocol):
    """Counts a meter's test pulses while the rig's gate (the diverter's switch) is open, in hardware."""

    def arm(self) -> None:
        """Get ready: clear the count and wait for the gate."""

    def gate_closed(self) -> bool:
        """True once the gate has opened and closed again since ``arm``."""

    def gated_count(self) -> int:
        """Pulses between the gate's opening and closing; ``InstrumentError`` if there was no complete gate."""


class ResistanceThermometer(Instrument, Protocol):
    """A four-wire resistance measurement of a platinum probe; the bench converts to degC by the probe's certificate."""

    def resistance_ohm(self) -> float:
        """Mean four-wire resistance of the probe in ohm."""


class RigState(StrEnum):
    """The PLC's state (register 5); the numbers are in ``instruments.rig.plc_map``."""

    BOOT = "BOOT"
    SAFE = "SAFE"
    IDLE = "IDLE"
    FILLING = "FILLING"
    PURGING = "PURGING"
    READY = "READY"
    RUNNING = "RUNNING"
    DIVERTING = "DIVERTING"
    DRAINING = "DRAINING"
    PRESSURE_TEST = "PRESSURE_TEST"
    FAULT = "FAULT"
    ESTOP = "ESTOP"


@dataclass(frozen=True, slots=True)
class RigStatus:
    """One coherent read of the rig: identity of life, alarms, permissives and process values."""

    state: RigState
    uptime_s: int
    alarms: frozenset[str]
    """Latched alarms by name, both alarm words; those of word 2 (warnings) are in ``warnings`` instead."""
    warnings: frozenset[str]
    missing_permissives: frozenset[str]
    """Interlocks whose bit is 0."""
    flow_l_h: dict[str, float]
    """Each line's own flow meter, keys A, B, C."""
    pressure_upstream_kpa: float
    pressure_downstream_kpa: float
    meters_dp_kpa: float
    pump_speed_percent: float
    water_temp_upstream_c: float
    water_temp_downstream_c: float
    tank_temp_c: float
    weigh_tank_level_percent: float
    ambient_temp_c: float
    leak_rate_kpa_min: float
    valve_position_percent: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateTiming:
    """The last interval in which the diverter sent the water into the weighing tank."""

    duration_s: float
    travel_on_s: float
    travel_off_s: float


class FlowRig(Instrument, Protocol):
    """The flow rig as its PLC offers it. Every command is checked against the interlocks, acknowledged, and refused
    with a named error; ``InterlockTripped`` when an alarm is latched or a permissive missing.
    """

    def status(self) -> RigStatus: ...

    def beat(self) -> None:
        """Tell the PLC that the bench is alive; without it the PLC goes to SAFE after 3 s."""

    def request_remote(self) -> None:
        """Take control, reset to IDLE."""

    def start_flow(self, line: str, flow_l_h: float, ramp_l_h_s: float) -> None:
        """Regulate ``flow_l_h`` in line ``A``, ``B`` or ``C`` (already running: change the set-point)."""

    def stop_flow(self) -> None: ...

    def divert_to_tank(self) -> None: ...

    def divert_to_return(self) -> None: ...

    def last_gate(self) -> GateTiming: ...

    def drain_weigh_tank(self) -> None: ...

    def start_pressure_test(self) -> None:
        """Close the line at both ends and watch the pressure decay (``RigStatus.leak_rate_kpa_min``)."""

    def end_pressure_test(self) -> None: ...

    def set_water_temp(self, water_temp_c: float) -> None: ...

    def controlled_stop(self) -> None:
        """Ramp down, diverter to return, heater off, pump off: the safe state. Never refused; safe to call twice."""
