"""The edition's tables, pinned by iso4064.md 1.2, 3.1 and 5.2."""

from __future__ import annotations

import math

import pytest

from meterbench.dut.variants import all_ratings
from meterbench.procedures.edition import load

EDITION = load("2014")

# DN, Q3, R, windows of points a (Q1), b (Q2), e (Q3) in L/h (iso4064.md 5.2).
WINDOWS = """\
15 1.6  250 6.4    7.04    10.24 11.264 1440 1600
15 1.6  400 4      4.4     6.4   7.04   1440 1600
15 1.6  800 2      2.2     3.2   3.52   1440 1600
15 2.5  250 10     11      16    17.6   2250 2500
15 2.5  400 6.25   6.875   10    11     2250 2500
15 2.5  800 3.125  3.4375  5     5.5    2250 2500
15 2.5 1600 1.5625 1.71875 2.5   2.75   2250 2500
20 2.5  250 10     11      16    17.6   2250 2500
20 2.5  400 6.25   6.875   10    11     2250 2500
20 2.5  800 3.125  3.4375  5     5.5    2250 2500
20 4    250 16     17.6    25.6  28.16  3600 4000
20 4    400 10     11      16    17.6   3600 4000
20 4    800 5      5.5     8     8.8    3600 4000
20 4   1600 2.5    2.75    4     4.4    3600 4000
25 4    250 16     17.6    25.6  28.16  3600 4000
25 4    400 10     11      16    17.6   3600 4000
25 4    800 5      5.5     8     8.8    3600 4000
25 6.3  250 25.2   27.72   40.32 44.352 5670 6300
25 6.3  400 15.75  17.325  25.2  27.72  5670 6300
25 6.3  800 7.875  8.6625  12.6  13.86  5670 6300
25 6.3 1600 3.9375 4.33125 6.3   6.93   5670 6300
""".splitlines()


@pytest.mark.parametrize("row", WINDOWS)
def test_windows_of_every_variant(row: str) -> None:
    """Q1..1.1 Q1, Q2..1.1 Q2, 0.9 Q3..Q3, and targets 1.05 Q1, 1.05 Q2, 0.95 Q3 (never the edge of a window)."""
    dn, q3, ratio, *edges = row.split()
    (rating,) = (r for r in all_ratings() if (r.dn, str(r.q3_m3_h), r.ratio) == (int(dn), q3, int(ratio)))
    q1, q2, q3_ = (EDITION.flow_point(name, rating) for name in ("Q1", "Q2", "Q3"))
    seen = (q1.lower_l_h, q1.upper_l_h, q2.lower_l_h, q2.upper_l_h, q3_.lower_l_h, q3_.upper_l_h)
    assert seen == pytest.approx(tuple(map(float, edges)), rel=1e-12)
    targets = (q1.target_l_h / rating.q1_l_h, q2.target_l_h / rating.q2_l_h, q3_.target_l_h / rating.q3_l_h)
    assert targets == pytest.approx((1.05, 1.05, 0.95), rel=1e-12)
    assert [(p.name, p.zone) for p in EDITION.verification_points(rating)] == [
        ("Q3", "upper"), ("Q2", "upper"), ("Q1", "lower"),
    ]  # fmt: skip


def test_every_variant_has_its_windows() -> None:
    """The table above has all 21 variants."""
    assert len(WINDOWS) == len(all_ratings())


@pytest.mark.parametrize(
    ("accuracy_class", "zone", "temp_c", "u_k", "mpe"),
    [
        (1, "lower", 20.0, 0.05, 3.0), (1, "lower", 45.0, 0.05, 3.0), (1, "upper", 20.0, 0.05, 1.0),
        (1, "upper", 45.0, 0.05, 2.0), (2, "lower", 20.0, 0.05, 5.0), (2, "lower", 45.0, 0.05, 5.0),
        (2, "upper", 20.0, 0.05, 2.0), (2, "upper", 45.0, 0.05, 3.0),
        # 30.0 degC is the strict column; a temperature that may be 30.0 is, too.
        (2, "upper", 30.0, 0.0, 2.0), (2, "upper", math.nextafter(30.0, 31.0), 0.0, 3.0),
        (2, "upper", 30.04, 0.05, 2.0), (2, "upper", 30.06, 0.05, 3.0), (2, "upper", 29.9, 0.0, 2.0),
        # What is not known is judged by the stricter column.
        (2, "upper", math.nan, 0.05, 2.0), (2, "upper", 45.0, math.nan, 2.0), (2, "upper", 45.0, math.inf, 2.0),
    ],
)  # fmt: skip
def test_maximum_permissible_errors(accuracy_class: int, zone: str, temp_c: float, u_k: float, mpe: float) -> None:
    """Class, zone and certain water temperature select the MPE; doubt selects the stricter one."""
    assert EDITION.mpe_percent(zone, temp_c, u_k, accuracy_class) == mpe


def test_class_3_does_not_exist() -> None:
    """Only classes 1 and 2 have limits."""
    with pytest.raises(KeyError):
        EDITION.mpe_percent("upper", 20.0, 0.05, 3)


@pytest.mark.parametrize(
    ("zone", "temp_c", "limit"), [("lower", 20.0, 1.67), ("upper", 20.0, 0.67), ("upper", 45.0, 1.0)]
)
def test_uncertainty_limits_of_an_initial_verification(zone: str, temp_c: float, limit: float) -> None:
    """U is at most a third of the MPE (iso4064.md 3.1)."""
    part = EDITION.condition("uncertainty_part_of_mpe")
    assert round(part.value * EDITION.mpe_percent(zone, temp_c, 0.05, 2), 2) == limit


def test_conditions_of_an_initial_verification() -> None:
    """Water 20 +/-10 degC, flow within 2.5 % below Q2 and 5 % from Q2, inlet pressure 10 %, outlet 30 kPa, 5 K."""
    names = (
        "water_temp_lower_c",
        "water_temp_upper_c",
        "steadiness_lower_zone_percent",
        "steadiness_upper_zone_percent",
        "inlet_pressure_variation_percent",
        "outlet_pressure_kpa",
        "water_temp_variation_k",
        "same_sign_part_of_mpe",
    )
    assert [EDITION.condition(name).value for name in names] == [10.0, 30.0, 2.5, 5.0, 10.0, 30.0, 5.0, 0.5]


def test_what_was_not_confirmed_is_told() -> None:
    """The record lists every figure not checked against the printed standard; class 2 is not one."""
    unconfirmed = "\n".join(EDITION.header("10")["unconfirmed"])
    assert "mpe: 1 (lower 3.0, upper_to_30_c 1.0, upper_above_30_c 2.0)" in unconfirmed
    assert "conditions: steadiness_lower_zone_percent (value 2.5)" in unconfirmed
    assert "mpe: 2" not in unconfirmed
