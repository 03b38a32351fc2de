"""7.7 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from tests.procedures.clauses.one_clause import GAUGE, carry_out, reasons_of, rows_of, verdict_of


def test_a_good_meter_passes_and_the_pressure_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At both ends of the rated pressures, by the gauge; the last that the rig hears is to hold none."""
    held: list[float | None] = []
    original = ModbusPlcRig.hold_pressure

    def hold(self: ModbusPlcRig, pressure_kpa: float | None) -> None:
        held.append(pressure_kpa)
        original(self, pressure_kpa)

    monkeypatch.setattr(ModbusPlcRig, "hold_pressure", hold)
    record = carry_out("water_pressure", tmp_path / "run", instruments={"pressure": GAUGE})
    assert verdict_of(record) == "PASS"
    seen = [each for each in record.conditions if each.quantity == "inlet pressure"]
    assert [(each.lower, each.upper, each.note) for each in seen] == [
        (30.0, 31.5, "by the gauge"),
        (1440.0, 1600.0, "by the gauge"),
    ]
    assert held[-1] is None


def test_a_gain_that_goes_with_the_pressure_fails_at_map_alone(tmp_path: Path) -> None:
    """3 % a MPa above 0.3 MPa."""
    record = carry_out(
        "water_pressure", tmp_path / "run", truth={"gain_percent_mpa": 3.0}, instruments={"pressure": GAUGE}
    )
    assert verdict_of(record) == "FAIL"
    assert [row.verdict for row in rows_of(record, "error_of_indication")] == ["PASS", "FAIL"]


@pytest.mark.parametrize("truth", [{}, {"gain_percent_mpa": 3.0}], ids=["good unit", "bad unit"])
def test_a_pressure_that_is_not_held_is_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, truth: dict[str, float]
) -> None:
    """The drives do not obey: 0.4 MPa is neither the lowest nor the highest."""
    monkeypatch.setattr(ModbusPlcRig, "hold_pressure", lambda *_: None)
    record = carry_out("water_pressure", tmp_path / "run", truth=truth, instruments={"pressure": GAUGE})
    assert verdict_of(record) == "INVALID"
    assert "inlet pressure" in reasons_of(record)


@pytest.mark.parametrize(
    ("instruments", "reason"),
    [
        ({}, "transmitter"),
        ({"pressure": GAUGE | {"calibration": GAUGE["calibration"] | {"expanded_uncertainty": "2 kPa"}}}, "2 kPa only"),
        ({"pressure": GAUGE | {"calibration": GAUGE["calibration"] | {"due": "2020-01-01"}}}, "out of calibration"),
    ],
    ids=["no gauge", "too coarse", "expired"],
)
def test_a_pressure_that_nobody_knows_is_invalid(tmp_path: Path, instruments: dict[str, Any], reason: str) -> None:
    """5 % of 30 kPa are 1.5 kPa: who does not know it better has tested nothing."""
    record = carry_out("water_pressure", tmp_path / "run", instruments=instruments)
    assert verdict_of(record) == "INVALID"
    assert reason in reasons_of(record)
