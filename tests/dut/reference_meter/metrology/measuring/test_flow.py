"""The estimator, the correction, and the shortcuts that stand for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.measuring.flow import Environment, FlowComputer
from meterbench.dut.reference_meter.metrology.measuring.water import kinematic_viscosity_m2_s
from meterbench.dut.reference_meter.metrology.measuring.water import sound_speed_m_s as told_speed_m_s
from meterbench.dut.reference_meter.metrology.type_data import type_calibration
from meterbench.world.water import sound_speed_m_s

KNOTS, FACTORS = (40.0, 60.0, 90.0, 2000.0), (0.97, 1.01, 1.0, 0.98)
PLAIN = Calibration(10.5e-3, 60e-3, 24e-3)
CURVED = Calibration(10.5e-3, 60e-3, 24e-3, 0.0, (200e-9, 0.0, 0.0), (-40.0, 0.0, 0.0), KNOTS, FACTORS)
WARM = Calibration(10.5e-3, 60e-3, 24e-3, 30e-6, (200e-9, 0.05e-9, 2e-12), (-40.0, 0.3, 3e-3), KNOTS, FACTORS)


@pytest.mark.parametrize("temp_c", [0.1, 20.0, 50.0])
@pytest.mark.parametrize("pressure_mpa", [0.1, 1.6])
@pytest.mark.parametrize("flow_l_h", [1.5625, 2500.0, 3125.0, -2500.0])
def test_estimator_needs_no_sound_speed(temp_c: float, pressure_mpa: float, flow_l_h: float) -> None:
    """From true times at k 1 the flow comes back within 0.0005 % at any temperature and pressure (metering.md 2.1)."""
    true = flight(GEOMETRIES[15], flow_l_h, sound_speed_m_s(temp_c, pressure_mpa))
    computer = FlowComputer(PLAIN)
    found = computer.flow_l_h(np.array([true.dt_ps]), computer.water(true.t_up_s, true.t_dn_s))
    assert found[0] == pytest.approx(flow_l_h, rel=5e-6)


@pytest.mark.parametrize(("delay_ns", "error_percent"), [(50, -0.18), (200, -0.70), (500, -1.74)])
def test_a_delay_that_is_not_removed_costs_gain(delay_ns: float, error_percent: float) -> None:
    """The figures of metering.md 2.1 for a common delay at 20 degC."""
    true = flight(GEOMETRIES[15], 100.0, sound_speed_m_s(20.0), delay_s=delay_ns * 1e-9)
    computer = FlowComputer(PLAIN)
    found = computer.flow_l_h(np.array([true.dt_ps]), computer.water(true.t_up_s, true.t_dn_s))
    assert found[0] - 100.0 == pytest.approx(error_percent, abs=0.006)


@given(st.floats(-3000, 3000), st.floats(0, 100), st.integers(1, 1000))
def test_hinges_equal_interpolation(mean_ps: float, sd_ps: float, seed: int) -> None:
    """A long block (hinges) and its cycles one by one (search) give the same flows."""
    computer = FlowComputer(CURVED)
    water = computer.water(56.9e-6, 56.9e-6)
    dt_ps = np.random.default_rng(seed).normal(mean_ps, sd_ps, 600)
    one_by_one = np.concatenate([computer.flow_l_h(piece, water) for piece in np.split(dt_ps, 60)])
    assert computer.flow_l_h(dt_ps, water) == pytest.approx(one_by_one, rel=1e-12, abs=1e-12)


@given(st.floats(-6000, 6000), st.floats(0, 50))
def test_parabola_equals_the_general_way(low_ps: float, width_ps: float) -> None:
    """Where there is a parabola it gives the same flow; there is none across zero or across a knot."""
    computer = FlowComputer(CURVED)
    water = computer.water(56.9e-6, 56.9e-6)
    moved_ps = np.linspace(low_ps, low_ps + width_ps, 7)
    parabola = computer.parabola(moved_ps[0], moved_ps[-1], water)
    reynolds = np.abs(moved_ps[[0, -1]]) * water.re_per_ps
    crosses = moved_ps[0] * moved_ps[-1] <= 0 or len(set(np.searchsorted(KNOTS, reynolds))) > 1
    assert (parabola is None) == crosses
    if parabola is not None:
        general = computer.flow_l_h(moved_ps + water.zero_ps, water)
        assert parabola.flow_l_h(moved_ps) == pytest.approx(general, rel=1e-11, abs=1e-11)


def test_noisy_flow_where_the_flow_is_a_parabola() -> None:
    """Between two knots the mean is exact (two million shots: 4 standard errors), the sd too but for the curvature,
    0.1 % here (four standard errors of an sd: 0.2 %)."""
    computer = FlowComputer(CURVED)
    water = computer.water(56.9e-6, 56.9e-6)
    mean_l_h, sd_l_h = computer.noisy_flow_l_h(np.array([3000.0]), 100.0, water)
    shots = computer.flow_l_h(np.random.default_rng(5).normal(3000.0, 100.0, 2_000_000), water)
    assert mean_l_h[0] == pytest.approx(shots.mean(), abs=4 * sd_l_h[0] / 2_000_000**0.5)
    assert sd_l_h[0] == pytest.approx(shots.std(), rel=3e-3)


@pytest.mark.parametrize("dn", [15, 20, 25])
@pytest.mark.parametrize("sd_ps", [35.0, 100.0])
def test_noisy_flow_with_a_types_correction(dn: int, sd_ps: float) -> None:
    """From Q1 of R1600 up the type's bent correction costs 0.02 % of the mean, less than a tenth of a good unit's
    0.3 %; the true mean is an integral over six standard deviations."""
    computer = FlowComputer(type_calibration(dn))
    still = flight(GEOMETRIES[dn], 0.0, sound_speed_m_s(20.0, 0.5))
    water = computer.water(still.t_up_s, still.t_dn_s)
    at_q1_ps = {15: 273.7, 20: 323.3, 25: 391.0}[dn]
    mean_ps = np.geomspace(at_q1_ps, 1600 * at_q1_ps, 60)
    nodes = np.linspace(-6.0, 6.0, 1201)
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    true_l_h = [float(weights @ computer.flow_l_h(mean + sd_ps * nodes, water)) for mean in mean_ps]
    found_l_h, _ = computer.noisy_flow_l_h(mean_ps, sd_ps, water)
    assert found_l_h == pytest.approx(np.array(true_l_h), rel=2e-4)


def still_s(calibration: Calibration, temp_c: float, pressure_mpa: float = 0.5) -> float:
    """Time of one direction in still water, by the firmware's own speed of sound."""
    path_m = (calibration.axial_m + calibration.legs_m) * (1.0 + calibration.expansion_per_k * (temp_c - 20.0))
    constant, linear, square = calibration.delay_s
    delay_s = constant + linear * (temp_c - 20.0) + square * (temp_c - 20.0) ** 2
    return path_m / told_speed_m_s(temp_c, pressure_mpa) + delay_s


@given(st.floats(0.05, 69.95), st.sampled_from([PLAIN, CURVED, WARM]))
def test_the_times_tell_the_temperature(temp_c: float, calibration: Calibration) -> None:
    """The table from times to temperature is good to its 1e-4 K, with expansion and a delay that changes."""
    one_way_s = still_s(calibration, temp_c)
    assert FlowComputer(calibration).water(one_way_s, one_way_s).temp_c == pytest.approx(temp_c, abs=1e-4)


@given(st.floats(5.0, 49.0), st.floats(0.1, 1.6))
def test_pressure_does_not_pass_for_temperature(temp_c: float, pressure_mpa: float) -> None:
    """With the pressure told the temperature stays right within 2 mK: the product of two small corrections, (1.1 MPa
    of 1.65 m/s in 1500)^2 of c, over 1.1 m/s/K at 50 degC."""
    one_way_s = still_s(PLAIN, temp_c, pressure_mpa)
    found = FlowComputer(PLAIN).water(one_way_s, one_way_s, Environment(pressure_mpa=pressure_mpa))
    assert found.temp_c == pytest.approx(temp_c, abs=3e-3)


def test_a_thermometer_is_believed() -> None:
    """With a PT1000 fitted its temperature is that of the water, and the viscosity and the zero go by it."""
    one_way_s = still_s(WARM, 48.0, 0.5)
    water = FlowComputer(WARM).water(one_way_s, one_way_s, Environment(water_temp_c=50.0))
    plain = FlowComputer(WARM).water(one_way_s, one_way_s, Environment(water_temp_c=46.0))
    assert water.temp_c == 50.0
    assert not water.contradicted
    assert water.zero_ps == pytest.approx(-40.0 + 0.3 * 30.0 + 3e-3 * 900.0)
    per_flow = [found.re_per_ps / found.l_h_per_ps for found in (water, plain)]
    grown = (1.0 + 30e-6 * 30.0) / (1.0 + 30e-6 * 26.0)
    nu = [kinematic_viscosity_m2_s(temp_c) for temp_c in (50.0, 46.0)]
    assert per_flow[0] / per_flow[1] == pytest.approx(nu[1] / nu[0] / grown)


@pytest.mark.parametrize("told_c", [14.8, 25.2])
def test_a_thermometer_that_the_sound_contradicts_is_not_believed(told_c: float) -> None:
    """More than 5 K from what the speed of sound says: that is taken instead, also where only some of many shots
    contradict."""
    one_way_s = still_s(WARM, 20.0, 0.5)
    alone = FlowComputer(WARM).water(one_way_s, one_way_s, Environment(water_temp_c=told_c))
    assert alone.contradicted
    assert alone.temp_c == pytest.approx(20.0, abs=0.05)
    other_s = still_s(WARM, told_c, 0.5)
    both_s = np.array([one_way_s, other_s])
    many = FlowComputer(WARM).water(both_s, both_s, Environment(water_temp_c=told_c))
    assert many.contradicted
    assert many.temp_c == pytest.approx([20.0, told_c], abs=0.05)


def test_the_temperature_hardly_moves_the_flow() -> None:
    """Five kelvins of error change the flow by less than 0.01 % where nothing is corrected over Re (metering.md 7.4):
    the estimator needs no speed of sound."""
    true = flight(GEOMETRIES[15], 100.0, sound_speed_m_s(20.0, 0.5))
    computer = FlowComputer(PLAIN)
    waters = [computer.water(true.t_up_s, true.t_dn_s, Environment(temp_c)) for temp_c in (20.0, 25.0)]
    flows = [float(computer.flow_l_h(np.array([true.dt_ps]), water)[0]) for water in waters]
    assert flows[1] == pytest.approx(flows[0], rel=1e-4)


@pytest.mark.parametrize("temp_c", [0.1, 50.0])
def test_a_grown_body_passes_more(temp_c: float) -> None:
    """A body that grows by alpha dT lets (alpha dT) x 3 more through at the same dt: area times length, 0.27 % for 30 K
    of 30e-6 (metering.md 2.1). Times of the grown body, within 0.0005 % of the estimator and the firmware's
    temperature, which is 0.2 K off at most at another speed-of-sound polynomial."""
    calibration = Calibration(10.5e-3, 60e-3, 24e-3, 30e-6)
    growth = 1.0 + 30e-6 * (temp_c - 20.0)
    true = flight(GEOMETRIES[15], 1000.0, sound_speed_m_s(temp_c, 0.5), growth=growth)
    knowing, plain = FlowComputer(calibration), FlowComputer(PLAIN)
    found = [
        float(computer.flow_l_h(np.array([true.dt_ps]), computer.water(true.t_up_s, true.t_dn_s))[0])
        for computer in (knowing, plain)
    ]
    assert found[0] == pytest.approx(1000.0, rel=2.5e-5)
    assert found[0] / found[1] - 1.0 == pytest.approx(3 * 30e-6 * (temp_c - 20.0), rel=0.01)


@given(st.lists(st.tuples(st.floats(0.1, 60.0), st.floats(-5e5, 5e5)), min_size=1, max_size=6))
def test_arrays_are_taken_element_by_element(shots: list[tuple[float, float]]) -> None:
    """Water and flow of many shots are those of each, to the last digits that a different order of sums leaves."""
    computer = FlowComputer(WARM)
    up_s = np.array([still_s(WARM, temp_c) for temp_c, _ in shots])
    dt_ps = np.array([dt for _, dt in shots])
    together = computer.flow_l_h(dt_ps, computer.water(up_s, up_s))
    alone = [
        float(computer.flow_l_h(np.array([dt]), computer.water(float(t_s), float(t_s)))[0])
        for t_s, dt in zip(up_s, dt_ps, strict=True)
    ]
    assert together == pytest.approx(alone, rel=1e-12, abs=1e-12)


def test_tracking_moves_the_zero() -> None:
    """What zero tracking found is subtracted on top of the sealed zero."""
    computer = FlowComputer(CURVED)
    computer.tracked_ps = 3.0
    assert computer.water(56.9e-6, 56.9e-6).zero_ps == pytest.approx(-37.0)
