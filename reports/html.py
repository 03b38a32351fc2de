"""The HTML report of a run: one file that needs nothing else, a view of the record and of nothing but the record.

The same record gives the same bytes: no clock is read, and the date is that of the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from meterbench.bench import journal, traces
from meterbench.bench.record import ResultRow, RunRecord
from meterbench.bench.verdict import Verdict
from meterbench.errors import RecordError
from meterbench.reports import figures, tables, trace_figures

CONCLUSIONS = {
    Verdict.PASS: "The bench found every meter within its limits.",
    Verdict.FAIL: "At least one meter does not conform.",
    Verdict.INVALID: "The bench could not judge: this is neither a pass nor a failure of a meter.",
    Verdict.ABORTED: "The run did not come to its end: no conclusion may be drawn from it.",
    Verdict.ERROR: "The bench was at fault: no conclusion may be drawn about any meter.",
    Verdict.NOT_RUN: "Nothing was measured: no conclusion may be drawn.",
}
VERDICT_GLYPHS = {"PASS": "●", "FAIL": "✖", "INVALID": "◆"}
"""The markers of the figures as characters; any other verdict gets a triangle."""
FLOW_MARKS = ("Q1", "Q2", "Q3", "Q4")


def write_report(record: RunRecord, path: Path) -> Path:
    """Write the report of a run to ``path`` as a whole and return it; ``RecordError`` if it cannot be written."""
    readings = tables.Readings(record)
    page = _environment().get_template("report.html")
    text = page.render(
        record=record,
        opened=record.opened,
        verified_lines=_verified_lines(record),
        conclusion=CONCLUSIONS[record.verdict],
        summary=tables.summarise(record),
        curves=error_figures(record, readings),
        points=tables.point_records(record, readings),
        further=tables.further_rows(record),
        conditions=tables.conditions_by_step(record),
        budgets=tables.budget_sections(record),
        laboratory=tables.laboratory_readings(record),
        **_process_values(record),
    )
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_bytes(text.encode())
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise RecordError(f"cannot write the report {path}: {error.strerror}") from error
    return path


def _process_values(record: RunRecord) -> dict[str, Any]:
    """The figure over time, or why there is none."""
    if not record.traces:
        return {"over_time": Markup(""), "traces_missing": ""}
    try:
        found = traces.load(record.folder, record.traces)
    except RecordError as error:
        return {"over_time": Markup(""), "traces_missing": str(error)}
    steps = [
        (step.rpartition("/")[2], datetime.fromisoformat(begins), datetime.fromisoformat(ends))
        for step, (begins, ends) in record.step_times.items()
    ]
    return {"over_time": Markup(trace_figures.over_time(found, steps)), "traces_missing": ""}


def error_figures(record: RunRecord, readings: tables.Readings) -> list[tuple[str, dict[str, Markup]]]:
    """Procedure and its titled figures: a curve a meter, on a common scale; one for all where there is no flow axis."""
    meters = {meter["serial"]: meter for meter in record.batch}
    grouped: dict[str, list[ResultRow]] = {}
    for row in record.rows:
        if row.quantity == tables.ERROR and row.value is not None:
            grouped.setdefault(row.procedure, []).append(row)
    found = []
    for procedure, rows in grouped.items():
        over_flow = [row for row in rows if _nominal_l_h(row, meters) is not None]
        others = [row for row in rows if _nominal_l_h(row, meters) is None]
        scale = figures.error_scale([_point(row, "") for row in over_flow], _limits(over_flow))
        drawings = {
            f"Meter {serial}": _curve(
                meters[serial], [row for row in over_flow if row.meter == serial], readings, scale
            )
            for serial in dict.fromkeys(row.meter for row in over_flow)
        }
        if others:
            lowest = max((row.lower for row in others if row.lower is not None), default=None)
            highest = min((row.upper for row in others if row.upper is not None), default=None)
            title = ", ".join(dict.fromkeys(row.flow_point for row in others)).capitalize()
            drawings[title] = figures.error_dots([_point(row, row.meter) for row in others], lowest, highest)
        found.append((procedure, {title: Markup(drawing) for title, drawing in drawings.items()}))
    return found


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


def _verified_lines(record: RunRecord) -> int:
    """How many lines of the journal hold together, up to the head that this record was read from."""
    for number, line in enumerate(journal.read(record.folder), 1):
        if line["hash"] == record.head_hash:
            return number
    raise RecordError(f"the record in {record.folder} is not the one that was read: its head has another hash")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "dash": lambda part: "–" if isinstance(part, Undefined) or part is None or part == "" else part,
        "words": lambda name: name.replace("_", " "),
        "unit": tables.unit_text,
        "moment": moment_text,
        "number": tables.number_text,
        "nominal": tables.nominal_text,
        "limit": tables.limit_text,
        "rounded": tables.rounded_text,
        "glyph": lambda verdict: VERDICT_GLYPHS.get(verdict, "▲"),
    }
    environment.globals["budget_bars"] = _budget_bars
    return environment


def _budget_bars(section: tables.BudgetSection) -> Markup:
    budget = section.budget
    parts = [(part.name, part.percent) for part in budget.contributions]
    return Markup(figures.budget_bars(f"{budget.step}, {budget.quantity}", parts, budget.standard_uncertainty_percent))


def moment_text(utc: str) -> str:
    """An instant of the record to the second, ``2026-03-04 10:15:30 UTC``."""
    return f"{utc[:19].replace('T', ' ')} UTC"
