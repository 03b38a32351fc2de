"""What the display and the nameplate show, on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import virtual_operator
from meterbench.bench.virtual_operator import VirtualOperator
from meterbench.dut.reference_meter.hardware.lcd import WIRING, Glass
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology.interface import Screen
from tests.procedures.clauses.one_clause import answer, reasons_of, rows_of, verdict_of
from tests.procedures.functions.one_function import at_the_start, carry_out, configured


def broken(monkeypatch: pytest.MonkeyPatch, *segments: str) -> None:
    """Every glass comes with segments that stay dark."""
    assert set(segments) <= WIRING.keys()

    def swap(meter: ReferenceMeter) -> None:
        meter.lcd = Glass(frozenset(segments))
        meter.lcd.supply(True)

    at_the_start(monkeypatch, swap)


def test_the_display_goes_round_with_units(tmp_path: Path) -> None:
    """The volume, other screens, no value without unit, all segments."""
    record = carry_out("display", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [row.value for row in rows_of(record, "kinds_of_screens")] == [7.0]


def test_a_display_that_stands_still_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One screen is no cycle."""
    configured(monkeypatch, screens=(Screen.VOLUME,))
    record = carry_out("display", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "kinds_of_screens")[0].verdict == "FAIL"


def test_a_value_without_its_unit_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The m³ is broken: no volume is to be seen as one, and the segment test tells, too."""
    broken(monkeypatch, "unit.m³")
    record = carry_out("display", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert [row.quantity for row in record.rows if row.verdict == "FAIL"] == [
        "volume_in_cycle",
        "values_without_unit",
        "all_segments_show",
    ]


def test_a_display_that_nobody_saw_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty answer says nothing of it."""
    answer(monkeypatch, "watch_display", [";"])
    assert verdict_of(carry_out("display", tmp_path / "run")) == "INVALID"


def test_formats_are_as_described(tmp_path: Path) -> None:
    """Both totals, in both modes; what NORMAL shows is cut off."""
    record = carry_out("formats", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert len(rows_of(record, "digits_as_described")) == 4


def test_a_display_with_other_decimals_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them instead of three."""
    configured(monkeypatch, volume_decimals=2)
    record = carry_out("formats", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert "NORMAL" in reasons_of(record)


def test_a_display_that_rounds_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step more in NORMAL than there is."""
    answer(monkeypatch, "read_display", ["009999.999 m³"])
    record = carry_out("formats", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert [row.quantity for row in record.rows if row.verdict == "FAIL"] == ["normal_less_test"]


def test_registers_follow_water_air_and_time(tmp_path: Path) -> None:
    """Flow both ways, ambient temperature, date and time."""
    record = carry_out("registers", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [row.quantity for row in record.rows] == [
        "date_shown",
        "time_shown",
        "clock_gained",
        "ambient_temperature_error",
        "flow_rate_error",
        "flow_rate_error",
    ]


def test_a_clock_that_is_not_valid_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dashes are no date and no time."""
    original = VirtualOperator._read_display

    def dashes(self: VirtualOperator, details: Any) -> str:
        return {"date": "----.--.--", "time": "--:--:--"}.get(details["screen"]) or original(self, details)

    monkeypatch.setitem(_told(), "read_display", (30.0, dashes))
    record = carry_out("registers", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert [row.quantity for row in record.rows if row.verdict == "FAIL"] == ["date_shown", "time_shown"]


def test_a_reverse_flow_without_its_sign_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The direction is part of the register."""
    original = VirtualOperator._read_display
    monkeypatch.setitem(
        _told(), "read_display", (30.0, lambda self, details: original(self, details).removeprefix("-"))
    )
    record = carry_out("registers", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert [row.condition[:7] for row in record.rows if row.verdict == "FAIL"] == ["reverse"]


def test_icons_are_shown_while_their_cause_is_there(tmp_path: Path) -> None:
    """Valve, WAN, and the plus that blinks; the valve is open again."""
    record = carry_out("icons", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    moved = [act["details"]["position"] for act in record.acts if act["name"] == "move_valve"]
    assert moved == ["closed", "open"]


@pytest.mark.parametrize("segment", ["icon.VALVE_CLOSED", "icon.WAN", "icon.FLOW"])
def test_an_icon_that_stays_dark_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment: str) -> None:
    """A broken segment."""
    broken(monkeypatch, segment)
    record = carry_out("icons", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    (failed,) = [row for row in record.rows if row.verdict == "FAIL"]
    assert failed.quantity.startswith(segment.removeprefix("icon.").casefold())


def test_a_valve_that_stays_closed_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No water would flow in any later test."""
    answer(monkeypatch, "move_valve", ["done", "not done"])
    record = carry_out("icons", tmp_path / "run")
    assert record.verdict.name == "ERROR"


def test_the_nameplate_says_who_it_is(tmp_path: Path) -> None:
    """Barcode and markings; the scanner is put away."""
    record = carry_out("nameplate", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [act["name"] for act in record.acts][:2] == ["present_nameplate", "put_scanner_away"]


def test_another_serial_number_in_the_barcode_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two meters were exchanged."""

    def present(self: VirtualOperator, _: Any) -> None:
        self.presented = "20000009"

    monkeypatch.setitem(_done(), "present_nameplate", (30.0, present))
    record = carry_out("nameplate", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert "20000009" in reasons_of(record)


def test_a_marking_that_is_missing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second question is answered no."""
    answer(monkeypatch, "visual_check", ["yes", "no"])
    record = carry_out("nameplate", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert [row.quantity for row in record.rows if row.verdict == "FAIL"] == ["type_marked"]


def test_a_scanner_that_reads_nothing_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says done, and no code comes."""
    answer(monkeypatch, "present_nameplate", ["done"])
    record = carry_out("nameplate", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert "nothing was scanned" in reasons_of(record)


@pytest.mark.parametrize("role", ["operator", "scanner"])
def test_a_station_without_what_it_takes_is_invalid(tmp_path: Path, role: str) -> None:
    """The reason names it."""
    record = carry_out("nameplate", tmp_path / "run", without=(role,))
    assert verdict_of(record) == "INVALID"
    assert role in reasons_of(record)


def _told() -> dict[str, Any]:
    """How questions are answered."""
    return virtual_operator._TO_TELL


def _done() -> dict[str, Any]:
    """How acts are done."""
    return virtual_operator._TO_DO
