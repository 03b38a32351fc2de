"""Tampering, modes and sources on the virtual station. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import virtual_operator
from meterbench.bench.supplied_meter import SuppliedMeter
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology import mode_control
from meterbench.dut.reference_meter.metrology.power.activity import Radio
from meterbench.instruments.rig.plc_logic import PlcLogic
from meterbench.instruments.supply.fed_load import Drawn
from tests.conftest import QUICK_METER
from tests.procedures.clauses.one_clause import answer, reasons_of, rows_of, verdict_of
from tests.procedures.functions.one_function import at_the_start, carry_out, value

pytestmark = pytest.mark.sweep  # minutes in all

SHORT = {"log_s": value(600.0), "settle_s": value(3600.0)}
"""A day of logging takes a simulated station half an hour."""


def test_every_attempt_to_tamper_is_told(tmp_path: Path) -> None:
    """Lid, magnet and position; each stays until it is acknowledged, and all is put back."""
    record = carry_out("tamper", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    names = [act["name"] for act in record.acts]
    assert names.count("close_case") == names.count("magnet_off") == 1
    inclined = [act["details"]["inclination_deg"] for act in record.acts if act["name"] == "incline"]
    assert inclined == [-80.0, 0.0]


@pytest.mark.parametrize(
    ("task", "condition"),
    [("open_case", "case opened"), ("magnet_on", "magnet"), ("incline", "arrow downward")],
)
def test_an_attempt_that_the_meter_does_not_notice_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, condition: str
) -> None:
    """It is done, and the sensor sees nothing of it."""
    monkeypatch.setitem(virtual_operator._TO_DO, task, (30.0, lambda *_: None))
    record = carry_out("tamper", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert {row.condition for row in record.rows if row.verdict == "FAIL"} == {condition, f"{condition}, undone"}


def test_a_case_that_cannot_be_closed_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every later look would find it open."""
    answer(monkeypatch, "close_case", ["not done"])
    assert carry_out("tamper", tmp_path / "run").verdict.name == "ERROR"


def test_transportation_ends_with_ten_litres(tmp_path: Path) -> None:
    """Shown below, not above; weighed."""
    record = carry_out("transportation", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [row.value for row in rows_of(record, "transportation_shown")] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("litres", [8, 12])
def test_transportation_that_ends_elsewhere_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, litres: int) -> None:
    """Earlier or later than described."""
    monkeypatch.setattr(mode_control, "TRANSPORTATION_ENDS_NL", litres * 10**9)
    assert verdict_of(carry_out("transportation", tmp_path / "run")) == "FAIL"


def test_another_volume_than_was_wanted_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rig's flow meter shows too much: less has passed."""
    original = PlcLogic.process_image

    def wrong(self: PlcLogic) -> dict[str, Any]:
        image = dict(original(self))
        return image | {name: 1.3 * image[name] for name in image if name.startswith("flow")}

    monkeypatch.setattr(PlcLogic, "process_image", wrong)
    assert verdict_of(carry_out("transportation", tmp_path / "run")) == "INVALID"


def test_test_mode_begins_and_ends(tmp_path: Path) -> None:
    """By command, and by itself after a day."""
    record = carry_out("test_mode", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [row.quantity for row in record.rows] == [
        "test_format_alone", "normal_format", "test_format_alone", "test_format_alone", "normal_format",
    ]  # fmt: skip


@pytest.mark.parametrize(("time_out_s", "condition"), [(3600.0, "after 3672 s"), (200_000.0, "after 196000 s")])
def test_another_time_out_fails(tmp_path: Path, time_out_s: float, condition: str) -> None:
    """The maker says another one: the mode lasts too long, or is over too early."""
    record = carry_out("test_mode", tmp_path / "run", figures={"time_out_s": value(time_out_s)})
    assert verdict_of(record) == "FAIL"
    assert condition in reasons_of(record)


def test_the_backup_cell_is_enough_to_measure(tmp_path: Path) -> None:
    """Display and error of indication; its own batteries come back."""
    record = carry_out("measurement", tmp_path / "run", supply=True)
    assert verdict_of(record) == "PASS"
    assert [act["name"] for act in record.acts if act["name"].endswith("supply")] == [
        "connect_supply",
        "disconnect_supply",
    ]


def test_a_meter_that_measures_wrong_on_the_backup_cell_fails(tmp_path: Path) -> None:
    """The error of indication is judged, not only the display."""
    meter = QUICK_METER | {"truth": {"gain_percent": 5.0}}
    assert verdict_of(carry_out("measurement", tmp_path / "run", supply=True, meter=meter)) == "FAIL"


def test_the_shots_are_counted(tmp_path: Path) -> None:
    """8/s with water, 2/s without, 8/s in TEST mode; the line is full again."""
    record = carry_out("measuring_cycle", tmp_path / "run", supply=True)
    assert verdict_of(record) == "PASS"
    assert [round(row.value or 0.0) for row in rows_of(record, "shots_per_s")] == [8, 2, 8]
    assert [act["name"] for act in record.acts if act["name"].endswith("line")] == ["drain_line", "fill_line"]


def test_a_line_that_was_not_drained_fails_the_cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """8/s are no 2/s."""
    answer(monkeypatch, "drain_line", ["done"])
    record = carry_out("measuring_cycle", tmp_path / "run", supply=True)
    assert verdict_of(record) == "FAIL"


def test_shots_that_no_log_shows_are_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A meter whose capacitor hides them."""
    monkeypatch.setattr(ReferenceMeter, "shots_at_leads", lambda *_: (0.0, 0.0))
    assert verdict_of(carry_out("measuring_cycle", tmp_path / "run", supply=True)) == "INVALID"


def test_the_mean_current_is_what_the_life_rests_on(tmp_path: Path) -> None:
    """Some 18 µA."""
    record = carry_out("battery_life", tmp_path / "run", supply=True, figures=SHORT)
    assert verdict_of(record) == "PASS"
    (row,) = rows_of(record, "mean_current")
    assert row.value is not None
    assert 0.012 < row.value < 0.022
    assert row.expanded_uncertainty is not None


def test_a_meter_that_sends_too_often_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SF12 every quarter of an hour takes 120 µA."""

    def chatter(meter: ReferenceMeter) -> None:
        meter.transmissions = ((Radio.LORA_SF12, 900.0),)

    at_the_start(monkeypatch, chatter)
    assert verdict_of(carry_out("battery_life", tmp_path / "run", supply=True, figures=SHORT)) == "FAIL"


@pytest.mark.parametrize("said", ["not done", "done"])
def test_a_supply_that_feeds_nothing_is_no_long_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """The leads hang beside the meter, with or without an honest answer."""
    answer(monkeypatch, "connect_supply", [said])
    monkeypatch.setattr(SuppliedMeter, "drawn", lambda _: Drawn(3.6, 0.0, 0.0))
    record = carry_out("battery_life", tmp_path / "run", supply=True, figures=SHORT)
    assert verdict_of(record) == "INVALID"


def test_a_low_battery_has_the_icon_of_its_source(tmp_path: Path) -> None:
    """None at 3.0 V, at 2.8 V its own and not the other's, none afterwards."""
    record = carry_out("low_battery", tmp_path / "run", supply=True)
    assert verdict_of(record) == "PASS"
    assert len(record.rows) == 10


def test_a_low_battery_that_is_not_told_fails(tmp_path: Path) -> None:
    """Not told above its limit: here a limit that the meter does not have."""
    record = carry_out("low_battery", tmp_path / "run", supply=True, figures={"below_v": value(2.95)})
    assert verdict_of(record) == "FAIL"
    assert "2.95 V" in reasons_of(record)


def test_a_meter_without_voltage_is_off_and_forgets_nothing(tmp_path: Path) -> None:
    """Blank, back, both totals the same; its clock is set again."""
    record = carry_out("off_state", tmp_path / "run", supply=True)
    assert verdict_of(record) == "PASS"
    assert [row.value for row in record.rows] == [1.0, 1.0, 0.0, 0.0]
    assert "set_clock" in [act["name"] for act in record.acts]


def test_a_meter_that_forgets_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two millilitres less than before."""
    answer(monkeypatch, "read_display", ["000.002000 m³"])
    record = carry_out("off_state", tmp_path / "run", supply=True)
    assert verdict_of(record) == "FAIL"
    assert [row.quantity for row in record.rows if row.verdict == "FAIL"] == ["change_of_volume"]


def test_a_capacitor_that_was_not_drained_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The display goes on: whoever says done has not done it, or the meter has a source that nobody knows."""
    answer(monkeypatch, "drain_capacitor", ["done"])
    assert verdict_of(carry_out("off_state", tmp_path / "run", supply=True)) == "FAIL"


def test_without_a_supply_it_is_invalid(tmp_path: Path) -> None:
    """The reason names it."""
    record = carry_out("off_state", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert "supply" in reasons_of(record)


def test_a_display_that_nobody_can_see_is_not_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sight of it says nothing of the meter."""
    answer(monkeypatch, "watch_display", ["nothing to be seen"])
    assert verdict_of(carry_out("off_state", tmp_path / "run", supply=True)) == "INVALID"
