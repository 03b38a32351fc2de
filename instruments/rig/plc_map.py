"""The rig PLC's register map, version 1.1 (instruments.md 1.2): the only thing that driver and simulator share.

All words are holding registers (FC3 read, FC6 and FC16 write) at 0-based wire addresses, unit id 1; numbers of more
than one word and float32 are in the order ABCD (most significant word and byte first). Bits live in status words.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MAP_VERSION: Final = 0x0101
"""Major in the high byte, minor in the low one; a driver refuses another major."""
CYCLES_SINCE: Final = 0x0101
"""Version from which on the PLC can let the water go and stop by itself."""
UNIT_ID: Final = 1
Number = int | float


@dataclass(frozen=True, slots=True)
class Register:
    """One named number; ``code`` is its ``struct`` letter: H u16, I u32, Q u64, f float32."""

    name: str
    address: int
    code: str
    unit: str = ""
    low: float = 0.0
    """Range and power-on number apply to what the bench writes (100..121)."""
    high: float = 0xFFFF
    power_on: float = 0

    @property
    def words(self) -> int:
        return struct.calcsize(self.code) // 2


class Block:
    """``registers`` as one coherent read or write of ``count`` words from ``address``; reserved words are 0."""

    def __init__(self, registers: Sequence[Register]) -> None:
        self.registers = tuple(registers)
        self.names = tuple(register.name for register in registers)
        self.address = registers[0].address
        codes, next_address = ">", self.address
        for register in registers:
            if register.address < next_address:
                raise ValueError(f"register {register.name} overlaps the one before it")
            codes += f"{2 * (register.address - next_address)}x{register.code}"
            next_address = register.address + register.words
        self.count = next_address - self.address
        self._numbers = struct.Struct(codes)
        self._words = struct.Struct(f">{self.count}H")

    def decode(self, words: Sequence[int]) -> dict[str, Number]:
        """The numbers by register name; ``struct.error`` unless there are ``count`` words."""
        return dict(zip(self.names, self._numbers.unpack(self._words.pack(*words)), strict=True))

    def encode(self, numbers: Mapping[str, Number]) -> list[int]:
        """``count`` words; ``struct.error`` for a number that does not fit its register."""
        return list(self._words.unpack(self._numbers.pack(*[numbers[name] for name in self.names])))


LINES: Final = ("A", "B", "C")

_LIFE: Final = (
    Register("map_version", 0, "H"),
    Register("plc_fw", 1, "H", "BCD major.minor"),
    Register("uptime_s", 2, "I", "s"),
    Register("plc_heartbeat", 4, "H", "100 ms"),
    Register("state", 5, "H"),
    Register("alarm_word_1", 6, "H", "bits"),
    Register("alarm_word_2", 7, "H", "bits"),
    Register("interlock_word", 8, "H", "bits"),
    Register("last_cmd_seq", 9, "H"),
    Register("last_cmd_result", 10, "H"),
)
PROCESS_VALUES: Final = (
    Register("flow_line_a", 20, "f", "l/h"),
    Register("flow_line_b", 22, "f", "l/h"),
    Register("flow_line_c", 24, "f", "l/h"),
    Register("pressure_upstream", 26, "f", "kPa gauge"),
    Register("pressure_downstream", 28, "f", "kPa gauge"),
    Register("dp_dut", 30, "f", "kPa"),
    Register("pump_speed_act", 32, "f", "%"),
    Register("pump_power", 34, "f", "W"),
    Register("water_temp_upstream", 36, "f", "degC"),
    Register("water_temp_downstream", 38, "f", "degC"),
    Register("tank_temp", 40, "f", "degC"),
    Register("tank_level", 42, "f", "%"),
    Register("weigh_tank_level", 44, "f", "%"),
    Register("clamp_force", 46, "f", "N"),
    Register("ambient_temp", 48, "f", "degC"),
    Register("leak_rate", 50, "f", "kPa/min"),
    Register("valve_a_pos_act", 52, "f", "% open"),
    Register("valve_b_pos_act", 54, "f", "% open"),
    Register("valve_c_pos_act", 56, "f", "% open"),
)
_GATE: Final = (
    Register("diverter_time_on", 58, "f", "s"),
    Register("diverter_time_off", 60, "f", "s"),
    Register("pulses_line_a", 62, "I"),
    Register("pulses_line_b", 64, "I"),
    Register("pulses_line_c", 66, "I"),
    Register("gate_time_us", 70, "I", "us"),
    Register("gate_start_ns", 72, "Q", "ns monotonic"),
)
_COMMAND: Final = (
    Register("cmd_seq", 100, "H"),
    Register("command", 101, "H", high=16),
    Register("line_select", 102, "H", high=3),
    Register("control_mode", 103, "H", high=2),
    Register("flow_setpoint", 104, "f", "l/h", high=9000.0),
    Register("pressure_setpoint", 106, "f", "kPa", high=1600.0),
    Register("pump_speed_setpoint", 108, "f", "%", high=100.0),
    Register("valve_a_setpoint", 110, "f", "% open", high=100.0),
    Register("valve_b_setpoint", 112, "f", "% open", high=100.0),
    Register("valve_c_setpoint", 114, "f", "% open", high=100.0),
    Register("temp_setpoint", 116, "f", "degC", low=5.0, high=65.0, power_on=20.0),
    Register("ramp_flow", 118, "f", "l/h/s", high=9000.0, power_on=100.0),
)
_HANDS: Final = (Register("pc_heartbeat", 120, "H"), Register("remote_request", 121, "H", high=1))
_CYCLE_PLAN: Final = (
    Register("cycle_rise", 130, "f", "s", low=0.1, high=60.0, power_on=1.0),
    Register("cycle_on", 132, "f", "s", low=1.0, high=3600.0, power_on=15.0),
    Register("cycle_fall", 134, "f", "s", low=0.1, high=60.0, power_on=1.0),
    Register("cycle_off", 136, "f", "s", low=1.0, high=3600.0, power_on=15.0),
    Register("cycle_last", 138, "I", high=1e7),
    Register("cycle_first", 140, "I", high=1e7, power_on=1),
)
_CYCLE_WINDOW: Final = (Register("cycle_window", 142, "I", high=1e7, power_on=1),)
_CYCLE_STATE: Final = (
    Register("cycle_running", 200, "H"),
    Register("cycle_log_depth", 201, "H"),
    Register("cycles_done", 202, "I"),
    Register("cycle_oldest", 204, "I"),
)

HEAD: Final = Block(_LIFE)
"""Life, alarms, permissives and the echo of the last command: words 0..10."""
STATUS: Final = Block((*_LIFE, *PROCESS_VALUES))
"""One coherent look at the rig: words 0..57."""
GATE: Final = Block(_GATE)
"""The diverter's last interval: words 58..75."""
IMAGE: Final = Block((*_LIFE, *PROCESS_VALUES, *_GATE))
"""Everything that can only be read: words 0..75; 11..19 and 68..69 are reserved and read 0."""
COMMAND: Final = Block(_COMMAND)
"""One FC16 of words 100..119 is a coherent set-point and a command; a change of ``cmd_seq`` triggers it."""
CYCLE_PLAN: Final = Block(_CYCLE_PLAN)
"""What ``start_cycles`` takes over: words 130..141, written before the command."""
CYCLE_WINDOW: Final = Block(_CYCLE_WINDOW)
"""The cycle that the window on the log is to begin with: words 142 and 143 (``cycle_map``)."""
CYCLE_STATE: Final = Block(_CYCLE_STATE)
"""How far the cycles have come: words 200..205, read only."""
WRITABLE: Final = Block((*_COMMAND, *_HANDS, *_CYCLE_PLAN, *_CYCLE_WINDOW))
"""Words 100..143; 122..129 are reserved."""
BY_NAME: Final = {
    register.name: register for register in (*IMAGE.registers, *WRITABLE.registers, *CYCLE_STATE.registers)
}
OF_THE_VIEW: Final = frozenset({"map_version", "last_cmd_seq", "last_cmd_result"})
"""Registers that the Modbus side of the PLC keeps itself; all others of ``IMAGE`` are the process image."""
SETPOINTS: Final = COMMAND.names[2:]


class PlcState(IntEnum):
    """Register ``state``; the names are those of ``capabilities.RigState``."""

    BOOT = 0
    SAFE = 1
    IDLE = 2
    FILLING = 3
    PURGING = 4
    READY = 5
    RUNNING = 6
    DIVERTING = 7
    DRAINING = 8
    PRESSURE_TEST = 9
    FAULT = 10
    ESTOP = 11


class Command(IntEnum):
    """Register ``command``; ``none`` takes over the set-points and does nothing else."""

    none = 0
    reset_alarms = 1
    go_idle = 2
    fill = 3
    purge_air = 4
    start_flow = 5
    stop_flow = 6
    divert_to_tank = 7
    divert_to_return = 8
    drain_weigh_tank = 9
    clamp = 10
    unclamp = 11
    pressure_test = 12
    vent = 13
    tare_gate = 14
    controlled_stop = 15
    start_cycles = 16


class Result(IntEnum):
    """Register ``last_cmd_result``."""

    ok = 0
    busy = 1
    rejected_state = 2
    rejected_interlock = 3
    rejected_range = 4
    not_remote = 5


class ControlMode(IntEnum):
    """Register ``control_mode``, taken over by ``none`` and ``start_flow``.

    ``pressure`` holds ``pressure_setpoint`` before the meters, at rest and while a flow is regulated; the others let
    the pump give what it can.
    """

    manual = 0
    flow = 1
    pressure = 2


ALARM_WORD_1: Final = (
    "ESTOP",
    "OVERPRESSURE",
    "DRY_RUN",
    "OVERTEMP_WATER",
    "LEAK_TRAY",
    "CLAMP_LOST",
    "DOOR_OPEN",
    "VFD_FAULT",
    "VALVE_FEEDBACK",
    "PC_WATCHDOG",
    "SENSOR_FAILURE",
    "TANK_LOW",
    "WEIGH_TANK_HIGH",
    "DIVERTER_TIMEOUT",
    "POWER_DIP",
    "PLC_INTERNAL",
)
"""Bits 0..15 of ``alarm_word_1``: latched, cleared by ``reset_alarms`` once the cause is gone."""
ALARM_WORD_2: Final = (
    "air_detected",
    "flow_unstable",
    "temp_unstable",
    "filter_dp_high",
    "calibration_due_master",
    "manual_override",
    "heater_limit",
    "chiller_limit",
)
"""Bits 0..7 of ``alarm_word_2``: warnings, latched."""
INTERLOCK_WORD: Final = (
    "estop_ok",
    "guard_closed",
    "clamp_closed",
    "level_ok",
    "pressure_ok",
    "temp_ok",
    "no_leak",
    "vfd_ready",
    "remote_key",
    "pc_alive",
    "weigh_tank_empty",
    "air_supply_ok",
)
"""Bits 0..11 of ``interlock_word``: live permissives, 1 = satisfied."""
ALL_INTERLOCKS: Final = (1 << len(INTERLOCK_WORD)) - 1
MOTION_INTERLOCKS: Final = frozenset(INTERLOCK_WORD) - {"weigh_tank_empty"}
"""What must be satisfied before water may move; a second collection may go on top of the first."""


def bit_names(word: int, names: Sequence[str]) -> frozenset[str]:
    """The names of the bits set in ``word``; a bit without a name is never lost: it is called ``bit 9``."""
    if not word:
        return frozenset()
    return frozenset(names[bit] if bit < len(names) else f"bit {bit}" for bit in range(16) if word >> bit & 1)
