"""What passes through one meter's slot while nothing changes: the unit in which the world advances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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

    def __post_init__(self) -> None:
        water = self.start_s + self.duration_s + self.flow_l_h + self.water_temp_c + self.pressure_mpa
        air = 0.0 <= self.fill <= 1.0 and 0.0 <= self.bubbles < 1.0 and 0.0 <= self.microbubbles < 1.0
        if not (self.duration_s > 0.0 and air and math.isfinite(water)):
            raise ValueError(f"a segment lasts more than 0 s, has finite numbers, and parts of 0 to 1: not {self}")

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    @property
    def clear(self) -> bool:
        """True if the pipe is full, and of nothing but water."""
        return self.fill == 1.0 and self.bubbles == 0.0 and self.microbubbles == 0.0

    @property
    def volume_l(self) -> float:
        return self.flow_l_h * self.duration_s / 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Many segments of clear water in a full pipe, one after the other: a day's draws, or a year's.

    ``edges_s`` has the shape (n + 1,) and rises; the others have the shape (n,) and mean what they mean in a
    ``Segment``. ``ValueError`` otherwise, also for lists.
    """

    edges_s: Array
    flow_l_h: Array
    water_temp_c: Array
    pressure_mpa: Array

    def __post_init__(self) -> None:
        if not all(
            isinstance(part, np.ndarray) for part in (self.edges_s, self.flow_l_h, self.water_temp_c, self.pressure_mpa)
        ):
            raise ValueError("a course is made of arrays")
        count = len(self.edges_s) - 1
        if count < 1 or not np.isfinite(self.edges_s).all() or not np.all(np.diff(self.edges_s) > 0.0):
            raise ValueError("a course needs two finite edges at least, and each must come later than the one before")
        for name in ("flow_l_h", "water_temp_c", "pressure_mpa"):
            given = getattr(self, name)
            if given.shape != (count,) or not np.isfinite(given).all():
                raise ValueError(f"a course of {count} segments needs {count} finite numbers in {name}")

    def segment(self, index: int) -> Segment:
        """One of its segments."""
        start_s = float(self.edges_s[index])
        return Segment(
            start_s,
            float(self.edges_s[index + 1]) - start_s,
            float(self.flow_l_h[index]),
            float(self.water_temp_c[index]),
            float(self.pressure_mpa[index]),
        )


class InLine(Protocol):
    """Whatever is clamped into a slot of the line and lives through its segments, one after the other, without gaps."""

    def advance(self, segment: Segment) -> None: ...


@runtime_checkable
class LivesCourses(Protocol):
    """What can live through many segments at once."""

    def live(self, course: Course) -> None: ...
