"""Cycles from the driver over Modbus and the PLC's programme to the plant, and the log back.

Kinds: wire, plant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from meterbench.errors import ConfigError, InstrumentError, InterlockTripped
from meterbench.instruments.capabilities import CyclePlan, CycleState, CycleSummary, RigState
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.rig import cycle_map, cycle_reader
from meterbench.instruments.rig.cycle_log import DEPTH, CycleLog
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.instruments.rig.modbus_plc_sim import ModbusPlcSim
from meterbench.instruments.rig.plc_logic import PlcLogic
from meterbench.world.air import Air
from meterbench.world.clock import VirtualClock
from meterbench.world.plant import Plant, PlantSpec, Slot
from tests.instruments.rig.conftest import StandIn
from tests.instruments.rig.test_held_pressure import Still
from tests.world.test_plant import p40_at_2500_l_h

PLAN = CyclePlan("C", 2500.0, 1.0, 15.0, 1.0, 15.0, cycles=100_000)
FIRST = replace(PLAN, cycles=20)


@dataclass
class Virtual:
    """A plant with one meter that minds nothing, its PLC behind Modbus TCP, the driver, and a clock."""

    plant: Plant
    plc: PlcLogic
    sim: ModbusPlcSim
    driver: ModbusPlcRig
    clock: VirtualClock


@pytest.fixture
def rig(loop_thread: LoopThread) -> Iterator[Virtual]:
    """In IDLE under remote control; a bench beats."""
    plant = Plant(PlantSpec(), Air(), [Slot(Still(), p40_at_2500_l_h)], np.random.default_rng(1))
    plc = PlcLogic(plant, np.random.default_rng(2))
    plant.controllers.append(plc)
    sim = ModbusPlcSim(plc)
    address = loop_thread.run(sim.start("tcp"))

    def live(duration_s: float) -> bool:
        plc.bench_turn(duration_s)
        return plant.advance(duration_s)

    clock = VirtualClock(lambda duration_s: loop_thread.call(lambda: live(duration_s)))
    driver = ModbusPlcRig("rig", ModbusLink("rig", address), clock)
    driver.open()
    driver.request_remote()
    clock.every(0.5, driver.beat, steady_period_s=3600.0, vital=True)
    yield Virtual(plant, plc, sim, driver, clock)
    driver.close()
    loop_thread.run(sim.stop())


# The plant behind it.


def test_a_programme_runs_by_itself_and_tells_each_cycle(rig: Virtual) -> None:
    """Twenty cycles: flow within 10 % at once and within 0.5 % once trimmed, times and volume those of the plan."""
    assert rig.driver.cycle_state() == CycleState(running=False, done=0, oldest=0, log_depth=DEPTH)
    rig.driver.start_cycles(FIRST)
    assert rig.driver.cycle_state().running
    assert rig.driver.status().state is RigState.RUNNING
    rig.clock.sleep(20 * 32.0 + 16.0)
    assert rig.driver.cycle_state() == CycleState(running=False, done=20, oldest=1, log_depth=DEPTH)
    assert rig.driver.status().state is RigState.IDLE
    assert rig.plant.flow_l_h == 0.0
    log = rig.driver.read_cycles(1, 20)
    assert [each.number for each in log] == list(range(1, 21))
    assert log[0].flow_l_h == pytest.approx(2500.0, rel=0.1)
    for each in log[3:]:
        assert each.flow_l_h == pytest.approx(2500.0, rel=0.005)
        assert each.volume_l == pytest.approx(each.flow_l_h * 16.0 / 3600.0, rel=2e-3)
    for each in log:
        assert [each.rise_s, each.on_s, each.fall_s, each.off_s] == pytest.approx([1.0, 15.0, 1.0, 15.0], abs=0.05)
        assert each.pressure_upstream_kpa > each.pressure_downstream_kpa > 300.0
        assert each.water_temp_c == pytest.approx(20.0, abs=0.2)


def test_a_hundred_thousand_cycles_pass_in_a_steady_world(rig: Virtual) -> None:
    """37 days: the count is that of the time, and the log holds the last 4096."""
    rig.driver.start_cycles(PLAN)
    rig.clock.sleep(600.0)
    before = rig.driver.cycle_state().done
    assert rig.plant.advance(10 * 86_400.0)
    assert rig.driver.cycle_state().done == before + 27_000
    state = rig.driver.cycle_state()
    assert state.oldest == state.done - DEPTH + 1
    assert rig.driver.read_cycles(state.oldest, 61)[-1].number == state.oldest + 60
    with pytest.raises(InstrumentError, match=rf"cycle {state.oldest - 1}, but its log does not hold it"):
        rig.driver.read_cycles(state.oldest - 1, 2)
    with pytest.raises(InstrumentError, match=rf"cycle {state.done + 1}, but its log does not hold it"):
        rig.driver.read_cycles(state.done - 3, 5)


def test_a_stop_counts_whole_cycles_and_the_programme_goes_on(rig: Virtual) -> None:
    """The log of both parts is one."""
    rig.driver.start_cycles(PLAN)
    rig.clock.sleep(7.5 * 32.0 + 8.0)
    done = rig.driver.cycle_state().done
    rig.driver.stop_flow()
    rig.clock.sleep(60.0)
    assert rig.plant.flow_l_h == 0.0
    assert rig.driver.cycle_state() == CycleState(running=False, done=done, oldest=1, log_depth=DEPTH)
    before = rig.driver.read_cycles(1, done)
    rig.driver.start_cycles(replace(PLAN, first=done + 1))
    rig.clock.sleep(10 * 32.0 + 20.0)
    state = rig.driver.cycle_state()
    assert state.done >= done + 9
    assert rig.driver.read_cycles(1, state.done)[:done] == before


def test_a_programme_from_another_cycle_forgets_the_log(rig: Virtual) -> None:
    """Nothing of a sample before can be taken for one of this."""
    rig.driver.start_cycles(FIRST)
    rig.clock.sleep(100.0)
    rig.driver.stop_flow()
    rig.driver.start_cycles(replace(PLAN, first=51, cycles=60))
    assert rig.driver.cycle_state() == CycleState(running=True, done=50, oldest=0, log_depth=DEPTH)
    rig.clock.sleep(100.0)
    state = rig.driver.cycle_state()
    assert state.oldest == 51
    with pytest.raises(InstrumentError, match="cycle 2,"):
        rig.driver.read_cycles(2, 1)


def test_an_emergency_stop_ends_it_and_leaves_count_and_log(rig: Virtual, loop_thread: LoopThread) -> None:
    """So do a bench that died and a loss of supply."""
    rig.driver.start_cycles(PLAN)
    rig.clock.sleep(200.0)
    done = rig.driver.cycle_state().done
    rig.plc.causes.add("ESTOP")
    rig.clock.sleep(1.0)
    assert rig.driver.status().state is RigState.ESTOP
    assert not rig.driver.cycle_state().running
    rig.clock.sleep(100.0)
    assert rig.plant.flow_l_h == 0.0
    loop_thread.call(rig.sim.restart)
    assert rig.driver.cycle_state().done == done >= 4
    assert len(rig.driver.read_cycles(1, done)) == done


def test_a_bench_that_dies_stops_the_cycles(rig: Virtual, loop_thread: LoopThread) -> None:
    """In time that passes as on a wall."""
    rig.driver.start_cycles(PLAN)

    def live() -> None:
        for _ in range(1000):
            rig.plc.bench_turn(0.02)
            rig.plant.advance(0.02)

    loop_thread.call(live)
    assert rig.driver.status().alarms == {"PC_WATCHDOG"}
    assert not rig.driver.cycle_state().running


def test_a_line_without_water_trips_after_one_cycle(rig: Virtual) -> None:
    rig.plant.drained = True
    rig.driver.start_cycles(PLAN)
    rig.clock.sleep(600.0)
    assert rig.driver.status().alarms == {"DRY_RUN"}
    assert rig.driver.cycle_state().done == 1


def test_while_it_cycles_only_what_fits_is_obeyed(rig: Virtual) -> None:
    """It can be stopped, and the water be made warmer; the cycles feel that."""
    rig.driver.start_cycles(PLAN)
    rig.clock.sleep(100.0)
    for refused in (
        lambda: rig.driver.start_flow("C", 1000.0, 100.0),
        lambda: rig.driver.start_cycles(PLAN),
        rig.driver.divert_to_tank,
        rig.driver.drain_weigh_tank,
        rig.driver.start_pressure_test,
        lambda: rig.driver.hold_pressure(100.0),
    ):
        with pytest.raises(InstrumentError, match="its state does not allow it"):
            refused()
    rig.driver.set_water_temp(25.0)
    rig.clock.sleep(2400.0)
    done = rig.driver.cycle_state().done
    assert rig.driver.read_cycles(done, 1)[0].water_temp_c == pytest.approx(25.0, abs=0.2)
    rig.driver.controlled_stop()
    assert not rig.driver.cycle_state().running


def test_a_flow_that_runs_is_ended_first(rig: Virtual) -> None:
    """No cycle begins in water that still moves."""
    rig.driver.start_flow("C", 1000.0, 100.0)
    rig.clock.sleep(60.0)
    rig.driver.start_cycles(FIRST)
    rig.clock.sleep(120.0)
    assert rig.driver.read_cycles(1, 1)[0].volume_l == pytest.approx(2500.0 * 16.0 / 3600.0, rel=0.1)


@pytest.mark.parametrize(
    ("plan", "error", "message"),
    [
        (replace(PLAN, line="D"), ConfigError, "no line 'D'"),
        (replace(PLAN, on_s=0.0), InstrumentError, "cycle_on 0.0 s is outside 1 to 3600 s"),
        (replace(PLAN, flow_l_h=9001.0), InstrumentError, "flow_setpoint"),
        (replace(PLAN, first=0), InstrumentError, "out of range"),
        (replace(PLAN, first=100_001), InstrumentError, "out of range"),
        (replace(PLAN, flow_l_h=0.0), InstrumentError, "out of range"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(rig: Virtual, plan: CyclePlan, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rig.driver.start_cycles(plan)
    assert not rig.driver.cycle_state().running


def test_nothing_cycles_while_a_permissive_is_missing(rig: Virtual) -> None:
    rig.plc.causes.add("DOOR_OPEN")
    with pytest.raises(InterlockTripped, match=r"start_cycles \(not sent\)"):
        rig.driver.start_cycles(PLAN)


# The wire.


def summary(number: int, **other: float) -> tuple[float, ...]:
    """A row of the log that is well."""
    return tuple(
        ({"number": number} | dict(zip(cycle_map.SUMMARY.names[1:], ROW, strict=True)) | other).values()  # type: ignore[index]
    )


ROW = (1.0, 15.0, 1.0, 15.0, 2500.0, 11.25, 400.0, 300.0, 20.0)


@dataclass
class CyclingStandIn(StandIn):
    """A PLC's logic whose log is what the test says."""

    rows: Sequence[tuple[float, ...]] = ()

    def cycle_state(self) -> Mapping[str, int]:
        return {"cycle_running": 1, "cycle_log_depth": 4096, "cycles_done": 0x10002, "cycle_oldest": 3}

    def cycle_window(self, first: int) -> Sequence[int]:
        window = np.zeros(cycle_map.WINDOW, dtype=cycle_map.SUMMARY)
        window[: len(self.rows)] = list(self.rows)
        return cycle_map.words_of(window)


@pytest.fixture
def wire(loop_thread: LoopThread) -> Iterator[tuple[CyclingStandIn, ModbusPlcRig]]:
    core = CyclingStandIn()
    sim = ModbusPlcSim(core)
    driver = ModbusPlcRig("rig", ModbusLink("rig", loop_thread.run(sim.start("tcp"))), VirtualClock(lambda _: True))
    driver.open()
    yield core, driver
    driver.close()
    loop_thread.run(sim.stop())


def frames(driver: ModbusPlcRig) -> list[tuple[str, str]]:
    """What was said, without the transaction's header."""
    return [(each.sent[6:].hex(" "), each.received[6:].hex(" ")) for each in driver.trace()]


def test_golden_start(wire: tuple[CyclingStandIn, ModbusPlcRig]) -> None:
    """The plan in one write of words 130 to 141, then the command with all set-points."""
    core, driver = wire
    before = len(driver.trace())
    driver.start_cycles(replace(PLAN, first=7))
    said = frames(driver)[before:]
    plan = "3f 80 00 00 41 70 00 00 3f 80 00 00 41 70 00 00 00 01 86 a0 00 00 00 07"
    assert said[0] == (f"01 10 00 82 00 0c 18 {plan}", "01 10 00 82 00 0c")
    assert said[2][0].startswith("01 10 00 64 00 14 28 00 01 00 10 00 03 00 00 45 1c 40 00")
    command, numbers = core.executed[0]
    assert command == 16
    assert [numbers["cycle_first"], numbers["cycle_last"], numbers["cycle_on"]] == [7, 100_000, 15.0]


def test_golden_state_and_log(wire: tuple[CyclingStandIn, ModbusPlcRig]) -> None:
    """Words 200 to 205; the window is asked for, then six summaries of 20 words a read."""
    core, driver = wire
    core.rows = [summary(number) for number in range(5, 13)]
    before = len(driver.trace())
    assert driver.cycle_state() == CycleState(running=True, done=0x10002, oldest=3, log_depth=4096)
    assert driver.read_cycles(5, 7) == [CycleSummary(number, *ROW) for number in range(5, 12)]
    said = frames(driver)[before:]
    assert said[0] == ("01 03 00 c8 00 06", "01 03 0c 00 01 10 00 00 01 00 02 00 00 00 03")
    assert said[1] == ("01 10 00 8e 00 02 04 00 00 00 05", "01 10 00 8e 00 02")
    assert [sent for sent, _ in said[2:]] == ["01 03 00 d2 00 78", "01 03 01 4a 00 14"]
    row = "3f 80 00 00 41 70 00 00 3f 80 00 00 41 70 00 00 45 1c 40 00 41 34 00 00 43 c8 00 00 43 96 00 00 41 a0 00 00"
    assert said[3][1] == f"01 03 28 00 00 00 0b {row}"


def test_a_stale_window_is_noticed(wire: tuple[CyclingStandIn, ModbusPlcRig]) -> None:
    """A PLC that still shows another window cannot pass as the one asked for."""
    core, driver = wire
    core.rows = [summary(number) for number in range(65, 71)]
    with pytest.raises(InstrumentError, match="asked for cycle 5, but its log shows number 65 in that place"):
        driver.read_cycles(5, 6)


@pytest.mark.parametrize("name", cycle_map.SUMMARY.names[1:])  # type: ignore[index]
@pytest.mark.parametrize("shown", [np.nan, np.inf, -1000.0, 1e6])
def test_a_number_that_cannot_be_is_refused(wire, name: str, shown: float) -> None:
    core, driver = wire
    core.rows = [summary(1), summary(2, **{name: shown})]
    with pytest.raises(InstrumentError, match=f"{name} of cycle 2 is"):
        driver.read_cycles(1, 2)


def test_a_plc_of_before_has_no_cycles(wire: tuple[CyclingStandIn, ModbusPlcRig]) -> None:
    _, driver = wire
    driver._map_version = 0x0100
    for ask in (driver.cycle_state, lambda: driver.read_cycles(1, 1), lambda: driver.start_cycles(PLAN)):
        with pytest.raises(InstrumentError, match=r"knows no cycles \(since 1.1\)"):
            ask()


def test_cycles_are_counted_from_one(wire: tuple[CyclingStandIn, ModbusPlcRig]) -> None:
    _, driver = wire
    with pytest.raises(InstrumentError, match="counted from 1"):
        driver.read_cycles(0, 1)
    assert driver.read_cycles(1, 0) == []


# The log.


def rows(count: int) -> cycle_map.Records:
    """Cycles without numbers."""
    return np.zeros(count, dtype=cycle_map.SUMMARY)


def test_the_log_is_a_ring() -> None:
    """More at once than it is deep, and windows over its seam."""
    log = CycleLog()
    log.begin(1)
    log.add(rows(10_000))
    assert (log.done, log.oldest) == (10_000, 10_000 - DEPTH + 1)
    log.add(rows(1))
    first = log.oldest
    assert log.window(first)["number"].tolist() == list(range(first, first + cycle_map.WINDOW))
    assert log.window(first - 1)["number"][0] == 0
    assert log.window(log.done)["number"].tolist() == [log.done, *[0] * (cycle_map.WINDOW - 1)]


def test_what_cannot_be_is_named_for_every_field() -> None:
    assert tuple(cycle_reader._PLAUSIBLE) == cycle_map.SUMMARY.names[1:]  # type: ignore[index]
    assert cycle_map.SUMMARY_WORDS * cycle_map.SUMMARIES_A_READ <= 125
