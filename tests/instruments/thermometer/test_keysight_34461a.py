"""The multimeter as a resistance thermometer: wire, physics and faults over a real socket."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from meterbench.errors import BenchError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import ResistanceThermometer
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.place import Place
from meterbench.instruments.thermometer import keysight_34461a
from meterbench.instruments.thermometer.keysight_34461a import Keysight34461A, open_keysight_34461a
from meterbench.instruments.thermometer.keysight_34461a_sim import Keysight34461ASim
from meterbench.instruments.thermometer.pt100 import IEC_PT100
from meterbench.world.clock import WallClock

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi

TRUE_OHM = 107.7935
DEADLINE_S = 0.3


class Bench:
    """A probe in water, the box, and the driver that reads it."""

    def __init__(self, serve_scpi: ServeScpi, seed: int = 1) -> None:
        self.probe_ohm = TRUE_OHM
        self.faults = FaultPlan(seed=seed)
        sim = Keysight34461ASim(lambda: self.probe_ohm, random.Random(seed))
        self.server = serve_scpi(sim.scpi, self.faults)
        self.thermometer: Keysight34461A = open_keysight_34461a(Place("water_temp", self.server.address, WallClock()))


@pytest.fixture
def bench(serve_scpi: ServeScpi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(keysight_34461a, "DEADLINE_S", DEADLINE_S)
    bench = Bench(serve_scpi)
    yield bench
    bench.thermometer.close()


def test_a_reading_is_two_exchanges(bench: Bench) -> None:
    """The golden exchange: all settings and the start, then the readings twice (Truevolt Series Operating and Service
    Guide)."""
    first = len(bench.server.transcript)
    mean_ohm = bench.thermometer.resistance_ohm()
    start, started, fetch, fetched = (entry.line for entry in bench.server.transcript[first:])
    assert start == b"CONF:FRES 1000;:FRES:NPLC 1;:SAMP:COUN 10;:INIT;:SYST:ERR?\n"
    assert started == b'0,"No error"\n'
    assert fetch == b"FETC?;:FETC?;:SYST:ERR?\n"
    readings, again, error = fetched.decode().split(";")
    assert readings == again
    assert error == '0,"No error"\n'
    assert len(readings.split(",")) == 10
    assert mean_ohm == fmean(map(float, readings.split(",")))


def test_it_is_a_resistance_thermometer(bench: Bench) -> None:
    """With role, identity and trace; and what it finds is the water's temperature, within its noise."""
    thermometer: ResistanceThermometer = bench.thermometer
    assert (thermometer.role, thermometer.identity.model) == ("water_temp", "34461A")
    assert IEC_PT100.temp_c(thermometer.resistance_ohm()) == pytest.approx(20.0, abs=0.005)
    bench.probe_ohm = IEC_PT100.resistance_ohm(30.0)
    assert IEC_PT100.temp_c(thermometer.resistance_ohm()) == pytest.approx(30.0, abs=0.005)
    assert thermometer.trace()


def test_open_and_shorted_probe_are_instrument_errors(bench: Bench) -> None:
    """Never ohms that could become degC."""
    bench.probe_ohm = math.inf
    with pytest.raises(InstrumentError, match="the probe is open"):
        bench.thermometer.resistance_ohm()
    bench.probe_ohm = -0.01
    with pytest.raises(InstrumentError, match="shorted"):
        bench.thermometer.resistance_ohm()


def test_a_box_that_was_switched_off_is_set_again(bench: Bench) -> None:
    """Its defaults (two-wire, one sample) never answer."""
    bench.thermometer._link.write("*RST")
    assert bench.thermometer.resistance_ohm() == pytest.approx(TRUE_OHM, abs=2e-3)


@pytest.mark.parametrize("after", [0, 1], ids=["at the start", "at the readings"])
@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        (Fault(FaultKind.SILENCE), (DeadlineExceeded,)),
        (Fault(FaultKind.LATE, delay_s=DEADLINE_S + 0.05), (DeadlineExceeded,)),
        (Fault(FaultKind.LATE, delay_s=0.01), ()),
        (Fault(FaultKind.REFUSE), (InstrumentError,)),
        (Fault(FaultKind.CLOSE), (ConnectionLost,)),
    ],
    ids=["silence", "late", "in time", "refuse", "close"],
)
def test_faults_are_named_and_the_next_reading_is_right(
    bench: Bench, fault: Fault, errors: tuple[type[BenchError], ...], after: int
) -> None:
    """The late readings of warm water never come out as those of cold water."""
    bench.thermometer._link._deadline_s = DEADLINE_S
    bench.faults.add(Fault(fault.kind, after, 1, fault.delay_s))
    if errors:
        with pytest.raises(errors, match="water_temp at TCPIP"):
            bench.thermometer.resistance_ohm()
        bench.probe_ohm = 120.0
    assert bench.thermometer.resistance_ohm() == pytest.approx(bench.probe_ohm, abs=2e-3)


def test_dead_box_is_connection_lost(bench: Bench) -> None:
    """Now and on every further attempt."""
    bench.thermometer._link._deadline_s = DEADLINE_S
    bench.faults.add(Fault(FaultKind.DIE, count=-1))
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            bench.thermometer.resistance_ohm()


@pytest.mark.parametrize("seed", range(20))
def test_garbled_readings_are_never_taken(serve_scpi: ServeScpi, seed: int) -> None:
    """Whatever bytes change: a named error or the right resistance."""
    bench = Bench(serve_scpi, seed)
    bench.faults.add(Fault(FaultKind.GARBLE, after=seed % 2))
    try:
        assert bench.thermometer.resistance_ohm() == pytest.approx(TRUE_OHM, abs=2e-3)
    except (ProtocolError, InstrumentError):
        assert bench.thermometer.resistance_ohm() == pytest.approx(TRUE_OHM, abs=2e-3)
    bench.thermometer.close()
