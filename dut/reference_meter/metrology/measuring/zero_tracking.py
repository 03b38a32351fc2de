"""Follows the zero offset in the field, but only while zero flow is certain.

A leak of 0.5 L/h looks like an offset (metering.md 3): never on an open pipe, never by guessing from quiet water. Zero
flow is certain while the shut-off valve's own end switch says closed. What is found moves the zero within narrow bounds
about the sealed calibration, which itself stays as it is.
"""

from __future__ import annotations

import math

SETTLING_SHOTS = 480
"""[design] One minute after the valve closed the water stands."""
AVERAGED_SHOTS = 4096
"""[design] 8.5 minutes: 35 ps of noise become 0.55 ps."""
LARGEST_CORRECTION_PS = 8.0
"""[design] More than this is no drift but a valve that leaks, or a fault."""
LARGEST_NOISE_PS = 2.0
"""[design] Standard error above which the mean is not used."""


class ZeroTracker:
    """Averages the differential time, sealed zero removed, while zero flow is certain."""

    def __init__(self) -> None:
        self.correction_ps = 0.0
        """To be subtracted from dt besides the sealed zero."""
        self.refused_ps = math.nan
        """The last mean that was too large to be an offset; NaN if there was none."""
        self.stop()

    def stop(self) -> None:
        """Zero flow is no longer certain: what is not finished is worth nothing."""
        self._shots = 0
        self._sum_ps = 0.0
        self._square_ps2 = 0.0

    def see(self, shots: int, mean_ps: float, sd_ps: float) -> None:
        """Take in a block of good shots at certain zero flow: mean and sd of dt less the sealed zero."""
        settling = max(0, min(shots, SETTLING_SHOTS - self._shots))
        self._shots += settling
        shots -= settling
        if shots == 0:
            return
        self._shots += shots
        self._sum_ps += shots * mean_ps
        self._square_ps2 += shots * (sd_ps**2 + mean_ps**2)
        count = self._shots - SETTLING_SHOTS
        if count < AVERAGED_SHOTS:
            return
        found_ps = self._sum_ps / count
        error_ps = math.sqrt(max(0.0, self._square_ps2 / count - found_ps**2) / count)
        self._shots, self._sum_ps, self._square_ps2 = SETTLING_SHOTS, 0.0, 0.0
        if error_ps > LARGEST_NOISE_PS:
            return
        if abs(found_ps) > LARGEST_CORRECTION_PS:
            self.refused_ps = found_ps
            return
        self.correction_ps, self.refused_ps = found_ps, math.nan
