"""What the sensor hands to the firmware: differential times of single shots, or of a steady stretch in one record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TransitTimes:
    """A block of measuring cycles under one condition of the water.

    ``dt_ps`` is t_up - t_dn of each cycle, a quantity of its own: at Q1 it is 5e-6 of the times (metering.md 2.2).
    The absolute times are means over the block; they carry the speed of sound and with it the temperature.
    """

    dt_ps: NDArray[np.float64]
    t_up_s: float
    t_dn_s: float


@dataclass(frozen=True, slots=True)
class SteadyTransit:
    """Many measuring cycles of a steady stretch: their mean dt and the standard deviation of a single one."""

    cycles: int
    mean_dt_ps: float
    sd_dt_ps: float
    t_up_s: float
    t_dn_s: float
