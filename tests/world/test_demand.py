"""A household's draws: how much, how often, when, and that they are the same whoever asks."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.world.demand import Household, household
from meterbench.world.segment import Course

DAY_S = 86_400.0
MARCH_2026_S = 1_772_323_200.0
"""2026-03-01 00:00 UTC."""
RECORDED = {  # draws a day (our choice), median s, median L/h: metering.md 6
    "shower": (1.5, 360.0, 306.0),
    "washing machine": (4.0, 10.0, 655.0),
    "kitchen tap": (25.0, 6.0, 151.0),
    "bidet": (4.0, 4.0, 151.0),
    "wash basin": (20.0, 5.0, 130.0),
    "toilet": (14.0, 60.0, 360.0),
}
LONGEST_RECORDED_S, STRONGEST_RECORDED_L_H = 1375.0, 1375.0


def days(count: float, seed: int = 1, **water: float) -> Course:
    return household(MARCH_2026_S, count * DAY_S, np.random.default_rng(seed), **water)


def draws(course: Course) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Begin, length and flow of each draw."""
    return course.edges_s[1:-1:2], np.diff(course.edges_s)[1::2], course.flow_l_h[1::2]


def litres(course: Course) -> float:
    return float((course.flow_l_h * np.diff(course.edges_s)).sum()) / 3600.0


@settings(max_examples=30, deadline=None)
@given(count=st.floats(1e-4, 40.0), seed=st.integers(0, 2**32))
def test_draws_are_apart_and_without_a_leak_both_ends_are_quiet(count: float, seed: int) -> None:
    """Still water first and last, and for half a second at least between two draws; the ends are those asked for."""
    course = days(count, seed)
    assert (course.edges_s[0], course.edges_s[-1]) == (MARCH_2026_S, MARCH_2026_S + count * DAY_S)
    assert len(course.flow_l_h) % 2 == 1
    assert (course.flow_l_h[::2] == 0.0).all()
    assert (course.flow_l_h[1::2] > 0.0).all()
    if len(course.flow_l_h) > 1:
        assert np.diff(course.edges_s)[::2].min() > 0.5 - 1e-6


def test_a_family_uses_what_a_family_uses() -> None:
    """60 to 70 draws and 120 to 220 L a day, and no day without any."""
    course = days(365.0)
    begin_s, length_s, flow_l_h = draws(course)
    assert 60.0 < len(begin_s) / 365.0 < 70.0
    assert 120.0 < litres(course) / 365.0 < 220.0
    a_day = np.bincount(((begin_s - MARCH_2026_S) // DAY_S).astype(int), weights=length_s * flow_l_h / 3600.0)
    assert a_day.min() > 20.0


@pytest.mark.parametrize(("which", "sd"), [(1, 0.5), (2, 0.3)], ids=["lengths", "flows"])
def test_medians_are_the_recorded_ones(which: int, sd: float) -> None:
    """The median over all draws is that of the recorded medians, spread log-normally: solved for, within 4 %."""
    shares = [fixture[0] / sum(each[0] for each in RECORDED.values()) for fixture in RECORDED.values()]

    def below(x: float) -> float:
        spread = NormalDist(0.0, sd)
        medians = [fixture[which] for fixture in RECORDED.values()]
        return sum(share * spread.cdf(math.log(x / median)) for share, median in zip(shares, medians, strict=True))

    low, high = 1.0, 1000.0
    while high - low > 0.01:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if below(middle) < 0.5 else (low, middle)
    assert float(np.median(draws(days(1000.0))[which])) == pytest.approx(low, rel=0.04)


def test_no_draw_goes_beyond_what_was_recorded() -> None:
    """In forty years none is longer than 1375 s or stronger than 1375 L/h: each is shorter than BURST's 30 min."""
    _, length_s, flow_l_h = draws(days(40 * 365.25))
    assert length_s.max() <= LONGEST_RECORDED_S + 1e-6
    assert flow_l_h.max() <= STRONGEST_RECORDED_L_H


def test_people_sleep() -> None:
    """From midnight to 5 h UTC less than a fifth of the draws an hour that come from 6 to 8 h."""
    begin_s, _, _ = draws(days(365.0))
    hour = (begin_s % DAY_S) // 3600.0
    assert 0 < (hour < 5).sum() / 5.0 < 0.2 * ((hour >= 6) & (hour < 8)).sum() / 2.0


def test_the_same_seed_draws_the_same() -> None:
    """The same state of the same generator gives the same course; another seed, and a second call, another one."""
    rng = np.random.default_rng(1)
    first, second = household(0.0, DAY_S, rng), household(0.0, DAY_S, rng)
    again, other = (household(0.0, DAY_S, np.random.default_rng(seed)) for seed in (1, 2))
    assert np.array_equal(first.edges_s, again.edges_s)
    assert np.array_equal(first.flow_l_h, again.flow_l_h)
    for different in (second, other):
        assert not np.array_equal(first.edges_s, different.edges_s)


@settings(max_examples=30, deadline=None)
@given(short=st.floats(0.01, 10.0), more=st.floats(0.01, 300.0), seed=st.integers(0, 2**32))
def test_who_asks_for_more_gets_the_same_beginning(short: float, more: float, seed: int) -> None:
    """All draws of a short time are the first ones of a longer time."""
    begin_s, length_s, flow_l_h = draws(days(short, seed))
    for part, longer in zip((begin_s, length_s, flow_l_h), draws(days(short + more, seed)), strict=True):
        assert np.array_equal(part, longer[: len(part)])


def test_a_leak_flows_all_the_time() -> None:
    """2 L/h on top of everything; water and pressure are as asked for."""
    tight, leaking = days(10.0), days(10.0, leak_l_h=2.0, water_temp_c=8.0, pressure_mpa=0.3)
    assert leaking.flow_l_h == pytest.approx(tight.flow_l_h + 2.0)
    assert np.array_equal(leaking.edges_s, tight.edges_s)
    assert set(leaking.water_temp_c) == {8.0}
    assert set(leaking.pressure_mpa) == {0.3}
    assert set(tight.water_temp_c) == {15.0}


def test_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="each must come later"):
        household(0.0, 0.0, np.random.default_rng(1))


@settings(max_examples=30, deadline=None)
@given(
    start_s=st.floats(MARCH_2026_S, MARCH_2026_S + 2 * DAY_S),
    lengths_s=st.lists(st.floats(0.1, 1.5 * DAY_S), min_size=1, max_size=5),
)
def test_a_date_has_its_draws_however_it_is_asked_for(start_s: float, lengths_s: list[float]) -> None:
    """Pieces follow one another without a gap and hold what the whole holds."""
    edges_s = [start_s, *(start_s + np.cumsum(lengths_s)).tolist()]
    whole = Household(1).between(edges_s[0], edges_s[-1])
    house = Household(1)
    pieces = [house.between(begin_s, end_s) for begin_s, end_s in pairwise(edges_s)]
    assert [(piece.edges_s[0], piece.edges_s[-1]) for piece in pieces] == list(pairwise(edges_s))
    assert sum(litres(piece) for piece in pieces) == pytest.approx(litres(whole), abs=1e-4)


def test_another_household_draws_something_else() -> None:
    """Seed and date tell the draws."""
    monday, tuesday = (Household(1).between(MARCH_2026_S + n * DAY_S, MARCH_2026_S + (n + 1) * DAY_S) for n in (0, 1))
    other = Household(2).between(MARCH_2026_S, MARCH_2026_S + DAY_S)
    assert len({litres(monday), litres(tuesday), litres(other)}) == 3


def test_a_draw_goes_on_beyond_a_cut() -> None:
    """Asked for in the middle of a draw, its flow is there from the beginning."""
    house = Household(1)
    day = house.between(MARCH_2026_S, MARCH_2026_S + DAY_S)
    begin_s, length_s, flow_l_h = draws(day)
    middle_s = float(begin_s[0] + 0.5 * length_s[0])
    assert house.between(middle_s, middle_s + 0.1 * float(length_s[0])).flow_l_h.tolist() == [flow_l_h[0]]
