"""The decision rules of ISO 4064 on worked examples and on their boundaries."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.procedures.rules import point_passes, point_to_repeat, same_sign_share, within

BEYOND = math.nextafter(2.0, 3.0)
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("error", "inside"), [(2.0, True), (-2.0, True), (BEYOND, False), (-BEYOND, False), (0.0, True), (0.77125, True),
                          (NAN, False), (INF, False), (-INF, False)],
)  # fmt: skip
def test_the_mpe_itself_is_permissible(error: float, inside: bool) -> None:
    """|E| of exactly the MPE is within, its next float is not; what is no number never is."""
    assert within(error, 2.0) is inside


def test_no_limit_holds_nothing() -> None:
    """An MPE that is NaN or negative lets nothing pass."""
    assert not within(0.0, NAN)
    assert not within(0.0, -2.0)


@pytest.mark.parametrize(
    ("errors", "passes"),
    [
        ([2.0], True),
        ([BEYOND], False),
        ([], False),
        ([NAN], False),
        # Two without a third: nothing excuses one outside.
        ([1.0, 2.0], True),
        ([2.1, 1.0], False),
        # The third run decides: two of three, and the mean.
        ([2.1, 1.9, 1.9], True),
        ([2.1, 1.9, 2.0], True),
        ([2.1, 2.1, 0.0], False),
        ([2.1, 0.0, 2.1], False),
        ([8.0, 1.0, 1.0], False),
        ([2.5, 2.0, 1.5], True),
        ([2.6, 2.0, 1.5], False),
        ([-2.5, -2.0, -1.5], True),
        ([2.1, NAN, 1.0], False),
        ([2.1, 1.0, NAN], False),
        ([2.1, 1.0, -INF], False),
        ([0.62, 0.41, 0.55], True),
    ],
)
def test_third_run(errors: list[float], passes: bool) -> None:
    """One result is within; of three two are, and so is their mean (iso4064.md 2.3); NaN is never within."""
    assert point_passes(errors, 2.0, 3) is passes


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), st.floats(0.0, 1e3))
def test_no_point_passes_with_its_mean_outside(errors: list[float], mpe: float) -> None:
    """Whatever the errors, a point that passes has at most one outside and a mean within (to rounding)."""
    if point_passes(errors, mpe, 3):
        assert sum(not within(error, mpe) for error in errors) <= 1
        assert abs(statistics.fmean(errors)) <= mpe * (1.0 + 1e-9) + 1e-9


@pytest.mark.parametrize(
    ("errors", "point"),
    [
        ({"Q1": 4.9, "Q2": 1.9, "Q3": 1.9}, None),
        ({"Q1": 5.0, "Q2": 2.0, "Q3": -2.0}, None),
        ({"Q1": 5.1, "Q2": 1.9, "Q3": 1.9}, "Q1"),
        ({"Q1": 4.0, "Q2": 4.0, "Q3": 1.9}, "Q2"),
        ({"Q1": 5.1, "Q2": 2.1, "Q3": 1.9}, None),
        ({"Q1": 5.1, "Q2": 2.1, "Q3": 2.1}, None),
    ],
)
def test_a_meter_is_measured_again_at_one_point_only(errors: dict[str, float], point: str | None) -> None:
    """Out of limits at exactly one flow rate there are further runs; at two the meter has failed (iso4064.md 7, 5)."""
    assert point_to_repeat(errors, {"Q1": 5.0, "Q2": 2.0, "Q3": 2.0}) == point


MPE = {"Q1": 5.0, "Q2": 2.0, "Q3": 2.0}


@pytest.mark.parametrize(
    ("errors", "share"),
    [
        ((2.5, 1.5, 1.5), 0.5),  # exactly half, at Q1 by its own MPE
        ((-4.0, -1.0, -1.5), 0.5),
        ((3.0, 1.2, 1.4), 0.6),
        ((4.9, 1.9, 0.1), 0.05),
        ((4.9, 1.9, -0.1), 0.0),
        ((4.9, 1.9, 0.0), 0.0),
        ((-4.9, -1.9, -1.9), 0.95),
    ],
)
def test_same_sign_rule(errors: tuple[float, ...], share: float) -> None:
    """All of one sign: the smallest error as part of its own MPE; mixed signs, or a zero among them: 0."""
    assert same_sign_share(dict(zip(MPE, errors, strict=True)), MPE) == share


@pytest.mark.parametrize(
    "errors", [{}, {"Q1": NAN, "Q2": 1.9, "Q3": 1.9}, {"Q1": 4.9, "Q2": NAN}, {"Q1": INF, "Q2": -1.0}]
)
def test_the_same_sign_of_nothing_is_not_known(errors: dict[str, float]) -> None:
    """Without errors, or with one that is no number, there is no share that could be below one half."""
    assert math.isnan(same_sign_share(errors, MPE))


@given(st.tuples(*[st.floats(-10.0, 10.0)] * 3))
def test_the_sign_of_all_errors_does_not_matter(errors: tuple[float, ...]) -> None:
    """The rule favours neither party: turning all signs round leaves the share."""
    turned = {point: -error for point, error in zip(MPE, errors, strict=True)}
    assert same_sign_share(turned, MPE) == same_sign_share(dict(zip(MPE, errors, strict=True)), MPE)
