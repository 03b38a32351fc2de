"""The rig PLC's Modbus TCP side for the simulated plant: a thin view on a ``PlcCore`` (tables in ``plc_map``).

The view keeps what belongs to the wire: the map's version, the ranges, the handshake by ``cmd_seq`` and the faults.
"""

from __future__ import annotations

import asyncio
from operator import itemgetter

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from meterbench.errors import ConfigError
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.rig import plc_map
from meterbench.instruments.rig.plc_core import PlcCore

_HEADER_BYTES = 8
"""MBAP header and function code. Modbus TCP has no checksum of its own and TCP's protects the payload, so a frame that
arrives broken is one that was built wrong: only its head is garbled, never the numbers in it."""


class _Connection(ServerRequestHandler):
    """One client, with faults between its requests and our answers."""

    def __init__(self, server: _Server) -> None:
        super().__init__(server, None, None, None)  # type: ignore[no-untyped-call]
        self._faults = server.faults
        self._fault: Fault | None = None
        self._answering: asyncio.Task[None] | None = None

    def handle_later(self) -> None:
        """Answer in the next turn of the loop (the base class takes three, as if it were in another thread)."""
        self._answering = self.loop.create_task(self.handle_request())

    async def handle_request(self) -> None:
        """Answer ``last_pdu``, or commit the fault that is due."""
        self._fault = self._faults.next()
        kind = self._fault.kind if self._fault else None
        if kind is FaultKind.DIE:
            await self.server.shutdown()
        elif kind is FaultKind.REFUSE and self.last_pdu:
            refusal = ExceptionResponse(self.last_pdu.function_code, ExcCodes.DEVICE_FAILURE)
            refusal.transaction_id, refusal.dev_id = self.last_pdu.transaction_id, self.last_pdu.dev_id
            self.pdu_send(refusal)
        elif kind is not FaultKind.SILENCE:
            await super().handle_request()  # type: ignore[no-untyped-call]

    def server_send(self, pdu: ModbusPDU, addr: tuple[str, int] | None) -> None:
        """Send the answer, or what the fault makes of it."""
        if self._fault is None:
            self.pdu_send(pdu, addr)
        elif self._fault.kind is FaultKind.LATE:
            self.loop.call_later(self._fault.delay_s, self.pdu_send, pdu, addr)
        else:
            frame = self.framer.buildFrame(pdu)
            if self._fault.kind is FaultKind.GARBLE:
                self.send(self._faults.garble(frame[:_HEADER_BYTES]) + frame[_HEADER_BYTES:])
            else:
                self.send(frame[: len(frame) // 2])
                self.close()


class _Server(ModbusTcpServer):
    """A Modbus TCP server whose connections obey ``faults``."""

    def __init__(self, device: SimDevice, faults: FaultPlan, address: tuple[str, int]) -> None:
        self.faults = faults
        super().__init__(device, address=address)

    def callback_new_connection(self) -> _Connection:
        return _Connection(self)


class ModbusPlcSim:
    """Serves ``core`` by the register map; made anywhere, started, used and stopped in the lab's loop."""

    def __init__(self, core: PlcCore, faults: FaultPlan | None = None) -> None:
        self.faults = faults or FaultPlan()
        self._core = core
        self._core_names = tuple(name for name in plc_map.IMAGE.names if name not in plc_map.OF_THE_VIEW)
        self._core_numbers = itemgetter(*self._core_names)
        self._last_seq = 0
        self._last_result = int(plc_map.Result.ok)
        self._server: _Server | None = None

    async def start(self, wire: str = "") -> str:
        """Listen; the address to give to the driver, ``tcp://host:port``."""
        if wire not in ("", "tcp"):
            raise ConfigError(f"the rig has no wire {wire!r}; allowed: tcp")
        image = self._image()
        powered_on = {each.name: each.power_on for each in plc_map.WRITABLE.registers}
        setpoints = plc_map.WRITABLE.encode(powered_on | dict(self._core.setpoints_in_force()))
        device = SimDevice(
            plc_map.UNIT_ID,
            [
                SimData(plc_map.IMAGE.address, values=image, datatype=DataType.REGISTERS, readonly=True),
                SimData(plc_map.WRITABLE.address, values=setpoints, datatype=DataType.REGISTERS),
            ],
            action=self._accessed,
        )
        self._server = _Server(device, self.faults, ("127.0.0.1", 0))
        await self._server.serve_forever(background=True)
        bound = self._server.transport.sockets[0].getsockname()  # type: ignore[attr-defined]
        return f"tcp://{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Close every connection and the port; safe to call twice."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    def _image(self) -> list[int]:
        numbers = dict(zip(self._core_names, self._core_numbers(self._core.process_image()), strict=True))
        numbers["map_version"] = plc_map.MAP_VERSION
        numbers["last_cmd_seq"] = self._last_seq
        numbers["last_cmd_result"] = self._last_result
        return plc_map.IMAGE.encode(numbers)

    async def _accessed(
        self,
        _function: int,
        start: int,
        address: int,
        _count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Refresh the process image before a read; check and act upon a write before it is stored."""
        if written is not None:
            block = plc_map.WRITABLE
            words = registers[block.address - start : block.address - start + block.count]
            words[address - block.address : address - block.address + len(written)] = written
            return self._write(block.decode(words), range(address, address + len(written)))
        if address < plc_map.IMAGE.count:
            registers[: plc_map.IMAGE.count] = self._image()
        return None

    def _write(self, numbers: dict[str, plc_map.Number], touched: range) -> ExcCodes | None:
        """``numbers`` is how the writable registers will look; ``touched`` are the addresses written."""
        if not all(each.low <= numbers[each.name] <= each.high for each in plc_map.WRITABLE.registers):
            return ExcCodes.ILLEGAL_VALUE
        if plc_map.BY_NAME["pc_heartbeat"].address in touched:
            self._core.beat(int(numbers["pc_heartbeat"]))
        if plc_map.BY_NAME["remote_request"].address in touched:
            self._core.remote_request(int(numbers["remote_request"]))
        seq = int(numbers["cmd_seq"])
        if plc_map.BY_NAME["cmd_seq"].address in touched and seq != self._last_seq:
            setpoints = {name: numbers[name] for name in plc_map.SETPOINTS}
            self._last_result = self._core.execute(int(numbers["command"]), setpoints)
            self._last_seq = seq
        return None
