"""The burst that a transducer makes of its drive: 20 cycles of 1 MHz through a resonance of Q = 8 (metering.md 2.3)."""

from __future__ import annotations

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array

Cycle = int | NDArray[np.int64]

DRIVE_HZ = 1e6
DRIVE_CYCLES = 20
RESONATOR_Q = 8.0
"""metering.md 2.3, all three."""
RESONANCE_DRIFT_PER_K = -100e-6
"""[design] The resonance is the drive's frequency at 20 degC, and falls as the transducer warms up."""


def received_burst(
    after_s: Array, water_temp_c: float, first_cycle: Cycle = 0, last_cycle: Cycle = DRIVE_CYCLES
) -> Array:
    """The burst at times ``after_s`` (any shape) after its true arrival; 0 before, steady amplitude 1.

    Of the drive only the cycles from ``first_cycle`` up to, not including, ``last_cycle`` get through (both broadcast
    against the times): a bubble may take the others. A whole burst's peak is below 1 by 0.2 % at most.
    """
    free, settled, pole = _modes(water_temp_c)
    since_s = after_s - first_cycle / DRIVE_HZ
    lasts_s = (last_cycle - first_cycle) / DRIVE_HZ
    begun, driven = since_s > 0.0, since_s < lasts_s
    since_s = np.maximum(since_s, 0.0)
    # Switching a sine off after whole periods subtracts the same response, later. From then on only what swings freely
    # is left, the sum of two.
    swing = np.where(driven, free, free * (1.0 - np.exp(-pole * lasts_s)))
    burst: Array = (swing * np.exp(pole * since_s)).real
    burst += driven * np.sin(2.0 * math.pi * DRIVE_HZ * since_s + cmath.phase(settled))
    burst *= begun
    return burst


def _modes(water_temp_c: float) -> tuple[complex, complex, complex]:
    """Free oscillation and settled sine after switching on, as phasors over the settled amplitude, and the pole.

    The resonator is 2as / (s^2 + 2as + w^2), a = w / 2Q, with the poles p and p*; the drive is d / (s^2 + d^2). The
    partial fraction at the poles of the drive is the settled sine, that at p and p* swings freely, with exp(p t).
    """
    resonance = 2.0 * math.pi * DRIVE_HZ * (1.0 + RESONANCE_DRIFT_PER_K * (water_temp_c - 20.0))
    drive = 2.0 * math.pi * DRIVE_HZ
    decay = resonance / (2.0 * RESONATOR_Q)
    pole = complex(-decay, math.sqrt(resonance**2 - decay**2))
    settled = 2.0 * decay * 1j * drive / ((1j * drive - pole) * (1j * drive - pole.conjugate()))
    free = 2.0 * decay * pole / (1j * pole.imag) * drive / (pole**2 + drive**2)
    return free / abs(settled), settled / abs(settled), pole
