"""From a weighing to the actual volume at a meter: buoyancy, density, pressure. Pure functions.

The bench's own formulas (iso4064.md 3.3), not those of the simulated world. Temperatures degC, masses g, volumes L.
"""

from __future__ import annotations

import itertools
import math

WEIGHTS_DENSITY_KG_M3 = 8000.0
"""Density of the weights that the balance was adjusted with, by convention (OIML R 111)."""

# Isothermal compressibility of water between 0.1 and 0.6 MPa, 1e-6/MPa at degC (iso4064.md 3.3).
_COMPRESSIBILITY = ((0.1, 508.2), (5.0, 491.4), (10.0, 477.8), (15.0, 467.1), (20.0, 458.7), (25.0, 452.2),
                    (30.0, 447.5), (40.0, 442.1), (50.0, 441.5), (60.0, 444.7))  # fmt: skip


def water_density_kg_m3(temp_c: float, gauge_pressure_mpa: float = 0.0) -> float:
    """Density of air-free water in kg/m3, 0..90 degC (form of R 49-2's annex, iso4064.md 3.3)."""
    h = temp_c / 100.0
    at_atmosphere = (
        999.84382
        * (1.0 + 1.4639386 * h - 0.0155050 * h**2 - 0.0309777 * h**3)
        / (1.0 + 1.4572099 * h + 0.0648931 * h**2)
    )
    return at_atmosphere * (1.0 + compressibility_per_mpa(temp_c) * gauge_pressure_mpa)


def compressibility_per_mpa(temp_c: float) -> float:
    """Relative change of density per MPa, interpolated in the table of iso4064.md 3.3."""
    for (low_c, low), (high_c, high) in itertools.pairwise(_COMPRESSIBILITY):
        if temp_c <= high_c:
            part = max(0.0, (temp_c - low_c) / (high_c - low_c))
            return 1e-6 * (low + part * (high - low))
    return 1e-6 * _COMPRESSIBILITY[-1][1]


def expansion_per_k(temp_c: float) -> float:
    """Relative change of the volume of water per kelvin."""
    return -(water_density_kg_m3(temp_c + 0.5) - water_density_kg_m3(temp_c - 0.5)) / water_density_kg_m3(temp_c)


def air_density_kg_m3(temp_c: float, pressure_hpa: float, humidity_percent: float) -> float:
    """Density of moist air in kg/m3 by the simplified formula of OIML R 111."""
    vapour = 0.009 * humidity_percent * math.exp(0.061 * temp_c)
    return (0.34848 * pressure_hpa - vapour) / (273.15 + temp_c)


def buoyancy_factor(air_kg_m3: float, water_kg_m3: float) -> float:
    """True mass of water over the balance's reading."""
    return (1.0 - air_kg_m3 / WEIGHTS_DENSITY_KG_M3) / (1.0 - air_kg_m3 / water_kg_m3)


def actual_volume_l(
    reading_g: float, *, air_kg_m3: float, tank_temp_c: float, meter_temp_c: float, meter_gauge_mpa: float
) -> float:
    """The volume that passed the meter, at the meter's temperature and pressure, from a difference of weighings."""
    mass_g = reading_g * buoyancy_factor(air_kg_m3, water_density_kg_m3(tank_temp_c))
    return mass_g / water_density_kg_m3(meter_temp_c, meter_gauge_mpa)


def error_of_indication_percent(indicated_l: float, actual_l: float) -> float:
    """E = 100 (Vi - Va) / Va (ISO 4064-1, formula 1)."""
    return 100.0 * (indicated_l - actual_l) / actual_l
