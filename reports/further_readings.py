"""What was read where no error of indication was measured: gauges, displays, differential pressures, cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from meterbench.bench.record import ResultRow, RunRecord
from meterbench.reports import tables
from meterbench.reports.blocks import DASH, Cell, Column, Row, Table
from meterbench.reports.clause_records import seen_cell, words
from meterbench.reports.tables import ERROR, Seen

QUANTITIES_ACROSS = 6
"""At most so many, and each is a column: a line a step and meter, as of a gauge at two pressures."""
STEPS_ACROSS = 6
"""Otherwise at most so many steps, and each is a column: a line a quantity, as of a pressure loss at some flows."""

PLACES_DOWN = 24
"""Otherwise a line a reading; of more steps only the range over all of them, as of a hundred chunks of cycles."""

Place = tuple[str, str]
"""Step and meter."""
Quantity = tuple[str, str]
"""Name and unit."""


def further_readings(steps: Sequence[str], record: RunRecord, shown: Iterable[ResultRow]) -> list[Table]:
    """Alike readings as their range; those that belong to the rows ``shown`` are printed there."""
    collected = {row.step for row in record.rows if row.quantity == ERROR}
    told = {
        (row.step, f"{row.quantity.removeprefix('change_of_')}_{end}") for row in shown for end in ("before", "after")
    }
    wanted = set(steps) - collected
    numbers: dict[Place, dict[Quantity, list[float]]] = {}
    for each in record.readings:
        if (each["step"] in wanted or (each["step"] in steps and each["instrument"] == "display")) and (
            each["step"],
            each["quantity"],
        ) not in told:
            of_place = numbers.setdefault((each["step"], each["meter"]), {})
            of_place.setdefault((each["quantity"], each["unit"]), []).append(each["value"])
    if not numbers:
        return []
    found = {
        place: {what: Seen(min(each), max(each), what[1]) for what, each in of_place.items()}
        for place, of_place in numbers.items()
    }
    quantities = list(dict.fromkeys(what for of_place in found.values() for what in of_place))
    if len(quantities) <= QUANTITIES_ACROSS:
        return [_quantities_across(found, quantities)]
    if len({step for step, _ in found}) <= STEPS_ACROSS:
        return [_steps_across(found)]
    return [_long(found) if len(found) <= PLACES_DOWN else _ranges(found)]


def _quantities_across(found: Mapping[Place, Mapping[Quantity, Seen]], quantities: Sequence[Quantity]) -> Table:
    lines: list[Row] = [
        (_where(step), meter or DASH, *[seen_cell(of_place.get(what)) for what in quantities])
        for (step, meter), of_place in found.items()
    ]
    columns = (
        Column("Step", width=1.0), Column("Meter"),
        *[Column(words(name).capitalize(), "", tables.unit_text(unit), "number") for name, unit in quantities],
    )  # fmt: skip
    return Table(columns, lines, CAPTION)


def _steps_across(found: Mapping[Place, Mapping[Quantity, Seen]]) -> Table:
    steps = list(dict.fromkeys(step for step, _ in found))
    kinds = dict.fromkeys((meter, what) for (_, meter), of_place in found.items() for what in of_place)
    lines: list[Row] = []
    for meter, (name, unit) in kinds:
        cells: list[Cell | str] = [seen_cell(found.get((step, meter), {}).get((name, unit))) for step in steps]
        lines.append((words(name), meter or DASH, tables.unit_text(unit) or DASH, *cells))
    columns = (
        Column("Quantity", width=1.6), Column("Meter"), Column("Unit"),
        *[Column(_where(step), width=1.0, kind="number") for step in steps],
    )  # fmt: skip
    return Table(columns, lines, CAPTION)


def _long(found: Mapping[Place, Mapping[Quantity, Seen]]) -> Table:
    lines: list[Row] = [
        (_where(step), meter or DASH, words(name), seen_cell(seen), tables.unit_text(unit) or DASH)
        for (step, meter), of_place in found.items()
        for (name, unit), seen in of_place.items()
    ]
    columns = (
        Column("Step", width=1.0), Column("Meter"), Column("Quantity", width=1.0), Column("Reading", kind="number"),
        Column("Unit"),
    )  # fmt: skip
    return Table(columns, lines, CAPTION)


def _ranges(found: Mapping[Place, Mapping[Quantity, Seen]]) -> Table:
    numbers: dict[tuple[str, Quantity], list[Seen]] = {}
    for (_, meter), of_place in found.items():
        for what, seen in of_place.items():
            numbers.setdefault((meter, what), []).append(seen)
    lines: list[Row] = []
    for (meter, (name, unit)), each in numbers.items():
        extent = seen_cell(Seen(min(seen.lowest for seen in each), max(seen.highest for seen in each), unit))
        lines.append((words(name), meter or DASH, extent, tables.unit_text(unit) or DASH, str(len(each))))
    columns = (
        Column("Quantity", width=1.0), Column("Meter"), Column("Lowest, highest", kind="number"), Column("Unit"),
        Column("Steps", kind="number"),
    )  # fmt: skip
    return Table(columns, lines, f"{CAPTION}: ranges over the steps; each is in the record")


CAPTION = "Further readings"


def _where(step: str) -> str:
    return step.partition("/")[2] or step
