"""A run's record as a document: the type evaluation report of ISO 4064-3, 4, or the verification report of its 5.

The same document is printed as a page and on paper; it says nothing that the record does not say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from meterbench.bench import traces
from meterbench.bench.record import ResultRow, RunRecord
from meterbench.bench.verdict import Verdict
from meterbench.errors import RecordError
from meterbench.reports import (
    clause_records,
    clause_sections,
    common_sections,
    deviations,
    error_figures,
    matrix,
    tables,
)
from meterbench.reports.blocks import BLANK, Block, Column, Document, Facts, Figure, Row, Section, Table, Text
from meterbench.reports.clause_sections import Traces
from meterbench.reports.tables import Readings
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


def document(record: RunRecord, verified_lines: int) -> Document:
    """The report of any programme; ``verified_lines`` of the journal hold together."""
    evaluation = record.opened["programme"] == TYPE_EVALUATION
    edition, clause = record.opened["edition"]["title"], record.opened["edition"]["clause"]
    missing = matrix.missing_tests(record) if evaluation else {}
    warnings = list(common_sections.banners(record))
    if missing:
        warnings.append(
            f"Not a complete type evaluation: without a conclusion, and not declared not applicable, {_are(missing)}."
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


def _are(missing: Collection[str]) -> str:
    return f"{'is' if len(missing) == 1 else 'are'} {', '.join(missing)}"


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
    carried_out = clause_sections.carried_out(record)
    for test in carried_out:
        part = {"7": "4.5", "8": "4.6"}.get(test.clause.partition(".")[0], "4.7")
        places[test.clause] = f"{part}.{len(parts[part]) + 1}"
        blocks = clause_sections.record_of(record, test, series)
        title = f"{test.title} (clause {test.clause})" if test.clause[:1].isdecimal() else test.title
        parts[part].append(Section(places[test.clause], title, blocks))
    check = [Section(number, title, [table]) for number, title, table in matrix.check_list(record, places)]
    titles = {procedure: f"{test.clause} {test.title}" for test in carried_out for procedure in test.procedures}
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
    return [] if sections else [Text("None of these tests was carried out in this run.")]


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
        errors, shown = clause_records.error_tables(rows, readings)
        blocks += [*errors, *clause_records.other_results(rows, shown)]
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
