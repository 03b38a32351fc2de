"""The capabilities that procedures ask for, as small Protocols; drivers fulfil them, the bench binds them by role.

Every driver is opened by a function of a ``Place`` that ``instruments.drivers`` lists; it holds its link and the clock,
never the bench, a limit or a procedure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


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


@runtime_checkable
class Actor(Protocol):
    """An instrument that acts on the world: it has a safe state of its own."""

    def make_safe(self) -> None:
        """Output off, chamber idle, nothing driven. Safe to call twice.

        Returns when the instrument has confirmed it, or raises a ``BenchError``; a few seconds of wall time at most.
        """


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


@dataclass(frozen=True, slots=True)
class CyclePlan:
    """A discontinuous flow: rise, on, fall, off, again and again."""

    line: str
    flow_l_h: float
    rise_s: float
    on_s: float
    fall_s: float
    off_s: float
    cycles: int
    """The number of the last cycle."""
    first: int = 1
    """Number of the first one: more than 1 where a programme goes on."""

    @property
    def period_s(self) -> float:
        """One whole cycle."""
        return self.rise_s + self.on_s + self.fall_s + self.off_s


@dataclass(frozen=True, slots=True)
class CycleState:
    """Where the PLC's cycling programme is."""

    running: bool
    done: int
    """Number of the last whole cycle; 0 before the first."""
    oldest: int
    """Number of the oldest cycle that the log still holds; 0 if it is empty."""
    log_depth: int
    """How many cycles the log holds at the most."""


@dataclass(frozen=True, slots=True)
class CycleSummary:
    """One cycle as the PLC logged it, by the rig's own sensors."""

    number: int
    rise_s: float
    on_s: float
    fall_s: float
    off_s: float
    flow_l_h: float
    """Mean while it was on, ramps left out."""
    volume_l: float
    """Of the whole cycle, ramps included."""
    pressure_upstream_kpa: float
    pressure_downstream_kpa: float
    """Both while it was on."""
    water_temp_c: float


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

    def hold_pressure(self, pressure_kpa: float | None) -> None:
        """Hold this gauge pressure before the meters, at rest and while water flows; None: what the pump gives."""

    def start_pressure_test(self) -> None:
        """Close the line at both ends and watch the pressure decay (``RigStatus.leak_rate_kpa_min``)."""

    def end_pressure_test(self) -> None: ...

    def set_water_temp(self, water_temp_c: float) -> None: ...

    def start_cycles(self, plan: CyclePlan) -> None:
        """Let the PLC start and stop the flow by itself, from cycle ``plan.first`` on, until ``plan.cycles`` are done
        or ``stop_flow``. Its count and its log go on by themselves while nobody asks."""

    def cycle_state(self) -> CycleState:
        """How far the cycling has come."""

    def read_cycles(self, first: int, count: int) -> Sequence[CycleSummary]:
        """The summaries of cycles ``first`` to ``first + count - 1`` (from 1) out of the PLC's log;
        ``InstrumentError`` if one of them is not in it, or not any more."""

    def controlled_stop(self) -> None:
        """Ramp down, diverter to return, heater off, pump off: the safe state. Never refused; safe to call twice."""


@dataclass(frozen=True, slots=True)
class MasterReading:
    """One instant of a flow meter in the rig's line; NaN for what this kind of meter does not measure."""

    flow_l_h: float
    volume_l: float
    """Its totaliser, from a beginning of its own: only differences mean anything."""
    water_temp_c: float
    density_kg_m3: float


class MasterMeter(Instrument, Protocol):
    """A flow meter that sees the same water as the meters under test."""

    def read(self) -> MasterReading:
        """What it shows now, all of one instant; ``InstrumentError`` if it reports a fault or a clipped value."""


@dataclass(frozen=True, slots=True)
class ChamberStatus:
    """A climate chamber at one moment."""

    running: bool
    temp_c: float
    setpoint_c: float
    alarms: tuple[str, ...]
    """What it reports, in its own words; empty if all is well."""
    humidity_percent: float = math.nan
    """Relative; NaN for a chamber without humidity."""


class ClimateChamber(Actor, Instrument, Protocol):
    """Air around the meter at a temperature."""

    limits_c: tuple[float, float]
    """Lowest and highest set-point that the chamber takes, read from it."""

    def status(self) -> ChamberStatus: ...

    def start(self, temp_c: float, gradient_k_min: float | None = None, humidity_percent: float | None = None) -> None:
        """Go to ``temp_c``, no faster than ``gradient_k_min`` if given; running already: change the set-point.

        ``humidity_percent``: hold this relative humidity, too; None: leave the air as dry as it is.
        ``InstrumentError`` if it refuses (as a chamber without humidity does), or if an alarm is present; the
        set-points are read back.
        """


@dataclass(frozen=True, slots=True)
class SupplyReading:
    """Output of a power supply at one moment; current positive when it is drawn from the supply."""

    voltage_v: float
    current_ma: float


@dataclass(frozen=True, slots=True)
class SupplyStatus:
    """State of a power supply's output."""

    on: bool
    limiting: bool
    """It limits the current: the voltage is not what was set."""
    tripped: tuple[str, ...]
    """Protections that have switched the output off."""


class Supply(Actor, Instrument, Protocol):
    """A power supply that feeds one thing."""

    def set_output(self, voltage_v: float, current_limit_ma: float, resistance_ohm: float = 0.0) -> None:
        """Set-points, read back; the output stays on or off as it is. ``InstrumentError`` out of the box's range."""

    def switch_on(self) -> None: ...

    def switch_off(self) -> None: ...

    def status(self) -> SupplyStatus: ...

    def measure(self) -> SupplyReading:
        """What the output has now; ``InstrumentError`` for an overload of the range."""


@dataclass(frozen=True, slots=True)
class CurrentLog:
    """Voltage and current sampled at a fixed rate; arrays of the same length."""

    period_s: float
    voltage_v: NDArray[np.float64]
    current_ma: NDArray[np.float64]

    @property
    def charge_mah(self) -> float:
        """Charge over the whole log."""
        return float(self.current_ma.sum()) * self.period_s / 3600.0

    @property
    def mean_ma(self) -> float:
        """Charge over time."""
        return float(self.current_ma.mean())


class CurrentLogger(Supply, Protocol):
    """A supply that logs what it feeds, from microamperes to a transmission."""

    def log(self, duration_s: float) -> CurrentLog:
        """Record for ``duration_s`` of the clock, without a gap; ``InstrumentError`` if samples were lost."""


@dataclass(frozen=True, slots=True)
class BatteryModel:
    """A battery as a supply plays it: open-circuit voltage and resistance over its state of charge."""

    capacity_ah: float
    state_of_charge_percent: tuple[float, ...]
    """Rising, from 0 to 100."""
    open_circuit_v: tuple[float, ...]
    resistance_ohm: tuple[float, ...]


class BatteryEmulator(CurrentLogger, Protocol):
    """A supply that plays a battery."""

    def play_battery(self, model: BatteryModel, state_of_charge_percent: float, current_limit_ma: float) -> None:
        """Load the model and set the charge; the output is switched on by ``switch_on``."""

    def state_of_charge_percent(self) -> float:
        """What the played battery still holds."""


class ReferencePressure(Instrument, Protocol):
    """A pressure gauge of reference quality."""

    def pressure_kpa(self) -> float:
        """Gauge pressure; ``InstrumentError`` out of range or at a fault."""


class ResistanceSimulator(Actor, Instrument, Protocol):
    """Plays a resistance thermometer by real resistance. Safe state: its output is open."""

    def set_resistance_ohm(self, resistance_ohm: float) -> None:
        """Connect it; read back. ``InstrumentError`` out of range."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A trace of a spectrum analyser; arrays of the same length."""

    frequency_hz: NDArray[np.float64]
    level_dbm: NDArray[np.float64]


class SpectrumAnalyser(Instrument, Protocol):
    """Sees what is transmitted."""

    def sweep(self, centre_hz: float, span_hz: float, bandwidth_hz: float, hold_s: float = 0.0) -> Sweep:
        """One complete sweep, or the highest of those within ``hold_s`` seconds of the clock."""


class SpectrumPowerMeter(SpectrumAnalyser, Protocol):
    """An analyser that measures power in a channel itself."""

    def channel_power_dbm(self, centre_hz: float, channel_hz: float, hold_s: float = 0.0) -> float:
        """Power in ``channel_hz`` around ``centre_hz``."""

    def occupied_bandwidth_hz(self, centre_hz: float, span_hz: float, hold_s: float = 0.0) -> float:
        """Bandwidth that holds 99 % of the power."""


class BarcodeReader(Instrument, Protocol):
    """Reads nameplates."""

    def read_code(self, deadline_s: float) -> str:
        """The next code that is scanned, without prefix and ends; ``DeadlineExceeded`` if none is.

        What was scanned before the call, and the same code again within a second, does not count.
        """


@dataclass(frozen=True, slots=True)
class OperatorTask:
    """What a person is asked to do."""

    name: str
    """A short name without blanks: the key of scripted answers."""
    instruction: str
    choices: tuple[str, ...]
    """What may be answered; empty if free text is asked for."""
    deadline_s: float
    default: str | None = None
    """What counts as answered when nobody answers in time; None: that is an error."""
    details: Mapping[str, str | float] = field(default_factory=dict)
    """The same as the instruction, for panels and programs: which meter, which place, which level."""


@dataclass(frozen=True, slots=True)
class OperatorAnswer:
    """What the person answered, for the record."""

    answer: str
    who: str
    by_default: bool
    took_s: float


class Operator(Instrument, Protocol):
    """The person at the bench."""

    def ask(self, task: OperatorTask) -> OperatorAnswer:
        """Ask and wait; ``DeadlineExceeded`` if nobody answers and there is no default."""
