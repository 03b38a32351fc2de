"""Measuring cycles in a supply's log: how often a meter measures, by the small pulses that it draws."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

CLEAR_SD = 8.0
"""A pulse stands out of the noise by so many standard deviations, or nothing is counted."""
PART_OF_TYPICAL = 0.3
"""A pulse that two samples share is a half of the others at least."""
MAD_TO_SD = 1.4826
REGULAR_PART = 0.1
"""Of the interval between two pulses: by so much it may differ from the mean one, and there is a cycle."""


def pulses_per_s(current_ma: NDArray[np.float64], period_s: float) -> float:
    """Rate of regular pulses in a log; NaN where none stand out, or where they come at no regular rate."""
    above_ma = current_ma - np.median(current_ma)
    sd_ma = MAD_TO_SD * float(np.median(np.abs(above_ma)))
    candidates_ma = above_ma[above_ma > CLEAR_SD * sd_ma]
    if len(candidates_ma) < 3:
        return math.nan
    level_ma = max(CLEAR_SD * sd_ma, PART_OF_TYPICAL * float(np.median(candidates_ma)))
    high = above_ma > level_ma
    starts = np.flatnonzero(high[1:] & ~high[:-1])
    if len(starts) < 3:
        return math.nan
    intervals_s = np.diff(starts) * period_s
    mean_s = float(np.mean(intervals_s))
    if float(np.max(np.abs(intervals_s - mean_s))) > REGULAR_PART * mean_s + period_s:
        return math.nan
    return 1.0 / mean_s
