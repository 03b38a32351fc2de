"""7.11.3 on the virtual station, with fewer hours and one run a flow point. Kind: plant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.bench import Bench
from meterbench.bench.record import RunRecord, load
from meterbench.bench.session import Programme, session
from meterbench.errors import BenchError, Cancelled
from meterbench.instruments.capabilities import RigStatus
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.procedures import edition, type_evaluation
from meterbench.procedures.clauses import durability_curves
from meterbench.procedures.clauses.durability_curves import CURVE
from tests.conftest import QUICK_METER, station_content
from tests.procedures.clauses.one_clause import OPERATOR, reasons_of, rows_of, verdict_of

KEY, NAME = "durability_continuous", "durability-continuous"
MASTER = {
    "driver": "siemens_mag6000",
    "address": "virtual",
    "calibration": {"certificate": "V-2026-007", "due": "2027-06-30", "expanded_uncertainty": "0.4 %"},
}
Observe = Callable[[Bench, str, Mapping[str, Any]], None]


def carry_out(
    folder: Path,
    *,
    hours: float = 2.0,
    keys: Sequence[str] = (KEY,),
    truth: dict[str, Any] | None = None,
    instruments: dict[str, Any] | None = None,
    resume: bool = False,
    observe: Observe = lambda *_: None,
) -> RunRecord:
    """The record of these tests, in parts of an hour; what they raised is in it."""
    content = station_content(QUICK_METER | {"truth": truth or {}})
    content["instruments"] |= {"operator": OPERATOR} | (instruments or {})
    tables = edition.load(
        durability_continuous={
            "duration_s": {"value": 3600.0 * hours, "confirmed": False},
            "longest_chunk_s": {"value": 3600.0, "confirmed": False},
        },
        durability_discontinuous={"cycles": {"value": 10, "confirmed": False}},
        intrinsic_error={"repeats": dict.fromkeys(CURVE, 1) | {"confirmed": False}},
    )
    programme = Programme(type_evaluation.NAME, "Type evaluation", tables.header("7"))
    opened: list[Bench] = []
    observers = [lambda kind, body: observe(opened[0], kind, body) if opened else None]
    try:
        with session(station.parse(content, "test"), programme, folder, resume=resume, observers=observers) as (run, b):
            opened.append(b)
            type_evaluation.suite(tables).carry_out_all(run, b, keys)
    except (BenchError, Cancelled):
        pass
    return load(folder)


def seen_of(record: RunRecord, quantity: str) -> list[tuple[float | None, bool]]:
    return [(each.lowest, each.met) for each in record.conditions if each.quantity == quantity]


@pytest.fixture
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the flow matters: no error is measured, the test is INVALID."""
    monkeypatch.setattr(durability_curves, "measure_curve", lambda *_, **__: None)


def test_a_good_meter_passes(tmp_path: Path) -> None:
    """The hours are a minimum: the water runs on until the volume less its uncertainty has passed."""
    record = carry_out(tmp_path / "run", instruments={"master_c": MASTER})
    assert verdict_of(record) == record.verdict.name == "PASS", reasons_of(record)
    (least_l, met), *_ = seen_of(record, "discharged volume")
    assert met
    assert least_l == pytest.approx(2.0 * 7875.0, rel=0.01)
    assert least_l >= 2.0 * 7875.0
    assert seen_of(record, "time of the flow")[0][0] >= 7200.0
    (off_percent, met), *_ = seen_of(record, "flow meter of the line against master_c")
    assert met
    assert off_percent != 0.0
    assert {row.condition for row in rows_of(record, "curve_shift")} == {"against before 7.11.3"}


def test_a_meter_that_wears_fails(tmp_path: Path) -> None:
    """50 % in 1000 m3, of which 6 hours make 47: 2.4 %, where 1.5 % of shift are allowed."""
    record = carry_out(tmp_path / "run", hours=6.0, truth={"wear_percent_1000_m3": 50.0})
    assert verdict_of(record) == "FAIL"
    assert "curve shift at Q4" in reasons_of(record)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"water_temp_downstream_c": 26.0}, "part 1 was INVALID"), ({"pressure_downstream_kpa": 20.0}, "part 1")],
)
@pytest.mark.usefixtures("no_curves")
def test_a_window_that_was_left_makes_it_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, float], reason: str
) -> None:
    """In one sample of a part."""
    original, left = ModbusPlcRig.status, [1]

    def status(self: ModbusPlcRig) -> RigStatus:
        seen = original(self)
        if seen.flow_l_h["C"] > 7800.0 and self._clock.now_s() > 3000.0 and left:
            left.pop()
            return replace(seen, **changed)
        return seen

    monkeypatch.setattr(ModbusPlcRig, "status", status)
    record = carry_out(tmp_path / "run")
    assert verdict_of(record) == "INVALID"
    assert reason in reasons_of(record)


@pytest.mark.usefixtures("no_curves")
def test_water_that_flowed_in_a_part_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    """Stopped after an hour and a half: an hour is on record, and one more runs after the resumption."""

    def stop(bench: Bench, kind: str, body: Mapping[str, Any]) -> None:
        if kind == "step_started" and body["step"] == f"{NAME}/part 2":
            bench.clock.every(1800.0, lambda: bench.clock.cancel("Ctrl-C"))

    assert carry_out(tmp_path / "run", observe=stop).verdict.name == "ABORTED"
    record = carry_out(tmp_path / "run", resume=True)
    flowed = [each["value"] for each in record.readings if each["quantity"] == "flow_time"]
    assert flowed[:2] == pytest.approx([3600.0, 3600.0], abs=1.0)
    assert seen_of(record, "time of the flow") == [(pytest.approx(sum(flowed)), True)]
    assert [each["text"] for each in record.events if "its meters are new" in each["text"]]


@pytest.mark.usefixtures("no_curves")
def test_a_curve_of_after_the_wear_is_none_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither 7.4 nor 7.11.2 gave one: after the cycles of 7.11.2 it is too late to measure it."""
    measured: list[str] = []
    monkeypatch.setattr(
        durability_curves, "measure_curve", lambda trial, condition, **_: measured.append(condition + trial.test.clause)
    )
    record = carry_out(tmp_path / "run", keys=("durability_discontinuous", KEY))
    assert measured == ["before7.11.2", "after7.11.2", "after7.11.3"]
    last = [row for row in rows_of(record, "curve_shift") if row.procedure == NAME]
    assert {row.verdict for row in last} == {"INVALID"}
    assert all("before any durability test is not known" in row.reason for row in last)
