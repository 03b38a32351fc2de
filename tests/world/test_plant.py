"""The plant neither makes nor loses water, whatever happens, and its segments follow one another without a gap."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.world.air import Air
from meterbench.world.clock import VirtualClock
from meterbench.world.hydraulics import PUMP_DROOP_KPA
from meterbench.world.plant import (
    COVER_OPENING_M2,
    TEMPERATURE_STEP_K,
    WATER_HEAT_J_L_K,
    Plant,
    PlantSpec,
    PressureLoss,
    Slot,
)
from meterbench.world.segment import Segment
from meterbench.world.water import ATMOSPHERE_MPA, density_kg_m3

Q1_L_H = 1.5625
SPLITS = st.lists(st.floats(0.01, 40.0), min_size=1, max_size=8)


class Recorder:
    """Keeps the segments that it is given, like a meter that only listens."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    def advance(self, segment: Segment) -> None:
        self.segments.append(segment)

    @property
    def volume_l(self) -> float:
        return math.fsum(segment.volume_l for segment in self.segments)

    @property
    def mass_g(self) -> float:
        """At the slot's own temperature and pressure."""
        return math.fsum(s.volume_l * density_kg_m3(s.water_temp_c, s.pressure_mpa) for s in self.segments)


def p40_at_2500_l_h(flow_l_h: float, water_temp_c: float) -> float:
    """The square law of a body that takes 40 kPa at 2 500 L/h."""
    return 6.4 * (flow_l_h / 1000.0) ** 2


def a_plant(
    leaks_l_h: Sequence[float] = (0.0, 0.0, 0.0),
    flow_noise: float = 0.0,
    seed: int = 1,
    bodies: Sequence[PressureLoss] | None = None,
    **more: float,
) -> tuple[Plant, list[Recorder]]:
    """A plant with pump on and a recorder in each slot."""
    recorders = [Recorder() for _ in leaks_l_h]
    losses = bodies or [p40_at_2500_l_h] * len(recorders)
    slots = [Slot(*place) for place in zip(recorders, losses, leaks_l_h, strict=True)]
    plant = Plant(PlantSpec(flow_noise=flow_noise, **more), Air(), slots, np.random.default_rng(seed))
    plant.pump_percent = 100.0
    return plant, recorders


def open_valve(plant: Plant, line: str, position: float, settle_s: float = 0.0) -> None:
    """Start a flow, and wait for it if asked."""
    plant.line = line
    plant.valves[line].target = position
    if settle_s:
        plant.advance(settle_s)


def q1_position(plant: Plant) -> float:
    """Opening of line A's valve for about Q1."""
    valve = plant.valves["A"].spec
    kv = Q1_L_H / 1000.0 / math.sqrt(plant.source_kpa / 100.0)
    return 1.0 + math.log(kv / valve.kvs_m3_h) / math.log(valve.rangeability)


@settings(deadline=None, max_examples=30)
@given(SPLITS, st.sampled_from([("A", 0.3), ("C", 0.6)]))
def test_what_passes_the_meters_is_in_the_tank(splits_s: list[float], flow: tuple[str, float]) -> None:
    """With the jet in the tank its gain, the drops in the air and what evaporated are each meter's mass.

    For a restless flow and any split of time, over the start, the steady stretch and the end of the flow.
    """
    plant, recorders = a_plant(flow_noise=0.02)
    plant.diverter.position = plant.diverter._target = 1.0
    before_g = plant.weigh_tank.mass_g
    open_valve(plant, *flow, settle_s=10.0)
    for duration_s in splits_s:
        plant.advance(duration_s)
    plant.valves[flow[0]].target = 0.0
    plant.advance(60.0)
    evaporated_g = plant.now_s * plant.air.evaporation_g_s(20.0, COVER_OPENING_M2)
    gained_g = plant.weigh_tank.mass_g + plant.weigh_tank.falling_g + evaporated_g - before_g
    assert gained_g > 0.0
    for recorder in recorders:
        assert recorder.mass_g == pytest.approx(gained_g, rel=1e-9)


@settings(deadline=None, max_examples=15)
@given(SPLITS)
def test_only_what_passed_during_the_jet_is_weighed(splits_s: list[float]) -> None:
    """With a collection in the middle the tank gains flow times the time between the diverter's commands."""
    plant, _ = a_plant()
    open_valve(plant, "C", 0.6, settle_s=30.0)
    flow_g_s = (
        plant.flow_l_h
        / 3600.0
        * density_kg_m3(plant.water_temp_downstream_c, ATMOSPHERE_MPA + plant.pressure_downstream_kpa / 1000.0)
    )
    before_g = plant.weigh_tank.mass_g
    plant.diverter.command(True, plant.now_s)
    for duration_s in splits_s:
        plant.advance(duration_s)
    plant.diverter.command(False, plant.now_s)
    plant.advance(20.0)
    duration_s = math.fsum(splits_s)
    evaporated_g = (duration_s + 20.0) * plant.air.evaporation_g_s(20.0, COVER_OPENING_M2)
    gained_g = plant.weigh_tank.mass_g + plant.weigh_tank.falling_g + evaporated_g - before_g
    # 0.1 s and less: the diverter is called back before it has gone all the way.
    if duration_s > 0.1:
        assert gained_g == pytest.approx(flow_g_s * duration_s, rel=1e-6)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.floats(10.0, 900.0), min_size=1, max_size=4))
def test_warming_water_swells_out_of_the_dead_volume(splits_s: list[float]) -> None:
    """While the water warms, the tank gets more than passed the meters: what the dead volume no longer holds."""
    plant, recorders = a_plant()
    plant.diverter.position = plant.diverter._target = 1.0
    open_valve(plant, "B", 0.5, settle_s=30.0)
    before_g = plant.weigh_tank.mass_g + plant.weigh_tank.falling_g
    passed_g = recorders[-1].mass_g
    plant.tank_temp_c = plant.heater_setpoint_c = 28.0
    evaporated_g = 0.0
    for duration_s in splits_s:
        temp_c = plant.water_temp_c
        plant.advance(duration_s)
        evaporated_g += duration_s * plant.air.evaporation_g_s(0.5 * (temp_c + plant.water_temp_c), COVER_OPENING_M2)
    swollen_g = plant.spec.dead_volume_l * (density_kg_m3(20.0) - density_kg_m3(plant.water_temp_c))
    gained_g = plant.weigh_tank.mass_g + plant.weigh_tank.falling_g - before_g + evaporated_g
    assert swollen_g > 0.01
    assert gained_g - (recorders[-1].mass_g - passed_g) == pytest.approx(swollen_g, abs=0.05 * swollen_g + 2e-3)


@settings(deadline=None, max_examples=15)
@given(SPLITS)
def test_a_steady_stretch_equals_many_small_ones(splits_s: list[float]) -> None:
    """Where nothing changes one segment does, and its volume is that of the same time cut at will."""
    total_s = math.fsum(splits_s)
    (whole, whole_slots), (cut, cut_slots) = a_plant((0.0, 0.5, 0.0)), a_plant((0.0, 0.5, 0.0))
    for plant in (whole, cut):
        open_valve(plant, "A", q1_position(plant), settle_s=120.0)
    segments = len(whole_slots[0].segments)
    assert whole.advance(total_s)
    for duration_s in splits_s:
        cut.advance(duration_s)
    assert len(whole_slots[0].segments) == segments + 1
    assert [slot.volume_l for slot in cut_slots] == pytest.approx([slot.volume_l for slot in whole_slots], rel=1e-9)
    assert cut.weigh_tank.mass_g == pytest.approx(whole.weigh_tank.mass_g, rel=1e-9)


@pytest.mark.parametrize("steps_s", [[10.0], [0.03] * 100 + [7.0], [0.5] * 20], ids=["whole", "fine", "half seconds"])
def test_the_flow_lags_behind_the_valve(steps_s: list[float]) -> None:
    """Opened at once, line B is short of its lag's half second of flow, however time is cut."""
    plant, recorders = a_plant(line_loss_w_k=0.0)
    plant.line = "B"
    plant.valves["B"].position = plant.valves["B"].target = 0.5
    for step_s in steps_s:
        plant.advance(step_s)
    assert recorders[-1].volume_l == pytest.approx(plant.flow_l_h / 3600.0 * (10.0 - 0.5), rel=1e-3)


def test_a_moving_plant_is_not_steady() -> None:
    """While a valve travels the plant says so and goes in steps of a scan; afterwards it is steady again."""
    plant, recorders = a_plant()
    open_valve(plant, "B", 0.5)
    assert not plant.advance(5.0)
    assert max(segment.duration_s for segment in recorders[0].segments) <= 0.1 + 1e-9
    plant.advance(30.0)
    assert plant.advance(5.0)


def test_a_leak_raises_what_passes_upstream_of_it() -> None:
    """Water that leaves between a slot and the reference passed that slot and all before it, and none after it."""
    tight, tight_slots = a_plant()
    leaky, leaky_slots = a_plant((0.0, 0.6, 0.0))
    for plant in (tight, leaky):
        open_valve(plant, "B", 0.5, settle_s=30.0)
        plant.advance(600.0)
    lost_l = 0.6 * leaky.now_s / 3600.0
    extra = [leaky.volume_l - tight.volume_l for leaky, tight in zip(leaky_slots, tight_slots, strict=True)]
    assert extra == pytest.approx([lost_l, lost_l, 0.0], abs=1e-9)
    assert leaky.weigh_tank.mass_g == tight.weigh_tank.mass_g


def test_a_leak_runs_at_no_flow_while_there_is_pressure() -> None:
    """With the outlet shut a leak alone passes the slots before it; without pressure nothing does."""
    plant, recorders = a_plant((0.0, 0.6, 0.0))
    plant.advance(3600.0)
    assert [recorder.volume_l for recorder in recorders] == pytest.approx([0.6, 0.6, 0.0])
    plant.pump_percent = 0.0
    plant.advance(3600.0)
    assert [recorder.volume_l for recorder in recorders] == pytest.approx([0.6, 0.6, 0.0])


@pytest.mark.parametrize(("leak_l_h", "fall_kpa_min"), [(0.0, 0.0), (0.006, 1.0), (0.6, 100.0)])
def test_pressure_of_the_blocked_line_decays_by_the_leak(leak_l_h: float, fall_kpa_min: float) -> None:
    """The closed line keeps its pressure, or loses the leak over the line's compliance; nothing passes the meters."""
    plant, recorders = a_plant((leak_l_h, 0.0, 0.0))
    plant.advance(1.0)
    passed_l = recorders[0].volume_l
    plant.block_line(True)
    plant.advance(30.0)
    assert plant.leak_rate_kpa_min == pytest.approx(fall_kpa_min)
    assert plant.trapped_kpa == pytest.approx(400.0 - fall_kpa_min / 2.0)
    assert plant.pressure_upstream_kpa == plant.trapped_kpa
    assert recorders[0].volume_l == passed_l
    plant.block_line(False)
    assert plant.pressure_upstream_kpa == 400.0


def test_a_blocked_line_never_goes_below_the_air() -> None:
    """A great leak empties the line of its pressure and stops there."""
    plant, _ = a_plant((60.0,))
    plant.block_line(True)
    plant.advance(60.0)
    assert 0.0 <= plant.trapped_kpa <= 1.0
    assert plant.leak_l_h == 0.0


def test_the_water_temperature_approaches_at_q1() -> None:
    """At Q1 the half litre of feed pipe takes the better part of an hour: the closed form of its mixing, to 0.1 mK.

    Segments are cut so fine that none spans more than the temperature step.
    """
    plant, recorders = a_plant()
    open_valve(plant, "A", q1_position(plant), settle_s=120.0)
    assert plant.flow_l_h == pytest.approx(Q1_L_H, rel=1e-3)
    plant.tank_temp_c = plant.heater_setpoint_c = 30.0
    recorders[0].segments.clear()
    assert plant.advance(3600.0)
    exchange = plant.flow_l_h / 3600.0 / plant.spec.feed_volume_l
    loss = plant.spec.feed_loss_w_k / (plant.spec.feed_volume_l * WATER_HEAT_J_L_K)
    goal_c = (exchange * 30.0 + loss * 20.0) / (exchange + loss)
    expected_c = goal_c + (20.0 - goal_c) * math.exp(-(exchange + loss) * 3600.0)
    assert plant.water_temp_c == pytest.approx(expected_c, abs=1e-4)
    temps_c = [segment.water_temp_c for segment in recorders[0].segments]
    assert max(later - earlier for earlier, later in itertools.pairwise(temps_c)) <= TEMPERATURE_STEP_K + 1e-9
    assert min(later - earlier for earlier, later in itertools.pairwise(temps_c)) > 0.0


def test_water_cools_along_the_meters() -> None:
    """Warm water goes towards the room's temperature from meter to meter, much at Q1 and hardly at Q3."""
    drops_k = []
    for line, position in (("A", None), ("C", 0.75)):
        plant, recorders = a_plant(water_temp_c=50.0)
        open_valve(plant, line, position or q1_position(plant), settle_s=120.0)
        temps_c = [recorder.segments[-1].water_temp_c for recorder in recorders]
        assert temps_c == sorted(temps_c, reverse=True)
        assert 20.0 < plant.water_temp_downstream_c < temps_c[-1] < plant.water_temp_c
        drops_k.append(temps_c[0] - temps_c[-1])
    assert drops_k[0] > 0.05 > drops_k[1]


def test_pressure_falls_along_the_meters() -> None:
    """Each slot has its place's share of the loss; the last lies above the outlet and below the one before."""
    plant, recorders = a_plant()
    open_valve(plant, "C", 0.75, settle_s=60.0)
    pressures_mpa = [recorder.segments[-1].pressure_mpa for recorder in recorders]
    assert pressures_mpa == sorted(pressures_mpa, reverse=True)
    between = (pressures_mpa[0] - pressures_mpa[2]) * 1000.0
    assert between == pytest.approx(plant.meters_dp_kpa * 2.0 / 3.0, rel=1e-9)


def test_each_body_takes_its_own_pressure() -> None:
    """A slot has the pressure before the line, less what the bodies before it took, less half of its own loss."""
    bodies = [lambda flow, _, part=part: part * p40_at_2500_l_h(flow, 20.0) for part in (1.0, 0.1, 0.5)]
    plant, recorders = a_plant(bodies=bodies)
    open_valve(plant, "C", 0.75, settle_s=60.0)
    one_kpa = p40_at_2500_l_h(plant.flow_l_h, 20.0)
    above_kpa = [(recorder.segments[-1].pressure_mpa - ATMOSPHERE_MPA) * 1000.0 for recorder in recorders]
    expected_kpa = [plant.pressure_upstream_kpa - taken * one_kpa for taken in (0.5, 1.05, 1.35)]
    assert above_kpa == pytest.approx(expected_kpa, rel=1e-9)
    assert plant.pressure_downstream_kpa == pytest.approx(plant.pressure_upstream_kpa - 1.6 * one_kpa, rel=1e-9)
    assert plant.meters_dp_kpa == pytest.approx(1.6 * one_kpa, rel=1e-9)


def test_no_slot_is_below_the_air() -> None:
    """Bodies that took more than there is, as when the pump has just stopped, leave the air's pressure."""
    plant, recorders = a_plant()
    open_valve(plant, "C", 0.75, settle_s=60.0)
    plant.pump_percent = 0.0
    plant.advance(0.1)
    assert plant.flow_l_h > 100.0
    assert [recorder.segments[-1].pressure_mpa for recorder in recorders] == [ATMOSPHERE_MPA] * 3


def test_bodies_feel_the_water_at_the_first_meter() -> None:
    """As the water cools, viscous bodies take more and the flow through the open line gives way."""

    def viscous(flow_l_h: float, water_temp_c: float) -> float:
        return (80.0 - water_temp_c) * flow_l_h / 1000.0

    plant, _ = a_plant(bodies=[viscous] * 3, water_temp_c=40.0)
    open_valve(plant, "C", 1.0, settle_s=60.0)
    warm_l_h = plant.flow_l_h
    plant.tank_temp_c = plant.heater_setpoint_c = 20.0
    plant.advance(120.0)
    assert plant.water_temp_c == pytest.approx(20.0, abs=0.01)
    assert plant.flow_l_h < 0.8 * warm_l_h
    flow_m3_h = plant.flow_l_h / 1000.0
    taken_kpa = 3 * (80.0 - plant.water_temp_c) * flow_m3_h + (PUMP_DROOP_KPA + 100.0 / 12.0**2) * flow_m3_h**2
    assert taken_kpa == pytest.approx(plant.source_kpa, rel=1e-4)


@settings(deadline=None, max_examples=15)
@given(SPLITS)
def test_segments_follow_without_a_gap(splits_s: list[float]) -> None:
    """Each segment begins at the very float at which the one before ended, in every slot the same, time as asked."""
    plant, recorders = a_plant(flow_noise=0.01)
    open_valve(plant, "B", 0.5)
    plant.diverter.command(True, 0.0)
    for duration_s in splits_s:
        plant.advance(duration_s)
    times = [[(s.start_s, s.duration_s) for s in recorder.segments] for recorder in recorders]
    assert times[0] == times[1] == times[2]
    assert times[0][0][0] == 0.0
    assert all(one.end_s == two.start_s for one, two in itertools.pairwise(recorders[0].segments))
    assert recorders[0].segments[-1].end_s == plant.now_s == pytest.approx(math.fsum(splits_s), abs=1e-6)


def test_a_seed_is_a_world() -> None:
    """The same seed gives the same segments to the last digit; another seed another flow."""

    def lived(seed: int) -> list[Segment]:
        plant, recorders = a_plant(flow_noise=0.01, seed=seed)
        open_valve(plant, "B", 0.5)
        for _ in range(20):
            plant.advance(1.7)
        return recorders[0].segments

    assert lived(5) == lived(5)
    assert lived(5) != lived(6)


class Scanner:
    """A controller that writes down when it was scanned."""

    def __init__(self, idle: bool) -> None:
        self.idle = idle
        self.scans_s: list[float] = []

    def scan(self, now_s: float) -> None:
        self.scans_s.append(now_s)


def test_a_busy_controller_is_scanned_every_100_ms() -> None:
    """A PLC with something to do gets every scan; an idle one is left out in steady stretches."""
    plant, _ = a_plant()
    busy = Scanner(idle=False)
    plant.controllers = [busy]
    assert not plant.advance(10.0)
    assert np.diff(busy.scans_s) == pytest.approx(0.1)
    idle = Scanner(idle=True)
    plant.controllers = [idle]
    assert plant.advance(3600.0)
    assert len(idle.scans_s) == 1


def test_the_plants_time_stays_with_the_clocks() -> None:
    """After two hours of jobs every 0.5 s the plant is where the clock is, to a microsecond."""
    plant, _ = a_plant(())
    clock = VirtualClock(plant.advance)
    clock.every(0.5, lambda: None)
    clock.sleep(7200.0)
    assert plant.now_s == pytest.approx(clock.now_s(), abs=1e-6)
