"""The report's tables as values: what a record says, arranged in the order in which a reader wants it.

Nothing is judged or computed anew here; a verdict, an error or a limit comes from the record as it stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, product
from math import floor, log10
from typing import Any

from meterbench.bench.record import Budget, Condition, ResultRow, RunRecord

ERROR = "error_of_indication"
RECORD_COLUMNS = ("flow_mean", "line_pressure", "water_temperature", "indicated_volume", "actual_volume")
"""Readings with a column of their own in the record of a flow point."""
COLUMNS_ON_PAPER = 9
"""Of readings, beside the number of the run."""

_LABORATORY = ("ambient_temperature", "air_pressure", "relative_humidity", "air_density")
_SAME_QUANTITY = {"actual_flow": "flow_mean"}
"""A meter's own mean flow rate goes before that of the bench, under one name."""
_DECIMALS = {"g": 2, "°C": 2, "s": 3, "kPa": 1, "hPa": 2, "MPa": 4, "kg/m³": 4, "%": 4, "K": 4}
"""By printed unit."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_COUNTS = ("", "1", "pulses")
_SIGNIFICANT_DIGITS = {"L/h": 5}
_SIGNIFICANT_DIGITS_OTHERWISE = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one quantity: its lowest and its highest reading."""

    lowest: float
    highest: float
    unit: str


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One meter's result at a flow point in one repeat, with the readings that belong to it, in ``RECORD_COLUMNS``."""

    row: ResultRow
    seen: dict[str, Seen | None]


@dataclass(frozen=True, slots=True)
class PointRecord:
    """Everything measured at one flow point: a line a meter and repeat; the reference's readings, a line a run."""

    procedure: str
    flow_point: str
    clauses: tuple[str, ...]
    lines: tuple[RecordLine, ...]
    units: dict[str, str]
    """Unit of each of ``RECORD_COLUMNS`` that was read at all."""
    reference_units: dict[str, str]
    """Further quantities of the bench as a whole (masses, gate time, ...) and their units."""
    reference_lines: tuple[tuple[ResultRow, dict[str, Seen | None]], ...]

    @property
    def reference_columns(self) -> list[tuple[tuple[str, str], ...]]:
        """``reference_units`` in tables of much the same width, none wider than paper: it would be cut off there."""
        columns = tuple(self.reference_units.items())
        count = -(-len(columns) // COLUMNS_ON_PAPER)
        ends = [len(columns) * number // count for number in range(count + 1)] if count else []
        return [columns[start:end] for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One meter: what it is, its errors at each flow point, and the conclusion."""

    serial: str
    meter: dict[str, Any]
    """As the operator entered it; empty for a serial number that is not in the batch."""
    errors: tuple[tuple[ResultRow, ...], ...]
    """In the order of ``Summary.flow_points``; one row a repeat."""
    same_sign: ResultRow | None
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The errors of the procedure that measured them first, flow points in rising order; a line a meter."""

    procedure: str
    flow_points: tuple[str, ...]
    lines: tuple[SummaryLine, ...]


@dataclass(frozen=True, slots=True)
class BudgetSection:
    """The largest budget of a step and quantity, how many there are, and what the standard allows."""

    budget: Budget
    count: int
    smallest_expanded_percent: float
    allowed_percent: float | None
    """The largest expanded uncertainty with which the rule allows a verdict; None if the record holds none."""


class Readings:
    """Finds the readings that belong to a result row.

    A reading names its step and meter (none: the bench as a whole) but not its repeat: the readings of a step are
    shared out, in order, among the runs of that step. If they do not share out evenly nothing is claimed.
    """

    def __init__(self, record: RunRecord) -> None:
        self._found: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
        self._runs: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for reading in record.readings:
            of_meter = self._found.setdefault((reading["step"], reading["meter"]), {})
            quantity = _SAME_QUANTITY.get(reading["quantity"], reading["quantity"])
            of_meter.setdefault(quantity, []).append(reading)
        for row in _error_rows(record):
            for meter in (row.meter, ""):
                runs = self._runs.setdefault((row.step, meter), [])
                if (row.repeat, row.attempt) not in runs:
                    runs.append((row.repeat, row.attempt))

    def units(self, steps: Iterable[str], meters: Iterable[str]) -> dict[str, str]:
        """The quantities read in these steps for these meters (``""``: the bench), and their units."""
        found = [self._found.get(place, {}) for place in product(steps, meters)]
        return {quantity: readings[0]["unit"] for of_meter in found for quantity, readings in of_meter.items()}

    def seen(self, row: ResultRow, quantity: str, of_bench: bool = False) -> Seen | None:
        """What was read of a quantity during the run that gave this row: at its meter or else at the bench."""
        step = row.step
        for meter in ("",) if of_bench else (row.meter, ""):
            readings = self._found.get((step, meter), {}).get(quantity, [])
            runs = self._runs[step, meter]
            each, left_over = divmod(len(readings), len(runs))
            if each and not left_over:
                first = runs.index((row.repeat, row.attempt)) * each
                return _seen(readings[first : first + each])
        return None


def nominal_flow_l_h(flow_point: str, meter: dict[str, Any]) -> float | None:
    """The flow rate that a flow point stands for, e.g. ``Q1`` or ``0.35(Q2+Q3)``; None for one without a flow rate."""
    if re.fullmatch(r"Q[1-4]", flow_point):
        flow: float | None = meter.get(f"{flow_point.lower()}_l_h")
        return flow
    part = re.fullmatch(r"(\d*\.?\d+)\(Q2\+Q3\)", flow_point)
    return float(part[1]) * (meter["q2_l_h"] + meter["q3_l_h"]) if part and "q2_l_h" in meter else None


def number_text(number: float | None, unit: str = "") -> str:
    """A reading as it is printed: with the decimals that its unit deserves, else significant digits; never 1e+06."""
    if number is None:
        return "–"
    unit = unit_text(unit)
    if unit in _COUNTS and float(number).is_integer():
        return f"{number:.0f}"
    digits = _SIGNIFICANT_DIGITS.get(unit, _SIGNIFICANT_DIGITS_OTHERWISE)
    before_point = floor(log10(abs(number))) + 1 if number else 1
    return f"{number:.{_DECIMALS.get(unit, max(0, digits - before_point))}f}"


def rounded_text(number: float | None, digits: int) -> str:
    """A number with so many significant digits at most; very small ones as ``4.5 × 10⁻⁷``."""
    if number is None:
        return "–"
    mantissa, _, exponent = f"{number:.{digits}g}".partition("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}" if exponent else mantissa


def unit_text(unit: str) -> str:
    """A unit of the record as it is printed."""
    return unit.replace("degC", "°C").replace("m3", "m³")


def limit_text(number: float) -> str:
    """A limit, laid down or computed: six significant digits at most."""
    return nominal_text(float(f"{number:.6g}"))


def nominal_text(number: float | None) -> str:
    """A number that somebody laid down (a limit, a nominal flow rate): all its digits and no more."""
    return "–" if number is None else f"{number:.10g}"


def summarise(record: RunRecord) -> Summary:
    """The first page's table."""
    errors = _error_rows(record)
    procedure = errors[0].procedure if errors else ""
    errors = [row for row in errors if row.procedure == procedure]
    first_meter = record.batch[0] if record.batch else {}
    flow_points = sorted(
        dict.fromkeys(row.flow_point for row in errors),
        key=lambda point: nominal_flow_l_h(point, first_meter) or 0.0,
    )
    verdicts = {verdict.meter: verdict for verdict in record.meter_verdicts}
    same_sign = {row.meter: row for row in record.rows if row.quantity.startswith("same_sign")}
    meters = {meter["serial"]: meter for meter in record.batch}
    lines = []
    for serial in dict.fromkeys([*meters, *verdicts, *(row.meter for row in errors)]):
        verdict = verdicts.get(serial)
        lines.append(
            SummaryLine(
                serial=serial,
                meter=meters.get(serial, {}),
                errors=tuple(
                    tuple(row for row in errors if (row.meter, row.flow_point) == (serial, point))
                    for point in flow_points
                ),
                same_sign=same_sign.get(serial),
                verdict=verdict.verdict if verdict else "NOT_RUN",
                reasons=verdict.reasons if verdict else ("no conclusion was reached",),
            )
        )
    return Summary(procedure, tuple(flow_points), tuple(lines))


def point_records(record: RunRecord, readings: Readings) -> list[PointRecord]:
    """One record a flow point, in the order of measuring; the form follows ISO 4064-3."""
    order = {meter["serial"]: number for number, meter in enumerate(record.batch)}
    grouped: dict[tuple[str, str], list[ResultRow]] = {}
    for row in _error_rows(record):
        grouped.setdefault((row.procedure, row.flow_point), []).append(row)
    found = []
    for (procedure, flow_point), rows in grouped.items():
        rows.sort(key=lambda row: (order.get(row.meter, len(order)), row.attempt, row.repeat))
        steps = list(dict.fromkeys(row.step for row in rows))
        of_meters = readings.units(steps, [row.meter for row in rows])
        of_bench = readings.units(steps, [""])
        units = of_bench | of_meters
        reference_units = {
            quantity: unit
            for quantity, unit in of_bench.items()
            if quantity not in RECORD_COLUMNS or quantity in of_meters
        }
        one_a_run = {(row.attempt, row.repeat): row for row in reversed(rows)}
        for quantity in [each for each in reference_units if each.endswith("_correction")]:
            seen = [readings.seen(row, quantity, of_bench=True) for row in one_a_run.values()]
            if all(each is None or each.lowest == each.highest == 0.0 for each in seen):
                del reference_units[quantity]  # nothing was corrected
        found.append(
            PointRecord(
                procedure=procedure,
                flow_point=flow_point,
                clauses=tuple(dict.fromkeys(row.clause for row in rows)),
                lines=tuple(RecordLine(row, {q: readings.seen(row, q) for q in RECORD_COLUMNS}) for row in rows),
                units={quantity: units[quantity] for quantity in RECORD_COLUMNS if quantity in units},
                reference_units=reference_units,
                reference_lines=tuple(
                    (one_a_run[run], {q: readings.seen(one_a_run[run], q, of_bench=True) for q in reference_units})
                    for run in sorted(one_a_run)
                ),
            )
        )
    return found


def further_rows(record: RunRecord) -> list[ResultRow]:
    """Results that are no errors of indication: repeatability, same-sign rule, tightness, functions."""
    return [row for row in record.rows if row.quantity != ERROR]


def conditions_by_step(record: RunRecord) -> dict[str, list[Condition]]:
    """Step -> its conditions, in the order of the record."""
    steps = dict.fromkeys(condition.step for condition in record.conditions)
    return {step: [condition for condition in record.conditions if condition.step == step] for step in steps}


def budget_sections(record: RunRecord) -> list[BudgetSection]:
    """The budgets, one a step and quantity: the largest stands for all of them."""
    grouped: dict[tuple[str, str], list[Budget]] = {}
    for budget in record.budgets:
        grouped.setdefault((budget.step, budget.quantity), []).append(budget)
    sections = []
    for (step, _), budgets in grouped.items():
        limits = [row.uncertainty_limit for row in _error_rows(record) if row.step == step]
        sections.append(
            BudgetSection(
                budget=max(budgets, key=lambda budget: budget.expanded_uncertainty_percent),
                count=len(budgets),
                smallest_expanded_percent=min(budget.expanded_uncertainty_percent for budget in budgets),
                allowed_percent=min((limit for limit in limits if limit is not None), default=None),
            )
        )
    return sections


def laboratory_readings(record: RunRecord) -> dict[str, Seen]:
    """What was read of the laboratory's air during the run."""
    found: dict[str, list[dict[str, Any]]] = {}
    for reading in record.readings:
        if reading["quantity"] in _LABORATORY:
            found.setdefault(reading["quantity"], []).append(reading)
    return {quantity: _seen(readings) for quantity, readings in found.items()}


def _error_rows(record: RunRecord) -> list[ResultRow]:
    return [row for row in record.rows if row.quantity == ERROR]


def _seen(readings: list[dict[str, Any]]) -> Seen:
    numbers = [reading["value"] for reading in readings]
    return Seen(min(numbers), max(numbers), readings[0]["unit"])
