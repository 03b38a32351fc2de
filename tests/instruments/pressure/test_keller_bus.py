"""The Keller bus: exact frames, the driver, the simulator, and a client that we did not write."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import serial

from meterbench.errors import ConfigError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Identity, ReferencePressure
from meterbench.instruments.drivers import checked_settings
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import Place
from meterbench.instruments.pressure.keller_bus import KellerSettings, KellerTransmitter, open_keller_bus
from meterbench.instruments.pressure.keller_bus_map import P1, crc16
from meterbench.instruments.pressure.keller_bus_sim import KellerBusSim
from meterbench.world.clock import VirtualClock

IDENTITY = Identity("Keller", "5.24", "480213", "19.11")


class Bench:
    """A transmitter with a pressure that the test sets."""

    def __init__(self, loop_thread: LoopThread, **options: Any) -> None:
        self.pressure_kpa = 400.0
        self.faults = FaultPlan(seed=3)
        self.box = KellerBusSim(
            lambda: self.pressure_kpa, lambda: 0.0, np.random.default_rng(1), faults=self.faults, **options
        )
        self._loop_thread = loop_thread

    @contextmanager
    def open(self, wire: str = "pty", **settings: Any) -> Iterator[KellerTransmitter]:
        address = self._loop_thread.run(self.box.start(wire))
        transmitter = KellerTransmitter(
            "pressure", SerialLink("pressure", address, deadline_s=0.15), KellerSettings(**settings)
        )
        try:
            transmitter.open()
            yield transmitter
        finally:
            transmitter.close()
            self._loop_thread.run(self.box.stop())

    @contextmanager
    def port(self) -> Iterator[serial.Serial]:
        address = self._loop_thread.run(self.box.start("pty"))
        with serial.Serial(address, timeout=0.5) as port:
            yield port
        self._loop_thread.run(self.box.stop())


Make = Callable[..., Bench]


@pytest.fixture
def make(loop_thread: LoopThread) -> Make:
    return lambda **options: Bench(loop_thread, **options)


@pytest.mark.parametrize(
    ("payload", "sealed"),
    [
        ("FA 30", "FA 30 04 43"),
        ("FA 49 01", "FA 49 01 A1 A7"),
        ("01 49 01", "01 49 01 50 D6"),
        ("01 45", "01 45 D3 C1"),
        ("02 30", "02 30 C4 00"),
    ],
)
def test_the_check_sum_is_high_byte_first(payload: str, sealed: str) -> None:
    """Vectors: instruments.md 11.4; the last is the one in the maker's own test of its Python package."""
    assert bytes.fromhex(payload) + crc16(bytes.fromhex(payload)) == bytes.fromhex(sealed)


def test_open_and_read_on_the_wire(make: Make) -> None:
    """Function 48, 69, then 73 of channel 1 in bar as float32, high byte first."""
    bench = make()
    with bench.open() as transmitter:
        gauge: ReferencePressure = transmitter
        assert gauge.identity == IDENTITY
        assert gauge.pressure_kpa() == pytest.approx(400.0, abs=1.0)
        sent = [each.sent.hex(" ").upper() for each in gauge.trace()]
        assert sent == ["01 30 34 00", "01 45 D3 C1", "01 49 01 50 D6"]
        received = gauge.trace()[-1].received
        assert received[:2] == b"\x01\x49"
        assert len(received) == 9
        assert struct.unpack(">f", received[2:6])[0] * 100.0 == gauge.pressure_kpa()


@pytest.mark.parametrize("wire", ["tcp", "pty", "rfc2217"])
def test_every_wire_and_the_echo(make: Make, wire: str) -> None:
    """Bytes 0xFF go through telnet, too: the address 250 and the check sums have them sooner or later."""
    bench = make(echo=True)
    with bench.open(wire, echo=True, address=250) as transmitter:
        for bench.pressure_kpa in range(0, 1600, 50):
            assert transmitter.pressure_kpa() == pytest.approx(bench.pressure_kpa, abs=1.0)


def test_an_echo_that_is_not_set_or_not_there_is_named(make: Make) -> None:
    with pytest.raises(ProtocolError, match="setting echo"), make(echo=True).open():
        pass
    with pytest.raises((ProtocolError, DeadlineExceeded)), make().open(echo=True):
        pass


def test_absolute_transmitters_need_the_air_s_pressure(make: Make) -> None:
    bench = make()
    bench.pressure_kpa = 501.325
    with bench.open(absolute=True, ambient_kpa=101.325) as transmitter:
        assert transmitter.pressure_kpa() == pytest.approx(400.0, abs=1.0)
    for settings in ({"absolute": True}, {"ambient_kpa": 101.0}):
        with pytest.raises(ConfigError, match="both or neither"):
            checked_settings("keller_bus", settings)
    with pytest.raises(ConfigError, match=r"settings\.address"):
        checked_settings("keller_bus", {"address": 251})


@pytest.mark.parametrize("pressure_kpa", [1800.0, -500.0, 1e6])
def test_out_of_range_is_an_instrument_error(make: Make, pressure_kpa: float) -> None:
    bench = make()
    with bench.open() as transmitter:
        bench.pressure_kpa = pressure_kpa
        with pytest.raises(InstrumentError, match="pressure: the transmitter re"):
            transmitter.pressure_kpa()
        bench.pressure_kpa = 100.0
        assert transmitter.pressure_kpa() == pytest.approx(100.0, abs=1.0)


def test_a_range_that_the_station_file_does_not_know_is_out_of_range(make: Make) -> None:
    bench = make()
    with bench.open(full_scale_kpa=300.0) as transmitter, pytest.raises(InstrumentError, match="to 330 kPa"):
        transmitter.pressure_kpa()


def test_a_restarted_transmitter_is_initialised_again(make: Make) -> None:
    """Error 32 until function 48 was sent; zero and settings outlast a restart."""
    bench = make()
    with bench.open() as transmitter:
        bench.faults.add(Fault(FaultKind.RESTART))
        assert transmitter.pressure_kpa() == pytest.approx(400.0, abs=1.0)
        assert [each.sent[1] for each in transmitter.trace()][-4:] == [73, 48, 69, 73]


def test_another_transmitter_behind_the_same_port_is_refused(make: Make) -> None:
    bench = make()
    with bench.open() as transmitter:
        bench.box._serial += 1
        bench.faults.add(Fault(FaultKind.RESTART))
        for _ in range(2):
            with pytest.raises(ProtocolError, match="another transmitter"):
                transmitter.pressure_kpa()


def test_an_error_answer_is_named(make: Make) -> None:
    bench = make()
    with bench.open() as transmitter:
        bench.faults.add(Fault(FaultKind.REFUSE))
        with pytest.raises(InstrumentError, match="asked function 73, the transmitter answers error 3"):
            transmitter.pressure_kpa()


def test_another_device_s_answer_is_refused(make: Make) -> None:
    bench = make()
    with bench.open() as transmitter:
        bench.faults.add(Fault(FaultKind.WRONG_UNIT))
        with pytest.raises(ProtocolError, match="device 1 and function 73 expected, not 2 and 73"):
            transmitter.pressure_kpa()


def test_open_by_place(loop_thread: LoopThread, make: Make) -> None:
    bench = make()
    clock = VirtualClock(lambda _: True)
    transmitter = open_keller_bus(Place("pressure", loop_thread.run(bench.box.start("pty")), clock), KellerSettings())
    assert transmitter.identity == IDENTITY
    transmitter.close()
    transmitter.close()
    loop_thread.run(bench.box.stop())
    with pytest.raises(ConnectionLost):
        open_keller_bus(Place("pressure", "socket://127.0.0.1:1", clock), KellerSettings())


def test_the_simulator_s_own_refusals(make: Make) -> None:
    """Raw bytes: silent to bad check sums and other addresses; errors 32, 1 and 2."""

    def ask(text: str) -> bytes:
        payload = bytes.fromhex(text)
        port.write(payload + crc16(payload))
        answer: bytes = port.read(20)
        assert not answer or crc16(answer[:-2]) == answer[-2:]
        return answer[:-2]

    with make().port() as port:
        port.timeout = 0.05
        assert ask("01 49 01") == b"\x01\xc9\x20"
        assert ask("02 30") == b""
        port.write(bytes.fromhex("01 30 00 00"))
        assert port.read(1) == b""
        assert ask("01 30") == bytes([1, 48, 5, 24, 19, 11, 10, 0x01])
        assert ask("FA 45") == bytes([250, 69]) + (480213).to_bytes(4, "big")
        assert ask("01 49 04") == b"\x01\xc9\x02"
        assert ask("01 63") == b"\x01\xe3\x01"


@pytest.mark.peer
@pytest.mark.parametrize("echo", [True, False])
def test_the_maker_s_own_client_reads_the_simulator(make: Make, echo: bool) -> None:
    """keller-protocol 1.0.22 against our transmitter, and the driver says the same."""
    keller_protocol = pytest.importorskip("keller_protocol.keller_protocol")
    bench = make(echo=echo)
    with bench.open(echo=echo) as transmitter:
        peer = keller_protocol.KellerProtocol(transmitter._link.address, timeout=0.3, echo=echo)
        assert peer.f48(1) == "5.24-19.11"
        assert peer.f69(1) == int(transmitter.identity.serial)
        assert peer.f73(1, P1) * 100.0 == transmitter.pressure_kpa()
        with pytest.raises(Exception, match="Device Error"):
            peer.f73(1, 5)


def test_another_transmitter_is_not_taken_because_it_refused_its_number_once(make: Make) -> None:
    """It lost its supply, is another one now, and refuses function 69 the first time: there is no reading of it."""
    bench = make()
    with bench.open() as transmitter:
        assert transmitter.pressure_kpa() == pytest.approx(400.0, abs=1.0)
        bench.box.restart()
        bench.box._serial = 480214
        bench.faults.add(Fault(FaultKind.REFUSE, after=2))
        for _ in range(3):
            with pytest.raises((InstrumentError, ProtocolError)):
                transmitter.pressure_kpa()


def test_a_fault_in_the_status_byte_is_no_pressure(make: Make) -> None:
    """The figure beside it looks like any other."""
    bench = make()
    with bench.open() as transmitter:
        bench.faults.add(Fault(FaultKind.QUEUE))
        with pytest.raises(InstrumentError, match=r"pressure: the transmitter reports a fault .*P1"):
            transmitter.pressure_kpa()
        assert transmitter.pressure_kpa() == pytest.approx(400.0, abs=5.0)
