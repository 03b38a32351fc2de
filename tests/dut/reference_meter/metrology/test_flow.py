"""The estimator, the correction, and the shortcuts that stand for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.flow import FlowComputer
from meterbench.dut.reference_meter.metrology.transit import SteadyTransit
from meterbench.world.water import sound_speed_m_s

KNOTS, FACTORS = (40.0, 60.0, 90.0, 2000.0), (0.97, 1.01, 1.0, 0.98)
PLAIN = Calibration(10.5e-3, 60e-3, 24e-3, 0.0, 0.0)
CURVED = Calibration(10.5e-3, 60e-3, 24e-3, 200e-9, -40.0, KNOTS, FACTORS)


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
        general = computer.flow_l_h(moved_ps + CURVED.zero_offset_ps, water)
        assert parabola.flow_l_h(moved_ps) == pytest.approx(general, rel=1e-11, abs=1e-11)


def test_steady_flow_is_the_mean_over_the_noise() -> None:
    """Quadrature over the noise agrees with two million shots: mean within 4 standard errors, sd within 0.3 %."""
    computer = FlowComputer(CURVED)
    water = computer.water(56.9e-6, 56.9e-6)
    mean_l_h, sd_l_h = computer.steady_flow_l_h(SteadyTransit(1, 330.0, 100.0, 56.9e-6, 56.9e-6), water)
    shots = computer.flow_l_h(np.random.default_rng(5).normal(330.0, 100.0, 2_000_000), water)
    assert mean_l_h == pytest.approx(shots.mean(), abs=4 * sd_l_h / 2_000_000**0.5)
    assert sd_l_h == pytest.approx(shots.std(), rel=3e-3)


@pytest.mark.parametrize(("knots", "factors"), [((), ()), ((1.0, 2.0), (1.0,)), ((2.0, 1.0), (1.0, 1.0))])
def test_a_table_that_cannot_be_read_is_refused(knots: tuple[float, ...], factors: tuple[float, ...]) -> None:
    """Knots rise and each has its factor."""
    with pytest.raises(ValueError, match="knots"):
        Calibration(10.5e-3, 60e-3, 24e-3, 0.0, 0.0, knots, factors)
