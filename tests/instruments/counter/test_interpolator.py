"""The counter with its interpolator: two boxes, one gate, over real sockets."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from meterbench.errors import BenchError, ConfigError, DeadlineExceeded, InstrumentError
from meterbench.instruments.counter.double_chronometry import GatedPulses
from meterbench.instruments.counter.keysight_53220a import (
    Keysight53220A,
    Keysight53220ASettings,
    open_keysight_53220a,
)
from meterbench.instruments.counter.keysight_53220a_sim import CounterWithInterpolatorSim
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock

SETTINGS = Keysight53220ASettings(interpolate=True)
DEADLINE_S = 0.3


class Bench:
    """Even pulses, a gate that opens and closes at set times of a virtual world, both boxes and the driver."""

    def __init__(self, loop_thread: LoopThread, rate_hz: float = 37.25, phase_s: float = 0.010, seed: int = 1) -> None:
        self.rate_hz, self.phase_s = rate_hz, phase_s
        self.now_s = 0.0
        self.edges: list[tuple[float, bool]] = []
        self.loop_thread = loop_thread
        self.faults = FaultPlan(seed=seed)
        self.sim = CounterWithInterpolatorSim(self.pulse_count, lambda: self.now_s, self.faults, "MY50000001")
        self.clock = VirtualClock(self.advance)
        address = loop_thread.run(self.sim.start())
        self.counter: Keysight53220A = open_keysight_53220a(Place("pulse_counter", address, self.clock), SETTINGS)

    def pulse_count(self, at_s: float) -> int:
        return max(0, math.floor((at_s - self.phase_s) * self.rate_hz) + 1)

    def advance(self, duration_s: float) -> bool:
        end_s = self.now_s + duration_s
        while self.now_s < end_s:
            step_s = min(0.5, end_s - self.now_s)
            self.loop_thread.call(lambda step_s=step_s: self._step(step_s))
        return False

    def _step(self, step_s: float) -> None:
        self.now_s += step_s
        while self.edges and self.edges[0][0] <= self.now_s:
            at_s, level = self.edges.pop(0)
            self.sim.on_gate(level, at_s)
        self.sim.sample()

    def gate(self, open_s: float, close_s: float) -> GatedPulses:
        """From ``open_s`` to ``close_s`` after now."""
        self.counter.arm()
        base_s = self.now_s
        self.edges += [(base_s + open_s, True), (base_s + close_s, False)]
        self.clock.sleep(open_s + 0.05)
        self.counter.prepare_closing()
        self.clock.sleep(base_s + close_s - self.clock.now_s() + 0.01)
        return self.counter.gated_pulses()

    def close(self) -> None:
        self.counter.close()
        self.loop_thread.run(self.sim.stop())


@pytest.fixture
def bench(loop_thread: LoopThread) -> Iterator[Bench]:
    bench = Bench(loop_thread)
    yield bench
    bench.close()


@pytest.mark.parametrize(("rate_hz", "gate_s"), [(0.434, 60.0), (37.25, 10.0), (694.4, 10.0)])
def test_fraction_of_a_pulse(loop_thread: LoopThread, rate_hz: float, gate_s: float) -> None:
    """At Q1 as at Q3: rate times gate to 1e-8, where the plain count is off by up to a pulse."""
    bench = Bench(loop_thread, rate_hz, phase_s=0.37 / rate_hz)
    try:
        seen = bench.gate(1.0, 1.0 + gate_s)
    finally:
        bench.close()
    assert seen.interpolated(gate_s) == pytest.approx(rate_hz * gate_s, rel=1e-8)
    assert abs(seen.count - rate_hz * gate_s) < 1.0


def test_vector_on_the_wire(loop_thread: LoopThread) -> None:
    """instruments.md 11.11, a gate that opens 1 s later than there: 372.500 of 373 whole pulses."""
    bench = Bench(loop_thread, phase_s=1.010)
    bench.pulse_count = lambda at_s: 0 if at_s < 1.010 else math.floor((at_s - 1.010) * 37.25) + 1  # type: ignore[method-assign]
    try:
        seen = bench.gate(1.0, 11.0)
    finally:
        bench.close()
    assert seen.count == 373
    assert seen.after_opening_s == pytest.approx(0.010, abs=1e-9)
    assert seen.interpolated(10.0) == pytest.approx(372.500, abs=1e-6)


def test_golden_exchange_of_the_interpolator(bench: Bench) -> None:
    """Every command to the second box, with its look into the error queue (User's Guide p. 103, 104, 75)."""
    transcript = bench.sim._servers[1].transcript
    first = len(transcript)
    bench.gate(1.0, 11.0)
    asked = [entry.line.decode() for entry in transcript[first:] if entry.direction == ">"]
    setup = [
        "ABOR",
        "*CLS",
        "CONF:TINT (@2),(@1)",
        "INP1:COUP DC",
        "INP1:IMP 1.0E6",
        "INP1:LEV:AUTO OFF",
        "INP1:LEV 1.5",
        "INP1:SLOP POS",
        "INP2:COUP DC",
        "INP2:IMP 1.0E6",
        "INP2:LEV:AUTO OFF",
        "INP2:LEV 1.5",
        "SYST:TIM 9.9E37",
        "*ESE 1",
    ]
    polled = [line for line in asked if not line.startswith("*STB?")]
    wanted = [
        *setup,
        "INP2:SLOP POS",
        "INIT;*OPC",
        "FETC?;:FETC?",
        *setup,
        "INP2:SLOP NEG",
        "INIT;*OPC",
        "FETC?;:FETC?",
    ]
    assert polled == [f"{command};:SYST:ERR?\n" for command in wanted]


def test_a_gate_whose_closing_was_not_prepared_has_no_fraction(bench: Bench) -> None:
    """An error, and never the plain count as if interpolated; the plain count itself is there."""
    bench.counter.arm()
    bench.edges += [(1.0, True), (11.0, False)]
    bench.clock.sleep(12.0)
    assert bench.counter.gated_count() == bench.pulse_count(11.0) - bench.pulse_count(1.0)
    with pytest.raises(InstrumentError, match="prepare_closing"):
        bench.counter.gated_pulses()


def test_a_gate_that_closed_meanwhile_is_refused(bench: Bench) -> None:
    """Set for an edge that has passed, the interpolator would time the next gate."""
    bench.counter.arm()
    bench.edges += [(1.0, True), (11.0, False)]
    bench.clock.sleep(12.0)
    with pytest.raises(InstrumentError, match="closed before"):
        bench.counter.prepare_closing()
    with pytest.raises(InstrumentError, match="prepare_closing"):
        bench.counter.gated_pulses()


def test_no_pulse_after_the_closing_is_a_deadline(bench: Bench) -> None:
    """The water was stopped too early; waited for on the clock, not for ever."""
    bench.counter.arm()
    bench.edges += [(1.0, True), (11.0, False)]
    bench.clock.sleep(1.1)
    bench.counter.prepare_closing()
    stopped = bench.pulse_count(11.0)
    bench.pulse_count = lambda at_s: min(stopped, math.floor((at_s - 0.01) * 37.25) + 1)  # type: ignore[method-assign]
    bench.sim.interpolator._pulse_count = bench.pulse_count
    bench.clock.sleep(11.0)
    with pytest.raises(DeadlineExceeded, match="no pulse within 10 s of the gate's closing"):
        bench.counter.gated_pulses()


def test_addresses_must_fit_the_setting(bench: Bench) -> None:
    """One box where two are wanted, and two where one is."""
    one = Place("pulse_counter", bench.sim._servers[0].address, bench.clock)
    two = Place("pulse_counter", " ".join([one.address] * 2), bench.clock)
    for place, settings in [(one, SETTINGS), (two, Keysight53220ASettings())]:
        with pytest.raises(ConfigError, match="pulse_counter: address"):
            open_keysight_53220a(place, settings)


def test_without_an_interpolator_the_times_are_not_a_number(bench: Bench) -> None:
    """The same method, a whole count."""
    counter = open_keysight_53220a(Place("pulse_counter", bench.sim._servers[0].address, bench.clock))
    counter.arm()
    counter.prepare_closing()
    bench.edges += [(1.0, True), (11.0, False)]
    bench.clock.sleep(12.0)
    seen = counter.gated_pulses()
    counter.close()
    assert seen.count == bench.pulse_count(11.0) - bench.pulse_count(1.0)
    assert not seen.timed


@pytest.mark.parametrize("kind", [FaultKind.GARBLE, FaultKind.SILENCE, FaultKind.CLOSE, FaultKind.REFUSE])
@pytest.mark.parametrize("seed", range(36))
def test_faults_never_give_a_wrong_fraction(loop_thread: LoopThread, seed: int, kind: FaultKind) -> None:
    """Anywhere in the sequence: the right fraction or a named error, and then a right one."""
    bench = Bench(loop_thread, seed=seed)
    for link in (bench.counter._link, bench.counter._interpolator):
        assert link is not None
        link._deadline_s = DEADLINE_S
    bench.faults.add(Fault(kind, after=(seed * 7) % 55))
    try:
        for _ in range(2):
            try:
                seen = bench.gate(1.0, 11.0)
            except BenchError as error:
                if "pulse_counter" not in str(error):
                    raise AssertionError(f"who? {error}") from error
                bench.clock.sleep(15.0)
            else:
                assert seen.interpolated(10.0) == pytest.approx(372.5, abs=1e-6)
        assert bench.gate(1.0, 11.0).interpolated(10.0) == pytest.approx(372.5, abs=1e-6)
    finally:
        bench.close()
