"""A supply that stands for the meter's battery, through its wire, in virtual time. Kind: plant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.dut.reference_meter.hardware.power.supply import Place as Socket
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology.power.places import Place as FirmwarePlace
from meterbench.dut.reference_meter.metrology.status import Alarm
from meterbench.instruments.capabilities import BatteryModel, CurrentLogger
from meterbench.instruments.drivers import opener
from meterbench.instruments.place import Place
from meterbench.instruments.supply.rs_ngu201 import RsNgu201
from meterbench.world.clock import VirtualClock
from tests.conftest import QUICK_METER, station_content

HOUR_S, DAY_S = 3600.0, 86_400.0


@dataclass
class SuppliedBench:
    """The virtual lab, and the supply of slot 1."""

    lab: VirtualLab
    clock: VirtualClock
    supply: Any

    @property
    def meter(self) -> ReferenceMeter:
        return self.lab.meters[0]

    def drawn_ma(self) -> float:
        """What the meter's own power model says that it takes, with the capacitor's leakage."""
        board = self.meter.unit.board
        return board.loads.demand(self.meter._activity).mean_ma + board.supply.capacitor.leakage_ma

    def alarms(self) -> Alarm:
        return Alarm(self.meter.registers().alarms)


def supplied(driver: str, *meters: dict[str, Any], settings: dict[str, Any] | None = None) -> Iterator[SuppliedBench]:
    content = station_content(*meters)
    content["instruments"]["supply"] = {"driver": driver, "settings": settings or {}}
    lab = VirtualLab(station.parse(content, "test"))
    addresses = lab.start()
    clock = VirtualClock(lab.advance)
    supply = opener(driver, settings)(Place("supply slot 1", addresses["supply"][0], clock))
    yield SuppliedBench(lab, clock, supply)
    supply.close()
    lab.stop()


@pytest.fixture
def bench() -> Iterator[SuppliedBench]:
    yield from supplied("rs_ngu201")


def test_it_is_handed_over_switched_on_and_running(bench: SuppliedBench) -> None:
    """3.6 V, no pack left, no alarm, and the capacitor has settled: nothing has to be waited for."""
    supply: CurrentLogger = bench.supply
    assert supply.status().on
    assert bench.meter.packs == {Socket.C1}
    bench.clock.sleep(60.0)
    assert bench.meter.powered
    assert bench.alarms() == Alarm(0)


def test_sixty_seconds_of_current_are_what_the_meter_draws(bench: SuppliedBench) -> None:
    """Within the box's gain (0.025 %) and offset (20 nA in its range of 0.1 mA); power.md: 16.0 uA and the leakage."""
    bench.clock.sleep(60.0)
    log = bench.supply.log(60.0)
    assert len(log.current_ma) == 60_000
    true_ma = bench.drawn_ma()
    assert 0.014 < true_ma < 0.020
    assert log.mean_ma == pytest.approx(true_ma, rel=3e-4, abs=21e-6)
    assert log.voltage_v.mean() == pytest.approx(3.6, abs=5e-3)
    assert bench.supply.measure().current_ma == pytest.approx(true_ma, rel=1e-3, abs=42e-6)


def test_the_shots_are_seen_as_far_as_the_capacitor_lets_them(bench: SuppliedBench) -> None:
    """8 a second of 0.9 uC, of which 0.15 ohm against 10 ohm leave the supply some 13 nC."""
    log = bench.supply.log(10.0)
    shots = log.current_ma > log.mean_ma + 5e-3
    shot_mc = (log.current_ma[shots] - log.current_ma[~shots].mean()).sum() * log.period_s / 80
    assert shot_mc == pytest.approx(0.875e-3 * 0.15 / 10.15, rel=0.08)


def test_a_voltage_that_is_too_low_is_a_low_battery(bench: SuppliedBench) -> None:
    """2.7 V: three checks, an hour apart; the capacitor carries on without taking anything meanwhile."""
    bench.supply.set_output(2.7, 600.0)
    bench.clock.sleep(HOUR_S)
    assert bench.alarms() == Alarm(0)
    assert abs(bench.supply.measure().current_ma) < 5e-6
    bench.clock.sleep(3 * HOUR_S)
    assert bench.alarms() == Alarm.LOW_BATTERY_INTERNAL
    assert bench.meter.powered


def test_off_for_long_is_off_and_on_is_back_with_its_total(bench: SuppliedBench) -> None:
    """make_safe: it lives from its capacitor, some two weeks; 3.6 V: it starts within minutes."""
    bench.clock.sleep(60.0)
    before = bench.meter.registers().forward_l
    bench.supply.make_safe()
    bench.clock.sleep(5 * DAY_S)
    assert bench.meter.powered
    assert bench.supply.measure().current_ma == pytest.approx(0.0, abs=25e-6)
    bench.clock.sleep(20 * DAY_S)
    assert not bench.meter.powered
    bench.supply.set_output(3.6, 600.0)
    bench.supply.switch_on()
    inrush = bench.supply.log(2.0)
    assert 60.0 < inrush.mean_ma < 200.0, "10 ohm into an empty capacitor"
    bench.clock.sleep(600.0)
    assert bench.meter.powered
    assert bench.meter.registers().forward_l == before
    bench.clock.sleep(4 * HOUR_S)
    assert bench.alarms() == Alarm.LOW_BATTERY_INTERNAL, "for the meter it is the pack that it found discharged"
    bench.meter.commands.battery_replaced(FirmwarePlace.C1)
    assert bench.alarms() == Alarm(0)


def test_the_limit_fills_the_capacitor_with_a_constant_current(bench: SuppliedBench) -> None:
    """20 mA into some 15 F: 1.3 mV a second, and the output is far below what was set."""
    bench.supply.make_safe()
    bench.clock.sleep(30 * DAY_S)
    start_v = bench.meter.unit.board.supply.spc_v
    bench.supply.set_output(3.6, 20.0)
    bench.supply.switch_on()
    assert bench.supply.status().limiting
    log = bench.supply.log(60.0)
    assert log.mean_ma == pytest.approx(20.0, rel=1e-3)
    farad = bench.meter.unit.board.supply.capacitor.farad
    assert bench.meter.unit.board.supply.spc_v - start_v == pytest.approx(0.02 * 60.0 / farad, rel=2e-3)
    assert log.voltage_v[-1] == pytest.approx(bench.meter.unit.board.supply.spc_v + 0.2, abs=2e-3)


def test_a_played_cell_gives_what_the_meter_draws(bench: SuppliedBench) -> None:
    """A cell of 10 mAh loses in ten days what 18 uA take."""
    supply: RsNgu201 = bench.supply
    cell = BatteryModel(0.010, (0.0, 5.0, 10.0, 100.0), (2.0, 3.55, 3.60, 3.60), (60.0, 40.0, 20.0, 20.0))
    supply.play_battery(cell, 90.0, 500.0)
    bench.clock.sleep(DAY_S)
    first = supply.state_of_charge_percent()
    for _ in range(10):
        bench.clock.sleep(DAY_S)
    given_mah = (first - supply.state_of_charge_percent()) / 100.0 * 10.0
    checks_mah = 240 * 2.0 * 0.5 / 3600.0
    assert given_mah == pytest.approx(240.0 * bench.drawn_ma() + checks_mah, rel=5e-3)


def test_every_slot_has_its_own() -> None:
    """What one supply does leaves the next meter alone."""
    meters = (QUICK_METER, {**QUICK_METER, "serial": "20000002"})
    for bench in supplied("keysight_n6705c", *meters):
        bench.supply.make_safe()
        bench.clock.sleep(30 * DAY_S)
        assert [meter.powered for meter in bench.lab.meters] == [False, True]


def test_the_n6705c_logs_the_same_meter() -> None:
    """Its range of 1 mA has an offset of up to 300 nA (unconfirmed): 2 % of what a meter draws."""
    for bench in supplied("keysight_n6705c"):
        log = bench.supply.log(30.0)
        assert log.mean_ma == pytest.approx(bench.drawn_ma(), abs=310e-6)
