"""The forward model, pinned to the vectors of metering.md 2.2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.world.water import sound_speed_m_s


@pytest.mark.parametrize(
    ("temp_c", "flow_l_h", "t_dn_us", "t_up_us", "dt_ps"),
    [
        (0.1, 1.5625, 59.8763177, 59.8766233, 305.622),
        (20, 0, 56.6656496, 56.6656496, 0),
        (20, 1.5625, 56.6655128, 56.6657865, 273.723),
        (20, 2.5, 56.6654306, 56.6658686, 437.957),
        (20, 100, 56.6568924, 56.6744107, 17_518.280),
        (20, 2500, 56.4478495, 56.8858193, 437_969.793),
        (20, 3125, 56.3937652, 56.9412364, 547_471.255),
        (50, 1.5625, 54.4546248, 54.4548775, 252.780),
        (50, 2500, 54.2535728, 54.6580323, 404_459.459),
    ],
)
def test_forward_vectors(temp_c: float, flow_l_h: float, t_dn_us: float, t_up_us: float, dt_ps: float) -> None:
    """Transit times agree to the last printed digit, DN15, k 1, no delay (metering.md 2.2)."""
    found = flight(GEOMETRIES[15], flow_l_h, sound_speed_m_s(temp_c))
    assert found.t_dn_s * 1e6 == pytest.approx(t_dn_us, abs=0.51e-7)
    assert found.t_up_s * 1e6 == pytest.approx(t_up_us, abs=0.51e-7)
    assert found.dt_ps == pytest.approx(dt_ps, abs=0.51e-3)


@pytest.mark.parametrize(
    ("dn", "area_mm2", "tof_us", "ps_per_l_h"),
    [(15, 86.59, 56.67, 175.2), (20, 136.85, 63.41, 129.3), (25, 216.42, 73.53, 99.3)],
)
def test_geometries(dn: int, area_mm2: float, tof_us: float, ps_per_l_h: float) -> None:
    """Area, time of flight and sensitivity at 20 degC of each nominal diameter (metering.md 2.2)."""
    geometry = GEOMETRIES[dn]
    speed = sound_speed_m_s(20.0)
    assert geometry.area_m2 * 1e6 == pytest.approx(area_mm2, abs=0.006)
    assert flight(geometry, 0.0, speed).t_up_s * 1e6 == pytest.approx(tof_us, abs=0.006)
    assert flight(geometry, 1.0, speed).dt_ps == pytest.approx(ps_per_l_h, abs=0.06)


@given(st.floats(0.001, 8000), st.floats(0.1, 50), st.floats(0, 500e-9))
def test_dt_is_odd_and_is_the_difference_of_the_times(flow_l_h: float, temp_c: float, delay_s: float) -> None:
    """dt changes sign with the flow, the times change places, and dt is their difference as far as floats carry it."""
    forward = flight(GEOMETRIES[25], flow_l_h, sound_speed_m_s(temp_c), delay_s=delay_s)
    reverse = flight(GEOMETRIES[25], -flow_l_h, sound_speed_m_s(temp_c), delay_s=delay_s)
    assert (reverse.t_up_s, reverse.t_dn_s, reverse.dt_ps) == (forward.t_dn_s, forward.t_up_s, -forward.dt_ps)
    assert forward.dt_ps == pytest.approx((forward.t_up_s - forward.t_dn_s) * 1e12, abs=1e-6, rel=1e-9)


@given(st.floats(0.1, 50), st.floats(1.0, 3125.0), st.floats(0.999, 1.001))
def test_a_grown_body(temp_c: float, flow_l_h: float, growth: float) -> None:
    """A body grown by g is one with all its lengths times g: the same times, to the last digits."""
    plain, speed = GEOMETRIES[15], sound_speed_m_s(temp_c)
    grown = replace(plain, throat_m=plain.throat_m * growth, axial_m=plain.axial_m * growth, legs_m=24e-3 * growth)
    found, expected = flight(plain, flow_l_h, speed, growth=growth), flight(grown, flow_l_h, speed)
    assert found.t_up_s == pytest.approx(expected.t_up_s, rel=1e-14)
    assert found.t_dn_s == pytest.approx(expected.t_dn_s, rel=1e-14)
    assert found.dt_ps == pytest.approx(expected.dt_ps, rel=1e-12)


def test_many_stretches_at_once() -> None:
    """Arrays of flows, speeds and factors give what their elements give, one by one."""
    flows_l_h, speeds, k = (
        np.array([0.0, 100.0, -2500.0]),
        np.array([1403.0, 1482.0, 1543.0]),
        np.array([1.0, 1.1, 0.9]),
    )
    together = flight(GEOMETRIES[20], flows_l_h, speeds, k, 2e-7, np.array([0.999, 1.0, 1.001]))
    for index, growth in enumerate((0.999, 1.0, 1.001)):
        alone = flight(GEOMETRIES[20], float(flows_l_h[index]), float(speeds[index]), float(k[index]), 2e-7, growth)
        for name in ("t_up_s", "t_dn_s", "dt_ps"):
            assert getattr(together, name)[index] == pytest.approx(getattr(alone, name), rel=1e-14)
