"""The section of each test of a type evaluation that was carried out or begun: its head, its figures, its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from numpy.typing import NDArray

from meterbench.bench.record import ClauseVerdict, RunRecord
from meterbench.procedures import edition
from meterbench.reports import climate_figure, common_sections, curve_shift, error_figures, matrix
from meterbench.reports.blocks import Block, Facts, Figure
from meterbench.reports.clause_records import (
    conditions_table,
    error_tables,
    other_results,
    remarks,
    watched_registers,
)
from meterbench.reports.further_readings import further_readings
from meterbench.reports.tables import ERROR, Readings

Traces = Mapping[str, Mapping[str, NDArray[Any]]]
REASONS = 6
"""Of a test, printed at its head; all stand with their results."""
CLIMATE = {"dry-heat", "cold", "damp-heat"}
"""Procedures that are about the air around the meters."""


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A test of which the record holds anything."""

    clause: str
    """Of results without a clause the procedure's name."""
    title: str
    procedures: tuple[str, ...]
    conclusions: Mapping[str, ClauseVerdict]
    """By serial; none for a test that was begun and not concluded."""


def carried_out(record: RunRecord) -> list[CarriedOut]:
    """In the order of the standard, what is no clause last."""
    tests = edition.load(record.opened["edition"]["id"]).tests()
    conclusions = matrix.by_clause(record)
    procedures: dict[str, dict[str, None]] = {clause: {} for clause in conclusions}
    begun = {step.partition("/")[0] for step in record.step_times}
    for test in tests:
        if test.clause in procedures or test.name in begun:
            procedures.setdefault(test.clause, {})[test.name] = None
    for row in record.rows:
        procedures.setdefault(row.clause or row.procedure, {})[row.procedure] = None
    titles = {test.clause: test.title for test in tests}
    titles |= {clause: next(iter(found.values())).title for clause, found in conclusions.items()}
    return [
        CarriedOut(clause, titles.get(clause, clause), tuple(procedures[clause]), conclusions.get(clause, {}))
        for clause in sorted(procedures, key=matrix.clause_key)
    ]


def record_of(record: RunRecord, test: CarriedOut, series: Traces) -> list[Block]:
    """Everything that is to be printed of one test."""
    readings = Readings(record)
    rows = [row for row in record.rows if (row.clause or row.procedure) == test.clause]
    steps = [step for step in record.step_times if step.partition("/")[0] in test.procedures]
    shifts, shifted = curve_shift.shift_table(record, rows)
    watched, accounted = watched_registers(rows, record)
    errors, beside = error_tables(rows, readings)
    found: list[Block] = [_head(record, test, steps)]
    if shifts:
        for meter in record.batch:
            drawn = curve_shift.shift_figure(record, meter, test.procedures[0])
            if drawn:
                found.append(Figure(drawn, f"Meter {meter['serial']}: error curves before and after durability"))
    elif "intrinsic-error" in test.procedures:
        for title, drawn in error_figures.curves(record, readings, "intrinsic-error").items():
            found.append(Figure(drawn, title, 0.5))
    found += _climate(record, test, steps, series)
    found += [*shifts, *errors, *watched, *other_results(rows, [*shifted, *beside, *accounted])]
    found += [*further_readings(steps, record, accounted), *remarks(rows), *conditions_table(steps, record)]
    return found


def _head(record: RunRecord, test: CarriedOut, steps: Sequence[str]) -> Facts:
    by_verdict: dict[str, list[str]] = {}
    for each in test.conclusions.values():
        by_verdict.setdefault(each.verdict, []).append(each.meter)
    verdicts = "; ".join(f"{verdict} ({', '.join(found)})" for verdict, found in by_verdict.items())
    items = [("Verdict", verdicts or matrix.NOT_CONCLUDED)]
    reasons = [f"{each.meter}: {reason}" for each in test.conclusions.values() for reason in each.reasons]
    if reasons:
        more = f"; and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
        items.append(("Reasons", "; ".join(reasons[:REASONS]) + more))
    times = [record.step_times[step] for step in steps]
    if times:
        begins, ends = min(start for start, _ in times), max(end for _, end in times)
        items.append(("From, to", f"{common_sections.moment_text(begins)} – {common_sections.moment_text(ends)}"))
    wanted = set(steps)
    ambient = [
        each["value"]
        for each in record.readings
        if each["quantity"] == "ambient_temperature" and each["step"] in wanted
    ]
    if ambient:
        items.append(("Ambient temperature", f"{min(ambient):.1f} °C … {max(ambient):.1f} °C"))
    requirements = dict.fromkeys(each for found in test.conclusions.values() for each in found.requirements)
    return Facts([*items, ("Requirements", ", ".join(requirements))] if requirements else items)


def _climate(record: RunRecord, test: CarriedOut, steps: Sequence[str], series: Traces) -> list[Block]:
    """The chamber during the test, if it was what the test was about."""
    if not CLIMATE.intersection(test.procedures) or not steps:
        return []
    times = {step: [datetime.fromisoformat(each) for each in record.step_times[step]] for step in steps}
    span = min(start for start, _ in times.values()), max(end for _, end in times.values())
    collected = {row.step for row in record.rows if row.quantity == ERROR}
    measured = [(start, end) for step, (start, end) in times.items() if step in collected]
    drawn = climate_figure.climate_over_time(test.title, series, span, measured)
    caption = "Temperature and humidity in the chamber; shaded: errors were measured"
    return [Figure(drawn, caption)] if drawn else []
