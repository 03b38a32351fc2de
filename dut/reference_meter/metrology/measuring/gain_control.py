"""Gain control: keeps the bursts large in the converter, where they are best timed (metering.md 2.3)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.measuring.captures import FULL_SCALE_COUNTS, Captures

GAIN_STEP_DB = 0.5
HIGHEST_GAIN_DB = 40.0
"""[design] The amplifier's codes: from 0 dB up in such steps. One gain serves both directions of a block."""
LOWEST, AIM, HIGHEST = 0.7, 0.8, 0.9
"""[design] Peak of the stronger direction over full scale. 0.8 leaves 2 dB until the converter clips; between the
outer two nothing is changed, so that noise does not move the gain."""
_DOWN_DB = 6.0
"""[design] What a clipped burst loses at once: how far it went beyond full scale cannot be seen."""
_UP_DB = 2.0
"""[design] The most that a block adds: a few weak or empty shots do not throw the gain away."""


def next_gain_db(captures: Captures) -> float:
    """The gain for the block of shots after this one; it was taken at ``captures.gain_db``."""
    peak = max(_peak(captures.up), _peak(captures.dn))
    if peak >= 1.0:
        change_db = -_DOWN_DB
    elif LOWEST <= peak <= HIGHEST:
        change_db = 0.0
    else:
        wanted_db = 20.0 * math.log10(AIM / peak) if peak > 0.0 else math.inf
        change_db = round(min(wanted_db, _UP_DB) / GAIN_STEP_DB) * GAIN_STEP_DB
    return min(max(captures.gain_db + change_db, 0.0), HIGHEST_GAIN_DB)


def received_level_db(captures: Captures) -> tuple[float, float]:
    """Level of the bursts at the amplifier's input, up and dn: rms over the window, dB of full scale without gain.

    Less what the captures of a unit's calibration gave, it is the change since: -3.1 dB is a loss of 30 %. Peaks would
    not do: eight samples a period miss up to 0.7 dB of one, depending on its phase. The median over the shots, which a
    few disturbed ones do not move; -inf where nothing but zeros was converted.
    """
    up, dn = (float(np.median(_rms(counts))) for counts in (captures.up, captures.dn))
    return _db(up) - captures.gain_db, _db(dn) - captures.gain_db


def _peak(counts: NDArray[np.int16]) -> float:
    """Largest magnitude over full scale."""
    return max(int(counts.max()), -int(counts.min())) / FULL_SCALE_COUNTS


def _rms(counts: NDArray[np.int16]) -> NDArray[np.float64]:
    """Of each shot over full scale."""
    rms: NDArray[np.float64] = np.sqrt(np.mean(np.square(counts, dtype=np.float64), axis=1)) / FULL_SCALE_COUNTS
    return rms


def _db(ratio: float) -> float:
    return 20.0 * math.log10(ratio) if ratio > 0.0 else -math.inf
