"""LEAK, BURST and REVERSE on the virtual station, and the threshold below them. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.bench.bench import Bench
from meterbench.dut.reference_meter.metrology.measuring import threshold as firmware_threshold
from tests.conftest import QUICK_METER
from tests.procedures.clauses.one_clause import answer, reasons_of, rows_of, verdict_of
from tests.procedures.functions.one_function import carry_out, configured

pytestmark = pytest.mark.sweep  # minutes in all


def test_a_leak_is_told_after_a_day_and_not_before(tmp_path: Path) -> None:
    """Nothing at rest and after 22.8 h, the icon after 24.5 h."""
    record = carry_out("leak", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [(row.value, row.upper) for row in rows_of(record, "leak_shown")] == [(0.0, 0.0), (0.0, 0.0), (1.0, None)]


@pytest.mark.parametrize(("after_h", "when"), [(20, "22.8 h"), (30, "24.5 h")], ids=["too early", "too late"])
def test_a_leak_at_another_time_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_h: int, when: str) -> None:
    """The period is another one than described."""
    configured(monkeypatch, leak_after_s=3600 * after_h)
    record = carry_out("leak", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert when in reasons_of(record)


def test_a_burst_is_told_after_half_an_hour_above_its_limit_only(tmp_path: Path) -> None:
    """0.2 Q3 is none, 0.4 Q3 is one."""
    record = carry_out("burst", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [row.value for row in rows_of(record, "burst_shown")] == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("settings", "at"),
    [
        ({"burst_after_s": 600}, "0.425 h"),
        ({"burst_after_s": 3600}, "0.575 h"),
        ({"burst_limit_l_h": 700.0}, "1260 L/h"),
    ],
    ids=["too early", "too late", "at too small a flow"],
)
def test_a_burst_at_another_time_or_flow_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], at: str
) -> None:
    """Period or limit is another one than described."""
    configured(monkeypatch, **settings)
    record = carry_out("burst", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert at in reasons_of(record)


def test_a_flow_that_the_rig_did_not_hold_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm that is right at the wrong flow is no PASS."""
    original = Bench.start_flow
    monkeypatch.setattr(Bench, "start_flow", lambda self, flow_l_h: original(self, 0.8 * flow_l_h))
    record = carry_out("burst", tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert {row.verdict for row in rows_of(record, "burst_shown") if row.condition != "at rest"} == {"INVALID"}


def test_icons_that_nobody_reads_are_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of a person is no icon."""
    answer(monkeypatch, "read_icons", [","])
    assert verdict_of(carry_out("burst", tmp_path / "run")) == "INVALID"


def test_reverse_flow_is_an_alarm_above_q1_only(tmp_path: Path) -> None:
    """The info code below and above; the minus; nothing stays. The meter is turned back."""
    record = carry_out("reverse", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [row.value for row in rows_of(record, "reverse_in_info_code")] == [0.0, 1.0]
    turned = [act["details"]["direction"] for act in record.acts if act["name"] == "turn_round"]
    assert turned == ["reverse", "forward"]


def test_an_alarm_of_reverse_flow_that_comes_too_late_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not within ten minutes."""
    configured(monkeypatch, reverse_after_s=3600)
    record = carry_out("reverse", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert "above Q1" in reasons_of(record)


def test_a_meter_that_was_not_turned_round_fails_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be done: INVALID."""
    answer(monkeypatch, "turn_round", ["not done"])
    assert verdict_of(carry_out("reverse", tmp_path / "run")) == "INVALID"


def test_the_threshold_is_registered(tmp_path: Path) -> None:
    """Most of 0.6 L at 1.2 L/h."""
    record = carry_out("threshold", tmp_path / "run")
    assert verdict_of(record) == "PASS"
    assert [act["details"]["mode"] for act in record.acts if act["name"] == "set_mode"] == ["TEST", "NORMAL"]


def test_a_meter_that_begins_at_twice_the_threshold_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 1.2 L/h it registers nothing."""
    for name in ("ON_L_H", "QUICK_ON_L_H"):
        monkeypatch.setattr(firmware_threshold, name, 2.0 * getattr(firmware_threshold, name))
    record = carry_out("threshold", tmp_path / "run")
    assert verdict_of(record) == "FAIL"
    assert rows_of(record, "registered_part")[0].value == 0.0


def test_a_line_that_leaks_makes_the_threshold_invalid(tmp_path: Path) -> None:
    """What is lost between meter and tank may be all there is."""
    meter = QUICK_METER | {"truth": {"water_leak_l_h": 5.0}}
    assert verdict_of(carry_out("threshold", tmp_path / "run", meter=meter)) == "INVALID"
