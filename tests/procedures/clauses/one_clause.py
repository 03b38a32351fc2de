"""One test of a type evaluation on a simulated station with one quick meter, and things that go wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.record import ResultRow, RunRecord, load
from meterbench.bench.session import Programme, session
from meterbench.bench.virtual_operator import VirtualOperator
from meterbench.errors import BenchError
from meterbench.instruments.operator.operator_panel_sim import Work
from meterbench.procedures import edition, type_evaluation
from tests.conftest import QUICK_METER, station_content

OPERATOR = {"driver": "operator_panel", "address": "virtual"}
GAUGE = {
    "driver": "keller_bus",
    "address": "virtual",
    "calibration": {"certificate": "V-2026-008", "due": "2027-06-30", "expanded_uncertainty": "1.5 kPa"},
}


def carry_out(
    key: str,
    folder: Path,
    *,
    truth: dict[str, Any] | None = None,
    instruments: dict[str, Any] | None = None,
    figures: dict[str, dict[str, Any]] | None = None,
) -> RunRecord:
    """The record of one test; ``instruments`` beside the standard ones and the operator (None: without it)."""
    content = station_content(QUICK_METER | {"truth": truth or {}})
    content["instruments"] |= {"operator": OPERATOR} if instruments is None else instruments
    tables = edition.load(**({key: figures} if figures else {}))
    programme = Programme(type_evaluation.NAME, "Type evaluation", tables.header("7"))
    try:
        with session(station.parse(content, "test"), programme, folder) as (run, bench):
            type_evaluation.suite(tables).carry_out_all(run, bench, [key])
    except BenchError:
        pass  # it is in the record
    return load(folder)


def verdict_of(record: RunRecord) -> str:
    """The only conclusion."""
    (conclusion,) = record.clause_verdicts
    return conclusion.verdict


def reasons_of(record: RunRecord) -> str:
    (conclusion,) = record.clause_verdicts
    return "; ".join(conclusion.reasons)


def rows_of(record: RunRecord, quantity: str) -> list[ResultRow]:
    return [row for row in record.rows if row.quantity == quantity]


def answer(monkeypatch: pytest.MonkeyPatch, task: str, answers: Sequence[str | None]) -> None:
    """The person answers ``task`` so, one time after the other, and does nothing; None: as always. Later ones, too."""
    original: Callable[..., Work | None] = VirtualOperator.begin
    left = list(answers)

    def begin(self: VirtualOperator, name: str, details: Any) -> Work | None:
        said = left.pop(0) if name == task and left else None
        return original(self, name, details) if said is None else Work(10.0, lambda: said)

    monkeypatch.setattr(VirtualOperator, "begin", begin)
