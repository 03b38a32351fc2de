"""What the simulated rig's PLC does with the plant: states, commands, flow control, alarms and the watchdog.

It sees the plant through sensors with errors of their own and moves nothing but actuators. The Modbus view of it is
``modbus_plc_sim``; the register map is ``plc_map`` (instruments.md 1.2 and 9).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from meterbench.instruments.rig.cycle_log import DEPTH, CycleLog
from meterbench.instruments.rig.cycle_map import words_of
from meterbench.instruments.rig.cycle_programme import CycleProgramme
from meterbench.instruments.rig.plc_map import (
    ALARM_WORD_1,
    BY_NAME,
    INTERLOCK_WORD,
    Command,
    ControlMode,
    PlcState,
    Result,
)
from meterbench.instruments.rig.sensor_errors import SensorErrors
from meterbench.world.hydraulics import LINES
from meterbench.world.plant import Plant

LINE_NAMES = ("A", "B", "C")
PC_WATCHDOG_S = 3.0
BEAT_PERIOD_S = 0.5
TRIM_WITHIN = 0.002
"""The controller leaves the valve alone once the flow is within 0.2 % of the set-point: no hunting."""
RESUME_BEYOND = 0.01
OVERPRESSURE_KPA = 1760.0
OVERTEMP_C = 68.0
"""The rig is built for the overload temperature test: 60 degC +/- 2.5 K at the meters of a T50 (ISO 4064-2, 7.6)."""
LOWEST_HELD_KPA = 10.0
"""Below it the pumps' drives cannot hold a pressure."""
WEIGH_TANK_HIGH_PERCENT = 95.0
DRY_RUN_S = 5.0
"""Pump on, a line open or a pressure to be held, and no flow or no pressure for so long (instruments.md 9)."""
PERMISSIVE_OF = {
    "ESTOP": "estop_ok",
    "OVERPRESSURE": "pressure_ok",
    "OVERTEMP_WATER": "temp_ok",
    "LEAK_TRAY": "no_leak",
    "CLAMP_LOST": "clamp_closed",
    "DOOR_OPEN": "guard_closed",
    "VFD_FAULT": "vfd_ready",
    "TANK_LOW": "level_ok",
}
"""Alarms whose cause is a permissive that is not given."""


@dataclass(slots=True)
class FlowLoop:
    """Feed-forward by the valve's characteristic, then trim until the flow is in the dead band, then rest."""

    line: str
    goal_l_h: float
    ramp_l_h_s: float
    working_l_h: float = 0.0
    settled: bool = False
    summed_l_h: float = 0.0
    samples: int = 0
    wait_until_s: float = 0.0


class PlcLogic:
    """The PLC's programme; a ``world.plant.Controller`` and the ``PlcCore`` of the Modbus view."""

    def __init__(self, plant: Plant, rng: np.random.Generator) -> None:
        self._plant = plant
        self._sensors = SensorErrors(rng)
        self._loop: FlowLoop | None = None
        self._cycles: CycleProgramme | None = None
        self._cycle_log = CycleLog()
        self._last_line: str | None = None
        self._base_state = PlcState.SAFE
        self._alarms = 0
        self._remote = False
        self._beat_value = -1
        self._silent_s = 0.0
        self._booted_s = plant.now_s
        self._dry_since_s: float | None = None
        self.causes: set[str] = set()
        """Alarms, by their names in the map, whose cause is there now and that the plant does not show by itself: a
        pressed e-stop, a wet tray, an open guard. Whoever plays the laboratory sets them."""
        self._hold_kpa: float | None = None
        """Pressure that is held before the meters, as the transmitter shows it; None: what the pump gives."""
        # As the register holds it: a 32-bit float within its range.
        settable = BY_NAME["temp_setpoint"]
        self._temp_setpoint_c = float(np.float32(min(max(plant.heater_setpoint_c, settable.low), settable.high)))
        # The PLC's own idea of its valves, a few per cent off: the trim has something to do.
        self._assumed_kvs = {
            name: spec.kvs_m3_h * (1.0 + 0.03 * float(rng.standard_normal())) for name, spec in LINES.items()
        }

    # What the Modbus view asks.

    def process_image(self) -> Mapping[str, float | int]:
        """All process values by register name, as the PLC's sensors show them now."""
        plant, sensors = self._plant, self._sensors
        flow = plant.flow_l_h
        image: dict[str, float | int] = {
            "plc_fw": 0x0100,
            "uptime_s": int(plant.now_s - self._booted_s),
            "plc_heartbeat": int((plant.now_s - self._booted_s) * 10.0) % 65536,
            "state": int(self.state),
            "alarm_word_1": self._alarms,
            "alarm_word_2": 0,
            "interlock_word": self._interlocks(),
            "pressure_upstream": sensors.pressure_kpa(plant.pressure_upstream_kpa),
            "pressure_downstream": sensors.pressure_kpa(plant.pressure_downstream_kpa),
            "dp_dut": sensors.noisy(plant.meters_dp_kpa, 0.05),
            "pump_speed_act": plant.pump_speed_percent,
            "pump_power": 15.0 * plant.pump_speed_percent,
            "water_temp_upstream": sensors.noisy(plant.water_temp_c + sensors.temp_offset_c, 0.005),
            "water_temp_downstream": sensors.noisy(plant.water_temp_downstream_c + sensors.temp_offset_c, 0.005),
            "tank_temp": sensors.noisy(plant.tank_temp_c, 0.01),
            "tank_level": 80.0,
            "weigh_tank_level": plant.weigh_tank.level_percent,
            "clamp_force": 4000.0,
            "ambient_temp": sensors.noisy(plant.air.temp_c, 0.02),
            "leak_rate": sensors.noisy(plant.leak_rate_kpa_min, 0.02),
            "diverter_time_on": plant.diverter.travel_on_s,
            "diverter_time_off": plant.diverter.travel_off_s,
            "gate_time_us": round(plant.diverter.gate_duration_s * 1e6),
            "gate_start_ns": round(plant.diverter.gate_opened_s * 1e9),
        }
        for name in LINE_NAMES:
            flows = self._last_line == name  # water that still runs out after the line was shut is seen, too
            image[f"flow_line_{name.lower()}"] = self._measured_flow_l_h(name, flow) if flows else 0.0
            image[f"pulses_line_{name.lower()}"] = 0  # the virtual rig's own flow meters have no pulse output
            image[f"valve_{name.lower()}_pos_act"] = 100.0 * plant.valves[name].position
        return image

    def setpoints_in_force(self) -> Mapping[str, float]:
        """The heater holds the tank at the temperature that the world began with."""
        return {"temp_setpoint": self._temp_setpoint_c}

    def cycle_state(self) -> Mapping[str, int]:
        """How far the cycles have come."""
        log = self._cycle_log
        return {
            "cycle_running": int(self._cycles is not None),
            "cycle_log_depth": DEPTH,
            "cycles_done": log.done,
            "cycle_oldest": log.oldest,
        }

    def cycle_window(self, first: int) -> list[int]:
        """The window on the log of cycles from one on, as ``cycle_map`` has it."""
        return words_of(self._cycle_log.window(first))

    def execute(self, command: int, setpoints: Mapping[str, float | int]) -> int:
        """Carry out one command of the map; the answer is one of ``Result``."""
        plant = self._plant
        if command == Command.controlled_stop:
            self._stop_everything()
            return Result.ok
        if command == Command.reset_alarms:
            self._alarms = self._live_alarms()
            return Result.ok if not self._alarms else Result.rejected_interlock
        if not self._remote:
            return Result.not_remote
        if self._alarms:
            return Result.rejected_interlock
        if command == Command.go_idle:
            self._stop_everything()
            self._base_state = PlcState.IDLE
            return Result.ok
        if self.state in (PlcState.SAFE, PlcState.BOOT):
            return Result.rejected_state
        hold_kpa = _pressure_to_hold(setpoints)
        if command in (Command.none, Command.start_flow) and hold_kpa is not None and hold_kpa < LOWEST_HELD_KPA:
            return Result.rejected_range
        if setpoints["temp_setpoint"] != self._temp_setpoint_c:
            self._temp_setpoint_c = plant.heater_setpoint_c = float(setpoints["temp_setpoint"])
        return self._execute_motion(command, setpoints)

    def _execute_motion(self, command: int, setpoints: Mapping[str, float | int]) -> int:
        plant = self._plant
        if self._cycles is not None and not self._goes_with_cycles(command, setpoints):
            return Result.rejected_state
        if command == Command.start_flow:
            return self._start_flow(setpoints)
        if command == Command.start_cycles:
            return self._start_cycles(setpoints)
        if command == Command.stop_flow:
            self._loop = self._cycles = None
            plant.stop_cycling()
        elif command == Command.divert_to_tank:
            if plant.weigh_tank.drain_open:
                return Result.rejected_state
            plant.diverter.command(True, plant.now_s)
        elif command == Command.divert_to_return:
            plant.diverter.command(False, plant.now_s)
        elif command == Command.drain_weigh_tank:
            if plant.diverter.gate:
                return Result.rejected_state
            plant.weigh_tank.drain_open = True
        elif command == Command.pressure_test:
            if self._loop is not None:
                return Result.rejected_state
            plant.pump_percent = 100.0
            plant.block_line(True)
            self._base_state = PlcState.PRESSURE_TEST
        elif command == Command.vent:
            plant.block_line(False)
            self._base_state = PlcState.IDLE
        elif command == Command.none:
            self._hold(_pressure_to_hold(setpoints))
        else:
            return Result.rejected_state
        return Result.ok

    def _start_flow(self, setpoints: Mapping[str, float | int]) -> int:
        plant = self._plant
        number, goal_l_h = int(setpoints["line_select"]), float(setpoints["flow_setpoint"])
        if not (1 <= number <= 3 and 0.0 < goal_l_h <= 9000.0):
            return Result.rejected_range
        line = LINE_NAMES[number - 1]
        if plant.line_blocked or (self._loop is not None and self._loop.line != line):
            return Result.rejected_state
        ramp_l_h_s = float(setpoints["ramp_flow"]) or goal_l_h
        self._hold(_pressure_to_hold(setpoints))
        working_l_h = self._loop.working_l_h if self._loop else 0.0
        self._loop = FlowLoop(line, goal_l_h, ramp_l_h_s, working_l_h)
        plant.pump_percent = 100.0
        plant.line = self._last_line = line
        return Result.ok

    def _goes_with_cycles(self, command: int, setpoints: Mapping[str, float | int]) -> bool:
        """While the flow comes and goes by itself it can be stopped, and the water's temperature changed."""
        other_pressure = _pressure_to_hold(setpoints) != self._hold_kpa
        return command == Command.stop_flow or (command == Command.none and not other_pressure)

    def _start_cycles(self, plan: Mapping[str, float | int]) -> int:
        plant = self._plant
        number, goal_l_h = int(plan["line_select"]), float(plan["flow_setpoint"])
        if not (1 <= number <= 3 and goal_l_h > 0.0 and 1 <= plan["cycle_first"] <= plan["cycle_last"]):
            return Result.rejected_range
        if plant.line_blocked or plant.diverter.gate or plant.weigh_tank.drain_open:
            return Result.rejected_state
        line = LINE_NAMES[number - 1]
        self._loop = plant.line = None
        plant.pump_percent = 100.0
        position = self._feed_forward(FlowLoop(line, goal_l_h, 0.0, working_l_h=goal_l_h))
        self._cycles = CycleProgramme(plant, self._sensors, self._cycle_log, line, plan, position, self._cycles_ended)
        self._last_line = line
        return Result.ok

    def _cycles_ended(self, done: bool) -> None:
        self._cycles = None
        if not done:
            self.trip("DRY_RUN")

    def _hold(self, hold_kpa: float | None) -> None:
        """Hold a pressure before the meters, at rest and while water flows: by the transmitter, right or wrong."""
        if hold_kpa == self._hold_kpa:
            return
        self._hold_kpa = hold_kpa
        self._plant.hold_pressure(None if hold_kpa is None else hold_kpa / self._sensors.pressure_gain)
        self._plant.pump_percent = 100.0
        if self._loop is not None:  # another pressure asks for another opening
            self._plant.valves[self._loop.line].target = self._feed_forward(self._loop)
            self._wait(self._loop, self._plant.now_s)

    def beat(self, value: int) -> None:
        """The bench's heartbeat: only a change counts."""
        if value != self._beat_value:
            self._beat_value = value
            self._silent_s = 0.0

    def remote_request(self, value: int) -> None:
        """The bench asks for control (the key switch of the virtual rig is in REMOTE)."""
        if value and not self._remote:
            self._silent_s = 0.0
        if self._remote and not value:
            self._stop_everything()  # nothing watches over it any more
        self._remote = bool(value)

    def restart(self) -> None:
        """The supply of the PLC dipped: its outputs fall off, and it begins anew without alarms and without control."""
        self._stop_everything()
        self._alarms = 0
        self._remote = False
        self._beat_value = -1
        self._silent_s = 0.0
        self._booted_s = self._plant.now_s
        self._dry_since_s = None
        self._temp_setpoint_c = BY_NAME["temp_setpoint"].power_on

    # What the lab and the plant ask.

    def bench_turn(self, ahead_s: float) -> None:
        """The bench could have acted by now, and the world is about to go on by ``ahead_s``: is the bench alive?

        Within a stretch of virtual time the bench cannot beat, however long the stretch: it counts for half a second at
        most, the period of the beat. In wall time stretches are short and all of them counts.
        """
        if self._remote and self._silent_s > PC_WATCHDOG_S and not self._alarms:
            self.trip("PC_WATCHDOG")
        self._silent_s += min(ahead_s, BEAT_PERIOD_S)

    def trip(self, alarm: str) -> None:
        """Latch an alarm by its name in the map and bring the rig to its safe state."""
        self._alarms |= 1 << ALARM_WORD_1.index(alarm)
        self._stop_everything()

    @property
    def state(self) -> PlcState:
        """The state register."""
        if self._alarms:
            return PlcState.ESTOP if self._alarms & 1 else PlcState.FAULT
        if self._plant.weigh_tank.drain_open:
            return PlcState.DRAINING
        if self._plant.diverter.gate:
            return PlcState.DIVERTING
        flows = self._loop is not None or self._cycles is not None
        if flows or (self._hold_kpa is not None and self._base_state is PlcState.IDLE):
            return PlcState.RUNNING
        return self._base_state

    @property
    def idle(self) -> bool:
        """True when a scan would change nothing: no flow to regulate, or one that rests in its dead band."""
        regulated = (self._loop is None or self._loop.settled) and (self._cycles is None or self._cycles.settled)
        return self._dry_since_s is None and regulated

    def scan(self, now_s: float) -> None:
        """One turn of the programme."""
        plant = self._plant
        dry = plant.pump_percent > 0.0 and (self._misses_flow or self._misses_pressure)
        self._dry_since_s = (now_s if self._dry_since_s is None else self._dry_since_s) if dry else None
        live = self._live_alarms() & ~self._alarms
        if live:
            self._alarms |= live
            self._stop_everything()
        if plant.weigh_tank.drain_open and plant.weigh_tank.drained:
            plant.weigh_tank.drain_open = False
        if self._loop is not None:
            self._regulate(self._loop, now_s)
        if self._cycles is not None:
            self._cycles.scan()

    @property
    def _misses_flow(self) -> bool:
        return self._loop is not None and self._plant.flow_l_h <= 0.0

    @property
    def _misses_pressure(self) -> bool:
        """The pumps are to hold a pressure, and none builds up: what they turn in is not water."""
        holds = self._hold_kpa is not None and not self._plant.line_blocked
        return holds and self._plant.pressure_upstream_kpa < 0.5 * LOWEST_HELD_KPA

    def _regulate(self, loop: FlowLoop, now_s: float) -> None:
        valve = self._plant.valves[loop.line]
        if loop.working_l_h != loop.goal_l_h:
            reach = loop.ramp_l_h_s * 0.1
            step = min(max(loop.goal_l_h - loop.working_l_h, -reach), reach)
            loop.working_l_h = (
                loop.goal_l_h if abs(loop.goal_l_h - loop.working_l_h) <= reach else loop.working_l_h + step
            )
            valve.target = self._feed_forward(loop)
            self._wait(loop, now_s)
            return
        if not valve.still:
            self._wait(loop, now_s)
            return
        if now_s < loop.wait_until_s:
            return
        loop.summed_l_h += self._measured_flow_l_h(loop.line, self._plant.flow_l_h)
        loop.samples += 1
        if loop.samples < 30:
            return
        ratio = loop.summed_l_h / loop.samples / loop.goal_l_h
        loop.summed_l_h, loop.samples = 0.0, 0
        loop.settled = abs(ratio - 1.0) < (RESUME_BEYOND if loop.settled else TRIM_WITHIN)
        if not loop.settled and ratio > 0.0:
            change = -math.log(ratio) / math.log(LINES[loop.line].rangeability)
            valve.target = min(max(valve.position + change, 0.02), 1.0)
            self._wait(loop, now_s)

    def _feed_forward(self, loop: FlowLoop) -> float:
        spec = LINES[loop.line]
        flow_m3_h = loop.working_l_h / 1000.0
        before_kpa = self._plant.given_kpa(loop.working_l_h) if self._hold_kpa is None else self._hold_kpa
        left_kpa = before_kpa - self._plant.meters_loss_kpa(loop.working_l_h)
        kv = flow_m3_h / math.sqrt(max(left_kpa, 1.0) / 100.0)
        position = 1.0 + math.log(max(kv, 1e-9) / self._assumed_kvs[loop.line]) / math.log(spec.rangeability)
        return min(max(position, 0.02), 1.0)

    def _wait(self, loop: FlowLoop, now_s: float) -> None:
        loop.settled = False
        loop.summed_l_h, loop.samples = 0.0, 0
        loop.wait_until_s = now_s + 6.0 * LINES[loop.line].lag_s

    def _measured_flow_l_h(self, line: str, flow_l_h: float) -> float:
        return self._sensors.noisy(flow_l_h * self._sensors.flow_gain[line], 0.001 * flow_l_h)

    def _stop_everything(self) -> None:
        plant = self._plant
        self._loop = self._cycles = None
        plant.stop_cycling()
        plant.pump_percent = 0.0
        self._hold_kpa = None
        plant.hold_pressure(None)
        plant.weigh_tank.drain_open = False
        plant.block_line(False)
        plant.diverter.command(False, plant.now_s)
        plant.heater_setpoint_c = plant.tank_temp_c
        self._base_state = PlcState.SAFE

    def _live_alarms(self) -> int:
        plant = self._plant
        causes = {
            "OVERPRESSURE": plant.pressure_upstream_kpa > OVERPRESSURE_KPA,
            "DRY_RUN": self._dry_since_s is not None and plant.now_s - self._dry_since_s > DRY_RUN_S,
            "OVERTEMP_WATER": plant.tank_temp_c > OVERTEMP_C,
            "WEIGH_TANK_HIGH": plant.weigh_tank.level_percent > WEIGH_TANK_HIGH_PERCENT and plant.diverter.gate,
        }
        there = self.causes | {name for name, live in causes.items() if live}
        return sum(1 << ALARM_WORD_1.index(name) for name in there)

    def _interlocks(self) -> int:
        live = self._live_alarms()
        missing = {permissive for alarm, permissive in PERMISSIVE_OF.items() if live >> ALARM_WORD_1.index(alarm) & 1}
        if not self._remote:
            missing |= {"remote_key"}
        if self._alarms & (1 << ALARM_WORD_1.index("PC_WATCHDOG")) or not self._remote:
            missing |= {"pc_alive"}
        if self._alarms & (1 << ALARM_WORD_1.index("ESTOP")):
            missing |= {"estop_ok"}
        if not self._plant.weigh_tank.drained:
            missing |= {"weigh_tank_empty"}
        return sum(1 << bit for bit, name in enumerate(INTERLOCK_WORD) if name and name not in missing)


def _pressure_to_hold(setpoints: Mapping[str, float | int]) -> float | None:
    """What is asked for by the map's control mode and set-point, in kPa; None: no pressure is to be held."""
    return float(setpoints["pressure_setpoint"]) if setpoints["control_mode"] == ControlMode.pressure else None
