"""The analyser: sweeps, powers and overloads of a simulated medium, over a real socket."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from meterbench.errors import BenchError, ConfigError, ConnectionLost, DeadlineExceeded, InstrumentError
from meterbench.instruments.analyser.rs_fsv import RsFsv, RsFsvSettings, open_rs_fsv
from meterbench.instruments.analyser.rs_fsv_sim import RsFsvSim
from meterbench.instruments.capabilities import SpectrumPowerMeter
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock
from meterbench.world.radio import Emission, Medium

CENTRE_HZ = 868.3e6
DEADLINE_S = 0.3


class Bench:
    """The air, the box in a virtual world, and the driver."""

    def __init__(self, loop_thread: LoopThread, seed: int = 1, settings: RsFsvSettings | None = None) -> None:
        self.now_s = 0.0
        self.air, self.faults = Medium(), FaultPlan(seed=seed)
        self.loop_thread = loop_thread
        self.sim = RsFsvSim(self.air, lambda: self.now_s, random.Random(seed), self.faults)
        self.clock = VirtualClock(self.advance)
        address = loop_thread.run(self.sim.start())
        self.analyser: RsFsv = open_rs_fsv(Place("analyser", address, self.clock), settings)
        self.analyser._link._deadline_s = DEADLINE_S

    def advance(self, duration_s: float) -> bool:
        self.now_s += duration_s
        self.loop_thread.call(self.sim.sample)
        return True

    def transmit(
        self, power_dbm: float, start_s: float = 0.0, duration_s: float = 1e6, width_hz: float = 125e3
    ) -> None:
        self.air.emit(Emission(start_s, duration_s, CENTRE_HZ, width_hz, power_dbm))

    def close(self) -> None:
        self.analyser.close()
        self.loop_thread.run(self.sim.stop())


@pytest.fixture
def bench(loop_thread: LoopThread) -> Iterator[Bench]:
    bench = Bench(loop_thread)
    yield bench
    bench.close()


@contextmanager
def named() -> Iterator[None]:
    try:
        yield
    except BenchError as error:
        if "analyser" not in str(error):
            raise AssertionError(f"who? {error}") from error


def asked(bench: Bench, first: int) -> list[str]:
    lines = [entry.line for entry in bench.sim.server.transcript[first:] if entry.direction == ">"]
    return [line.decode().removesuffix(";:SYST:ERR?\n") for line in lines]


SETUP = [
    "ABOR",
    "*CLS",
    "INIT:CONT OFF",
    "FREQ:CENT 868300000HZ",
    "FREQ:SPAN 400000HZ",
    "BAND 5000HZ",
    "BAND:VID:AUTO ON",
    "INP:ATT:AUTO ON",
    "DISP:TRAC:Y:RLEV 0DBM",
    "CALC:UNIT:POW DBM",
    "DISP:TRAC:MODE WRIT",
    "DET RMS",
    "SWE:TYPE FFT",
    "SWE:TIME:AUTO ON",
    "SWE:POIN 1001",
]


def test_golden_exchange_of_a_channel_power(bench: Bench) -> None:
    """Settings, one synchronised single sweep, overload register, result (manual p. 689, 598; instruments.md 7)."""
    bench.transmit(-10.0)
    first = len(bench.sim.server.transcript)
    bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3)
    function = ["CALC:MARK:FUNC:POW:SEL CPOW", "POW:ACH:ACP 0", "POW:ACH:BAND 200000HZ", "FORM REAL,32", "*ESE 1"]
    assert asked(bench, first) == [
        ":" + ";:".join([*SETUP, *function]).replace(":*", "*"),
        "SWE:TIME?;:SWE:TIME?",
        "SWE:COUN 1;:INIT;*OPC",
        "*STB?",
        "*STB?",
        "STAT:QUES:POW?",
        "CALC:MARK:FUNC:POW:RES? CPOW;:CALC:MARK:FUNC:POW:RES? CPOW",
    ]


def test_golden_block_of_a_sweep(bench: Bench) -> None:
    """4004 bytes, least significant byte first, behind ``#44004``; read twice."""
    first = len(bench.sim.server.transcript)
    seen = bench.analyser.sweep(CENTRE_HZ, 400e3, 5e3)
    assert asked(bench, first)[-2:] == ["TRAC? TRACE1"] * 2
    reply = bench.sim.server.transcript[-1].line
    assert reply.startswith(b"#44004")
    assert reply[6 + 4004 :] == b';0,"No error"\n'
    assert struct.unpack("<f", reply[6:10])[0] == pytest.approx(seen.level_dbm[0])


def test_it_is_a_spectrum_power_meter(bench: Bench) -> None:
    """With role, identity and trace; what it shows is what is transmitted."""
    analyser: SpectrumPowerMeter = bench.analyser
    assert (analyser.role, analyser.identity.model) == ("analyser", "FSV-7")
    bench.transmit(-10.0)
    seen = analyser.sweep(CENTRE_HZ, 400e3, 5e3)
    assert (seen.frequency_hz[0], seen.frequency_hz[-1], len(seen.frequency_hz)) == (868.1e6, 868.5e6, 1001)
    assert seen.level_dbm[500] == pytest.approx(-10.0 - 10.0 * np.log10(125.0 / 5.32), abs=0.1)
    assert seen.level_dbm[0] < -90.0
    assert analyser.channel_power_dbm(CENTRE_HZ, 200e3) == pytest.approx(-10.0, abs=0.1)
    assert analyser.channel_power_dbm(CENTRE_HZ, 62.5e3) == pytest.approx(-13.0, abs=0.2)
    assert analyser.occupied_bandwidth_hz(CENTRE_HZ, 400e3) == pytest.approx(125e3, rel=0.05)
    assert analyser.trace()


def test_a_burst_is_seen_with_hold_and_only_then(bench: Bench) -> None:
    """50 ms somewhere in 20 s of max hold; a sweep after it sees noise."""
    bench.transmit(-20.0, start_s=7.0, duration_s=0.05)
    started_s = bench.now_s
    assert bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3, hold_s=20.0) == pytest.approx(-20.0, abs=0.1)
    assert 20.0 <= bench.now_s - started_s < 20.5
    assert bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3) < -70.0


def test_overload_is_an_error_and_no_level(loop_thread: LoopThread) -> None:
    """Also if it lasted a moment of a long hold; and a higher reference level cures it."""
    bench = Bench(loop_thread, settings=RsFsvSettings(reference_level_dbm=-30.0))
    bench.transmit(-10.0, start_s=3.0, duration_s=0.01)
    ask = [
        lambda: bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3, hold_s=10.0),
        lambda: bench.analyser.sweep(CENTRE_HZ, 400e3, 5e3, hold_s=10.0),
        lambda: bench.analyser.occupied_bandwidth_hz(CENTRE_HZ, 400e3, hold_s=10.0),
    ]
    try:
        for one in ask:
            bench.air.forget_before(1e9)
            bench.transmit(-10.0, start_s=bench.now_s + 3.0, duration_s=0.01)
            with pytest.raises(InstrumentError, match=r"IF path is overloaded.*raise reference_level_dbm \(-30 dBm\)"):
                one()
        assert bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3) < -70.0  # forgotten with the next sweep
    finally:
        bench.close()


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda analyser: analyser.sweep(CENTRE_HZ, 0.0, 1e3), "span_hz"),
        (lambda analyser: analyser.sweep(CENTRE_HZ, 1e6, -1.0), "bandwidth_hz"),
        (lambda analyser: analyser.sweep(1e5, 1e6, 1e3), "beyond what it can see"),
        (lambda analyser: analyser.sweep(7e9, 1e6, 1e3), "beyond what it can see"),
        (lambda analyser: analyser.sweep(CENTRE_HZ, 1e6, 1e3, hold_s=-1.0), "hold_s"),
        (lambda analyser: analyser.sweep(CENTRE_HZ, 1e6, 1e3, hold_s=float("nan")), "hold_s"),
        (lambda analyser: analyser.channel_power_dbm(CENTRE_HZ, float("nan")), "channel_hz"),
        (lambda analyser: analyser.occupied_bandwidth_hz(CENTRE_HZ, 0.0), "span_hz"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_it_is_sent(bench: Bench, ask, why: str) -> None:
    """And what the box itself refuses comes with its words."""
    first = len(bench.sim.server.transcript)
    with pytest.raises(ConfigError, match=why):
        ask(bench.analyser)
    assert not asked(bench, first)
    with pytest.raises(InstrumentError, match="-222"):
        bench.analyser.sweep(CENTRE_HZ, 1e6, 50e6)


def test_a_sweep_that_does_not_end_is_a_deadline(bench: Bench) -> None:
    """On the clock."""
    bench.sim.sample = lambda: None  # type: ignore[method-assign]
    with pytest.raises(DeadlineExceeded, match="did not end within"):
        bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3)


def test_another_box_is_refused(loop_thread: LoopThread) -> None:
    """By its identity."""
    sim = RsFsvSim(Medium(), lambda: 0.0, random.Random(1), FaultPlan())
    sim.scpi.command("*IDN?", lambda _: "Rohde&Schwarz,SMW200A,1,2")
    address = loop_thread.run(sim.start())
    with pytest.raises(ConfigError, match="this is no"):
        open_rs_fsv(Place("analyser", address, VirtualClock(lambda _: True)))
    loop_thread.run(sim.stop())


def test_the_box_as_any_client_sees_it(bench: Bench) -> None:
    """No trace before a sweep, no result of a function that is off, ASCII as well as blocks."""
    link = bench.analyser._link
    for command, error in [
        ("TRAC? TRACE1", "-230"),
        ("INIT", "-221"),
        ("CALC:MARK:FUNC:POW:RES? CPOW", "-221"),
        ("FREQ:CENT 8GHZ", "-222"),
        ("SENSE:BOGUS 1", "-113"),
    ]:
        with pytest.raises(InstrumentError, match=error):
            link.write(command)
    bench.analyser.sweep(CENTRE_HZ, 400e3, 5e3)
    link.write("FORM ASC")
    assert len(link.query_numbers("TRAC? TRACE1", "infinite")) == 1001


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("what", ["channel power", "sweep"])
def test_garbled_answers_are_never_taken(loop_thread: LoopThread, seed: int, what: str) -> None:
    """Whatever bytes change: a named error or the right level, and the right one then."""
    bench = Bench(loop_thread, seed)
    bench.transmit(-10.0)
    bench.faults.add(Fault(FaultKind.GARBLE, after=seed % 8))

    def level_dbm() -> float:
        if what == "channel power":
            return bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3)
        seen = bench.analyser.sweep(CENTRE_HZ, 100e3, 5e3)
        assert np.ptp(seen.level_dbm) < 0.1  # even all over
        return float(seen.level_dbm.mean()) + 10.0 * np.log10(125.0 / 5.32)

    try:
        for power_dbm in (-10.0, -16.0):
            with named():
                assert level_dbm() == pytest.approx(power_dbm, abs=0.15)
            bench.air.forget_before(1e9)
            bench.transmit(-16.0)
        assert level_dbm() == pytest.approx(-16.0, abs=0.15)
    finally:
        bench.close()


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5, 6])
@pytest.mark.parametrize(
    "kind",
    [FaultKind.SILENCE, FaultKind.LATE, FaultKind.CLOSE, FaultKind.REFUSE, FaultKind.RESTART, FaultKind.QUEUE],
)
def test_faults_are_named_and_the_next_power_is_right(loop_thread: LoopThread, kind: FaultKind, after: int) -> None:
    """A late or default answer never comes out as a power."""
    bench = Bench(loop_thread)
    bench.transmit(-10.0)
    bench.faults.add(Fault(kind, after, delay_s=DEADLINE_S + 0.1))
    try:
        with named():
            assert bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3) == pytest.approx(-10.0, abs=0.15)
        bench.air.forget_before(1e9)
        bench.transmit(-16.0)
        assert bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3) == pytest.approx(-16.0, abs=0.15)
    finally:
        bench.close()


def test_saturation_and_death(bench: Bench) -> None:
    """An overloaded input is an instrument's error, a dead box a lost connection, again and again."""
    bench.transmit(-10.0)
    bench.faults.add(Fault(FaultKind.SATURATE, count=40))
    with pytest.raises(InstrumentError, match="overloaded"):
        bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3)
    bench.faults.add(Fault(FaultKind.DIE, count=-1))
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="analyser"):
            bench.analyser.channel_power_dbm(CENTRE_HZ, 200e3)
