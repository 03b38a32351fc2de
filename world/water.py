"""Properties of water: the truth of the simulated world. Four functions of temperature and pressure.

Temperatures in degC (ITS-90), pressures in MPa absolute; arrays or floats in, the same out. The bench and the meter
have formulas of their own and never use these.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Value = TypeVar("Value", float, Array, float | Array)

ATMOSPHERE_MPA = 0.101325

# Marczak 1997, 0..95 degC (J. Acoust. Soc. Am. 102, 2776).
_MARCZAK = (1.402385e3, 5.038813, -5.799136e-2, 3.287156e-4, -1.398845e-6, 2.787860e-9)
# Belogol'skii, Sekoyan et al. 1999: powers of the pressure above one atmosphere, each a cubic in temperature.
_BELOGOLSKII = (
    (1.49043589, 1.077850609e-2, -2.232794656e-4, 2.718246452e-6),
    (4.31532833e-3, -2.938590293e-4, 6.822485943e-6, -6.674551162e-8),
    (-1.852993525e-5, 1.481844713e-6, -3.940994021e-8, 3.939902307e-10),
)
# Kell 1975, used above 40 degC where Tanaka 2001 ends.
_KELL = (999.83952, 16.945176, -7.9870401e-3, -46.170461e-6, 105.56302e-9, -280.54253e-12)
_KELL_DENOMINATOR = 16.879850e-3


def _polynomial(coefficients: tuple[float, ...], x: Value) -> Value:
    total = 0.0 * x
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def sound_speed_m_s(temp_c: Value, pressure_mpa: Value | float = ATMOSPHERE_MPA) -> Value:
    """Speed of sound in m/s: Marczak 1997 with the pressure terms of Belogol'skii 1999 (0..70 degC, to 1.6 MPa)."""
    speed = _polynomial(_MARCZAK, temp_c)
    above_mpa = pressure_mpa - ATMOSPHERE_MPA
    power: Value | float = 1.0
    for row in _BELOGOLSKII:
        power *= above_mpa
        speed = speed + power * _polynomial(row, temp_c)
    return speed


def _tanaka_kg_m3(temp_c: Value) -> Value:
    """Tanaka et al. 2001, Metrologia 38, 301 (air-free water of standard composition), 0..40 degC."""
    offset = temp_c - 3.983035
    density: Value = 999.974950 * (1.0 - offset * offset * (temp_c + 301.797) / (522528.9 * (temp_c + 69.34881)))
    return density


def _kell_kg_m3(temp_c: Value) -> Value:
    density: Value = _polynomial(_KELL, temp_c) / (1.0 + _KELL_DENOMINATOR * temp_c)
    return density


def density_kg_m3(temp_c: Value, pressure_mpa: Value | float = ATMOSPHERE_MPA) -> Value:
    """Density in kg/m3: Tanaka 2001 to 40 degC, Kell 1975 above, with the compressibility of water."""
    at_atmosphere: Value
    if isinstance(temp_c, np.ndarray):
        at_atmosphere = np.where(temp_c <= 40.0, _tanaka_kg_m3(temp_c), _kell_kg_m3(temp_c))
    else:
        at_atmosphere = _tanaka_kg_m3(temp_c) if temp_c <= 40.0 else _kell_kg_m3(temp_c)
    compressibility_per_pa = (50.74 - 0.326 * temp_c + 0.00416 * temp_c * temp_c) * 1e-11
    return at_atmosphere * (1.0 + compressibility_per_pa * (pressure_mpa - ATMOSPHERE_MPA) * 1e6)


def dynamic_viscosity_pa_s(temp_c: Value) -> Value:
    """Dynamic viscosity in Pa s: IAPWS SR6-08(2011) equation 7, liquid at 0.1 MPa."""
    t = (temp_c + 273.15) / 300.0
    viscosity: Value = 1e-6 * (280.68 * t**-1.9 + 511.45 * t**-7.7 + 61.131 * t**-19.6 + 0.45903 * t**-40.0)
    return viscosity


def sound_speed_with_air_m_s(speed_m_s: float, density_kg_m3: float, air_fraction: float, pressure_mpa: float) -> float:
    """Speed of sound in water that holds this part of its volume as very small bubbles: Wood's relation.

    ``speed_m_s`` and ``density_kg_m3`` are those of the water alone. The air is isothermal, its own mass left out
    (metering.md 1.6); right far below the resonance of the bubbles.
    """
    if air_fraction == 0.0:
        return speed_m_s
    water_part = 1.0 - air_fraction
    compressibility_per_pa = air_fraction / (pressure_mpa * 1e6) + water_part / (density_kg_m3 * speed_m_s**2)
    return 1.0 / math.sqrt(water_part * density_kg_m3 * compressibility_per_pa)


def sound_absorption_db_m(temp_c: float, frequency_mhz: float) -> float:
    """Absorption of sound in dB/m: the pure-water term of Francois and Garrison."""
    if temp_c <= 20.0:
        a = 4.937e-4 - 2.59e-5 * temp_c + 9.11e-7 * temp_c**2 - 1.50e-8 * temp_c**3
    else:
        a = 3.964e-4 - 1.146e-5 * temp_c + 1.45e-7 * temp_c**2 - 6.5e-10 * temp_c**3
    return a * (frequency_mhz * 1e3) ** 2 / 1e3
