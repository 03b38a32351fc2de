"""From captured bursts to transit times: matched filter, cross-correlation, and a judgement of every shot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.measuring.captures import (
    CAPTURE_SAMPLES,
    FULL_SCALE_COUNTS,
    SAMPLE_RATE_HZ,
    Captures,
)
from meterbench.dut.reference_meter.metrology.measuring.transit import Echo, TransitTimes

PERIOD_SAMPLES = 8
"""Of the 1 MHz that the firmware excites with."""
_SAMPLE_PS = 1e12 / SAMPLE_RATE_HZ
_REACH = 10
"""dt is sought within +-1.25 us, past what Q4 makes of it in any size (782 ns, metering.md 2.2)."""
_CUT_ENERGY = 1e-4
"""[design] Part of the reference burst's energy that is left out at each end."""
_LATEST = 96
"""[design] Last sample at which a burst may begin, 12 us: arrivals spread over 8.5 us at most (DN25), the window opens
2 us before, and 28 us remain for the burst and its ringing."""
_HEARD = 0.5
"""[design] Likeness to the reference burst from which there is a burst at all. Noise comes to 0.27 in 10 000 shots; a
burst whose peak is 2 dB above the rms noise comes to 0.5."""
_WHOLE = 0.995
"""[design] Likeness of a whole burst. Noise at 30 dB leaves 0.998; water of 50 degC against a reference of 20 degC
takes 1e-4 from it. A burst without the first or last two of its cycles comes to 0.991."""
_CLEAR = 0.995
"""[design] Likeness one period off over that at the maximum: 0.990 for a whole burst, but 1 for one that lacks a cycle
at either end. That fits the end as well as the beginning, and noise decides."""
_ROWS = 16
"""Products of so few rows stay on one thread."""


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceBurst:
    """The burst as the unit received it in still water when it was calibrated."""

    samples: Array
    """Shape (samples of the burst,), energy 1."""
    first_sample_s: float
    """When the first of them was taken, after the excitation."""
    arrival_s: float
    """When this burst arrived, as the calibration has it."""


def reference_burst(captures: Captures, arrival_s: float) -> ReferenceBurst:
    """Average both directions of captures in still water, and cut the burst out by its energy."""
    mean = (captures.up.mean(axis=0) + captures.dn.mean(axis=0)) / 2.0
    energy = np.cumsum(mean**2)
    energy /= energy[-1]
    first, end = np.searchsorted(energy, (_CUT_ENERGY, 1.0 - _CUT_ENERGY))
    burst = mean[first : end + 1]
    return ReferenceBurst(
        samples=burst / np.sqrt(burst @ burst),
        first_sample_s=captures.window_start_s + float(first) / SAMPLE_RATE_HZ,
        arrival_s=arrival_s,
    )


class Receiver:
    """The timing stage of one unit.

    A window that opens n periods late in one direction moves t_up + t_dn by n us; a single capture cannot show it. One
    period stays within the reach of dt: the shot is GOOD and dt wrong by 1 us, which only limits on dt and on jumps of
    t_up + t_dn tell. From two periods on dt disagrees with the absolute times: UNSURE. In both directions dt is right.
    """

    def __init__(self, reference: ReferenceBurst) -> None:
        self._delay_s = reference.arrival_s - reference.first_sample_s
        self._shifted = _shifted(reference.samples)

    def receive(self, captures: Captures) -> TransitTimes:
        """Times and judgement of each shot; whatever is not ``Echo.GOOD`` has NaN for its times."""
        counts = np.concatenate((captures.up, captures.dn)).astype(np.float64)
        begins, likeness, rival = self._match(counts)
        clipped = np.maximum(counts.max(axis=1), -counts.min(axis=1)) >= FULL_SCALE_COUNTS
        heard = (likeness >= _HEARD).reshape(2, -1)
        whole = ((likeness >= _WHOLE) & (rival <= _CLEAR) & ~clipped).reshape(2, -1)
        up, dn = counts.reshape(2, -1, CAPTURE_SAMPLES)
        t_up_s, t_dn_s = (begins / SAMPLE_RATE_HZ + (captures.window_start_s + self._delay_s)).reshape(2, -1)
        dt_ps = differential_time_ps(up, dn)
        agree = np.abs(dt_ps - (t_up_s - t_dn_s) * 1e12) <= _SAMPLE_PS * PERIOD_SAMPLES / 4
        good = whole[0] & whole[1] & agree
        echoes = np.zeros(len(good), dtype=np.int8)  # Echo.NONE
        echoes[heard[0] | heard[1]] = Echo.UNSURE
        echoes[good] = Echo.GOOD
        for times in (dt_ps, t_up_s, t_dn_s):
            times[~good] = np.nan
        return TransitTimes(dt_ps, t_up_s, t_dn_s, echoes)

    def _match(self, counts: Array) -> tuple[Array, Array, Array]:
        """Where in the window each burst begins (samples), its likeness to the reference burst (0 to 1), and how near
        a fit one period off comes to that."""
        matched = np.concatenate([counts[row : row + _ROWS] @ self._shifted for row in range(0, len(counts), _ROWS)])
        peak = matched[:, PERIOD_SAMPLES:-PERIOD_SAMPLES].argmax(axis=1) + PERIOD_SAMPLES
        beside = cosine_offset(matched, peak)
        earlier, top, later = _around(matched, peak, PERIOD_SAMPLES)
        # The maximum lies within half a sample, where the cosine is still 0.92: noise that is no cosine gains no more.
        height = top / np.cos(np.minimum(np.abs(beside), 0.5) * (2.0 * np.pi / PERIOD_SAMPLES))
        with np.errstate(invalid="ignore"):  # Counts that are all 0: like nothing, NaN.
            return (
                peak - PERIOD_SAMPLES + beside,
                height / np.sqrt(np.vecdot(counts, counts)),
                np.maximum(earlier, later) / top,
            )


def differential_time_ps(up: Array, dn: Array) -> Array:
    """t_up - t_dn of each shot from its captures alone, shape (shots, samples): the maximum of their cross-correlation.

    Sums of products of counts are whole numbers and therefore exact: swapping the captures negates dt to the last
    digit, and it does not depend on the shots beside.
    """
    samples = dn.shape[1]
    padded = np.zeros((len(up), samples + 2 * (_REACH + 1)))
    padded[:, _REACH + 1 : -_REACH - 1] = up
    shot_bytes, sample_bytes = padded.strides
    # A view of all lags at once: sliding_window_view's, without the time that its checks take.
    shifted = np.ndarray(
        (len(up), 2 * _REACH + 3, samples), padded.dtype, padded, 0, (shot_bytes, sample_bytes, sample_bytes)
    )
    correlation = np.vecdot(shifted, dn[:, np.newaxis])
    peak = correlation[:, 1:-1].argmax(axis=1) + 1
    dt_ps: Array = (peak - (_REACH + 1) + cosine_offset(correlation, peak)) * _SAMPLE_PS
    return dt_ps


def cosine_offset(correlation: Array, peak: NDArray[np.intp]) -> Array:
    """Samples from ``peak`` to the maximum of the cosine through it and its neighbours; NaN where there is none.

    The frequency too comes from the three values (metering.md 2.3): fixed at that of the drive, the correlation's
    rounded top would cost up to 16 ps between the samples, and the noise is the same.
    """
    before, at, after = _around(correlation, peak, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        step_rad = np.arccos((before + after) / (2.0 * at))
        offset: Array = np.arctan((after - before) / (2.0 * at * np.sin(step_rad))) / step_rad
    return offset


def _around(correlation: Array, peak: NDArray[np.intp], distance: int) -> tuple[Array, Array, Array]:
    """Each row's values a distance before its peak, there, and after it."""
    there = peak + np.arange(0, correlation.size, correlation.shape[1])
    return correlation.take(there - distance), correlation.take(there), correlation.take(there + distance)


def _shifted(burst: Array) -> Array:
    """The burst beginning at each sample of the window from a period before it to a period after ``_LATEST``.

    Shape (CAPTURE_SAMPLES, beginnings): a product with it is the matched filter, quicker than a Fourier transform.
    """
    begins = range(-PERIOD_SAMPLES, _LATEST + PERIOD_SAMPLES + 1)
    padded = np.zeros((len(begins), CAPTURE_SAMPLES + 2 * len(burst)))
    for row, begin in zip(padded, begins, strict=True):
        row[len(burst) + begin : 2 * len(burst) + begin] = burst
    return np.ascontiguousarray(padded[:, len(burst) : len(burst) + CAPTURE_SAMPLES].T)
