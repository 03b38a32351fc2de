"""The processor's own thermometer: what the meter takes for the ambient temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OFFSET_SD_K = 0.7
"""[design] Spread of its offset over units."""
STEP_K = 0.1
"""[design] Its resolution."""


@dataclass(frozen=True, slots=True)
class ChipThermometer:
    """One unit's."""

    offset_k: float

    def measured_c(self, ambient_temp_c: float) -> float:
        """What it reads."""
        return round((ambient_temp_c + self.offset_k) / STEP_K) * STEP_K


def draw_chip_thermometer(rng: np.random.Generator) -> ChipThermometer:
    """The thermometer of a unit."""
    return ChipThermometer(float(rng.normal(0.0, OFFSET_SD_K)))
