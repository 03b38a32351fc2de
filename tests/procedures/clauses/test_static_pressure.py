"""7.3 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.procedures.clauses.one_clause import answer, carry_out, reasons_of, rows_of, verdict_of


def test_a_sound_body_passes(tmp_path: Path) -> None:
    """Both pressures were held for their time, and every act is on record."""
    record = carry_out("static_pressure", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    held = {line["step"]: line["value"] for line in record.readings if line["quantity"] == "hold_time"}
    assert [value >= least for value, least in zip(held.values(), (900.0, 60.0), strict=True)] == [True, True]
    shown = [line["value"] for line in record.readings if line["quantity"] == "pressure_start"]
    assert shown[0] >= 2.56
    assert shown[1] >= 3.2
    assert [act["name"] for act in record.acts][-2:] == ["release_pressure", "mount"]


@pytest.mark.parametrize(("leak_above_mpa", "last"), [(2.0, "1.6 MAP"), (2.9, "2 MAP")])
def test_a_body_that_seeps_fails(tmp_path: Path, leak_above_mpa: float, last: str) -> None:
    """At the pressure at which it seeps; it is not put under more, and it is released."""
    record = carry_out("static_pressure", tmp_path / "run", truth={"leak_above_mpa": leak_above_mpa})
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "tight")[-1].condition == last
    assert rows_of(record, "tight")[-1].verdict == "FAIL"
    assert "release_pressure" in [act["name"] for act in record.acts]


@pytest.mark.parametrize("typed", ["2,5x", "nothing to be seen", "nan", "inf", "-2.6", "25.6", ""])
def test_what_is_no_pressure_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Bar for MPa, a slip of the pen, no number: never a verdict on the meter."""
    answer(monkeypatch, "pressurise", [typed])
    record = carry_out("static_pressure", tmp_path / "run")
    assert record.verdict.name in ("INVALID", "ERROR")
    assert not any(row.verdict == "PASS" for row in record.rows)


def test_a_pressure_that_was_not_reached_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2.55 MPa instead of 2.56."""
    answer(monkeypatch, "pressurise", ["2.55"])
    answer(monkeypatch, "read_gauge", ["2.55"])
    record = carry_out("static_pressure", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert "test pressure reached" in reasons_of(record)


def test_without_somebody_at_the_bench_it_is_invalid(tmp_path: Path) -> None:
    """The role is missing."""
    record = carry_out("static_pressure", tmp_path / "run", instruments={})
    assert verdict_of(record) == "INVALID"
    assert "no operator" in reasons_of(record)
