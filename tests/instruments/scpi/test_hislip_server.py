"""HiSLIP: the wire byte by byte, and pyvisa-py as the client that we did not write (IVI-6.1, instruments.md 8.4)."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource
from pyvisa_py.protocols import hislip

from meterbench.errors import ConfigError
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.hislip_server import LONGEST_MESSAGE, Kind, Message
from meterbench.instruments.scpi.parameters import Number
from meterbench.instruments.scpi.server import ScpiServer

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi

FIRST_ID = 0xFFFFFF00


def supply() -> ScpiInstrument:
    instrument = ScpiInstrument("Acme,PS1,42,1.0", on_reset=lambda: None)
    instrument.setting("VOLTage", Number(0.0, 30.0, "V"), 0.0)
    return instrument


def connect(server: ScpiServer, timeout_ms: int = 2000) -> MessageBasedResource:
    resource = pyvisa.ResourceManager("@py").open_resource(
        server.address, read_termination="\n", write_termination="\n", timeout=timeout_ms
    )
    return cast("MessageBasedResource", resource)


class Channel:
    """One bare connection."""

    def __init__(self, server: ScpiServer) -> None:
        match = re.search(r",(\d+)::", server.address)
        assert match is not None
        self._socket = socket.create_connection(("127.0.0.1", int(match[1])), 2.0)

    def send(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        self._socket.sendall(Message(kind, control, parameter, payload).encoded())

    def send_bytes(self, wire: bytes) -> None:
        self._socket.sendall(wire)

    def read(self) -> Message:
        _, kind, control, parameter, length = struct.unpack("!2sBBIQ", self._exactly(16))
        return Message(kind, control, parameter, self._exactly(length))

    def ask(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> Message:
        self.send(kind, control, parameter, payload)
        return self.read()

    def ended(self) -> bool:
        return self._socket.recv(1) == b""

    def close(self) -> None:
        self._socket.close()

    def _exactly(self, length: int) -> bytes:
        received = b""
        while len(received) < length:
            chunk = self._socket.recv(length - len(received))
            assert chunk
            received += chunk
        return received


@contextmanager
def session(server: ScpiServer) -> Iterator[tuple[Channel, Channel]]:
    sync, other = Channel(server), Channel(server)
    opened = sync.ask(Kind.INITIALIZE, 0, 0x0100 << 16 | 0x7878, b"hislip0")
    assert (opened.kind, opened.control, opened.parameter >> 16) == (Kind.INITIALIZE_RESPONSE, 0, 0x0100)
    assert other.ask(Kind.ASYNC_INITIALIZE, 0, opened.parameter & 0xFFFF).kind == Kind.ASYNC_INITIALIZE_RESPONSE
    yield sync, other
    sync.close()
    other.close()


def test_header_on_the_wire() -> None:
    """The vector of instruments.md 11.9."""
    assert (
        Message(Kind.DATA_END, 0, FIRST_ID, b"*IDN?\n").encoded()
        == bytes.fromhex("48 53 07 00 FF FF FF 00 00 00 00 00 00 00 00 06") + b"*IDN?\n"
    )


def test_an_answer_has_the_number_of_its_question(serve_scpi: ServeScpi) -> None:
    """Bytes both ways, the message in two parts, and a command that is not answered."""
    server = serve_scpi(supply(), FaultPlan(), "hislip")
    with session(server) as (sync, _):
        sync.send(Kind.DATA_END, 0, FIRST_ID, b"VOLT 3\n")
        sync.send(Kind.DATA, 0, FIRST_ID + 2, b"VO")
        answer = sync.ask(Kind.DATA_END, 0, FIRST_ID + 4, b"LT?\n")
        assert answer == Message(Kind.DATA_END, 0, FIRST_ID + 4, b"+3.00000000E+00\n")
    assert [(entry.direction, entry.line) for entry in server.transcript] == [
        (">", b"VOLT 3\n"),
        (">", b"VOLT?\n"),
        ("<", b"+3.00000000E+00\n"),
    ]


def test_asynchronous_channel(serve_scpi: ServeScpi) -> None:
    """Size, status with a message available and after it was read, remote control, an unknown message."""
    with session(serve_scpi(supply(), FaultPlan(), "hislip")) as (sync, other):
        size = other.ask(Kind.ASYNC_MAX_MESSAGE_SIZE, 0, 0, (1 << 20).to_bytes(8))
        assert size == Message(Kind.ASYNC_MAX_MESSAGE_SIZE_RESPONSE, 0, 0, LONGEST_MESSAGE.to_bytes(8))
        sync.ask(Kind.DATA_END, 0, FIRST_ID, b"VOLT?\n")
        assert other.ask(Kind.ASYNC_STATUS_QUERY, 0, FIRST_ID) == Message(Kind.ASYNC_STATUS_RESPONSE, 16)
        assert other.ask(Kind.ASYNC_STATUS_QUERY, 1, FIRST_ID) == Message(Kind.ASYNC_STATUS_RESPONSE, 0)
        assert other.ask(Kind.ASYNC_REMOTE_LOCAL_CONTROL, 1, FIRST_ID).kind == Kind.ASYNC_REMOTE_LOCAL_RESPONSE
        assert other.ask(99).kind == Kind.ERROR
        assert sync.ask(99).kind == Kind.ERROR


def test_device_clear_leaves_what_was_asked(serve_scpi: ServeScpi) -> None:
    """A late answer is never given any more, and the next question is answered."""
    faults = FaultPlan((Fault(FaultKind.LATE, delay_s=60.0),))
    server = serve_scpi(supply(), faults, "hislip")
    with session(server) as (sync, other):
        sync.send(Kind.DATA_END, 0, FIRST_ID, b"VOLT?\n")
        while not server.transcript:
            time.sleep(0.01)
        assert other.ask(Kind.ASYNC_DEVICE_CLEAR).kind == Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE
        assert sync.ask(Kind.DEVICE_CLEAR_COMPLETE).kind == Kind.DEVICE_CLEAR_ACKNOWLEDGE
        assert sync.ask(Kind.DATA_END, 0, FIRST_ID, b"*TST?\n").payload == b"0\n"


def test_device_clear_also_leaves_what_it_overtakes(serve_scpi: ServeScpi) -> None:
    """A message of before the clear that arrives in the middle of it is not carried out."""
    server = serve_scpi(supply(), FaultPlan(), "hislip")
    with session(server) as (sync, other):
        assert other.ask(Kind.ASYNC_DEVICE_CLEAR).kind == Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE
        sync.send(Kind.DATA_END, 0, FIRST_ID, b"VOLT?\n")
        assert sync.ask(Kind.DEVICE_CLEAR_COMPLETE).kind == Kind.DEVICE_CLEAR_ACKNOWLEDGE
        assert server.transcript == []
        assert sync.ask(Kind.DATA_END, 0, FIRST_ID, b"*TST?\n").payload == b"0\n"


def test_lock_keeps_others_waiting(serve_scpi: ServeScpi) -> None:
    """Until it is released, or its holder goes."""
    server = serve_scpi(supply(), FaultPlan(), "hislip")
    with session(server) as (sync, other):
        with session(server) as (_, holder):
            assert other.ask(Kind.ASYNC_LOCK_INFO) == Message(Kind.ASYNC_LOCK_INFO_RESPONSE, 0, 0)
            assert holder.ask(Kind.ASYNC_LOCK, 1, 1000).control == 1
            assert other.ask(Kind.ASYNC_LOCK, 1, 1000).control == 0
            assert other.ask(Kind.ASYNC_LOCK, 0, 0).control == 3
            assert other.ask(Kind.ASYNC_LOCK_INFO) == Message(Kind.ASYNC_LOCK_INFO_RESPONSE, 1, 1)
            sync.send(Kind.DATA_END, 0, FIRST_ID, b"*TST?\n")
            assert server.transcript == []
            assert holder.ask(Kind.ASYNC_LOCK, 0, 0).control == 1
            assert sync.read().payload == b"0\n"
            assert holder.ask(Kind.ASYNC_LOCK, 1, 1000).control == 1
        assert sync.ask(Kind.DATA_END, 0, FIRST_ID + 2, b"*TST?\n").payload == b"0\n"


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"GET / HTTP/1.0\r\n", 1),
        (Message(Kind.DATA_END, 0, 1, b"*IDN?\n").encoded(), 3),
        (Message(Kind.ASYNC_INITIALIZE, 0, 7).encoded(), 3),
    ],
    ids=["no header", "data first", "no such session"],
)
def test_what_is_no_beginning_is_a_fatal_error(serve_scpi: ServeScpi, wire: bytes, code: int) -> None:
    """The code says what; then the connection ends."""
    channel = Channel(serve_scpi(supply(), FaultPlan(), "hislip"))
    channel.send_bytes(wire)
    answer = channel.read()
    assert (answer.kind, answer.control) == (Kind.FATAL_ERROR, code)
    assert channel.ended()
    channel.close()


def test_data_before_the_second_channel_is_a_fatal_error(serve_scpi: ServeScpi) -> None:
    """Code 2."""
    channel = Channel(serve_scpi(supply(), FaultPlan(), "hislip"))
    channel.ask(Kind.INITIALIZE, 0, 0x01007878, b"hislip0")
    answer = channel.ask(Kind.DATA_END, 0, FIRST_ID, b"*IDN?\n")
    assert (answer.kind, answer.control) == (Kind.FATAL_ERROR, 2)
    assert channel.ended()
    channel.close()


def test_message_beyond_the_limit_is_an_error(serve_scpi: ServeScpi) -> None:
    """In one message or in parts; -363, and the session goes on."""
    with session(serve_scpi(supply(), FaultPlan(), "hislip")) as (sync, _):
        answer = sync.ask(Kind.DATA_END, 0, FIRST_ID, b"X" * (LONGEST_MESSAGE + 1))
        assert (answer.kind, answer.control) == (Kind.ERROR, 4)
        sync.send(Kind.DATA, 0, FIRST_ID + 2, b"X" * LONGEST_MESSAGE)
        assert sync.ask(Kind.DATA, 0, FIRST_ID + 4, b"X").kind == Kind.ERROR
        queue = sync.ask(Kind.DATA_END, 0, FIRST_ID + 6, b"SYST:ERR?;:SYST:ERR?;:SYST:ERR?\n").payload
        assert queue == b'-363,"Input buffer overrun";-363,"Input buffer overrun";0,"No error"\n'


@pytest.mark.peer
def test_pyvisa_talks_to_it(serve_scpi: ServeScpi) -> None:
    """Queries, status byte, clear; two clients of one instrument."""
    server = serve_scpi(supply(), FaultPlan(), "hislip")
    assert re.fullmatch(r"TCPIP::127\.0\.0\.1::hislip0,\d+::INSTR", server.address)
    with connect(server) as one, connect(server) as two:
        one.write("VOLT 3.3")
        assert two.query("*IDN?") == "Acme,PS1,42,1.0"
        assert two.query_ascii_values("VOLT?") == [3.3]
        one.write("BOGUS")
        assert one.query("*OPC?") == "1"
        assert one.read_stb() == 4
        one.clear()
        assert one.query("SYST:ERR?") == '-113,"Undefined header;BOGUS"'


@pytest.mark.peer
def test_pyvisa_discards_a_late_answer_by_its_number(serve_scpi: ServeScpi) -> None:
    """The next question on the same connection gets its own answer (instruments.md 8.2 c)."""
    server = serve_scpi(supply(), FaultPlan((Fault(FaultKind.LATE, delay_s=0.2),)), "hislip")
    with connect(server, 100) as client:
        with pytest.raises(pyvisa.VisaIOError):
            client.query("VOLT?")
        client.timeout = 2000
        assert client.query("*TST?") == "0"


@pytest.mark.peer
def test_faults_as_seen_by_pyvisa(serve_scpi: ServeScpi) -> None:
    """A restart loses connection and settings, and leaves the power-on bit."""
    faults = FaultPlan()
    instrument = supply()
    server = serve_scpi(instrument, faults, "hislip")
    with connect(server, 300) as client:
        client.write("VOLT 3")
        assert client.query("*ESR?;VOLT?") == "128;+3.00000000E+00"
        faults.add(Fault(FaultKind.RESTART))
        with pytest.raises((pyvisa.VisaIOError, OSError, RuntimeError)):
            client.query("VOLT?")
    with connect(server, 300) as client:
        assert client.query("*ESR?;VOLT?") == "128;+0.00000000E+00"
        faults.add(Fault(FaultKind.CLOSE))
        with pytest.raises((pyvisa.VisaIOError, OSError, RuntimeError)):
            client.query("VOLT?")


@pytest.mark.peer
def test_lock_by_pyvisas_own_hislip_client(serve_scpi: ServeScpi) -> None:
    """It checks the reserved fields of every response."""
    server = serve_scpi(supply(), FaultPlan(), "hislip")
    port = int(server.address.split(",")[1].split("::")[0])
    one, two = (hislip.Instrument("127.0.0.1", port=port, timeout=2.0) for _ in range(2))
    one.send(b"*TST?\n")
    assert one.receive() == b"0\n"
    assert one.async_lock_request(1.0) == "success"
    assert (two.async_lock_request(1.0), two.async_lock_info()) == ("failure", 1)
    one.async_remote_local_control("enableRemote")
    assert one.async_lock_release() == "success"
    one.close()
    two.close()


def test_only_wires_that_it_has(loop_thread: LoopThread) -> None:
    """The others are named."""
    with pytest.raises(ConfigError, match="allowed: tcp, hislip"):
        loop_thread.run(ScpiServer(supply(), FaultPlan()).start("usb"))


def test_stopping_ends_all_sessions(serve_scpi: ServeScpi, loop_thread: LoopThread) -> None:
    """Also one that waits for a lock, and one with a late answer; stopping twice is safe."""
    server = serve_scpi(supply(), FaultPlan((Fault(FaultKind.LATE, delay_s=60.0),)), "hislip")
    with session(server) as (sync, holder), session(server) as (waiting, _):
        assert holder.ask(Kind.ASYNC_LOCK, 1, 1000).control == 1
        sync.send(Kind.DATA_END, 0, FIRST_ID, b"*OPC?\n")
        while not server.transcript:
            time.sleep(0.01)
        waiting.send(Kind.DATA_END, 0, FIRST_ID, b"*OPC?\n")
        for _ in range(2):
            loop_thread.run(server.stop())
        assert server._connections == {}
