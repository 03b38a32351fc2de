"""7.8 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.procedures.clauses.one_clause import answer, carry_out, reasons_of, rows_of, verdict_of


def test_a_good_meter_passes_and_stands_as_before(tmp_path: Path) -> None:
    """Three reverse errors by the display in TEST mode; then the meter is turned back, in NORMAL mode."""
    record = carry_out("flow_reversal", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [row.flow_point for row in rows_of(record, "error_of_indication")] == ["Q1", "Q2", "Q3"]
    last = [act["details"] for act in record.acts if act["name"] in ("turn_round", "set_mode")][-2:]
    assert (last[0]["direction"], last[1]["mode"]) == ("forward", "NORMAL")


def test_a_meter_that_is_wrong_in_reverse_only_fails(tmp_path: Path) -> None:
    """4 % against the arrow: beyond the MPE of the upper zone, within that of the lower."""
    record = carry_out("flow_reversal", tmp_path / "run", truth={"reverse_gain_percent": 4.0})
    assert verdict_of(record) == "FAIL"
    assert [row.verdict for row in rows_of(record, "error_of_indication")] == ["PASS", "FAIL", "FAIL"]


def test_a_meter_that_cannot_be_turned_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured; it leaves TEST mode."""
    answer(monkeypatch, "turn_round", ["not done"])
    record = carry_out("flow_reversal", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert not record.rows
    assert record.acts[-1]["details"]["mode"] == "NORMAL"


def test_a_display_that_shows_whole_litres_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person said that it is in TEST mode, and it is not."""
    answer(monkeypatch, "set_mode", ["done"])
    record = carry_out("flow_reversal", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert "the display shows steps of 1000 mL" in reasons_of(record)


def test_a_meter_that_is_not_turned_back_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every later test would find it wrong."""
    answer(monkeypatch, "turn_round", [None, "not done"])
    record = carry_out("flow_reversal", tmp_path / "run")
    assert record.verdict.name == "ERROR"
    assert not record.clause_verdicts
