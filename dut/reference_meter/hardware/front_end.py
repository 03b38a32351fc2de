"""The analogue front end: amplifier with programmable gain, 12-bit converter, sampling clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.hardware.burst import DRIVE_CYCLES, DRIVE_HZ, received_burst
from meterbench.dut.reference_meter.metrology.measuring.captures import (
    CAPTURE_SAMPLES,
    FULL_SCALE_COUNTS,
    SAMPLE_RATE_HZ,
    Captures,
)
from meterbench.dut.reference_meter.metrology.measuring.gain_control import GAIN_STEP_DB, HIGHEST_GAIN_DB

FULL_SCALE_V = 1.0
"""[design] Peak voltage at the converter that gives ``FULL_SCALE_COUNTS``."""
NOMINAL_AMPLITUDE_V = 50e-3
"""[design] Of a burst at the amplifier's input, in a good unit full of water."""
NOMINAL_PEAK = 0.8
"""[design] Part of full scale that a burst takes when a unit's noise is told: 24 dB of gain."""
_SAMPLES_S = np.arange(CAPTURE_SAMPLES) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """What comes to the amplifier in a block of shots during which the water does not change.

    The times are those at which the bursts truly begin, after the excitation, with all delays. The amplitudes are
    arrays of one number a shot, at the amplifier's input; 0: nothing arrives. The noise is rms, referred to that input.
    """

    t_up_s: float
    t_dn_s: float
    water_temp_c: float
    amplitude_up_v: Array
    amplitude_dn_v: Array
    noise_v: float


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What one direction of a block of shots suffers."""

    late_periods: int = 0
    """Periods of 1 us by which the window opens late: the burst stands earlier in it by as many."""
    first_cycle: int = 0
    """Cycles of the drive that a passing bubble takes from the beginning."""
    last_cycle: int = DRIVE_CYCLES
    """Cycle of the drive at which the echo breaks off."""


UNDISTURBED = Disturbance()


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """A unit's front end; its windows open ``window_start_s`` after the excitation, ``rng`` draws its noise."""

    window_start_s: float
    rng: np.random.Generator

    def capture(
        self, arrivals: Arrivals, gain_db: float, up: Disturbance = UNDISTURBED, dn: Disturbance = UNDISTURBED
    ) -> Captures:
        """Amplify and convert all shots of a block.

        Raises ValueError for a gain that the amplifier does not have.
        """
        if not (0.0 <= gain_db <= HIGHEST_GAIN_DB and (gain_db / GAIN_STEP_DB).is_integer()):
            raise ValueError(
                f"the gain goes from 0 to {HIGHEST_GAIN_DB} dB in {GAIN_STEP_DB} dB, {gain_db} is not in it"
            )
        counts_per_v = 10.0 ** (gain_db / 20.0) * FULL_SCALE_COUNTS / FULL_SCALE_V
        clean = np.stack(
            (
                _clean(self.window_start_s, arrivals.t_up_s, arrivals.water_temp_c, up),
                _clean(self.window_start_s, arrivals.t_dn_s, arrivals.water_temp_c, dn),
            )
        )
        amplitudes = np.array((arrivals.amplitude_up_v, arrivals.amplitude_dn_v), dtype=np.float32).T * counts_per_v
        # Shot by shot in the order of time: how time is cut into blocks does not change the noise of a shot.
        counts = self.rng.standard_normal((len(amplitudes), 2, CAPTURE_SAMPLES), dtype=np.float32)
        counts *= arrivals.noise_v * counts_per_v
        counts += amplitudes[:, :, np.newaxis] * clean
        np.clip(counts, -FULL_SCALE_COUNTS, FULL_SCALE_COUNTS, out=counts)
        np.rint(counts, out=counts)
        converted = counts.astype(np.int16)
        return Captures(converted[:, 0], converted[:, 1], self.window_start_s, gain_db)


@lru_cache(maxsize=8)
def _clean(window_start_s: float, arrival_s: float, water_temp_c: float, suffers: Disturbance) -> NDArray[np.float32]:
    """The burst in the window: amplitude 1, no noise. 24 bits are enough for a converter of 12.

    Kept for the next blocks: water that does not change gives the same again.
    """
    after_s = _SAMPLES_S + (window_start_s + suffers.late_periods / DRIVE_HZ - arrival_s)
    burst = received_burst(after_s, water_temp_c, suffers.first_cycle, suffers.last_cycle).astype(np.float32)
    burst.flags.writeable = False
    return burst


def noise_v_for(noise_ps: float, amplitude_v: float) -> float:
    """Noise at the amplifier's input that makes one dt of two bursts of ``amplitude_v`` scatter by ``noise_ps``.

    The bound of Cramer and Rao, var(dt) = 2 sigma^2 / sum(s'(t_n)^2), which correlation reaches (metering.md 2.3).
    Sigma holds what the converter adds, a twelfth of a squared count, at a good gain: 0.9 % of
    35 ps. Where that alone scatters more, the amplifier is free of noise.
    """
    beside_s = 1e-9  # The difference over 2 ns falls short of the slope by 7e-6.
    slopes = received_burst(_SAMPLES_S + beside_s, 20.0) - received_burst(_SAMPLES_S - beside_s, 20.0)
    slopes *= amplitude_v / (2.0 * beside_s)
    in_all_v2 = (noise_ps * 1e-12) ** 2 * float(slopes @ slopes) / 2.0
    converter_v2 = (amplitude_v / (NOMINAL_PEAK * FULL_SCALE_COUNTS)) ** 2 / 12.0
    return math.sqrt(max(0.0, in_all_v2 - converter_v2))
