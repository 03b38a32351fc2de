"""The firmware's own water: temperature from the speed of sound, viscosity from temperature."""

from __future__ import annotations

import numpy as np

NOMINAL_PRESSURE_MPA = 0.5
"""Absolute line pressure that the firmware supposes, having no sensor for it."""
_SPEED_PER_PRESSURE = 1.65
"""m/s per MPa, between 1.55 at 5 degC and 1.8 at 50 degC (metering.md 1.2)."""
_ATMOSPHERE_MPA = 0.101325

# Bilaniuk and Wong, 148 points, 0..100 degC (metering.md 1.1).
_SPEED = (1.40238744e3, 5.03836171, -5.81172916e-2, 3.34638117e-4, -1.48259672e-6, 3.16585020e-9)

_VISCOSITY_TEMP_C = (0.1, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 70.0)
_VISCOSITY_MM2_S = (1.78583, 1.51825, 1.30629, 1.13857, 1.00337, 0.89263, 0.80069, 0.65785, 0.55315, 0.41274)
"""Kinematic viscosity of water (metering.md 1.3)."""
_VISCOSITY_POLE_C = 133.15
"""ln(nu) is all but linear in 1/(T + this), the form of Vogel: interpolated there, ten points serve for 0..70 degC."""
_LN_VISCOSITY = np.log(_VISCOSITY_MM2_S)[::-1]
_INVERSE_TEMP = 1.0 / (np.array(_VISCOSITY_TEMP_C)[::-1] + _VISCOSITY_POLE_C)


def sound_speed_m_s(temp_c: float, pressure_mpa: float = NOMINAL_PRESSURE_MPA) -> float:
    """Speed of sound, m/s, at an absolute pressure."""
    return float(np.polynomial.polynomial.polyval(temp_c, _SPEED)) + _SPEED_PER_PRESSURE * (
        pressure_mpa - _ATMOSPHERE_MPA
    )


_TEMP_C = np.linspace(0.0, 70.0, 1401)
"""The inverse is read from a table in steps of 0.05 K, good to 1e-4 K; the speed of sound turns at 74 degC."""
_SPEED_M_S = np.array([sound_speed_m_s(float(temp_c)) for temp_c in _TEMP_C])


def temp_from_sound_speed_c(speed_m_s: float) -> float:
    """Temperature, degC, at which water under nominal pressure carries sound so fast; from 0 to 70 degC."""
    return float(np.interp(speed_m_s, _SPEED_M_S, _TEMP_C))


def kinematic_viscosity_m2_s(temp_c: float) -> float:
    """Kinematic viscosity, m2/s."""
    return 1e-6 * float(np.exp(np.interp(1.0 / (temp_c + _VISCOSITY_POLE_C), _INVERSE_TEMP, _LN_VISCOSITY)))
