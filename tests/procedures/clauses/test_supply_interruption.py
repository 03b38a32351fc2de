"""8.5.4 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.procedures.clauses.one_clause import answer, carry_out, reasons_of, rows_of, verdict_of

KEY = "supply_interruption"


def test_a_good_meter_keeps_its_total(tmp_path: Path) -> None:
    """The pack is out for an hour, and out again in the end."""
    record = carry_out(KEY, tmp_path / "run")
    assert verdict_of(record) == "PASS"
    moved = [act["name"] for act in record.acts if act["name"].endswith("_source")]
    assert moved == ["insert_source", "remove_source", "insert_source", "remove_source"]
    assert next(each.lowest for each in record.conditions if each.quantity == "time without the pack") >= 3600.0


def test_a_meter_that_forgets_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "read_display", [None, "000.000000 m³"])
    record = carry_out(KEY, tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "change_of_volume")[0].verdict == "FAIL"


def test_a_meter_that_warns_afterwards_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "read_icons", ["low battery external"])
    assert verdict_of(carry_out(KEY, tmp_path / "run")) == "FAIL"


def test_a_total_of_nothing_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lost it would show 0, too."""
    answer(monkeypatch, "read_display", ["000.000000 m³", "000.000000 m³"])
    record = carry_out(KEY, tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert "nothing could be lost" in reasons_of(record)


@pytest.mark.parametrize(("task", "answers"), [("insert_source", ["not done"]), ("insert_source", [None, "not done"]),
                                               ("remove_source", ["not done"])])  # fmt: skip
def test_what_could_not_be_done_is_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, answers: list[str | None]
) -> None:
    """Not fitted, not refitted, not taken out."""
    answer(monkeypatch, task, answers)
    record = carry_out(KEY, tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert record.verdict.name == "INVALID", "the run goes on"
