"""On from one value, off below another, in between as before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array

Mask = NDArray[np.bool_]


def hysteresis(values: Array, on_from: float, off_below: float, was: bool) -> Mask:
    """Value by value, whether it is on; ``was`` is how it was before the first."""
    above: Mask = values >= on_from
    held = (values >= off_below) & ~above
    if not held.any():
        return above
    last_decided = np.maximum.accumulate(np.where(held, -1, np.arange(len(values))))
    return np.where(last_decided < 0, was, above[last_decided])
