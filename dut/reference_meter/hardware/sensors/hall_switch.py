"""The Hall switch, and the field of the magnet that somebody holds against the case (metering.md 4.3, ADR-023)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

MT_PER_KA_M = 1.2566
"""In air: mu0."""
LOWEST_MT, HIGHEST_MT = 3.0, 10.0
"""Micropower Hall switches operate and release between these. Unconfirmed."""
HYSTERESIS_MT = (1.0, 2.0)
"""[design] Spread over units of what lies between operate and release point."""


class HallSwitch:
    """One unit's switch: it answers to either pole, and only to the field at its own place."""

    def __init__(self, operate_mt: float, release_mt: float) -> None:
        if not 0.0 < release_mt < operate_mt:
            raise ValueError(f"a Hall switch that operates at {operate_mt} mT cannot release at {release_mt} mT")
        self.operate_mt = operate_mt
        self.release_mt = release_mt
        self.on = False

    def expose(self, field_mt: float) -> None:
        """Put the switch into a field; in between its two points it stays as it was."""
        magnitude_mt = abs(field_mt)
        if magnitude_mt >= self.operate_mt:
            self.on = True
        elif magnitude_mt <= self.release_mt:
            self.on = False


def draw_hall_switch(rng: np.random.Generator) -> HallSwitch:
    """The switch of a unit."""
    hysteresis_mt = float(rng.uniform(*HYSTERESIS_MT))
    operate_mt = float(rng.uniform(LOWEST_MT + hysteresis_mt, HIGHEST_MT))
    return HallSwitch(operate_mt, operate_mt - hysteresis_mt)


@dataclass(frozen=True, slots=True)
class RingMagnet:
    """The magnet of the static-field test of water meters (ISO 4064-2, 8.16). All its figures are unconfirmed.

    Off its face two fields are known. From two diameters of its centre on it is a dipole; in between the field is
    interpolated along straight lines of ln B over ln r [design].
    """

    outer_mm: float = 70.0
    inner_mm: float = 32.0
    thick_mm: float = 15.0
    remanence_t: float = 0.3925
    """Middle of 385..400 mT."""
    near_ka_m: tuple[tuple[float, float], ...] = ((1.0, 95.0), (20.0, 20.0))
    """Distance from the face in mm, field in kA/m (90..100 within 1 mm)."""

    def field_mt(self, distance_mm: float) -> float:
        """Magnitude on the axis at a distance from the face, mT; ``ValueError`` for a negative distance."""
        if distance_mm < 0.0:
            raise ValueError(f"a switch cannot lie {-distance_mm} mm within the magnet")
        half_mm = self.thick_mm / 2.0
        from_centre_mm = distance_mm + half_mm
        dipole_mm = 2.0 * self.outer_mm
        if from_centre_mm >= dipole_mm:
            return self._dipole_mt(from_centre_mm)
        ln_r = [math.log(face_mm + half_mm) for face_mm, _ in self.near_ka_m] + [math.log(dipole_mm)]
        ln_b = [math.log(MT_PER_KA_M * field) for _, field in self.near_ka_m] + [math.log(self._dipole_mt(dipole_mm))]
        return math.exp(float(np.interp(math.log(from_centre_mm), ln_r, ln_b)))

    def _dipole_mt(self, from_centre_mm: float) -> float:
        """On its axis, B = mu0 m / (2 pi r^3) with mu0 m = remanence times volume."""
        volume_mm3 = math.pi / 4.0 * (self.outer_mm**2 - self.inner_mm**2) * self.thick_mm
        return 1e3 * self.remanence_t * volume_mm3 / (2.0 * math.pi * from_centre_mm**3)
