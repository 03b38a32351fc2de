"""What the timing stage hands to the firmware: transit times of single shots, or of steady stretches in one record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array

CYCLES_PER_S = 8
"""Measuring cycles with water, and always in TEST (ADR-014)."""


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
    level_db: float = 0.0
    """Amplitude of the fainter direction's bursts, relative to that at calibration."""

    def cut(self, shot: int) -> tuple[TransitTimes, TransitTimes]:
        """The shots before this one, and the others."""

        def part(of: slice) -> TransitTimes:
            up_s, dn_s = (t if isinstance(t, float) else t[of] for t in (self.t_up_s, self.t_dn_s))
            echoes = None if self.echoes is None else self.echoes[of]
            return TransitTimes(self.dt_ps[of], up_s, dn_s, echoes, self.level_db)

        return part(slice(shot)), part(slice(shot, None))


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Many measuring cycles in few numbers: stretches one after the other, each of water that does not change.

    All arrays have the shape (stretches,), ``chance`` (2, stretches).
    """

    cycles: NDArray[np.int64]
    mean_dt_ps: Array
    """Without noise."""
    sd_dt_ps: float
    """Of a single shot."""
    t_up_s: Array
    t_dn_s: Array
    chance: Array
    """Standard normal numbers: what the noise did to the mean of all cycles, and of the first few."""
