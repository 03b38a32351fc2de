"""Serves a simulated Modbus device: Modbus TCP, RTU frames over TCP, or RTU on a pseudo-terminal.

The device knows its registers; the server knows wires, clients and faults.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from typing import Protocol

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import SimDevice

from meterbench.errors import ConfigError
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.serving.front_door import turn_away

WIRES = ("tcp", "rtu-tcp", "pty")
_HEADER_BYTES = 8
"""MBAP header and function code. Modbus TCP has no checksum of its own and TCP's protects the payload, so a frame that
arrives broken is one that was built wrong: only its head is garbled, never the numbers in it. An RTU frame has a
checksum, and is garbled anywhere."""


class ModbusDevice(Protocol):
    """A simulated instrument behind registers."""

    def registers(self) -> SimDevice:
        """Its unit id, its registers, and what happens when they are accessed; asked once, when it is served."""

    def restart(self) -> None:
        """Lose the supply and come back with the power-on settings."""

    def complain(self) -> None:
        """Show an error of its own in its status, once; nothing if it has no status."""


class ModbusServer:
    """Serves ``device``; made anywhere, started, used and stopped in the lab's loop."""

    def __init__(self, device: ModbusDevice, faults: FaultPlan) -> None:
        self.device = device
        self.faults = faults
        self._server: _Server | None = None
        self._pty: _Pty | None = None

    async def start(self, wire: str = "") -> str:
        """Open ``tcp`` (the usual one), ``rtu-tcp`` or ``pty``; the address to give to the driver.

        ``tcp://host:port``, ``rtu-tcp://host:port`` or ``rtu://`` and the path of the pseudo-terminal.
        """
        wire = wire or "tcp"
        if wire not in WIRES:
            raise ConfigError(f"this instrument has no wire {wire!r}; allowed: {', '.join(WIRES)}")
        self._server = _Server(self.device.registers(), self, rtu=wire != "tcp")
        if wire == "pty":
            self._pty = _Pty(self._server)
            return f"rtu://{self._pty.path}"
        await self._server.serve_forever(background=True)
        host, port = self._server.transport.sockets[0].getsockname()[:2]  # type: ignore[attr-defined]
        return f"{wire}://{host}:{port}"

    async def stop(self) -> None:
        """Close every connection and the port; safe to call twice."""
        if self._pty is not None:
            self._pty.hang_up()
            self._pty = None
        server, self._server = self._server, None
        if server is not None:
            await turn_away(getattr(server.transport, "sockets", ()))
            await server.shutdown()  # type: ignore[no-untyped-call]


class _Server(ModbusTcpServer):
    """pymodbus' server, whose connections obey the faults; not listening if it serves a pseudo-terminal."""

    def __init__(self, device: SimDevice, owner: ModbusServer, *, rtu: bool) -> None:
        self.owner = owner
        self.rtu = rtu
        framer = FramerType.RTU if rtu else FramerType.SOCKET
        super().__init__(device, framer=framer, address=("127.0.0.1", 0))
        self.late: list[bytes] = []
        """What an RTU device has not said yet. It does one thing after the other, so that everything else waits."""

    def be_late(self, delay_s: float, frame: bytes) -> None:
        """Say ``frame``, and then what else there is to say, after ``delay_s``."""
        self.late.append(frame)
        self.loop.call_later(delay_s, self._say_late)

    def _say_late(self) -> None:
        """To whoever is connected then, as a serial device server gives it, or a port's buffer."""
        frames, self.late = self.late, []
        for connection in tuple(self.active_connections.values()):
            connection.send(b"".join(frames))

    def callback_new_connection(self) -> _Connection:
        return _Connection(self)


class _Connection(ServerRequestHandler):
    """One client, with faults between its requests and our answers."""

    server: _Server

    def __init__(self, server: _Server) -> None:
        super().__init__(server, None, None, None)  # type: ignore[no-untyped-call]
        self._faults = server.owner.faults
        self._device = server.owner.device
        self._fault: Fault | None = None
        self._answering: asyncio.Task[None] | None = None

    def handle_later(self) -> None:
        """Answer in the next turn of the loop (the base class takes three, as if it were in another thread)."""
        self._answering = self.loop.create_task(self.handle_request())

    async def handle_request(self) -> None:
        """Answer ``last_pdu``, or commit the fault that is due."""
        asked = self.last_pdu
        if asked is None:
            return
        if asked.dev_id not in self.server.context.device_ids():
            self._say_nobody(asked)
            return
        self._fault = self._faults.next()
        match self._fault.kind if self._fault else None:
            case FaultKind.DIE:
                await self.server.owner.stop()
                return
            case FaultKind.SILENCE:
                return
            case FaultKind.REFUSE:
                self._refuse(asked, ExcCodes.DEVICE_FAILURE)
                return
            case FaultKind.RESTART:
                self._device.restart()
            case FaultKind.QUEUE:
                self._device.complain()
        await super().handle_request()  # type: ignore[no-untyped-call]

    def server_send(self, pdu: ModbusPDU, addr: tuple[str, int] | None) -> None:  # noqa: ARG002
        """Send the answer, or what the fault makes of it."""
        frame = self.framer.buildFrame(pdu)
        if self.server.late:
            self.server.late.append(frame)
            return
        match self._fault.kind if self._fault else None:
            case FaultKind.LATE if self._fault and self.server.rtu:
                self.server.be_late(self._fault.delay_s, frame)
            case FaultKind.LATE if self._fault:
                self.loop.call_later(self._fault.delay_s, self.send, frame)
            case FaultKind.GARBLE if self.server.rtu:
                self.send(self._faults.garble(frame))
            case FaultKind.GARBLE:
                self.send(self._faults.garble(frame[:_HEADER_BYTES]) + frame[_HEADER_BYTES:])
            case FaultKind.WRONG_UNIT:
                pdu.dev_id = pdu.dev_id % 247 + 1
                self.send(self.framer.buildFrame(pdu))
            case FaultKind.CLOSE:
                self.send(frame[: len(frame) // 2])
                if not isinstance(self.transport, _Pty):  # a serial line has no connection to close
                    self.close()
            case _:
                self.send(frame)

    def _say_nobody(self, asked: ModbusPDU) -> None:
        """No such unit: an RTU line stays silent, a gateway says so."""
        if not self.server.rtu:
            self._refuse(asked, ExcCodes.GATEWAY_NO_RESPONSE)

    def _refuse(self, asked: ModbusPDU, code: ExcCodes) -> None:
        refusal = ExceptionResponse(asked.function_code, code)
        refusal.transaction_id, refusal.dev_id = asked.transaction_id, asked.dev_id
        self.pdu_send(refusal)


class _Pty(asyncio.Transport):
    """A pseudo-terminal as the transport of one connection that is always there."""

    def __init__(self, server: _Server) -> None:
        super().__init__()
        self._controller, self._port = os.openpty()  # the port stays open here, or reading would fail without a client
        tty.setraw(self._port)
        os.set_blocking(self._controller, False)
        self.path = os.ttyname(self._port)
        self._connection = server.handle_new_connection()
        self._loop = asyncio.get_running_loop()
        self._connection.connection_made(self)
        self._loop.add_reader(self._controller, self._read)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes that do not fit because nobody reads are lost, as on a serial port."""
        if self._controller >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self._controller, data)

    def hang_up(self) -> None:
        """Take the port away; safe to call twice."""
        if self._controller >= 0:
            self._loop.remove_reader(self._controller)
            os.close(self._controller)
            os.close(self._port)
            self._controller = -1

    def _read(self) -> None:
        self._connection.data_received(os.read(self._controller, 4096))
