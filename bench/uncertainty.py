"""The uncertainty budget of an error of indication measured against the weighed volume (GUM; iso4064.md 3.4).

All contributions are independent; each is expressed in per cent of the actual volume, the root of the sum of their
squares is the standard uncertainty, and k = 2 covers about 95 %. The meter's own repeatability is not in it: it
belongs to the meter. What limits the verdict (one third or one fifth of the MPE) is this U.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from meterbench.bench.record import Budget, Contribution
from meterbench.bench.reference_volume import compressibility_per_mpa, expansion_per_k

COVERAGE_FACTOR = 2.0
_SQRT3, _SQRT6 = math.sqrt(3.0), math.sqrt(6.0)

AIR_DENSITY_U_KG_M3 = 0.02
"""Standard uncertainty of the air's density when pressure and humidity are entered once a day: 15 hPa, 15 % RH."""
DRIP_G = 0.1
"""Drops that hang or fall between the two weighings, half-width."""


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """What a laboratory states of its rig beyond the certificates."""

    dead_volume_l: float
    """Water between the meters and the diverter."""
    line_compliance_ml_kpa: float
    """What the closed line gives for 1 kPa: turns the tightness test into a leak flow."""
    reproducibility_percent: float
    """Standard deviation of the rig against itself over months (from its control chart)."""
    water_density_percent: float
    """Standard uncertainty of the density of the rig's water: drinking water is up to 0.03 % denser than pure water."""
    cover_opening_m2: float
    """Opening of the weighing tank through which water evaporates."""


@dataclass(frozen=True, slots=True)
class VolumeConditions:
    """What is known of one collected volume, beyond its value."""

    weighed_g: float
    duration_s: float
    flow_l_h: float
    water_temp_c: float
    temp_drift_k: float
    """Largest change of the water temperature while collecting."""
    pressure_span_kpa: float
    """Largest change of the pressure in the line while collecting."""
    leak_rate_kpa_min: float
    """From the last tightness test."""
    pulse_volume_l: float
    indicated_l: float
    balance_u_g: float
    """Expanded (k = 2), of one reading."""
    readability_g: float
    thermometer_u_k: float
    """Expanded."""
    diverter_u_s: float
    """Expanded."""
    time_base_u_percent: float
    """Expanded."""
    air_density_kg_m3: float
    temp_shift_k: float = 0.0
    """Water at the meter less water at the probe, by the rig's own sensors, which have no certificate."""
    collections: int = 1
    """How many collections the sums are over: each has its own drops, steps, pulses and dead volume."""


def error_budget(step: str, meter: str, seen: VolumeConditions, rig: ReferenceData) -> Budget:
    """The budget of one error of indication."""
    mass = 100.0 / seen.weighed_g
    volume_l = seen.weighed_g / 1000.0
    expansion = 100.0 * abs(expansion_per_k(seen.water_temp_c))
    leak_ml_min = max(abs(seen.leak_rate_kpa_min), 0.05) * rig.line_compliance_ml_kpa
    root = math.sqrt(seen.collections)
    evaporated_g = rig.cover_opening_m2 * _evaporation_g_m2_h(seen.water_temp_c) * seen.duration_s / 3600.0

    def part(name: str, estimate: float | None, unit: str, u: float, shape: str, c: float, source: str) -> Contribution:
        return Contribution(name, estimate, unit, u, shape, c, abs(c) * u, source)

    contributions = (
        part("weighing, two readings", seen.weighed_g, "g", seen.balance_u_g / 2.0 * math.sqrt(2.0), "normal", mass,
             "balance certificate"),
        part("resolution of the balance, two readings", None, "g", seen.readability_g / _SQRT6 * root, "triangular",
             mass, "balance data"),
        part("drops and film", None, "g", DRIP_G / _SQRT3 * root, "rectangular", mass, "observation"),
        part("evaporation", None, "g", evaporated_g / _SQRT3, "rectangular", mass, "opening of the tank"),
        part("air density", seen.air_density_kg_m3, "kg/m³", AIR_DENSITY_U_KG_M3, "normal", 100.0 * 8.75e-4,
             "laboratory's air"),
        part("water temperature at the meter", seen.water_temp_c, "K",
             math.hypot(seen.thermometer_u_k / 2.0, seen.temp_drift_k / 2.0 / _SQRT3, seen.temp_shift_k / _SQRT3),
             "normal", expansion, "thermometer certificate, drift while collecting, place of the meter"),
        part("water density", None, "%", rig.water_density_percent, "normal", 1.0, "formula, dissolved air and salts"),
        part("pressure at the meter", None, "MPa", 0.01 / _SQRT3, "rectangular",
             100.0 * compressibility_per_mpa(seen.water_temp_c), "rig's transmitters"),
        part("diverter timing", seen.duration_s, "s", seen.diverter_u_s / 2.0, "normal", 100.0 / seen.duration_s,
             "rig certificate"),
        part("gate's time base", None, "%", seen.time_base_u_percent / 2.0, "normal", 1.0, "counter certificate"),
        part("water between meter and diverter", rig.dead_volume_l, "K", (seen.temp_drift_k + 0.02) / _SQRT3,
             "rectangular", expansion * rig.dead_volume_l * seen.collections / volume_l,
             "temperature drift in the dead volume"),
        part("water stored in the line", seen.pressure_span_kpa, "kPa", seen.pressure_span_kpa / _SQRT3, "rectangular",
             100.0 * rig.line_compliance_ml_kpa / 1000.0 / volume_l, "pressure while collecting"),
        part("undetected leak", leak_ml_min, "mL/min", leak_ml_min / _SQRT3, "rectangular",
             100.0 * 60.0 / 1000.0 / seen.flow_l_h, "tightness test"),
        part("reproducibility of the rig", None, "%", rig.reproducibility_percent, "normal", 1.0, "control chart"),
        part("counting of test pulses", seen.indicated_l, "L", seen.pulse_volume_l / _SQRT6 * root, "triangular",
             100.0 / volume_l, "one pulse"),
    )  # fmt: skip
    combined = math.sqrt(math.fsum(contribution.percent**2 for contribution in contributions))
    return Budget(
        step=step,
        quantity="error_of_indication",
        meter=meter,
        contributions=contributions,
        standard_uncertainty_percent=combined,
        coverage_factor=COVERAGE_FACTOR,
        expanded_uncertainty_percent=COVERAGE_FACTOR * combined,
    )


def _evaporation_g_m2_h(water_temp_c: float) -> float:
    """What still water loses to a room of 20 degC and 50 %, bounded from above (metering.md 7.2)."""
    vapour_hpa = 6.1094 * math.exp(17.625 * water_temp_c / (water_temp_c + 243.04))
    excess = 0.622 * vapour_hpa / (1013.25 - vapour_hpa) - 0.0073
    return 25_000.0 * max(excess, 0.0)
