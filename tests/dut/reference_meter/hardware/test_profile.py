"""The true profile factor (metering.md 2.4)."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.profile import (
    BEAM_FRACTION,
    BEAM_FRACTION_SD,
    RIPPLE_SD,
    UNITY_RE,
    Profile,
    _laminar,
    _turbulent,
    draw_profile,
)

RE_OF_N_7 = 10 ** ((0.25 - 1 / 7) / 0.023)


@pytest.mark.parametrize(
    ("beam_fraction", "k"), [(0.95, 1.033), (0.9, 1.054), (0.8, 1.087), (0.7, 1.113), (0.5, 1.153)]
)
def test_turbulent_beam_factor(beam_fraction: float, k: float) -> None:
    """What a beam of this part of the bore sees of the mean at n = 7, to the printed digits (metering.md 2.4)."""
    assert _turbulent(np.array([RE_OF_N_7]), beam_fraction)[0] == pytest.approx(k, abs=0.0006)


@pytest.mark.parametrize(("beam_fraction", "k"), [(0.8, 1.36), (0.9, 1.19)])
def test_laminar_beam_factor(beam_fraction: float, k: float) -> None:
    """In a developed laminar profile a beam sees 2 - a^2 (metering.md 2.4); at Re 150 half of the excess is left."""
    developed, halved = _laminar(np.array([1e-9, 150.0]), beam_fraction)
    assert developed == pytest.approx(k, abs=0.001)
    assert halved - 1.0 == pytest.approx((developed - 1.0) / 2.0, rel=1e-6)


def test_the_table_is_the_formula() -> None:
    """Read from its table, k is within 1e-6 of the formula below the transition and above; arrays as numbers."""
    profile, unity = Profile(), Profile().factor(2e-1)
    reynolds = np.concatenate((np.geomspace(1.0, 1999.0, 301), np.geomspace(4001.0, 5e5, 301)))
    shapes = np.where(reynolds < 3000.0, _laminar(reynolds, BEAM_FRACTION), _turbulent(reynolds, BEAM_FRACTION))
    scale = float(_laminar(np.array([2e-1]), BEAM_FRACTION)[0]) / float(unity)
    assert profile.factor(reynolds) == pytest.approx(shapes / scale, rel=1e-6)
    assert profile.factor(reynolds) == pytest.approx([profile.factor(float(re)) for re in reynolds], rel=1e-12)


def test_water_at_rest_has_a_factor() -> None:
    """At Re 0 k is that of the lowest flows, whether asked with a number or with an array."""
    profile = Profile()
    assert profile.factor(0.0) == pytest.approx(profile.factor(0.1))
    assert profile.factor(np.array([0.0]))[0] == profile.factor(0.0)


def slope(reynolds: float) -> float:
    """d(Re k)/dRe: the true sensitivity over that of k = 1."""
    low, high = reynolds * 0.999, reynolds * 1.001
    return (high * Profile().factor(high) - low * Profile().factor(low)) / (high - low)


def test_sensitivity_is_that_of_k_one_at_low_flow() -> None:
    """The slope of Re k is 1 at Re 70; within 1 % at Q1 of R1600 at 20 degC, 2.5 % at 0.1 and 50 degC."""
    assert slope(UNITY_RE) == pytest.approx(1.0, abs=1e-6)
    assert [slope(reynolds) for reynolds in (52, 67, 84)] == pytest.approx([1.0] * 3, abs=0.01)
    assert [slope(reynolds) for reynolds in (29, 47, 94, 152)] == pytest.approx([1.0] * 4, abs=0.025)


def test_k_is_continuous() -> None:
    """No jump at either end of the transition, whatever the ripple."""
    profile = draw_profile(np.random.default_rng(3))
    for corner in (2000.0, 4000.0):
        assert profile.factor(corner * (1 - 1e-9)) == pytest.approx(profile.factor(corner * (1 + 1e-9)), abs=1e-7)


def test_ripple_has_its_standard_deviation() -> None:
    """Over 400 units and the transition band the ripple's sd is 0.3 %; four terms a unit make 1600 draws, four standard
    errors of whose sd are 7 %, rounded up for k's own scale."""
    rng = np.random.default_rng(4)
    band = np.geomspace(2000.0, 4000.0, 41)
    smooth = Profile().factor(band)
    rippled = [Profile(draw_profile(rng).ripple).factor(band) for _ in range(400)]
    assert np.sqrt(np.mean(np.square(np.array(rippled) - smooth))) == pytest.approx(RIPPLE_SD, rel=0.08)


def test_the_ripple_is_the_transitions_own() -> None:
    """Outside Re 2000 to 4000 a unit's ripple changes nothing."""
    rippled, smooth = Profile((0.01, 0.01, 0.01, 0.01)), Profile()
    outside = np.array([50.0, 1990.0, 4010.0, 1e5])
    assert rippled.factor(outside) == pytest.approx(smooth.factor(outside), rel=1e-12)
    assert rippled.factor(2800.0) != pytest.approx(smooth.factor(2800.0), rel=1e-3)


def test_units_differ_in_their_beam() -> None:
    """Over 400 units the beam's part of the bore has mean and sd as stated, within four standard errors."""
    rng = np.random.default_rng(6)
    beams = np.array([draw_profile(rng).beam_fraction for _ in range(400)])
    assert beams.mean() == pytest.approx(BEAM_FRACTION, abs=4 * BEAM_FRACTION_SD / 20)
    assert beams.std() == pytest.approx(BEAM_FRACTION_SD, rel=4 / 800**0.5)
