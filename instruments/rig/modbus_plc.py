"""Driver of the flow rig's PLC over Modbus TCP: register map 1.x (``plc_map``; rules from instruments.md 1.2 and 9)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from meterbench.errors import ConfigError, DeadlineExceeded, InstrumentError, InterlockTripped, ProtocolError
from meterbench.instruments.capabilities import (
    CyclePlan,
    CycleState,
    CycleSummary,
    Exchange,
    GateTiming,
    Identity,
    RigState,
    RigStatus,
)
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.place import Place
from meterbench.instruments.rig import cycle_reader, plc_map
from meterbench.instruments.rig.plc_map import Command, ControlMode, Number, PlcState, Result
from meterbench.world.clock import Clock

ECHO_DEADLINE_S = 2.0
"""How long the PLC may take to echo a command's number (map 1.0, handshake rule)."""
ECHO_POLL_S = 0.05
_NEEDS_PERMISSIVES = frozenset(
    {
        Command.none,
        Command.start_flow,
        Command.divert_to_tank,
        Command.drain_weigh_tank,
        Command.pressure_test,
        Command.start_cycles,
    }
)
"""Commands that move water or heat it: refused here already when a permissive is missing. What leads towards the safe
state is always sent."""
_CLEARING = frozenset({Command.reset_alarms, Command.controlled_stop})
"""Commands that make sense while an alarm is latched."""
_SAFE_STATES = frozenset({PlcState.BOOT, PlcState.SAFE, PlcState.IDLE, PlcState.FAULT, PlcState.ESTOP})
_REFUSALS = {
    Result.busy: "it is busy with another command",
    Result.rejected_state: "its state does not allow it",
    Result.rejected_interlock: "a permissive is missing or the cause of an alarm persists",
    Result.rejected_range: "a set-point is out of range",
    Result.not_remote: "its key switch is not in REMOTE or nobody took control",
}


class ModbusPlcRig:
    """A ``FlowRig``. Not opened yet when made: use ``open_rig_plc``."""

    def __init__(self, role: str, link: ModbusLink, clock: Clock) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self._link = link
        self._clock = clock
        self._setpoints: dict[str, Number] = {}
        self._map_version = 0
        self._seq = 0
        self._beats = 0
        self._uptime_s: Number = 0
        self._restarted = False

    def open(self) -> None:
        """Connect, refuse another major version of the map, and take over the set-points that are in force."""
        self._link.open()
        head = self._read(plc_map.HEAD)
        version, firmware = int(head["map_version"]), int(head["plc_fw"])
        if version >> 8 != plc_map.MAP_VERSION >> 8:
            raise InstrumentError(
                f"{self.role}: it speaks register map {version >> 8}.{version & 0xFF} (word 0: 0x{version:04X}), "
                f"this driver {plc_map.MAP_VERSION >> 8}.x; use the driver that fits the PLC's programme"
            )
        self._map_version = version
        self._uptime_s, self._seq = head["uptime_s"], int(head["last_cmd_seq"])
        self.identity = Identity(
            "rig PLC", f"register map {version >> 8}.{version & 0xFF}", "", f"{firmware >> 8:x}.{firmware & 0xFF:02x}"
        )
        in_force = self._read(plc_map.COMMAND)
        self._setpoints = {
            name: in_force[name] if _in_range(name, in_force[name]) else plc_map.BY_NAME[name].power_on
            for name in plc_map.SETPOINTS
        }

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def status(self) -> RigStatus:
        """One read of words 0..57.

        ``InterlockTripped`` once after the PLC restarted; ``InstrumentError`` naming a process value that is no number.
        """
        now = self._read(plc_map.STATUS)
        if self._notice_restart(now):
            raise self._tripped("read status", now)
        alarms = plc_map.bit_names(int(now["alarm_word_1"]), plc_map.ALARM_WORD_1)
        self._refuse_nan(now, plc_map.PROCESS_VALUES, alarms)
        return RigStatus(
            state=RigState(self._state(now).name),
            uptime_s=int(now["uptime_s"]),
            alarms=alarms,
            warnings=plc_map.bit_names(int(now["alarm_word_2"]), plc_map.ALARM_WORD_2),
            missing_permissives=_missing(now),
            flow_l_h={"A": now["flow_line_a"], "B": now["flow_line_b"], "C": now["flow_line_c"]},
            pressure_upstream_kpa=now["pressure_upstream"],
            pressure_downstream_kpa=now["pressure_downstream"],
            meters_dp_kpa=now["dp_dut"],
            pump_speed_percent=now["pump_speed_act"],
            water_temp_upstream_c=now["water_temp_upstream"],
            water_temp_downstream_c=now["water_temp_downstream"],
            tank_temp_c=now["tank_temp"],
            weigh_tank_level_percent=now["weigh_tank_level"],
            ambient_temp_c=now["ambient_temp"],
            leak_rate_kpa_min=now["leak_rate"],
            valve_position_percent={
                "A": now["valve_a_pos_act"],
                "B": now["valve_b_pos_act"],
                "C": now["valve_c_pos_act"],
            },
        )

    def beat(self) -> None:
        self._beats = (self._beats + 1) & 0xFFFF
        self._link.write_registers(plc_map.BY_NAME["pc_heartbeat"].address, [self._beats])

    def request_remote(self) -> None:
        self.beat()
        self._link.write_registers(plc_map.BY_NAME["remote_request"].address, [1])
        self._restarted = False
        self._hold_no_more()
        self._command(Command.reset_alarms)
        self._command(Command.go_idle)

    def release_remote(self) -> None:
        """Hand the control back: the PLC waits for no heartbeat any more. Only for a rig at rest."""
        self._link.write_registers(plc_map.BY_NAME["remote_request"].address, [0])

    def start_flow(self, line: str, flow_l_h: float, ramp_l_h_s: float) -> None:
        self._command(
            Command.start_flow,
            line_select=self._line_number(line),
            control_mode=ControlMode.pressure if self._holds_pressure else ControlMode.flow,
            flow_setpoint=flow_l_h,
            ramp_flow=ramp_l_h_s,
        )

    def stop_flow(self) -> None:
        self._command(Command.stop_flow)

    def start_cycles(self, plan: CyclePlan) -> None:
        """``InstrumentError`` for a PLC whose register map is older than 1.1, too.

        A flow that runs is ended first. Cycle ``plan.first`` begins once the valve stands where it shall; no water
        flows until then. A pressure that is held stays held.
        """
        self._needs_cycles()
        numbers: dict[str, Number] = {
            "cycle_rise": plan.rise_s,
            "cycle_on": plan.on_s,
            "cycle_fall": plan.fall_s,
            "cycle_off": plan.off_s,
            "cycle_last": plan.cycles,
            "cycle_first": plan.first,
        }
        line = self._line_number(plan.line)
        self._check_ranges(Command.start_cycles, numbers)
        self._link.write_registers(plc_map.CYCLE_PLAN.address, plc_map.CYCLE_PLAN.encode(numbers))
        self._command(Command.start_cycles, line_select=line, flow_setpoint=plan.flow_l_h)

    def cycle_state(self) -> CycleState:
        self._needs_cycles()
        now = self._read(plc_map.CYCLE_STATE)
        done, oldest, depth = (int(now[name]) for name in ("cycles_done", "cycle_oldest", "cycle_log_depth"))
        return CycleState(running=bool(now["cycle_running"]), done=done, oldest=oldest, log_depth=depth)

    def read_cycles(self, first: int, count: int) -> Sequence[CycleSummary]:
        """Six cycles an exchange; ``InstrumentError`` for a summary that cannot be true, too."""
        self._needs_cycles()
        return cycle_reader.read_cycles(self.role, self._link, first, count)

    def divert_to_tank(self) -> None:
        self._command(Command.divert_to_tank)

    def divert_to_return(self) -> None:
        self._command(Command.divert_to_return)

    def last_gate(self) -> GateTiming:
        gate = self._read(plc_map.GATE)
        self._refuse_nan(gate, plc_map.GATE.registers[:2], frozenset())
        if not gate["gate_time_us"]:
            raise InstrumentError(f"{self.role}: asked for the last gate, but there was no complete one yet")
        return GateTiming(gate["gate_time_us"] / 1e6, gate["diverter_time_on"], gate["diverter_time_off"])

    def drain_weigh_tank(self) -> None:
        self._command(Command.drain_weigh_tank)

    def hold_pressure(self, pressure_kpa: float | None) -> None:
        """By the rig's own transmitter; until None, or until the rig is stopped, trips or is taken over anew."""
        if pressure_kpa is None:
            self._command(Command.none, control_mode=ControlMode.flow)
        else:
            self._command(Command.none, control_mode=ControlMode.pressure, pressure_setpoint=pressure_kpa)

    def start_pressure_test(self) -> None:
        self._command(Command.pressure_test)

    def end_pressure_test(self) -> None:
        self._command(Command.vent)

    def set_water_temp(self, water_temp_c: float) -> None:
        self._command(Command.none, temp_setpoint=water_temp_c)

    def controlled_stop(self) -> None:
        """``InstrumentError`` only if the PLC refuses while its state is not a safe one."""
        self._hold_no_more()
        head = self._execute(Command.controlled_stop, self._setpoints)
        done = head["last_cmd_seq"] == self._seq and head["last_cmd_result"] == Result.ok
        if not done and self._state(head) not in _SAFE_STATES:
            raise self._refused(Command.controlled_stop, head)

    @property
    def _holds_pressure(self) -> bool:
        return self._setpoints["control_mode"] == ControlMode.pressure

    def _hold_no_more(self) -> None:
        """The PLC holds no pressure where it stops: no later command is to ask for it by a set-point of before."""
        if self._holds_pressure:
            self._setpoints["control_mode"] = ControlMode.flow

    def _needs_cycles(self) -> None:
        if self._map_version < plc_map.CYCLES_SINCE:
            raise InstrumentError(
                f"{self.role}: its {self.identity.model} knows no cycles (since 1.1); update the PLC's programme"
            )

    def _line_number(self, line: str) -> int:
        if line not in plc_map.LINES:
            raise ConfigError(f"{self.role}: there is no line {line!r}; allowed: {', '.join(plc_map.LINES)}")
        return plc_map.LINES.index(line) + 1

    def _check_ranges(self, command: Command, numbers: Mapping[str, Number]) -> None:
        for name, number in numbers.items():
            if not _in_range(name, number):
                limits = plc_map.BY_NAME[name]
                raise InstrumentError(
                    f"{self.role}: {command.name} not sent: {name} {number!r} {limits.unit} is outside "
                    f"{limits.low:g} to {limits.high:g} {limits.unit} of the rig's register map"
                )

    def _command(self, command: Command, **changes: Number) -> None:
        """Check ranges and permissives, send, wait for the echo, and look at alarms and the result again."""
        self._check_ranges(command, changes)
        if command in _NEEDS_PERMISSIVES:
            before = self._read(plc_map.HEAD)
            self._notice_restart(before)
            if self._restarted or before["alarm_word_1"] or _missing(before) & plc_map.MOTION_INTERLOCKS:
                raise self._tripped(f"{command.name} (not sent)", before)
        setpoints = {**self._setpoints, **changes}
        head = self._execute(command, setpoints)
        refused = head["last_cmd_result"] != Result.ok
        if not refused:
            self._setpoints = setpoints
        tripped = self._restarted or (head["alarm_word_1"] and command not in _CLEARING)
        if tripped or head["last_cmd_result"] == Result.rejected_interlock:
            raise self._tripped(f"{command.name} ({'refused' if refused else 'accepted'})", head)
        if refused:
            raise self._refused(command, head)

    def _execute(self, command: Command, setpoints: dict[str, Number]) -> dict[str, Number]:
        """The handshake: one FC16 of words 100..119, then poll until word 9 echoes ``cmd_seq``; the last head read.

        A PLC that restarts meanwhile has forgotten the command: that ends the wait, too.
        """
        self._seq = self._seq % 0xFFFF + 1
        words = plc_map.COMMAND.encode({"cmd_seq": self._seq, "command": command, **setpoints})
        start_s = self._clock.now_s()
        self._link.write_registers(plc_map.COMMAND.address, words)
        while True:
            head = self._read(plc_map.HEAD)
            if self._notice_restart(head) or head["last_cmd_seq"] == self._seq:
                return head
            waited_s = self._clock.now_s() - start_s
            if waited_s >= ECHO_DEADLINE_S:
                raise DeadlineExceeded(
                    f"{self.role}: sent {command.name} as number {self._seq}, but after {waited_s:.1f} s the PLC still "
                    f"echoes {head['last_cmd_seq']} in state {self._state(head).name}; is its programme running?"
                )
            self._clock.sleep(ECHO_POLL_S)

    def _read(self, block: plc_map.Block) -> dict[str, Number]:
        return block.decode(self._link.read_holding(block.address, block.count))

    def _state(self, head: dict[str, Number]) -> PlcState:
        try:
            return PlcState(int(head["state"]))
        except ValueError:
            raise ProtocolError(
                f"{self.role}: word 5 (state) is {head['state']}, which the map does not know"
            ) from None

    def _notice_restart(self, head: dict[str, Number]) -> bool:
        """True if the PLC restarted since the last look; commands are refused until somebody takes control again."""
        restarted = head["uptime_s"] < self._uptime_s
        self._uptime_s = head["uptime_s"]
        self._restarted |= restarted
        return restarted

    def _refuse_nan(self, numbers: dict[str, Number], of: Sequence[plc_map.Register], alarms: frozenset[str]) -> None:
        if math.isfinite(sum(numbers[register.name] for register in of)):
            return
        broken = [f"{each.name} (word {each.address})" for each in of if not math.isfinite(numbers[each.name])]
        raise InstrumentError(
            f"{self.role}: the PLC reports no number for {', '.join(broken)}; alarms latched: {_listed(alarms)}; "
            "check the sensor and its cable"
        )

    def _tripped(self, asked: str, head: dict[str, Number]) -> InterlockTripped:
        if self._restarted:
            return InterlockTripped(
                f"{self.role}: asked to {asked}, but the PLC restarted (up for {head['uptime_s']} s only): what was "
                "running is void; find out why, then take control again"
            )
        alarms = plc_map.bit_names(int(head["alarm_word_1"]), plc_map.ALARM_WORD_1)
        return InterlockTripped(
            f"{self.role}: asked to {asked} in state {self._state(head).name}; alarms latched: {_listed(alarms)}; "
            f"permissives missing: {_listed(_missing(head))}; remove the cause, then take control again"
        )

    def _refused(self, command: Command, head: dict[str, Number]) -> InstrumentError:
        code = int(head["last_cmd_result"])
        why = _REFUSALS[Result(code)] if code in _REFUSALS else "for a reason that the map does not know"
        return InstrumentError(
            f"{self.role}: the PLC refused {command.name} with result {code} in state {self._state(head).name}: {why}"
        )


def open_rig_plc(place: Place) -> ModbusPlcRig:
    """Connect to the PLC at ``tcp://host:502``, or where RTU frames are spoken (``links.address.parse_modbus``)."""
    try:
        link = ModbusLink(place.role, place.address, unit_id=plc_map.UNIT_ID, tape=place.tape)
    except ConfigError as error:
        raise ConfigError(f"{place.role}: {error}") from None
    rig = ModbusPlcRig(place.role, link, place.clock)
    try:
        rig.open()
    except BaseException:
        rig.close()
        raise
    return rig


def _in_range(name: str, number: Number) -> bool:
    """False for NaN, too."""
    return plc_map.BY_NAME[name].low <= number <= plc_map.BY_NAME[name].high


def _missing(head: dict[str, Number]) -> frozenset[str]:
    return plc_map.bit_names(~int(head["interlock_word"]) & plc_map.ALL_INTERLOCKS, plc_map.INTERLOCK_WORD)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
