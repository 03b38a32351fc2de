"""The firmware's own water, against published values."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.metrology.measuring.water import kinematic_viscosity_m2_s, sound_speed_m_s


@pytest.mark.parametrize(
    ("temp_c", "speed"), [(0.1, 1402.8907), (10, 1447.2795), (20, 1482.3578), (30, 1509.1440), (50, 1542.5652)]
)
def test_sound_speed(temp_c: float, speed: float) -> None:
    """Bilaniuk and Wong at one atmosphere (metering.md 1.1)."""
    assert sound_speed_m_s(temp_c, 0.101325) == pytest.approx(speed, abs=1e-4)


@pytest.mark.parametrize(
    ("temp_c", "pressure_mpa", "speed"),
    [
        (5, 0.6, 1426.935),
        (5, 1.6, 1428.481),
        (20, 0.6, 1483.175),
        (20, 1.6, 1484.815),
        (50, 0.6, 1543.468),
        (50, 1.6, 1545.275),
    ],
)
def test_sound_speed_under_pressure(temp_c: float, pressure_mpa: float, speed: float) -> None:
    """One slope for all temperatures is within 0.25 m/s of the table of metering.md 1.2: 0.15 m/s per MPa at 50 degC,
    1.5 MPa above the atmosphere."""
    assert sound_speed_m_s(temp_c, pressure_mpa) == pytest.approx(speed, abs=0.25)


def test_arrays() -> None:
    """An array gives what its elements give, one by one."""
    temps_c = np.linspace(0.0, 70.0, 15)
    assert sound_speed_m_s(temps_c) == pytest.approx([sound_speed_m_s(float(t)) for t in temps_c], rel=1e-14)
    one_by_one = [kinematic_viscosity_m2_s(float(t)) for t in temps_c]
    assert kinematic_viscosity_m2_s(temps_c) == pytest.approx(one_by_one, rel=1e-14)


@pytest.mark.parametrize(
    ("temp_c", "mm2_s"), [(0.1, 1.78583), (7.5, 1.40581), (20, 1.00337), (35, 0.72344), (45, 0.60167), (50, 0.55315)]
)
def test_viscosity(temp_c: float, mm2_s: float) -> None:
    """Knots as tabulated (metering.md 1.3), between them within 0.1 % of IAPWS SR6-08 over density."""
    assert kinematic_viscosity_m2_s(temp_c) * 1e6 == pytest.approx(mm2_s, rel=1e-3)
