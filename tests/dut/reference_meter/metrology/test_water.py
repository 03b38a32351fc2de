"""The firmware's own water, against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.water import (
    kinematic_viscosity_m2_s,
    sound_speed_m_s,
    temp_from_sound_speed_c,
)


@pytest.mark.parametrize(
    ("temp_c", "speed"), [(0.1, 1402.8907), (10, 1447.2795), (20, 1482.3578), (30, 1509.1440), (50, 1542.5652)]
)
def test_sound_speed(temp_c: float, speed: float) -> None:
    """Bilaniuk and Wong at one atmosphere (metering.md 1.1)."""
    assert sound_speed_m_s(temp_c, 0.101325) == pytest.approx(speed, abs=1e-4)


@given(st.floats(0.0, 60.0))
def test_inverse(temp_c: float) -> None:
    """Temperature comes back from the speed of sound within 0.1 mK to 60 degC."""
    assert temp_from_sound_speed_c(sound_speed_m_s(temp_c)) == pytest.approx(temp_c, abs=1e-4)


@pytest.mark.parametrize(
    ("temp_c", "mm2_s"), [(0.1, 1.78583), (7.5, 1.40581), (20, 1.00337), (35, 0.72344), (45, 0.60167), (50, 0.55315)]
)
def test_viscosity(temp_c: float, mm2_s: float) -> None:
    """Knots as tabulated (metering.md 1.3), between them within 0.1 % of IAPWS SR6-08 over density."""
    assert kinematic_viscosity_m2_s(temp_c) * 1e6 == pytest.approx(mm2_s, rel=1e-3)
