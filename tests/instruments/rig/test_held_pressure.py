"""Held pressure, warm water and a drained line, from the driver over Modbus and the PLC's programme to the plant.

Kind: plant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.body import Body
from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES
from meterbench.dut.variants import Rating, all_ratings
from meterbench.errors import InstrumentError, InterlockTripped
from meterbench.instruments.capabilities import RigState
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.instruments.rig.modbus_plc_sim import ModbusPlcSim
from meterbench.instruments.rig.plc_logic import OVERPRESSURE_KPA, PlcLogic
from meterbench.world.air import Air
from meterbench.world.clock import VirtualClock
from meterbench.world.plant import Plant, PlantSpec, Slot
from meterbench.world.segment import Segment


class Still:
    """Something in the line that minds nothing."""

    def advance(self, segment: Segment) -> None: ...


@dataclass
class Virtual:
    """A plant, its PLC behind Modbus TCP, the driver, and a clock that moves the plant."""

    plant: Plant
    plc: PlcLogic
    driver: ModbusPlcRig
    clock: VirtualClock

    def upstream_kpa(self, looks: int = 20) -> list[float]:
        """What the rig's transmitter shows, twice a second."""
        shown = []
        for _ in range(looks):
            self.clock.sleep(0.5)
            shown.append(self.driver.status().pressure_upstream_kpa)
        return shown

    def flow_l_h(self, line: str, looks: int = 40) -> float:
        """Mean of what the line's own meter shows."""
        shown = []
        for _ in range(looks):
            self.clock.sleep(0.5)
            shown.append(self.driver.status().flow_l_h[line])
        return float(np.mean(shown))


@pytest.fixture
def rig(loop_thread: LoopThread) -> Iterator[Virtual]:
    """A rig with three meters in IDLE under remote control, and a bench that beats."""
    slots = [Slot(Still(), Body(GEOMETRIES[15]).loss_kpa) for _ in range(3)]
    plant = Plant(PlantSpec(), Air(), slots, np.random.default_rng(1))
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
    clock.every(0.5, driver.beat, steady_period_s=10.0, vital=True)
    yield Virtual(plant, plc, driver, clock)
    driver.close()
    loop_thread.run(sim.stop())


@pytest.mark.parametrize("pressure_kpa", [30.75, 400.0, 1520.0, 1600.0])
def test_a_pressure_is_held_at_rest(rig: Virtual, pressure_kpa: float) -> None:
    """With no flow yet, by the rig's own transmitter: the minimum within its +5 % and 0, stable; and let go again."""
    rig.driver.hold_pressure(pressure_kpa)
    rig.clock.sleep(20.0)
    shown_kpa = rig.upstream_kpa()
    assert np.mean(shown_kpa) == pytest.approx(pressure_kpa, rel=1e-3)
    assert max(shown_kpa) - min(shown_kpa) < max(0.4, 0.005 * pressure_kpa)
    if pressure_kpa == 30.75:
        assert all(30.3 < each < 31.2 for each in shown_kpa)
    assert rig.driver.status().state is RigState.RUNNING
    assert rig.plant.pressure_upstream_kpa == pytest.approx(pressure_kpa, rel=0.01)
    rig.driver.hold_pressure(None)
    assert np.mean(rig.upstream_kpa()) == pytest.approx(400.0, rel=0.01)
    assert rig.driver.status().state is RigState.IDLE


Q2_L_H = {each.q2_l_h: each for each in all_ratings()}


@pytest.mark.parametrize("variant", Q2_L_H.values(), ids=lambda each: f"{each.q2_l_h:g} L/h")
@pytest.mark.parametrize("pressure_kpa", [30.75, 1550.0])
def test_q2_is_regulated_at_either_end_of_the_rated_pressures(
    rig: Virtual, variant: Rating, pressure_kpa: float
) -> None:
    """Within 0.5 % after three minutes, with the pressure where it was; and a steady rig."""
    line = "A" if variant.q2_l_h <= 20.0 else "B"
    rig.driver.hold_pressure(pressure_kpa)
    rig.driver.start_flow(line, variant.q2_l_h, 100.0)
    rig.clock.sleep(180.0)
    assert rig.flow_l_h(line) == pytest.approx(variant.q2_l_h, rel=0.005)
    assert rig.plant.flow_l_h == pytest.approx(variant.q2_l_h, rel=0.012)
    assert np.mean(rig.upstream_kpa()) == pytest.approx(pressure_kpa, rel=2e-3)
    assert rig.plc.idle


def test_the_flow_stays_when_the_pressure_changes(rig: Virtual) -> None:
    """Between one pressure and another the valve finds the same flow again; start_flow keeps the pressure."""
    rig.driver.start_flow("A", 16.0, 100.0)
    rig.clock.sleep(120.0)
    for pressure_kpa in (1500.0, 30.75, None):
        rig.driver.hold_pressure(pressure_kpa)
        rig.clock.sleep(180.0)
        assert rig.flow_l_h("A") == pytest.approx(16.0, rel=0.005)
        assert np.mean(rig.upstream_kpa()) == pytest.approx(pressure_kpa or 400.0, rel=0.01)
    rig.driver.hold_pressure(1000.0)
    rig.driver.start_flow("A", 10.0, 100.0)
    rig.clock.sleep(180.0)
    assert rig.flow_l_h("A") == pytest.approx(10.0, rel=0.005)
    assert np.mean(rig.upstream_kpa()) == pytest.approx(1000.0, rel=2e-3)
    rig.driver.stop_flow()
    rig.clock.sleep(30.0)
    assert np.mean(rig.upstream_kpa()) == pytest.approx(1000.0, rel=2e-3)


@pytest.mark.parametrize("how", ["controlled_stop", "request_remote", "watchdog", "door", "overpressure", "restart"])
def test_whatever_stops_the_rig_lets_the_pressure_go(rig: Virtual, how: str) -> None:
    """And no later command brings it back by a set-point of before: it must be asked for again."""
    rig.driver.hold_pressure(1500.0)
    rig.clock.sleep(20.0)
    if how == "watchdog":
        for _ in range(8):
            rig.plc.bench_turn(0.5)
    elif how == "door":
        rig.plc.causes.add("DOOR_OPEN")
        rig.clock.sleep(1.0)
        rig.plc.causes.clear()
    elif how == "overpressure":
        rig.plant.hold_pressure(OVERPRESSURE_KPA)
        rig.plant._held_kpa = OVERPRESSURE_KPA + 1.0
        rig.plant.spec = PlantSpec(supply_pressure_kpa=2000.0)
        rig.clock.sleep(1.0)
    elif how == "restart":
        rig.driver.status()
        rig.plc.restart()
        with pytest.raises(InterlockTripped, match="restarted"):
            rig.driver.status()
    else:
        getattr(rig.driver, how)()
    rig.clock.sleep(1.0)
    assert (rig.plant.pressure_upstream_kpa, rig.plant.pump_percent, rig.plant.hold_kpa) == (0.0, 0.0, None)
    rig.plant.spec = PlantSpec()
    rig.driver.request_remote()
    rig.driver.set_water_temp(21.0)
    rig.clock.sleep(20.0)
    assert rig.plant.pressure_upstream_kpa == 0.0
    rig.driver.start_flow("A", 10.0, 100.0)
    rig.clock.sleep(20.0)
    assert rig.plant.pressure_upstream_kpa == pytest.approx(400.0, abs=1.0)


@pytest.mark.parametrize(("pressure_kpa", "words"), [(1600.5, "outside 0 to 1600 kPa"), (9.0, "out of range")])
def test_a_pressure_that_cannot_be_held_is_refused(rig: Virtual, pressure_kpa: float, words: str) -> None:
    """Above the map's range it is not sent, too little is refused by the PLC; and later commands go as before."""
    with pytest.raises(InstrumentError, match=words):
        rig.driver.hold_pressure(pressure_kpa)
    rig.driver.start_flow("A", 10.0, 100.0)
    rig.clock.sleep(5.0)
    assert rig.plant.hold_kpa is None
    assert rig.plant.pressure_upstream_kpa == pytest.approx(400.0, abs=1.0)


def test_a_pressure_is_not_held_while_a_permissive_is_missing(rig: Virtual) -> None:
    rig.plc.causes.add("DOOR_OPEN")
    rig.clock.sleep(1.0)
    with pytest.raises(InterlockTripped, match="DOOR_OPEN"):
        rig.driver.hold_pressure(100.0)
    assert rig.plant.pump_percent == 0.0


def test_a_pressure_test_begins_at_the_held_pressure(rig: Virtual) -> None:
    """What is shut in stays, though the pumps let go behind the valves."""
    rig.driver.hold_pressure(1000.0)
    rig.clock.sleep(20.0)
    rig.driver.start_pressure_test()
    rig.driver.hold_pressure(None)
    rig.clock.sleep(60.0)
    assert np.mean(rig.upstream_kpa()) == pytest.approx(1000.0, rel=2e-3)
    assert rig.driver.status().state is RigState.PRESSURE_TEST
    rig.driver.end_pressure_test()
    assert np.mean(rig.upstream_kpa()) == pytest.approx(400.0, rel=0.01)


def test_water_of_60_degrees(rig: Virtual) -> None:
    """The overload temperature of a T50 is reached at the meters without an alarm, at the heater's own rate."""
    rig.driver.start_flow("C", 2000.0, 500.0)
    rig.driver.set_water_temp(60.0)
    rig.clock.sleep(40.0 / rig.plant.heater_k_s + 600.0)
    status = rig.driver.status()
    assert (status.state, status.alarms) == (RigState.RUNNING, frozenset())
    assert status.tank_temp_c == pytest.approx(60.0, abs=0.1)
    for temp_c in (status.water_temp_downstream_c, status.water_temp_upstream_c):
        assert temp_c == pytest.approx(60.0, abs=0.5)
    assert rig.flow_l_h("C") == pytest.approx(2000.0, rel=0.01)


def test_no_water_above_65_degrees_is_asked_for_and_68_trip(rig: Virtual) -> None:
    """The map ends before the alarm does."""
    with pytest.raises(InstrumentError, match="outside 5 to 65 degC"):
        rig.driver.set_water_temp(65.1)
    rig.driver.set_water_temp(65.0)
    rig.plant.tank_temp_c = 67.9
    rig.plc.scan(rig.plant.now_s)
    assert rig.driver.status().alarms == frozenset()
    rig.plant.tank_temp_c = 68.1
    rig.plc.scan(rig.plant.now_s)
    assert rig.driver.status().alarms == {"OVERTEMP_WATER"}


def test_no_pressure_builds_in_a_drained_line(rig: Virtual) -> None:
    """Pumps that hold a pressure and find no water run dry, though no flow is asked for."""
    rig.plant.drained = True
    rig.driver.hold_pressure(400.0)
    rig.clock.sleep(10.0)
    assert rig.driver.status().alarms == {"DRY_RUN"}
    assert rig.plant.pump_percent == 0.0


@pytest.mark.parametrize("hold_kpa", [None, 1000.0])
def test_no_flow_starts_in_a_drained_line(rig: Virtual, hold_kpa: float | None) -> None:
    """The PLC finds its pump running dry, as a real one would, and can start again once the line is filled."""
    rig.plant.drained = True
    rig.driver.hold_pressure(hold_kpa)
    rig.driver.start_flow("B", 100.0, 100.0)
    rig.clock.sleep(10.0)
    status = rig.driver.status()
    assert (status.state, status.alarms) == (RigState.FAULT, {"DRY_RUN"})
    assert (status.pump_speed_percent, rig.plant.flow_l_h) == (0.0, 0.0)
    rig.plant.drained = False
    rig.driver.request_remote()
    rig.driver.start_flow("B", 100.0, 100.0)
    rig.clock.sleep(60.0)
    assert rig.flow_l_h("B") == pytest.approx(100.0, rel=0.01)
