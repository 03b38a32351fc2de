"""The chamber's air and the body in it: closed forms against small steps, limits, and what no wire tells."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.world.air import Air, saturation_pressure_hpa
from meterbench.world.climate import Chamber, ChamberSpec, Climate

HALL_C = 20.0
HALL = Air(HALL_C, humidity_percent=50.0)


def chamber(setpoint_c: float = 55.0, gradient_k_min: float = 0.0) -> Chamber:
    made = Chamber(lambda: HALL)
    made.setpoint_c = setpoint_c
    made.gradient_up_k_min = made.gradient_down_k_min = gradient_k_min
    made.start()
    return made


def humid(setpoint_c: float, humidity_percent: float) -> Chamber:
    made = chamber(setpoint_c)
    made.humidity_setpoint_percent, made.humidity_on = humidity_percent, True
    return made


def in_small_steps(made: Chamber, duration_s: float, step_s: float = 0.05) -> tuple[float, float]:
    """Air and body by Euler's method, written from the two differential equations."""
    spec, air_c, body_c = made.spec, made.air_temp_c, made.body_temp_c
    limit_k_s = min(spec.ramp_k_min, made.gradient_up_k_min or math.inf) / 60.0
    for _ in range(round(duration_s / step_s)):
        rate_k_s = (made.setpoint_c - air_c) / spec.air_s
        body_c += (air_c - body_c) / spec.body_s * step_s
        air_c += max(-limit_k_s, min(limit_k_s, rate_k_s)) * step_s
    return air_c, body_c


@pytest.mark.parametrize("setpoint_c", [55.0, -25.0, 21.0])
@pytest.mark.parametrize("gradient_k_min", [0.0, 1.0, 50.0])
def test_the_closed_form_is_what_small_steps_give(setpoint_c: float, gradient_k_min: float) -> None:
    """Up, down and a little way; the machine's own limit holds whatever gradient is asked for."""
    made = chamber(setpoint_c, gradient_k_min)
    for duration_s in (60.0, 600.0, 900.0, 3600.0):
        expected = in_small_steps(made, duration_s)
        made.advance(duration_s)
        assert (made.air_temp_c, made.body_temp_c) == pytest.approx(expected, abs=0.01)


@given(
    cuts=st.lists(st.floats(0.0, 4000.0), max_size=6),
    setpoint_c=st.floats(-40.0, 180.0),
    humidity_on=st.booleans(),
    wet=st.booleans(),
)
def test_it_does_not_matter_how_time_is_cut(cuts: list[float], setpoint_c: float, humidity_on: bool, wet: bool) -> None:
    """One stretch is the same as its pieces; from the hall's air, or from what was wet before."""
    whole, pieces = humid(60.0, 95.0), humid(60.0, 95.0)
    for made in (whole, pieces):
        made.advance(7200.0 * wet)
        made.setpoint_c, made.humidity_on = setpoint_c, humidity_on
    whole.advance(sum(cuts))
    for cut_s in cuts:
        pieces.advance(cut_s)
    assert pieces.air_temp_c == pytest.approx(whole.air_temp_c, abs=1e-6)
    assert pieces.body_temp_c == pytest.approx(whole.body_temp_c, abs=1e-6)
    assert pieces.air_humidity_percent == pytest.approx(whole.air_humidity_percent, abs=1e-6)


def test_the_air_follows_its_ramp_and_the_body_comes_later() -> None:
    """3 K/min at first; ten minutes later the air is nearly there, the electronics are not."""
    made = chamber()
    made.advance(300.0)
    assert made.air_temp_c == pytest.approx(HALL_C + 15.0)
    assert made.body_temp_c < 22.0
    made.advance(900.0)
    assert made.air_temp_c == pytest.approx(55.0, abs=0.1)
    assert 30.0 < made.body_temp_c < 40.0
    made.advance(4.0 * 3600.0)
    assert made.body_temp_c == pytest.approx(55.0, abs=0.01)


def test_steady_means_that_nothing_moves() -> None:
    made = chamber()
    assert not made.advance(3600.0)
    assert not made.steady
    assert not made.advance(6.0 * 3600.0)
    assert made.advance(3600.0)
    made.stop()
    assert not made.advance(1.0)


def test_a_chamber_that_nobody_started_is_steady() -> None:
    made = Chamber(lambda: HALL)
    made.setpoint_c = 55.0
    assert made.advance(1e6)
    assert made.air_temp_c == HALL_C


@given(setpoint_c=st.floats(-40.0, 180.0), before_s=st.floats(0.0, 20_000.0), step_k=st.floats(0.01, 1.0))
def test_the_body_does_not_outrun_its_bound(setpoint_c: float, before_s: float, step_k: float) -> None:
    """``body_moves_in_s`` is what the meters' ambient temperature relies on."""
    made = chamber(setpoint_c)
    made.advance(before_s)
    body_c, bound_s = made.body_temp_c, made.body_moves_in_s(step_k)
    made.advance(min(bound_s, 1e5))
    assert abs(made.body_temp_c - body_c) <= max(step_k, 0.011)


def test_each_direction_has_a_gradient_of_its_own() -> None:
    made = chamber()
    made.gradient_up_k_min, made.gradient_down_k_min = 1.0, 0.5
    made.advance(60.0)
    assert made.air_temp_c == pytest.approx(HALL_C + 1.0)
    made.setpoint_c = -20.0
    made.advance(60.0)
    assert made.air_temp_c == pytest.approx(HALL_C + 0.5)


def test_off_it_drifts_back_to_the_hall() -> None:
    """Slowly behind a closed door, quickly with it open."""
    made = chamber()
    made.advance(3600.0)
    made.stop()
    made.advance(600.0)
    assert 50.0 < made.air_temp_c < 54.0
    made.door_open = True
    made.advance(600.0)
    assert made.air_temp_c == pytest.approx(HALL_C, abs=0.1)


@pytest.mark.parametrize("what", ["limiter", "door"])
def test_a_tripped_limiter_and_an_open_door_stop_the_machine(what: str) -> None:
    """It is still told to run, and holds nothing."""
    made = chamber()
    made.advance(7200.0)
    if what == "limiter":
        made.trip_limiter()
    else:
        made.door_open = True
    made.advance(3600.0)
    assert made.running
    assert made.air_temp_c < 40.0
    made.reset_limiter()
    made.door_open = False
    made.advance(3600.0)
    assert made.air_temp_c == pytest.approx(55.0, abs=0.1)


def test_the_hall_is_where_it_begins() -> None:
    made = Chamber(lambda: Air(31.0), ChamberSpec(body_s=1200.0))
    assert (made.air_temp_c, made.body_temp_c) == (31.0, 31.0)
    assert made.body_moves_in_s(0.1) == math.inf


def test_heated_air_keeps_its_water() -> None:
    """Half-saturated at 20 degC is about 7 % at 55 degC (dry heat asks for 20 g/m3 at most); cold air is saturated."""
    made = chamber(55.0)
    assert made.air_humidity_percent == pytest.approx(50.0)
    made.advance(4.0 * 3600.0)
    assert made.air_humidity_percent == pytest.approx(50.0 * 23.4 / 157.5, abs=0.1)
    made.setpoint_c = -25.0
    made.advance(4.0 * 3600.0)
    assert made.air_humidity_percent == 100.0
    made.setpoint_c = HALL_C
    made.advance(4.0 * 3600.0)
    assert made.air_humidity_percent == pytest.approx(50.0), "what froze on the walls came back"


def test_humidity_goes_to_its_set_point_in_minutes() -> None:
    made = humid(55.0, 95.0)
    made.advance(6.0 * 3600.0)
    assert made.air_humidity_percent == pytest.approx(95.0)
    assert made.steady
    made.humidity_setpoint_percent = 45.0
    assert not made.steady
    made.advance(180.0)
    assert made.air_humidity_percent == pytest.approx(45.0 + 50.0 / math.e)
    made.advance(3600.0)
    assert made.steady


@pytest.mark.parametrize("what", ["stop", "off", "door", "limiter", "empty", "too cold", "too hot"])
def test_nothing_else_holds_the_humidity(what: str) -> None:
    """It drifts to the hall's: in a minute through an open door, in hours through the seals."""
    made = humid(50.0, 95.0)
    made.advance(7200.0)
    assert made.humidity_controlled
    match what:
        case "stop":
            made.stop()
        case "off":
            made.humidity_on = False
        case "door":
            made.door_open = True
        case "limiter":
            made.trip_limiter()
        case "empty":
            made.humidifier_empty = True
        case "too cold":
            made.setpoint_c = 9.9
        case "too hot":
            made.setpoint_c = 95.1
    assert not made.humidity_controlled
    made.advance(60.0 if what == "door" else 3600.0)
    vapour_hpa = made.air_humidity_percent / 100.0 * saturation_pressure_hpa(made.air_temp_c)
    assert vapour_hpa < 0.7 * 0.95 * saturation_pressure_hpa(50.0)
    made.advance(20.0 * 3600.0)
    goal_percent = min(100.0, 100.0 * 11.68 / saturation_pressure_hpa(made.air_temp_c))
    assert made.air_humidity_percent == pytest.approx(goal_percent, rel=0.01)


def test_a_cabinet_without_humidity_holds_none() -> None:
    made = Chamber(lambda: HALL, ChamberSpec(humid=False))
    made.setpoint_c, made.humidity_on, made.humidity_setpoint_percent = 55.0, True, 95.0
    made.start()
    made.advance(7200.0)
    assert made.air_humidity_percent < 8.0


@given(
    setpoint_c=st.floats(-30.0, 180.0),
    humidity_percent=st.floats(10.0, 98.0),
    before_s=st.floats(0.0, 20_000.0),
    on=st.booleans(),
    running=st.booleans(),
)
def test_the_humidity_does_not_outrun_its_bound(
    setpoint_c: float, humidity_percent: float, before_s: float, on: bool, running: bool
) -> None:
    """``humidity_moves_in_s`` is what the meters' damp hours rely on."""
    made = humid(60.0, 95.0)
    made.advance(before_s)
    made.setpoint_c, made.humidity_setpoint_percent, made.humidity_on = setpoint_c, humidity_percent, on
    made.running = running
    was_percent, bound_s = made.air_humidity_percent, made.humidity_moves_in_s(1.0)
    made.advance(min(bound_s, 1e5))
    assert abs(made.air_humidity_percent - was_percent) <= 1.0 + 1e-6


class Told:
    """Stands in the chamber and writes down what it is told."""

    def __init__(self) -> None:
        self.temps_c: list[float] = []
        self.percents: list[float] = []

    def set_ambient(self, temp_c: float) -> None:
        self.temps_c.append(temp_c)

    def set_humidity(self, percent: float) -> None:
        self.percents.append(percent)


def steps(told: list[float]) -> list[float]:
    return [abs(now - before) for before, now in pairwise(told)]


def test_what_stands_in_it_is_told_in_small_steps() -> None:
    """0.25 K and 1 %, and no more often than that; at last what is true."""
    made, told = humid(55.0, 95.0), Told()
    climate = Climate(made, [told])
    climate.advance(1.0, lambda duration_s: True)
    for humidity_on in (True, False):
        made.humidity_on = humidity_on
        climate.advance(6.0 * 3600.0, lambda duration_s: True)
    assert told.percents[0] == 50.0
    assert max(told.percents) == 95.0
    assert told.percents[-1] == round(made.air_humidity_percent)
    assert max(steps(told.percents)) <= 2.0, "a step, and what is rounded on both sides"
    assert max(steps(told.temps_c)) <= 0.5
    assert told.temps_c[-1] == pytest.approx(made.body_temp_c, abs=0.02)
    assert len(told.temps_c) < 150
    assert len(told.percents) < 150


def test_a_slow_ramp_is_no_more_pieces_than_it_has_steps() -> None:
    """10 K/h for three hours: 120 steps of the body."""
    made, pieces = chamber(25.0), []
    made.advance(5.0 * 3600.0)
    made.setpoint_c, made.gradient_up_k_min = 55.0, 1.0 / 6.0
    Climate(made, []).advance(3.0 * 3600.0, lambda duration_s: pieces.append(duration_s) or True)
    assert len(pieces) < 150
