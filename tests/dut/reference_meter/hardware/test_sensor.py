"""The sensor: noise, amplitude, mismatch, a late sequencer, and what air does to the shots."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, REFERENCE_TEMP_C, Flight
from meterbench.dut.reference_meter.hardware.sensor import (
    COMMON_LOSS,
    DELAY_MEAN_S,
    FAINTEST,
    LARGEST_BLOCK,
    LOWEST_FILL,
    PERIOD_S,
    SCATTERING_FRACTION,
    SCATTERING_SPREAD,
    SCATTERING_SPREAD_LIMIT,
    Sensor,
    draw_sensor,
)
from meterbench.dut.reference_meter.hardware.truth import SHOT_NOISE_PS, Truth
from meterbench.dut.reference_meter.metrology.measuring.transit import Echo, TransitTimes
from meterbench.world.segment import Segment

Array = NDArray[np.float64]

BLOCKS = 4
SHOTS = BLOCKS * LARGEST_BLOCK
SD_ERROR = 4 / (2 * SHOTS) ** 0.5
"""Four standard errors of a standard deviation, relative: 1.6 %."""
CLEAR = Segment(0.0, 1.0, 100.0, 20.0, 0.5)


def sensor(truth: Truth | None = None, dn: int = 15) -> Sensor:
    made = draw_sensor(dn, np.random.default_rng(1), np.random.default_rng(2))
    return replace(made, truth=truth or Truth())


def still(unit: Sensor, temp_c: float = 20.0) -> Flight:
    return unit.flight(0.0, temp_c, 0.5)


def clear_dt_ps(unit: Sensor) -> Array:
    """dt of many shots in still, clear water, less their mean without noise."""
    mean = still(unit)
    return np.concatenate([unit.shots(mean, LARGEST_BLOCK).dt_ps - mean.dt_ps for _ in range(BLOCKS)])


def through(segment: Segment, truth: Truth | None = None) -> tuple[Array, Array]:
    """Amplitudes of many bursts, up and dn."""
    return sensor(truth).relative_amplitudes(segment, SHOTS)


def share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean())


def four_errors(odds: float) -> float:
    """Four standard errors of a share of so many shots."""
    return 4.0 * math.sqrt(odds * (1.0 - odds) / SHOTS)


@pytest.mark.parametrize("noise_ps", [SHOT_NOISE_PS, 100.0])
def test_noise_of_a_pair(noise_ps: float) -> None:
    """A shot's dt scatters by the unit's noise about the mean, within four standard errors."""
    moved_ps = clear_dt_ps(sensor(Truth(noise_ps=noise_ps)))
    assert moved_ps.std() == pytest.approx(noise_ps, rel=SD_ERROR)
    assert moved_ps.mean() == pytest.approx(0.0, abs=4 * noise_ps / SHOTS**0.5)


@pytest.mark.parametrize("loss_percent", [25.0, 50.0, 90.0])
def test_lost_amplitude_is_noise(loss_percent: float) -> None:
    """Noise goes with one over the amplitude (metering.md 2.3), and the level says how much was lost."""
    unit = sensor(Truth(amplitude_loss_percent=loss_percent))
    left = 1.0 - loss_percent / 100.0
    assert clear_dt_ps(unit).std() == pytest.approx(SHOT_NOISE_PS / left, rel=SD_ERROR)
    assert unit.shots(still(unit), 8).level_db == pytest.approx(20.0 * math.log10(left))


@pytest.mark.parametrize(("up", "dn", "times"), [(1.0, 1.0, 1.0), (0.5, 0.5, 2.0), (0.5, 1.0, 2.5**0.5)])
def test_the_fainter_burst_makes_the_noise(up: float, dn: float, times: float) -> None:
    """Both bursts' noises add as squares, half of the variance each: (1/0.5^2 + 1)/2 = 2.5 where one is halved."""
    assert Truth().pair_noise_ps(up, dn) == pytest.approx(SHOT_NOISE_PS * times)


def test_a_mismatch_of_1_db() -> None:
    """It moves dt by 19.4 ps, within half of the last digit; the bursts' ratio is 1 dB, their product stays, the noise
    grows by the mean of 10^(+-1/20), 0.3 %."""
    good, mismatched = sensor(), sensor(Truth(mismatch_db=1.0))
    assert still(mismatched).dt_ps - still(good).dt_ps == pytest.approx(19.4, abs=0.05)
    up, dn = Truth(mismatch_db=1.0).amplitudes
    assert 20.0 * math.log10(up / dn) == pytest.approx(1.0)
    assert up * dn == pytest.approx(1.0)
    assert mismatched.level_db == pytest.approx(-0.5)
    assert mismatched.truth.pair_noise_ps() == pytest.approx(SHOT_NOISE_PS * 1.0033, rel=1e-4)


@pytest.mark.parametrize("temp_c", [0.1, 20.0, 50.0])
def test_the_residual_of_a_unit(temp_c: float) -> None:
    """What is wrong with a unit moves dt, half of it on each of the times: a constant, and a slope about 20 degC."""
    good, bad = still(sensor(), temp_c), still(sensor(Truth(zero_offset_ps=25.0, zero_slope_ps_k=0.8)), temp_c)
    wrong_ps = 25.0 + 0.8 * (temp_c - REFERENCE_TEMP_C)
    assert bad.dt_ps - good.dt_ps == pytest.approx(wrong_ps, abs=1e-9)
    assert (bad.t_up_s - good.t_up_s) * 1e12 == pytest.approx(wrong_ps / 2, abs=1e-4)
    assert (bad.t_dn_s - good.t_dn_s) * 1e12 == pytest.approx(-wrong_ps / 2, abs=1e-4)


def test_a_gain_is_of_the_velocity() -> None:
    """1 % of gain moves the flow's own part of dt by 1 %, and nothing in still water."""
    good, high = sensor(), sensor(Truth(gain_percent=1.0))
    assert still(high).dt_ps == still(good).dt_ps
    moved = [unit.flight(100.0, 20.0, 0.5).dt_ps - still(unit).dt_ps for unit in (good, high)]
    assert moved[1] / moved[0] == pytest.approx(1.01, rel=1e-6)


@pytest.mark.parametrize(("up", "dn"), [(1, 0), (0, 1), (2, 2), (3, 1)])
def test_a_late_sequencer(up: int, dn: int) -> None:
    """t_up + t_dn moves by all periods that either is late, dt by those of up less those of dn; re-armed it is gone."""
    unit = sensor()
    before = unit.flight(100.0, 20.0, 0.5)
    unit.sequencer.late_up_periods, unit.sequencer.late_dn_periods = up, dn
    late = unit.flight(100.0, 20.0, 0.5)
    together_s = late.t_up_s + late.t_dn_s - before.t_up_s - before.t_dn_s
    assert together_s == pytest.approx((up + dn) * PERIOD_S, abs=1e-17)
    assert late.dt_ps - before.dt_ps == pytest.approx((up - dn) * 1e6, abs=1e-6)
    unit.sequencer.rearm()
    assert unit.flight(100.0, 20.0, 0.5) == before


def test_units_differ_as_stated() -> None:
    """Over 300 units throat, path, delay and expansion have their spreads about the drawing, within four standard
    errors (16 %)."""
    rng = np.random.default_rng(7)
    units = [draw_sensor(20, rng, rng) for _ in range(300)]
    made = GEOMETRIES[20]
    drawn = np.array(
        [
            (
                unit.geometry.throat_m / made.throat_m - 1.0,
                unit.geometry.axial_m / made.axial_m - 1.0,
                unit.delay_s / DELAY_MEAN_S - 1.0,
                unit.expansion_per_k / 30e-6 - 1.0,
            )
            for unit in units
        ]
    )
    spreads = np.array([1e-3, 5e-4, 0.05, 0.05])
    assert drawn.std(axis=0) == pytest.approx(spreads, rel=4 / 600**0.5)
    assert (np.abs(drawn.mean(axis=0)) < 4 * spreads / 300**0.5).all()
    assert {unit.truth for unit in units} == {Truth()}


def test_a_full_pipe_without_bubbles_loses_nothing() -> None:
    """Every burst comes through at full amplitude, and every shot is good."""
    unit = sensor()
    up, dn = unit.relative_amplitudes(CLEAR, 1000)
    assert (up == 1.0).all()
    assert (dn == 1.0).all()
    times = unit.shots_through_air(still(unit), CLEAR, 1000)
    assert times.echoes is not None
    assert (times.echoes == Echo.GOOD).all()


@pytest.mark.parametrize("bubbles", [0.0002, 0.001])
def test_few_bubbles_lose_few_bursts(bubbles: float) -> None:
    """Where little is lost a burst comes through with a chance of exp(-bubbles/0.02), within four standard errors and
    the square of what is lost."""
    odds = math.exp(-bubbles / SCATTERING_FRACTION)
    for amplitudes in through(replace(CLEAR, bubbles=bubbles)):
        assert share(amplitudes > 0.0) == pytest.approx(odds, abs=four_errors(odds) + (1.0 - odds) ** 2)


def test_a_burst_comes_through_scattering_bubbles() -> None:
    """With 2 % of visible air a burst comes through with a chance of 1/e, within four standard errors."""
    for amplitudes in through(replace(CLEAR, bubbles=SCATTERING_FRACTION)):
        assert share(amplitudes > 0.0) == pytest.approx(math.exp(-1.0), abs=four_errors(math.exp(-1.0)))


@pytest.mark.parametrize("bubbles", [0.001, 0.002])
def test_most_losses_hit_both_directions(bubbles: float) -> None:
    """Of a direction's losses four in five hit the other as well, within four standard errors and the small chance
    that both are lost each for itself."""
    up, dn = through(replace(CLEAR, bubbles=bubbles))
    lost_up, lost_dn = up == 0.0, dn == 0.0
    error = 4.0 * math.sqrt(COMMON_LOSS * (1.0 - COMMON_LOSS) / lost_up.sum())
    assert share(lost_dn[lost_up]) == pytest.approx(COMMON_LOSS, abs=error + 0.2 * share(lost_up))


@pytest.mark.parametrize(("bubbles", "sd"), [(0.01, 0.1), (0.04, 0.4), (0.05, 0.5), (0.1, 0.5)])
def test_bubbles_scatter(bubbles: float, sd: float) -> None:
    """ln(amplitude) of what comes through scatters by 10 times the part of air, 0.5 at the most: that is common to both
    directions; a fifth as much is a direction's own. Of 10 % of air one pair of bursts in 4 500 comes through."""
    assert min(SCATTERING_SPREAD * bubbles, SCATTERING_SPREAD_LIMIT) == pytest.approx(sd)
    up, dn = sensor().relative_amplitudes(replace(CLEAR, bubbles=bubbles), 64 * SHOTS)
    both = (up > 0.0) & (dn > 0.0)
    ln_up, ln_dn = np.log(up[both]), np.log(dn[both])
    error = 4 / (2 * both.sum()) ** 0.5
    assert np.std(ln_up) == pytest.approx(sd * math.hypot(1.0, 0.2), rel=error)
    assert np.std(ln_up - ln_dn) == pytest.approx(sd * 0.2 * 2**0.5, rel=error)


def test_fuller_pipes_lose_less() -> None:
    """The chance of a burst falls from 1 in a full pipe with every tenth of it that empties."""
    shares = [share(through(replace(CLEAR, fill=fill))[0] > 0.0) for fill in (1.0, 0.9, 0.8, 0.7, 0.6)]
    assert shares[0] == 1.0
    assert all(fuller > emptier for fuller, emptier in pairwise(shares))


@pytest.mark.requirement("ADR-040")
@pytest.mark.parametrize("fill", [LOWEST_FILL, LOWEST_FILL + 0.01])
def test_transducers_in_air_hear_nothing(fill: float) -> None:
    """At half a pipe both transducers are in air: no burst comes through; just above, next to none (1 %)."""
    up, dn = through(replace(CLEAR, fill=fill))
    assert share(up > 0.0) <= 0.01
    assert share(dn > 0.0) <= 0.01


@pytest.mark.requirement("ADR-013")
def test_echoes_and_times_agree() -> None:
    """Among bubbles a shot is GOOD with both bursts, UNSURE with one, NONE with none, and has times only if GOOD. The
    shares are those of the bursts, within four standard errors of each."""
    unit, segment = sensor(), replace(CLEAR, bubbles=0.01)
    times: TransitTimes = unit.shots_through_air(still(unit), segment, SHOTS)
    up, dn = through(segment)
    heard = (up > FAINTEST).astype(int) + (dn > FAINTEST).astype(int)
    assert times.echoes is not None
    for echo in Echo:
        odds = share(heard == echo)
        assert 0.0 < odds < 1.0
        assert share(times.echoes == echo) == pytest.approx(odds, abs=1.5 * four_errors(odds))
    for told in (times.dt_ps, times.t_up_s, times.t_dn_s):
        assert isinstance(told, np.ndarray)
        assert (np.isnan(told) == (times.echoes != Echo.GOOD)).all()


def test_fainter_shots_are_noisier() -> None:
    """Shots through bubbles scatter by the root mean square of the noise of their amplitudes, which is more than in
    clear water: E[1/a^2] = exp(2 sd^2) of a lognormal, sd 0.306, 1.098 in noise, within four standard errors (the tail
    of the lognormal doubles them)."""
    unit, segment = sensor(), replace(CLEAR, bubbles=0.03)
    mean = still(unit)
    times = unit.shots_through_air(mean, segment, SHOTS)
    moved_ps = times.dt_ps - mean.dt_ps
    good = moved_ps[~np.isnan(moved_ps)]
    sd = SCATTERING_SPREAD * 0.03 * math.hypot(1.0, 0.2)
    assert good.std() == pytest.approx(SHOT_NOISE_PS * math.exp(sd**2), rel=2 * 4 / (2 * len(good)) ** 0.5)


def test_a_unit_that_is_too_faint_is_not_heard() -> None:
    """Below a twentieth of a good unit's amplitude no echo is found, through clear water either."""
    unit = sensor(Truth(amplitude_loss_percent=97.0))
    times = unit.shots_through_air(still(unit), CLEAR, 100)
    assert times.echoes is not None
    assert (times.echoes == Echo.NONE).all()


def test_part_filled_water_flows_the_faster() -> None:
    """What flows in 0.8 of the cross-section flows 1.25 times as fast: its times are those of so much flow."""
    unit = sensor()
    part = unit.flight_through_air(replace(CLEAR, fill=0.8), 0.0)
    assert part.dt_ps == pytest.approx(unit.flight(125.0, 20.0, 0.5).dt_ps, rel=1e-9)


def test_micro_bubbles_slow_sound() -> None:
    """1e-6 of micro-bubbles at 0.4 MPa take c from 1482.9 to 1478.8 m/s (Wood, metering.md 1.6): the times grow by
    0.27 %, within 0.01 %, and no shot is lost."""
    unit = sensor()
    segment = replace(CLEAR, flow_l_h=0.0, pressure_mpa=0.4, microbubbles=1e-6)
    slow, clear = unit.flight_through_air(segment, 0.0), unit.flight(0.0, 20.0, 0.4)
    path = 1.0 - unit.delay_s / float(clear.t_up_s)
    assert slow.t_up_s / clear.t_up_s - 1.0 == pytest.approx(0.0027 * path, abs=1e-4)
    assert (unit.relative_amplitudes(segment, 100)[0] == 1.0).all()


def test_shots_of_several_flows_come_in_their_order() -> None:
    """One record holds the shots of each flow in turn, each with the absolute times of its own; those of water that
    does not change share one number."""
    unit = sensor(Truth(noise_ps=1e-6))
    many = unit.flight(np.array([10.0, 1000.0]), np.array([20.0, 30.0]), np.array([0.5, 0.5]))
    times = unit.shots_of_many(many, np.array([3, 1]))
    slow, quick = unit.flight(10.0, 20.0, 0.5), unit.flight(1000.0, 30.0, 0.5)
    assert times.dt_ps == pytest.approx([slow.dt_ps] * 3 + [quick.dt_ps], abs=1e-4)
    assert times.t_up_s == pytest.approx([slow.t_up_s] * 3 + [quick.t_up_s], rel=1e-14)
    assert times.t_dn_s == pytest.approx([slow.t_dn_s] * 3 + [quick.t_dn_s], rel=1e-14)
    assert times.echoes is None
    alone = unit.shots(slow, 3)
    assert (alone.t_up_s, alone.t_dn_s, alone.echoes) == (slow.t_up_s, slow.t_dn_s, None)


def test_noise_of_changing_water() -> None:
    """Shots of many flows scatter as those of one do, within four standard errors."""
    unit = sensor()
    flows_l_h = np.linspace(-100.0, 100.0, 64)
    many = unit.flight(flows_l_h, np.full(64, 20.0), np.full(64, 0.5))
    cycles = np.full(64, LARGEST_BLOCK // 64)
    moved_ps = unit.shots_of_many(many, cycles).dt_ps - np.repeat(many.dt_ps, cycles)
    assert moved_ps.std() == pytest.approx(SHOT_NOISE_PS, rel=4 / (2 * LARGEST_BLOCK) ** 0.5)


@pytest.mark.parametrize(("temp_c", "db_m"), [(0.0, 0.494), (10.0, 0.311), (20.0, 0.220), (50.0, 0.105)])
def test_water_takes_a_little_of_the_sound(temp_c: float, db_m: float) -> None:
    """On 84 mm, by the absorption of metering.md 1.5 against that of 20 degC: within 0.0001 dB/m's worth."""
    passed_db = 20.0 * math.log10(sensor().transmission(temp_c))
    assert passed_db == pytest.approx(-(db_m - 0.220) * 0.084, abs=2e-3 * 0.084)
