"""The simulated PLC's programme on the simulated plant. Kind: plant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from meterbench.instruments.rig.plc_logic import PlcLogic
from meterbench.instruments.rig.plc_map import ALARM_WORD_1, INTERLOCK_WORD, Command, PlcState, Result
from meterbench.world.air import Air
from meterbench.world.plant import Plant, PlantSpec, Slot
from meterbench.world.segment import Segment


class Bystander:
    """Something in the line that only remembers the volume that passed."""

    volume_l = 0.0

    def advance(self, segment: Segment) -> None:
        self.volume_l += segment.volume_l


def one_kpa_at_1_m3_h(flow_l_h: float, water_temp_c: float) -> float:
    """A body of the square law."""
    return (flow_l_h / 1000.0) ** 2


class Rig:
    """A plant with its PLC, and a bench that beats while it waits."""

    def __init__(self) -> None:
        self.plant = Plant(PlantSpec(), Air(), [Slot(Bystander(), one_kpa_at_1_m3_h)], np.random.default_rng(1))
        self.plc = PlcLogic(self.plant, np.random.default_rng(2))
        self.plant.controllers.append(self.plc)
        self.beats = 0

    def command(self, command: Command, **setpoints: float) -> int:
        defaults = {"line_select": 0, "control_mode": 1, "flow_setpoint": 0.0, "pressure_setpoint": 0.0}
        temp = self.plc.setpoints_in_force()["temp_setpoint"]
        return self.plc.execute(command, {**defaults, "ramp_flow": 9000.0, "temp_setpoint": temp, **setpoints})

    def wait(self, duration_s: float, step_s: float = 0.5, beating: bool = True) -> None:
        for _ in range(round(duration_s / step_s)):
            if beating:
                self.beats += 1
                self.plc.beat(self.beats)
            self.plc.bench_turn(step_s)
            self.plant.advance(step_s)


@pytest.fixture
def rig() -> Rig:
    """A rig in IDLE under remote control."""
    rig = Rig()
    rig.plc.remote_request(1)
    assert rig.command(Command.go_idle) == Result.ok
    return rig


LINES = [(1, 1.0), (1, 1.64), (1, 20.0), (2, 25.0), (2, 600.0), (3, 700.0), (3, 7875.0)]


@pytest.mark.parametrize(("line", "flow_l_h"), LINES)
def test_flow_is_regulated_over_the_whole_span(rig: Rig, line: int, flow_l_h: float) -> None:
    """From the sensitivity threshold to the largest Q4, within 0.7 % (meter's gain and dead band), then at rest."""
    assert rig.command(Command.start_flow, line_select=line, flow_setpoint=flow_l_h) == Result.ok
    rig.wait(150.0)
    flows = []
    for _ in range(40):
        rig.wait(0.5)
        flows.append(rig.plant.flow_l_h)
    assert np.mean(flows) == pytest.approx(flow_l_h, rel=0.007)
    assert rig.plc.idle
    assert rig.plc.state is PlcState.RUNNING


def test_nothing_moves_without_remote_control() -> None:
    """Before the bench took control every motion command is refused, and so is it in SAFE."""
    rig = Rig()
    assert rig.command(Command.start_flow, line_select=2, flow_setpoint=100.0) == Result.not_remote
    rig.plc.remote_request(1)
    assert rig.command(Command.start_flow, line_select=2, flow_setpoint=100.0) == Result.rejected_state
    rig.wait(5.0)
    assert rig.plant.flow_l_h == 0.0


@pytest.mark.parametrize("step_s", [0.02, 0.5, 10.0])
def test_a_bench_that_stops_beating_is_noticed(rig: Rig, step_s: float) -> None:
    """After three seconds of what the bench could have used, in wall time or in stretches of virtual time: SAFE."""
    rig.command(Command.start_flow, line_select=2, flow_setpoint=100.0)
    rig.wait(20.0)
    assert rig.plant.flow_l_h > 50.0
    rig.wait(max(3.6, 8 * step_s), step_s, beating=False)
    assert rig.plc.state is PlcState.FAULT
    assert rig.plc.process_image()["alarm_word_1"] == 1 << ALARM_WORD_1.index("PC_WATCHDOG")
    rig.plant.advance(10.0)
    assert rig.plant.flow_l_h == 0.0
    assert rig.plant.pump_percent == 0.0


def test_a_bench_that_beats_is_never_cut_off(rig: Rig) -> None:
    """One beat in each long stretch of virtual time is a living bench."""
    rig.command(Command.start_flow, line_select=2, flow_setpoint=100.0)
    rig.wait(3600.0, step_s=10.0)
    assert rig.plc.state is PlcState.RUNNING


@pytest.mark.parametrize("alarm", ALARM_WORD_1)
def test_every_alarm_stops_the_water(rig: Rig, alarm: str) -> None:
    """Pump off, lines shut, diverter to return, in whatever state; latched until it is reset."""
    rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0)
    rig.wait(20.0)
    rig.command(Command.divert_to_tank)
    rig.wait(5.0)
    rig.plc.trip(alarm)
    rig.wait(5.0)
    assert rig.plc.state is (PlcState.ESTOP if alarm == "ESTOP" else PlcState.FAULT)
    assert (rig.plant.flow_l_h, rig.plant.pump_percent, rig.plant.diverter.gate) == (0.0, 0.0, False)
    assert rig.command(Command.start_flow, line_select=2, flow_setpoint=10.0) == Result.rejected_interlock
    assert rig.command(Command.reset_alarms) == Result.ok
    assert rig.command(Command.go_idle) == Result.ok


def test_a_cause_that_persists_cannot_be_reset(rig: Rig) -> None:
    """The overfilled tank: the alarm comes back for as long as the diverter's switch and the level say so."""
    rig.command(Command.start_flow, line_select=3, flow_setpoint=7000.0)
    rig.command(Command.divert_to_tank)
    rig.wait(80.0)
    assert rig.plc.process_image()["alarm_word_1"] == 1 << ALARM_WORD_1.index("WEIGH_TANK_HIGH")
    assert rig.plant.weigh_tank.level_percent < 100.0
    rig.plant.diverter.position, rig.plant.diverter.gate = 1.0, True
    assert rig.command(Command.reset_alarms) == Result.rejected_interlock


@pytest.mark.parametrize(
    ("command", "setpoints", "result"),
    [
        (Command.start_flow, {"line_select": 0, "flow_setpoint": 10.0}, Result.rejected_range),
        (Command.start_flow, {"line_select": 2, "flow_setpoint": 0.0}, Result.rejected_range),
        (Command.start_flow, {"line_select": 2, "flow_setpoint": float("nan")}, Result.rejected_range),
        (Command.clamp, {}, Result.rejected_state),
    ],
)
def test_commands_that_cannot_be_meant_are_refused(
    rig: Rig, command: Command, setpoints: dict[str, float], result: Result
) -> None:
    """By the map's result codes, and nothing moves."""
    assert rig.command(command, **setpoints) == result
    rig.wait(2.0)
    assert rig.plant.flow_l_h == 0.0


def test_the_line_is_changed_only_at_rest(rig: Rig) -> None:
    """No flow through two lines, no drain into a running jet, no pressure test with water running."""
    rig.command(Command.start_flow, line_select=2, flow_setpoint=100.0)
    rig.wait(10.0)
    assert rig.command(Command.start_flow, line_select=3, flow_setpoint=1000.0) == Result.rejected_state
    assert rig.command(Command.pressure_test) == Result.rejected_state
    rig.command(Command.divert_to_tank)
    rig.wait(1.0)
    assert rig.command(Command.drain_weigh_tank) == Result.rejected_state


def test_a_controlled_stop_is_never_refused_and_may_come_twice() -> None:
    """In every state, without control and with an alarm latched."""
    rig = Rig()
    assert rig.command(Command.controlled_stop) == Result.ok
    rig.plc.remote_request(1)
    rig.command(Command.go_idle)
    rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0)
    rig.wait(10.0)
    rig.plc.trip("DOOR_OPEN")
    for _ in range(2):
        assert rig.command(Command.controlled_stop) == Result.ok
        rig.wait(5.0)
        assert rig.plant.flow_l_h == 0.0


def test_a_plc_that_restarts_lets_everything_fall_off(rig: Rig) -> None:
    """Uptime from 0, SAFE, no flow, no alarm, no control; and it can be taken over again."""
    rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0)
    rig.wait(20.0)
    rig.plc.trip("DOOR_OPEN")
    rig.plc.restart()
    image = rig.plc.process_image()
    assert (image["uptime_s"], image["alarm_word_1"], image["state"]) == (0, 0, PlcState.SAFE)
    rig.wait(5.0)
    assert rig.plant.flow_l_h == 0.0
    assert rig.plc.process_image()["uptime_s"] == 5
    assert rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0) == Result.not_remote
    rig.plc.remote_request(1)
    assert rig.command(Command.go_idle) == Result.ok
    assert rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0) == Result.ok


@pytest.mark.parametrize(
    ("alarm", "permissive"),
    [("ESTOP", "estop_ok"), ("LEAK_TRAY", "no_leak"), ("CLAMP_LOST", "clamp_closed"), ("DOOR_OPEN", "guard_closed")],
)
def test_a_switch_trips_at_once_and_for_as_long_as_it_is_open(rig: Rig, alarm: str, permissive: str) -> None:
    """The water stops within a second; the permissive is missing; a reset is refused until the cause is gone, and the
    alarm stays until the reset."""
    rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0)
    rig.wait(20.0)
    rig.plc.causes.add(alarm)
    rig.wait(1.0)
    assert rig.plant.pump_percent == 0.0
    assert rig.plc.process_image()["alarm_word_1"] == 1 << ALARM_WORD_1.index(alarm)
    assert not int(rig.plc.process_image()["interlock_word"]) >> INTERLOCK_WORD.index(permissive) & 1
    assert rig.command(Command.reset_alarms) == Result.rejected_interlock
    rig.plc.causes.clear()
    rig.wait(1.0)
    assert rig.plc.process_image()["alarm_word_1"] == 1 << ALARM_WORD_1.index(alarm)
    assert rig.command(Command.reset_alarms) == Result.ok
    assert rig.plant.pump_percent == 0.0


def test_a_pump_that_runs_dry_is_switched_off(rig: Rig) -> None:
    """No flow with a line open: after five seconds, not at once; it can be reset once it has stopped."""
    rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0)
    rig.wait(20.0)
    rig.plant.spec = replace(rig.plant.spec, supply_pressure_kpa=0.0)
    rig.wait(5.0)
    assert rig.plc.state is PlcState.RUNNING
    rig.wait(15.0)
    assert rig.plc.process_image()["alarm_word_1"] == 1 << ALARM_WORD_1.index("DRY_RUN")
    assert rig.plant.pump_percent == 0.0
    assert rig.command(Command.reset_alarms) == Result.ok


def test_a_rig_that_is_handed_back_in_motion_stops(rig: Rig) -> None:
    """Nobody would beat for it: no flow, no heating, SAFE, and no alarm."""
    rig.command(Command.start_flow, line_select=3, flow_setpoint=2000.0, temp_setpoint=40.0)
    rig.wait(20.0)
    rig.plc.remote_request(0)
    rig.wait(5.0, beating=False)
    assert (rig.plant.flow_l_h, rig.plant.pump_percent, rig.plc.state) == (0.0, 0.0, PlcState.SAFE)
    assert rig.plant.heater_setpoint_c == rig.plant.tank_temp_c
    assert rig.plc.process_image()["alarm_word_1"] == 0
