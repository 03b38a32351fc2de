"""The Super-Thermometer: its records, its silence, its units, over a real socket and a pseudo-terminal."""

from __future__ import annotations

import math
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from meterbench.errors import BenchError, ConfigError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import ResistanceThermometer
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import Place
from meterbench.instruments.thermometer.fluke_1595a import Fluke1595A, Fluke1595ASettings, open_fluke_1595a
from meterbench.instruments.thermometer.fluke_1595a_sim import Fluke1595ASim
from meterbench.world.clock import VirtualClock

TRUE_OHM = 107.7935
DEADLINE_S = 0.15


class Bench:
    """A probe in water, the box on ``wire`` in a virtual world, and the driver."""

    def __init__(self, loop_thread: LoopThread, seed: int = 1, wire: str = "tcp", channel: int = 4) -> None:
        self.probe_ohm, self.now_s = TRUE_OHM, 0.0
        self.faults = FaultPlan(seed=seed)
        self.loop_thread = loop_thread
        self.sim = Fluke1595ASim(
            lambda: self.probe_ohm, lambda: self.now_s, random.Random(seed), self.faults, channel=channel
        )
        self.address = loop_thread.run(self.sim.start(wire))
        self.clock = VirtualClock(self.advance)
        self.thermometer: Fluke1595A = open_fluke_1595a(
            Place("water_temp", self.address, self.clock), Fluke1595ASettings(channel=channel)
        )
        link = self.thermometer._link
        link._deadline_s = DEADLINE_S
        link.drain = partial(link.drain, silence_s=0.02)  # type: ignore[method-assign]
        self.advance(3.0)

    def advance(self, duration_s: float) -> bool:
        self.now_s += duration_s
        self.loop_thread.call(self.sim.sample)
        return True

    def close(self) -> None:
        self.thermometer.close()
        self.loop_thread.run(self.sim.stop())


@pytest.fixture
def bench(loop_thread: LoopThread) -> Iterator[Bench]:
    bench = Bench(loop_thread)
    yield bench
    bench.close()


@contextmanager
def named(*errors: type[BenchError]) -> Iterator[None]:
    """Whatever of ``errors`` comes names the role."""
    try:
        yield
    except errors as error:
        if "water_temp" not in str(error):
            raise AssertionError(f"who? {error}") from error


def wire_text(bench: Bench, direction: str) -> bytes:
    return b"".join(each.payload for each in bench.sim.server.transcript if each.direction == direction)


def test_golden_exchange(loop_thread: LoopThread) -> None:
    """Every byte of a reading (User's Manual 8.7.3.44, 8.7.3.89, 8.7.3.93; instruments.md 5)."""
    bench = Bench(loop_thread)
    bench.sim._noise.gauss = lambda mean, sigma: mean  # type: ignore[method-assign]
    bench.advance(0.95)
    bench.sim.server.transcript.clear()
    try:
        assert bench.thermometer.resistance_ohm() == TRUE_OHM
    finally:
        bench.close()
    no_error = b'0,"No error"\r\n'
    earlier = b"107.793519,O,4,2026-03-23 14:33:22\r\n"
    assert wire_text(bench, ">") == (
        b"STAT:QUES:COND?\nFETC? 4\nFETC? 4\nSTAT:OPER?\nSTAT:OPER?\nSTAT:QUES:COND?\nFETC? 4\nFETC? 4\nSYST:ERR?\n"
    )
    answers = wire_text(bench, "<").replace(no_error, b"").splitlines(keepends=True)
    assert answers[0] == b"0\r\n"
    assert answers[1] == answers[2]
    assert answers[1][-24:] == earlier[-24:]
    assert answers[3:] == [b"0\r\n", b"16\r\n", b"0\r\n", *[b"107.7935,O,4,2026-03-23 14:33:24\r\n"] * 2]


def test_it_is_a_resistance_thermometer(bench: Bench) -> None:
    """With role, identity and trace; each answer is a reading that came after the question."""
    thermometer: ResistanceThermometer = bench.thermometer
    assert (thermometer.role, thermometer.identity.model) == ("water_temp", "1595A")
    assert thermometer.resistance_ohm() == pytest.approx(TRUE_OHM, abs=2e-4)
    bench.probe_ohm = 120.0
    assert thermometer.resistance_ohm() == pytest.approx(120.0, abs=2e-4)
    assert thermometer.trace()


def test_on_a_pseudo_terminal(loop_thread: LoopThread) -> None:
    """RS-232, as far as a pseudo-terminal can be."""
    bench = Bench(loop_thread, wire="pty")
    try:
        assert bench.thermometer.resistance_ohm() == pytest.approx(TRUE_OHM, abs=2e-4)
    finally:
        bench.close()


@pytest.mark.parametrize(("calculation", "says"), [("TEMP", "degC"), ("RAT", "resistance ratio")])
def test_other_units_are_refused(bench: Bench, calculation: str, says: str) -> None:
    """20.0 degC must never become 20.0 ohm."""
    bench.sim.calculation = calculation
    bench.advance(2.0)
    with pytest.raises(InstrumentError, match=says):
        bench.thermometer.resistance_ohm()


def test_an_open_probe_is_named(bench: Bench) -> None:
    """By the questionable register, before anybody waits for a record that does not come; and it comes back."""
    bench.probe_ohm = math.inf
    bench.advance(2.0)
    with pytest.raises(InstrumentError, match="questionable"):
        bench.thermometer.resistance_ohm()
    bench.probe_ohm = 0.0
    bench.advance(2.0)
    with pytest.raises(InstrumentError, match="shorted"):
        bench.thermometer.resistance_ohm()
    bench.probe_ohm = TRUE_OHM
    assert bench.thermometer.resistance_ohm() == pytest.approx(TRUE_OHM, abs=2e-4)


def test_silence_for_want_of_data_is_an_instrument_error(loop_thread: LoopThread) -> None:
    """The channel has no probe: FETC? is not answered, and the error queue has the reason."""
    bench = Bench(loop_thread)
    bench.thermometer._fetch = "FETC? 3"
    try:
        with pytest.raises(InstrumentError, match='-230,"Data corrupt or stale"'):
            bench.thermometer.resistance_ohm()
    finally:
        bench.close()


def test_a_box_that_is_on_already_has_a_reading(loop_thread: LoopThread) -> None:
    """Its first answer is no silence, and its last reading is no older than a sample period."""
    sim = Fluke1595ASim(lambda: TRUE_OHM, lambda: 1.0, random.Random(1), FaultPlan(), on_for_s=3600.0)
    link = SerialLink("water_temp", loop_thread.run(sim.start()), deadline_s=DEADLINE_S)
    link.open()
    assert link.exchange("FETC?").endswith(",O,1,2026-03-23 14:33:21")
    link.close()
    loop_thread.run(sim.stop())


def test_a_box_that_does_not_measure_any_more_is_a_deadline(bench: Bench) -> None:
    """Its last record is there for ever, but it is older than the question."""
    bench.sim.sample = lambda: None  # type: ignore[method-assign]
    started_s = bench.now_s
    with pytest.raises(DeadlineExceeded, match=r"no new reading of channel 4 within 2\.4 s, the last is of 2026"):
        bench.thermometer.resistance_ohm()
    assert bench.now_s - started_s < 2.9


def test_a_new_reading_of_another_channel_is_not_taken_for_ours(bench: Bench) -> None:
    """The event register knows no channels; the record's date does."""
    record = bench.sim._record

    def sample_another_channel() -> None:
        bench.sim._new, bench.sim._record = True, record

    bench.sim.sample = sample_another_channel  # type: ignore[method-assign]
    with pytest.raises(DeadlineExceeded, match="no new reading of channel 4"):
        bench.thermometer.resistance_ohm()


def test_another_box_is_a_config_error(loop_thread: LoopThread) -> None:
    """With what it said."""
    sim = Fluke1595ASim(lambda: TRUE_OHM, lambda: 0.0, random.Random(1), FaultPlan())
    sim._idn = "FLUKE,1529,B1,1.0"
    address = loop_thread.run(sim.start())
    with pytest.raises(ConfigError, match="this is no 1594A or 1595A"):
        open_fluke_1595a(Place("water_temp", address, VirtualClock(lambda _: True)))
    loop_thread.run(sim.stop())


def test_the_box_as_any_client_sees_it(bench: Bench) -> None:
    """CR or LF ends a command, words may be long; what it does not know or have it passes over in silence."""
    host, _, port = bench.address.removeprefix("socket://").partition(":")
    with socket.create_connection((host, int(port)), timeout=1.0) as client:

        def ask(command: bytes) -> bytes:
            client.sendall(command)
            return client.recv(100)

        assert ask(b"fetch? 4\r").startswith(b"107.79")
        for silent, error in [
            (b"FETC? 3\n", b'-230,"Data corrupt or stale"\r\n'),
            (b"FETC? 25\n", b'-222,"Data out of range"\r\n'),
            (b"BOGUS\n", b'-113,"Undefined header"\r\n'),
        ]:
            client.sendall(silent)
            time.sleep(0.02)
            assert ask(b"SYSTEM:ERROR?\n") == error
        assert ask(b"SYST:ERR?\r\n") == b'0,"No error"\r\n'
        assert ask(b"STAT:OPER:COND?\n") == b"16\r\n"


@pytest.mark.parametrize("seed", range(40))
def test_garbled_answers_are_never_taken(loop_thread: LoopThread, seed: int) -> None:
    """Whatever bytes change: a named error or the right resistance, and the right one then."""
    bench = Bench(loop_thread, seed)
    bench.faults.add(Fault(FaultKind.GARBLE, after=seed % 10))
    try:
        for _ in range(2):
            with named(ProtocolError, InstrumentError):
                assert bench.thermometer.resistance_ohm() == pytest.approx(bench.probe_ohm, abs=2e-4)
            bench.probe_ohm = 120.0
        assert bench.thermometer.resistance_ohm() == pytest.approx(120.0, abs=2e-4)
    finally:
        bench.close()


@pytest.mark.parametrize("after", [0, 2, 3, 8])
@pytest.mark.parametrize(
    "kind", [FaultKind.SILENCE, FaultKind.LATE, FaultKind.CLOSE, FaultKind.REFUSE, FaultKind.RESTART]
)
def test_faults_are_named_and_the_next_reading_is_right(loop_thread: LoopThread, kind: FaultKind, after: int) -> None:
    """The late record of warm water never comes out as that of cold water."""
    bench = Bench(loop_thread)
    bench.faults.add(Fault(kind, after, delay_s=DEADLINE_S + 0.1))
    try:
        with named(BenchError):
            assert bench.thermometer.resistance_ohm() == pytest.approx(TRUE_OHM, abs=2e-4)
        bench.probe_ohm = 120.0
        bench.advance(2.0)
        assert bench.thermometer.resistance_ohm() == pytest.approx(120.0, abs=2e-4)
    finally:
        bench.close()


def test_dead_box_is_connection_lost(bench: Bench) -> None:
    """Now and on every further attempt."""
    bench.faults.add(Fault(FaultKind.DIE, count=-1))
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="water_temp"):
            bench.thermometer.resistance_ohm()


def test_a_reading_from_before_the_question_is_not_taken_though_its_flag_is_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status that was garbled on its way hides the reading before the question; the box has measured meanwhile."""
    bench.advance(2.0)
    answers = iter([False, True, True])
    monkeypatch.setattr(bench.thermometer, "_valid", lambda: next(answers))
    bench.probe_ohm = 120.0
    assert bench.thermometer.resistance_ohm() == pytest.approx(120.0, abs=2e-4)


def test_a_record_of_another_channel_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was asked: the record says whose it is."""
    answer = bench.sim._fetch
    monkeypatch.setattr(bench.sim, "_fetch", lambda parameter: (answer(parameter) or "").replace(",4,", ",5,"))
    with pytest.raises(ProtocolError, match="not a record of channel 4"):
        bench.thermometer.resistance_ohm()


def test_a_job_may_read_while_another_reading_is_waited_for(bench: Bench) -> None:
    """The job waits in the first one's sleep and takes the flag of the new reading: both get it, and nobody waits for
    the next one."""
    seen_ohm: list[float] = []
    job = bench.clock.every(0.1, lambda: seen_ohm.append(bench.thermometer.resistance_ohm()))
    for _ in range(5):
        assert bench.thermometer.resistance_ohm() == seen_ohm[-1]
    job.cancel()
