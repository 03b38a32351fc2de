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

CURVES = {
    "intrinsic-error": "before",
    "durability-discontinuous": "after discontinuous flow",
    "durability-continuous-q3": "after continuous flow at Q3",
    "durability-continuous": "after continuous flow",
}
"""Procedures that measure a whole curve, in the order of wear."""


@dataclass(frozen=True, slots=True)
class MeanCurve:
    """Mean valid error of indication by flow point, %."""

    label: str
    procedure: str
    errors_percent: Mapping[str, float]


def mean_curves(record: RunRecord, meter: str) -> list[MeanCurve]:
    """The curves of a meter that the record holds; an INVALID error is no part of one."""
    found = []
    for procedure, label in CURVES.items():
        errors: dict[str, list[float]] = {}
        for row in record.rows:
            if (row.procedure, row.meter, row.quantity) == (procedure, meter, ERROR) and row.verdict != "INVALID":
                errors.setdefault(row.flow_point, []).extend([] if row.value is None else [row.value])
        means = {point: fmean(numbers) for point, numbers in errors.items() if numbers}
        if means:
            found.append(MeanCurve(label, procedure, means))
    return found


def shift_figure(record: RunRecord, meter: Mapping[str, Any], procedure: str) -> str:
    """SVG text up to the curve that ``procedure`` measured; empty unless there is a curve before and one after."""
    worn = list(CURVES).index(procedure) if procedure in CURVES else len(CURVES)
    curves = [each for each in mean_curves(record, meter["serial"]) if list(CURVES).index(each.procedure) <= worn]
    if len(curves) < 2 or curves[0].label != "before":
        return ""
    drawn = []
    for curve in curves:
        placed = [(nominal_flow_l_h(point, dict(meter)), error) for point, error in curve.errors_percent.items()]
        drawn.append((curve.label, sorted((flow, error) for flow, error in placed if flow is not None)))
    marks = {mark: float(meter[f"{mark.lower()}_l_h"]) for mark in ("Q1", "Q2", "Q3", "Q4")}
    return figures.curves_over_flow(meter["serial"], drawn, _zones(record, meter, marks), marks)


def shift_table(record: RunRecord, rows: Sequence[ResultRow]) -> list[Table]:
    """Means before and after by flow point, and the shifts that the record judged; ``rows`` are those of one test."""
    shifts = {(row.meter, row.flow_point): row for row in rows if "shift" in row.quantity}
    if not shifts:
        return []
    procedure = next(iter(shifts.values())).procedure
    lines: list[Row] = []
    for (meter, point), row in shifts.items():
        means = {curve.procedure: curve.errors_percent.get(point) for curve in mean_curves(record, meter)}
        ends = [means.get("intrinsic-error"), means.get(procedure)]
        before, after = (DASH if end is None else Cell(f"{end:+.3f}", end) for end in ends)
        value = DASH if row.value is None else Cell(f"{row.value:.3f}", row.value, row.verdict == "FAIL")
        lines.append((meter, point, before, after, value, row.limits_text, row.verdict))
    columns = (
        Column("Meter"), Column("Flow point"), Column("Mean before", "E_m", "%", "number"),
        Column("Mean after", "E_m", "%", "number"), Column("Shift", "", "%", "number"),
        Column("Limit", "", "%", "number"), Column("Verdict", kind="verdict"),
    )  # fmt: skip
    return [Table(columns, lines, "Shift of the error curve")]


def is_shift(row: ResultRow) -> bool:
    """A row that ``shift_table`` prints."""
    return "shift" in row.quantity


def _zones(record: RunRecord, meter: Mapping[str, Any], marks: Mapping[str, float]) -> list[figures.Zone]:
    """The envelope of the maximum permissible errors, by which the curve before was judged."""
    zones = []
    for start, end in (("Q1", "Q2"), ("Q2", "Q4")):
        inside = [
            row
            for row in record.rows
            if (row.procedure, row.meter, row.quantity) == ("intrinsic-error", meter["serial"], ERROR)
            and row.lower is not None
            and row.upper is not None
            and ((nominal_flow_l_h(row.flow_point, dict(meter)) or 0.0) < marks["Q2"]) == (end == "Q2")
        ]
        if inside:
            tightest = min(inside, key=lambda row: (row.upper or 0.0) - (row.lower or 0.0))
            zones.append(figures.Zone(marks[start], marks[end], tightest.lower or 0.0, tightest.upper or 0.0))
    return zones
