"""What did not go as it should, and what the person at the bench did."""

from __future__ import annotations

from meterbench.bench.record import RunRecord
from meterbench.reports import tables
from meterbench.reports.blocks import DASH, Block, Column, Row, Table, Text
from meterbench.reports.clause_records import window_text, words
from meterbench.reports.common_sections import moment_text


def deviations(record: RunRecord) -> list[Block]:
    """Everything that did not go as it should: warnings, conditions, INVALID results, attempts, acts not done."""
    found: list[Block] = []
    columns: tuple[Column, ...]
    reasons = record.closed["reasons"] if record.closed else []
    found += [Text(f"The run ended early: {reason}", "warning") for reason in reasons]
    events: list[Row] = [
        (moment_text(event["utc"]), event["level"], event["text"])
        for event in record.events
        if event["level"] != "info" or "resumed" in event["text"]
    ]
    if events:
        columns = (Column("Time"), Column("Level"), Column("Event", width=1.0))
        found.append(Table(columns, events, "Warnings, alarms, resumptions"))
    unmet: list[Row] = [
        (each.step, words(each.quantity), window_text(each.lower, each.upper), _extent(each.lowest, each.highest),
         tables.unit_text(each.unit) or DASH, each.note)
        for each in record.conditions
        if not each.met
    ]  # fmt: skip
    if unmet:
        columns = (
            Column("Step", width=1.4), Column("Quantity", width=1.2), Column("Required", kind="number"),
            Column("Seen", kind="number"), Column("Unit"), Column("Note", width=1.0),
        )  # fmt: skip
        found.append(Table(columns, unmet, "Conditions that were not met"))
    judged = ("PASS", "NOT_RUN") if record.verdict.name != "INVALID" else ("PASS",)
    steps: list[Row] = [(step, verdict) for step, verdict in record.finished_steps.items() if verdict not in judged]
    if steps:
        columns = (Column("Step", width=1.0), Column("Verdict", kind="verdict"))
        found.append(Table(columns, steps, "Steps that are not PASS"))
    results: list[Row] = [
        (row.step, row.meter or DASH, words(row.quantity), str(row.attempt), row.verdict, row.reason)
        for row in record.rows
        if row.verdict not in ("PASS", "FAIL", "NOT_RUN") or row.attempt > 1
    ]
    if results:
        columns = (
            Column("Step", width=1.2), Column("Meter"), Column("Quantity"), Column("Attempt", kind="number"),
            Column("Verdict", kind="verdict"), Column("Reason", width=1.6),
        )  # fmt: skip
        found.append(Table(columns, results, "Results without a judgement, and further attempts"))
    acts: list[Row] = [
        (moment_text(act["utc"]), act["instruction"], act["answer"] + (" (by default)" if act["by_default"] else ""))
        for act in record.acts
        if act["answer"] == "not done" or act["by_default"]
    ]
    if acts:
        columns = (Column("Time"), Column("Act", width=1.0), Column("Answer"))
        found.append(Table(columns, acts, "Acts not done, or taken as done"))
    return found or [Text("None was recorded.")]


def operator_acts(record: RunRecord) -> list[Block]:
    """What the person at the bench was asked, and answered."""
    lines: list[Row] = [
        (moment_text(act["utc"])[:19], act["step"] or DASH, act["instruction"], act["answer"], act["who"] or DASH)
        for act in record.acts
    ]
    columns = (
        Column("Time", unit="UTC"), Column("Step", width=0.7), Column("Asked", width=2.0),
        Column("Answered", width=0.6), Column("By", width=0.5),
    )  # fmt: skip
    return [Table(columns, lines)] if lines else [Text("Nobody was asked anything in this run.")]


def _extent(lowest: float | None, highest: float | None) -> str:
    ends = [tables.rounded_text(each, 5) for each in (lowest, highest) if each is not None]
    return " … ".join(dict.fromkeys(ends)) or DASH
