"""Waveform, transit time and segment are one sensor: the same mean and the same variance of flow and of volume.

Every comparison of means allows four standard errors of the difference (6e-5 of failing by chance, were the seeds not
fixed), and what the two fidelities are known to differ by. A comparison of standard deviations of n draws each allows
four times sqrt(1/(2(n-1)) + 1/(2(n-1))) of them.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.meter import Fidelity
from meterbench.dut.reference_meter.metrology.measuring.transit import TransitTimes
from meterbench.world.segment import Course, Segment
from tests.dut.reference_meter.line import Line, make

RESONANCE = 4e-4
"""The resonator's phase moves by 7 ns with the temperature, which transit fidelity leaves out: 0.03 % of the flow."""


def same(one: NDArray[np.float64], other: NDArray[np.float64], known: float = 0.0) -> None:
    """Both samples have the same mean and standard deviation, as the module says."""
    error = math.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    assert abs(one.mean() - other.mean()) <= 4.0 * error + known * abs(other.mean())
    spread = 4.0 * math.sqrt(0.5 / (len(one) - 1) + 0.5 / (len(other) - 1))
    assert one.std(ddof=1) == pytest.approx(other.std(ddof=1), rel=spread)


def volumes_l(
    dn: int, fidelity: Fidelity, flow_l_h: float, temp_c: float, piece_s: float, pieces: int
) -> NDArray[np.float64]:
    """What is registered in equal pieces of a steady flow, after two minutes of it."""
    line = Line(make(dn, fidelity=fidelity))
    line.flow(flow_l_h, 120.0, temp_c)
    return np.array([line.flow(flow_l_h, piece_s, temp_c) for _ in range(pieces)])


@pytest.mark.parametrize(
    ("dn", "flow_l_h", "temp_c"), [(15, 1.5625, 20.0), (15, 2500.0, 20.0), (20, -40.0, 0.1), (25, 7875.0, 50.0)]
)
def test_waveform_and_transit_time_register_the_same(dn: int, flow_l_h: float, temp_c: float) -> None:
    """Pieces of 8 s: 150 at waveform fidelity against 600 at transit fidelity, at Q1, Q3, Q4 and in reverse."""
    waveform = volumes_l(dn, Fidelity.WAVEFORM, flow_l_h, temp_c, 8.0, 150)
    transit = volumes_l(dn, Fidelity.TRANSIT, flow_l_h, temp_c, 8.0, 600)
    same(waveform, transit, RESONANCE)


@pytest.mark.parametrize(("truth"), [Truth(noise_ps=100.0), Truth(amplitude_loss_percent=35.0)])
def test_a_bad_unit_is_as_noisy_at_both(truth: Truth) -> None:
    """Noise of 100 ps, and a loss of 35 % of the amplitude, which makes 54 ps of 35: the same scatter of 8 s pieces."""
    samples = {}
    for fidelity, pieces in ((Fidelity.WAVEFORM, 150), (Fidelity.TRANSIT, 600)):
        line = Line(make(15, truth, fidelity=fidelity))
        line.flow(100.0, 60.0)
        samples[fidelity] = np.array([line.flow(100.0, 8.0) for _ in range(pieces)])
    same(samples[Fidelity.WAVEFORM], samples[Fidelity.TRANSIT], RESONANCE)
    noise_ps = float(truth.pair_noise_ps())
    expected_l = noise_ps / 175.2 * math.sqrt(64.0) / 8.0 / 3600.0
    assert samples[Fidelity.TRANSIT].std(ddof=1) == pytest.approx(expected_l, rel=0.15)


@pytest.mark.parametrize(("dn", "flow_l_h"), [(15, 1.5625), (15, 2500.0), (25, 3.9375), (25, -60.0)])
def test_transit_time_and_segment_register_the_same(dn: int, flow_l_h: float) -> None:
    """Pieces of half an hour, 120 each."""
    single = volumes_l(dn, Fidelity.TRANSIT, flow_l_h, 20.0, 1800.0, 120)
    closed = volumes_l(dn, Fidelity.SEGMENT, flow_l_h, 20.0, 1800.0, 120)
    same(single, closed)


def test_the_temperature_is_the_same() -> None:
    """Waveform and transit fidelity find the water's temperature within 0.1 K of each other, 7 ns being 0.09 K."""
    for temp_c in (0.1, 20.0, 50.0):
        found = {}
        for fidelity in (Fidelity.WAVEFORM, Fidelity.TRANSIT):
            line = Line(make(25, fidelity=fidelity))
            line.flow(0.0, 10.0, temp_c)
            found[fidelity] = line.meter.registers().water_temp_c
        assert found[Fidelity.WAVEFORM] == pytest.approx(found[Fidelity.TRANSIT], abs=0.2 if temp_c == 50.0 else 0.1)


def household(days: float, seed: int, first_s: float = 0.0) -> Course:
    """Draws of 2 s to some minutes and 30 to 2000 L/h, and a night tap of 5 L/h now and then."""
    rng = np.random.default_rng(seed)
    edges_s, flows_l_h, now_s = [first_s], [], first_s
    while now_s < first_s + days * 86_400.0:
        now_s += float(rng.exponential(900.0)) + 1.0
        edges_s.append(now_s)
        flows_l_h.append(0.0)
        now_s += float(rng.gamma(1.2, 40.0)) + 0.5
        edges_s.append(now_s)
        flows_l_h.append(5.0 if rng.random() < 0.02 else float(rng.uniform(30.0, 2000.0)))
    count = len(flows_l_h)
    return Course(np.array(edges_s), np.array(flows_l_h), np.full(count, 15.0), np.full(count, 0.5))


def test_a_household_in_closed_form_registers_what_every_shot_would() -> None:
    """Two days of draws, 16 units: closed form against single shots, unit by unit, paired.

    Both live through the same water with different noise. The difference has mean zero within four standard errors and
    the standard deviation that the noise of two such days makes of itself, within its own spread.
    """
    course = household(2.0, seed=8)
    true_l = float((course.flow_l_h * np.diff(course.edges_s)).sum()) / 3600.0
    differences = []
    for seed in range(16):
        closed, single = make(seed=seed, fidelity=Fidelity.SEGMENT), make(seed=seed, fidelity=Fidelity.TRANSIT)
        closed.live(course)
        single.live(course)
        assert closed.registers().forward_l == pytest.approx(true_l, rel=0.01)
        assert closed.registers().measuring_cycles == single.registers().measuring_cycles
        assert closed.registers().reverse_nl == 0
        differences.append(closed.registers().forward_l - single.registers().forward_l)
    sample = np.array(differences)
    assert abs(sample.mean()) <= 4.0 * sample.std(ddof=1) / math.sqrt(len(sample))
    drawing = int((np.diff(course.edges_s) * 8.0)[course.flow_l_h > 0.0].sum())
    tails = 31 * int((course.flow_l_h > 8.0).sum())
    expected_l = math.sqrt(2.0 * (drawing + tails)) * 35.0 / 172.0 / 8.0 / 3600.0
    assert sample.std(ddof=1) == pytest.approx(expected_l, rel=4.0 / math.sqrt(2.0 * 15.0))


def test_a_course_costs_what_its_stretches_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh meter lives through a hundred days of draws with a thousandth of the shots that it would fire."""
    course = household(100.0, seed=5)
    course.flow_l_h[course.flow_l_h == 5.0] = 50.0  # A slow draw is lived through shot by shot.
    meter = make(fidelity=Fidelity.SEGMENT)
    taken: list[int] = []
    measure = meter.unit.measurement.measure

    def counted(times: TransitTimes) -> None:
        taken.append(len(times.dt_ps))
        measure(times)

    monkeypatch.setattr(meter.unit.measurement, "measure", counted)
    meter.live(course)
    assert meter.registers().measuring_cycles > 60_000_000
    assert sum(taken) < 60_000


def test_a_course_leaves_the_water_known() -> None:
    """A slow ramp by about a whole period of t_up + t_dn in closed form is no jump when single shots follow."""
    meter, start_s = make(fidelity=Fidelity.SEGMENT), 60.0
    meter.advance(Segment(0.0, start_s, 500.0, 20.0, 0.5))
    refused = meter.registers().refused_shots
    for rise_k in (4.4, 4.5, 4.6, 4.7, 4.85, 0.0):
        temps_c = np.linspace(20.0, 20.0 + rise_k, 200)
        edges_s = start_s + 60.0 * np.arange(201)
        meter.live(Course(edges_s, np.full(200, 500.0), temps_c, np.full(200, 0.5)))
        meter.advance(Segment(float(edges_s[-1]), 10.0, 500.0, 20.0 + rise_k, 0.5))
        back_s = edges_s + 12_010.0
        meter.live(Course(back_s, np.full(200, 500.0), temps_c[::-1].copy(), np.full(200, 0.5)))
        start_s = float(back_s[-1])
    assert (meter.registers().suspected_slips, meter.registers().refused_shots) == (0, refused)


def test_a_course_goes_on_where_the_last_one_ended() -> None:
    """Two courses, a segment between them: no gap, the pulse output follows, and what comes after is registered."""
    meter = make(fidelity=Fidelity.SEGMENT)
    first = household(0.5, seed=1)
    meter.live(first)
    end_s = float(first.edges_s[-1])
    assert meter.pulse_count(end_s) == pytest.approx(meter.registers().forward_nl // 100_000, abs=700)
    meter.advance(Segment(end_s, 10.0, 0.0, 15.0, 0.5))
    assert meter.pulse_count(end_s + 10.0) == meter.registers().forward_nl // 100_000
    second = household(0.5, seed=2, first_s=end_s + 10.0)
    before_l = meter.registers().forward_l
    meter.live(second)
    true_l = float((second.flow_l_h * np.diff(second.edges_s)).sum()) / 3600.0
    assert meter.registers().forward_l - before_l == pytest.approx(true_l, rel=0.01)
    with pytest.raises(ValueError, match="follows one to"):
        meter.live(first)


def test_a_year_of_still_water_registers_nothing() -> None:
    """The zero wanders by up to four times 4 ps, 0.1 L/h: far below the threshold."""
    meter = make(fidelity=Fidelity.SEGMENT)
    year_s = 365.0 * 86_400.0
    meter.live(Course(np.array([0.0, year_s]), np.zeros(1), np.full(1, 20.0), np.full(1, 0.5)))
    assert (meter.registers().forward_nl, meter.registers().reverse_nl) == (0, 0)
    assert meter.registers().measuring_cycles == pytest.approx(year_s * 8, rel=25e-6)  # the crystal's error
