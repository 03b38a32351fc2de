"""What a master meter in one of the simulated rig's lines sees: the water on its way to the first meter under test."""

from __future__ import annotations

from meterbench.world.plant import Plant
from meterbench.world.segment import Segment
from meterbench.world.water import ATMOSPHERE_MPA, density_kg_m3


class LineTap:
    """Stands before the first slot and counts each segment to the litre.

    Water flows through a line while that line is selected, and runs out through it after it was shut.
    """

    def __init__(self, plant: Plant, line: str) -> None:
        """From now on; ``plant`` has one slot at least."""
        self._plant = plant
        self._line = line
        self._last_line = plant.line
        self._passed_l = 0.0
        plant.taps.append(self)

    def advance(self, segment: Segment) -> None:
        """What passes, in this line or in another one."""
        if self._plant.line is not None:
            self._last_line = self._plant.line
        if self._last_line == self._line:
            self._passed_l += segment.volume_l

    def flow_l_h(self) -> float:
        """At this instant, leaks behind the meter included."""
        seen = (self._plant.line or self._last_line) == self._line
        return self._plant.flow_l_h + self._plant.leak_l_h if seen else 0.0

    def volume_l(self) -> float:
        """Since the tap was set."""
        return self._passed_l

    def water_temp_c(self) -> float:
        """The water before the first meter."""
        return self._plant.water_temp_c

    def density_kg_m3(self) -> float:
        """Of that water, at its pressure."""
        return density_kg_m3(self._plant.water_temp_c, ATMOSPHERE_MPA + self._plant.pressure_upstream_kpa / 1000.0)
