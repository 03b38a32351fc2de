"""Registers in RTU frames: over a pseudo-terminal and over TCP, with a peer that does what a line can do."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator

import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from meterbench.errors import ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import RESYNCHRONISE_ATTEMPTS, SILENCE_S, ModbusLink
from meterbench.instruments.serving.byte_server import ByteServer, Send

DEADLINE_S = 0.25


@pytest.fixture(autouse=True)
def quiet_pymodbus() -> Iterator[None]:
    """pymodbus dumps its last frames at ERROR level for each broken request."""
    logger = logging.getLogger("pymodbus")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


def crc(frame: bytes) -> bytes:
    """The checksum of the RTU chapter, bit by bit: not the table that pymodbus uses."""
    register = 0xFFFF
    for byte in frame:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register.to_bytes(2, "little")


class Line:
    """A device at the other end of a pseudo-terminal; ``answer`` gives the bytes and how late they are.

    It does one thing after the other: while it is late with one answer, the next question waits.
    """

    def __init__(self) -> None:
        self.answer: Callable[[bytes], tuple[bytes, float]] = lambda frame: (b"", 0.0)
        self.frames: list[bytes] = []
        self._controller, self._port = os.openpty()
        tty.setraw(self._port)
        self.address = f"rtu://{os.ttyname(self._port)}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while (frame := os.read(self._controller, 256)) != b"stop":
            self.frames.append(frame)
            reply, late_s = self.answer(frame)
            time.sleep(late_s)
            os.write(self._controller, reply)

    def stop(self) -> None:
        os.write(self._port, b"stop")
        self._thread.join()
        os.close(self._controller)
        os.close(self._port)


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.stop()


@pytest.fixture
def link(line: Line) -> Iterator[ModbusLink]:
    link = ModbusLink("master_a", line.address, deadline_s=DEADLINE_S)
    link.open()
    yield link
    link.close()


def holding(number: int) -> Callable[[bytes], tuple[bytes, float]]:
    """A device whose registers all hold ``number``."""

    def answer(frame: bytes) -> tuple[bytes, float]:
        count = int.from_bytes(frame[4:6], "big")
        body = frame[:2] + bytes([2 * count]) + number.to_bytes(2, "big") * count
        return body + crc(body), 0.0

    return answer


def test_read_is_the_published_frame(line: Line, link: ModbusLink) -> None:
    """Two registers at wire address 2008, unit 1 (instruments.md 11.1), after one to get into step; float 2.5."""
    line.answer = lambda frame: (bytes.fromhex("01 03 02 40 20") + crc(bytes.fromhex("01 03 02 40 20")), 0.0)
    with pytest.raises(ProtocolError, match="1 registers instead of 2"):
        link.read_holding(2008, 2)
    assert line.frames[0] == bytes.fromhex("01 03 07 D8 00 01 05 45")
    assert line.frames[1] == bytes.fromhex("01 03 07 D8 00 02 45 44")
    line.answer = holding(0x4020)
    assert link.read_holding(2008, 2) == [0x4020, 0x4020]


def test_input_registers_are_function_4(line: Line, link: ModbusLink) -> None:
    line.answer = holding(7)
    assert link.read_input(30002, 2) == [7, 7]
    assert line.frames[-1] == bytes.fromhex("01 04 75 32 00 02") + crc(bytes.fromhex("01 04 75 32 00 02"))


def test_in_step_each_question_is_one_frame(line: Line, link: ModbusLink) -> None:
    """One question to get into step after opening, none afterwards, not even after a refusal."""
    line.answer = holding(7)
    for _ in range(3):
        link.read_holding(100, 4)
    assert len(line.frames) == 4
    line.answer = lambda frame: (b"\x01\x83\x02" + crc(b"\x01\x83\x02"), 0.0)
    with pytest.raises(InstrumentError, match="illegal address"):
        link.read_holding(100, 4)
    line.answer = holding(8)
    assert link.read_holding(100, 4) == [8] * 4
    assert len(line.frames) == 6


@pytest.mark.parametrize("late_s", [0.3, 0.45, 0.55, 0.8])
def test_a_late_answer_never_answers_the_same_question_again(line: Line, link: ModbusLink, late_s: float) -> None:
    """The very same question is polled; what was true before must not come as if it were now."""
    line.answer = holding(1)
    assert link.read_holding(100, 4) == [1] * 4
    old = holding(1)
    line.answer = lambda frame: (old(frame)[0], late_s)
    with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.25 s.*check cable, power, unit id, baud rate"):
        link.read_holding(100, 4)
    line.answer = holding(2)
    answers = []
    for _ in range(6):
        try:
            answers.append(link.read_holding(100, 4))
        except (DeadlineExceeded, ProtocolError):
            continue
    assert len(answers) >= 2
    assert all(answer == [2] * 4 for answer in answers)


def test_silence_is_named_in_time_and_a_write_is_not_repeated(line: Line, link: ModbusLink) -> None:
    line.answer = holding(1)
    link.read_holding(100, 2)
    line.answer = lambda frame: (b"", 0.0)
    for _ in range(3):
        started_s = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            link.write_registers(100, [5, 6])
        assert time.monotonic() - started_s < DEADLINE_S + SILENCE_S + 0.2
    assert sum(frame[1] == 16 for frame in line.frames) == 1


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        (b"\x02\x03\x04\x00\x01\x00\x02", "it comes from unit 2, not 1"),
        (b"\x01\x04\x04\x00\x01\x00\x02", "it is function 4"),
        (b"\x01\x03\x02\x00\x01", "1 registers instead of 2"),
    ],
    ids=["unit", "function", "count"],
)
def test_a_frame_that_does_not_answer_is_a_protocol_error(
    line: Line, link: ModbusLink, reply: bytes, named: str
) -> None:
    """Its checksum may be right."""
    line.answer = holding(1)
    link.read_holding(0, 2)
    line.answer = lambda frame: (reply + crc(reply), 0.0)
    with pytest.raises(ProtocolError, match=named):
        link.read_holding(0, 2)
    line.answer = holding(9)
    assert link.read_holding(0, 2) == [9, 9]


@pytest.mark.parametrize("place", range(9))
def test_one_wrong_bit_anywhere_is_a_protocol_error(line: Line, link: ModbusLink, place: int) -> None:
    line.answer = holding(0x1234)
    link.read_holding(0, 2)

    def garbled(frame: bytes) -> tuple[bytes, float]:
        reply = bytearray(holding(0x1234)(frame)[0])
        reply[place] ^= 0x10
        return bytes(reply), 0.0

    line.answer = garbled
    with pytest.raises(ProtocolError, match="not an answer"):
        link.read_holding(0, 2)
    line.answer = holding(0x1234)
    assert link.read_holding(0, 2) == [0x1234] * 2


@pytest.mark.parametrize(("before", "after"), [(b"\x00", b""), (b"", b"\x00"), (b"\xff\xff", b"\xff")])
def test_a_frame_amid_other_bytes_is_not_taken(line: Line, link: ModbusLink, before: bytes, after: bytes) -> None:
    """pymodbus finds the frame; noise beside it says that the line is not to be trusted."""
    line.answer = holding(3)
    link.read_holding(0, 2)
    line.answer = lambda frame: (before + holding(3)(frame)[0] + after, 0.0)
    with pytest.raises(ProtocolError, match="not an answer"):
        link.read_holding(0, 2)


def test_a_line_that_is_never_silent_is_given_up(line: Line, link: ModbusLink) -> None:
    line.answer = lambda frame: (b"", 0.0)
    stop = threading.Event()

    def babble() -> None:
        while not stop.wait(0.01):
            os.write(line._controller, b"U")

    thread = threading.Thread(target=babble)
    thread.start()
    started_s = time.monotonic()
    with pytest.raises(ProtocolError, match="never silent"):
        link.read_holding(0, 2)
    assert time.monotonic() - started_s < RESYNCHRONISE_ATTEMPTS * (DEADLINE_S + 0.1)
    stop.set()
    thread.join()


def test_a_port_that_does_not_exist_is_connection_lost() -> None:
    link = ModbusLink("master_a", "rtu:///dev/no-such-port")
    with pytest.raises(ConnectionLost, match="master_a at rtu:///dev/no-such-port, unit 1: nobody answers"):
        link.open()


@pytest.mark.peer
@pytest.mark.parametrize("address", ["rtu-tcp://127.0.0.1:{}", "rtu://socket://127.0.0.1:{}"])
def test_rtu_over_tcp_of_pymodbus_server(loop_thread: LoopThread, address: str) -> None:
    """A server that we did not write, and a socket opened by ourselves or by pyserial."""

    async def start() -> ModbusTcpServer:
        values = SimData(0, values=list(range(100)), datatype=DataType.REGISTERS)
        server = ModbusTcpServer([SimDevice(7, simdata=[values])], framer=FramerType.RTU, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        return server

    server = loop_thread.run(start())
    port = server.transport.sockets[0].getsockname()[1]
    link = ModbusLink("master_a", address.format(port), unit_id=7)
    link.open()
    link.write_registers(5, [500, 501])
    assert link.read_holding(4, 4) == [4, 500, 501, 7]
    assert link.read_input(4, 1) == [4]
    link.close()
    loop_thread.run(server.shutdown())


class Registers:
    """A device behind RFC 2217 whose holding registers all hold 0xFF01: 255 is an escape there."""

    terminator = b""

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        whole = len(received) // 8 * 8
        return [received[start : start + 8] for start in range(0, whole, 8)], received[whole:]

    async def answer(self, request: bytes, send: Send) -> None:
        send(holding(0xFF01)(request)[0])

    def refusal(self, request: bytes) -> bytes:
        return b""

    def restart(self) -> bytes:
        return b""

    def wrong_unit(self, message: bytes) -> bytes:
        return message


def test_rtu_behind_rfc_2217(loop_thread: LoopThread) -> None:
    """The port is opened with its settings and in spite of pyserial's own warnings, and again after a silence."""
    faults = FaultPlan()
    server = ByteServer(Registers(), faults)
    link = ModbusLink(
        "master_a",
        f"rtu://{loop_thread.run(server.start('rfc2217'))}",
        baudrate=9600,
        parity="E",
        deadline_s=DEADLINE_S,
    )
    try:
        link.open()
        assert (server.line.baudrate, server.line.bytesize, server.line.parity) == (9600, 8, "E")
        assert link.read_holding(2008, 2) == [0xFF01, 0xFF01]
        faults.add(Fault(FaultKind.SILENCE))
        with pytest.raises(DeadlineExceeded, match="master_a"):
            link.read_holding(2008, 2)
        assert link.read_holding(2008, 2) == [0xFF01, 0xFF01]
    finally:
        link.close()
        loop_thread.run(server.stop())


def test_a_port_behind_rfc_2217_that_is_not_there() -> None:
    """Named, as any other."""
    link = ModbusLink("master_a", "rtu://rfc2217://127.0.0.1:1", deadline_s=DEADLINE_S)
    with pytest.raises(ConnectionLost, match="master_a"):
        link.open()


def test_an_answer_that_comes_twice_never_answers_the_next_question() -> None:
    """A serial device server may repeat a frame: nothing tells it from the answer to the same question a while later.

    It is thrown away, and the next question comes after one to get into step.
    """
    frames: list[bytes] = []
    number = 1

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            while frame := client.recv(256):
                frames.append(frame)
                client.sendall(holding(number)(frame)[0])
                if len(frames) == 2:
                    time.sleep(0.05)
                    client.sendall(holding(number)(frame)[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        link = ModbusLink("master_a", f"rtu-tcp://127.0.0.1:{listener.getsockname()[1]}", deadline_s=DEADLINE_S)
        link.open()
        try:
            assert link.read_holding(100, 4) == [1] * 4
            time.sleep(0.1)
            number = 2
            assert link.read_holding(100, 4) == [2] * 4
        finally:
            link.close()
            thread.join()
    assert len(frames) == 4


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_device_that_refuses_other_numbers_of_registers_gets_back_into_step(
    line: Line, link: ModbusLink, count: int
) -> None:
    """A refusal does not tell which question it refuses. A slow device that gives whole numbers only was late once:
    from then on each question must get its own answer, and no refusal that belongs to another."""

    def whole_only(number: int, lasts_s: float) -> Callable[[bytes], tuple[bytes, float]]:
        def answer(frame: bytes) -> tuple[bytes, float]:
            if int.from_bytes(frame[4:6], "big") == count:
                return holding(number)(frame)[0], lasts_s
            return b"\x01\x83\x02" + crc(b"\x01\x83\x02"), lasts_s

        return answer

    answer_s, late_s = 0.1, 0.4
    line.answer = whole_only(1, answer_s)
    assert link.read_holding(100, count) == [1] * count
    line.answer = whole_only(1, late_s)
    with pytest.raises(DeadlineExceeded):
        link.read_holding(100, count)
    line.answer = whole_only(2, answer_s)
    link.read_holding(100, count)
    for number in (3, 4):
        line.answer = whole_only(number, answer_s)
        assert link.read_holding(100, count) == [number] * count
        time.sleep(0.3)
