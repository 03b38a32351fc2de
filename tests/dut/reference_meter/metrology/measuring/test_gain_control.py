"""Gain control, and the amplitude that the firmware infers."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.front_end import Arrivals, FrontEnd
from meterbench.dut.reference_meter.metrology.measuring.captures import Captures
from meterbench.dut.reference_meter.metrology.measuring.gain_control import next_gain_db, received_level_db


def captures(amplitude_v: float, gain_db: float, dn_part: float = 1.0) -> Captures:
    """Eight shots of this amplitude with the noise of 58 dB below 50 mV."""
    up_v = np.full(8, amplitude_v)
    front_end = FrontEnd(52e-6, np.random.Generator(np.random.SFC64(1)))
    return front_end.capture(Arrivals(56.9e-6, 56.8e-6, 20.0, up_v, dn_part * up_v, 65e-6), gain_db)


def settled(amplitude_v: float, gain_db: float, blocks: int, dn_part: float = 1.0) -> float:
    """The gain after so many blocks."""
    for _ in range(blocks):
        gain_db = next_gain_db(captures(amplitude_v, gain_db, dn_part))
    return gain_db


@pytest.mark.parametrize("amplitude_v", [0.012, 0.03, 0.05, 0.1, 0.5])
@pytest.mark.parametrize("begin_db", [0.0, 24.0, 40.0])
@pytest.mark.parametrize("dn_part", [1.0, 0.7])
def test_peak_of_the_stronger_direction_ends_between_0_7_and_0_9(
    amplitude_v: float, begin_db: float, dn_part: float
) -> None:
    """From any gain, within 20 blocks, over a range of 32 dB; then it stays where it is."""
    gain_db = settled(amplitude_v, begin_db, 20, dn_part)
    assert 0.7 <= captures(amplitude_v, gain_db, dn_part).up.max() / 2047 <= 0.9
    assert settled(amplitude_v, gain_db, 1, dn_part) == gain_db


def test_a_clipped_burst_takes_the_gain_down_at_once() -> None:
    """One block at 40 dB with 50 mV, five times too loud: 6 dB down, in the weaker direction's favour or not."""
    assert next_gain_db(captures(0.05, 40.0)) == 34.0
    assert next_gain_db(captures(0.05, 40.0, dn_part=0.0)) == 34.0


def test_with_nothing_heard_the_gain_climbs_to_its_highest() -> None:
    """2 dB a block up to 40 dB, where noise alone keeps it."""
    assert settled(0.0, 24.0, 1) == 26.0
    assert settled(0.0, 24.0, 8) == 40.0
    assert settled(0.0, 24.0, 50) == 40.0


def test_silence_without_a_single_count_climbs_too() -> None:
    """At no gain the converter may show nothing but zeros."""
    still = np.zeros((8, 320), dtype=np.int16)
    assert next_gain_db(Captures(still, still, 52e-6, 0.0)) == 2.0
    assert received_level_db(Captures(still, still, 52e-6, 0.0)) == (-np.inf, -np.inf)


@pytest.mark.parametrize("loss_percent", [0, 10, 30, 60])
def test_a_loss_of_amplitude_is_seen_whatever_the_gain(loss_percent: float) -> None:
    """Since calibration at 24 dB, after gain control has made up for it: within 1 % of the amplitude."""
    before_db, _ = received_level_db(captures(0.05, 24.0))
    left = 1.0 - loss_percent / 100.0
    now_db, _ = received_level_db(captures(0.05 * left, settled(0.05 * left, 24.0, 20)))
    assert 10 ** ((now_db - before_db) / 20) == pytest.approx(left, abs=0.01)


def test_each_direction_has_its_level() -> None:
    """dn 30 % weaker than up: 3.1 dB within 0.1 dB."""
    up_db, dn_db = received_level_db(captures(0.05, 24.0, dn_part=0.7))
    assert up_db - dn_db == pytest.approx(3.1, abs=0.1)


def test_a_few_weak_shots_do_not_move_the_level() -> None:
    """Three of eight shots without a burst: the level is that of the others within 0.1 dB."""
    up_v = np.where(np.arange(8) < 3, 0.0, 0.05)
    front_end = FrontEnd(52e-6, np.random.Generator(np.random.SFC64(2)))
    weak = front_end.capture(Arrivals(56.9e-6, 56.8e-6, 20.0, up_v, up_v, 65e-6), 24.0)
    assert received_level_db(weak) == pytest.approx(received_level_db(captures(0.05, 24.0)), abs=0.1)
