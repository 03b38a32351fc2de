"""The error curve of a meter before and after each durability test, in one figure, and the shift of each flow point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from meterbench.bench.record import ResultRow, RunRecord
from meterbench.reports import figures
from meterbench.reports.blocks import DASH, Cell, Column, Row, Table
from meterbench.reports.tables import ERROR, nominal_flow_l_h

BEFORE = (("intrinsic-error", ""), ("durability-discontinuous", "before"), ("durability-continuous", "before"))
"""Procedure and condition of a curve of before any wear; the first that the record has is taken."""
AFTER = {
    "durability-discontinuous": "after discontinuous flow",
    "durability-continuous-q3": "after continuous flow at Q3",
    "durability-continuous": "after continuous flow at Q4",
}
"""Procedures that wear the meters and measure a curve afterwards, in their order."""
SHIFT, MEAN_AFTER = "curve_shift", "mean_error_after"


@dataclass(frozen=True, slots=True)
class MeanCurve:
    """Mean valid error of indication by flow point, %."""

    label: str
    errors_percent: Mapping[str, float]


def mean_curves(record: RunRecord, meter: str, last: str) -> list[MeanCurve]:
    """The curves of a meter up to the one that procedure ``last`` measured, the one of before first; none without it.

    An INVALID error is no part of a curve.
    """
    found = []
    for procedure, condition in BEFORE:
        means = _means(record, meter, condition, procedure=procedure)
        if means:
            found.append(MeanCurve("before", means))
            break
    else:
        return []
    for procedure, label in AFTER.items():
        means = _means(record, meter, "after", procedure=procedure)
        if means:
            found.append(MeanCurve(label, means))
        if procedure == last:
            break
    return found


def shift_figure(record: RunRecord, meter: Mapping[str, Any], last: str) -> str:
    """SVG text, curves as of ``mean_curves``; empty unless there is a curve before and one after."""
    curves = mean_curves(record, meter["serial"], last)
    if len(curves) < 2:
        return ""
    drawn = []
    for curve in curves:
        placed = [(nominal_flow_l_h(point, dict(meter)), error) for point, error in curve.errors_percent.items()]
        drawn.append((curve.label, sorted((flow, error) for flow, error in placed if flow is not None)))
    marks = {mark: float(meter[f"{mark.lower()}_l_h"]) for mark in ("Q1", "Q2", "Q3", "Q4")}
    return figures.curves_over_flow(meter["serial"], drawn, _zones(record, meter, marks), marks)


def shift_table(record: RunRecord, rows: Sequence[ResultRow]) -> tuple[list[Table], list[ResultRow]]:
    """The means before and after of each flow point, and the shift, with the limits by which the record judged them;
    and the rows that the table accounts for."""
    shifts = [row for row in rows if row.quantity == SHIFT]
    if not shifts:
        return [], []
    after = {(row.procedure, row.meter, row.flow_point): row for row in rows if row.quantity == MEAN_AFTER}
    lines: list[Row] = []
    shown = list(shifts)
    for row in shifts:
        condition, _, clause = row.condition.removeprefix("against ").rpartition(" ")
        before = _means(record, row.meter, condition, clause=clause).get(row.flow_point) if clause else None
        mean = after.get((row.procedure, row.meter, row.flow_point))
        shown += [mean] if mean else []
        lines.append(
            (
                row.meter, row.flow_point, row.condition.removeprefix("against ") or DASH, _cell(before, "+.3f"),
                _cell(mean.value, "+.3f", mean.verdict) if mean else DASH, mean.limits_text if mean else DASH,
                mean.verdict if mean else DASH, _cell(row.value, ".3f", row.verdict), row.limits_text, row.verdict,
            )
        )  # fmt: skip
    columns = (
        Column("Meter"), Column("Flow point"), Column("Curve before", width=1.0),
        Column("Mean before", "E_m", "%", "number"), Column("Mean after", "E_m", "%", "number"),
        Column("Limit", "", "%", "number"), Column("Verdict", kind="verdict"), Column("Shift", "", "%", "number"),
        Column("Limit", "", "%", "number"), Column("Verdict", kind="verdict"),
    )  # fmt: skip
    return [Table(columns, lines, "Mean errors after, and shift of the error curve")], shown


def _cell(number: float | None, digits: str, verdict: str = "") -> Cell | str:
    return DASH if number is None else Cell(format(number, digits), number, verdict == "FAIL")


def _means(record: RunRecord, meter: str, condition: str, *, procedure: str = "", clause: str = "") -> dict[str, float]:
    """Of the valid errors of a procedure or of a clause, by flow point."""
    errors: dict[str, list[float]] = {}
    for row in record.rows:
        wanted = row.procedure == procedure if procedure else row.clause == clause
        wanted = wanted and (row.meter, row.condition, row.quantity) == (meter, condition, ERROR)
        if wanted and row.verdict != "INVALID" and row.value is not None:
            errors.setdefault(row.flow_point, []).append(row.value)
    return {point: fmean(numbers) for point, numbers in errors.items()}


def _zones(record: RunRecord, meter: Mapping[str, Any], marks: Mapping[str, float]) -> list[figures.Zone]:
    """The envelope of the maximum permissible errors, by which the curve before was judged."""
    zones = []
    before = [
        row
        for row in record.rows
        if (row.procedure, row.condition) in BEFORE and (row.meter, row.quantity) == (meter["serial"], ERROR)
    ]
    for start, end in (("Q1", "Q2"), ("Q2", "Q4")):
        inside = [
            row
            for row in before
            if row.lower is not None
            and row.upper is not None
            and ((nominal_flow_l_h(row.flow_point, dict(meter)) or 0.0) < marks["Q2"]) == (end == "Q2")
        ]
        if inside:
            tightest = min(inside, key=lambda row: (row.upper or 0.0) - (row.lower or 0.0))
            zones.append(figures.Zone(marks[start], marks[end], tightest.lower or 0.0, tightest.upper or 0.0))
    return zones
