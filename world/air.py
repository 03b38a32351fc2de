"""The laboratory's air: what it does to a weighing, and what it takes from an open tank."""

from __future__ import annotations

import math
from dataclasses import dataclass

WEIGHTS_DENSITY_KG_M3 = 8000.0
"""Steel weights by convention: what a balance is adjusted with (OIML R 111)."""


@dataclass(frozen=True, slots=True)
class Air:
    """The state of the air around the rig."""

    temp_c: float = 20.0
    pressure_hpa: float = 1013.25
    humidity_percent: float = 50.0

    @property
    def density_kg_m3(self) -> float:
        """Moist air by the ideal-gas law of its two parts, in kg/m3."""
        kelvin = self.temp_c + 273.15
        vapour_pa = 100.0 * self.humidity_percent / 100.0 * saturation_pressure_hpa(self.temp_c)
        dry_pa = 100.0 * self.pressure_hpa - vapour_pa
        return dry_pa / (287.058 * kelvin) + vapour_pa / (461.495 * kelvin)

    def evaporation_g_s(self, water_temp_c: float, opening_m2: float) -> float:
        """What an opening of ``opening_m2`` loses in still air, in g/s (metering.md 7.2; evaporation of pools)."""
        at_surface = self._humidity_ratio(saturation_pressure_hpa(water_temp_c))
        in_air = self._humidity_ratio(saturation_pressure_hpa(self.temp_c) * self.humidity_percent / 100.0)
        return max(0.0, 25.0 * (at_surface - in_air) * opening_m2 * 1000.0 / 3600.0)

    def _humidity_ratio(self, vapour_hpa: float) -> float:
        return 0.622 * vapour_hpa / (self.pressure_hpa - vapour_hpa)


def saturation_pressure_hpa(temp_c: float) -> float:
    """Saturation pressure of water vapour over water in hPa (Magnus, coefficients of Sonntag 1990)."""
    return 6.112 * math.exp(17.62 * temp_c / (243.12 + temp_c))


def apparent_mass_g(mass_g: float, density_kg_m3: float, air_density_kg_m3: float) -> float:
    """What a balance adjusted with steel weights shows for ``mass_g`` of that density: buoyancy takes a part."""
    lift = 1.0 - air_density_kg_m3 / density_kg_m3
    return mass_g * lift / (1.0 - air_density_kg_m3 / WEIGHTS_DENSITY_KG_M3)
