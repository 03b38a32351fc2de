"""The server of simulated instruments on streams of bytes: wires, order of answers, and what a slow reader gets."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import serial

from meterbench.errors import ConfigError
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.serving.byte_server import ByteServer, Send, split_lines

pyserial_s_own = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")


class Parrot:
    """Says each line again, as often as its first character tells."""

    terminator = b"\n"

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        return split_lines(received, self.terminator)

    async def answer(self, request: bytes, send: Send) -> None:
        send(request * int(request[:1]) + self.terminator)

    def refusal(self, request: bytes) -> bytes:
        return b"no\n"

    def restart(self) -> bytes:
        return b"hello\n"

    def wrong_unit(self, message: bytes) -> bytes:
        return message


@pytest.fixture
def server(loop_thread: LoopThread) -> Iterator[ByteServer]:
    server = ByteServer(Parrot(), FaultPlan(seed=1))
    yield server
    loop_thread.run(server.stop())


def ask(port: serial.SerialBase, command: bytes) -> bytes:
    port.write(command + b"\n")
    answer: bytes = port.read_until(b"\n")
    return answer


def test_answers_leave_in_the_order_of_their_requests(loop_thread: LoopThread, server: ByteServer) -> None:
    """A late one holds up what comes behind it, as in an instrument that does one thing at a time."""
    server.faults.add(Fault(FaultKind.LATE, delay_s=0.2))
    with serial.Serial(loop_thread.run(server.start("pty")), timeout=1.0) as port:
        port.write(b"1a\n")
        time.sleep(0.02)
        started_s = time.monotonic()
        assert ask(port, b"1b") == b"1a\n"
        assert time.monotonic() - started_s > 0.1
        assert port.read_until(b"\n") == b"1b\n"
        assert ask(port, b"1c") == b"1c\n"


@pytest.mark.parametrize("wire", ["tcp", "pty", pytest.param("rfc2217", marks=pyserial_s_own)])
def test_long_answers_and_every_byte_arrive(loop_thread: LoopThread, server: ByteServer, wire: str) -> None:
    """36 kB to a reader that is slower than the sender; 0xFF is doubled and halved again by telnet."""
    line = b"9" + bytes(byte for byte in range(256) if byte != 10) * 16
    with serial.serial_for_url(loop_thread.run(server.start(wire)), timeout=2.0) as port:
        assert ask(port, line) == line * 9 + b"\n"
        assert ask(port, b"1") == b"1\n"


@pyserial_s_own
def test_rfc_2217_keeps_what_the_client_sets(loop_thread: LoopThread, server: ByteServer) -> None:
    """Parity, size and rate are negotiated with a client that we did not write."""
    address = loop_thread.run(server.start("rfc2217"))
    with serial.serial_for_url(address, baudrate=1200, bytesize=7, parity="E", stopbits=2, timeout=1.0) as port:
        line = server.line
        assert (line.baudrate, line.bytesize, line.parity, line.stopbits) == (1200, 7, "E", 2)
        port.reset_input_buffer()
        port.reset_output_buffer()
        assert port.cts
        assert ask(port, b"2x") == b"2x2x\n"


def test_a_key_pressed_is_a_request_with_faults(loop_thread: LoopThread, server: ByteServer) -> None:
    server.faults.add(Fault(FaultKind.REFUSE))
    with serial.serial_for_url(loop_thread.run(server.start("tcp")), timeout=1.0) as port:
        assert ask(port, b"1") == b"no\n"
        loop_thread.call(lambda: server.press(b"1key"))
        assert port.read_until(b"\n") == b"1key\n"


def test_an_unknown_wire_is_named(loop_thread: LoopThread, server: ByteServer) -> None:
    with pytest.raises(ConfigError, match="no wire 'usb'; allowed: tcp, pty, rfc2217"):
        loop_thread.run(server.start("usb"))
