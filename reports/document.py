"""A run's record as a document: the type evaluation report of ISO 4064-3, 4, or the verification report of its 5.

The same document is printed as a page and on paper; it says nothing that the record does not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from numpy.typing import NDArray

from meterbench.bench import traces
from meterbench.bench.record import ResultRow, RunRecord
from meterbench.bench.verdict import Verdict
from meterbench.errors import RecordError
from meterbench.reports import (
    clause_records,
    climate_figure,
    common_sections,
    curve_shift,
    deviations,
    error_figures,
    matrix,
    tables,
)
from meterbench.reports.blocks import BLANK, Block, Column, Document, Facts, Figure, Row, Section, Table, Text
from meterbench.reports.further_readings import further_readings
from meterbench.reports.tables import ERROR, Readings
from meterbench.reports.type_information import type_information

TYPE_EVALUATION = "type-approval"
CONCLUSIONS = {
    Verdict.PASS: "The bench found every meter within its limits.",
    Verdict.FAIL: "At least one meter does not conform.",
    Verdict.INVALID: "The bench could not judge: this is neither a pass nor a failure of a meter.",
    Verdict.ABORTED: "The run did not come to its end: no conclusion may be drawn from it.",
    Verdict.ERROR: "The bench was at fault: no conclusion may be drawn about any meter.",
    Verdict.NOT_RUN: "Nothing was measured: no conclusion may be drawn.",
}
Traces = Mapping[str, Mapping[str, NDArray[Any]]]


def document(record: RunRecord, verified_lines: int) -> Document:
    """The report of any programme; ``verified_lines`` of the journal hold together."""
    evaluation = record.opened["programme"] == TYPE_EVALUATION
    edition, clause = record.opened["edition"]["title"], record.opened["edition"]["clause"]
    missing = matrix.missing_tests(record) if evaluation else []
    warnings = list(common_sections.banners(record))
    if missing:
        warnings.append(
            "Not a complete type evaluation: neither carried out nor declared not applicable were "
            + ", ".join(test["clause"] for test in missing)
            + "."
        )
    if evaluation:
        subtitle = f"{edition}, in the form of ISO 4064-3 | OIML R 49-3"
    elif clause:
        subtitle = f"{edition}, clause {clause}"
    else:
        subtitle = f"Not a test of a standard; limits after {edition}"
    conclusion = CONCLUSIONS[record.verdict]
    if missing and record.verdict is Verdict.PASS:
        conclusion = "Every test that was carried out was passed; the type evaluation is not complete."
    return Document(
        kicker="Type evaluation report of water meters" if evaluation else "Test report of water meters",
        title=record.opened["title"],
        subtitle=subtitle,
        date=record.closed["utc"] if record.closed else record.opened["utc"],
        verdict=record.verdict.name,
        conclusion=conclusion,
        banners=tuple(warnings),
        run=record.name,
        head_hash=record.head_hash,
        software=common_sections.software_text(record),
        front=_front(record, evaluation),
        sections=_evaluation(record, verified_lines) if evaluation else _verification(record, verified_lines),
    )


def _front(record: RunRecord, evaluation: bool) -> list[Block]:
    meters = record.batch
    types = ", ".join(dict.fromkeys(f"{meter['designation']}, Q3 {meter['q3_m3_h']} m³/h, R{meter['ratio']}"
                                    for meter in meters if "designation" in meter))  # fmt: skip
    facts = Facts(
        [
            ("Type", types or BLANK),
            ("Samples", str(len(meters))),
            ("Station", record.opened["station"]["name"]),
            ("Begun", common_sections.moment_text(record.opened["utc"])),
        ]
    )
    if not evaluation:
        return [facts, _error_summary(record)]
    excused: list[Row] = [(each.clause, each.title, each.reason) for each in record.not_applicable]
    columns = (Column("Clause"), Column("Test", width=1.0), Column("Why", width=1.0))
    found: list[Block] = [facts, *matrix.sample_matrix(record)]
    return [*found, Table(columns, excused, "Not applicable to this type")] if excused else found


def _error_summary(record: RunRecord) -> Table:
    """Errors of each meter at each flow point, and its conclusion."""
    summary = tables.summarise(record)
    lines: list[Row] = []
    for line in summary.lines:
        errors = ["; ".join(row.value_text for row in rows) or "–" for rows in line.errors]
        lines.append((line.serial, *errors, line.verdict, "; ".join(line.reasons)))
    columns = (
        Column("Meter"), *[Column(point, "E", "%", "number") for point in summary.flow_points],
        Column("Verdict", kind="verdict"), Column("Reasons", width=1.0),
    )  # fmt: skip
    return Table(columns, lines, "Errors of indication and conclusion on each meter")


def _evaluation(record: RunRecord, verified_lines: int) -> list[Section]:
    series, missing_traces = _traces(record)
    places: dict[str, str] = {}
    parts: dict[str, list[Section]] = {"4.5": [], "4.6": [], "4.7": []}
    for clause, conclusions in matrix.by_clause(record).items():
        part = {"7": "4.5", "8": "4.6"}.get(clause.partition(".")[0], "4.7")
        places[clause] = f"{part}.{len(parts[part]) + 1}"
        title = f"{next(iter(conclusions.values())).title} (clause {clause})"
        parts[part].append(Section(places[clause], title, _test_record(record, clause, series)))
    check = [Section(number, title, [table]) for number, title, table in matrix.check_list(record, places)]
    titles = {row.procedure: "" for row in record.rows}
    for row in record.rows:
        conclusions = matrix.by_clause(record).get(row.clause, {})
        titles[row.procedure] = (
            f"{row.clause} {next(iter(conclusions.values())).title}" if conclusions else row.procedure
        )
    documents: list[Row] = [(BLANK, BLANK, BLANK)] * 4
    columns = tuple(Column(head, width=1.0) for head in ("Document", "Number", "Date"))
    notes: list[Block] = [Text(missing_traces, "warning")] if missing_traces else []
    return [
        Section("4.1", "General", [common_sections.general_facts(record), *notes], new_page=True),
        Section("4.2", "Information concerning the type", type_information(record)),
        Section("4.3", "General information concerning the test equipment", [
            Text("All volumes are weighed; the instruments are listed in Annex B with their certificates.")
            if any(each["quantity"] == "weighed_mass" for each in record.readings)
            else Text("The instruments are listed in Annex B with their certificates."),
        ]),
        Section("4.4", "Check list for examinations and performance tests", [], check, new_page=True),
        Section("4.5", "Tests of all water meters", _none(parts["4.5"]), parts["4.5"], new_page=True),
        Section("4.6", "Tests of electronic meters", _none(parts["4.6"]), parts["4.6"], new_page=True),
        Section("4.7", "Further examinations", _none(parts["4.7"]), parts["4.7"]),
        Section("Annex A", "Documents concerning the type", [Table(columns, documents)], new_page=True),
        Section("Annex B", "Test equipment used", common_sections.equipment(record)),
        Section("Annex C", "Measurement uncertainty", [Text(_BUDGETS, "note")],
                common_sections.uncertainty(record, titles, "C"), new_page=True),
        *_closing(record, verified_lines, ("D", "E", "F", "G", "H")),
    ]  # fmt: skip


_BUDGETS = "Budgets after the GUM: independent contributions, combined as the root of the sum of squares."


def _closing(record: RunRecord, verified_lines: int, letters: Sequence[str]) -> list[Section]:
    deviating, acts, traced, unconfirmed, rest = (f"Annex {letter}" for letter in letters)
    return [
        Section(deviating, "Deviations", deviations.deviations(record), new_page=True),
        Section(acts, "Acts of the operator", deviations.operator_acts(record), collapsed=True),
        Section(
            traced, "Traceability of the requirements", [common_sections.traceability_table(record)], collapsed=True
        ),
        Section(unconfirmed, "Reservations", common_sections.reservations(record)),
        Section(rest, "Record and signatures", common_sections.record_and_signatures(record, verified_lines)),
    ]


def _none(sections: Sequence[Section]) -> list[Block]:
    return [] if sections else [Text("None of these tests was concluded in this run.")]


def _test_record(record: RunRecord, clause: str, series: Traces) -> list[Block]:
    """Everything that is to be printed of one test."""
    readings = Readings(record)
    rows = [row for row in record.rows if row.clause == clause]
    procedures = dict.fromkeys(row.procedure for row in rows)
    steps = [step for step in record.step_times if step.partition("/")[0] in procedures]
    shifts = curve_shift.shift_table(record, rows)
    watched, accounted = clause_records.watched_registers(rows, record)
    beside = clause_records.faults_beside_errors(rows)
    in_curves = [row for row in rows if row.quantity == "repeatability" and row.value is not None]
    shown = [*accounted, *beside, *in_curves, *([row for row in rows if curve_shift.is_shift(row)] if shifts else [])]
    found: list[Block] = [_head(record, clause, steps)]
    if shifts:
        for meter in record.batch:
            drawn = curve_shift.shift_figure(record, meter, next(iter(procedures)))
            if drawn:
                found.append(Figure(drawn, f"Meter {meter['serial']}: error curves before and after durability"))
    elif "intrinsic-error" in procedures:
        for title, drawn in error_figures.curves(record, readings, "intrinsic-error").items():
            found.append(Figure(drawn, title, 0.5))
    found += _climate(record, procedures, steps, series)
    found += [*shifts, *clause_records.error_tables(rows, readings), *watched]
    found += clause_records.other_results(rows, shown)
    found += further_readings(steps, record, accounted)
    found += [*clause_records.remarks(rows), *clause_records.conditions_table(steps, record)]
    return found


def _head(record: RunRecord, clause: str, steps: Sequence[str]) -> Facts:
    conclusions = matrix.by_clause(record)[clause]
    by_verdict: dict[str, list[str]] = {}
    for each in conclusions.values():
        by_verdict.setdefault(each.verdict, []).append(each.meter)
    items = [("Verdict", "; ".join(f"{verdict} ({', '.join(found)})" for verdict, found in by_verdict.items()))]
    reasons = [f"{each.meter}: {reason}" for each in conclusions.values() for reason in each.reasons]
    if reasons:
        more = f"; and {len(reasons) - _REASONS} more" if len(reasons) > _REASONS else ""
        items.append(("Reasons", "; ".join(reasons[:_REASONS]) + more))
    times = [record.step_times[step] for step in steps]
    if times:
        begins, ends = min(start for start, _ in times), max(end for _, end in times)
        items.append(("From, to", f"{common_sections.moment_text(begins)} – {common_sections.moment_text(ends)}"))
    ambient = [each["value"] for each in record.readings
               if each["quantity"] == "ambient_temperature" and each["step"] in set(steps)]  # fmt: skip
    if ambient:
        items.append(("Ambient temperature", f"{min(ambient):.1f} °C … {max(ambient):.1f} °C"))
    requirements = dict.fromkeys(each for found in conclusions.values() for each in found.requirements)
    items.append(("Requirements", ", ".join(requirements) or "–"))
    return Facts(items)


_REASONS = 6
"""Of a test, printed at its head; all stand with their results."""


def _climate(record: RunRecord, procedures: Mapping[str, None], steps: Sequence[str], series: Traces) -> list[Block]:
    """The chamber during the test, if it was what the test was about: conditioned before, measured after."""
    if not procedures.keys() & {"dry-heat", "cold", "damp-heat"} or not climate_figure.has_climate(series):
        return []
    times = [tuple(datetime.fromisoformat(each) for each in record.step_times[step]) for step in steps]
    if not times:
        return []
    span = min(start for start, _ in times), max(end for _, end in times)
    collected = {row.step for row in record.rows if row.quantity == ERROR}
    measured = [(each[0], each[1]) for step, each in zip(steps, times, strict=True) if step in collected]
    name = ", ".join(procedures).replace("-", " ")
    drawn = climate_figure.climate_over_time(name, series, span, measured)
    caption = "Temperature and humidity in the chamber; shaded: errors were measured"
    return [Figure(drawn, caption)] if drawn else []


def _traces(record: RunRecord) -> tuple[Traces, str]:
    if not record.traces:
        return {}, ""
    try:
        return traces.load(record.folder, record.traces), ""
    except RecordError as error:
        return {}, f"No figures over time: {error}"


def _verification(record: RunRecord, verified_lines: int) -> list[Section]:
    readings = Readings(record)
    records = []
    for number, (procedure, rows) in enumerate(_by_procedure(record).items(), 1):
        steps = [step for step in record.step_times if step.partition("/")[0] == procedure]
        drawings = error_figures.curves(record, readings, procedure)
        blocks: list[Block] = [Figure(drawn, title, 0.5 if len(drawings) > 1 else 1.0)
                               for title, drawn in drawings.items()]  # fmt: skip
        blocks += clause_records.error_tables(rows, readings)
        blocks += clause_records.other_results(rows, clause_records.faults_beside_errors(rows))
        blocks += [*clause_records.remarks(rows), *clause_records.conditions_table(steps, record)]
        records.append(Section(f"5.3.{number}", procedure.replace("-", " ").capitalize(), blocks))
    titles = {procedure: procedure.replace("-", " ").capitalize() for procedure in _by_procedure(record)}
    return [
        Section("5.1", "General", [common_sections.general_facts(record)], new_page=True),
        Section("5.2", "Information on the meters under test", [common_sections.meters_table(record)]),
        Section("5.3", "Tests", _none(records), records),
        Section("Annex A", "Test equipment used", common_sections.equipment(record)),
        Section("Annex B", "Measurement uncertainty", [Text(_BUDGETS, "note")],
                common_sections.uncertainty(record, titles, "B")),
        *_closing(record, verified_lines, ("C", "D", "E", "F", "G")),
    ]  # fmt: skip


def _by_procedure(record: RunRecord) -> dict[str, list[ResultRow]]:
    found: dict[str, list[ResultRow]] = {}
    for row in record.rows:
        found.setdefault(row.procedure, []).append(row)
    return found
