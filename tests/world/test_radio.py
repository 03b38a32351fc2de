"""The air at an antenna port."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.world.radio import NOISE_BANDWIDTH, Emission, Medium

FREQUENCIES_HZ = np.linspace(868.45e6, 869.45e6, 1001)
RBW_HZ = 10e3


def level(medium: Medium, from_s: float = 0.0, to_s: float = 10.0, rbw_hz: float = RBW_HZ) -> np.ndarray:
    return medium.level_dbm(FREQUENCIES_HZ, rbw_hz, from_s, to_s)


def power_dbm(levels_dbm: np.ndarray, rbw_hz: float = RBW_HZ) -> float:
    """Power over all frequencies."""
    step_hz = FREQUENCIES_HZ[1] - FREQUENCIES_HZ[0]
    return float(10.0 * np.log10(np.sum(10.0 ** (levels_dbm / 10.0)) * step_hz / (NOISE_BANDWIDTH * rbw_hz)))


def test_silence_is_thermal_noise() -> None:
    """-174 dBm/Hz: -133.7 dBm in the noise bandwidth of a filter of 10 kHz."""
    assert level(Medium()) == pytest.approx(np.full(1001, -173.975 + 40.0 + 0.27), abs=0.01)


@pytest.mark.parametrize("bandwidth_hz", [0.0, 1e3, 50e3, 125e3, 400e3])
@pytest.mark.parametrize("rbw_hz", [3e3, 10e3, 30e3])
def test_power_over_all_frequencies_is_what_was_sent_less_the_loss(bandwidth_hz: float, rbw_hz: float) -> None:
    """Whatever spectrum and filter."""
    medium = Medium(path_loss_db=30.0)
    medium.emit(Emission(0.0, 1.0, 868.95e6, bandwidth_hz, 14.0))
    assert power_dbm(level(medium, rbw_hz=rbw_hz), rbw_hz) == pytest.approx(-16.0, abs=0.01)


def test_a_carrier_shows_the_filter() -> None:
    """Its whole power at its frequency, half of it half a bandwidth beside."""
    medium = Medium()
    medium.emit(Emission(0.0, 1.0, 868.95e6, 0.0, -20.0))
    levels = level(medium)
    assert levels.max() == pytest.approx(-20.0, abs=1e-6)
    assert FREQUENCIES_HZ[levels.argmax()] == 868.95e6
    assert levels[505] == pytest.approx(-23.01, abs=0.01)  # 5 kHz beside


def test_a_wide_spectrum_is_even_and_ends() -> None:
    """125 kHz: 14 dBm - 10 lg(125 / 10.645) inside, half of it at the edge."""
    medium = Medium()
    medium.emit(Emission(0.0, 1.0, 868.95e6, 125e3, 14.0))
    levels = level(medium)
    assert levels[500] == pytest.approx(14.0 - 10.0 * np.log10(125.0 / 10.645), abs=0.01)
    assert levels[500 + 62] == pytest.approx(levels[500] - 2.8, abs=0.3)
    assert levels[500 + 100] < -60.0


def test_only_what_is_on_the_air_in_the_interval_is_seen() -> None:
    """Before, after, and for a moment of it (max hold)."""
    medium = Medium()
    medium.emit(Emission(5.0, 0.05, 868.95e6, 0.0, 0.0))
    assert level(medium, 0.0, 5.0).max() < -100.0
    assert level(medium, 5.05, 6.0).max() < -100.0
    assert level(medium, 5.04, 6.0).max() == pytest.approx(0.0, abs=1e-6)
    assert (medium.total_mw(0.0, 5.0), medium.total_mw(0.0, 6.0)) == (0.0, 1.0)


def test_emissions_at_once_add_and_one_after_the_other_do_not() -> None:
    """3 dB for two of the same power."""
    together, in_turn = Medium(), Medium()
    for start_s in (0.0, 1.0):
        together.emit(Emission(0.5 * start_s, 1.0, 868.95e6, 50e3, 0.0))
        in_turn.emit(Emission(start_s, 1.0, 868.95e6, 50e3, 0.0))
    assert level(together).max() - level(in_turn).max() == pytest.approx(3.01, abs=0.01)
    assert (together.total_mw(0.0, 9.0), in_turn.total_mw(0.0, 9.0)) == (2.0, 1.0)


def test_the_past_can_be_forgotten() -> None:
    """Years of telegrams need no memory."""
    medium = Medium()
    medium.emit(Emission(0.0, 1.0, 868.95e6, 0.0, 0.0))
    medium.emit(Emission(5.0, 1.0, 868.95e6, 0.0, -10.0))
    medium.forget_before(3.0)
    assert level(medium).max() == pytest.approx(-10.0, abs=1e-6)
