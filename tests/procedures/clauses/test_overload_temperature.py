"""7.6 on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from meterbench.bench.virtual_operator import VirtualOperator
from meterbench.instruments.operator.operator_panel_sim import Work
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from tests.procedures.clauses.one_clause import answer, carry_out, reasons_of, rows_of, verdict_of


def test_a_good_meter_passes(tmp_path: Path) -> None:
    """An hour at 60 °C by the probe, then an error at reference conditions; the display went on with the pulses."""
    record = carry_out("overload_temperature", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    (hot,) = [each for each in record.conditions
              if each.step.endswith("exposure") and each.quantity == "water temperature"]  # fmt: skip
    assert hot.lowest is not None
    assert hot.highest is not None
    assert 57.5 <= hot.lowest <= hot.highest <= 62.5
    (error,) = [row for row in rows_of(record, "error_of_indication") if row.verdict != "NOT_RUN"]
    assert error.condition == "after recovery"
    assert error.upper == 2.0


def test_a_display_that_stood_still_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same total before and after the hour."""
    shown: list[str] = []
    original = VirtualOperator.begin

    def begin(self: VirtualOperator, name: str, details: dict[str, str | float]) -> Work | None:
        work = original(self, name, details)
        if name != "read_display" or work is None:
            return work

        def first() -> str:
            shown.append(work.finish())
            return shown[0]

        return Work(work.takes_s, first)

    monkeypatch.setattr(VirtualOperator, "begin", begin)
    record = carry_out("overload_temperature", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "display_increase")[0].value == 0.0


def test_a_display_that_cannot_be_read_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So says the person who looks at it afterwards."""
    answer(monkeypatch, "visual_check", ["no"])
    assert verdict_of(carry_out("overload_temperature", tmp_path / "run")) == "FAIL"


def test_water_that_does_not_get_hot_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the overload nothing was tested."""
    monkeypatch.setattr(ModbusPlcRig, "set_water_temp", lambda *_: None)
    record = carry_out("overload_temperature", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert "water temperature" in reasons_of(record)


def test_a_reading_that_is_none_is_invalid_and_the_water_cools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test breaks off; the next one finds water at reference conditions."""
    asked: list[float] = []
    original = ModbusPlcRig.set_water_temp

    def set_water_temp(self: ModbusPlcRig, water_temp_c: float) -> None:
        asked.append(water_temp_c)
        original(self, water_temp_c)

    monkeypatch.setattr(ModbusPlcRig, "set_water_temp", set_water_temp)
    answer(monkeypatch, "read_display", ["nothing to be seen"])
    record = carry_out("overload_temperature", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert asked == [60.0, 20.0]
