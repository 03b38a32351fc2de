"""The chamber's air and the body in it: closed forms against small steps, limits, and what no wire tells."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.world.climate import Chamber, ChamberSpec

HALL_C = 20.0


def chamber(setpoint_c: float = 55.0, gradient_k_min: float = 0.0) -> Chamber:
    made = Chamber(lambda: HALL_C)
    made.setpoint_c = setpoint_c
    made.gradient_up_k_min = made.gradient_down_k_min = gradient_k_min
    made.start()
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


@given(cuts=st.lists(st.floats(0.0, 4000.0), max_size=6), setpoint_c=st.floats(-40.0, 180.0))
def test_it_does_not_matter_how_time_is_cut(cuts: list[float], setpoint_c: float) -> None:
    """One stretch is the same as its pieces."""
    whole, pieces = chamber(setpoint_c), chamber(setpoint_c)
    whole.advance(sum(cuts))
    for cut_s in cuts:
        pieces.advance(cut_s)
    assert pieces.air_temp_c == pytest.approx(whole.air_temp_c, abs=1e-6)
    assert pieces.body_temp_c == pytest.approx(whole.body_temp_c, abs=1e-6)


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
    made = Chamber(lambda: HALL_C)
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
    made = Chamber(lambda: 31.0, ChamberSpec(body_s=1200.0))
    assert (made.air_temp_c, made.body_temp_c) == (31.0, 31.0)
    assert made.body_moves_in_s(0.1) == math.inf
