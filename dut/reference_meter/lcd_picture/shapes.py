"""What segments are drawn of: filled areas and lines of a width, in the units of the drawing, y pointing down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: tuple[Point, ...]

    def placed(self, x: float, y: float, scale: float = 1.0) -> Area:
        """The same, scaled about its origin and then moved there."""
        return Area(_placed(self.points, x, y, scale))


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline with round ends and joints."""

    points: tuple[Point, ...]
    width: float

    def placed(self, x: float, y: float, scale: float = 1.0) -> Line:
        """The same, scaled about its origin and then moved there."""
        return Line(_placed(self.points, x, y, scale), self.width * scale)


Shape: TypeAlias = Area | Line


def _placed(points: tuple[Point, ...], x: float, y: float, scale: float) -> tuple[Point, ...]:
    return tuple((x + scale * px, y + scale * py) for px, py in points)


def arc(x: float, y: float, radius: float, start_deg: float, end_deg: float) -> tuple[Point, ...]:
    """Points of an arc about (x, y), clockwise for growing angles from the right; a corner every 15 degrees or less."""
    steps = max(1, math.ceil(abs(end_deg - start_deg) / 15.0))
    angles = (math.radians(start_deg + (end_deg - start_deg) * step / steps) for step in range(steps + 1))
    return tuple((x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles)


def disc(x: float, y: float, radius: float) -> Area:
    """A filled circle."""
    return Area(arc(x, y, radius, 0.0, 360.0)[:-1])


def box(x: float, y: float, width: float, height: float) -> tuple[Point, ...]:
    """The closed outline of a rectangle."""
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
