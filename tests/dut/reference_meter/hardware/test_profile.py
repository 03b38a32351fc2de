"""The true profile factor (metering.md 2.4)."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.profile import RIPPLE_SD, UNITY_RE, Profile, _turbulent, draw_profile


def test_turbulent_beam_factor() -> None:
    """A beam of 0.95 of the bore sees 1.033 of the mean at n = 7 (metering.md 2.4)."""
    re_of_n_7 = 10 ** ((0.25 - 1 / 7) / 0.023)
    assert _turbulent(re_of_n_7) == pytest.approx(1.033, abs=0.0006)


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
    """Over 400 units and the transition band the ripple's sd is 0.3 % to 5 % of itself (about three sd of that sd)."""
    rng = np.random.default_rng(4)
    smooth = Profile()
    band = np.geomspace(2000, 4000, 41)
    normal = np.array([smooth.factor(re) for re in band])
    ripples = [
        np.array([profile.factor(re) for re in band]) - normal for profile in (draw_profile(rng) for _ in range(400))
    ]
    scale = smooth.factor(10.0) / (1 + (1 - 0.95**2) / (1 + 10.0 / 150.0))
    assert np.sqrt(np.mean(np.square(ripples))) / scale == pytest.approx(RIPPLE_SD, rel=0.08)
