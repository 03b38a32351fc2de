"""7.11.2 on the virtual station, with fewer cycles and one run a flow point. Kind: plant."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meterbench.bench import station, traces
from meterbench.bench.bench import Bench
from meterbench.bench.record import RunRecord, load
from meterbench.bench.session import Programme, session
from meterbench.errors import BenchError, Cancelled
from meterbench.instruments.capabilities import CycleSummary
from meterbench.instruments.rig import plc_logic
from meterbench.instruments.rig.cycle_log import CycleLog
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.procedures import edition, type_evaluation
from meterbench.procedures.clauses import durability_curves
from meterbench.procedures.clauses.durability_curves import CURVE
from tests.conftest import QUICK_METER, station_content
from tests.procedures.clauses.one_clause import OPERATOR, answer, reasons_of, rows_of, verdict_of

KEY, NAME = "durability_discontinuous", "durability-discontinuous"
Observe = Callable[[Bench, str, Mapping[str, Any]], None]


def carry_out(
    folder: Path,
    *,
    cycles: int = 250,
    chunk: int = 100,
    keys: Sequence[str] = (KEY,),
    truth: dict[str, Any] | None = None,
    instruments: dict[str, Any] | None = None,
    resume: bool = False,
    observe: Observe = lambda *_: None,
) -> RunRecord:
    """The record of these tests; what they raised is in it."""
    content = station_content(QUICK_METER | {"truth": truth or {}})
    content["instruments"] |= {"operator": OPERATOR} if instruments is None else instruments
    tables = edition.load(
        durability_discontinuous={
            "cycles": {"value": cycles, "confirmed": False},
            "longest_chunk_s": {"value": 32.0 * chunk, "confirmed": False},
        },
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


def cycle_steps(record: RunRecord) -> list[str]:
    return [step.partition("/")[2] for step in record.finished_steps if step.startswith(f"{NAME}/cycles ")]


def events_of(record: RunRecord, text: str) -> list[str]:
    return [each["text"] for each in record.events if text in each["text"]]


def counted(record: RunRecord) -> list[Any]:
    """Limits and what was seen of the number of cycles, each time that it was looked at."""
    return [(each.lowest, each.met) for each in record.conditions if each.quantity == "number of cycles"]


def on_record(folder: Path) -> dict[int, float]:
    """Flow by number of every cycle in the traces, the later part counting."""
    found = traces.load(folder, load(folder).traces)["cycles"]
    return dict(zip(found["number"].tolist(), found["flow_l_h"].tolist(), strict=True))


@pytest.fixture
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the cycles matter: no error is measured, the test is INVALID."""
    monkeypatch.setattr(durability_curves, "measure_curve", lambda *_, **__: None)


def test_a_good_meter_passes(tmp_path: Path) -> None:
    """Cycles in chunks, the first of them short; each on record; the shift counted from the curve of before."""
    record = carry_out(tmp_path / "run")
    assert verdict_of(record) == record.verdict.name == "PASS", reasons_of(record)
    assert cycle_steps(record) == ["cycles 1 to 10", "cycles 11 to 110", "cycles 111 to 210", "cycles 211 to 250"]
    assert counted(record) == [(250, True)]
    assert sorted(on_record(tmp_path / "run")) == list(range(1, 251))
    shown = [each["value"] for each in record.readings if each["instrument"] == "display"]
    assert len(shown) == 4
    assert shown[-1] - shown[0] == pytest.approx(240 * 16.0 * 6300.0 / 3600.0, rel=0.03)
    shifts = rows_of(record, "curve_shift")
    assert [(row.flow_point, row.condition, row.upper) for row in shifts] == [
        (key, "against before 7.11.2", 3.0 if key == "Q1" else 1.5) for key in CURVE
    ]
    means = rows_of(record, "mean_error_after")
    assert [(row.flow_point, row.upper) for row in means] == [(key, 6.0 if key == "Q1" else 2.5) for key in CURVE]


def test_the_shift_is_counted_from_7_4_where_the_run_has_it(tmp_path: Path) -> None:
    """Nothing is measured before a second time."""
    record = carry_out(tmp_path / "run", cycles=20, keys=("intrinsic_error", KEY))
    assert {each.clause: each.verdict for each in record.clause_verdicts}["7.11.2"] == "PASS"
    assert {row.condition for row in rows_of(record, "curve_shift")} == {"against 7.4"}
    assert not [step for step in record.finished_steps if step.startswith(f"{NAME}/before")]


def test_a_meter_that_wears_fails_by_its_shift(tmp_path: Path) -> None:
    """50 % in 1000 m3, of which 1500 cycles make 42: 2.1 % where 1.5 % are allowed, and 2.5 % as a mean error."""
    record = carry_out(tmp_path / "run", cycles=1500, chunk=2048, truth={"wear_percent_1000_m3": 50.0})
    assert verdict_of(record) == "FAIL"
    assert "curve shift at Q3" in reasons_of(record)
    assert {row.verdict for row in rows_of(record, "mean_error_after")} == {"PASS"}
    assert {row.flow_point for row in rows_of(record, "curve_shift") if row.verdict == "FAIL"} == set(CURVE) - {"Q1"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"flow_l_h": 5000.0}, "flow while it was on 5000"),
        ({"off_s": 17.0}, "off time"),
        ({"water_temp_c": 26.0}, "water temperature"),
        ({"pressure_downstream_kpa": 20.0}, "outlet pressure 20"),
    ],
)
@pytest.mark.usefixtures("no_curves")
def test_one_cycle_out_of_its_window_makes_it_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, float], reason: str
) -> None:
    """It is named, at once and in the conclusion; a worn meter would not fail by such a test."""
    original = ModbusPlcRig.read_cycles

    def read(self: ModbusPlcRig, first: int, count: int) -> Sequence[CycleSummary]:
        return [replace(each, **changed) if each.number == 17 else each for each in original(self, first, count)]

    monkeypatch.setattr(ModbusPlcRig, "read_cycles", read)
    record = carry_out(tmp_path / "run", cycles=30)
    assert verdict_of(record) == "INVALID"
    assert reason in reasons_of(record)
    assert "not in cycle 17" in reasons_of(record)
    assert len(events_of(record, "not in cycle 17")) == 1
    assert {row.verdict for row in rows_of(record, "curve_shift")} == {"INVALID"}


@pytest.mark.usefixtures("no_curves")
def test_displays_that_nobody_reads_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At night nobody is there: the cycles go on, and the record says so."""
    answer(monkeypatch, "read_display", ["not done"] * 2)
    record = carry_out(tmp_path / "run", cycles=30)
    assert counted(record) == [(30, True)]
    assert len(events_of(record, "was not read")) == 2


def test_without_an_operator_it_is_invalid(tmp_path: Path) -> None:
    """Nobody would read the displays."""
    record = carry_out(tmp_path / "run", instruments={})
    assert verdict_of(record) == "INVALID"
    assert "no operator" in reasons_of(record)


@pytest.mark.usefixtures("no_curves")
def test_a_rig_that_stops_by_itself_ends_the_run(tmp_path: Path) -> None:
    """Whoever finds out why resumes it."""

    def stop(bench: Bench, kind: str, body: Mapping[str, Any]) -> None:
        if kind == "step_started" and "111 to 210" in body["step"]:
            bench.rig.stop_flow()

    record = carry_out(tmp_path / "run", observe=stop)
    assert record.verdict.name == "ERROR"
    assert "it stopped after cycle" in record.closed["reasons"][0]
    resumed = carry_out(tmp_path / "run", resume=True)
    assert counted(resumed) == [(250, True)]


@pytest.mark.usefixtures("no_curves")
def test_a_killed_run_goes_on_from_its_last_chunk(tmp_path: Path) -> None:
    """Cut off at any line of the cycles, in the middle of it, too: each cycle once, and none that was not recorded."""
    whole = carry_out(tmp_path / "whole")
    lines = (tmp_path / "whole" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    inside = [number for number, line in enumerate(lines) if b"cycles 11 to 110" in line or b"211 to 250" in line]
    chance = random.Random(3)
    for attempt in range(2):
        cut, folder = chance.randint(inside[0], inside[-1]), tmp_path / f"run{attempt}"
        shutil.copytree(tmp_path / "whole", folder)
        (folder / "journal.jsonl").write_bytes(b"".join(lines[:cut]) + lines[cut][: chance.randint(0, 40)])
        before = load(folder)
        record = carry_out(folder, resume=True)
        assert counted(record) == [(250, True)]
        assert cycle_steps(record)[: len(cycle_steps(before))] == cycle_steps(before)
        assert sum(int(step.split()[-1]) - int(step.split()[1]) + 1 for step in cycle_steps(record)) == 250
        assert len(events_of(record, "its meters are new")) == bool(cycle_steps(before))
        kept = on_record(tmp_path / "whole")
        done = max((int(step.split()[-1]) for step in cycle_steps(before)), default=0)
        assert [on_record(folder)[number] for number in range(1, done + 1)] == [kept[n] for n in range(1, done + 1)]
        traces.verify(folder, record.traces)
    assert counted(whole) == [(250, True)]


def remembered(monkeypatch: pytest.MonkeyPatch) -> CycleLog:
    """A PLC whose memory outlasts the session."""
    memory = CycleLog()
    monkeypatch.setattr(plc_logic, "CycleLog", lambda: memory)
    return memory


def broken_off(folder: Path) -> RunRecord:
    """Somebody stops the run in the middle of cycles 111 to 210."""

    def stop(bench: Bench, kind: str, body: Mapping[str, Any]) -> None:
        if kind == "step_started" and "111 to 210" in body["step"]:
            bench.clock.every(1600.0, lambda: bench.clock.cancel("Ctrl-C"))

    return carry_out(folder, observe=stop)


@pytest.mark.usefixtures("no_curves")
def test_what_the_plc_did_meanwhile_counts_if_its_log_still_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read and recorded first; the PLC's count goes on."""
    memory = remembered(monkeypatch)
    assert broken_off(tmp_path / "run").verdict.name == "ABORTED"
    done = memory.done
    assert 150 <= done <= 170
    record = carry_out(tmp_path / "run", resume=True)
    assert cycle_steps(record)[2] == f"cycles 111 to {done}"
    assert len(events_of(record, f"cycles 111 to {done} were done before the resumption")) == 1
    assert counted(record) == [(250, True)]
    held = {int(each["number"]): float(each["flow_l_h"]) for each in memory._ring if each["number"]}
    assert held == on_record(tmp_path / "run")


@pytest.mark.parametrize("how", ["another test ran since", "its log begins later", "it forgot"])
@pytest.mark.usefixtures("no_curves")
def test_cycles_of_which_nobody_knows_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A log that does not go on from the very cycle that is on record may be of other meters."""
    memory = remembered(monkeypatch)
    broken_off(tmp_path / "run")
    if how == "another test ran since":
        memory._ring["flow_l_h"] += np.float32(0.5)
    elif how == "its log begins later":
        memory._first = 111
    else:
        memory = remembered(monkeypatch)
    record = carry_out(tmp_path / "run", resume=True)
    assert cycle_steps(record)[2] == "cycles 111 to 210"
    assert len(events_of(record, "do not count")) == 1
    assert counted(record) == [(250, True)]
