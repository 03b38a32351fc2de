"""The bench that procedures work with: regulate a flow, wait until it is steady, collect a volume, be safe."""

from __future__ import annotations

import atexit
import contextlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from meterbench.bench.certificate import CalibrationState, Certificate, complaint
from meterbench.bench.collection import Collected, Span, summarise
from meterbench.bench.corrections import Corrections
from meterbench.bench.cross_check import Allowances
from meterbench.bench.interlocks import ChamberInterlock, Guarded, Latch, SupplyInterlock
from meterbench.bench.process_values import Looking
from meterbench.bench.rig_watch import RigWatch, Sample
from meterbench.bench.safe_state import SafeAction, make_all_safe
from meterbench.bench.uncertainty import ReferenceData
from meterbench.bench.witnesses import WITNESSES, Sight, Witnesses
from meterbench.dut.meter import Nameplate
from meterbench.errors import (
    BenchError,
    CalibrationError,
    ConfigError,
    DeadlineExceeded,
    InstrumentError,
    InterlockTripped,
)
from meterbench.instruments.capabilities import (
    Balance,
    ClimateChamber,
    FlowRig,
    Instrument,
    Operator,
    PulseCounter,
    ReferencePressure,
    ResistanceThermometer,
    RigState,
    Supply,
)
from meterbench.instruments.place import Place
from meterbench.instruments.roles import REQUIRED
from meterbench.instruments.thermometer.pt100 import PlatinumProbe
from meterbench.world.clock import Clock

T = TypeVar("T")

LINE_LIMITS_L_H = (("A", 20.0), ("B", 600.0), ("C", 9000.0))
"""Each line regulates up to its limit (map of the rig)."""
WEIGHT_DEADLINE_S = 60.0
STEADY_WINDOW_S = 10.0
DRAIN_DEADLINE_S = 300.0
TANK_CAPACITY_L = 120.0
TANK_USE = 0.9
"""The bench fills the weighing tank to 90 % at most (instruments.md 9)."""
SETTLE_S = 5.0
"""For the falling water after the diverter went back."""
PROBE_PERIOD_S = 20.0
STEADY_PROBE_PERIOD_S = 60.0


@dataclass(frozen=True, slots=True)
class Standard:
    """An instrument as the record names it: who it is, and what its certificate is worth on the day of the run."""

    role: str
    driver: str
    address: str
    instrument: Instrument
    certificate: Certificate | None
    calibration: CalibrationState
    place: Place | None = None
    """Where it was really opened, which is another address than the file's in a simulated laboratory."""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tightness:
    """What the closed line did."""

    fall_kpa_min: float
    """Mean fall of its pressure."""
    pressure_kpa: float
    """Pressure in it at the beginning: without pressure nothing leaks."""


@dataclass(frozen=True, slots=True)
class Air:
    """The laboratory's air as entered in the station file."""

    pressure_hpa: float
    humidity_percent: float


class Bench:
    """A station that is open: its instruments by role, its batch, and what can be done with them."""

    def __init__(
        self,
        clock: Clock,
        standards: Sequence[Standard],
        batch: Sequence[Nameplate],
        probe: PlatinumProbe,
        reference: ReferenceData,
        air: Air,
        allowances: Allowances | None = None,
        chamber_probe: PlatinumProbe | None = None,
        assumed: Sequence[str] = (),
        certified_software: str = "",
    ) -> None:
        """``certified_software``: identifier and checksum in the type's documents. ``assumed``: what is known of the
        rig and its air by default only, by its keys in the station file."""
        self.clock = clock
        self.standards = tuple(standards)
        self.batch = tuple(batch)
        self.reference = reference
        self.air = air
        self.assumed = tuple(assumed)
        self.certified_software = certified_software
        by_role: dict[str, list[Instrument]] = {}
        for standard in standards:
            by_role.setdefault(standard.role, []).append(standard.instrument)
        self._unguarded = by_role
        self.latch = Latch(clock)
        self.instruments: Mapping[str, Sequence[Instrument]] = {
            role: [cast(Instrument, Guarded(each, self.latch)) for each in of_role] for role, of_role in by_role.items()
        }
        """By role; where there is one a slot, in order of the slots. Once the bench tripped, they refuse to act."""
        self.rig = cast(FlowRig, self.instruments["rig"][0])
        self.balance = cast(Balance, by_role["balance"][0])
        self.thermometer = cast(ResistanceThermometer, by_role["thermometer"][0])
        self.counters = cast(Sequence[PulseCounter], by_role["counter"][: len(batch)])
        self.watch = RigWatch(cast(FlowRig, by_role["rig"][0]), clock, self.latch, _others_that_act(by_role))
        self._looking = Looking(by_role, clock)
        self._had_control = False
        """Once the PLC was told so, the heartbeat that it hears may be our own."""
        self._probe = probe
        self._chamber_probe = chamber_probe
        self.allowances = allowances or Allowances()
        """What instruments that see the same thing may differ by beyond their certificates."""
        self._witnesses = Witnesses(self.instruments, self.certificate, self.allowances, chamber_probe)
        self._threads = ThreadPoolExecutor(max(len(self.counters), 1), "slot")

    def certificate(self, role: str) -> Certificate | None:
        """The certificate of a role; None without one, as for a role that this station does not have."""
        return next((standard.certificate for standard in self.standards if standard.role == role), None)

    def uncalibrated(self, roles: Collection[str] = REQUIRED) -> list[str]:
        """Why no result that rests on ``roles`` can be PASS today, one sentence a role; empty if all is in order."""
        today = self.clock.utc().date()  # a certificate may run out while a run goes on
        complaints = (complaint(role, self.certificate(role), today) for role in roles)
        return [sentence for sentence in complaints if sentence]

    def doubts(self) -> list[str]:
        """What a laboratory should mend though results may be PASS, one sentence each: defaults that nobody measured,
        and instruments that should watch others and have no valid certificate.
        """
        found = []
        if self.assumed:
            found.append(
                f"the station file does not say {', '.join(self.assumed)}: a default counts, measured by nobody"
            )
        for role in WITNESSES:
            sentence = (
                complaint(role, self.certificate(role), self.clock.utc().date()) if role in self._unguarded else ""
            )
            if sentence:
                silent = self.certificate(role) is None
                found.append(f"{sentence}: " + ("it does not witness" if silent else "it may only take a PASS away"))
        return found

    # Getting ready.

    def take_control(self, *, resetting: bool = False) -> None:
        """Take the rig into remote control, start beating and look at every interlock.

        ``InterlockTripped`` if alarms are latched already: a person clears them, who asks by ``resetting``; or if
        somebody else beats: the PLC would not notice the death of one of two.
        """
        self.latch.check()
        rig = cast(FlowRig, self._unguarded["rig"][0])  # what it refuses before it is under control is no trip
        before = rig.status()
        if before.alarms and not resetting:
            raise InterlockTripped(
                f"rig: {', '.join(sorted(before.alarms))} latched before the bench took control; remove the cause, "
                "then `meterbench clear`"
            )
        if "pc_alive" not in before.missing_permissives and not self._had_control:
            raise InterlockTripped(
                "rig: its PLC hears the heartbeat of another program (permissive pc_alive) before the bench took "
                "control: stop that program; one that was killed is forgotten after 3 s"
            )
        self._had_control = True
        atexit.register(self.make_safe)
        rig.request_remote()
        self.watch.start()
        self._looking.start(self.watch.sink)

    def test_tightness(self) -> Tightness:
        """Close the line at both ends under pressure and watch it for half a minute."""
        self.rig.start_pressure_test()
        self.clock.sleep(5.0)
        start_s = self.clock.now_s()
        self.clock.sleep(30.0)
        seen = [sample.status for sample in self.watch.since(start_s)]
        self.rig.end_pressure_test()
        if any(status.state is not RigState.PRESSURE_TEST for status in seen):
            raise InstrumentError("rig: it left its pressure test before the half minute was over")
        return Tightness(Span.of([status.leak_rate_kpa_min for status in seen]).mean, seen[0].pressure_upstream_kpa)

    # Flow.

    def line_for(self, flow_l_h: float) -> str:
        """The smallest line that carries ``flow_l_h``; ``InstrumentError`` if none does."""
        line = next((name for name, limit in LINE_LIMITS_L_H if flow_l_h <= limit), None)
        if line is None or not flow_l_h > 0.0:
            raise InstrumentError(
                f"rig: {flow_l_h:g} L/h asked for; it regulates above 0 to {LINE_LIMITS_L_H[-1][1]:g} L/h"
            )
        return line

    def start_flow(self, flow_l_h: float) -> str:
        """Regulate ``flow_l_h``, in five seconds from nothing; the line that carries it."""
        line = self.line_for(flow_l_h)
        self.rig.start_flow(line, flow_l_h, ramp_l_h_s=flow_l_h / 5.0)
        self.watch.ask_flow(flow_l_h)
        return line

    def follow_flow(self, line: str, flow_l_h: float) -> None:
        """Go to ``flow_l_h`` in ``line`` as fast as the rig can."""
        self.rig.start_flow(line, flow_l_h, ramp_l_h_s=LINE_LIMITS_L_H[-1][1])
        self.watch.ask_flow(flow_l_h)

    def wait_until_steady(self, line: str, flow_l_h: float, within: float, deadline_s: float) -> bool:
        """Wait until the flow has been within ``within`` (relative) of ``flow_l_h`` for some time.

        False if it was not by the deadline: the collection's own conditions will tell. ``DeadlineExceeded`` if there is
        not even half the flow.
        """
        end_s = self.clock.now_s() + deadline_s
        start_s = self.clock.now_s()
        pause_s = STEADY_WINDOW_S  # nothing can be said before
        while self.clock.now_s() < end_s:
            self.clock.sleep(pause_s)
            pause_s = 2.0
            since_s = self.clock.now_s() - STEADY_WINDOW_S
            flows = [sample.status.flow_l_h[line] for sample in self.watch.since(since_s)]
            if since_s < start_s or not flows:
                continue
            seen = Span.of(flows)
            if abs(seen.mean / flow_l_h - 1.0) <= within / 2.0 and _deviation(seen) <= within:
                return True
        if seen.mean < flow_l_h / 2.0:
            raise DeadlineExceeded(
                f"rig: asked for {flow_l_h:g} L/h in line {line}, after {deadline_s:g} s it is {seen.mean:.4g} L/h; "
                "is the supply pressure high enough for these meters?"
            )
        return False

    def stop_flow(self) -> None:
        """No flow."""
        self.watch.ask_flow(0.0)
        self.rig.stop_flow()

    # Volumes.

    def make_room(self, volume_l: float) -> None:
        """Drain the weighing tank unless ``volume_l`` still fits; ``InstrumentError`` if it never would."""
        if volume_l > TANK_USE * TANK_CAPACITY_L:
            raise InstrumentError(
                f"rig: {volume_l:.1f} L would not fit into the weighing tank: it takes {TANK_USE * TANK_CAPACITY_L:g} L"
            )
        level_l = self.watch.look().weigh_tank_level_percent / 100.0 * TANK_CAPACITY_L
        if level_l + volume_l <= TANK_USE * TANK_CAPACITY_L:
            return
        self.rig.drain_weigh_tank()
        end_s = self.clock.now_s() + DRAIN_DEADLINE_S
        while self.watch.look().state is RigState.DRAINING:
            if self.clock.now_s() > end_s:
                raise DeadlineExceeded(
                    f"rig: the weighing tank did not drain within {DRAIN_DEADLINE_S:g} s; is it blocked?"
                )
            self.clock.sleep(5.0)

    @contextlib.contextmanager
    def collecting(self, line: str, *, flying: bool = False) -> Iterator[list[Collected]]:
        """Send the water into the weighing tank for the length of the block; afterwards the list holds what came.

        Weigh, arm the counters, divert (the switch gates the counters), ..., divert back, let it settle, weigh, read.
        ``flying``: water runs before and after the block; otherwise it stands still then.
        """
        outcome: list[Collected] = []
        mass_start_g = self.balance.weigh_stable_g(WEIGHT_DEADLINE_S)
        self._in_all_slots(lambda counter: counter.arm())
        self.watch.forget()
        temps_c = [self._shown_temp_c()]
        sights = [self._sight()]
        probing = self.clock.every(
            PROBE_PERIOD_S, lambda: temps_c.append(self._shown_temp_c()), steady_period_s=STEADY_PROBE_PERIOD_S
        )
        witnessing = self.clock.every(
            PROBE_PERIOD_S, lambda: sights.append(self._sight()), steady_period_s=STEADY_PROBE_PERIOD_S
        )
        start_s = self.clock.now_s()
        try:
            self.rig.divert_to_tank()
            yield outcome
            samples = self._samples_between(start_s, self.clock.now_s())
        finally:
            probing.cancel()
            witnessing.cancel()
        self.rig.divert_to_return()
        if flying:
            sights.append(self._sight())
        temps_c.append(self._shown_temp_c())
        self.clock.sleep(SETTLE_S)
        mass_end_g = self.balance.weigh_stable_g(WEIGHT_DEADLINE_S)
        collected = summarise(
            line,
            (mass_start_g, mass_end_g),
            self.rig.last_gate(),
            self._in_all_slots(_read_count),
            temps_c,
            samples,
            Corrections(self.certificate),
        )
        if not flying:
            sights.append(self._sight())  # a flow meter has counted all that ran only when it has settled
        outcome.append(self._witnesses.compare(collected, sights, temps_c, samples, steady=flying))

    def collect(self, line: str, duration_s: float, during: Callable[[], None] | None = None) -> Collected:
        """Collect what flows for ``duration_s`` seconds (flying start and finish), or longer if ``during`` takes
        longer: what is done meanwhile."""
        with self.collecting(line, flying=True) as outcome:
            end_s = self.clock.now_s() + duration_s
            if during is not None:
                during()
            self.clock.sleep(max(0.0, end_s - self.clock.now_s()))
        return outcome[0]

    def _sight(self) -> Sight:
        return self._witnesses.look(self.clock.run_vital_jobs)

    def _shown_temp_c(self) -> float:
        """The platinum probe in the line by its own coefficients, before the certificate corrects it."""
        return self._probe.temp_c(self.thermometer.resistance_ohm())

    def _samples_between(self, start_s: float, end_s: float) -> Sequence[Sample]:
        self.watch.look()
        # The diverter needs a moment after the command, and the first sample may be older than the jet's motion.
        inside = [sample for sample in self.watch.since(start_s) if sample.at_s <= end_s]
        if not inside:
            raise InstrumentError("rig: not one sample of the flow was taken while collecting")
        return inside

    def _in_all_slots(self, do: Callable[[PulseCounter], T]) -> list[T]:
        return list(self._threads.map(do, self.counters))

    # The end.

    def make_safe(self) -> list[SafeAction]:
        """Bring everything that acts to its safe state, whatever happened: what was done, in order, with complaints.

        Every part is tried and has its own time limit; safe to call twice.
        """
        self.watch.stop()
        self._looking.stop()
        self.latch.disarm()
        self.watch.ask_flow(0.0)
        try:
            return make_all_safe(self._unguarded, self.clock)
        finally:
            self.latch.arm()

    # What only some stations have.

    @property
    def chamber(self) -> ClimateChamber:
        """``ConfigError`` where the station has none."""
        return cast(ClimateChamber, self._the("chamber"))

    def air_temp_c(self) -> float:
        """The air around the meters now, by the probe in the chamber, corrected by its certificate; NaN where the
        certificate says nothing. ``ConfigError`` where the station has no such probe."""
        thermometer = cast(ResistanceThermometer, self._the("chamber_probe"))
        certificate = self.certificate("chamber_probe")
        if certificate is None or self._chamber_probe is None:
            return math.nan
        try:
            return certificate.corrected(self._chamber_probe.temp_c(thermometer.resistance_ohm()))
        except CalibrationError:
            return math.nan

    @property
    def operator(self) -> Operator:
        """``ConfigError`` where the station has none."""
        return cast(Operator, self._the("operator"))

    @property
    def pressure_gauge(self) -> ReferencePressure:
        """``ConfigError`` where the station has none."""
        return cast(ReferencePressure, self._the("pressure"))

    def supply(self, slot: int) -> Supply:
        """What feeds the meter in ``slot`` (from 1); ``ConfigError`` where the station has none there."""
        supplies = self.instruments.get("supply", ())
        if slot > len(supplies):
            raise ConfigError(f"slot {slot} has no supply at this station: name one in [instruments.supply]")
        return cast(Supply, supplies[slot - 1])

    def has(self, role: str) -> bool:
        """True if the station has an instrument in this role."""
        return bool(self.instruments.get(role))

    def _the(self, role: str) -> Instrument:
        found = self.instruments.get(role)
        if not found:
            raise ConfigError(f"this station has no {role}: name one in [instruments.{role}]")
        return found[0]

    def close(self) -> None:
        """Close every instrument; safe to call twice."""
        atexit.unregister(self.make_safe)
        self._threads.shutdown(cancel_futures=True)
        for standard in self.standards:
            with contextlib.suppress(BenchError):
                standard.instrument.close()


def _others_that_act(by_role: Mapping[str, Sequence[Instrument]]) -> list[ChamberInterlock | SupplyInterlock]:
    """What is watched beside the rig: what acts, and can say how it is."""
    chambers = [ChamberInterlock(cast(ClimateChamber, each)) for each in by_role.get("chamber", ())]
    supplies = [
        SupplyInterlock(cast(Supply, each)) for role in ("supply", "aux_supply") for each in by_role.get(role, ())
    ]
    return [*chambers, *supplies]


def _read_count(counter: PulseCounter) -> int:
    if not counter.gate_closed():
        raise InstrumentError(
            f"{counter.role}: the diverter went back, but its gate is still open; check the gate's cable"
        )
    return counter.gated_count()


def _deviation(seen: Span) -> float:
    """Largest relative deviation from the mean."""
    if seen.mean <= 0.0:
        return math.inf
    return max(seen.highest / seen.mean - 1.0, 1.0 - seen.lowest / seen.mean)
