"""Sections that a report of any programme has: what was tested, with what, by whom, and what spoke against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meterbench.bench.record import Budget, RunRecord
from meterbench.procedures import requirements
from meterbench.reports import figures, tables
from meterbench.reports.blocks import (
    BLANK,
    DASH,
    Block,
    Cell,
    Column,
    Facts,
    Figure,
    Row,
    Section,
    Signatures,
    Table,
    Text,
)
from meterbench.reports.clause_records import words
from meterbench.reports.traceability import traceability

VALID_CALIBRATIONS = ("valid", "none needed")
BY_HAND = {
    "pressurise": "Test pump and pressure gauge",
    "magnet_on": "Magnet",
    "discharge": "Generator of electrostatic discharges",
    "field_on": "Field generator, antenna and field probe",
    "fit_disturber": "Flow disturbers",
    "incline": "Inclinometer",
    "vibration": "Vibration system",
}
"""Acts that take a device of the operator's, which no record identifies."""


def moment_text(utc: str) -> str:
    """An instant of the record to the second, ``2026-03-04 10:15:30 UTC``."""
    return f"{utc[:19].replace('T', ' ')} UTC"


def banners(record: RunRecord) -> tuple[str, ...]:
    """What nobody may overlook: where it was not measured, and that it was cut off."""
    station = record.opened["station"]
    found = []
    if station.get("other_side"):
        found.append(
            "Not measured at a laboratory: not evidence about a real meter. "
            f"In the place of the instruments answered: {station['other_side']}."
        )
    elif station["simulated"]:
        found.append(
            "Simulated station: not evidence about a real meter. Instruments, water, meters and the operator of this "
            f"run were simulated (seed {station.get('seed', DASH)})."
        )
    if record.closed is None:
        found.append("This record was never closed: the run was cut off. What follows is what was recorded until then.")
    return tuple(found)


def general_facts(record: RunRecord) -> Facts:
    """The run, its laboratory as far as the record knows it, and its dates."""
    opened = record.opened
    documents = opened.get("type", {})
    people = dict.fromkeys(act["who"] for act in record.acts if act.get("who"))
    return Facts(
        [
            ("Application number", documents.get("application") or BLANK),
            ("Applicant", documents.get("applicant") or BLANK),
            ("Manufacturer", documents.get("manufacturer") or BLANK),
            ("Testing laboratory", BLANK),
            ("Record of the run", record.name),
            ("Station", f"{opened['station']['name']} ({opened['station']['clock']} clock)"),
            ("Begun", moment_text(opened["utc"])),
            ("Ended", moment_text(record.closed["utc"]) if record.closed else "not closed"),
            ("Time at the bench", f"{record.closed['bench_seconds'] / 3600.0:.1f} h" if record.closed else DASH),
            ("Observers", ", ".join(people) or BLANK),
            ("Edition of the standard", opened["edition"]["title"]),
            ("Software", software_text(record)),
        ]
    )


def software_text(record: RunRecord) -> str:
    """The program that measured."""
    software = record.opened["software"]
    commit = f", revision {software['commit']}" if software.get("commit") else ""
    return f"{software['name']} {software['version']}{commit}, Python {software['python']}"


def meters_table(record: RunRecord) -> Table:
    """The samples with their flow rates."""
    lines: list[Row] = [
        (
            str(meter.get("slot", DASH)), meter["serial"], str(meter.get("designation", DASH)),
            *[Cell(tables.nominal_text(meter.get(mark)), meter.get(mark)) for mark in _FLOWS],
            str(meter.get("ratio", DASH)), str(meter.get("accuracy_class", DASH)),
            str(meter.get("temperature_class", DASH)),
        )
        for meter in record.batch
    ]  # fmt: skip
    columns = (
        Column("Slot", kind="number"), Column("Serial number"), Column("Designation", width=1.0),
        *[Column(mark[:2].upper(), unit="L/h", kind="number") for mark in _FLOWS],
        Column("Q3/Q1", kind="number"), Column("Class"), Column("Temp. class"),
    )  # fmt: skip
    return Table(columns, lines, "Samples")


_FLOWS = ("q1_l_h", "q2_l_h", "q3_l_h", "q4_l_h")


def equipment(record: RunRecord) -> list[Block]:
    """Instruments with their certificates, and what the operator used, to be filled in."""
    lines: list[Row] = []
    for it in record.opened["instruments"]:
        calibration = str(it.get("calibration") or "missing")
        make = " ".join(str(it[key]) for key in ("manufacturer", "model") if it.get(key)) or DASH
        lines.append(
            (
                words(it["role"]), make, _or_dash(it.get("serial")), _or_dash(it.get("firmware")),
                _or_dash(it.get("certificate")), _or_dash(it.get("issued_by")), _or_dash(it.get("issued")),
                _or_dash(it.get("due")), tables.unit_text(_or_dash(it.get("expanded_uncertainty"))),
                Cell(calibration, out=calibration not in VALID_CALIBRATIONS),
            )
        )  # fmt: skip
    columns = (
        Column("Use", width=1.0), Column("Make and model", width=1.3), Column("Serial", width=0.8),
        Column("Firmware", width=0.7), Column("Certificate", width=1.0), Column("Issued by", width=0.9),
        Column("Issued", width=0.8), Column("Due", width=0.8), Column("Uncertainty, k = 2", width=1.1),
        Column("Calibration", width=0.8),
    )  # fmt: skip
    found: list[Block] = [Table(columns, lines, "Instruments")] if lines else [Text("No instrument is in the record.")]
    names = dict.fromkeys(act["name"] for act in record.acts)
    used: list[Row] = [(BY_HAND[name], BLANK, BLANK, BLANK, BLANK) for name in names if name in BY_HAND]
    if used:
        heads = ("Make and model", "Serial", "Certificate", "Due")
        by_hand = (Column("Device", width=1.4), *[Column(head, width=1.0) for head in heads])
        found.append(Table(by_hand, used, "Used by the operator, not identified in the record: to be filled in"))
    air = {
        "Air pressure (entered)": (record.opened["station"].get("air_pressure_hpa"), "hPa"),
        "Relative humidity (entered)": (record.opened["station"].get("relative_humidity_percent"), "%"),
    }
    facts = [(name, DASH if number is None else f"{number:g} {unit}") for name, (number, unit) in air.items()]
    for quantity, seen in tables.laboratory_readings(record).items():
        ends = dict.fromkeys(tables.number_text(each, seen.unit) for each in (seen.lowest, seen.highest))
        facts.append(
            (f"{words(quantity).capitalize()} (measured)", f"{' … '.join(ends)} {tables.unit_text(seen.unit)}")
        )
    return [*found, Facts(facts)]


def uncertainty(record: RunRecord, titles: Mapping[str, str], letter: str) -> list[Section]:
    """Per test the range of the expanded uncertainties and the largest budget; ``titles`` by procedure."""
    grouped: dict[tuple[str, str], list[Budget]] = {}
    for budget in record.budgets:
        grouped.setdefault((budget.step.partition("/")[0], budget.quantity), []).append(budget)
    found = []
    for number, ((procedure, quantity), budgets) in enumerate(grouped.items(), 1):
        largest = max(budgets, key=lambda each: each.expanded_uncertainty_percent)
        smallest = min(each.expanded_uncertainty_percent for each in budgets)
        where = largest.step.partition("/")[2] + (f", meter {largest.meter}" if largest.meter else "")
        text = (
            f"{len(budgets)} budgets, U from {smallest:.3g} % to {largest.expanded_uncertainty_percent:.3g} % "
            f"(k = {largest.coverage_factor:g}). The largest: {where}."
        )
        parts = [(part.name, part.percent) for part in largest.contributions]
        bars = figures.budget_bars(f"{largest.step}, {quantity}", parts, largest.standard_uncertainty_percent)
        title = f"{titles.get(procedure, procedure)}: {words(quantity)}"
        drawn = Figure(bars, "Contributions to the standard uncertainty of the result, %")
        blocks: list[Block] = [Text(text), _budget_table(largest), drawn]
        found.append(Section(f"{letter}.{number}", title, blocks, collapsed=True))
    return found


def _budget_table(budget: Budget) -> Table:
    lines: list[Row] = [
        (part.name, Cell(tables.rounded_text(part.estimate, 6), part.estimate),
         Cell(tables.rounded_text(part.standard_uncertainty, 3), part.standard_uncertainty),
         tables.unit_text(part.unit) or DASH, part.distribution,
         Cell(tables.rounded_text(part.sensitivity, 4), part.sensitivity),
         Cell(tables.rounded_text(part.percent, 3), part.percent), part.source)
        for part in budget.contributions
    ]  # fmt: skip
    standard, expanded = budget.standard_uncertainty_percent, budget.expanded_uncertainty_percent
    for name, number in (("Combined", standard), (f"Expanded, k = {budget.coverage_factor:g}", expanded)):
        lines.append((Cell(name), "", "", "", "", "", Cell(tables.rounded_text(number, 3), number), ""))
    columns = (
        Column("Contribution", width=1.3), Column("Estimate", kind="number"), Column("u", "", "", "number"),
        Column("Unit"), Column("Distribution"), Column("Sensitivity", "", "%/unit", "number"),
        Column("u of result", "", "%", "number"), Column("Source", width=1.2),
    )  # fmt: skip
    return Table(columns, lines)


def traceability_table(record: RunRecord) -> Table:
    """Requirements of the technical description, the tests of this run that exercise them, and the worst verdict."""
    lines: list[Row] = []
    for traced in traceability(record, requirements.load()):
        if not traced.exercises:
            lines.append((traced.id, traced.title, "nothing covers it yet", DASH))
        for number, each in enumerate(traced.exercises):
            head = (traced.id, traced.title) if number == 0 else ("", "")
            lines.append((*head, f"{each.clause} {each.title}", each.verdict))
    columns = (
        Column("Requirement"), Column("Title", width=1.3), Column("Test of this run", width=1.0),
        Column("Verdict", kind="verdict"),
    )  # fmt: skip
    return Table(columns, lines)


def reservations(record: RunRecord) -> list[Block]:
    """What is not covered, and figures that nobody checked against the printed standard."""
    edition = record.opened["edition"]
    found: list[Block] = []
    if edition["not_covered"]:
        found.append(Text("Not examined here, and to be shown otherwise: " + "; ".join(edition["not_covered"]) + "."))
    if not edition["unconfirmed"]:
        return [*found, Text("All figures of the edition were checked against the text of the standard.")]
    lines: list[Row] = [(figure,) for figure in edition["unconfirmed"]]
    found.append(Text("These figures of the edition were not checked against the printed text of the standard."))
    return [*found, Table((Column("Figure", width=1.0),), lines)]


def record_and_signatures(record: RunRecord, verified_lines: int) -> list[Block]:
    """What this report rests on, and the lines to sign on."""
    return [
        Facts(
            [
                ("Software", software_text(record)),
                ("Lines of the record", f"{verified_lines}, chain of hashes unbroken"),
                ("Exit status", str(record.closed["exit_status"]) if record.closed else "none: not closed"),
            ]
        ),
        Text(f"Head hash (SHA-256): {record.head_hash}", "mono"),
        Signatures(("Tested by", "Reviewed by", "Date")),
    ]


def _or_dash(part: Any) -> str:
    return DASH if part is None or part == "" else str(part)
