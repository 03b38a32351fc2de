"""What a meter meets in the field: air, half-filled pipes, fronts of warm water, short draws, swings, slips.

Both fidelities of single shots live through the same.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.sensors.resistance_input import WireFault
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.meter import Fidelity
from meterbench.dut.reference_meter.metrology.audit import check_trail
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.world.segment import Course
from tests.dut.reference_meter.line import Line, make

CYCLE_S = 0.125
SHOTS = [Fidelity.TRANSIT, Fidelity.WAVEFORM]
shot_by_shot = pytest.mark.parametrize("fidelity", SHOTS)
"""Every test of air and slips runs at both."""


@pytest.mark.requirement("ADR-013")
@shot_by_shot
@pytest.mark.parametrize("bubbles", [0.001, 0.005])
def test_bubbles_pass_within_class(fidelity: Fidelity, bubbles: float) -> None:
    """Air of 0.1 and 0.5 % of the volume: shots are lost and bridged, the mixture is registered within 2 %."""
    line = Line(make(fidelity=fidelity))
    line.flow(1000.0, 30.0)
    registered_l = line.flow(1000.0, 120.0, bubbles=bubbles)
    assert registered_l == pytest.approx(1000.0 * 120.0 / 3600.0, rel=0.02)
    lost = line.meter.registers().lost_shots / 960.0
    assert lost == pytest.approx(1.0 - math.exp(-bubbles / 0.02), abs=0.08)
    assert not line.meter.registers().dry


@pytest.mark.requirement("ADR-013")
@shot_by_shot
def test_a_plug_of_air_is_not_measured_and_does_no_harm(fidelity: Fidelity) -> None:
    """Two seconds of foam: at most what was flowing is registered, and a second later all is as before."""
    line = Line(make(fidelity=fidelity))
    line.flow(1000.0, 30.0)
    in_foam_l = line.flow(1000.0, 2.0, bubbles=0.3)
    assert 0.0 <= in_foam_l <= 1000.0 * 2.0 / 3600.0 * 1.02
    line.flow(1000.0, 5.0)
    assert line.flow(1000.0, 60.0) == pytest.approx(1000.0 * 60.0 / 3600.0, rel=0.003)
    assert not line.meter.registers().disturbed


@pytest.mark.requirement("ADR-040")
@shot_by_shot
@pytest.mark.parametrize(("fill", "dry"), [(0.0, True), (0.4, True), (0.6, False), (0.8, False)])
def test_a_pipe_that_is_not_full_is_not_measured(fidelity: Fidelity, fill: float, dry: bool) -> None:
    """Below half the transducers lie in air: DRY within a second and a half. Above, echoes come and go: in the long run
    less than a hundredth of what flows is registered, though it flows faster through less water."""
    line = Line(make(fidelity=fidelity))
    line.flow(500.0, 30.0)
    line.flow(500.0, 10.0, fill=fill)
    assert line.meter.registers().dry or not dry
    assert line.flow(500.0, 300.0, fill=fill) <= 0.01 * 500.0 * 300.0 / 3600.0
    assert line.meter.registers().dry or line.meter.registers().disturbed


@pytest.mark.requirement("ADR-040")
@shot_by_shot
def test_refilling_with_bubbles(fidelity: Fidelity) -> None:
    """An empty pipe fills: first bubbly water, then clear. Nothing of the hour before is caught up."""
    line = Line(make(fidelity=fidelity))
    assert line.flow(0.0, 3600.0, fill=0.0) == 0.0
    assert line.meter.registers().dry
    line.flow(800.0, 5.0, bubbles=0.01)
    assert not line.meter.registers().dry
    line.flow(800.0, 5.0)
    assert line.flow(800.0, 60.0) == pytest.approx(800.0 * 60.0 / 3600.0, rel=0.005)


def test_microbubbles_slow_sound_and_the_flow_stays_right() -> None:
    """A millionth of the volume as tiny bubbles takes 2 m/s off c at 0.5 MPa (Wood, metering.md 1.6). The estimator
    needs no c: within 0.5 %, the firmware takes the water for colder than it is."""
    line = Line(make(fidelity=Fidelity.TRANSIT))
    line.flow(1000.0, 10.0)
    assert line.flow(1000.0, 60.0, microbubbles=1e-6) == pytest.approx(1000.0 / 60.0, rel=0.005)
    assert 17.0 < line.meter.registers().water_temp_c < 19.7


@shot_by_shot
@pytest.mark.parametrize(("before_c", "after_c"), [(20.0, 50.0), (50.0, 5.0), (20.0, 30.0), (10.0, 12.2)])
def test_temperature_shock(fidelity: Fidelity, before_c: float, after_c: float) -> None:
    """The water changes from one shot to the next: over the minute within 0.5 %, whatever the step is in periods.

    20 to 30 degC is two periods of t_up + t_dn on DN15, which could be a slip: half a second is bridged with the flow
    from before.
    """
    line = Line(make(fidelity=fidelity))
    line.flow(900.0, 20.0, before_c)
    assert line.flow(900.0, 60.0, after_c) == pytest.approx(15.0, rel=0.005)
    assert line.meter.registers().water_temp_c == pytest.approx(after_c, abs=0.15)


@pytest.mark.requirement("ADR-011")
@shot_by_shot
def test_micro_draws_of_half_a_second(fidelity: Fidelity) -> None:
    """400 taps of 0.5 s at 8 L/min, four seconds and a bit apart: the sum within 2 %, and nothing in reverse.

    Each is seen by four cycles; where it begins between two of them evens out over the draws to 0.1 %. At waveform
    fidelity 100 taps.
    """
    line = Line(make(fidelity=fidelity))
    draws = 400 if fidelity is Fidelity.TRANSIT else 100
    registered_l = sum(line.flow(480.0, 0.5) + line.flow(0.0, 4.01) for _ in range(draws))
    assert registered_l == pytest.approx(draws * 480.0 * 0.5 / 3600.0, rel=0.02)
    assert line.meter.registers().reverse_nl == 0


@pytest.mark.requirement("ADR-011")
@pytest.mark.parametrize("flow_l_h", [60.0, 3125.0])
def test_flow_steps_faster_than_a_cycle(flow_l_h: float) -> None:
    """Bursts of 30 to 90 ms, shorter than a cycle: each is seen by one shot or by none, in the mean by what it lasts.

    Of 3 000 bursts a share p of a cycle long, n = 3000 p are seen; four sd of the binomial are allowed.
    """
    rng = np.random.default_rng(4)
    line = Line(make(fidelity=Fidelity.TRANSIT))
    line.flow(0.0, 10.0)
    lasts_s = rng.uniform(0.03, 0.09, 3000)
    waits_s = rng.uniform(0.2, 0.9, 3000)
    registered_l = sum(line.flow(flow_l_h, on) + line.flow(0.0, off) for on, off in zip(lasts_s, waits_s, strict=True))
    shares = lasts_s / CYCLE_S
    spread = math.sqrt(float((shares * (1.0 - shares)).sum())) / float(shares.sum())
    assert registered_l == pytest.approx(flow_l_h * float(lasts_s.sum()) / 3600.0, rel=4.0 * spread + 0.01)


@pytest.mark.requirement("ADR-015")
@shot_by_shot
def test_swinging_water_is_kept_apart_by_direction(fidelity: Fidelity) -> None:
    """+-20 L/h at 0.1 Hz for ten minutes (one at waveform fidelity): forward and reverse registers each grow by the
    half-waves, within 15 % (what lies below 8 L/h takes the direction of the last four seconds), and their difference
    stays near zero."""
    line = Line(make(fidelity=fidelity))
    steps = 6000 if fidelity is Fidelity.TRANSIT else 600
    for step in range(steps):
        line.flow(20.0 * math.sin(2.0 * math.pi * 0.1 * 0.1 * (step + 0.5)), 0.1)
    registers = line.meter.registers()
    half_waves_l = 20.0 * 2.0 / math.pi * 0.05 * steps / 3600.0
    assert registers.forward_l == pytest.approx(half_waves_l, rel=0.15)
    assert registers.reverse_l == pytest.approx(half_waves_l, rel=0.15)
    assert abs(registers.forward_l - registers.reverse_l) <= 0.05 * half_waves_l


@pytest.mark.requirement("ADR-015")
@shot_by_shot
def test_full_reversal(fidelity: Fidelity) -> None:
    """From Q3 to -Q3 within a cycle and back: each direction in its own register within 0.5 %."""
    line = Line(make(fidelity=fidelity))
    for _ in range(5):
        line.flow(2500.0, 10.0)
        line.flow(-2500.0, 10.0)
    registers = line.meter.registers()
    assert registers.forward_l == pytest.approx(2500.0 * 50.0 / 3600.0, rel=0.005)
    assert registers.reverse_l == pytest.approx(2500.0 * 50.0 / 3600.0, rel=0.005)


@shot_by_shot
@pytest.mark.parametrize(("up", "dn"), [(1, 0), (0, 1), (-1, 0), (1, 1), (-1, -1), (2, 2), (1, -1)])
@pytest.mark.parametrize(("dn_mm", "flow_l_h"), [(15, 0.0), (15, 1500.0), (15, -2000.0), (25, 5000.0)])
def test_no_slip_reaches_the_volume(fidelity: Fidelity, up: int, dn: int, dn_mm: int, flow_l_h: float) -> None:
    """The capture slips by whole periods, in one direction or both, every half minute for ten minutes: the volume is
    that of the flow within 0.2 % and, in still water, exactly nothing. Every slip is counted or refused."""
    line = Line(make(dn_mm, fidelity=fidelity))
    line.flow(flow_l_h, 30.0)
    registered_l = 0.0
    for _ in range(20):
        line.meter.unit.sensor.sequencer.late_up_periods = up
        line.meter.unit.sensor.sequencer.late_dn_periods = dn
        registered_l += line.flow(flow_l_h, 30.0)
    assert registered_l == pytest.approx(flow_l_h * 600.0 / 3600.0, rel=0.002, abs=0.0)
    registers = line.meter.registers()
    assert registers.suspected_slips + registers.refused_shots + registers.lost_shots >= 20


@shot_by_shot
@pytest.mark.parametrize("slip", [(1, 0), (0, 1), (1, 1), (-1, -1), (1, -1)])
@pytest.mark.parametrize(("dn_mm", "flow_l_h"), [(15, -1500.0), (25, 0.0), (25, -7875.0)])
@pytest.mark.parametrize("step_k", [0.3, -0.3, 0.5, 2.0])
def test_no_slip_hides_behind_a_change_of_temperature(
    fidelity: Fidelity, slip: tuple[int, int], dn_mm: int, flow_l_h: float, step_k: float
) -> None:
    """The capture slips while the water gets colder or warmer: the sum does not jump by whole periods, and the volume
    of ten minutes is still that of the flow within 0.5 %, in still water exactly nothing."""
    line = Line(make(dn_mm, fidelity=fidelity))
    line.flow(flow_l_h, 30.0)
    sequencer = line.meter.unit.sensor.sequencer
    sequencer.late_up_periods, sequencer.late_dn_periods = slip
    duration_s = 600.0 if fidelity is Fidelity.TRANSIT else 60.0
    assert line.flow(flow_l_h, duration_s, 20.0 + step_k) == pytest.approx(
        flow_l_h * duration_s / 3600.0, rel=0.005, abs=0.0
    )


def test_no_slip_hides_in_a_course() -> None:
    """A course in closed form begins with a slipped capture: its first shots show it."""
    line = Line(make(25))
    line.flow(0.0, 60.0)
    line.meter.unit.sensor.sequencer.late_up_periods = 1
    line.meter.live(Course(60.0 + np.array([0.0, 7200.0]), np.zeros(1), np.full(1, 20.0), np.full(1, 0.5)))
    assert (line.meter.registers().forward_nl, line.meter.registers().reverse_nl) == (0, 0)


@pytest.mark.parametrize("fidelity", [Fidelity.TRANSIT, Fidelity.SEGMENT])
def test_more_than_can_be_is_not_registered_in_a_course_either(fidelity: Fidelity) -> None:
    """Twice Q4 in the middle of a course: bridged for two seconds with the flow before it, then nothing."""
    meter = make(15, fidelity=fidelity)
    edges_s = np.array([0.0, 3600.0, 7200.0, 10_800.0])
    meter.live(Course(edges_s, np.array([1000.0, 6250.0, 1000.0]), np.full(3, 20.0), np.full(3, 0.5)))
    assert meter.registers().forward_l == pytest.approx(2000.0, abs=3.0)


@pytest.mark.parametrize("loss_percent", [76.0, 85.0, 90.0, 96.0, 99.0])
@shot_by_shot
def test_a_signal_that_is_too_weak_measures_nothing(loss_percent: float, fidelity: Fidelity) -> None:
    """Of three quarters of the amplitude lost, and more, noise would become flow: nothing is registered, and it says
    so."""
    line = Line(make(25, Truth(amplitude_loss_percent=loss_percent), fidelity=fidelity))
    line.flow(0.0, 600.0 if fidelity is Fidelity.TRANSIT else 60.0, 50.0)
    registers = line.meter.registers()
    assert (registers.forward_nl, registers.reverse_nl, registers.measurable) == (0, 0, False)


@pytest.mark.parametrize("slip", [(1, 0), (0, 1), (1, 1), (-1, -1), (1, -1)])
@pytest.mark.parametrize("dn_mm", [15, 25])
@pytest.mark.parametrize("empty_before", [False, True])
def test_a_first_shot_that_slips_does_no_harm(slip: tuple[int, int], dn_mm: int, empty_before: bool) -> None:
    """The very first shot, or the first after an empty pipe, has nothing to be compared with: still water registers
    nothing."""
    line = Line(make(dn_mm, fidelity=Fidelity.TRANSIT))
    if empty_before:
        line.flow(0.0, 60.0)
        line.flow(0.0, 60.0, fill=0.0)
    sequencer = line.meter.unit.sensor.sequencer
    sequencer.late_up_periods, sequencer.late_dn_periods = slip
    line.flow(0.0, 600.0)
    assert (line.meter.registers().forward_nl, line.meter.registers().reverse_nl) == (0, 0)


def test_a_slip_is_cured_by_arming_the_capture_again() -> None:
    """One slip costs one shot, which is bridged."""
    line = Line(make(fidelity=Fidelity.TRANSIT))
    line.flow(1000.0, 30.0)
    refused_before = line.meter.registers().refused_shots
    line.meter.unit.sensor.sequencer.late_up_periods = 1
    line.flow(1000.0, 10.0)
    registers = line.meter.registers()
    assert (registers.suspected_slips, registers.refused_shots - refused_before) == (1, 1)
    assert line.meter.unit.sensor.sequencer.late_up_periods == 0


@shot_by_shot
def test_zero_is_tracked_behind_a_closed_valve_only(fidelity: Fidelity) -> None:
    """A unit whose zero has moved by 5 ps: half an hour of open, still water changes nothing; behind the closed valve
    the zero is found within 3 ps (four sd of 4 096 shots), and the audit trail says so."""
    line = Line(make(truth=Truth(zero_offset_ps=5.0), fidelity=fidelity))
    line.flow(0.0, 1800.0 if fidelity is Fidelity.TRANSIT else 700.0)
    assert line.meter.registers().zero_correction_ps == 0.0
    line.meter.close_valve(True)
    line.flow(0.0, 700.0)
    line.meter.close_valve(False)
    found_ps = line.meter.registers().zero_correction_ps
    assert found_ps == pytest.approx(5.0, abs=3.0)
    assert line.meter.reading.audit_records()[-1].event == f"zero tracked to {found_ps:+.2f} ps beside the sealed one"
    check_trail(line.meter.reading.audit_records())


@pytest.mark.parametrize("fitted", list(Fitted))
@pytest.mark.parametrize("fidelity", [*SHOTS, Fidelity.SEGMENT])
def test_a_sensor_works_in_water_of_every_kind(fitted: Fitted, fidelity: Fidelity) -> None:
    """Steps of 0.1 s, jumps of temperature, bubbles, an empty pipe, long stretches, a whole course: with every sensor
    and fidelity the flow is registered within 1 %."""
    line = Line(make(fitted=fitted, fidelity=fidelity))
    line.flow(800.0, 2.0)
    steps_l = sum(line.flow(800.0 + step, 0.1, 20.0 + 0.01 * step) for step in range(100))
    assert steps_l == pytest.approx(849.5 * 10.0 / 3600.0, rel=0.01)
    line.flow(800.0, 5.0, 45.0)
    line.flow(800.0, 5.0, bubbles=0.003)
    line.flow(800.0, 5.0, fill=0.0)
    line.flow(800.0, 10.0)
    assert line.flow(800.0, 30.0, 35.0) == pytest.approx(800.0 / 120.0, rel=0.01)
    course = Course(line.now_s + np.array([0.0, 20.0, 40.0]), np.array([0.0, 900.0]), np.full(2, 30.0), np.full(2, 0.5))
    before_l = line.meter.registers().forward_l
    line.meter.live(course)
    assert line.meter.registers().forward_l - before_l == pytest.approx(5.0, rel=0.01)


@pytest.mark.requirement("ADR-020")
def test_a_pt1000_follows_the_water_within_a_segment() -> None:
    """20 degC, then two hours at 50 degC in one piece: the pocket's five seconds of lag do not become hours, the error
    at Q1 stays below 1 %."""
    line = Line(make(fitted=Fitted.PT1000))
    line.flow(1.5625, 600.0)
    assert line.flow(1.5625, 7200.0, 50.0) == pytest.approx(1.5625 * 2.0, rel=0.01)
    assert line.meter.registers().water_temp_c == pytest.approx(50.0, abs=0.62)


@pytest.mark.requirement("ADR-020")
def test_a_pt1000_works_at_any_time_of_the_world() -> None:
    """Seconds since 1970 have a resolution of a quarter of a microsecond: a segment a little longer than the pause
    between two readings leaves no piece without length."""
    line = Line(make(fitted=Fitted.PT1000))
    line.now_s = 1.7e9
    line.flow(500.0, 10.0, 20.0)
    for temp_c in (50.0, 5.0, 35.0):
        for duration_s in (2.0, 2.0 + 1e-7, 4.0 + 2e-7):
            line.flow(500.0, duration_s, temp_c)
    assert line.meter.registers().forward_l == pytest.approx(500.0 * 34.0 / 3600.0, rel=0.02)


@pytest.mark.requirement("ADR-020")
def test_a_bad_contact_of_the_pt1000_is_noticed() -> None:
    """100 ohm are 26 K: the speed of sound contradicts, is taken instead, and the fault is reported."""
    line = Line(make(fitted=Fitted.PT1000))
    assert line.meter.probe.resistance_input is not None
    line.meter.probe.resistance_input.contact_ohm = 100.0
    line.flow(1.5625, 600.0)
    assert line.meter.registers().sensor_fault is SensorFault.CONTRADICTED
    assert line.meter.registers().water_temp_c == pytest.approx(20.0, abs=0.1)
    assert line.flow(1.5625, 7200.0) == pytest.approx(1.5625 * 2.0, rel=0.01)


@pytest.mark.requirement("ADR-020")
@pytest.mark.parametrize("temp_c", [0.1, 20.0, 50.0])
def test_a_pt1000_tells_the_temperature(temp_c: float) -> None:
    """Class B and 0.07 K of the input; with the wire broken or shorted the speed of sound tells it, and the fault is
    reported."""
    line = Line(make(fitted=Fitted.PT1000))
    line.flow(100.0, 60.0, temp_c)
    line.flow(100.0, 10.0, temp_c)
    assert line.meter.registers().water_temp_c == pytest.approx(temp_c, abs=0.30 + 0.005 * temp_c + 0.07)
    assert line.meter.probe.resistance_input is not None
    for fault, reported in ((WireFault.OPEN, SensorFault.OPEN), (WireFault.SHORT, SensorFault.SHORT)):
        line.meter.probe.resistance_input.fault = fault
        line.flow(100.0, 10.0, temp_c)
        assert line.meter.registers().sensor_fault is reported
        assert line.meter.registers().water_temp_c == pytest.approx(temp_c, abs=0.15)


@pytest.mark.requirement("ADR-021")
def test_a_pressure_sensor_corrects_the_speed_of_sound() -> None:
    """At 1.6 instead of 0.5 MPa sound is 1.98 m/s faster at 50 degC, which a meter without one takes for 2.0 K (1.0 m/s
    a kelvin at 52 degC); with one it is within 0.2 K."""
    found = {}
    for fitted in (Fitted.NONE, Fitted.PRESSURE):
        line = Line(make(fitted=fitted))
        line.flow(100.0, 30.0, 50.0, pressure_mpa=1.6)
        line.flow(100.0, 30.0, 50.0, pressure_mpa=1.6)
        found[fitted] = line.meter.registers().water_temp_c
    assert found[Fitted.NONE] == pytest.approx(52.0, abs=0.15)
    assert found[Fitted.PRESSURE] == pytest.approx(50.0, abs=0.2)


@pytest.mark.requirement("ADR-021")
def test_a_pressure_sensor_that_breaks_is_reported() -> None:
    """It no longer answers: the meter goes on without, and says so."""
    line = Line(make(fitted=Fitted.PRESSURE))
    line.flow(100.0, 30.0)
    line.meter.probe.bus.detach(0x6D)
    assert line.flow(100.0, 36.0) == pytest.approx(1.0, rel=0.02)
    assert line.meter.registers().sensor_fault is SensorFault.NO_ANSWER
