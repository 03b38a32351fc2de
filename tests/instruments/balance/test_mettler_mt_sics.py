"""The driver: what it takes for a reading, what it refuses, and how it finds its way back."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from meterbench.errors import ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.balance.mettler_mt_sics import MtSicsBalance, open_mt_sics
from meterbench.instruments.capabilities import Balance, Identity
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock

both_wires = pytest.mark.parametrize("address", ["tcp", "pty"], indirect=True)
NAMED = {
    FaultKind.SILENCE: DeadlineExceeded,
    FaultKind.LATE: DeadlineExceeded,
    FaultKind.CLOSE: (ConnectionLost, DeadlineExceeded),
    FaultKind.DIE: ConnectionLost,
}
"""Those that leave no doubt; a serial line has no connection to close, there half an answer comes and no more."""


@both_wires
def test_open_asks_who_it_is_and_for_grams(balance: Balance) -> None:
    """Barrier first, then the serial number again, identity and unit; byte for byte."""
    assert balance.identity == Identity("Mettler-Toledo", "SIM 150000.00 g", "B207696838", "1.00 10.28.0.493.142")
    assert [(each.sent, each.received) for each in balance.trace()] == [
        (b"@\r\n", b'I4 A "B207696838"\r\n'),
        (b"I4\r\n", b'I4 A "B207696838"\r\n'),
        (b"I2\r\n", b'I2 A "SIM 150000.00 g"\r\n'),
        (b"I3\r\n", b'I3 A "1.00 10.28.0.493.142"\r\n'),
        (b"M21 0 0\r\n", b"M21 A\r\n"),
    ]


def test_a_weighing_waits_for_rest_on_the_clock(world, balance: Balance) -> None:
    """The stability window and one more poll, and the truth to a step."""
    assert balance.weigh_stable_g(10.0) == 12.34
    assert world.clock.now_s() == 2.5
    world.load(4321.0)
    assert balance.weigh_stable_g(60.0) == pytest.approx(4321.0, abs=0.01)
    assert balance.trace()[-1].sent == b"SI\r\n"


def test_running_water_is_never_a_reading(world, balance: Balance) -> None:
    world.flow_g_s = 1.0 / 3.6
    world.clock.sleep(10.0)
    with pytest.raises(
        DeadlineExceeded, match=r"no two equal stable readings within 20 s .*last answer to 'SI' was 'S D"
    ):
        balance.weigh_stable_g(20.0)
    assert world.clock.now_s() <= 30.0


@pytest.mark.parametrize(("mass_g", "words"), [(200_000.0, "overloaded"), (-20_000.0, "underloaded")])
def test_a_load_out_of_range_is_named(world, balance: Balance, mass_g: float, words: str) -> None:
    world.load(mass_g)
    world.clock.sleep(60.0)
    with pytest.raises(InstrumentError, match=words):
        balance.weigh_stable_g(10.0)


def test_a_balance_that_stays_busy_is_given_up(world, balance: Balance) -> None:
    world.sim.server.faults.add(Fault(FaultKind.REFUSE, count=-1))
    with pytest.raises(DeadlineExceeded, match=r"within 5 s .*was 'S I'"):
        balance.weigh_stable_g(5.0)


def test_being_busy_for_a_while_is_waited_for(world, balance: Balance) -> None:
    world.sim.server.faults.add(Fault(FaultKind.REFUSE, count=4))
    assert balance.weigh_stable_g(10.0) == 12.34


@both_wires
@pytest.mark.parametrize("kind", list(NAMED))
def test_every_fault_is_named_in_time_and_gone_afterwards(world, balance: Balance, kind: FaultKind) -> None:
    world.sim.server.faults.add(Fault(kind, after=1, delay_s=0.25))
    started_s = time.monotonic()
    with pytest.raises(NAMED[kind], match="balance"):
        balance.weigh_stable_g(10.0)
    assert time.monotonic() - started_s < 1.0
    if kind is FaultKind.DIE:
        with pytest.raises(ConnectionLost):
            balance.weigh_stable_g(10.0)
    else:
        world.load(77.0)
        assert balance.weigh_stable_g(60.0) == pytest.approx(77.0, abs=0.01)


@both_wires
def test_garbled_readings_are_named_or_outvoted(world, balance: Balance) -> None:
    """A changed digit looks like a reading, but the next one does not agree with it."""
    world.clock.sleep(5.0)
    for _ in range(12):
        world.sim.server.faults.add(Fault(FaultKind.GARBLE, after=1))
        with contextlib.suppress(ProtocolError, DeadlineExceeded):
            assert balance.weigh_stable_g(10.0) == pytest.approx(12.34, abs=0.0101)
    assert balance.weigh_stable_g(10.0) == 12.34


@both_wires
def test_a_late_reply_never_answers_the_next_question(world, balance: Balance) -> None:
    """The late line says 12.34 g; the tank has been filled since."""
    world.clock.sleep(5.0)
    world.sim.server.faults.add(Fault(FaultKind.LATE, delay_s=0.25))
    with pytest.raises(DeadlineExceeded):
        balance.weigh_stable_g(10.0)
    world.load(500.0)
    world.clock.sleep(60.0)
    until_s = time.monotonic() + 0.2
    while time.monotonic() < until_s:
        assert balance.weigh_stable_g(10.0) == pytest.approx(500.0, abs=0.01)


@both_wires
def test_the_print_key_does_no_harm(world, balance: Balance) -> None:
    world.loop_thread.call(world.sim.press_print)
    assert balance.weigh_stable_g(10.0) == 12.34


@both_wires
def test_a_restart_is_noticed(world, balance: Balance) -> None:
    """It zeroes itself with the tank on: a difference across it would be wrong."""
    assert balance.weigh_stable_g(10.0) == 12.34
    world.loop_thread.call(lambda: world.sim.server.tell(world.sim.restart()))
    time.sleep(0.05)
    with pytest.raises(InstrumentError, match="the balance restarted"):
        balance.weigh_stable_g(10.0)
    assert balance.weigh_stable_g(10.0) == 0.0


def test_nobody_there(world) -> None:
    with pytest.raises(ConnectionLost):
        open_mt_sics(Place("balance", "socket://127.0.0.1:1", world.clock))


@both_wires
def test_open_by_address(world, address: str) -> None:
    balance = open_mt_sics(Place("balance", address, world.clock))
    assert balance.weigh_stable_g(10.0) == 12.34
    balance.close()
    balance.close()


class Scripted:
    """A balance that answers as told: each ``SI`` takes the next of ``script``, the last for ever."""

    def __init__(self) -> None:
        self.script: list[str] = ["S S      12.34 g"]
        self.replies = {
            "@": 'I4 A "X1"',
            "I4": 'I4 A "X1"',
            "I2": 'I2 A "MS" "32000" "g"',
            "I3": 'I3 A "2.1"',
            "M21 0 0": "ES",
        }
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := (await reader.readline()).decode().strip():
            self.asked.append(command)
            if command == "SI":
                reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            else:
                reply = self.replies[command]
            writer.write(reply.encode("latin-1") + b"\r\n")
        writer.close()


@pytest.fixture
def scripted(loop_thread):
    """The scripted balance and its driver, opened."""
    other = Scripted()
    server = loop_thread.run(asyncio.start_server(other.serve, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    link = SerialLink("balance", f"socket://127.0.0.1:{port}", deadline_s=0.15)
    balance = MtSicsBalance("balance", link, VirtualClock(lambda _: True))
    balance.open()
    yield other, balance
    balance.close()
    loop_thread.call(server.close)


def test_a_balance_without_level_2_and_with_three_quoted_fields(scripted) -> None:
    assert scripted[1].identity == Identity("Mettler-Toledo", "MS 32000 g", "X1", "2.1")


@pytest.mark.parametrize(
    ("script", "mass_g", "polls"),
    [
        (["S S      12.34 g"], 12.34, 2),
        (["SI S      12.34 g"], 12.34, 2),
        (["S S   -12345.6 g"], -12345.6, 2),
        (["S S    12.3456 kg"], 12345.6, 2),
        (["S S      12345 g"], 12345.0, 2),
        (["S S      12.34 g", "S S      12.35 g"], 12.35, 2),
        (["S S      92.34 g", "S S      12.34 g"], 12.34, 3),
        (["S S      12.34 g", "S S      12.36 g", "S S      12.34 g"], 12.34, 4),
        (["S S      12.34 g", "S D      12.34 g", "S S      12.34 g"], 12.34, 4),
        (["S S      12.34 g", "S I", "S S      12.34 g"], 12.34, 4),
        (["TAC A\r\nS S      12.34 g", "S S      12.34 g"], 12.34, 2),
    ],
)
def test_what_is_a_reading(scripted, script: list[str], mass_g: float, polls: int) -> None:
    """Two stable ones in a row, equal within a step."""
    other, balance = scripted
    other.script = script
    assert balance.weigh_stable_g(30.0) == mass_g
    assert other.asked.count("SI") == polls


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("S +", InstrumentError, "overloaded"),
        ("S -", InstrumentError, "underloaded"),
        ("S S Error   10b", InstrumentError, "its own fault 10b"),
        ("S S     Error 3t g", ProtocolError, "not a reading"),
        ("ES", InstrumentError, "does not know the command"),
        ("ET", InstrumentError, "cable, parity and baud rate"),
        ("EL", InstrumentError, "cannot carry out"),
        ("S S      12.34 lb", ProtocolError, "'lb', not g or kg"),
        ("S S     12.34 g", ProtocolError, "not a reading"),
        ("S S       12.34 g", ProtocolError, "not a reading"),
        ("S S      12,34 g", ProtocolError, "not a reading"),
        ("S S      12.3. g", ProtocolError, "not a reading"),
        ("S S      1 .34 g", ProtocolError, "not a reading"),
        ("S S 12.34      g", ProtocolError, "not a reading"),
        ("S S        nan g", ProtocolError, "not a reading"),
        ("S S      12.34", ProtocolError, "not a reading"),
        ("S A      12.34 g", ProtocolError, "not a reading"),
        ("S", ProtocolError, "not a reading"),
        ("", ProtocolError, "not a line of MT-SICS"),
        ("s S      12.34 g", ProtocolError, "not a line of MT-SICS"),
        ("S S      12.3\xb5 g", ProtocolError, "not a line of MT-SICS"),
        ("X S      12.34 g", DeadlineExceeded, "no complete line"),
        ('I4 A "X1"\r\nS S      12.34 g', InstrumentError, "restarted"),
        ("\r\n".join(["TAC A"] * 6 + ["S S      12.34 g"]), ProtocolError, "no reply to it among 6 lines"),
    ],
)
def test_what_is_no_reading_is_named_and_the_next_one_counts(scripted, line: str, error, words: str) -> None:
    other, balance = scripted
    other.script = [line, "S S      56.78 g"]
    with pytest.raises(error, match=words):
        balance.weigh_stable_g(30.0)
    assert balance.weigh_stable_g(30.0) == 56.78
    if error in (ProtocolError, DeadlineExceeded):
        assert other.asked[-3:] == ["@", "SI", "SI"]


def test_another_balance_behind_the_same_port_is_refused(scripted) -> None:
    """The barrier after a bad line shows who answers."""
    other, balance = scripted
    other.script = ["rubbish", "S S      12.34 g"]
    with pytest.raises(ProtocolError):
        balance.weigh_stable_g(30.0)
    other.replies["@"] = 'I4 A "X2"'
    for _ in range(2):
        with pytest.raises(ProtocolError, match="serial number X1 expected: another balance"):
            balance.weigh_stable_g(30.0)


@pytest.mark.parametrize(
    ("command", "reply", "error"),
    [
        ("I4", 'I4 A "X2"', ProtocolError),
        ("I2", "I2 A", ProtocolError),
        ("I3", "ES", InstrumentError),
        ("M21 0 0", "M21 L", InstrumentError),
    ],
)
def test_an_answer_that_open_cannot_use_is_named(scripted, command: str, reply: str, error) -> None:
    other, balance = scripted
    other.replies[command] = reply
    with pytest.raises(error):
        balance.open()
