"""What passes through one meter's slot while nothing changes: the unit in which the world advances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time with constant flow, temperature and pressure at one slot of the line.

    ``flow_l_h`` is the volume flow at the slot's own temperature and pressure, positive in the direction of the arrow;
    its product with the duration is the true volume to the last digit.
    """

    start_s: float
    duration_s: float
    flow_l_h: float
    water_temp_c: float
    pressure_mpa: float
    """Absolute pressure at the slot."""
    fill: float = 1.0
    """Part of the pipe's cross-section that water fills; 0 is an empty pipe."""
    bubbles: float = 0.0
    """Part of the volume that is air in bubbles one can see: they scatter sound."""
    microbubbles: float = 0.0
    """Part of the volume that is air in bubbles too small to scatter: they slow sound down."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    @property
    def volume_l(self) -> float:
        return self.flow_l_h * self.duration_s / 3600.0


class InLine(Protocol):
    """Whatever is clamped into a slot of the line and lives through its segments, one after the other, without gaps."""

    def advance(self, segment: Segment) -> None: ...
