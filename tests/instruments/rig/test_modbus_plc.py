"""The rig's driver: what it makes of the registers, what it refuses, and how it names what went wrong."""

from __future__ import annotations

import math

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from meterbench.errors import ConfigError, DeadlineExceeded, InstrumentError, InterlockTripped, ProtocolError
from meterbench.instruments.capabilities import FlowRig, GateTiming, Identity, RigState
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.place import Place
from meterbench.instruments.rig import plc_map
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig, open_rig_plc
from meterbench.instruments.serving.modbus_server import WIRES
from meterbench.world.clock import VirtualClock

MOVES = {
    "start_flow": lambda rig: rig.start_flow("B", 100.0, 50.0),
    "divert_to_tank": lambda rig: rig.divert_to_tank(),
    "drain_weigh_tank": lambda rig: rig.drain_weigh_tank(),
    "pressure_test": lambda rig: rig.start_pressure_test(),
    "none": lambda rig: rig.set_water_temp(30.0),
}
OTHERS = {
    "stop_flow": lambda rig: rig.stop_flow(),
    "divert_to_return": lambda rig: rig.divert_to_return(),
    "vent": lambda rig: rig.end_pressure_test(),
}


def test_golden_frames_of_a_command(rig: ModbusPlcRig) -> None:
    """Look at words 0..10; one FC16 of words 100..119 with the number 1; words 0..10 echo it."""
    before = len(rig.trace())
    rig.start_flow("B", 2.5, 1.5)
    frames = [(each.sent[6:].hex(" "), each.received[6:].hex(" ")) for each in rig.trace()[before:]]
    head = "01 03 16 01 01 01 42 00 00 03 e8 00 04 00 02 00 00 00 00 0f ff"
    setpoints = "40 20 00 00" + " 00" * 20 + " 41 a0 00 00 3f c0 00 00"
    assert frames == [
        ("01 03 00 00 00 0b", f"{head} 00 00 00 00"),
        ("01 10 00 64 00 14 28 00 01 00 05 00 02 00 01 " + setpoints, "01 10 00 64 00 14"),
        ("01 03 00 00 00 0b", f"{head} 00 01 00 00"),
    ]


def test_status_is_one_read_and_every_value_comes_from_its_own_register(served, rig: FlowRig) -> None:
    """The stand-in puts its address into each register."""
    served.core.image |= {"state": 7, "alarm_word_1": 0x201, "alarm_word_2": 0x102, "interlock_word": 0xFFE}
    before = len(rig.trace())
    status = rig.status()
    assert len(rig.trace()) == before + 1
    assert rig.trace()[-1].sent[6:] == bytes.fromhex("01 03 0000 003A")
    assert status.state is RigState.DIVERTING
    assert status.uptime_s == 1000
    assert status.alarms == {"ESTOP", "PC_WATCHDOG"}
    assert status.warnings == {"flow_unstable", "bit 8"}
    assert status.missing_permissives == {"estop_ok"}
    assert status.flow_l_h == {"A": 20, "B": 22, "C": 24}
    assert status.valve_position_percent == {"A": 52, "B": 54, "C": 56}
    assert [status.pressure_upstream_kpa, status.pressure_downstream_kpa, status.meters_dp_kpa] == [26, 28, 30]
    assert [status.pump_speed_percent, status.water_temp_upstream_c, status.water_temp_downstream_c] == [32, 36, 38]
    assert [status.tank_temp_c, status.weigh_tank_level_percent, status.ambient_temp_c] == [40, 44, 48]
    assert status.leak_rate_kpa_min == 50


def test_identity_and_last_gate(rig: ModbusPlcRig) -> None:
    assert rig.identity == Identity("rig PLC", "register map 1.1", "", "1.42")
    assert rig.last_gate() == GateTiming(duration_s=60.000123, travel_on_s=58.0, travel_off_s=60.0)


def test_no_gate_yet_is_an_error(served, rig: ModbusPlcRig) -> None:
    served.core.image["gate_time_us"] = 0
    with pytest.raises(InstrumentError, match="no complete one yet"):
        rig.last_gate()


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_process_value_that_is_no_number_is_refused_by_name(served, rig: ModbusPlcRig, number: float) -> None:
    for each in plc_map.PROCESS_VALUES:
        served.core.image |= {each.name: number, "alarm_word_1": 1 << 10}
        with pytest.raises(
            InstrumentError, match=rf"{each.name} \(word {each.address}\); alarms latched: SENSOR_FAILURE"
        ):
            rig.status()
        served.core.image |= {each.name: 1.0, "alarm_word_1": 0}
        rig.status()


def test_a_gate_whose_travel_time_is_no_number_is_refused(served, rig: ModbusPlcRig) -> None:
    served.core.image["diverter_time_off"] = math.nan
    with pytest.raises(InstrumentError, match="diverter_time_off"):
        rig.last_gate()


def test_an_unknown_state_is_refused(served, rig: ModbusPlcRig) -> None:
    served.core.image["state"] = 12
    with pytest.raises(ProtocolError, match="is 12, which the map does not know"):
        rig.status()


@pytest.mark.parametrize(("name", "move"), MOVES.items())
def test_nothing_moves_while_a_permissive_is_missing_or_an_alarm_latched(served, rig, name: str, move) -> None:
    """The command is not even sent, and the message names the bits in words."""
    served.core.image["interlock_word"] = plc_map.ALL_INTERLOCKS & ~0b10
    with pytest.raises(InterlockTripped, match=rf"{name} \(not sent\).*permissives missing: guard_closed"):
        move(rig)
    served.core.image |= {"interlock_word": plc_map.ALL_INTERLOCKS, "alarm_word_1": 0b10_0010}
    with pytest.raises(InterlockTripped, match="alarms latched: CLAMP_LOST, OVERPRESSURE"):
        move(rig)
    assert served.core.executed == []


@pytest.mark.parametrize(("name", "move"), (MOVES | OTHERS).items())
def test_each_command_reaches_the_plc_once(served, rig, name: str, move) -> None:
    move(rig)
    assert served.core.commands == [name]


def test_water_in_the_weighing_tank_does_not_forbid_a_second_collection(served, rig: ModbusPlcRig) -> None:
    served.core.image["interlock_word"] = plc_map.ALL_INTERLOCKS & ~(1 << 10)
    rig.divert_to_tank()
    assert served.core.commands == ["divert_to_tank"]


@pytest.mark.parametrize(("name", "stop"), OTHERS.items())
def test_what_leads_to_the_safe_state_is_sent_and_the_alarm_told(served, rig, name: str, stop) -> None:
    served.core.image |= {"alarm_word_1": 1, "state": 11}
    with pytest.raises(InterlockTripped, match=r"\(accepted\) in state ESTOP; alarms latched: ESTOP"):
        stop(rig)
    assert served.core.commands == [name]


@pytest.mark.parametrize(
    ("result", "error", "words"),
    [
        (1, InstrumentError, "busy with another command"),
        (2, InstrumentError, "in state IDLE: its state does not allow it"),
        (3, InterlockTripped, r"start_flow \(refused\)"),
        (4, InstrumentError, "set-point is out of range"),
        (5, InstrumentError, "REMOTE"),
        (9, InstrumentError, "a reason that the map does not know"),
    ],
)
def test_a_refusal_is_told_in_words(served, rig: ModbusPlcRig, result: int, error, words: str) -> None:
    served.core.result = result
    with pytest.raises(error, match=words):
        rig.start_flow("A", 10.0, 1.0)


@pytest.mark.parametrize("flow_l_h", [-1.0, 9000.1, math.nan, math.inf])
def test_a_set_point_out_of_range_is_not_sent(served, rig: ModbusPlcRig, flow_l_h: float) -> None:
    with pytest.raises(InstrumentError, match=r"flow_setpoint .* is outside 0 to 9000 l/h"):
        rig.start_flow("A", flow_l_h, 1.0)
    assert served.core.executed == []


def test_a_line_that_does_not_exist_is_refused(rig: ModbusPlcRig) -> None:
    with pytest.raises(ConfigError, match="no line 'D'; allowed: A, B, C"):
        rig.start_flow("D", 1.0, 1.0)


def test_set_points_stay_in_force_for_later_commands(served, rig: ModbusPlcRig) -> None:
    """The block is written as a whole, also by a driver that was opened later."""
    rig.set_water_temp(42.5)
    later = ModbusPlcRig("rig", served.link, served.clock)
    later.open()
    later.start_flow("C", 6300.0, 200.0)
    later.stop_flow()
    wanted = {"temp_setpoint": 42.5, "line_select": 3, "control_mode": 1, "flow_setpoint": 6300.0, "ramp_flow": 200.0}
    assert served.core.commands == ["none", "start_flow", "stop_flow"]
    assert served.core.executed[-1][1].items() >= wanted.items()


def test_a_restarted_plc_voids_what_was_running(served, rig: ModbusPlcRig) -> None:
    """Told once by status, and by every command until somebody takes control again."""
    served.core.image |= {"uptime_s": 3, "state": 1}
    with pytest.raises(InterlockTripped, match=r"PLC restarted \(up for 3 s only\)"):
        rig.status()
    assert rig.status().state is RigState.SAFE
    for move in (MOVES | OTHERS).values():
        with pytest.raises(InterlockTripped, match="PLC restarted"):
            move(rig)
    rig.controlled_stop()
    rig.request_remote()
    rig.start_flow("A", 10.0, 1.0)


def test_a_restart_is_noticed_by_a_command(served, rig: ModbusPlcRig) -> None:
    served.core.image["uptime_s"] = 0
    with pytest.raises(InterlockTripped, match="PLC restarted"):
        rig.divert_to_tank()
    assert served.core.executed == []


def test_taking_control_beats_asks_resets_and_goes_idle(served, rig: ModbusPlcRig) -> None:
    rig.request_remote()
    assert (served.core.beats, served.core.remote) == ([1], 1)
    assert served.core.commands == ["reset_alarms", "go_idle"]


def test_control_is_not_taken_while_the_cause_of_an_alarm_persists(served, rig: ModbusPlcRig) -> None:
    served.core.image["alarm_word_1"] = 1 << 4
    served.core.result = plc_map.Result.rejected_interlock
    with pytest.raises(InterlockTripped, match=r"reset_alarms \(refused\).*LEAK_TRAY"):
        rig.request_remote()


def test_the_heartbeat_counts(served, rig: ModbusPlcRig) -> None:
    rig.beat()
    rig.beat()
    assert served.core.beats == [1, 2]


@pytest.mark.parametrize("state", ["BOOT", "SAFE", "IDLE", "FAULT", "ESTOP"])
def test_a_controlled_stop_does_not_complain_of_a_rig_that_is_safe(served, rig: ModbusPlcRig, state: str) -> None:
    """Whatever alarm is latched, permissive missing or result answered; as often as one likes."""
    served.core.image |= {"state": plc_map.PlcState[state], "alarm_word_1": 0xFFFF, "interlock_word": 0}
    for served.core.result in plc_map.Result:
        rig.controlled_stop()
    assert served.core.commands == ["controlled_stop"] * len(plc_map.Result)


def test_a_controlled_stop_that_is_refused_while_water_runs_is_told(served, rig: ModbusPlcRig) -> None:
    served.core.image["state"] = int(plc_map.PlcState.RUNNING)
    served.core.result = plc_map.Result.not_remote
    with pytest.raises(InstrumentError, match="refused controlled_stop with result 5 in state RUNNING"):
        rig.controlled_stop()


@pytest.mark.parametrize("address", ["127.0.0.1:502", "socket://127.0.0.1:502", "tcp://:502", "tcp://plc", "rtu://"])
def test_an_address_that_cannot_be_meant_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"rig: address .*: expected tcp://host:port, rtu-tcp"):
        open_rig_plc(Place("rig", address, VirtualClock(lambda _: True)))


@pytest.mark.parametrize("served", WIRES, indirect=True)
def test_open_connects_by_address(served) -> None:
    rig = open_rig_plc(Place("rig", served.address, served.clock))
    assert rig.status().flow_l_h["A"] == 20
    rig.close()
    rig.close()


@pytest.fixture
def foreign_plc(loop_thread: LoopThread):
    """Registers without any logic behind them, served by pymodbus alone; give word 0."""
    servers = []

    async def serve(version: int) -> int:
        words = [version, *[0] * 121]
        server = ModbusTcpServer(
            SimDevice(1, [SimData(0, values=words, datatype=DataType.REGISTERS)]), address=("127.0.0.1", 0)
        )
        await server.serve_forever(background=True)
        servers.append(server)
        return server.transport.sockets[0].getsockname()[1]

    yield lambda version: loop_thread.run(serve(version))
    for server in servers:
        loop_thread.run(server.shutdown())


def test_another_major_version_of_the_map_is_refused(foreign_plc) -> None:
    clock = VirtualClock(lambda _: True)
    with pytest.raises(InstrumentError, match=r"register map 2\.1 \(word 0: 0x0201\), this driver 1\.x"):
        open_rig_plc(Place("rig", f"tcp://127.0.0.1:{foreign_plc(0x0201)}", clock))
    open_rig_plc(Place("rig", f"tcp://127.0.0.1:{foreign_plc(0x0103)}", clock)).close()


def test_a_plc_that_never_echoes_is_given_up_after_two_seconds_of_the_clock(foreign_plc) -> None:
    """A programme that stands still: the registers store what is written, nothing happens."""
    clock = VirtualClock(lambda _: True)
    rig = ModbusPlcRig("rig", ModbusLink("rig", f"tcp://127.0.0.1:{foreign_plc(0x0100)}"), clock)
    rig.open()
    with pytest.raises(DeadlineExceeded, match=r"sent stop_flow as number 1, but after 2\.\d s the PLC still echoes 0"):
        rig.stop_flow()
    assert 2.0 <= clock.now_s() < 2.1
    rig.close()


@pytest.mark.parametrize("state", ["SAFE", "RUNNING"])
def test_a_plc_that_restarts_while_it_is_stopped_must_be_safe(served, rig: ModbusPlcRig, state: str) -> None:
    """The command is forgotten; what counts is the state in which it came back."""
    served.core.restart = lambda: served.core.image.update(uptime_s=0, state=int(plc_map.PlcState[state]))
    served.sim.faults.add(Fault(FaultKind.RESTART, after=1))
    if state == "SAFE":
        rig.controlled_stop()
    else:
        with pytest.raises(InstrumentError, match="controlled_stop with result 0 in state RUNNING"):
            rig.controlled_stop()
