"""8.5.3 on the virtual station, in the place of one source. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.instruments.capabilities import SupplyReading
from meterbench.instruments.supply.rs_ngu201 import RsNgu201
from tests.procedures.clauses.chamber_station import figure
from tests.procedures.clauses.one_clause import OPERATOR, answer, carry_out, reasons_of, rows_of, verdict_of

KEY = "supply_voltage"
SUPPLY = {
    "driver": "rs_ngu201",
    "address": ["virtual"],
    "calibration": {"certificate": "V-2026-010", "due": "2027-06-30", "expanded_uncertainty": "0.1 %"},
}
STATION = {"operator": OPERATOR, "supply": SUPPLY}


def sources(*names: str, pairs: list[list[str]] | None = None) -> dict[str, dict[str, Any]]:
    """Fewer of them, and fewer switch-overs."""
    return {
        "sources": {"names": list(names), "confirmed": False},
        "switch_overs": {"pairs": pairs or [], "confirmed": False},
    }


def test_a_good_meter_passes_on_its_backup_alone(tmp_path: Path) -> None:
    """MEASUREMENT mode at three voltages; the low one is shown, and nothing is lost."""
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources("BACKUP"))
    assert verdict_of(record) == "PASS"
    assert [row.condition for row in rows_of(record, "error_of_indication")] == [
        f"BACKUP {voltage} V, 20000001" for voltage in ("2.9", "3.6", "3.7")
    ]
    assert [row.quantity for row in record.rows[3:]] == [
        "low_battery_shown",
        "low_voltage_detected",
        "change_of_volume",
    ]
    fed = [each for each in record.conditions if each.quantity == "current that the meter takes from the supply"]
    assert len(fed) == 3
    assert all(each.lowest is not None and each.lowest > 0.01 for each in fed)
    assert record.acts[-1]["name"] == "disconnect_supply"


def test_the_total_goes_on_at_every_switch_over(tmp_path: Path) -> None:
    """The source is taken out while water flows; C1 is back afterwards, the external pack is not."""
    pairs = [["EXTERNAL", "C1"], ["C1", "BACKUP"]]
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources(pairs=pairs))
    assert verdict_of(record) == "PASS"
    assert len(rows_of(record, "display_against_pulses")) == 2
    moved = [(act["name"], act["details"]["source"]) for act in record.acts if act["name"].endswith("_source")]
    assert moved == [
        ("insert_source", "EXTERNAL"),
        ("remove_source", "EXTERNAL"),
        ("remove_source", "C1"),
        ("insert_source", "C1"),
    ]


def test_a_display_that_lost_water_at_the_switch_over_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what it showed before."""
    answer(monkeypatch, "read_display", ["000.010000 m³", "000.010000 m³"])
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources(pairs=[["C1", "BACKUP"]]))
    assert verdict_of(record) == "FAIL"
    assert [row.verdict for row in record.rows] == ["FAIL", "FAIL"]


def test_a_meter_that_errs_at_low_voltage_fails_there(tmp_path: Path) -> None:
    """10 %/V below 3.2 V."""
    truth = {"low_supply_percent_v": 10.0}
    record = carry_out(KEY, tmp_path / "run", truth=truth, instruments=STATION, figures=sources("C1"))
    assert verdict_of(record) == "FAIL"
    assert [row.verdict for row in rows_of(record, "error_of_indication")] == ["FAIL", "PASS", "PASS"]


def test_a_meter_that_does_not_notice_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "read_icons", ["none"] * 40)
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources("C1"))
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "low_voltage_detected")[0].verdict == "FAIL"


def test_a_warning_that_is_always_there_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would detect everything."""
    answer(monkeypatch, "read_icons", ["LOW_BATTERY_INTERNAL"] * 40)
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources("C1"))
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "low_battery_shown")[0].verdict == "FAIL"


def test_a_total_that_is_another_when_the_voltage_is_back_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "read_display", [None, "000.000002 m³"])
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources("C1"))
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "change_of_volume")[0].verdict == "FAIL"


def test_a_meter_that_lives_from_its_storage_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes nothing from the supply: nobody knows what voltage its electronics have."""
    original = ReferenceMeter.at_leads
    monkeypatch.setattr(ReferenceMeter, "at_leads", lambda self, place: (original(self, place)[0], 0.0))
    figures = sources("C1") | {"feeds_deadline_s": figure(3600.0)}
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=figures)
    assert verdict_of(record) == "INVALID"
    assert "current that the meter takes from the supply" in reasons_of(record)


def test_a_supply_that_gives_another_voltage_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 mV more than it was set to, as it measures itself."""
    original = RsNgu201.measure

    def measure(self: RsNgu201) -> SupplyReading:
        seen = original(self)
        return SupplyReading(seen.voltage_v + 0.05, seen.current_ma)

    monkeypatch.setattr(RsNgu201, "measure", measure)
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources("C1"))
    assert verdict_of(record) == "INVALID"
    assert "voltage of the supply" in reasons_of(record)


def test_a_supply_without_a_certificate_is_invalid(tmp_path: Path) -> None:
    bare = {key: part for key, part in SUPPLY.items() if key != "calibration"}
    record = carry_out(KEY, tmp_path / "run", instruments=STATION | {"supply": bare}, figures=sources("C1"))
    assert verdict_of(record) == "INVALID"


def test_without_a_supply_it_is_invalid(tmp_path: Path) -> None:
    record = carry_out(KEY, tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert "no supply" in reasons_of(record)


def test_leads_that_could_not_be_connected_are_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is to be disconnected."""
    answer(monkeypatch, "connect_supply", ["not done"])
    record = carry_out(KEY, tmp_path / "run", instruments=STATION, figures=sources("C1"))
    assert verdict_of(record) == "INVALID"
    assert [act["name"] for act in record.acts] == ["connect_supply"]
