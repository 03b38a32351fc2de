"""7.10 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from meterbench.procedures import edition
from tests.procedures.clauses.one_clause import answer, carry_out, rows_of, verdict_of

KEY = "flow_disturbance"
TWO = {"disturbers": {"tests": [["1", "1", "upstream"], ["6", "3", "downstream"]], "confirmed": False}}


def test_the_table_has_all_six(tmp_path: Path) -> None:
    """Three disturbers, each upstream and downstream (Annex I)."""
    tests = edition.load().test(KEY).data("disturbers", "tests")
    assert [number for number, _, _ in tests] == ["1", "2", "3", "4", "5", "6"]
    assert len({(disturber, place) for _, disturber, place in tests}) == 6


def test_a_good_meter_passes_forward_and_in_reverse(tmp_path: Path) -> None:
    """Each disturber is fitted and taken out again, in both directions."""
    record = carry_out(KEY, tmp_path / "run", figures=TWO)
    assert verdict_of(record) == "PASS"
    assert [row.condition for row in rows_of(record, "error_of_indication")] == [
        "test 1: disturber 1 upstream",
        "test 6: disturber 3 downstream",
        "test 1: disturber 1 upstream, reverse",
        "test 6: disturber 3 downstream, reverse",
    ]
    names = [act["name"] for act in record.acts]
    assert names.count("fit_disturber") == names.count("remove_disturber") == 4


def test_a_meter_that_minds_swirl_fails(tmp_path: Path) -> None:
    """Upstream by 4 %, downstream by a third of it."""
    record = carry_out(KEY, tmp_path / "run", truth={"swirl_percent": 4.0}, figures=TWO)
    assert verdict_of(record) == "FAIL"
    assert [row.verdict for row in rows_of(record, "error_of_indication")][:2] == ["FAIL", "PASS"]


def test_a_disturber_that_cannot_be_fitted_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was disturbed."""
    answer(monkeypatch, "fit_disturber", ["not done"])
    assert verdict_of(carry_out(KEY, tmp_path / "run", figures=TWO)) == "INVALID"


def test_a_disturber_that_stays_in_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every later test would find the meter disturbed."""
    answer(monkeypatch, "remove_disturber", ["not done"])
    record = carry_out(KEY, tmp_path / "run", figures=TWO)
    assert record.verdict.name == "ERROR"
    assert not record.clause_verdicts
