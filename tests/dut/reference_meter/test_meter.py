"""The reference meter in the line: what it registers of what flowed."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meterbench.dut.meter import Meter
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.world.segment import InLine, Segment
from tests.dut.reference_meter.line import make

CYCLE_S = 0.125


def flow(
    meter: ReferenceMeter,
    *stretches: tuple[float, float],
    start_s: float = 0.0,
    temp_c: float = 20.0,
    fill: float = 1.0,
) -> float:
    """Let (L/h, s) flow one after the other; the time at the end."""
    for flow_l_h, duration_s in stretches:
        meter.advance(Segment(start_s, duration_s, flow_l_h, temp_c, 0.5, fill))
        start_s += duration_s
    return start_s


def error_percent(meter: ReferenceMeter, flow_l_h: float, duration_s: float, temp_c: float = 20.0) -> float:
    """Error over a flying measurement: the flow has settled for two minutes before."""
    begin_s = flow(meter, (flow_l_h, 120.0), temp_c=temp_c)
    before = meter.registers()
    flow(meter, (flow_l_h, duration_s), start_s=begin_s, temp_c=temp_c)
    after = meter.registers()
    indicated_l = after.forward_l - before.forward_l - (after.reverse_l - before.reverse_l)
    return 100.0 * (indicated_l / (flow_l_h * duration_s / 3600.0) - 1.0)


def test_it_is_a_meter_that_fits_the_line() -> None:
    """The reference meter is what the world clamps in, and what the bench tests."""
    meter = make()
    in_line: InLine = meter
    under_test: Meter = meter
    assert callable(in_line.advance)
    assert under_test.nameplate.serial == "10000001"


@pytest.mark.requirement("ADR-012")
@pytest.mark.parametrize("fidelity", [Fidelity.AUTO, Fidelity.TRANSIT, Fidelity.SEGMENT])
@pytest.mark.parametrize("dn", [15, 20, 25])
def test_below_the_threshold_nothing_is_registered(dn: int, fidelity: Fidelity) -> None:
    """0.9 L/h for six hours in 50 degC water registers exactly nothing, nor is it caught up by 1.1 L/h afterwards."""
    meter = make(dn, fidelity=fidelity)
    end_s = flow(meter, (0.9, 6 * 3600.0), temp_c=50.0)
    assert (meter.registers().forward_nl, meter.registers().reverse_nl, meter.registers().flow_l_h) == (0, 0, 0.0)
    flow(meter, (1.1, 6 * 3600.0), start_s=end_s, temp_c=50.0)
    assert meter.registers().forward_l == pytest.approx(6.6, rel=0.02)


@pytest.mark.requirement("ADR-012")
@pytest.mark.parametrize("dn", [15, 20, 25])
@pytest.mark.parametrize("sign", [1, -1])
def test_above_the_threshold_is_registered(dn: int, sign: int) -> None:
    """1.1 L/h for six hours from standstill is registered within the 5 % of class 2, in its own direction only."""
    meter = make(dn)
    flow(meter, (sign * 1.1, 6 * 3600.0))
    along_l, against_l = (meter.registers().forward_l, meter.registers().reverse_l)[::sign]
    assert along_l == pytest.approx(6.6, rel=0.05)
    assert against_l == 0.0


@pytest.mark.requirement("ADR-012")
def test_still_water_registers_nothing() -> None:
    """A day of still water, with all its noise, is no volume."""
    meter = make(25, fidelity=Fidelity.TRANSIT)
    flow(meter, (0.0, 86_400.0))
    assert (meter.registers().forward_nl, meter.registers().reverse_nl) == (0, 0)


def test_an_offset_unit_reads_as_much_too_high() -> None:
    """25 ps on DN15 at Q1 of R1600 and 20 degC are 25/273.7 = 9.13 %, within 1.5 % of that, the 0.2 % of a good
    calibration and four sd of the noise over five hours."""
    assert error_percent(make(truth=Truth(zero_offset_ps=25.0)), 1.5625, 5 * 3600.0) == pytest.approx(
        9.13, abs=0.14 + 0.2 + 0.12
    )


@pytest.mark.parametrize("gain_percent", [-2.0, 1.0])
def test_a_gain_shows_as_such(gain_percent: float) -> None:
    """At Q3 the unit reads high by its gain, within the 0.1 % of its calibration."""
    assert error_percent(make(truth=Truth(gain_percent=gain_percent)), 2500.0, 600.0) == pytest.approx(
        gain_percent, abs=0.12
    )


@pytest.mark.requirement("ADR-011")
@pytest.mark.parametrize("dn", [15, 20, 25])
@pytest.mark.parametrize("temp_c", [0.1, 50.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_good_unit_is_well_within_class(dn: int, temp_c: float, sign: int) -> None:
    """Q1 and Q2 read within 1 % at the edges of the temperature range (residual zero 1 ps, four sd of the noise), Q3
    and Q4 within 0.3 %, in both directions."""
    rated = make(dn).nameplate.rating
    for flow_l_h in (rated.q1_l_h, rated.q2_l_h, rated.q3_l_h, rated.q4_l_h):
        limit = 1.0 if flow_l_h <= rated.q2_l_h else 0.3
        assert abs(error_percent(make(dn), sign * flow_l_h, 7200.0, temp_c)) <= limit


def test_same_seed_same_totals() -> None:
    """The same seed and serial live through the same segments with identical registers; another serial does not."""
    stretches = [(1.5625, 600.0), (0.0, 60.0), (2500.0, 5000.0), (-40.0, 30.0)]
    first, second, other = make(), make(), make(serial="10000002")
    for meter in (first, second, other):
        flow(meter, *stretches)
    assert first.registers() == second.registers()
    assert first.registers() != other.registers()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.9, 1.2, 1.5625, 30.0, 2500.0, -5.0, -900.0]), min_size=1, max_size=4),
    st.lists(st.floats(0.01, 60.0), min_size=1, max_size=25),
)
@example(flows_l_h=[0.0, -900.0], cuts_s=[1.0, 1.0, 1.0])
@example(flows_l_h=[0.0, 2500.0], cuts_s=[1.0, 1.0, 1.0])
def test_registers_do_not_depend_on_the_segments(flows_l_h: list[float], cuts_s: list[float]) -> None:
    """However a course of flows is cut into segments, every cycle draws the same noise: equal within 3 nL a cut."""
    whole, pieces = make(fidelity=Fidelity.TRANSIT), make(fidelity=Fidelity.TRANSIT)
    length_s = math.fsum(cuts_s)
    for index, flow_l_h in enumerate(flows_l_h):
        flow(whole, (flow_l_h, length_s), start_s=index * length_s)
        edges = [index * length_s, *(index * length_s + np.cumsum(cuts_s)[:-1]), (index + 1) * length_s]
        for begin_s, end_s in pairwise(edges):
            flow(pieces, (flow_l_h, end_s - begin_s), start_s=begin_s)
    tolerance_nl = 3 * len(flows_l_h) * len(cuts_s)
    assert abs(whole.registers().forward_nl - pieces.registers().forward_nl) <= tolerance_nl
    assert abs(whole.registers().reverse_nl - pieces.registers().reverse_nl) <= tolerance_nl
    assert whole.registers().measuring_cycles == pieces.registers().measuring_cycles


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, 1.5625, 300.0, -1.5, -2500.0]), st.floats(0.05, 3000.0)), max_size=12)
)
def test_registers_never_fall(stretches: list[tuple[float, float]]) -> None:
    """Neither total falls, and no more than what flowed (and 1 %, and the noise) is registered."""
    meter, now_s = make(fidelity=Fidelity.SEGMENT), 0.0
    forward_l = 0.0
    for stretch in stretches:
        before = meter.registers()
        now_s = flow(meter, stretch, start_s=now_s)
        after = meter.registers()
        assert after.forward_nl >= before.forward_nl
        assert after.reverse_nl >= before.reverse_nl
        forward_l += max(stretch[0], 0.0) * stretch[1] / 3600.0
    cut_off_by_the_grid_l = len(stretches) * 2500.0 * CYCLE_S / 3600.0
    assert meter.registers().forward_l <= 1.01 * forward_l + cut_off_by_the_grid_l


def test_fidelity_is_chosen_by_length() -> None:
    """AUTO is TRANSIT to the nanolitre over half an hour, and SEGMENT over a day; those two draw different noise."""
    for duration_s, like, unlike in (
        (1800.0, Fidelity.TRANSIT, Fidelity.SEGMENT),
        (86_400.0, Fidelity.SEGMENT, Fidelity.TRANSIT),
    ):
        totals = {}
        for fidelity in (Fidelity.AUTO, Fidelity.TRANSIT, Fidelity.SEGMENT):
            meter = make(fidelity=fidelity)
            flow(meter, (100.0, duration_s))
            totals[fidelity] = meter.registers().forward_nl
        assert totals[Fidelity.AUTO] == totals[like] != totals[unlike]


@pytest.mark.requirement("ADR-014")
@pytest.mark.parametrize(
    ("filled", "mode", "per_s"),
    [(True, Mode.NORMAL, 8), (True, Mode.TEST, 8), (False, Mode.NORMAL, 2), (False, Mode.TEST, 8)],
)
def test_measuring_rate(filled: bool, mode: Mode, per_s: int) -> None:
    """Eight cycles a second with water and always in TEST, two without water, however the time is cut (OPEN-9).

    The first second of an empty pipe takes eight shots, until the meter has found out.
    """
    meter = make()
    if mode is Mode.TEST:
        meter.commands.enter_test()
    flow(meter, *[(0.0, 0.3)] * 1000, fill=1.0 if filled else 0.0)
    assert meter.registers().measuring_cycles == pytest.approx(300 * per_s, abs=1 if filled or per_s == 8 else 7)
    assert meter.registers().dry is not filled


@pytest.mark.requirement("ADR-040")
def test_an_empty_pipe_is_not_measured() -> None:
    """For a second the last flow is bridged, then nothing is registered while dry; when water is back, within three
    seconds."""
    meter = make()
    now_s = flow(meter, (500.0, 60.0))
    before = meter.registers()
    now_s = flow(meter, (500.0, 60.0), start_s=now_s, fill=0.0)
    dry = meter.registers()
    assert (dry.dry, dry.flow_l_h, math.isnan(dry.water_temp_c)) == (True, 0.0, True)
    assert dry.forward_l - before.forward_l == pytest.approx(7 * CYCLE_S * 500.0 / 3600.0, rel=0.01)
    flow(meter, (500.0, 60.0), start_s=now_s)
    assert not meter.registers().dry
    back_l = meter.registers().forward_l - dry.forward_l
    assert 57.0 * 500.0 / 3600.0 * 0.99 <= back_l <= 60.0 * 500.0 / 3600.0 * 1.01


@pytest.mark.requirement("ADR-016")
@pytest.mark.parametrize("temp_c", [0.1, 20.0, 50.0])
def test_flow_and_temperature_registers(temp_c: float) -> None:
    """Signed flow within 0.2 L/h and temperature within 0.05 K at nominal pressure."""
    meter = make()
    flow(meter, (-75.0, 60.0), temp_c=temp_c)
    assert meter.registers().flow_l_h == pytest.approx(-75.0, abs=0.2)
    assert meter.registers().water_temp_c == pytest.approx(temp_c, abs=0.05)


@pytest.mark.requirement("ADR-063")
def test_display_follows_the_mode() -> None:
    """The same total in NORMAL with three decimals, in TEST with six; the reverse total beside it."""
    meter = make()
    flow(meter, (2500.0, 3600.0), (-100.0, 3600.0))
    digits = f"{meter.registers().forward_nl // 10**6:09d}"
    assert meter.look().text == f"000{digits[:3]}.{digits[3:6]}"
    meter.commands.enter_test()
    assert meter.look().text == f"{digits[:3]}.{digits[3:]}"
    meter.commands.show(Screen.REVERSE_VOLUME)
    assert float(meter.look().text) == pytest.approx(0.1, rel=0.01)


def test_pulses_are_the_forward_volume() -> None:
    """One cycle after the flow has stopped being counted, the pulses are the forward total's whole pulse volumes."""
    meter = make(pulse_volume_ml=0.25)
    end_s = flow(meter, (123.0, 100.0), (0.0, 10.0), (-500.0, 10.0))
    assert meter.pulse_count(end_s) == meter.registers().forward_nl // 250_000


def test_pulses_come_evenly() -> None:
    """At 2500 L/h in steps of 10 ms, the count follows the flow within one pulse and 0.2 % of a cycle's pulses."""
    meter = make(truth=Truth(noise_ps=0.0), fidelity=Fidelity.TRANSIT)
    begin_s = flow(meter, (2500.0, 10.0))
    first, per_s = meter.pulse_count(begin_s), 2500.0 / 3600.0 / 0.1e-3
    now_s = begin_s
    for _ in range(200):
        now_s = flow(meter, (2500.0, 0.01), start_s=now_s)
        assert meter.pulse_count(now_s) - first == pytest.approx((now_s - begin_s) * per_s, abs=2.5 + 0.002 * per_s * 2)


def test_pulses_can_be_asked_for_a_moment_ago() -> None:
    """What was asked when it was now is answered the same seconds later; earlier or later than kept is refused."""
    meter = make()
    now_s = flow(meter, (2000.0, 20.0))
    asked = {}
    for _ in range(20):
        now_s = flow(meter, (2000.0, 0.1), start_s=now_s)
        asked[now_s] = meter.pulse_count(now_s)
    assert {at_s: meter.pulse_count(at_s) for at_s in asked} == asked
    assert sorted(asked.values()) == list(asked.values())
    with pytest.raises(ValueError, match="not come yet"):
        meter.pulse_count(now_s + 1.0)
    with pytest.raises(ValueError, match="kept for the last"):
        meter.pulse_count(now_s - 10.0)


def test_time_without_gaps() -> None:
    """A segment that does not follow the last one is refused."""
    meter = make()
    flow(meter, (1.0, 10.0))
    with pytest.raises(ValueError, match="segment from"):
        flow(meter, (1.0, 10.0), start_s=11.0)
