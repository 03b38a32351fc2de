"""The rig PLC's Modbus side for the simulated plant: a thin view on a ``PlcCore`` (tables in ``plc_map``).

The view keeps what belongs to the wire: the map's version, the ranges and the handshake by ``cmd_seq``.
"""

from __future__ import annotations

import math
from operator import itemgetter

from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.rig import cycle_map, plc_map
from meterbench.instruments.rig.plc_core import PlcCore
from meterbench.instruments.serving.modbus_server import ModbusServer

FLOW_FULL_SCALE_L_H = 12000.0
"""End of the range of the rig's own flow meters; beyond it the PLC has no number (4..20 mA left its range)."""
_FLOWS = ("flow_line_a", "flow_line_b", "flow_line_c")


class ModbusPlcSim:
    """Serves ``core`` by the register map; made anywhere, started, used and stopped in the lab's loop."""

    def __init__(self, core: PlcCore, faults: FaultPlan | None = None) -> None:
        self.faults = faults or FaultPlan()
        self._core = core
        self._core_names = tuple(name for name in plc_map.IMAGE.names if name not in plc_map.OF_THE_VIEW)
        self._core_numbers = itemgetter(*self._core_names)
        self._last_seq = 0
        self._last_result = int(plc_map.Result.ok)
        self._restarted = False
        self._window = [0] * cycle_map.WINDOW_WORDS
        self._server = ModbusServer(self, self.faults)

    async def start(self, wire: str = "") -> str:
        """Serve on ``tcp`` (the usual wire), ``rtu-tcp`` or ``pty``; the address to give to the driver."""
        return await self._server.start(wire)

    async def stop(self) -> None:
        """Close every connection and the port; safe to call twice."""
        await self._server.stop()

    # What the server asks.

    def registers(self) -> SimDevice:
        """The map's blocks, as they are at power-on."""
        return SimDevice(
            plc_map.UNIT_ID,
            [
                SimData(plc_map.IMAGE.address, values=self._image(), datatype=DataType.REGISTERS, readonly=True),
                SimData(plc_map.WRITABLE.address, values=self._powered_on(), datatype=DataType.REGISTERS),
                SimData(
                    plc_map.CYCLE_STATE.address,
                    values=[0] * plc_map.CYCLE_STATE.count,
                    datatype=DataType.REGISTERS,
                    readonly=True,
                ),
                SimData(cycle_map.WINDOW_ADDRESS, values=self._window, datatype=DataType.REGISTERS, readonly=True),
            ],
            action=self._accessed,
        )

    def restart(self) -> None:
        """The PLC lost its supply: what was written is forgotten, too."""
        self._core.restart()
        self._last_seq, self._last_result = 0, int(plc_map.Result.ok)
        self._window = [0] * cycle_map.WINDOW_WORDS
        self._restarted = True

    def complain(self) -> None:
        """Nothing: the PLC's own errors are alarms, which are part of every status."""

    def _powered_on(self) -> list[int]:
        powered_on = {each.name: each.power_on for each in plc_map.WRITABLE.registers}
        return plc_map.WRITABLE.encode(powered_on | dict(self._core.setpoints_in_force()))

    def _image(self) -> list[int]:
        numbers = dict(zip(self._core_names, self._core_numbers(self._core.process_image()), strict=True))
        for name in _FLOWS:
            seen = self.faults.measured(numbers[name], FLOW_FULL_SCALE_L_H, numbers["uptime_s"])
            numbers[name] = seen if abs(seen) <= FLOW_FULL_SCALE_L_H else math.nan
        numbers["map_version"] = plc_map.MAP_VERSION
        numbers["last_cmd_seq"] = self._last_seq
        numbers["last_cmd_result"] = self._last_result
        return plc_map.IMAGE.encode(numbers)

    async def _accessed(
        self,
        _function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Refresh the process image before a read; check and act upon a write before it is stored."""
        block = plc_map.WRITABLE
        if self._restarted:
            registers[block.address - start : block.address - start + block.count] = self._powered_on()
            self._restarted = False
        if written is not None:
            words = registers[block.address - start : block.address - start + block.count]
            words[address - block.address : address - block.address + len(written)] = written
            return self._write(block.decode(words), range(address, address + len(written)))
        if address < plc_map.IMAGE.count:
            registers[: plc_map.IMAGE.count] = self._image()
        elif address >= cycle_map.WINDOW_ADDRESS:
            first = address - cycle_map.WINDOW_ADDRESS
            registers[address - start : address - start + count] = self._window[first : first + count]
        elif address >= plc_map.CYCLE_STATE.address:
            state = plc_map.CYCLE_STATE
            registers[state.address - start : state.address - start + state.count] = state.encode(
                self._core.cycle_state()
            )
        return None

    def _write(self, numbers: dict[str, plc_map.Number], touched: range) -> ExcCodes | None:
        """``numbers`` is how the writable registers will look; ``touched`` are the addresses written."""
        if not all(each.low <= numbers[each.name] <= each.high for each in plc_map.WRITABLE.registers):
            return ExcCodes.ILLEGAL_VALUE
        if plc_map.BY_NAME["pc_heartbeat"].address in touched:
            self._core.beat(int(numbers["pc_heartbeat"]))
        if plc_map.BY_NAME["remote_request"].address in touched:
            self._core.remote_request(int(numbers["remote_request"]))
        if plc_map.CYCLE_WINDOW.address in touched:
            self._window = list(self._core.cycle_window(int(numbers["cycle_window"])))
        seq = int(numbers["cmd_seq"])
        if plc_map.BY_NAME["cmd_seq"].address in touched and seq != self._last_seq:
            setpoints = {name: numbers[name] for name in (*plc_map.SETPOINTS, *plc_map.CYCLE_PLAN.names)}
            self._last_result = self._core.execute(int(numbers["command"]), setpoints)
            self._last_seq = seq
        return None
