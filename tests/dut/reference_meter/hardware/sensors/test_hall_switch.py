"""The Hall switch's two points, and the magnet's field (metering.md 4.3, ADR-023)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors.hall_switch import HallSwitch, RingMagnet, draw_hall_switch


def test_hysteresis() -> None:
    """On from 7 mT, off down to 5 mT, in between as before, for either pole."""
    switch = HallSwitch(operate_mt=7.0, release_mt=5.0)
    fields_mt = [0.0, 6.9, 7.0, 6.0, 5.1, 5.0, 6.0, -6.9, -7.0, -5.1, 5.1, -5.0]
    seen = []
    for field_mt in fields_mt:
        switch.expose(field_mt)
        seen.append(switch.on)
    assert seen == [False, False, True, True, True, False, False, False, True, True, True, False]


@pytest.mark.parametrize(("operate_mt", "release_mt"), [(5.0, 5.0), (5.0, 7.0), (5.0, 0.0)])
def test_points_without_hysteresis_are_refused(operate_mt: float, release_mt: float) -> None:
    with pytest.raises(ValueError, match="release"):
        HallSwitch(operate_mt, release_mt)


def test_units_operate_and_release_within_their_limits() -> None:
    """500 units lie between 3 and 10 mT and come near both, 1 to 2 mT apart."""
    units = [draw_hall_switch(np.random.default_rng(seed)) for seed in range(500)]
    releases_mt = [unit.release_mt for unit in units]
    operates_mt = [unit.operate_mt for unit in units]
    assert 3.0 <= min(releases_mt) < 3.2
    assert 9.8 < max(operates_mt) <= 10.0
    apart_mt = np.subtract(operates_mt, releases_mt)
    assert 0.999 < apart_mt.min() < 1.05
    assert 1.95 < apart_mt.max() < 2.001


def test_known_fields_of_the_ring_magnet() -> None:
    """95 kA/m at 1 mm and 20 kA/m at 20 mm are 113..126 mT and 25 mT (metering.md 4.3)."""
    magnet = RingMagnet()
    assert 113.0 < magnet.field_mt(1.0) < 126.0
    assert magnet.field_mt(20.0) == pytest.approx(25.13, abs=0.01)
    assert magnet.field_mt(0.0) == magnet.field_mt(1.0)


@given(st.floats(132.5, 5000.0), st.floats(1.0, 10.0))
def test_far_away_it_is_a_dipole(distance_mm: float, times: float) -> None:
    """From two diameters of its centre on, B falls with the cube of the distance from there."""
    magnet = RingMagnet()
    farther_mm = (distance_mm + 7.5) * times - 7.5
    assert magnet.field_mt(farther_mm) * times**3 == pytest.approx(magnet.field_mt(distance_mm), rel=1e-9)


def test_dipole_moment_is_remanence_times_volume() -> None:
    """mu0 m/(2 pi r^3) with m = 14.3 A m2 is 1.04 mT at 140 mm from the centre."""
    assert RingMagnet().field_mt(132.5) == pytest.approx(2e-7 * 14.262 / 0.140**3 * 1e3, rel=1e-3)


def test_the_field_falls_without_a_step() -> None:
    """From the face to half a metre, and across the border of the dipole."""
    magnet = RingMagnet()
    fields_mt = [magnet.field_mt(float(distance_mm)) for distance_mm in np.geomspace(1.0, 500.0, 400)]
    assert all(np.diff(fields_mt) < 0.0)
    assert magnet.field_mt(132.5 - 1e-9) == pytest.approx(magnet.field_mt(132.5 + 1e-9), rel=1e-6)


def test_a_switch_sees_the_magnet_near_by_only() -> None:
    """The test magnet trips every switch from 30 mm off its face and none from 150 mm: 'near the meter' counts."""
    magnet = RingMagnet()
    for seed in range(100):
        switch = draw_hall_switch(np.random.default_rng(seed))
        switch.expose(magnet.field_mt(150.0))
        assert not switch.on
        switch.expose(magnet.field_mt(30.0))
        assert switch.on


def test_no_distance_within_the_magnet() -> None:
    with pytest.raises(ValueError, match="within the magnet"):
        RingMagnet().field_mt(-0.1)
