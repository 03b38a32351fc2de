"""The decision rules of ISO 4064 on worked examples and on their boundaries."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.errors import ConfigError
from meterbench.procedures import rules
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


@pytest.mark.parametrize(
    ("temperature_class", "range_c"),
    [("T30", (0.1, 30.0)), ("T50", (0.1, 50.0)), ("T30/70", (30.0, 70.0)), ("T180", (0.1, 180.0))],
)
def test_a_temperature_class_is_a_range(temperature_class: str, range_c: tuple[float, float]) -> None:
    """ISO 4064-1, 4.2.4."""
    assert rules.water_temp_range_c(temperature_class) == range_c


@pytest.mark.parametrize("text", ["", "50", "T55", "T50 ", "T30/30", "T50/70", "T30/"])
def test_what_is_no_temperature_class_is_refused(text: str) -> None:
    """Never a guess."""
    with pytest.raises(ConfigError):
        rules.water_temp_range_c(text)


@pytest.mark.parametrize(("loss_class", "kpa"), [("p40", 40.0), ("dp63", 63.0), ("ΔP 25", 25.0), ("∆p10", 10.0)])
def test_a_pressure_loss_class_is_a_limit(loss_class: str, kpa: float) -> None:
    """ISO 4064-1, 6.5: dP63 is 0.063 MPa."""
    assert rules.pressure_loss_limit_kpa(loss_class) == kpa


@pytest.mark.parametrize("text", ["", "40", "p41", "p400", "dp", "p4 0"])
def test_what_is_no_pressure_loss_class_is_refused(text: str) -> None:
    """Never a guess."""
    with pytest.raises(ConfigError):
        rules.pressure_loss_limit_kpa(text)


def test_a_loss_is_rescaled_with_the_square_of_the_flow() -> None:
    """36.1 kPa at 0.95 Q3 are 40 kPa at Q3."""
    assert rules.rescaled_loss_kpa(36.1, 0.95, 1.0) == pytest.approx(40.0)


def test_a_fall_of_pressure_is_of_itself() -> None:
    """NaN, which is judged INVALID, where there was no pressure."""
    assert rules.pressure_fall_percent(2.56, 2.5088) == pytest.approx(2.0)
    assert rules.pressure_fall_percent(2.5, 2.6) < 0.0
    assert math.isnan(rules.pressure_fall_percent(0.0, 0.0))
