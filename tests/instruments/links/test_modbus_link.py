"""Registers over Modbus TCP: golden frames from a raw peer, and pymodbus' own server as the other one."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from meterbench.errors import ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink

DEADLINE_S = 0.3


@pytest.fixture(autouse=True)
def quiet_pymodbus() -> Iterator[None]:
    """pymodbus dumps its last frames at ERROR level for each broken request."""
    logger = logging.getLogger("pymodbus")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


class RawPeer:
    """Answers each frame with what ``answer`` makes of it after ``delay_s``; None closes the connection."""

    def __init__(self, loop_thread: LoopThread) -> None:
        self.answer: Callable[[bytes], bytes | None] = lambda frame: b""
        self.delay_s = 0.0
        self.frames: list[bytes] = []
        self.server = loop_thread.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.read(6):
                frame = head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
                self.frames.append(frame)
                answer = self.answer(frame)
                if answer is None:
                    break
                await asyncio.sleep(self.delay_s)
                writer.write(answer)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
def peer(loop_thread: LoopThread) -> Iterator[RawPeer]:
    peer = RawPeer(loop_thread)
    yield peer
    loop_thread.call(peer.server.close)


@pytest.fixture
def link(peer: RawPeer) -> Iterator[ModbusLink]:
    link = ModbusLink("rig", f"tcp://127.0.0.1:{peer.port}", deadline_s=DEADLINE_S)
    link.open()
    yield link
    link.close()


def registers(*values: int) -> Callable[[bytes], bytes]:
    """A proper answer to a read, with the request's transaction id."""
    body = bytes([1, 3, 2 * len(values)]) + b"".join(value.to_bytes(2, "big") for value in values)
    return lambda frame: frame[:4] + len(body).to_bytes(2, "big") + body


def test_read_is_the_published_frame(peer: RawPeer, link: ModbusLink) -> None:
    """Two registers at wire address 2008, unit 1, transaction 1 (instruments.md 11.1), and float 2.5 as ABCD (11.2)."""
    peer.answer = registers(0x4020, 0x0000)
    assert link.read_holding(2008, 2) == [0x4020, 0x0000]
    assert peer.frames == [bytes.fromhex("00 01 00 00 00 06 01 03 07 D8 00 02")]
    (exchange,) = link.trace()
    assert exchange.sent == peer.frames[0]
    assert exchange.received == bytes.fromhex("00 01 00 00 00 07 01 03 04 40 20 00 00")


def test_write_is_function_16_with_its_echo(peer: RawPeer, link: ModbusLink) -> None:
    """Two registers from 100: address, count, byte count and values; the answer repeats address and count."""
    peer.answer = lambda frame: frame[:4] + b"\x00\x06" + frame[6:12]
    link.write_registers(100, [1, 0xFFFF])
    assert peer.frames == [bytes.fromhex("00 01 00 00 00 0B 01 10 00 64 00 02 04 00 01 FF FF")]


def test_exception_reply_is_an_instrument_error_in_words(peer: RawPeer, link: ModbusLink) -> None:
    """A refusal is named and leaves the connection open."""
    peer.answer = lambda frame: frame[:4] + b"\x00\x03\x01\x83\x02"
    with pytest.raises(InstrumentError, match=r"refused with exception 2 \(illegal address\)"):
        link.read_holding(9999, 1)
    peer.answer = registers(7)
    assert link.read_holding(0, 1) == [7]


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (registers(1, 2, 3), "3 registers instead of 2"),
        (lambda frame: frame[:4] + b"\x00\x07\x01\x04\x04\x00\x01\x00\x02", "function 4"),
        (lambda frame: b"\x00\x63" + registers(1, 2)(frame)[2:], "not an answer"),
        (lambda frame: frame[:4] + b"\x00\x07\x02\x03\x04\x00\x01\x00\x02", "not an answer"),
        (lambda frame: b"HTTP/1.1 400 Bad Request\r\n", "not an answer"),
        (lambda frame: frame[:4] + b"\x00\x05\x01\x03\x04\x00\x01", "asked"),
    ],
    ids=["count", "function", "transaction", "unit", "not Modbus", "short"],
)
def test_garbled_frame_is_never_registers(
    peer: RawPeer, link: ModbusLink, answer: Callable[[bytes], bytes], named: str
) -> None:
    """Every part of a reply is checked against the request; the next request gets its own answer."""
    peer.answer = answer
    with pytest.raises(ProtocolError, match=named):
        link.read_holding(0, 2)
    peer.answer = registers(8, 9)
    assert link.read_holding(0, 2) == [8, 9]


def test_wrong_echo_of_a_write_is_a_protocol_error(peer: RawPeer, link: ModbusLink) -> None:
    """A device that confirms something else has not done what was asked."""
    peer.answer = lambda frame: frame[:4] + b"\x00\x06\x01\x10\x00\x65\x00\x01"
    with pytest.raises(ProtocolError, match="confirms 1 registers at 101"):
        link.write_registers(100, [5])


def test_silence_is_deadline_exceeded_and_asked_once(peer: RawPeer, link: ModbusLink) -> None:
    """The link never repeats a request by itself: a write would happen twice."""
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.3 s; asked .*00 01 00 00 00 06 01 03"):
        link.read_holding(0, 2)
    assert time.monotonic() - started_s < DEADLINE_S + 0.2
    assert len(peer.frames) == 1


def test_late_reply_never_answers_the_next_request(peer: RawPeer, link: ModbusLink) -> None:
    """The late reply arrives while the next request is open; that one gets its own answer."""
    peer.answer, peer.delay_s = registers(66), DEADLINE_S + 0.05
    with pytest.raises(DeadlineExceeded):
        link.read_holding(0, 1)
    peer.answer, peer.delay_s = registers(7), 0.1
    assert link.read_holding(0, 1) == [7]


def test_closed_connection_is_lost_and_opened_anew(peer: RawPeer, link: ModbusLink) -> None:
    """The peer hangs up: ``ConnectionLost`` at once, and the next request connects again."""
    peer.answer = lambda frame: None
    with pytest.raises(ConnectionLost, match="connection lost"):
        link.read_holding(0, 1)
    peer.answer = registers(7)
    assert link.read_holding(0, 1) == [7]


def test_server_that_is_gone_is_connection_lost(loop_thread: LoopThread, peer: RawPeer, link: ModbusLink) -> None:
    """Both when connecting and in a session whose server does not come back."""
    peer.answer = lambda frame: None
    loop_thread.call(peer.server.close)
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            link.read_holding(0, 1)
    with pytest.raises(ConnectionLost, match="nobody answers"):
        link.open()
    with pytest.raises(ConnectionLost, match="open the link first"):
        link.read_holding(0, 1)


def test_callers_mistake_is_not_a_fault_of_the_wire(link: ModbusLink) -> None:
    """126 registers do not fit a frame: an error of the program."""
    with pytest.raises(ValueError, match="126"):
        link.read_holding(0, 126)


@pytest.mark.peer
def test_threads_never_mix_replies_of_pymodbus_server(loop_thread: LoopThread) -> None:
    """Four threads on one link, each reads registers of its own, against a server that we did not write."""

    async def start() -> ModbusTcpServer:
        values = SimData(0, values=list(range(100)), datatype=DataType.REGISTERS)
        server = ModbusTcpServer([SimDevice(1, simdata=[values])], address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        return server

    server = loop_thread.run(start())
    port = server.transport.sockets[0].getsockname()[1]
    link = ModbusLink("rig", f"tcp://127.0.0.1:{port}", deadline_s=5.0)
    link.open()
    wrong: list[list[int]] = []

    def ask(first: int) -> None:
        for _ in range(50):
            if (got := link.read_holding(first, 10)) != list(range(first, first + 10)):
                wrong.append(got)

    threads = [threading.Thread(target=ask, args=(20 * name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    link.write_registers(5, [500, 501])
    assert link.read_holding(4, 4) == [4, 500, 501, 7]
    link.close()
    loop_thread.run(server.shutdown())
    assert wrong == []
