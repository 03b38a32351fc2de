"""Serves a simulated instrument that speaks over a stream of bytes: TCP, a pseudo-terminal, or a port of RFC 2217.

The device knows its grammar; the server knows wires, clients and faults. A new request cancels one that still waits,
as a serial instrument does that has one input buffer; answers leave in the order of their requests, a late one
holding up those behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from serial.rfc2217 import PortManager

from meterbench.errors import ConfigError
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.serving.front_door import turn_away

Send = Callable[[bytes], None]
"""Takes a complete message; faults are committed on it."""


class ByteDevice(Protocol):
    """A simulated instrument behind a stream of bytes."""

    terminator: bytes
    """What ends its messages, left alone when a message is garbled; empty in binary protocols."""

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """The complete requests in what has come in so far, and the rest."""

    async def answer(self, request: bytes, send: Send) -> None:
        """Carry out one request; ``send`` each message of the answer, if there is one. May wait for the world."""

    def refusal(self, request: bytes) -> bytes:
        """What it says, terminator included, when it will not carry out ``request``; empty if it says nothing."""

    def restart(self) -> bytes:
        """Lose the supply and come back with the power-on settings; what it then says unasked, if anything."""

    def wrong_unit(self, message: bytes) -> bytes:
        """``message`` as another device on the line would have sent it; unchanged if there are no addresses."""


@runtime_checkable
class Complaining(Protocol):
    """A device with errors of its own, in a queue or a status."""

    def complain(self) -> None:
        """Have one, until it was told."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    """Bytes on the wire: ``>`` to the instrument or ``<`` from it."""

    direction: str
    payload: bytes


WIRES = ("tcp", "pty", "rfc2217")
PTY_BACKLOG = 65536
"""Bytes that a pseudo-terminal keeps for a slow reader; the kernel itself takes 4096."""


@dataclass
class SerialLine:
    """The serial port behind RFC 2217, as clients have set it; its modem lines always say ready."""

    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    xonxoff: bool = False
    rtscts: bool = False
    dtr: bool = True
    rts: bool = True
    break_condition: bool = False
    cts: bool = True
    dsr: bool = True
    ri: bool = False
    cd: bool = True

    def reset_input_buffer(self) -> None:
        """Nothing is kept here."""

    def reset_output_buffer(self) -> None:
        """Nothing is kept here."""


class _Wire(Protocol):
    """What a session needs of a TCP connection or a pseudo-terminal."""

    def write(self, payload: bytes, /) -> None: ...

    def close(self) -> None: ...


def split_lines(received: bytes, terminator: bytes) -> tuple[list[bytes], bytes]:
    """Requests that end in ``terminator``, without it, and the rest: ``ByteDevice.split`` of most devices."""
    *lines, rest = received.split(terminator)
    return lines, rest


class ByteServer:
    """Serves ``device``; made anywhere, started, used and stopped in the lab's loop."""

    def __init__(self, device: ByteDevice, faults: FaultPlan, usual_wire: str = "tcp") -> None:
        self.device = device
        self.faults = faults
        self.transcript: deque[Transcribed] = deque(maxlen=1000)
        self.sessions: set[_Session] = set()
        self.line = SerialLine()
        """What clients have asked of the serial port by RFC 2217."""
        self._usual_wire = usual_wire
        self._server: asyncio.Server | None = None
        self._pty: tuple[int, int] | None = None

    async def start(self, wire: str = "") -> str:
        """Open ``tcp``, ``pty`` or ``rfc2217``; the address to give to the driver.

        That is ``socket://host:port``, a device path, or ``rfc2217://host:port``.
        """
        wire = wire or self._usual_wire
        if wire == "pty":
            return self._start_pty()
        if wire not in WIRES:
            raise ConfigError(f"this instrument has no wire {wire!r}; allowed: {', '.join(WIRES)}")
        protocol = _TcpProtocol if wire == "tcp" else _Rfc2217Protocol
        self._server = await asyncio.get_running_loop().create_server(lambda: protocol(self), "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"{'socket' if wire == 'tcp' else wire}://{host}:{port}"

    def _start_pty(self) -> str:
        controller, port = os.openpty()
        tty.setraw(port)
        os.set_blocking(controller, False)
        self._pty = controller, port  # the port stays open here, or reading would fail while no client has it open
        session = _Session(self, _PtyWire(controller))
        asyncio.get_running_loop().add_reader(controller, lambda: session.received(os.read(controller, 4096)))
        return os.ttyname(port)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        server, self._server = self._server, None
        try:
            if server is not None:
                await turn_away(server.sockets)
        finally:  # also if a new request has cancelled the one that this is done for
            self._hang_up(server)

    def _hang_up(self, server: asyncio.Server | None) -> None:
        for session in tuple(self.sessions):
            session.close()
        if server is not None:
            server.close()
        if self._pty is not None:
            asyncio.get_running_loop().remove_reader(self._pty[0])
            asyncio.get_running_loop().remove_writer(self._pty[0])
            for end in self._pty:
                os.close(end)
            self._pty = None

    def tell(self, message: bytes) -> None:
        """Say ``message`` to every client, unasked."""
        for session in tuple(self.sessions):
            session.send(message)

    def press(self, request: bytes) -> None:
        """Serve a ``request`` that came by the instrument's own keys, faults included."""
        for session in tuple(self.sessions):
            session.begin(request)


class _Session:
    """One client: requests in, one at a time, faults on the way out."""

    def __init__(self, server: ByteServer, wire: _Wire) -> None:
        self._server = server
        self._wire = wire
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._held_up_until_s = 0.0
        server.sessions.add(self)

    def received(self, chunk: bytes) -> None:
        """Bytes from the client."""
        self._server.transcript.append(Transcribed(">", chunk))
        requests, self._buffer = self._server.device.split(self._buffer + chunk)
        for request in requests:
            self.begin(request)

    def begin(self, request: bytes) -> None:
        """Serve ``request``; one that still waits is given up."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._serve(request))

    def send(self, message: bytes, delay_s: float = 0.0) -> None:
        """Send after ``delay_s`` wall seconds, and behind what is still to be sent."""
        loop = asyncio.get_running_loop()
        due_s = max(loop.time() + delay_s, self._held_up_until_s)
        if due_s > loop.time():
            self._held_up_until_s = due_s + 1e-6  # a microsecond apart, because a heap of timers forgets the order
            loop.call_at(due_s, self._send_now, message)
        else:
            self._send_now(message)

    def _send_now(self, message: bytes) -> None:
        """Send, unless the client has gone."""
        if self in self._server.sessions and message:
            self._server.transcript.append(Transcribed("<", message))
            self._wire.write(message)

    def close(self) -> None:
        """Forget the client; safe to call twice."""
        if self._task is not None:
            self._task.cancel()
        self._server.sessions.discard(self)
        self._wire.close()

    async def _serve(self, request: bytes) -> None:
        device, faults = self._server.device, self._server.faults
        fault = faults.next()
        kind = fault.kind if fault else None
        if kind is FaultKind.DIE:
            await self._server.stop()
        elif kind is FaultKind.REFUSE:
            self.send(device.refusal(request))
        elif kind is not FaultKind.SILENCE:
            if kind is FaultKind.RESTART:
                self._server.tell(device.restart())
            elif kind is FaultKind.QUEUE and isinstance(device, Complaining):
                device.complain()
            await device.answer(request, lambda message: self._send_faulty(message, fault))

    def _send_faulty(self, message: bytes, fault: Fault | None) -> None:
        device, faults = self._server.device, self._server.faults
        match fault.kind if fault else None:
            case FaultKind.LATE:
                assert fault is not None
                self.send(message, fault.delay_s)
            case FaultKind.GARBLE:
                end = device.terminator
                self.send(faults.garble(message.removesuffix(end)) + end if end else faults.garble(message))
            case FaultKind.WRONG_UNIT:
                self.send(device.wrong_unit(message))
            case FaultKind.CLOSE:
                self.send(message[: len(message) // 2])
                self._wire.close()
            case _:
                self.send(message)


class _TcpProtocol(asyncio.Protocol):
    """A client that came by TCP."""

    def __init__(self, server: ByteServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._session = _Session(self._server, transport)

    def data_received(self, data: bytes) -> None:
        self._session.received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._session.close()


class _Rfc2217Protocol(asyncio.Protocol):
    """A client that came by TCP to a serial port that RFC 2217 describes."""

    def __init__(self, server: ByteServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._session = _Session(self._server, self)
        self._telnet = PortManager(self._server.line, transport)

    def data_received(self, data: bytes) -> None:
        if payload := b"".join(self._telnet.filter(data)):
            self._session.received(payload)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._session.close()

    def write(self, payload: bytes) -> None:
        """To the client, with telnet's escapes."""
        self._transport.write(b"".join(self._telnet.escape(payload)))

    def close(self) -> None:
        """Hang up; safe to call twice."""
        self._transport.close()


class _PtyWire:
    """The controlling end of a pseudo-terminal."""

    def __init__(self, controller: int) -> None:
        self._controller = controller
        self._backlog = b""

    def write(self, payload: bytes) -> None:
        """Bytes that do not fit because nobody reads are lost, as on a serial port."""
        self._backlog = (self._backlog + payload)[:PTY_BACKLOG]
        self._flush()

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._backlog = self._backlog[os.write(self._controller, self._backlog) :]
        if self._backlog:
            asyncio.get_running_loop().add_writer(self._controller, self._flush)
        else:
            asyncio.get_running_loop().remove_writer(self._controller)

    def close(self) -> None:
        """A serial line has no connection to close; ``ByteServer.stop`` closes the port itself."""
