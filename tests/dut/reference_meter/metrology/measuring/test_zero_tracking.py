"""Zero tracking: only while zero flow is certain, only after long, and only a little."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.measuring.measurement import Measurement
from meterbench.dut.reference_meter.metrology.measuring.transit import TransitTimes
from meterbench.dut.reference_meter.metrology.measuring.zero_tracking import (
    AVERAGED_SHOTS,
    LARGEST_CORRECTION_PS,
    SETTLING_SHOTS,
    ZeroTracker,
)
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.world.water import sound_speed_m_s

PLAIN = Calibration(10.5e-3, 60e-3, 24e-3)
STILL_S = float(flight(GEOMETRIES[15], 0.0, sound_speed_m_s(20.0, 0.5)).t_up_s)
ALL_SHOTS = SETTLING_SHOTS + AVERAGED_SHOTS
SHOTS_SD_PS = 35.0
STANDARD_ERROR_PS = SHOTS_SD_PS / AVERAGED_SHOTS**0.5


def firmware() -> Measurement:
    """A sealed meter that has started."""
    meter = Measurement(Parameters(PLAIN), 3125.0, 100_000)
    meter.calibrate(PLAIN, "test")
    meter.seal("test")
    start(meter)
    return meter


def start(meter: Measurement) -> None:
    """Still water until the meter is clear: the first shot waits for a second."""
    for shots in (1, 1, 32):
        meter.measure(TransitTimes(np.zeros(shots), STILL_S, STILL_S))
        meter.rearmed()
    assert meter.clear


def still_water(meter: Measurement, shots: int, mean_ps: float, sd_ps: float = SHOTS_SD_PS, seed: int = 1) -> None:
    """Shots in still water with this dt left over, in blocks of two minutes at most."""
    rng = np.random.default_rng(seed)
    while shots > 0:
        block = min(shots, 960)
        meter.measure(TransitTimes(rng.normal(mean_ps, sd_ps, block), STILL_S, STILL_S))
        shots -= block


def test_learns_after_a_minute_and_4096_shots() -> None:
    """Nothing is learnt until the last of 480 + 4096 shots, and the first minute, in which the water still moves, does
    not count."""
    tracker = ZeroTracker()
    tracker.see(SETTLING_SHOTS, 1000.0, SHOTS_SD_PS)
    tracker.see(AVERAGED_SHOTS - 1, 5.0, SHOTS_SD_PS)
    assert tracker.correction_ps == 0.0
    tracker.see(1, 5.0, SHOTS_SD_PS)
    assert tracker.correction_ps == pytest.approx(5.0, rel=1e-12)


def test_goes_on_learning_without_settling_again() -> None:
    """While the valve stays closed each further 4096 shots give a new mean."""
    tracker = ZeroTracker()
    tracker.see(ALL_SHOTS, 5.0, SHOTS_SD_PS)
    tracker.see(AVERAGED_SHOTS - 1, -2.0, SHOTS_SD_PS)
    assert tracker.correction_ps == pytest.approx(5.0)
    tracker.see(1, -2.0, SHOTS_SD_PS)
    assert tracker.correction_ps == pytest.approx(-2.0)


@given(
    st.lists(st.tuples(st.integers(1, 6000), st.floats(-30.0, 30.0), st.floats(0.0, 500.0)), min_size=1, max_size=12)
)
def test_never_more_than_eight_picoseconds(blocks: list[tuple[int, float, float]]) -> None:
    """Whatever is seen, the correction stays within 8 ps, and within the means that were seen."""
    tracker = ZeroTracker()
    seen = [0.0]
    for shots, mean_ps, sd_ps in blocks:
        tracker.see(shots, mean_ps, sd_ps)
        seen.append(mean_ps)
        assert abs(tracker.correction_ps) <= LARGEST_CORRECTION_PS
        assert min(seen) - 1e-9 <= tracker.correction_ps <= max(seen) + 1e-9


@pytest.mark.parametrize("mean_ps", [8.5, -8.5, 50.0])
def test_too_much_is_no_drift(mean_ps: float) -> None:
    """A mean beyond 8 ps changes nothing, and is told; the next good one takes that back."""
    tracker = ZeroTracker()
    assert math.isnan(tracker.refused_ps)
    tracker.see(ALL_SHOTS, 3.0, SHOTS_SD_PS)
    tracker.see(AVERAGED_SHOTS, mean_ps, SHOTS_SD_PS)
    assert tracker.correction_ps == pytest.approx(3.0)
    assert tracker.refused_ps == pytest.approx(mean_ps)
    tracker.see(AVERAGED_SHOTS, 4.0, SHOTS_SD_PS)
    assert tracker.correction_ps == pytest.approx(4.0)
    assert math.isnan(tracker.refused_ps)


@pytest.mark.parametrize(("sd_ps", "used"), [(100.0, True), (125.0, True), (131.0, False), (500.0, False)])
def test_a_noisy_mean_is_not_used(sd_ps: float, used: bool) -> None:
    """Up to a standard error of 2 ps, 128 ps a shot, the mean is used; above not. The scatter between blocks counts."""
    tracker = ZeroTracker()
    tracker.see(ALL_SHOTS, 5.0, sd_ps)
    assert tracker.correction_ps == (pytest.approx(5.0) if used else 0.0)
    between = ZeroTracker()
    between.see(SETTLING_SHOTS, 0.0, 0.0)
    for half in (5.0 + sd_ps, 5.0 - sd_ps):
        between.see(AVERAGED_SHOTS // 2, half, 0.0)
    assert between.correction_ps == (pytest.approx(5.0) if used else 0.0)


def test_what_is_unfinished_is_thrown_away() -> None:
    """After the valve has opened, the minute and the 4096 shots begin again; what was found before stays."""
    tracker = ZeroTracker()
    tracker.see(ALL_SHOTS, 2.0, SHOTS_SD_PS)
    tracker.see(AVERAGED_SHOTS - 1, 7.0, SHOTS_SD_PS)
    tracker.stop()
    tracker.see(ALL_SHOTS - 1, -4.0, SHOTS_SD_PS)
    assert tracker.correction_ps == pytest.approx(2.0)
    tracker.see(1, -4.0, SHOTS_SD_PS)
    assert tracker.correction_ps == pytest.approx(-4.0)


@pytest.mark.parametrize("offset_ps", [0.0, 4.0, -6.0])
def test_a_meter_finds_its_offset(offset_ps: float) -> None:
    """With the valve closed the firmware's correction is the offset, within five standard errors of 4096 shots of 35 ps
    (0.55 ps each); the sealed calibration stays as it is."""
    meter = firmware()
    meter.valve_switch(closed=True)
    still_water(meter, ALL_SHOTS, offset_ps)
    assert meter.measured().zero_correction_ps == pytest.approx(offset_ps, abs=5 * STANDARD_ERROR_PS)
    assert meter.calibration == PLAIN


def test_the_offset_that_was_found_is_removed() -> None:
    """After tracking, 4 ps of offset no longer show in the flow: of 2 L/h, 350 ps, less than five standard errors of
    the zero are left. A second tracking finds the whole offset again, not what is left of it."""
    meter = firmware()
    meter.valve_switch(closed=True)
    still_water(meter, ALL_SHOTS, 4.0)
    still_water(meter, 2 * AVERAGED_SHOTS, 4.0, seed=2)
    assert meter.measured().zero_correction_ps == pytest.approx(4.0, abs=5 * STANDARD_ERROR_PS)
    meter.valve_switch(closed=False)
    meter.measure(TransitTimes(np.full(640, 354.0), STILL_S, STILL_S))
    per_l_h = float(flight(GEOMETRIES[15], 1.0, sound_speed_m_s(20.0, 0.5)).dt_ps)
    left_l_h = meter.measured().flow_l_h - 350.0 / per_l_h
    assert left_l_h == pytest.approx(0.0, abs=5 * STANDARD_ERROR_PS / per_l_h)


def test_an_open_valve_teaches_nothing() -> None:
    """Still water alone, however long, is no certain zero flow."""
    meter = firmware()
    still_water(meter, 3 * ALL_SHOTS, 4.0)
    assert meter.measured().zero_correction_ps == 0.0


def test_a_valve_that_leaks_is_no_offset() -> None:
    """0.5 L/h through a closed valve, 88 ps on DN15, is refused: the zero stays."""
    meter = firmware()
    meter.valve_switch(closed=True)
    leak_ps = float(flight(GEOMETRIES[15], 0.5, sound_speed_m_s(20.0, 0.5)).dt_ps)
    still_water(meter, 2 * ALL_SHOTS, leak_ps)
    assert meter.measured().zero_correction_ps == 0.0


def test_a_noisy_unit_does_not_learn() -> None:
    """200 ps a shot leave 3.1 ps of the mean, more than the 2 ps that are allowed (six standard errors of that sd)."""
    meter = firmware()
    meter.valve_switch(closed=True)
    still_water(meter, 2 * ALL_SHOTS, 4.0, sd_ps=200.0)
    assert meter.measured().zero_correction_ps == 0.0


@pytest.mark.parametrize("again", [False, True])
def test_opening_the_valve_throws_away_what_is_unfinished(again: bool) -> None:
    """A valve that opens one shot before the end has taught nothing, and closing it begins afresh."""
    meter = firmware()
    meter.valve_switch(closed=True)
    still_water(meter, ALL_SHOTS - 1, 4.0)
    meter.valve_switch(closed=False)
    if again:
        meter.valve_switch(closed=True)
    still_water(meter, ALL_SHOTS - 1, 4.0)
    assert meter.measured().zero_correction_ps == 0.0


def test_a_new_calibration_begins_without_correction() -> None:
    """What was found on top of one zero does not hold on top of another."""
    meter = Measurement(Parameters(PLAIN), 3125.0, 100_000)
    start(meter)
    meter.valve_switch(closed=True)
    still_water(meter, ALL_SHOTS, 5.0)
    assert meter.measured().zero_correction_ps != 0.0
    meter.calibrate(PLAIN, "test")
    assert meter.measured().zero_correction_ps == 0.0
    start(meter)
    still_water(meter, 960, 0.0)
    assert meter.measured().zero_correction_ps == 0.0
