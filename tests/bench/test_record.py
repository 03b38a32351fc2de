"""The record as every view sees it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench.journal import Journal
from meterbench.bench.record import ResultRow, RunRecord, load
from meterbench.bench.verdict import Verdict
from meterbench.errors import RecordError

ROW: dict[str, Any] = {
    "procedure": "initial-verification", "clause": "10", "requirement": "ADR-011", "meter": "1", "flow_point": "Q3",
    "condition": "",
    "repeat": 1, "attempt": 1, "quantity": "error_of_indication", "value": 0.4567, "unit": "%",
    "expanded_uncertainty": 0.1234, "lower": -2.0, "upper": 2.0, "verdict": "PASS", "reason": "", "step": "Q3",
    "uncertainty_limit": 0.667,
}  # fmt: skip
UTC = "2026-03-04T09:00:00.000+00:00"


def written(folder: Path, *lines: tuple[str, dict[str, Any]]) -> RunRecord:
    """A journal with these lines after the opening, read back."""
    journal = Journal.create(folder)
    for number, (kind, body) in enumerate([("run_opened", {"batch": []}), *lines]):
        journal.append(kind, float(number), UTC, body)
    journal.close()
    return load(folder)


def step(name: str, value: float, finished: bool = True) -> list[tuple[str, dict[str, Any]]]:
    lines: list[tuple[str, dict[str, Any]]] = [
        ("step_started", {"step": name}),
        ("reading", {"step": name, "value": value}),
        ("measurement", ROW | {"step": name, "value": value}),
    ]
    return [*lines, ("step_finished", {"step": name, "verdict": "PASS"})] if finished else lines


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    """Each field of a row is what was written, its time the line's."""
    (row,) = written(tmp_path, ("measurement", ROW)).rows
    assert dataclasses.asdict(row) == ROW | {"time": UTC}


def test_a_repeated_step_replaces_what_was_cut_off(tmp_path: Path) -> None:
    """A step that was started again counts once, with its last results; other steps keep theirs."""
    record = written(tmp_path, *step("Q3", 1.0), *step("Q2", 2.0, False), *step("Q2", 3.0, False), *step("Q2", 4.0))
    assert [row.value for row in record.rows] == [1.0, 4.0]
    assert [reading["value"] for reading in record.readings] == [1.0, 4.0]
    assert record.finished_steps == {"Q3": "PASS", "Q2": "PASS"}


def test_a_run_that_was_not_closed_is_aborted(tmp_path: Path) -> None:
    """Without its last line no run is better than ABORTED, an ERROR stays; lines after a closing reopen it."""
    closed = ("run_closed", {"verdict": "PASS", "reasons": []})
    assert written(tmp_path / "cut", *step("Q3", 1.0)).verdict is Verdict.ABORTED
    error = ROW | {"verdict": "ERROR"}
    assert written(tmp_path / "error", ("measurement", error)).verdict is Verdict.ERROR
    assert written(tmp_path / "closed", *step("Q3", 1.0), closed).verdict is Verdict.PASS
    assert written(tmp_path / "resumed", closed, ("event", {"level": "info", "text": ""})).verdict is Verdict.ABORTED


def test_a_meter_has_one_conclusion(tmp_path: Path) -> None:
    """If a conclusion was written before a cut and again after it, the worst one is the meter's."""
    record = written(
        tmp_path,
        *[
            ("meter_verdict", {"meter": meter, "verdict": verdict, "reasons": [verdict]})
            for meter, verdict in [("1", "PASS"), ("2", "PASS"), ("1", "FAIL"), ("1", "INVALID"), ("2", "PASS")]
        ],
    )
    assert [(each.meter, each.verdict, each.reasons) for each in record.meter_verdicts] == [
        ("1", "FAIL", ("FAIL",)),
        ("2", "PASS", ("PASS",)),
    ]


@pytest.mark.parametrize("lines", [[], [("event", {"level": "info", "text": ""})]])
def test_a_record_begins_with_its_opening(tmp_path: Path, lines: list[tuple[str, dict[str, Any]]]) -> None:
    """An empty journal, or one that starts with something else, is no record."""
    journal = Journal.create(tmp_path)
    for kind, body in lines:
        journal.append(kind, 0.0, UTC, body)
    journal.close()
    with pytest.raises(RecordError, match="does not begin with the opening of a run"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({}, ("+0.457", "0.123", "±2")),
        ({"value": -0.0004, "expanded_uncertainty": None}, ("-0.000", "–", "±2")),
        ({"value": None, "lower": None, "upper": None}, ("–", "0.123", "–")),
        ({"quantity": "same_sign_rule", "value": 0.33333, "lower": None, "upper": 0.5}, ("0.33333", "0.1234", "≤ 0.5")),
        ({"quantity": "flow", "value": 2412.345, "lower": 2250.0, "upper": None}, ("2412.34", "0.1234", "≥ 2250")),
        (
            {"quantity": "flow", "value": 2412.345, "lower": 2250.0, "upper": 2500.0},
            ("2412.34", "0.1234", "2250 … 2500"),
        ),
    ],
)
def test_every_view_prints_the_same(changes: dict[str, Any], texts: tuple[str, str, str]) -> None:
    """Value, uncertainty and limits have one printed form; nothing is printed for what is not there."""
    row = ResultRow(**(ROW | changes), time=UTC)
    assert (row.value_text, row.uncertainty_text, row.limits_text) == texts


@pytest.mark.parametrize(
    ("kind", "body"), [("meter_verdict", {"meter": "1", "reasons": []}), ("step_finished", {"step": "Q3"})]
)
def test_a_closing_verdict_better_than_the_record_is_refused(kind: str, body: dict[str, str], tmp_path: Path) -> None:
    """No bench closes with PASS what it concluded as FAIL: somebody else wrote that line."""
    closing = {"verdict": "PASS", "exit_status": 0, "reasons": [], "bench_seconds": 1.0}
    with pytest.raises(RecordError, match="better than what it recorded"):
        written(tmp_path, (kind, {**body, "verdict": "FAIL"}), ("run_closed", closing))
