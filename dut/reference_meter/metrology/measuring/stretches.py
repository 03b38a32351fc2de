"""The sensitivity threshold's verdict on whole stretches of steady flow, where it can be told without single shots."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.measuring.threshold import CLEAR_L_H, QUICK_CYCLES, QUICK_OFF_L_H, SAFE_SD

Whole = NDArray[np.int64]


class Kind(IntEnum):
    """How a stretch stands to the threshold."""

    QUIET = 0
    """No mean of it switches registering on."""
    UNCLEAR = 1
    """Only its single shots can tell."""
    CLEAR = 2
    """Each of its shots is registered for itself."""


def kinds_of(mean_l_h: Array, sd_l_h: Array) -> NDArray[np.int8]:
    """``Kind`` of each stretch, from mean and standard deviation of its cycles' flow (to six standard deviations)."""
    magnitude = np.abs(mean_l_h)
    clear = magnitude - SAFE_SD * sd_l_h >= CLEAR_L_H
    quiet = magnitude + SAFE_SD * sd_l_h / QUICK_CYCLES**0.5 < QUICK_OFF_L_H
    return np.where(clear, Kind.CLEAR, np.where(quiet, Kind.QUIET, Kind.UNCLEAR)).astype(np.int8)


def registered_cycles(cycles: Whole, mean_l_h: Array, clear: NDArray[np.bool_]) -> tuple[Whole, Array]:
    """How many cycles of each clear or quiet stretch are registered, and in which direction (1, -1, 0).

    All of a clear one. Of a quiet one after it, those until the quick mean has forgotten the flow: of the last clear
    flow q, k cycles in the window make k q / ``QUICK_CYCLES``, and below ``QUICK_OFF_L_H`` it is off.
    """
    index = np.arange(len(cycles))
    last_clear = np.maximum.accumulate(np.where(clear, index, -1))
    flow_l_h = np.where(last_clear >= 0, mean_l_h[last_clear], 0.0)
    end = np.cumsum(cycles)
    since_clear = end - cycles - np.where(last_clear >= 0, end[last_clear], 0)
    with np.errstate(divide="ignore"):
        tail = np.floor(QUICK_CYCLES - QUICK_CYCLES * QUICK_OFF_L_H / np.abs(flow_l_h))
    tail = np.where(last_clear >= 0, np.maximum(tail, 0.0), 0.0).astype(np.int64)
    registered = np.where(clear, cycles, np.clip(tail - since_clear, 0, cycles))
    return registered, np.sign(flow_l_h)
