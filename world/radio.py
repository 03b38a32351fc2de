"""What is on the air at an antenna port: emissions, their loss on the way, and thermal noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOISE_DBM_HZ = -173.975
"""Thermal noise of a matched source at 290 K: k T = 4.004e-21 W/Hz."""
_FALL = 2.0 * math.sqrt(math.log(2.0))
"""A Gaussian filter passes exp(-(fall x / b)^2) of the power at x beside its centre, half of it at x = b / 2."""
NOISE_BANDWIDTH = math.sqrt(math.pi) / _FALL
"""Noise bandwidth of a Gaussian filter over its 3 dB bandwidth: 1.0645."""
_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True, slots=True)
class Emission:
    """A transmission of even power over a rectangular spectrum; ``bandwidth_hz`` 0 is a bare carrier."""

    start_s: float
    """World time."""
    duration_s: float
    centre_hz: float
    bandwidth_hz: float
    power_dbm: float
    """At the transmitter's antenna port."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    def received_mw(self, frequencies_hz: NDArray[np.float64], resolution_bandwidth_hz: float) -> NDArray[np.float64]:
        """Power behind Gaussian filters of that 3 dB bandwidth at ``frequencies_hz``, without any loss on the way."""
        power_mw = 10.0 ** (self.power_dbm / 10.0)
        offset = _FALL * (frequencies_hz - self.centre_hz) / resolution_bandwidth_hz
        half_width = _FALL * 0.5 * self.bandwidth_hz / resolution_bandwidth_hz
        if half_width < 1e-6:
            return np.asarray(power_mw * np.exp(-(offset**2)), dtype=np.float64)
        passed = _erf(offset + half_width) - _erf(offset - half_width)
        return np.asarray(power_mw * math.sqrt(math.pi) / (4.0 * half_width) * passed, dtype=np.float64)


class Medium:
    """All emissions as one antenna port sees them."""

    def __init__(self, path_loss_db: float = 0.0) -> None:
        """``path_loss_db``: from every transmitter's antenna port to this one."""
        self.path_loss_db = path_loss_db
        self._emissions: list[Emission] = []

    def emit(self, emission: Emission) -> None:
        """Put it on the air; it may lie in the past or to come."""
        self._emissions.append(emission)

    def forget_before(self, at_s: float) -> None:
        """Drop what ended before ``at_s``."""
        self._emissions = [emission for emission in self._emissions if emission.end_s >= at_s]

    def level_dbm(
        self, frequencies_hz: NDArray[np.float64], resolution_bandwidth_hz: float, from_s: float, to_s: float
    ) -> NDArray[np.float64]:
        """Highest level between two world times in each filter, mean thermal noise included; one a frequency.

        Emissions that overlap in time add by power.
        """
        heard = [each for each in self._emissions if each.start_s < to_s and each.end_s > from_s]
        gain = 10.0 ** (-self.path_loss_db / 10.0)
        levels_mw = [gain * each.received_mw(frequencies_hz, resolution_bandwidth_hz) for each in heard]
        highest_mw = np.zeros_like(frequencies_hz, dtype=np.float64)
        # The set of emissions that are on the air changes at their beginnings only for the louder.
        for moment_s in {max(each.start_s, from_s) for each in heard}:
            at_once = [mw for mw, each in zip(levels_mw, heard, strict=True) if each.start_s <= moment_s < each.end_s]
            highest_mw = np.maximum(highest_mw, np.sum(at_once, axis=0))
        noise_mw = 10.0 ** (NOISE_DBM_HZ / 10.0) * NOISE_BANDWIDTH * resolution_bandwidth_hz
        return np.asarray(10.0 * np.log10(highest_mw + noise_mw), dtype=np.float64)

    def total_mw(self, from_s: float, to_s: float) -> float:
        """Highest power of all emissions together between two world times: what a receiver's input has to bear."""
        heard = [each for each in self._emissions if each.start_s < to_s and each.end_s > from_s]
        gain = 10.0 ** (-self.path_loss_db / 10.0)
        at_moments = [
            sum(10.0 ** (each.power_dbm / 10.0) for each in heard if each.start_s <= moment_s < each.end_s)
            for moment_s in {max(each.start_s, from_s) for each in heard}
        ]
        return float(gain * max(at_moments, default=0.0))
