"""The firmware on shots that are good, lost, slipped, impossible: what reaches the registers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.measuring.flow import Environment
from meterbench.dut.reference_meter.metrology.measuring.measured import Measured
from meterbench.dut.reference_meter.metrology.measuring.measurement import Measurement
from meterbench.dut.reference_meter.metrology.measuring.transit import Echo, TransitTimes
from meterbench.dut.reference_meter.metrology.measuring.volume import NL_PER_L_H
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.dut.reference_meter.metrology.type_data import type_calibration
from meterbench.world.water import sound_speed_m_s

Array = NDArray[np.float64]

PLAIN = Calibration(10.5e-3, 60e-3, 24e-3)
"""No correction: 100 L/h of true times are 100 L/h, within 5e-6 (metering.md 2.1)."""
Q4_L_H = 3125.0
NONE, UNSURE, GOOD = int(Echo.NONE), int(Echo.UNSURE), int(Echo.GOOD)
BLOCK = 8
"""Shots between two looks of the firmware at what was captured through air."""
EXACT = 1e-5


def fresh(calibration: Calibration = PLAIN) -> Measurement:
    """A meter that has not fired a shot yet."""
    return Measurement(Parameters(calibration), Q4_L_H, 100_000)


def firmware(calibration: Calibration = PLAIN, temp_c: float = 20.0) -> Measurement:
    """A meter that has started in still water and is clear: a first shot, a second that agrees, four seconds of good
    ones."""
    meter = fresh(calibration)
    for shots in (1, 1, 32):
        take(meter, clear(0.0, shots, temp_c))
    assert meter.clear
    told = meter.measured()
    assert (told.forward_nl, told.reverse_nl, told.flow_l_h, told.lost_shots, told.suspected_slips) == (0, 0, 0.0, 0, 0)
    assert (told.refused_shots, told.measuring_cycles) == (1, 34)
    return meter


def take(meter: Measurement, times: TransitTimes) -> None:
    """As the sensor does: the capture is re-armed when the firmware asks for it."""
    meter.measure(times)
    if meter.wants_rearm:
        meter.rearmed()


def refused_since(meter: Measurement, before: Measured) -> int:
    return meter.measured().refused_shots - before.refused_shots


def fired_since(meter: Measurement, before: Measured) -> int:
    return meter.measured().measuring_cycles - before.measuring_cycles


def transit(flows_l_h: list[float] | Array, echoes: list[int] | None = None, temp_c: float = 20.0) -> TransitTimes:
    """True times of each shot; NaN where the echo is not good."""
    true = flight(GEOMETRIES[15], np.array(flows_l_h, dtype=float), sound_speed_m_s(temp_c, 0.5))
    told = np.full(len(flows_l_h), GOOD) if echoes is None else np.array(echoes)
    dt_ps, up_s, dn_s = (np.where(told == GOOD, t, math.nan) for t in (true.dt_ps, true.t_up_s, true.t_dn_s))
    return TransitTimes(dt_ps, up_s, dn_s, told.astype(np.int8))


def clear(flow_l_h: float, shots: int, temp_c: float = 20.0) -> TransitTimes:
    """Shots of a block in water that does not change: one number for the absolute times."""
    true = flight(GEOMETRIES[15], flow_l_h, sound_speed_m_s(temp_c, 0.5))
    return TransitTimes(np.full(shots, true.dt_ps), float(true.t_up_s), float(true.t_dn_s))


def lost(shots: int, echo: int = UNSURE) -> TransitTimes:
    return transit([0.0] * shots, [echo] * shots)


def cycles_of(registers: Measured, flow_l_h: float) -> float:
    """How many cycles of this flow the forward total holds."""
    return registers.forward_nl / (flow_l_h * NL_PER_L_H)


@pytest.mark.parametrize("temp_c", [0.1, 20.0, 50.0])
@pytest.mark.parametrize("flow_l_h", [10.0, 2500.0, 3125.0])
def test_clear_and_careful_ways_agree(flow_l_h: float, temp_c: float) -> None:
    """The same shots register the same whether their times come as one number or one by one: to 2 nL and 1e-9."""
    quick, careful = firmware(temp_c=temp_c), firmware(temp_c=temp_c)
    for _ in range(10):
        quick.measure(clear(flow_l_h, 100, temp_c))
        careful.measure(transit([flow_l_h] * 100, temp_c=temp_c))
    assert quick.measured().forward_nl == pytest.approx(careful.measured().forward_nl, abs=2, rel=1e-9)
    assert cycles_of(quick.measured(), flow_l_h) == pytest.approx(1000.0, rel=EXACT)
    assert quick.measured().water_temp_c == pytest.approx(temp_c, abs=0.2)


@pytest.mark.requirement("ADR-013")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("block", [1, 7, 40])
def test_lost_shots_are_bridged_for_two_seconds(sign: int, block: int) -> None:
    """After forty shots of 100 L/h sixteen of forty lost ones count as 100 L/h, the others nothing: 56 cycles. The flow
    of the last four seconds is that of the eight bridged shots among them."""
    meter = firmware()
    meter.measure(clear(sign * 100.0, 40))
    for first in range(0, 40, block):
        meter.measure(lost(min(block, 40 - first)))
    along, against = (meter.measured().forward_nl, meter.measured().reverse_nl)[::sign]
    assert along / (100.0 * NL_PER_L_H) == pytest.approx(56.0, rel=EXACT)
    assert against == 0
    assert meter.measured().lost_shots == 40
    assert meter.measured().disturbed
    assert meter.measured().flow_l_h == pytest.approx(sign * 25.0, rel=EXACT)
    meter.measure(lost(32))
    assert meter.measured().flow_l_h == 0.0


@pytest.mark.requirement("ADR-013")
def test_a_lost_shot_counts_as_the_last_good_one() -> None:
    """Not as the mean, nor as the one that follows: 10, 300, lost, lost, 50 L/h are 10 + 3 x 300 + 50."""
    meter = firmware()
    meter.measure(transit([10.0, 300.0, 0.0, 0.0, 50.0], [GOOD, GOOD, UNSURE, NONE, GOOD]))
    assert meter.measured().forward_nl == pytest.approx(960.0 * NL_PER_L_H, rel=EXACT)
    assert meter.measured().lost_shots == 2


@pytest.mark.requirement("ADR-013")
def test_too_few_good_shots_measure_nothing() -> None:
    """With one shot of three good, nothing is registered any more after the first four seconds."""
    meter = firmware()
    meter.measure(clear(100.0, 40))
    for _ in range(11):
        meter.measure(transit([100.0] * 3, [UNSURE, UNSURE, GOOD]))
    before = meter.measured()
    for _ in range(100):
        meter.measure(transit([100.0] * 3, [UNSURE, UNSURE, GOOD]))
    assert before.disturbed
    assert meter.measured().forward_nl == before.forward_nl


@pytest.mark.parametrize("slip", [1, -1, 2])
def test_slipped_shots_are_refused_and_bridged(slip: int) -> None:
    """Three shots of a block whose up burst slipped are refused, counted, and count as 100 L/h each; the firmware asks
    for re-arming, and is clear again four seconds after it."""
    meter = firmware()
    before = meter.measured()
    meter.measure(clear(100.0, 40))
    shots = transit([100.0] * 8)
    late_s = np.array([0.0] * 5 + [slip * 1e-6] * 3)
    shots = replace(shots, t_up_s=shots.t_up_s + late_s, dt_ps=shots.dt_ps + late_s * 1e12)
    meter.measure(shots)
    assert meter.wants_rearm
    assert meter.doubting
    assert not meter.clear
    meter.rearmed()
    assert not meter.wants_rearm
    meter.measure(clear(100.0, 32))
    assert meter.clear
    told = meter.measured()
    assert (refused_since(meter, before), fired_since(meter, before)) == (3, 80)
    assert (told.suspected_slips, told.lost_shots) == (1, 0)
    assert cycles_of(told, 100.0) == pytest.approx(80.0, rel=EXACT)
    assert told.reverse_nl == 0


def test_refused_shots_tell_no_temperature() -> None:
    """Water of 20 degC stays so, within the 0.02 K between two formulas for the speed of sound, when shots that are two
    periods early (30 degC), or far from any water, are refused."""
    meter = firmware()
    before = meter.measured()
    meter.measure(clear(100.0, 40))
    for wrong_s in (-1e-6, 30e-6):
        shots = transit([100.0] * 8)
        late_s = np.array([0.0, wrong_s] * 4)
        meter.measure(replace(shots, t_up_s=shots.t_up_s + late_s, t_dn_s=shots.t_dn_s + late_s))
        meter.rearmed()
        all_wrong = clear(100.0, 8)
        meter.measure(replace(all_wrong, t_up_s=all_wrong.t_up_s + wrong_s, t_dn_s=all_wrong.t_dn_s + wrong_s))
        meter.rearmed()
        assert refused_since(meter, before) > 0
        assert meter.measured().water_temp_c == pytest.approx(20.0, abs=0.02)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("careful", [False, True])
def test_an_impossible_flow_is_refused(sign: int, careful: bool) -> None:
    """A single shot of 1.26 Q4 is refused and bridged, one of 1.24 Q4 counts, in both directions and both ways."""
    for share, refused in ((1.24, 0), (1.26, 1)):
        meter = firmware()
        before = meter.measured()
        meter.measure(clear(sign * 100.0, 40))
        shot = clear(sign * share * Q4_L_H, 1)
        meter.measure(transit([sign * share * Q4_L_H]) if careful else shot)
        along = (meter.measured().forward_nl, meter.measured().reverse_nl)[::sign][0]
        last_l_h = 100.0 if refused else share * Q4_L_H
        assert refused_since(meter, before) == refused
        assert along == pytest.approx((4000.0 + last_l_h) * NL_PER_L_H, rel=EXACT)


@pytest.mark.parametrize("careful", [False, True])
def test_the_limit_is_of_the_corrected_flow(careful: bool) -> None:
    """With a correction of 1.05 it is the flow that counts which must stay below 1.25 Q4: what shows 1.2 Q4 without the
    correction is refused, 1.18 Q4 is not."""
    corrected = replace(PLAIN, factors=(1.05,))
    for share, refused in ((1.18, 0), (1.2, 8)):
        meter = firmware(corrected)
        before = meter.measured()
        meter.measure(clear(100.0, 40))
        meter.measure(transit([share * Q4_L_H] * 8) if careful else clear(share * Q4_L_H, 8))
        assert refused_since(meter, before) == refused


@pytest.mark.parametrize(
    ("loss_percent", "weak"), [(0.0, False), (24.0, False), (25.0, False), (26.0, True), (90.0, True)]
)
def test_a_weak_signal_is_flagged(loss_percent: float, weak: bool) -> None:
    """When more than a quarter of the amplitude is lost (tried at 24, 25 and 26 %), and not when it is back."""
    meter = firmware()
    level_db = 20.0 * math.log10(1.0 - loss_percent / 100.0)
    meter.measure(replace(clear(100.0, 8), level_db=level_db))
    assert meter.measured().weak_signal is weak
    meter.measure(clear(100.0, 8))
    assert not meter.measured().weak_signal


@pytest.mark.requirement("ADR-040")
@pytest.mark.requirement("ADR-014")
@pytest.mark.parametrize(("mode", "shots_per_s"), [(Mode.NORMAL, 2), (Mode.TEST, 8)])
def test_an_empty_pipe_is_looked_at_twice_a_second(mode: Mode, shots_per_s: int) -> None:
    """The pipe runs empty for 1000 s: eight shots until it is noticed, then two a second, in TEST eight. A shot at the
    edge of the time may or may not fall into it."""
    meter = firmware()
    meter.full_rate = mode is Mode.TEST
    before = meter.measured()
    meter.measure(clear(100.0, 80))
    meter.miss(8 + 8000)
    told = meter.measured()
    assert told.dry
    assert fired_since(meter, before) - 88 == pytest.approx(shots_per_s * 1000, abs=1)
    assert told.lost_shots == 8
    assert math.isnan(told.water_temp_c)


@pytest.mark.requirement("ADR-040")
@pytest.mark.requirement("ADR-014")
@pytest.mark.parametrize(("mode", "shots_per_s"), [(Mode.NORMAL, 2), (Mode.TEST, 8)])
def test_shots_into_a_dry_pipe(mode: Mode, shots_per_s: int) -> None:
    """Fired when due, one by one, as many go into a dry pipe as are counted for one that is known to be silent."""
    meter = firmware()
    meter.full_rate = mode is Mode.TEST
    before = meter.measured()
    meter.miss(8)
    cycles, fired = 1600, 0
    while cycles > 0:
        idle = min(meter.idle_cycles, cycles)
        meter.idle(idle)
        cycles -= idle
        if cycles:
            meter.measure(lost(1, NONE))
            fired += 1
            cycles -= 1
    assert fired == pytest.approx(shots_per_s * 200, abs=1)
    assert fired_since(meter, before) == 8 + fired
    assert meter.measured().lost_shots == 8


@pytest.mark.requirement("ADR-014")
def test_no_flow_is_no_empty_pipe() -> None:
    """Still water is measured eight times a second: none is skipped."""
    meter = firmware()
    before = meter.measured()
    meter.measure(clear(0.0, 800))
    assert meter.idle_cycles == 0
    assert fired_since(meter, before) == 800
    assert not meter.measured().dry


@pytest.mark.requirement("ADR-040")
@pytest.mark.parametrize("block", [1, 4, 8, 16])
def test_silent_shots_of_an_empty_pipe_are_not_lost(block: int) -> None:
    """Of 32 silent shots eight are lost before the pipe is known to be empty, however they come in blocks."""
    meter = firmware()
    meter.measure(clear(100.0, 40))
    for _ in range(32 // block):
        meter.measure(lost(block, NONE))
    assert meter.measured().dry
    assert meter.measured().lost_shots == 8


@pytest.mark.requirement("ADR-040")
def test_nothing_is_registered_of_an_empty_pipe() -> None:
    """From the eighth silent shot on nothing is registered: 40 cycles and 7 that were bridged. Of water that comes back
    the first shot is refused; the eighth that is believed ends DRY, from the sixteenth on they count, and nothing is
    caught up."""
    meter = firmware()
    meter.measure(clear(100.0, 40))
    meter.miss(800)
    assert cycles_of(meter.measured(), 100.0) == pytest.approx(47.0, rel=EXACT)
    assert meter.measured().flow_l_h == 0.0
    before = meter.measured()
    take(meter, transit([100.0]))
    assert refused_since(meter, before) == 1
    for shot in range(1, 41):
        take(meter, transit([100.0]))
        assert meter.measured().dry is (shot < 8)
    assert refused_since(meter, before) == 1
    assert cycles_of(meter.measured(), 100.0) == pytest.approx(47.0 + 25.0, rel=EXACT)
    assert meter.measured().water_temp_c == pytest.approx(20.0, abs=0.02)


@pytest.mark.requirement("ADR-040")
def test_other_water_comes_into_an_empty_pipe() -> None:
    """Water of 30 degC, two whole periods earlier than the 20 degC before the pipe ran empty, is believed from its
    second shot on, and no slip is suspected."""
    meter = firmware()
    before = meter.measured()
    meter.measure(clear(100.0, 40))
    meter.miss(80)
    take(meter, transit([100.0], temp_c=30.0))
    assert refused_since(meter, before) == 1
    take(meter, transit([100.0] * 8, temp_c=30.0))
    assert not meter.measured().dry
    assert refused_since(meter, before) == 1
    assert meter.measured().suspected_slips == 0
    assert meter.measured().water_temp_c == pytest.approx(30.0, abs=0.05)


# The first shot of all, and the first after an empty pipe.


@pytest.mark.parametrize("temp_c", [0.1, 20.0, 50.0])
def test_a_meter_starts_with_its_second_shot(temp_c: float) -> None:
    """The first is refused, tells no temperature and asks for a re-arm; the second agrees and is believed, and with it
    every further one: 39 of 40 cycles count. Four seconds after the first the meter is clear."""
    meter = fresh()
    assert meter.doubting
    meter.measure(transit([100.0], temp_c=temp_c))
    told = meter.measured()
    assert (told.refused_shots, told.forward_nl, told.flow_l_h) == (1, 0, 0.0)
    assert math.isnan(told.water_temp_c)
    assert meter.wants_rearm
    assert meter.doubting
    meter.rearmed()
    meter.measure(transit([100.0], temp_c=temp_c))
    assert not meter.wants_rearm
    assert not meter.doubting
    assert cycles_of(meter.measured(), 100.0) == pytest.approx(1.0, rel=EXACT)
    assert meter.measured().water_temp_c == pytest.approx(temp_c, abs=0.2)
    for shot in range(3, 41):
        assert meter.clear is (shot > 33)
        meter.measure(transit([100.0], temp_c=temp_c))
    told = meter.measured()
    assert (told.refused_shots, told.suspected_slips, told.lost_shots, told.measuring_cycles) == (1, 0, 0, 40)
    assert cycles_of(told, 100.0) == pytest.approx(39.0, rel=EXACT)


@pytest.mark.parametrize("block", [1, 8, 40])
@pytest.mark.parametrize("careful", [False, True])
def test_a_meter_that_is_not_rearmed_never_starts(block: int, careful: bool) -> None:
    """Each shot agrees with the first, but may have slipped with it: none is believed, nothing is registered."""
    meter = fresh()
    for _ in range(800 // block):
        meter.measure(transit([100.0] * block) if careful else clear(100.0, block))
        assert meter.wants_rearm
        assert meter.doubting
        assert not meter.clear
    told = meter.measured()
    assert (told.forward_nl, told.reverse_nl, told.flow_l_h, told.refused_shots) == (0, 0, 0.0, 800)
    assert math.isnan(told.water_temp_c)


def test_a_new_calibration_starts_afresh() -> None:
    """Times that were believed with another delay say nothing: again a first shot is refused."""
    meter = firmware()
    before = meter.measured()
    meter.calibrate(PLAIN, "test")
    assert meter.doubting
    take(meter, clear(0.0, 1))
    assert refused_since(meter, before) == 1
    take(meter, clear(0.0, 8))
    assert refused_since(meter, before) == 1
    assert not meter.doubting


@pytest.mark.parametrize("slip", [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, -1), (2, 0), (1, -1)])
@pytest.mark.parametrize("dn_mm", [15, 20, 25])
@pytest.mark.parametrize("slipped_shots", [1, 8])
@pytest.mark.parametrize("empty_before", [False, True])
def test_a_first_shot_that_slips_registers_nothing(
    slip: tuple[int, int], dn_mm: int, slipped_shots: int, empty_before: bool
) -> None:
    """In still water, alone or as the first block: on DN25 a slip of one direction is worth 1.3 Q4, which is no
    impossible flow. Two minutes later nothing is registered, the temperature is that of the water, and the meter is
    clear."""
    size = GEOMETRIES[dn_mm]
    still_s = float(flight(size, 0.0, sound_speed_m_s(20.0, 0.5)).t_up_s)
    q4_l_h = {15: 3125.0, 20: 5000.0, 25: 7875.0}[dn_mm]
    meter = Measurement(Parameters(Calibration(size.throat_m, size.axial_m, size.legs_m)), q4_l_h, 100_000)
    if empty_before:
        for shots in (1, 1, 80):
            take(meter, TransitTimes(np.zeros(shots), still_s, still_s))
        meter.miss(80)
        assert meter.measured().dry
    up, dn = slip
    for late, shots in ((1, slipped_shots), (0, 1), (0, 1), (0, 958)):
        up_s, dn_s = still_s + late * up * 1e-6, still_s + late * dn * 1e-6
        take(meter, TransitTimes(np.full(shots, late * (up - dn) * 1e6), up_s, dn_s))
        assert meter.measured().flow_l_h == 0.0
    told = meter.measured()
    assert (told.forward_nl, told.reverse_nl, told.suspected_slips) == (0, 0, 0)
    assert told.water_temp_c == pytest.approx(20.0, abs=0.02)
    assert meter.clear


def test_a_thermometer_tells_the_temperature() -> None:
    """With a PT1000 fitted the register shows its temperature."""
    meter = firmware()
    meter.environment = Environment(water_temp_c=21.5)
    meter.measure(clear(100.0, 8))
    meter.measure(transit([100.0] * 8, [GOOD, UNSURE] * 4))
    assert meter.measured().water_temp_c == 21.5


SHOT = st.tuples(st.sampled_from([GOOD, GOOD, GOOD, UNSURE, NONE]), st.integers(1, 12), st.floats(-3900.0, 3900.0))
COURSE = st.lists(SHOT, min_size=1, max_size=14)


def shots_of(course: list[tuple[int, int, float]]) -> tuple[list[int], list[float]]:
    echoes = [echo for echo, count, _ in course for _ in range(count)]
    return echoes, [flow for _, count, flow in course for _ in range(count)]


def ends_of_silence(echoes: list[int]) -> list[int]:
    """After which shots eight in a row were silent."""
    return [end for end in range(8, len(echoes) + 1) if echoes[end - 8 : end] == [NONE] * 8]


@pytest.mark.requirement("ADR-015")
@settings(deadline=None)
@given(COURSE, st.booleans())
def test_totals_never_fall_and_are_never_nan(course: list[tuple[int, int, float]], started: bool) -> None:
    """Whatever shots come, good, lost or silent, the totals are whole numbers that do not fall, the flow is a number,
    and the temperature is one unless the pipe is dry or nothing was believed yet."""
    meter = firmware() if started else fresh()
    before = meter.measured()
    believed = started
    for echo, count, flow_l_h in course:
        take(meter, transit([flow_l_h] * count, [echo] * count))
        believed |= echo == GOOD and not meter.doubting
        told = meter.measured()
        assert type(told.forward_nl) is type(told.reverse_nl) is int
        assert told.forward_nl >= before.forward_nl
        assert told.reverse_nl >= before.reverse_nl
        assert math.isfinite(told.flow_l_h)
        assert math.isnan(told.water_temp_c) == (told.dry or not believed)
        before = told


@pytest.mark.requirement("ADR-013")
@settings(deadline=None)
@given(COURSE, st.lists(st.integers(1, BLOCK), min_size=1, max_size=40), st.booleans())
def test_disturbed_shots_do_not_depend_on_the_blocks(
    course: list[tuple[int, int, float]], cuts: list[int], started: bool
) -> None:
    """Shots that come one by one, or in blocks of up to eight, register the same, to 2 nL, and show the same state.
    While the meter doubts they come one by one; a block ends with the shot that makes the pipe dry."""
    echoes, flows_l_h = shots_of(course)
    single, blocks = (firmware() if started else fresh() for _ in range(2))
    for echo, flow_l_h in zip(echoes, flows_l_h, strict=True):
        take(single, transit([flow_l_h], [echo]))
    first, turn = 0, 0
    while first < len(echoes):
        end = first + (1 if blocks.doubting else cuts[turn % len(cuts)])
        end = next((dry for dry in ends_of_silence(echoes) if first < dry < end), end)
        take(blocks, transit(flows_l_h[first:end], echoes[first:end]))
        first, turn = end, turn + 1
    one, many = single.measured(), blocks.measured()
    assert one.forward_nl == pytest.approx(many.forward_nl, abs=2, rel=1e-12)
    assert one.reverse_nl == pytest.approx(many.reverse_nl, abs=2, rel=1e-12)
    assert one.flow_l_h == pytest.approx(many.flow_l_h, abs=1e-9)
    for name in ("dry", "disturbed", "measuring_cycles", "lost_shots", "refused_shots"):
        assert getattr(one, name) == getattr(many, name), name
    assert single.clear == blocks.clear


@pytest.mark.requirement("ADR-040")
def test_a_block_may_reach_beyond_the_shot_that_makes_dry() -> None:
    """The first good shot after the eighth silent one is refused, in the same block as well."""
    single, blocks = firmware(), firmware()
    for echo in [NONE] * 8 + [GOOD]:
        take(single, transit([100.0], [echo]))
    take(blocks, lost(4, NONE))
    take(blocks, transit([100.0] * 5, [NONE] * 4 + [GOOD]))
    assert single.measured().refused_shots == 2
    assert blocks.measured().refused_shots == single.measured().refused_shots


@pytest.mark.requirement("ADR-013")
@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([GOOD, GOOD, UNSURE]), st.integers(1, 40)), min_size=1, max_size=10),
    st.lists(st.integers(1, 60), min_size=1, max_size=10),
    st.floats(-4000.0, 4000.0),
)
def test_lost_shots_do_not_depend_on_the_blocks(runs: list[tuple[int, int]], cuts: list[int], flow_l_h: float) -> None:
    """As long as there is water, blocks of any length register the same as one block of all, to 2 nL."""
    echoes = [echo for echo, count in runs for _ in range(count)]
    whole, cut = firmware(), firmware()
    whole.measure(transit([flow_l_h] * len(echoes), echoes))
    first, turn = 0, 0
    while first < len(echoes):
        end = min(first + cuts[turn % len(cuts)], len(echoes))
        part = echoes[first:end]
        all_good = set(part) == {GOOD}
        cut.measure(clear(flow_l_h, end - first) if all_good else transit([flow_l_h] * (end - first), part))
        first, turn = end, turn + 1
    one, many = whole.measured(), cut.measured()
    assert one.forward_nl == pytest.approx(many.forward_nl, abs=2, rel=1e-9)
    assert one.reverse_nl == pytest.approx(many.reverse_nl, abs=2, rel=1e-9)
    assert (one.disturbed, one.lost_shots, one.refused_shots) == (many.disturbed, many.lost_shots, many.refused_shots)


@pytest.mark.requirement("ADR-015")
@pytest.mark.parametrize("sign", [1, -1])
def test_directions_are_kept_apart(sign: int) -> None:
    """After a minute of 1000 L/h one way, a minute of 1.5 L/h the other way counts there, but for the four seconds in
    which the quick mean turns, and takes nothing off the first."""
    meter = firmware()
    meter.measure(clear(-sign * 1000.0, 480))
    meter.measure(clear(sign * 1.5, 480))
    along, against = (meter.measured().forward_nl, meter.measured().reverse_nl)[::sign]
    assert along == pytest.approx((480 - 16) * 1.5 * NL_PER_L_H, abs=16.5 * 1.5 * NL_PER_L_H)
    assert against == pytest.approx(480_000 * NL_PER_L_H, rel=EXACT)


def test_the_types_own_limits() -> None:
    """With the type's correction, which is not 1, Q4 and 1.2 Q4 are measured, not refused."""
    meter = firmware(type_calibration(15))
    before = meter.measured()
    for share in (1.0, 1.2, -1.2):
        meter.measure(clear(share * Q4_L_H, 40))
    assert refused_since(meter, before) == 0
