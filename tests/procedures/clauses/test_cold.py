"""8.3 on the virtual station, with a shorter exposure. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.procedures.clauses.chamber_station import chamber, figure
from tests.procedures.clauses.one_clause import carry_out, verdict_of

KEY = "cold"
FIGURES: dict[str, dict[str, Any]] = {
    "exposure_s": figure(1800.0),
    "recovery_s": figure(600.0),
    "gradient_k_min": figure(3.0),
}


def test_a_good_meter_passes_with_water_of_20_c(tmp_path: Path) -> None:
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "PASS"
    assert [row.condition for row in record.rows] == ["before", "-25 °C after 0.5 h", "after recovery"]
    cold = {each.quantity: each for each in record.conditions if each.step.startswith("cold/-25")}
    assert cold["air temperature around the meters"].highest <= -22.0
    assert cold["water temperature"].lowest > 15.0


def test_a_meter_that_errs_when_cold_fails(tmp_path: Path) -> None:
    """Its board is more than 10 K below 0 degC."""
    record = carry_out(KEY, tmp_path / "run", truth={"cold_percent_k": 0.3}, instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "FAIL"
    assert [row.verdict for row in record.rows] == ["PASS", "FAIL", "PASS"]
