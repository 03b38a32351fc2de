"""What the timing stage hands to the firmware: transit times of single shots, or of a steady stretch in one record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Echo(IntEnum):
    """What came back of one shot's two bursts."""

    NONE = 0
    """Neither direction was heard."""
    UNSURE = 1
    """One direction only, or a burst that is cut, too loud for the converter, or of another shape."""
    GOOD = 2


@dataclass(frozen=True, slots=True, eq=False)
class TransitTimes:
    """A block of measuring cycles.

    ``dt_ps`` is t_up - t_dn of each cycle, a quantity of its own: at Q1 it is 5e-6 of the times (metering.md 2.2).
    The absolute times carry the speed of sound and with it the temperature; one number stands for the whole block
    where the water did not change. A shot whose ``echoes`` is not ``Echo.GOOD`` has NaN for its times.
    """

    dt_ps: Array
    t_up_s: float | Array
    t_dn_s: float | Array
    echoes: NDArray[np.int8] | None = None
    """``Echo`` of each shot; None: all good."""


@dataclass(frozen=True, slots=True)
class SteadyTransit:
    """Many measuring cycles of a steady stretch: their mean dt and the standard deviation of a single one."""

    cycles: int
    mean_dt_ps: float
    sd_dt_ps: float
    t_up_s: float
    t_dn_s: float
