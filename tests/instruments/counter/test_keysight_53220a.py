"""The counter under the rig's gate: wire, physics and faults over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from meterbench.errors import BenchError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import PulseCounter
from meterbench.instruments.counter.keysight_53220a import Keysight53220A, open_keysight_53220a
from meterbench.instruments.counter.keysight_53220a_sim import Keysight53220ASim
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.world.clock import WallClock

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi

DEADLINE_S = 0.3
PULSES_HZ = 37.25


def pulse_count(at_s: float) -> int:
    """Pulses at 0.010 + k / 37.25 s (instruments.md 11.11)."""
    return 0 if at_s < 0.010 else int((at_s - 0.010) * PULSES_HZ) + 1


class Bench:
    """The plant's pulses and gate, the box, and the driver."""

    def __init__(self, serve_scpi: ServeScpi, loop_thread: LoopThread, seed: int = 1) -> None:
        self.faults = FaultPlan(seed=seed)
        self.sim = Keysight53220ASim(pulse_count)
        self.server = serve_scpi(self.sim.scpi, self.faults)
        self.loop_thread = loop_thread
        self.counter: Keysight53220A = open_keysight_53220a(Place("pulse_counter", self.server.address, WallClock()))

    def hurry(self) -> None:
        """A short deadline, for tests that wait for it."""
        self.counter._link._deadline_s = DEADLINE_S

    def gate(self, level: bool, at_s: float) -> None:
        self.loop_thread.call(lambda: self.sim.on_gate(level, at_s))

    def open_and_close_gate(self) -> None:
        self.gate(True, 0.0)
        self.gate(False, 10.0)

    def count_a_gate(self) -> int:
        self.counter.arm()
        self.open_and_close_gate()
        return self.counter.gated_count()


@pytest.fixture
def bench(serve_scpi: ServeScpi, loop_thread: LoopThread) -> Iterator[Bench]:
    bench = Bench(serve_scpi, loop_thread)
    yield bench
    bench.counter.close()


def test_golden_exchange_of_a_gate(bench: Bench) -> None:
    """Every byte of arming, polling and fetching, each with its look into the error queue (User's Guide p. 75, 87, 108,
    178)."""
    first = len(bench.server.transcript)
    bench.counter.arm()
    assert not bench.counter.gate_closed()
    bench.open_and_close_gate()
    assert bench.counter.gated_count() == 373
    lines = [entry.line.decode() for entry in bench.server.transcript[first:]]
    commands = [
        "ABOR",
        "*CLS",
        "CONF:TOT:TIM INF,(@1)",
        "SENS:TOT:GATE:SOUR EXT",
        "SENS:TOT:GATE:POL POS",
        "INP1:COUP DC",
        "INP1:IMP 1.0E6",
        "INP1:LEV:AUTO OFF",
        "INP1:LEV 1.5",
        "INP1:SLOP POS",
        "SYST:TIM 9.9E37",
        "*ESE 1",
        "INIT;*OPC",
        "*STB?",
        "*STB?",
        "FETC?;:FETC?",
    ]
    answers = [""] * 13 + ["0;", "32;", "+3.73000000000000E+002;" * 2]
    assert lines[::2] == [f"{command};:SYST:ERR?\n" for command in commands]
    assert lines[1::2] == [f'{answer}0,"No error"\n' for answer in answers]


def test_it_is_a_pulse_counter(bench: Bench) -> None:
    """With role, identity and trace."""
    counter: PulseCounter = bench.counter
    assert (counter.role, counter.identity.model) == ("pulse_counter", "53220A")
    assert counter.trace()


def test_only_pulses_within_the_gate_count(bench: Bench) -> None:
    """Those before its opening and after its closing do not; a second gate without arming changes nothing."""
    bench.counter.arm()
    bench.gate(True, 100.0)
    assert not bench.counter.gate_closed()
    bench.gate(False, 200.0)
    bench.gate(True, 300.0)
    bench.gate(False, 301.0)
    assert bench.counter.gate_closed()
    assert bench.counter.gated_count() == pulse_count(200.0) - pulse_count(100.0) == 3725
    assert bench.counter.gated_count() == 3725


def test_a_gate_that_is_open_when_armed_does_not_count(bench: Bench) -> None:
    """Counting starts at an edge, not in the middle."""
    bench.gate(True, 0.0)
    bench.counter.arm()
    bench.gate(False, 5.0)
    assert not bench.counter.gate_closed()
    bench.gate(True, 6.0)
    bench.gate(False, 8.0)
    assert bench.counter.gated_count() == pulse_count(8.0) - pulse_count(6.0)


def test_arming_again_clears_the_last_count(bench: Bench) -> None:
    """Neither a complete nor a half gate of before is taken for the new one."""
    bench.counter.arm()
    bench.open_and_close_gate()
    bench.counter.arm()
    assert not bench.counter.gate_closed()
    bench.gate(True, 20.0)
    bench.counter.arm()
    bench.gate(False, 21.0)
    for _ in range(2):
        assert not bench.counter.gate_closed()
        with pytest.raises(InstrumentError, match="no complete gate"):
            bench.counter.gated_count()


def test_never_armed_and_no_pulses(bench: Bench) -> None:
    """No gate is an error, a gate without pulses is zero."""
    with pytest.raises(InstrumentError, match="no complete gate"):
        bench.counter.gated_count()
    bench.counter.arm()
    bench.gate(True, 0.0)
    bench.gate(False, 0.005)
    assert bench.counter.gated_count() == 0


def test_a_counter_that_was_switched_off_in_between_has_no_count(bench: Bench) -> None:
    """Power-on defaults: the gate never closes for the bench, so that its deadline ends the wait."""
    bench.counter.arm()
    bench.counter._link.write("*CLS;*ESE 0;*RST")
    bench.open_and_close_gate()
    assert not bench.counter.gate_closed()


def test_the_box_itself_has_no_count_without_a_gate(bench: Bench) -> None:
    """``FETC?`` refuses before the first gate, and waits during one, as the box does."""
    with pytest.raises(InstrumentError, match="-230"):
        bench.counter._link.query("FETC?")
    bench.counter.arm()
    bench.gate(True, 0.0)
    bench.hurry()
    with pytest.raises(DeadlineExceeded):
        bench.counter._link.query("FETC?")
    bench.gate(False, 10.0)
    assert bench.counter.gated_count() == 373


@pytest.mark.parametrize("after", [0, 3, 12, 13, 14], ids=["ABOR", "source", "INIT", "status", "count"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.SILENCE, DeadlineExceeded),
        (FaultKind.LATE, DeadlineExceeded),
        (FaultKind.REFUSE, InstrumentError),
        (FaultKind.CLOSE, ConnectionLost),
        (FaultKind.DIE, ConnectionLost),
    ],
)
def test_each_fault_is_named_and_the_next_count_is_right(
    bench: Bench, kind: FaultKind, error: type[BenchError], after: int
) -> None:
    """In any step of the sequence; after it a new gate gives its own pulses, not those of the first."""
    bench.hurry()
    bench.faults.add(Fault(kind, after, -1 if kind is FaultKind.DIE else 1, DEADLINE_S + 0.05))
    with pytest.raises(error, match="pulse_counter at TCPIP"):
        bench.count_a_gate()
    if kind is not FaultKind.DIE:
        bench.gate(False, 20.0)
        bench.counter.arm()
        bench.gate(True, 30.0)
        bench.gate(False, 32.0)
        assert bench.counter.gated_count() == pulse_count(32.0) - pulse_count(30.0)


@pytest.mark.parametrize("seed", range(20))
def test_garbled_counts_are_never_taken(serve_scpi: ServeScpi, loop_thread: LoopThread, seed: int) -> None:
    """Whatever bytes change of status or count: a named error or the right count."""
    bench = Bench(serve_scpi, loop_thread, seed)
    bench.counter.arm()
    bench.open_and_close_gate()
    bench.faults.add(Fault(FaultKind.GARBLE, after=seed % 2))
    try:
        assert bench.counter.gated_count() == 373
    except (ProtocolError, InstrumentError):
        assert bench.counter.gated_count() == 373
    bench.counter.close()


@pytest.mark.parametrize("seed", range(20))
def test_garbled_status_never_makes_a_count_of_an_unfinished_gate(
    serve_scpi: ServeScpi, loop_thread: LoopThread, seed: int
) -> None:
    """Even if the status byte seems to say that the gate has closed."""
    bench = Bench(serve_scpi, loop_thread, seed)
    bench.counter.arm()
    bench.gate(True, 0.0)
    bench.hurry()
    bench.faults.add(Fault(FaultKind.GARBLE))
    with pytest.raises((ProtocolError, InstrumentError, DeadlineExceeded)):
        bench.counter.gated_count()
    bench.counter.close()


def test_a_count_that_is_not_whole_is_refused(bench: Bench) -> None:
    """It was set to something else than totalizing."""
    bench.sim.scpi.command("FETCh?", lambda _: "+3.73500000000000E+002", waits=True)
    with pytest.raises(ProtocolError, match="not one whole count"):
        bench.count_a_gate()
