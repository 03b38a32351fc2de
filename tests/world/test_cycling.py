"""Cycles through the plant: exact in time and volume however they are cut, the same water for every slot, no drift."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.variants import rating
from meterbench.world.cycling import PIECES, CycleTimes, Cycling, PassedCycles
from meterbench.world.hydraulics import FlowNoise
from meterbench.world.plant import Plant, Slot
from meterbench.world.segment import Course
from meterbench.world.water import density_kg_m3
from tests.world.test_plant import Recorder, a_plant

TIMES = CycleTimes(1.0, 15.0, 1.0, 15.0)


class CourseRecorder(Recorder):
    """Takes courses at once."""

    courses = 0

    def live(self, course: Course) -> None:
        self.courses += 1
        self.segments += [course.segment(index) for index in range(len(course.flow_l_h))]


def cycling_plant(cycles: int, **more: float) -> tuple[Plant, list[CourseRecorder], list[PassedCycles]]:
    """About 2 500 L/h in line C, from now on."""
    plant, _ = a_plant(**more)
    recorders = [CourseRecorder() for _ in plant.slots]
    for slot, recorder in zip(plant.slots, recorders, strict=True):
        slot.device = recorder
    plant.valves["C"].position = plant.valves["C"].target = 0.44
    told: list[PassedCycles] = []
    plant.start_cycling("C", TIMES, cycles, told.append)
    return plant, recorders, told


def joined(told: list[PassedCycles], name: str) -> np.ndarray:
    return np.concatenate([getattr(each, name) for each in told])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.05, 200.0), min_size=1, max_size=8))
def test_every_cut_gives_the_same_cycles(splits_s: list[float]) -> None:
    """Ten cycles, cut anywhere: ten are told, of the right volume; segments without gaps; the line is shut after it."""
    plant, recorders, told = cycling_plant(10, flow_noise=0.0)
    full_l_h = plant._target_flow_l_h()
    for each in splits_s:
        plant.advance(each)
    plant.advance(max(0.0, 330.0 - plant.now_s))
    assert told[0].first == 0
    assert sum(len(each.volume_l) for each in told) == 10
    assert joined(told, "flow_l_h") == pytest.approx(full_l_h, rel=1e-3)  # the temperature of the water moves a little
    assert joined(told, "volume_l") == pytest.approx(joined(told, "flow_l_h") * 16.0 / 3600.0, rel=1e-3)
    assert plant.cycling is None
    assert plant.flow_l_h == 0.0
    for recorder in recorders:
        edges = [(each.start_s, each.end_s) for each in recorder.segments]
        assert all(abs(end - start) < 1e-6 for (_, end), (start, _) in itertools.pairwise(edges))
        assert recorder.volume_l == pytest.approx(float(joined(told, "volume_l").sum()), rel=1e-4)


def test_each_slot_sees_the_same_mass_and_the_leaks_behind_it() -> None:
    plant, recorders, told = cycling_plant(100, leaks_l_h=(0.0, 36.0, 0.0))
    plant.advance(3200.0)
    first, second, third = (each.mass_g for each in recorders)
    leaked_g = 36.0 * 3200.0 / 3600.0 * density_kg_m3(20.0)
    assert first == pytest.approx(second, rel=1e-6)
    assert first - third == pytest.approx(leaked_g, rel=1e-3)
    assert sum(len(each.volume_l) for each in told) == 100
    assert recorders[0].courses > 0


def test_a_steady_stretch_is_told_so_and_lived_in_one_piece() -> None:
    plant, recorders, told = cycling_plant(1000)
    plant.advance(320.0)
    before = recorders[0].courses
    assert plant.advance(16_000.0)
    assert recorders[0].courses == before + 1
    assert len(told[-1].volume_l) == 500


def test_a_hundred_thousand_cycles_end_when_they_must() -> None:
    """No drift: the last one ends 3.2 million seconds after the start, to the microsecond."""
    plant, _, told = cycling_plant(100_000, flow_noise=0.0015)
    plant.slots.clear()
    while plant.cycling is not None:
        plant.advance(40_000.0 / 3.0)
    assert sum(len(each.volume_l) for each in told) == 100_000
    cycling = Cycling(TIMES, 0.0, 100_000, FlowNoise(0.0, np.random.default_rng(1)))
    assert cycling.ends_s == pytest.approx(3.2e6, abs=1e-6)
    passed = joined(told, "volume_l")
    assert 5e-5 < passed.std() / passed.mean() < 2e-3


def test_a_ramp_rises_in_a_straight_line_in_steps() -> None:
    cycling = Cycling(TIMES, 10.0, 3, FlowNoise(0.0, np.random.default_rng(1)))
    stretch = cycling.stretch(10.0, 42.0)
    assert len(stretch.level) == PIECES
    assert stretch.edges_s[:6] == pytest.approx([10.0, 10.25, 10.5, 10.75, 11.0, 26.0])
    assert [TIMES.part_at(at_s) for at_s in (0.0, 0.5, 1.0, 16.0, 16.75, 17.0, 31.0)] == [0, 0.5, 1, 1, 0.25, 0, 0]
    assert TIMES.mean_part == 0.5


def test_a_stop_in_the_middle_of_a_cycle_counts_whole_ones_only() -> None:
    """And the water that runs at that moment runs out, as from a flow that is stopped."""
    plant, _, told = cycling_plant(100)
    plant.advance(3 * 32.0 + 8.0)
    assert plant.flow_l_h > 2000.0
    plant.stop_cycling()
    assert plant.flow_l_h > 2000.0
    plant.advance(20.0)
    assert plant.flow_l_h == 0.0
    assert sum(len(each.volume_l) for each in told) == 3


def test_the_water_settles_between_tank_and_room_as_with_the_mean_flow() -> None:
    """50 degC in the tank: what the meters get lies a little below, and the temperature of the cycles with it."""
    plant, recorders, told = cycling_plant(1000, water_temp_c=50.0)
    plant.advance(3200.0)
    mean_l_h = 0.5 * plant._target_flow_l_h()
    goal_c, _ = plant._mixing(mean_l_h)
    assert goal_c < 50.0
    assert plant.water_temp_c == pytest.approx(goal_c, abs=0.03)
    assert told[-1].water_temp_c[-1] == pytest.approx(goal_c, abs=0.03)
    assert recorders[2].segments[-1].water_temp_c < recorders[0].segments[-1].water_temp_c


def test_the_unrest_of_a_cycle_is_that_of_a_mean_over_its_time_on() -> None:
    """Exact: of the process' own variance over 15 s."""
    noise = FlowNoise(0.0015, np.random.default_rng(5))
    means = []
    for _ in range(4000):
        noise.renew()
        means.append(noise.advance(15.0))
    assert np.std(means) == pytest.approx(noise.mean_sd(15.0), rel=0.04)


@pytest.mark.parametrize("phase", [0.0, -1.0, math.inf, math.nan])
def test_a_phase_lasts_some_time(phase: float) -> None:
    with pytest.raises(ValueError, match="more than 0 s"):
        CycleTimes(1.0, phase, 1.0, 15.0)


def test_a_reference_meter_reads_cycles_as_it_does_shot_by_shot() -> None:
    """300 cycles at once and with every shot: the same mean error within the noise of the shots (5 sigma)."""
    designation = Designation.parse("ADR15-1-1")
    nameplate = Nameplate("10000001", designation, rating(designation, 2.5, 1600))
    errors = []
    for fidelity in (Fidelity.SEGMENT, Fidelity.TRANSIT):
        plant, recorders, _ = cycling_plant(300)
        meter = ReferenceMeter(nameplate, seed=1, fidelity=fidelity)
        plant.slots[0] = Slot(meter, plant.slots[0].loss_kpa)
        witness = recorders[1]
        while plant.cycling is not None:
            plant.advance(3000.0)
        plant.advance(10.0)
        registers = meter.registers()
        errors.append(registers.forward_nl / 1e9 / witness.volume_l - 1.0)
        assert registers.lost_shots == 0
    assert errors[0] == pytest.approx(errors[1], abs=1e-5)
