"""Amplifier, converter and clock; the noise that belongs to a scatter of dt is judged with the receiver's tests."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.burst import received_burst
from meterbench.dut.reference_meter.hardware.front_end import Arrivals, Disturbance, FrontEnd, noise_v_for
from meterbench.dut.reference_meter.metrology.measuring.captures import CAPTURE_SAMPLES, SAMPLE_RATE_HZ

WINDOW_S = 52e-6
SAMPLES_S = WINDOW_S + np.arange(CAPTURE_SAMPLES) / SAMPLE_RATE_HZ


def arrivals(shots: int, amplitude_v: float = 0.05, noise_v: float = 0.0) -> Arrivals:
    size_v = np.full(shots, amplitude_v)
    return Arrivals(56.9e-6, 56.8e-6, 20.0, size_v, 0.5 * size_v, noise_v)


def front_end(seed: int = 1) -> FrontEnd:
    return FrontEnd(WINDOW_S, np.random.Generator(np.random.SFC64(seed)))


@pytest.mark.parametrize("gain_db", [0.0, 6.5, 24.0])
def test_counts_are_the_amplified_burst_rounded(gain_db: float) -> None:
    """Without noise every count is the burst times the gain to within half a count (and 0.001 for 24-bit sums)."""
    taken = front_end().capture(arrivals(2), gain_db)
    counts_per_v = 2047 * 10 ** (gain_db / 20)
    assert taken.up[1] == pytest.approx(0.05 * counts_per_v * received_burst(SAMPLES_S - 56.9e-6, 20.0), abs=0.501)
    assert taken.dn[1] == pytest.approx(0.025 * counts_per_v * received_burst(SAMPLES_S - 56.8e-6, 20.0), abs=0.501)
    assert (taken.gain_db, taken.window_start_s) == (gain_db, WINDOW_S)


def test_noise_is_white_and_grows_with_the_gain() -> None:
    """65 uV at 30 dB are 4.21 counts: found within 1 % over 128 000 samples, neighbours correlated less than 0.01."""
    taken = front_end().capture(arrivals(200, 0.0, 65e-6), 30.0)
    noise = np.concatenate((taken.up, taken.dn)).astype(float)
    assert noise.std() == pytest.approx(np.hypot(65e-6 * 10**1.5 * 2047, 12**-0.5), rel=0.01)
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.01 * noise.var()


def test_loud_bursts_are_clipped() -> None:
    """Three times too much gain: both ends of the scale are reached, and nothing goes beyond."""
    taken = front_end().capture(arrivals(3, 0.15), 27.0)
    assert (taken.up.max(), taken.up.min()) == (2047, -2047)


def test_each_shot_has_its_own_amplitude() -> None:
    """Amplitudes 0, 1 and 2 in either direction: nothing, and twice as much within two counts."""
    size_v = np.array([0.0, 0.01, 0.02])
    taken = front_end().capture(Arrivals(56.9e-6, 56.8e-6, 20.0, size_v, size_v[::-1], 0.0), 20.0)
    assert not taken.up[0].any()
    assert not taken.dn[2].any()
    assert taken.up[2] == pytest.approx(2.0 * taken.up[1], abs=2.0)


def test_shots_do_not_depend_on_how_they_are_gathered() -> None:
    """Twelve shots at once are the same counts as five and then seven."""
    whole = front_end(5).capture(arrivals(12, noise_v=1e-4), 24.0)
    halves = front_end(5)
    pieces = [halves.capture(arrivals(count, noise_v=1e-4), 24.0) for count in (5, 7)]
    assert (whole.up == np.concatenate([piece.up for piece in pieces])).all()
    assert (whole.dn == np.concatenate([piece.dn for piece in pieces])).all()


def test_a_late_window_shows_the_burst_early() -> None:
    """Two periods late: the counts of 16 samples on; the other direction is as it was."""
    sound = front_end().capture(arrivals(1), 24.0)
    late = front_end().capture(arrivals(1), 24.0, up=Disturbance(late_periods=2))
    assert (late.up[:, :-16] == sound.up[:, 16:]).all()
    assert (late.dn == sound.dn).all()


def test_a_disturbed_burst_lacks_its_beginning_or_its_end() -> None:
    """Without its first two cycles nothing comes for 2 us; broken off at the tenth it decays to 3 % in 9 us."""
    taken = front_end().capture(arrivals(1), 24.0, up=Disturbance(first_cycle=2), dn=Disturbance(last_cycle=10))
    assert not taken.up[0, SAMPLES_S <= 58.9e-6].any()
    assert abs(taken.up).max() > 1600
    assert abs(taken.dn[0, SAMPLES_S > 75.8e-6]).max() < 0.03 * abs(taken.dn).max()


@pytest.mark.parametrize("gain_db", [-0.5, 40.5, 24.3])
def test_a_gain_the_amplifier_does_not_have_is_refused(gain_db: float) -> None:
    """Outside 0 to 40 dB, or between its steps."""
    with pytest.raises(ValueError, match="gain"):
        front_end().capture(arrivals(1), gain_db)


def test_noise_for_a_scatter() -> None:
    """In proportion to the amplitude; 35 ps are 57.8 dB below it, as metering.md 2.3 has 27 ps at 60 dB (0.2 dB); what
    the converter alone exceeds leaves no noise to the amplifier."""
    assert noise_v_for(35.0, 0.035) == pytest.approx(0.7 * noise_v_for(35.0, 0.05))
    assert 20 * np.log10(noise_v_for(35.0, 1.0)) == pytest.approx(-60.0 + 20 * np.log10(35 / 27), abs=0.2)
    assert noise_v_for(3.0, 0.05) == noise_v_for(0.0, 0.05) == 0.0
