"""The rig's own sensors, as good as they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from meterbench.instruments.rig.plc_map import LINES


@dataclass(slots=True)
class SensorErrors:
    """What the rig's own instruments get wrong, drawn once a station."""

    rng: np.random.Generator
    flow_gain: dict[str, float] = field(default_factory=dict)
    pressure_gain: float = 1.0
    temp_offset_c: float = 0.0

    def __post_init__(self) -> None:
        self.flow_gain = {line: 1.0 + 0.0015 * self.rng.standard_normal() for line in LINES}
        self.pressure_gain = 1.0 + 0.002 * self.rng.standard_normal()
        self.temp_offset_c = 0.03 * self.rng.standard_normal()

    def pressure_kpa(self, true_kpa: float) -> float:
        """A reading of the pressure transmitters: noise in proportion, and 50 Pa of it at the least."""
        return self.noisy(true_kpa * self.pressure_gain, max(0.05, 7.5e-4 * true_kpa))

    def noisy(self, value: float, sd: float) -> float:
        """A reading with normal noise."""
        return value + sd * float(self.rng.standard_normal())
