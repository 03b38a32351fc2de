"""8.4 on the virtual station, with one short cycle. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.world.climate import Chamber
from tests.procedures.clauses.chamber_station import chamber, figure, happens
from tests.procedures.clauses.one_clause import carry_out, reasons_of, rows_of, verdict_of

KEY = "damp_heat"
FIGURES: dict[str, dict[str, Any]] = {
    "cycles": figure(1.0),
    "rise_s": figure(3600.0),
    "upper_until_s": figure(7200.0),
    "fall_s": figure(3600.0),
    "period_s": figure(14_400.0),
    "recovery_s": figure(600.0),
    "conditioning_s": figure(600.0),
}


def test_a_good_meter_passes(tmp_path: Path) -> None:
    """Error and fault are judged; the air followed the cycle, and was damp all the while."""
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "PASS"
    assert [(row.quantity, row.condition, row.verdict) for row in record.rows] == [
        ("error_of_indication", "before", "PASS"),
        ("error_of_indication", "after recovery", "PASS"),
        ("fault", "after recovery", "PASS"),
    ]
    seen = {each.quantity: each for each in record.conditions if each.step == "damp-heat/cycle 1"}
    assert seen["relative humidity at the upper temperature"].lower == 93.0
    assert seen["relative humidity while it changes, and at the lower temperature"].lower == 95.0
    assert all(each.met for each in seen.values())


def test_a_meter_into_which_damp_creeps_fails_by_its_fault(tmp_path: Path) -> None:
    """1.5 % stay within the MPE, and are more than half of it. Damp takes 6 h to get in."""
    long = FIGURES | {"upper_until_s": figure(27_000.0), "period_s": figure(34_200.0)}
    record = carry_out(KEY, tmp_path / "run", truth={"damp_percent": 1.5}, instruments=chamber(), figures=long)
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "fault")[0].verdict == "FAIL"
    assert rows_of(record, "error_of_indication")[1].verdict == "PASS"


def test_a_humidifier_that_runs_dry_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chamber does not tell; its humidity does."""

    def empty(self: Chamber, hot_s: float) -> None:
        self.humidifier_empty = 600.0 < hot_s < 4000.0

    happens(monkeypatch, empty)
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "INVALID"
    assert "relative humidity at the upper temperature" in reasons_of(record)
    assert {row.verdict for row in record.rows[1:]} == {"INVALID"}


def test_a_chamber_that_never_gets_damp_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def empty(self: Chamber, _hot_s: float) -> None:
        self.humidifier_empty = True

    happens(monkeypatch, empty)
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "INVALID"
    assert "did not come to 95 %" in reasons_of(record)


def test_a_chamber_that_does_not_follow_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heater fails for half an hour."""

    def limiter(self: Chamber, hot_s: float) -> None:
        if 600.0 < hot_s < 2400.0:
            self.trip_limiter()
        else:
            self.reset_limiter()

    happens(monkeypatch, limiter)
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "INVALID"
    assert "air temperature less the cycle's" in reasons_of(record)
