"""The SBI driver: what it takes for a reading, what it refuses, how it finds its way back, and over RFC 2217."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from meterbench.errors import ConfigError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.balance.sartorius_sbi import SbiBalance, SbiSettings, open_sartorius_sbi
from meterbench.instruments.balance.sartorius_sbi_sim import SartoriusSbiSim
from meterbench.instruments.capabilities import Balance, Identity
from meterbench.instruments.drivers import checked_settings
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock
from tests.instruments.balance.world import LINK_DEADLINE_S, World

both_wires = pytest.mark.parametrize("address", ["tcp", "pty"], indirect=True)


@pytest.fixture
def world(loop_thread: LoopThread) -> World:
    return World(loop_thread, SartoriusSbiSim)


@pytest.fixture
def balance(world: World, address: str) -> Iterator[SbiBalance]:
    balance = SbiBalance("balance", SerialLink("balance", address, deadline_s=LINK_DEADLINE_S), world.clock)
    balance.open()
    yield balance
    balance.close()


@both_wires
def test_open_asks_who_it_is_each_part_twice(balance: Balance) -> None:
    """ESC x1_, x2_, x3_ (instruments.md 2.2), the serial number first as the barrier."""
    assert balance.identity == Identity("Sartorius", "SIM150K", "0037402012", "00-20-12.01")
    assert [(each.sent, each.received) for each in balance.trace()] == [
        (b"\x1bx2_\r\n", b"0037402012\r\n"),
        (b"\x1bx2_\r\n", b"0037402012\r\n"),
        (b"\x1bx1_\r\n", b"SIM150K\r\n"),
        (b"\x1bx1_\r\n", b"SIM150K\r\n"),
        (b"\x1bx3_\r\n", b"00-20-12.01\r\n"),
        (b"\x1bx3_\r\n", b"00-20-12.01\r\n"),
    ]


@both_wires
def test_a_weighing_waits_for_rest_on_the_clock(world: World, balance: Balance) -> None:
    assert balance.weigh_stable_g(10.0) == 12.34
    assert world.clock.now_s() == 2.5
    assert balance.readability_g == 0.01
    world.load(4321.0)
    assert balance.weigh_stable_g(60.0) == pytest.approx(4321.0, abs=0.0101)
    assert (balance.trace()[-1].sent, balance.trace()[-1].received[:10]) == (b"\x1bP\r\n", b"N     +  4")


def test_running_water_is_never_a_reading(world: World, balance: Balance) -> None:
    world.flow_g_s = 1.0 / 3.6
    world.clock.sleep(10.0)
    with pytest.raises(DeadlineExceeded, match="no two equal stable readings within 20 s"):
        balance.weigh_stable_g(20.0)


@pytest.mark.parametrize(("mass_g", "words"), [(200_000.0, "overloaded"), (-20_000.0, "underloaded")])
def test_a_load_out_of_range_is_named(world: World, balance: Balance, mass_g: float, words: str) -> None:
    world.load(mass_g)
    world.clock.sleep(60.0)
    with pytest.raises(InstrumentError, match=words):
        balance.weigh_stable_g(10.0)


def test_a_balance_that_restarts_is_missed_and_not_trusted(world: World, balance: Balance) -> None:
    """It tests itself and does not answer; the weighing that meets this fails."""
    assert balance.weigh_stable_g(10.0) == 12.34
    world.faults.add(Fault(FaultKind.RESTART))
    with pytest.raises(DeadlineExceeded):
        balance.weigh_stable_g(10.0)
    world.clock.sleep(10.0)
    assert balance.weigh_stable_g(10.0) == 0.0


def test_the_print_key_does_no_harm(world: World, balance: Balance) -> None:
    world.loop_thread.call(world.sim.press_print)
    assert balance.weigh_stable_g(10.0) == 12.34


@pytest.mark.parametrize("address", ["rfc2217"], indirect=True)
def test_rfc_2217_sets_the_port_as_the_factory_does(world: World, address: str) -> None:
    """8O1 cannot be set on a pseudo-terminal; here it is negotiated with pyserial's client."""
    balance = open_sartorius_sbi(Place("balance", address, world.clock), SbiSettings())
    try:
        assert balance.weigh_stable_g(10.0) == 12.34
        line = world.sim.server.line
        assert (line.baudrate, line.bytesize, line.parity, line.stopbits) == (9600, 8, "O", 1)
        world.loop_thread.run(world.sim.stop())
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                balance.weigh_stable_g(10.0)
    finally:
        balance.close()


def test_the_port_s_settings_come_from_the_station_file(world: World, address: str) -> None:
    """A pseudo-terminal takes 8N1 only on most systems."""
    with pytest.raises(ConfigError, match=r"settings\.parity"):
        checked_settings("sartorius_sbi", {"parity": "M"})
    settings = checked_settings("sartorius_sbi", {"parity": "N"})
    assert isinstance(settings, SbiSettings)
    balance = open_sartorius_sbi(Place("balance", address, world.clock), settings)
    assert balance.weigh_stable_g(10.0) == 12.34
    balance.close()
    balance.close()


class Scripted:
    """A balance that answers as told: each ``ESC P`` takes the next of ``script``, the last for ever."""

    def __init__(self) -> None:
        self.script: list[str] = ["+    12.34 g  "]
        self.told = {"x1_": "ENTRIS", "x2_": "123", "x3_": "1.2"}
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := (await reader.readline()).decode().strip().removeprefix("\x1b"):
            self.asked.append(command)
            if command == "P":
                reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            else:
                reply = self.told[command]
            writer.write(reply.encode("latin-1") + b"\r\n")
        writer.close()


@pytest.fixture
def scripted(loop_thread: LoopThread) -> Iterator[tuple[Scripted, SbiBalance]]:
    other = Scripted()
    server = loop_thread.run(asyncio.start_server(other.serve, "127.0.0.1", 0))
    link = SerialLink("balance", f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}", deadline_s=0.15)
    balance = SbiBalance("balance", link, VirtualClock(lambda _: True))
    balance.open()
    yield other, balance
    balance.close()
    loop_thread.call(server.close)


@pytest.mark.parametrize(
    ("script", "mass_g", "polls"),
    [
        (["+  52.1873 g  "], 52.1873, 2),
        (["N     +  52.1873 g  "], 52.1873, 2),
        (["- 12345.67 g  "], -12345.67, 2),
        (["   0.01234 kg "], 12.34, 2),
        (["+    12.34    ", "+    12.34 g  "], 12.34, 3),
        (["+    92.34 g  ", "+    12.34 g  "], 12.34, 3),
        (["+    12.34 g  ", "+    12.34    ", "+    12.34 g  "], 12.34, 4),
        (["+    12.34 g  ", "+    12.35 g  "], 12.35, 2),
    ],
)
def test_what_is_a_reading(scripted, script: list[str], mass_g: float, polls: int) -> None:
    """Vector 8 of instruments.md 11, both lengths of line; the unit is missing while not stable."""
    other, balance = scripted
    other.script = script
    assert balance.weigh_stable_g(30.0) == mass_g
    assert other.asked.count("P") == polls


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("Stat       High     ", InstrumentError, "overloaded"),
        ("     Low      ", InstrumentError, "underloaded"),
        ("Stat     Cal.Int.   ", InstrumentError, "adjusting itself"),
        ("Stat     Cal.Ext.   ", InstrumentError, "external adjustment"),
        ("Stat      Err 54    ", InstrumentError, "fault of its own"),
        ("   APP.ERR    ", InstrumentError, "application"),
        ("   DIS.ERR    ", InstrumentError, "display"),
        ("   PRT.ERR    ", InstrumentError, "interface"),
        ("+    12.34 lb ", ProtocolError, "'lb', not g or kg"),
        ("T     +    12.34 g  ", ProtocolError, "not a net weight"),
        ("G#    +    12.34 g  ", ProtocolError, "not a net weight"),
        ("+   12.34 g  ", ProtocolError, "14 characters expected"),
        ("+    12,34 g  ", ProtocolError, "not a net weight"),
        ("+    1 .34 g  ", ProtocolError, "not a net weight"),
        ("+12.34     g  ", ProtocolError, "not a net weight"),
        ("*    12.34 g  ", ProtocolError, "not a net weight"),
        ("+      nan g  ", ProtocolError, "not a net weight"),
        ("", ProtocolError, "14 characters expected"),
        ("ENTRIS", ProtocolError, "14 characters expected"),
    ],
)
def test_what_is_no_reading_is_named_and_the_next_one_counts(scripted, line: str, error, words: str) -> None:
    other, balance = scripted
    other.script = [line, "+    56.78 g  "]
    with pytest.raises(error, match=words):
        balance.weigh_stable_g(30.0)
    assert balance.weigh_stable_g(30.0) == 56.78
    if error is ProtocolError:
        assert other.asked[-3:] == ["x2_", "P", "P"]


def test_another_balance_behind_the_same_port_is_refused(scripted) -> None:
    """Only the serial number that it told when it was opened ends the barrier."""
    other, balance = scripted
    other.script = ["rubbish", "+    12.34 g  "]
    with pytest.raises(ProtocolError):
        balance.weigh_stable_g(30.0)
    other.told["x2_"] = "124"
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        balance.weigh_stable_g(30.0)
    assert time.monotonic() - started_s < 4.0


@pytest.mark.parametrize("command", ["x1_", "x3_"])
def test_an_empty_identity_is_refused(scripted, command: str) -> None:
    other, balance = scripted
    other.told[command] = "  "
    with pytest.raises(ProtocolError, match="not the same text twice"):
        balance.open()


def test_a_late_weight_is_no_serial_number(scripted) -> None:
    """On a line that somebody else has left in the middle of an answer, the barrier skips weights and states."""
    other, balance = scripted
    other.told["x2_"] = "+    12.34 g  \r\nStat       High     \r\n123"
    fresh = SbiBalance("balance", balance._link, VirtualClock(lambda _: True))
    with pytest.raises(ProtocolError, match="a moment ago that it was '123'"):
        fresh.open()
