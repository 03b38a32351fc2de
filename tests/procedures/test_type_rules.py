"""The rules of ISO 4064-2, 7.4.5 and ISO 4064-1, 7.2.3 and 7.2.4 on both sides of each limit. Kind: unit."""

from __future__ import annotations

import math

import pytest

from meterbench.procedures import rules

MPE = {"Q1": 5.0, "Q2": 2.0, "0.35(Q2+Q3)": 2.0, "Q3": 2.0, "Q4": 2.0}
GOOD = {"Q1": [1.0, -1.0, 0.5], "Q2": [0.5, -0.5, 0.2], "0.35(Q2+Q3)": [0.1, -0.1], "Q3": [0.3] * 3, "Q4": [0.1, 0.2]}
OVER = math.nextafter(2.0, 3.0)


def test_the_limit_itself_belongs_to_the_permissible_errors() -> None:
    """±2 % passes, the next number beyond does not (with a second point in doubt: no rule of grace)."""
    on_it = GOOD | {"Q3": [2.0, -2.0, 2.0], "Q4": [-2.0, 2.0]}
    assert rules.curve_failures(on_it, MPE, 3) == []
    assert rules.curve_failures(on_it | {"Q3": [0.0, OVER, 0.0], "Q4": [OVER, 0.0]}, MPE, 3) == ["Q3", "Q4"]


@pytest.mark.parametrize(
    ("results", "asked", "failed"),
    [
        ([OVER, 0.0], "Q4", ["Q4"]),  # two results: a third is asked for, and without it the point fails
        ([OVER, 0.0, 0.0], "", []),  # two of three within, and the mean
        ([OVER, OVER, -2.0], "", ["Q4"]),  # one of three within
        ([8.1, -1.0, -1.0], "", ["Q4"]),  # two of three within, the mean is 2.03 %
        ([8.0, -1.0, -1.0], "", []),  # the mean is 2 %: on the limit
        ([2.0, -2.0], "", []),
    ],
)
def test_a_third_run_decides_where_only_two_were_made(results: list[float], asked: str, failed: list[str]) -> None:
    """iso4064.md 2.3 (2) and 7, trap 5."""
    curve = GOOD | {"Q4": results}
    assert rules.point_to_run_again(curve, MPE, 3) == asked
    assert rules.curve_failures(curve, MPE, 3) == failed


def test_two_flow_rates_beyond_the_limit_get_no_third_run() -> None:
    """Errors at one flow rate only: not at two."""
    curve = GOOD | {"Q4": [OVER, 0.0], "0.35(Q2+Q3)": [0.0, -OVER]}
    assert rules.point_to_run_again(curve, MPE, 3) == ""
    assert rules.curve_failures(curve, MPE, 3) == ["0.35(Q2+Q3)", "Q4"]


def test_three_results_are_no_reason_for_a_fourth() -> None:
    """Q1, Q2 and Q3 have three from the beginning: two of them and the mean decide at once."""
    assert rules.point_to_run_again(GOOD | {"Q3": [OVER, 0.0, 0.0]}, MPE, 3) == ""
    assert rules.curve_failures(GOOD | {"Q3": [OVER, 0.0, 0.0]}, MPE, 3) == []
    assert rules.curve_failures(GOOD | {"Q3": [OVER, OVER, 0.0]}, MPE, 3) == ["Q3"]


def test_a_flow_rate_without_results_fails() -> None:
    """Nothing measured is nothing passed."""
    assert rules.curve_failures(GOOD | {"Q2": []}, MPE, 3) == ["Q2"]


def test_repeatability_is_the_sample_standard_deviation() -> None:
    """The worked example of iso4064.md 3.3: 0.62, 0.41, 0.55 give s = 0.10693 (n - 1); one result gives none."""
    assert rules.repeatability([0.62, 0.41, 0.55]) == pytest.approx(0.10693, abs=5e-6)
    assert rules.mean([0.62, 0.41, 0.55]) == pytest.approx(0.52667, abs=5e-6)
    assert math.isnan(rules.repeatability([0.62]))
    assert rules.repeatability([-1.0, 0.0, 1.0]) == 1.0  # 1 % at class 2 above 30 degC: on the limit


def test_the_same_sign_rule_takes_half_of_each_points_own_mpe() -> None:
    """Trap 6: 2.5 % at Q1, 1 % elsewhere; one point at exactly its half is enough."""
    limits = {"Q1": 5.0, "Q3": 2.0}
    assert rules.same_sign_share({"Q1": 2.5, "Q3": 1.9}, limits) == 0.5
    assert rules.same_sign_share({"Q1": math.nextafter(2.5, 3.0), "Q3": 1.9}, limits) > 0.5
    assert rules.same_sign_share({"Q1": 4.9, "Q3": -0.1}, limits) == 0.0


def test_a_fault_is_counted_from_the_meters_own_error() -> None:
    """Trap 7: +1.2 % under the disturbance is no significant fault of a meter that shows +0.3 % without it."""
    assert rules.fault(1.2, 0.3) == pytest.approx(0.9)
    assert rules.fault(0.5, -0.6) == pytest.approx(1.1)


def test_the_shift_of_a_curve_is_of_mean_values() -> None:
    """iso4064.md 2.6: |Em(after) - Em(before)| per flow point."""
    assert rules.curve_shift([0.0, 0.2], [1.6, 1.6]) == pytest.approx(1.5)
    assert math.isnan(rules.curve_shift([], [1.0]))
