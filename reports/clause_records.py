"""The record of one test as ISO 4064-3, 4.5 and 4.6 want it: what was set, what was read, what followed, by what limit.

Numbers come from the record as they stand there; only means and standard deviations of repeats are formed for print.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from meterbench.bench.record import Condition, ResultRow, RunRecord
from meterbench.bench.verdict import Verdict
from meterbench.reports import tables
from meterbench.reports.blocks import DASH, Cell, Column, Row, Table
from meterbench.reports.tables import ERROR, RECORD_COLUMNS, Readings, Seen

FAULT = "fault"
_HEADS = {
    "flow_mean": ("Actual flow", "Q"),
    "line_pressure": ("Pressure", "p"),
    "water_temperature": ("Water temp.", "ϑ"),
    "indicated_volume": ("Indicated", "V_i"),
    "actual_volume": ("Actual", "V_a"),
}
WINDOWS_EACH = 6
"""Of a quantity, a line each: as many as there are flow points."""
_FURTHER = (
    Column("Meter"), Column("Condition", width=1.0), Column("Flow point"), Column("Quantity", width=1.0),
    Column("Result", kind="number"), Column("Uncertainty", "U", kind="number"), Column("Limits", kind="number"),
    Column("Unit"), Column("Verdict", kind="verdict"),
)  # fmt: skip


def words(name: str) -> str:
    """A name of the record as it is printed."""
    return name.replace("_", " ")


def error_tables(rows: Sequence[ResultRow], readings: Readings) -> tuple[list[Table], list[ResultRow]]:
    """The errors of indication of a test: by sample and flow point with mean and standard deviation where a point was
    repeated, else one table, in which a fault stands beside the error that it comes from. With the rows other than
    errors that these tables account for."""
    errors = [row for row in rows if row.quantity == ERROR]
    alike = Counter(_place(row) for row in errors)
    repeated: dict[tuple[str, str], list[ResultRow]] = {}
    for row in errors:
        if alike[_place(row)] > 1:
            repeated.setdefault((row.meter, row.condition), []).append(row)
    deviations = {_place(row): row for row in rows if row.quantity == "repeatability" and row.value is not None}
    found, shown = [], []
    for (meter, condition), of_curve in repeated.items():
        table, judged = _curve_table(meter, condition, of_curve, deviations, readings)
        found.append(table)
        shown += judged
    single = [row for row in errors if alike[_place(row)] == 1]
    if single:
        of_run = {_run(row): row for row in rows if row.quantity == FAULT}
        beside = [of_run.get(_run(row)) for row in single]
        found.append(_flat_table(single, beside, readings))
        shown += [fault for fault in beside if fault]
    return found, shown


def other_results(rows: Sequence[ResultRow], shown: Iterable[ResultRow] = ()) -> list[Table]:
    """What is neither an error of indication nor a fault beside one."""
    left = [row for row in rows if row.quantity != ERROR and row not in set(shown)]
    if not left:
        return []
    lines: list[Row] = [
        (
            row.meter or DASH,
            row.condition or DASH,
            row.flow_point or DASH,
            words(row.quantity),
            _value(row),
            Cell(row.uncertainty_text, row.expanded_uncertainty),
            row.limits_text,
            tables.unit_text(row.unit) or DASH,
            row.verdict,
        )
        for row in left
    ]
    return [_without_empty(Table(_FURTHER, lines, "Further results"), keep=(0, 3, 4, 6, 8))]


def watched_registers(rows: Sequence[ResultRow], record: RunRecord) -> tuple[list[Table], list[ResultRow]]:
    """Registers read at the start and at the end of a watch (absence of flow), and the rows that this accounts for."""
    read = {(each["step"], each["meter"], each["quantity"]): each for each in record.readings}
    lines: list[Row] = []
    shown = []
    for row in rows:
        register = row.quantity.removeprefix("change_of_")
        ends = [read.get((row.step, row.meter, f"{register}_{end}")) for end in ("before", "after")]
        if register == row.quantity or ends[0] is None or ends[1] is None:
            continue
        start, end = (Cell(f"{each['value']:.6f} {each['unit']}", each["value"]) for each in ends if each)
        lines.append((row.meter, row.condition, words(register), start, end, _value(row), row.limits_text, row.verdict))
        shown.append(row)
    columns = (
        Column("Meter"), Column("Condition", width=1.0), Column("Register"), Column("Start", kind="number"),
        Column("End", kind="number"), Column("Change", unit=shown[0].unit if shown else "", kind="number"),
        Column("Limit", kind="number"), Column("Verdict", kind="verdict"),
    )  # fmt: skip
    return ([Table(columns, lines, "Readings of the registers")] if lines else []), shown


def remarks(rows: Sequence[ResultRow]) -> list[Table]:
    """Why a result is not PASS, one line each."""
    lines: list[Row] = [
        (row.meter or DASH, " ".join(each for each in (row.condition, row.flow_point) if each) or DASH,
         words(row.quantity), _run_text(row), row.verdict, row.reason)
        for row in rows
        if row.verdict not in ("PASS", "NOT_RUN")
    ]  # fmt: skip
    columns = (
        Column("Meter"), Column("Condition", width=1.0), Column("Quantity"), Column("Run"),
        Column("Verdict", kind="verdict"), Column("Reason", width=2.0),
    )  # fmt: skip
    return [Table(columns, lines, "Results that are not PASS")] if lines else []


def conditions_table(steps: Sequence[str], record: RunRecord) -> list[Table]:
    """The conditions of a test: what was seen over all its steps against each window, and how often it was kept.

    Windows that differ from step to step, as those that follow from an uncertainty, make one line with the narrowest.
    """
    wanted = set(steps)
    by_quantity: dict[tuple[str, str, str], list[Condition]] = {}
    for each in record.conditions:
        if each.step in wanted:
            by_quantity.setdefault((each.quantity, each.unit, each.clause), []).append(each)
    lines: list[Row] = []
    for of_quantity in by_quantity.values():
        by_window: dict[tuple[float | None, float | None, str], list[Condition]] = {}
        for each in of_quantity:
            by_window.setdefault((each.lower, each.upper, each.note), []).append(each)
        if len(by_window) <= WINDOWS_EACH:
            lines += [_condition_line(alike, note) for (_, _, note), alike in by_window.items()]
        else:
            lines.append(_condition_line(of_quantity, "differs between steps: the narrowest"))
    columns = (
        Column("Quantity", width=1.3), Column("Note", width=1.0), Column("Required", kind="number"),
        Column("Seen", kind="number"), Column("Unit"), Column("Kept", kind="number"), Column("Clause"),
    )  # fmt: skip
    return [Table(columns, lines, "Conditions")] if lines else []


def _condition_line(alike: Sequence[Condition], note: str) -> Row:
    first = alike[0]
    lower = max((each.lower for each in alike if each.lower is not None), default=None)
    upper = min((each.upper for each in alike if each.upper is not None), default=None)
    lows = [each.lowest for each in alike if each.lowest is not None]
    highs = [each.highest for each in alike if each.highest is not None]
    extent = seen_cell(Seen(min(lows), max(highs), first.unit)) if lows and highs else DASH
    unmet = sum(not each.met for each in alike)
    kept = Cell(f"{len(alike) - unmet} of {len(alike)}", out=unmet > 0)
    unit = tables.unit_text(first.unit) or DASH
    return words(first.quantity), note, window_text(lower, upper), extent, unit, kept, first.clause or DASH


def window_text(lower: float | None, upper: float | None) -> str:
    """A window as it is printed."""
    if lower is None and upper is None:
        return DASH
    if lower is None or upper is None:
        return f"≤ {tables.limit_text(upper or 0.0)}" if lower is None else f"≥ {tables.limit_text(lower)}"
    return f"{tables.limit_text(lower)} … {tables.limit_text(upper)}"


def _curve_table(
    meter: str,
    condition: str,
    rows: Sequence[ResultRow],
    deviations: dict[tuple[str, str, str], ResultRow],
    readings: Readings,
) -> tuple[Table, list[ResultRow]]:
    """With the standard deviations that were judged."""
    units = _units(rows, readings)
    shown = []
    columns = (
        Column("Flow point"), Column("Run"), *_reading_columns(units), Column("Error", "E", "%", "number"),
        Column("Uncertainty", "U", "%", "number"), Column("MPE", "", "%", "number"), Column("Verdict", kind="verdict"),
    )  # fmt: skip
    lines: list[Row] = []
    for point in dict.fromkeys(row.flow_point for row in rows):
        of_point = [row for row in rows if row.flow_point == point]
        lines += [
            (point, _run_text(row), *_seen_cells(row, units, readings), _value(row),
             Cell(row.uncertainty_text, row.expanded_uncertainty), row.limits_text, row.verdict)
            for row in of_point
        ]  # fmt: skip
        valid = [row.value for row in of_point if row.value is not None and row.verdict != "INVALID"]
        empty = [""] * len(units)
        if len(valid) > 1:
            lines.append(("", "mean", *empty, Cell(f"{fmean(valid):+.3f}", fmean(valid)), "", "", ""))
            judged = deviations.get(_place(of_point[0]))
            limit, verdict = (judged.limits_text, judged.verdict) if judged else ("", "")
            spread = judged.value if judged and judged.value is not None else stdev(valid)
            shown += [judged] if judged else []
            lines.append(("", "std. dev.", *empty, Cell(f"{spread:.3f}", spread), "", limit, verdict))
    what = f"Meter {meter}" + (f", {condition}" if condition else "")
    return Table(columns, lines, what), shown


def _flat_table(rows: Sequence[ResultRow], beside: Sequence[ResultRow | None], readings: Readings) -> Table:
    units = _units(rows, readings)
    columns = [
        Column("Meter"), Column("Condition", width=1.0), Column("Flow point"), Column("Run"), *_reading_columns(units),
        Column("Error", "E", "%", "number"), Column("Uncertainty", "U", "%", "number"),
        Column("MPE", "", "%", "number"),
    ]  # fmt: skip
    with_faults = any(beside)
    if with_faults:
        columns += [Column("Fault", "", "%", "number"), Column("Limit", "", "%", "number")]
    lines: list[Row] = []
    for row, fault in zip(rows, beside, strict=True):
        line: list[Cell | str] = [
            row.meter, row.condition or DASH, row.flow_point, _run_text(row), *_seen_cells(row, units, readings),
            _value(row), Cell(row.uncertainty_text, row.expanded_uncertainty), row.limits_text,
        ]  # fmt: skip
        if with_faults:
            line += [_fault_value(fault), fault.limits_text] if fault else [DASH, DASH]
        lines.append((*line, _verdict_of_both(row, fault)))
    table = Table((*columns, Column("Verdict", kind="verdict")), lines, "Errors of indication")
    return _without_empty(table, keep=(0, len(columns)))


def _verdict_of_both(error: ResultRow, fault: ResultRow | None) -> str:
    """Of a line: the error counts unless it was only reported, the fault always."""
    if fault is None:
        return error.verdict
    return max((Verdict[each.verdict] for each in (error, fault)), default=Verdict.NOT_RUN).name


def _without_empty(table: Table, keep: Sequence[int]) -> Table:
    """Without columns in which nothing stands: every run the first, no condition, no limit."""
    empty = {"", DASH, "1"}
    kept = [
        number
        for number, column in enumerate(table.columns)
        if number in keep
        or any(_text(row[number]) not in (empty if column.name == "Run" else {"", DASH}) for row in table.rows)
    ]
    lines = [tuple(row[number] for number in kept) for row in table.rows]
    return Table(tuple(table.columns[number] for number in kept), lines, table.caption, table.note)


def _text(cell: Cell | str) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _units(rows: Sequence[ResultRow], readings: Readings) -> dict[str, str]:
    steps = list(dict.fromkeys(row.step for row in rows))
    units = readings.units(steps, ["", *dict.fromkeys(row.meter for row in rows)])
    return {quantity: units[quantity] for quantity in RECORD_COLUMNS if quantity in units}


def _reading_columns(units: dict[str, str]) -> list[Column]:
    return [Column(*_HEADS[quantity], tables.unit_text(unit), "number") for quantity, unit in units.items()]


def _seen_cells(row: ResultRow, units: dict[str, str], readings: Readings) -> list[Cell | str]:
    return [seen_cell(readings.seen(row, quantity)) for quantity in units]


def seen_cell(seen: Seen | None) -> Cell | str:
    """One reading, or the range of several."""
    if seen is None:
        return DASH
    low, high = (tables.number_text(each, seen.unit) for each in (seen.lowest, seen.highest))
    return Cell(low, seen.lowest) if low == high else f"{low} … {high}"


def _value(row: ResultRow) -> Cell:
    return Cell(row.value_text, row.value, row.verdict == "FAIL")


def _fault_value(row: ResultRow) -> Cell:
    return Cell(DASH if row.value is None else f"{row.value:+.3f}", row.value, row.verdict == "FAIL")


def _run_text(row: ResultRow) -> str:
    return f"{row.repeat}" + (f", attempt {row.attempt}" if row.attempt > 1 else "")


def _place(row: ResultRow) -> tuple[str, str, str]:
    return row.meter, row.condition, row.flow_point


def _run(row: ResultRow) -> tuple[str, str, str, int, int]:
    return *_place(row), row.repeat, row.attempt
