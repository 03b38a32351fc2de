"""7.5 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from tests.procedures.clauses.one_clause import carry_out, reasons_of, rows_of, verdict_of


def test_a_good_meter_passes_and_the_water_is_as_before(tmp_path: Path) -> None:
    """Each error by the MPE of its temperature; afterwards the water is at 20 °C again."""
    record = carry_out("water_temperature", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    errors = rows_of(record, "error_of_indication")
    assert [(row.condition, row.upper) for row in errors] == [("10 °C", 2.0), ("47.5 °C", 3.0)]
    temps = [line["value"] for line in record.readings
             if line["quantity"] == "water_temperature" and not line["meter"]]  # fmt: skip
    assert 5.0 <= temps[0] <= 15.0
    assert 45.0 <= temps[1] <= 50.0


def test_a_gain_that_goes_with_the_temperature_fails(tmp_path: Path) -> None:
    """0.15 % a kelvin: 4 % at 47.5 °C."""
    record = carry_out("water_temperature", tmp_path / "run", truth={"gain_slope_percent_k": 0.15})
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "error_of_indication")[-1].verdict == "FAIL"


@pytest.mark.parametrize("truth", [{}, {"gain_slope_percent_k": 0.15}], ids=["good unit", "bad unit"])
def test_water_that_does_not_get_there_is_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, truth: dict[str, float]
) -> None:
    """The heating does not obey: the deadline passes, and neither good nor bad is said of the meter."""
    monkeypatch.setattr(ModbusPlcRig, "set_water_temp", lambda *_: None)
    record = carry_out("water_temperature", tmp_path / "run", truth=truth)
    assert verdict_of(record) == "INVALID"
    assert "water temperature" in reasons_of(record)
    assert any("at the deadline" in event["text"] for event in record.events)
