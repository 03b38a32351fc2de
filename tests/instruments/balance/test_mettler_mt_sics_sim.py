"""The simulated terminal, spoken to by plain pyserial over a pseudo-terminal and over TCP."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import serial

from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.serving.byte_server import Transcribed

both_wires = pytest.mark.parametrize("address", ["tcp", "pty"], indirect=True)


@pytest.fixture
def port(address: str) -> Iterator[serial.SerialBase]:
    with serial.serial_for_url(address, timeout=1.0) as port:
        yield port
        # pyserial's socket:// keeps its socket if the peer is gone.
        if (sock := getattr(port, "_socket", None)) is not None:
            sock.close()


def ask(port: serial.SerialBase, command: str, lines: int = 1) -> list[str]:
    port.write(command.encode() + b"\r\n")
    replies = [port.read_until(b"\r\n") for _ in range(lines)]
    assert all(reply.endswith(b"\r\n") for reply in replies), replies
    return [reply[:-2].decode() for reply in replies]


@both_wires
def test_golden_exchanges(world, port) -> None:
    """instruments.md 11.7 with its field of 10 characters, and the forms of 2.1."""
    golden = [
        ("SI", "S D      12.34 g"),
        ("@", 'I4 A "B207696838"'),
        ("FOO", "ES"),
        ("I1", 'I1 A "01" "2.30" "2.22" "" ""'),
        ("I2", 'I2 A "SIM 150000.00 g"'),
        ("I3", 'I3 A "1.00 10.28.0.493.142"'),
        ("I4", 'I4 A "B207696838"'),
        ("TI", "TI D      12.34 g"),
        ("TA", "TA A      12.34 g"),
        ("SI", "S D       0.00 g"),
        ("TA 0.002 kg", "TA A       2.00 g"),
        ("TA 151 kg", "TA L"),
        ("TA lot", "TA L"),
        ("SI", "S D      10.34 g"),
        ("TAC", "TAC A"),
        ("M21 0 1", "M21 A"),
        ("SI", "S D    0.01234 kg"),
        ("M21 0 0", "M21 A"),
        ("M21 0 9", "M21 L"),
        ("ZI", "ZI D"),
        ("SI", "S D       0.00 g"),
        ("SI ", "S D       0.00 g"),
        ("si", "ES"),
        ("\xff", "ET"),
    ]
    for command, reply in golden:
        assert ask(port, command) == [reply], command
    assert list(world.sim.server.transcript)[:2] == [
        Transcribed(">", b"SI\r\n"),
        Transcribed("<", b"S D      12.34 g\r\n"),
    ]


def test_stable_forms(world, port) -> None:
    world.clock.sleep(3.0)
    for command, reply in [
        ("SI", "S S      12.34 g"),
        ("S", "S S      12.34 g"),
        ("T", "T S      12.34 g"),
        ("S", "S S       0.00 g"),
        ("Z", "Z A"),
        ("ZI", "ZI S"),
        ("TI", "TI S       0.00 g"),
    ]:
        assert ask(port, command) == [reply], command


def test_lists_and_cancel(port) -> None:
    listed = ask(port, "I0", 17)
    assert listed[0] == 'I0 B 0 "@"'
    assert listed[-1] == 'I0 A 2 "M21"'
    assert ask(port, "C", 2) == ["C B", "C A"]


@pytest.mark.parametrize(("mass_g", "sign"), [(150_000.2, "+"), (-3_001.0, "-")])
def test_out_of_range(world, port, mass_g: float, sign: str) -> None:
    world.load(mass_g)
    world.clock.sleep(60.0)
    assert ask(port, "SI") == [f"S {sign}"]
    assert ask(port, "ZI") == [f"ZI {sign}"]


@both_wires
def test_s_waits_for_rest_in_world_time_and_gives_up(world, port) -> None:
    """With time standing still it waits; ``@`` takes it back."""
    port.write(b"S\r\n")
    port.timeout = 0.05
    assert port.read_until(b"\r\n") == b""
    world.clock.sleep(3.0)
    port.timeout = 1.0
    assert port.read_until(b"\r\n") == b"S S      12.34 g\r\n"
    world.flow_g_s = 1.0
    world.clock.sleep(1.0)
    port.write(b"S\r\n")
    time.sleep(0.05)
    world.clock.sleep(11.0)
    assert port.read_until(b"\r\n") == b"S I\r\n"
    port.write(b"S\r\n")
    time.sleep(0.05)
    assert ask(port, "@") == ['I4 A "B207696838"']
    world.flow_g_s = 0.0
    world.clock.sleep(60.0)
    assert ask(port, "I3") == ['I3 A "1.00 10.28.0.493.142"']


@both_wires
def test_sir_streams_until_another_command(world, port) -> None:
    assert ask(port, "SIR") == ["S D      12.34 g"]
    for _ in range(3):
        world.clock.sleep(1.0)
        assert port.read_until(b"\r\n").endswith(b"12.34 g\r\n")
    assert ask(port, "@") == ['I4 A "B207696838"']
    world.clock.sleep(1.0)
    assert ask(port, "I4") == ['I4 A "B207696838"']


@both_wires
def test_a_command_may_come_in_pieces(port) -> None:
    port.write(b"S")
    time.sleep(0.02)
    assert ask(port, "I") == ["S D      12.34 g"]


@pytest.mark.parametrize(
    ("command", "reply"), [("SI", b"S I\r\n"), ("@", b"I4 I\r\n"), ("TA 1 g", b"TA I\r\n"), ("Z", b"Z I\r\n")]
)
def test_a_refusal_changes_nothing(world, port, command: str, reply: bytes) -> None:
    world.sim.server.faults.add(Fault(FaultKind.REFUSE))
    port.write(command.encode() + b"\r\n")
    assert port.read_until(b"\r\n") == reply
    assert ask(port, "SI") == ["S D      12.34 g"]
