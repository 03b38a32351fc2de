"""The figures of the errors of indication of a run: a curve a meter, or dots where there is no single flow rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from meterbench.bench.record import ResultRow, RunRecord
from meterbench.reports import figures, tables
from meterbench.reports.tables import ERROR, Readings

FLOW_MARKS = ("Q1", "Q2", "Q3", "Q4")


def procedures(record: RunRecord) -> list[str]:
    """Those that measured errors, in their order."""
    return list(dict.fromkeys(row.procedure for row in record.rows if row.quantity == ERROR and row.value is not None))


def curves(record: RunRecord, readings: Readings, procedure: str) -> dict[str, str]:
    """Titled SVG texts of a procedure: a curve a meter, on a common scale; one for all where there is no flow axis."""
    meters = {meter["serial"]: meter for meter in record.batch}
    rows = [row for row in record.rows
            if row.quantity == ERROR and row.value is not None and row.procedure == procedure]  # fmt: skip
    over_flow = [row for row in rows if _nominal_l_h(row, meters) is not None]
    others = [row for row in rows if _nominal_l_h(row, meters) is None]
    scale = figures.error_scale([_point(row, "") for row in over_flow], _limits(over_flow))
    drawings = {
        f"Meter {serial}": _curve(meters[serial], [row for row in over_flow if row.meter == serial], readings, scale)
        for serial in dict.fromkeys(row.meter for row in over_flow)
    }
    if others:
        lowest = max((row.lower for row in others if row.lower is not None), default=None)
        highest = min((row.upper for row in others if row.upper is not None), default=None)
        title = ", ".join(dict.fromkeys(row.flow_point for row in others)).capitalize()
        drawings[title] = figures.error_dots([_point(row, row.meter) for row in others], lowest, highest)
    return drawings


def _curve(meter: dict[str, Any], rows: list[ResultRow], readings: tables.Readings, scale_percent: float) -> str:
    marks = {mark: meter[f"{mark.lower()}_l_h"] for mark in FLOW_MARKS}
    points, zones = [], []
    for row in rows:
        flow = readings.seen(row, "flow_mean")
        nominal = tables.nominal_flow_l_h(row.flow_point, meter) or 0.0
        points.append(_point(row, flow.lowest if flow else nominal))
    for start, end in (("Q1", "Q2"), ("Q2", "Q4")):
        lower_zone = end == "Q2"
        inside = [
            row
            for row in rows
            if ((tables.nominal_flow_l_h(row.flow_point, meter) or 0.0) < marks["Q2"]) == lower_zone
            and row.lower is not None
            and row.upper is not None
        ]
        if inside:
            tightest = min(inside, key=lambda row: (row.upper or 0.0) - (row.lower or 0.0))
            zones.append(figures.Zone(marks[start], marks[end], tightest.lower or 0.0, tightest.upper or 0.0))
    return figures.error_curve(meter["serial"], points, zones, marks, scale_percent)


def _point(row: ResultRow, place: float | str) -> figures.ErrorPoint:
    return figures.ErrorPoint(place, row.value or 0.0, row.expanded_uncertainty, row.verdict)


def _nominal_l_h(row: ResultRow, meters: dict[str, dict[str, Any]]) -> float | None:
    return tables.nominal_flow_l_h(row.flow_point, meters.get(row.meter, {}))


def _limits(rows: Iterable[ResultRow]) -> list[float]:
    return [limit for row in rows for limit in (row.lower, row.upper) if limit is not None]
