"""The firmware's own water: speed of sound and viscosity over temperature."""

from __future__ import annotations

import numpy as np

from meterbench.dut.reference_meter.array_types import Value

NOMINAL_PRESSURE_MPA = 0.5
"""Absolute line pressure that the firmware supposes where no sensor tells it."""
SPEED_PER_PRESSURE = 1.65
"""m/s per MPa, between 1.55 at 5 degC and 1.8 at 50 degC (metering.md 1.2)."""
ATMOSPHERE_MPA = 0.101325

# Bilaniuk and Wong, 148 points, 0..100 degC (metering.md 1.1).
_SPEED = (1.40238744e3, 5.03836171, -5.81172916e-2, 3.34638117e-4, -1.48259672e-6, 3.16585020e-9)

_VISCOSITY_TEMP_C = (0.1, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 70.0)
_VISCOSITY_MM2_S = (1.78583, 1.51825, 1.30629, 1.13857, 1.00337, 0.89263, 0.80069, 0.65785, 0.55315, 0.41274)
"""Kinematic viscosity of water (metering.md 1.3)."""
_VISCOSITY_POLE_C = 133.15
"""ln(nu) is all but linear in 1/(T + this), the form of Vogel: interpolated there, ten points serve for 0..70 degC."""
_LN_VISCOSITY = np.log(_VISCOSITY_MM2_S)[::-1]
_INVERSE_TEMP = 1.0 / (np.array(_VISCOSITY_TEMP_C)[::-1] + _VISCOSITY_POLE_C)


def sound_speed_m_s(temp_c: Value, pressure_mpa: float = NOMINAL_PRESSURE_MPA) -> Value:
    """Speed of sound, m/s, at an absolute pressure; 0 to 70 degC."""
    speed = SPEED_PER_PRESSURE * (pressure_mpa - ATMOSPHERE_MPA) + 0.0 * temp_c
    power = 1.0 + 0.0 * temp_c
    for coefficient in _SPEED:
        speed = speed + coefficient * power
        power = power * temp_c
    return speed


def kinematic_viscosity_m2_s(temp_c: Value) -> Value:
    """Kinematic viscosity, m2/s; 0 to 70 degC."""
    viscosity: Value = 1e-6 * np.exp(np.interp(1.0 / (temp_c + _VISCOSITY_POLE_C), _INVERSE_TEMP, _LN_VISCOSITY))
    return viscosity
