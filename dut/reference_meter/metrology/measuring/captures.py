"""What the analogue front end hands to the firmware: both captured bursts of a series of shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 8e6
"""Eight samples a period of the 1 MHz burst (metering.md 2.3)."""
CAPTURE_SAMPLES = 320
"""40 us: the burst of 20 us, its ringing, and the span of arrivals between 0.1 and 50 degC."""
FULL_SCALE_COUNTS = 2047
"""12 bits, signed."""


@dataclass(frozen=True, slots=True, eq=False)
class Captures:
    """Counts of the converter, shape (shots, CAPTURE_SAMPLES), against the flow (``up``) and with it (``dn``).

    The first sample is taken ``window_start_s`` after the excitation begins. ``gain_db`` is the amplifier's, the same
    for both directions of all these shots.
    """

    up: NDArray[np.int16]
    dn: NDArray[np.int16]
    window_start_s: float
    gain_db: float
