"""The simulated SBI balance, spoken to by plain pyserial."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
import serial

from meterbench.instruments.balance.sartorius_sbi_sim import SartoriusSbiSim
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from tests.instruments.balance.world import EXACT, World


@pytest.fixture
def world(loop_thread: LoopThread) -> World:
    return World(loop_thread, SartoriusSbiSim)


@pytest.fixture
def port(address: str) -> Iterator[serial.SerialBase]:
    with serial.serial_for_url(address, timeout=1.0) as port:
        yield port


def ask(port: serial.SerialBase, command: bytes) -> bytes:
    port.write(command)
    return port.read_until(b"\r\n")


def silent(port: serial.SerialBase, command: bytes) -> None:
    port.write(command)
    port.timeout = 0.05
    assert port.read(1) == b""
    port.timeout = 1.0


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own
@pytest.mark.parametrize("address", ["pty", "rfc2217"], indirect=True)
def test_golden_exchanges(world: World, port) -> None:
    """instruments.md 2.2: 6 characters of identification, sign, value to column 10, blank, unit only when stable."""
    assert ask(port, b"\x1bP") == b"N     +    12.34    \r\n"
    assert ask(port, b"\x1bP\r\n") == b"N     +    12.34    \r\n"
    world.clock.sleep(3.0)
    assert ask(port, b"\x1bP\r\n") == b"N     +    12.34 g  \r\n"
    assert ask(port, b"\x1bx1_\r\n") == b"SIM150K\r\n"
    assert ask(port, b"\x1bx2_") == b"0037402012\r\n"
    assert ask(port, b"\x1bx3_\r\n") == b"00-20-12.01\r\n"


def test_the_line_of_16_characters(world: World) -> None:
    """Vector 8 of instruments.md 11, at 0.01 g."""
    short = SartoriusSbiSim(lambda: -1.5, lambda: 0.0, np.random.default_rng(1), spec=EXACT, with_id=False)
    assert short._line() == b"-     1.50    \r\n"


def test_what_answers_nothing_is_seen_by_reading_back(world: World, port) -> None:
    """No acknowledge for tare, zero, filter, keys; unknown commands are passed over."""
    world.clock.sleep(3.0)
    for command in (b"\x1bK", b"\x1bO", b"\x1bR", b"\x1bf3_", b"FOO\r\n", b"\x1bU\r\n"):
        silent(port, command)
    assert ask(port, b"\x1bP") == b"N     +     0.00 g  \r\n"
    silent(port, b"\x1bV")
    world.load(5012.34)
    world.clock.sleep(60.0)
    assert ask(port, b"\x1bP") == b"N     +  5000.00 g  \r\n"
    silent(port, b"\x1bV")  # out of the zero range: nothing happens
    assert ask(port, b"\x1bP") == b"N     +  5000.00 g  \r\n"
    silent(port, b"\x1bT")
    assert ask(port, b"\x1bP") == b"N     +     0.00 g  \r\n"


def test_states_come_as_text(world: World, port) -> None:
    silent(port, b"\x1bZ")
    assert ask(port, b"\x1bP") == b"Stat     Cal.Int.   \r\n"
    world.clock.sleep(10.0)
    for mass_g, text in [(150_000.2, b"High"), (-3_001.0, b"Low")]:
        world.load(mass_g)
        world.clock.sleep(60.0)
        line = ask(port, b"\x1bP")
        assert (line[:6], line[6:-2].strip(), len(line)) == (b"Stat  ", text, 22)


def test_a_command_may_come_in_pieces(port) -> None:
    for piece in (b"\x1b", b"x", b"2"):
        port.write(piece)
        time.sleep(0.01)
    assert ask(port, b"_\r\n") == b"0037402012\r\n"


def test_refusal_and_restart(world: World, port) -> None:
    world.faults.add(Fault(FaultKind.REFUSE))
    assert ask(port, b"\x1bP") == b"Stat     Cal.Int.   \r\n"
    world.faults.add(Fault(FaultKind.RESTART))
    silent(port, b"\x1bP")
    world.clock.sleep(6.0)
    assert ask(port, b"\x1bP") == b"N     +     0.00 g  \r\n"
    world.loop_thread.call(world.sim.press_print)
    assert port.read_until(b"\r\n") == b"N     +     0.00 g  \r\n"
