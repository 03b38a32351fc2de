"""The line beyond steady flow: held pressure, meters against the flow or taken out, warm water, and no water at all."""

from __future__ import annotations

import itertools
import math

import pytest

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.body import SPREAD_LIMIT_SD, SPREAD_SD, Body
from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.variants import Rating, all_ratings, rating
from meterbench.world.hydraulics import BOOSTER_KPA, LINES, PUMP_DROOP_KPA, SHUT_BELOW, Valve, settled_flow_l_h
from meterbench.world.plant import PRESSURE_RATE_KPA_S, TEMPERATURE_STEP_K, Plant, Slot
from meterbench.world.water import ATMOSPHERE_MPA
from tests.world.test_plant import Recorder, a_plant, open_valve, p40_at_2500_l_h

LARGEST_SPREAD = 1.0 + SPREAD_LIMIT_SD * SPREAD_SD


def gauge_kpa(recorder: Recorder) -> float:
    """At a slot, in its last segment."""
    return 1000.0 * (recorder.segments[-1].pressure_mpa - ATMOSPHERE_MPA)


def bodies_kpa(plant: Plant, count: int, dn: int) -> None:
    """Put so many of the bodies that lose most into the line."""
    body = Body(GEOMETRIES[dn], LARGEST_SPREAD)
    plant.slots = [Slot(Recorder(), body.loss_kpa) for _ in range(count)]


# Pressure.


@pytest.mark.parametrize("pressure_kpa", [30.75, 400.0, 1520.0, 1600.0])
def test_a_held_pressure_is_there_at_rest_and_while_little_flows(pressure_kpa: float) -> None:
    """To the last digit before the meters, in each slot less what the bodies took; and the plant is steady."""
    plant, recorders = a_plant()
    plant.hold_pressure(pressure_kpa)
    plant.advance(20.0)
    assert plant.pressure_upstream_kpa == pressure_kpa == pytest.approx(gauge_kpa(recorders[2]), abs=1e-9)
    assert plant.advance(600.0)
    open_valve(plant, "A", 0.1, settle_s=90.0)
    assert plant.advance(600.0)
    assert plant.flow_l_h > 0.3
    assert plant.pressure_upstream_kpa == pressure_kpa
    taken_kpa = [part * p40_at_2500_l_h(plant.flow_l_h, 20.0) for part in (0.5, 1.5, 2.5)]
    assert [gauge_kpa(each) for each in recorders] == pytest.approx([pressure_kpa - each for each in taken_kpa])


def test_a_held_pressure_does_not_fall_with_the_flow() -> None:
    """The drives make up for the droop: at 2 000 L/h the flow is that of a source without one."""
    plant, _ = a_plant()
    plant.hold_pressure(200.0)
    open_valve(plant, "C", 0.6, settle_s=60.0)
    kv_m3_h = plant.valves["C"].kv_m3_h
    assert plant.flow_l_h == pytest.approx(1000.0 * math.sqrt(200.0 / (3 * 6.4 + 100.0 / kv_m3_h**2)), rel=1e-6)
    assert plant.pressure_upstream_kpa == 200.0
    needed_kpa = 200.0 + PUMP_DROOP_KPA * (plant.flow_l_h / 1000.0) ** 2
    assert plant.pump_speed_percent == pytest.approx(100.0 * math.sqrt(needed_kpa / 400.0), rel=1e-6)


def test_more_than_the_booster_can_feed_falls_back_to_what_the_pumps_give() -> None:
    """At full opening no 1.5 MPa stand before the meters, but what the main pump gives, as without holding."""
    (boosted, _), (plain, _) = a_plant(), a_plant()
    boosted.hold_pressure(1500.0)
    for plant in (boosted, plain):
        open_valve(plant, "C", 1.0, settle_s=60.0)
    assert boosted.flow_l_h == pytest.approx(plain.flow_l_h, rel=1e-9)
    assert boosted.pressure_upstream_kpa == pytest.approx(plain.pressure_upstream_kpa, rel=1e-9)
    assert boosted.pump_speed_percent == 100.0
    assert boosted.given_kpa(0.0) == 1500.0 < BOOSTER_KPA


def test_pressure_builds_slowly_and_is_let_go_at_once() -> None:
    """100 kPa/s from what was there, not steady meanwhile, however time is cut; None is the pump's own pressure."""
    plant, _ = a_plant()
    plant.hold_pressure(1600.0)
    assert plant.pressure_upstream_kpa == 400.0
    assert not plant.advance(3.0)
    assert plant.pressure_upstream_kpa == pytest.approx(400.0 + 3.0 * PRESSURE_RATE_KPA_S)
    plant.advance(20.0)
    plant.hold_pressure(30.75)
    plant.advance(1.0)
    assert plant.pressure_upstream_kpa == pytest.approx(1500.0)
    plant.hold_pressure(None)
    assert plant.pressure_upstream_kpa == 400.0
    assert plant.advance(10.0)


def test_nothing_is_held_without_a_pump() -> None:
    """A pump that stands gives no pressure; the drives begin from nothing when it starts."""
    plant, recorders = a_plant()
    plant.pump_percent = 0.0
    plant.hold_pressure(1000.0)
    assert plant.advance(60.0)
    assert (plant.pressure_upstream_kpa, gauge_kpa(recorders[0]), plant.pump_speed_percent) == (0.0, 0.0, 0.0)
    plant.pump_percent = 100.0
    plant.advance(5.0)
    assert plant.pressure_upstream_kpa == pytest.approx(5.0 * PRESSURE_RATE_KPA_S)


def test_the_blocked_line_keeps_what_was_held() -> None:
    """A pressure test at more than the supply's pressure: what is shut in stays when the drives let go."""
    plant, _ = a_plant()
    plant.hold_pressure(1000.0)
    plant.advance(20.0)
    plant.block_line(True)
    plant.hold_pressure(None)
    plant.advance(60.0)
    assert plant.pressure_upstream_kpa == pytest.approx(1000.0)


@pytest.mark.parametrize("variant", all_ratings(), ids=str)
@pytest.mark.parametrize("pressure_kpa", [30.0, 400.0, 1600.0])
def test_q2_of_every_variant_is_within_reach_at_every_pressure(variant: Rating, pressure_kpa: float) -> None:
    """Its line regulates Q2 from 0.9 to 1.1 times between shut and open, with four meters in the line."""
    plant, _ = a_plant()
    bodies_kpa(plant, 4, variant.dn)
    line = LINES["A" if variant.q2_l_h <= 20.0 else "B"]
    reach = [
        settled_flow_l_h(pressure_kpa, plant.meters_loss_kpa, Valve(line, position=position).kv_m3_h, 0.0)
        for position in (SHUT_BELOW, 1.0)
    ]
    assert reach[0] < 0.9 * variant.q2_l_h < 1.1 * variant.q2_l_h < reach[1]


@pytest.mark.parametrize("water_temp_c", [10.0, 20.0, 60.0])
@pytest.mark.parametrize("meters", [3, 4])
@pytest.mark.parametrize("variant", all_ratings(), ids=str)
def test_q4_of_every_variant_leaves_pressure_behind_the_last_meter(
    variant: Rating, meters: int, water_temp_c: float
) -> None:
    """At 0.4 MPa and Q4 the bodies that lose most leave more than 30 kPa, which line C can throttle."""
    plant, _ = a_plant(water_temp_c=water_temp_c)
    bodies_kpa(plant, meters, variant.dn)
    left_kpa = plant.given_kpa(variant.q4_l_h) - plant.meters_loss_kpa(variant.q4_l_h)
    open_valve_kpa = 100.0 * (variant.q4_l_h / 1000.0 / LINES["C"].kvs_m3_h) ** 2
    assert left_kpa > max(30.0, 1.5 * open_valve_kpa)


# What is clamped where.


def test_a_meter_against_the_flow_sees_it_backwards() -> None:
    """The same water with the other sign; loss, pressure and the other slots as before, and so the tank."""
    (forward, as_before), (turned, recorders) = a_plant((0.0, 0.6, 0.0)), a_plant((0.0, 0.6, 0.0))
    turned.slots[1].reversed = True
    for plant in (forward, turned):
        open_valve(plant, "B", 0.5, settle_s=60.0)
        plant.advance(600.0)
    assert recorders[1].volume_l == -as_before[1].volume_l < -0.1
    assert {segment.flow_l_h <= 0.0 for segment in recorders[1].segments} == {True}
    assert (recorders[0].segments, recorders[2].segments) == (as_before[0].segments, as_before[2].segments)
    assert [s.pressure_mpa for s in recorders[1].segments] == [s.pressure_mpa for s in as_before[1].segments]
    assert turned.meters_dp_kpa == forward.meters_dp_kpa > 0.0


def test_a_straight_pipe_takes_no_pressure() -> None:
    """The taken-out device stands in the room in still water without a gap; the others get what flows."""
    plant, recorders = a_plant(water_temp_c=40.0)
    open_valve(plant, "C", 0.6, settle_s=60.0)
    with_all_kpa, flow_l_h = plant.meters_dp_kpa, plant.flow_l_h
    plant.slots[1].taken_out = True
    passed_l, taken_at_s = recorders[1].volume_l, plant.now_s
    plant.advance(60.0)
    aside = [segment for segment in recorders[1].segments if segment.start_s >= taken_at_s]
    water = {(s.flow_l_h, s.water_temp_c, s.pressure_mpa, s.fill) for s in aside}
    assert water == {(0.0, plant.air.temp_c, ATMOSPHERE_MPA, 1.0)}
    assert math.fsum(segment.duration_s for segment in aside) == pytest.approx(60.0)
    assert recorders[1].volume_l == passed_l
    assert plant.flow_l_h > flow_l_h
    assert plant.meters_dp_kpa == pytest.approx(with_all_kpa * 2.0 / 3.0 * (plant.flow_l_h / flow_l_h) ** 2)
    assert gauge_kpa(recorders[2]) == pytest.approx(plant.pressure_upstream_kpa - plant.meters_dp_kpa * 0.75, rel=1e-6)
    plant.slots[1].taken_out = False
    plant.advance(10.0)
    assert recorders[1].segments[-1].flow_l_h == pytest.approx(recorders[0].segments[-1].flow_l_h, rel=1e-3)


@pytest.mark.parametrize("state", ["reversed", "taken_out"])
def test_the_rigs_own_meters_see_the_water_of_the_line(state: str) -> None:
    """What passes before the first slot does not depend on how, or whether, a meter is clamped there."""
    plant, recorders = a_plant()
    tap = Recorder()
    plant.taps.append(tap)
    setattr(plant.slots[0], state, True)
    open_valve(plant, "B", 0.5, settle_s=60.0)
    assert tap.volume_l == pytest.approx(recorders[1].volume_l, rel=1e-6)
    assert tap.volume_l > 0.1


# A line without water.


def test_a_drained_line_has_neither_flow_nor_pressure() -> None:
    """From one moment to the next, with pump and valve as they were, and held pressure gone; steady all the while."""
    plant, recorders = a_plant((0.0, 0.6, 0.0))
    plant.hold_pressure(1000.0)
    open_valve(plant, "B", 0.5, settle_s=60.0)
    passed_l, tank_g = recorders[0].volume_l, plant.weigh_tank.mass_g
    plant.drained = True
    assert plant.advance(600.0)
    assert (plant.flow_l_h, plant.pressure_upstream_kpa, plant.leak_l_h, plant.meters_dp_kpa) == (0.0, 0.0, 0.0, 0.0)
    dry = recorders[0].segments[-1]
    assert (dry.fill, dry.flow_l_h, dry.pressure_mpa) == (0.0, 0.0, ATMOSPHERE_MPA)
    assert recorders[0].volume_l == passed_l
    assert plant.weigh_tank.mass_g <= tank_g
    plant.block_line(True)
    assert plant.pressure_upstream_kpa == 0.0
    plant.block_line(False)
    plant.drained = False
    plant.advance(30.0)
    assert recorders[0].segments[-1].clear
    assert plant.flow_l_h > 10.0
    assert plant.pressure_upstream_kpa == pytest.approx(1000.0)


def test_a_meter_in_a_drained_line_finds_out_by_itself() -> None:
    """It has no echo and raises DRY, registers nothing, and recovers with the water."""
    designation = Designation.parse("ADR15-1-1")
    meter = ReferenceMeter(Nameplate("10000001", designation, rating(designation, "2.5", 1600), 0.1), seed=1)
    plant, _ = a_plant()
    plant.slots = [Slot(meter, p40_at_2500_l_h)]
    open_valve(plant, "B", 0.9, settle_s=60.0)
    assert "DRY" not in meter.look().icons
    plant.drained = True
    plant.advance(60.0)
    assert "DRY" in meter.look().icons
    passed_l = meter.registers().forward_l
    plant.advance(3600.0)
    assert meter.registers().forward_l == passed_l
    plant.drained = False
    plant.advance(60.0)
    assert "DRY" not in meter.look().icons
    assert meter.registers().forward_l > passed_l + 1.0


# Warm water.


def test_heating_takes_its_time_in_steps_of_temperature() -> None:
    """From 20 to 60 degC at the heater's rate: three hours, in segments of no more than the temperature step."""
    plant, recorders = a_plant()
    open_valve(plant, "C", 0.6, settle_s=60.0)
    plant.heater_setpoint_c = 60.0
    recorders[0].segments.clear()
    heating_s = 40.0 / plant.heater_k_s
    plant.advance(heating_s - 60.0)
    assert plant.tank_temp_c == pytest.approx(60.0 - 60.0 * plant.heater_k_s)
    temps_c = [segment.water_temp_c for segment in recorders[0].segments]
    assert max(after - before for before, after in itertools.pairwise(temps_c)) < 2.0 * TEMPERATURE_STEP_K
    plant.advance(600.0)
    assert plant.tank_temp_c == 60.0
    assert plant.water_temp_c == pytest.approx(60.0, abs=0.1)
    # A step of 0.02 K each, and what the flow takes to follow the warmer bodies.
    assert len(recorders[0].segments) < 3 * 40.0 / TEMPERATURE_STEP_K
