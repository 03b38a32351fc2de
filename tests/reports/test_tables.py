"""The tables arrange the record; where the record does not say enough they claim nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meterbench.bench.record import RunRecord
from meterbench.reports import tables

METER = {"q1_l_h": 1.5625, "q2_l_h": 2.5, "q3_l_h": 2500.0, "q4_l_h": 3125.0}


@pytest.mark.parametrize(
    ("flow_point", "flow_l_h"),
    [("Q1", 1.5625), ("Q4", 3125.0), ("0.35(Q2+Q3)", 0.35 * 2502.5), ("profile", None), ("Q5", None)],
)
def test_a_flow_point_stands_for_a_flow_rate_or_for_none(flow_point: str, flow_l_h: float | None) -> None:
    """The names are those of the front door's contract."""
    assert tables.nominal_flow_l_h(flow_point, METER) == flow_l_h
    assert tables.nominal_flow_l_h(flow_point, {}) is None


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "L", "–"), (0.0, "L", "0.00000"), (99.9709697, "L", "99.9710"), (2.34375, "L", "2.34375"),
        (2410.0, "L/h", "2410.0"), (1.64, "L/h", "1.6400"), (20.0249, "degC", "20.02"), (1234567.0, "", "1234567"),
        (-0.000123456789, "x", "-0.000123457"), (10.0, "L", "10.0000"),
    ],
)  # fmt: skip
def test_readings_print_with_the_digits_of_their_unit(number: float | None, unit: str, text: str) -> None:
    """Never as a power of ten, and trailing zeros stay: they were measured."""
    assert tables.number_text(number, unit) == text


def test_rounded_numbers_have_no_computer_notation() -> None:
    """A power of ten is written as a laboratory writes it."""
    assert [tables.rounded_text(number, 3) for number in (0.030366, 4.48e-7, 2.0, None)] == [
        "0.0304", "4.48 × 10⁻⁷", "2", "–",
    ]  # fmt: skip


def test_a_second_attempt_has_readings_of_its_own(record: RunRecord) -> None:
    """It is a step of its own, ``procedure/flow point, run 2``, in the same table."""
    row = next(row for row in record.rows if row.flow_point == "Q1")
    again = replace(row, attempt=2, step="initial-verification/Q1, run 2")
    reading = {"step": "initial-verification/Q1, run 2", "quantity": "actual_flow", "value": 1.7, "unit": "L/h"}
    both = ({**reading, "meter": row.meter}, {**reading, "meter": "", "value": 1.6})
    repeated = replace(record, rows=(*record.rows, again), readings=(*record.readings, *both))
    point = tables.point_records(repeated, tables.Readings(repeated))[-1]
    assert point.lines[2].row == again
    assert point.lines[2].seen["flow_mean"] == tables.Seen(1.7, 1.7, "L/h")
    assert point.reference_units["flow_mean"] == "L/h"
    assert point.reference_lines[-1][1]["flow_mean"] == tables.Seen(1.6, 1.6, "L/h")


def test_nominal_numbers_print_as_they_were_laid_down() -> None:
    """All digits, none of the noise of binary fractions."""
    assert [tables.nominal_text(number) for number in (1.1 * 1.5625, 2.5, 2500.0, None)] == [
        "1.71875",
        "2.5",
        "2500",
        "–",
    ]


def test_computed_limits_have_six_digits() -> None:
    """A window that certificates make has no sixteen digits to tell; one that the standard lays down loses none."""
    assert [tables.limit_text(limit) for limit in (-0.7134367515, 1.1 * 1.5625, 2500.0, 1e7)] == [
        "-0.713437", "1.71875", "2500", "10000000",
    ]  # fmt: skip


def test_no_table_of_readings_is_wider_than_paper(record: RunRecord) -> None:
    """What is too wide is cut off in print: all readings stand in as many tables as they need, each once."""
    point = tables.point_records(record, tables.Readings(record))[0]
    for count in (0, 1, tables.COLUMNS_ON_PAPER, tables.COLUMNS_ON_PAPER + 1, 25):
        units = {f"quantity {number}": "g" for number in range(count)}
        columns = replace(point, reference_units=units).reference_columns
        assert [each for table in columns for each in table] == list(units.items())
        assert all(0 < len(table) <= tables.COLUMNS_ON_PAPER for table in columns)


def test_summary_lists_flow_points_upwards_and_records_in_the_order_of_measuring(record: RunRecord) -> None:
    """Q1 first for the reader; Q3 first at the bench."""
    assert tables.summarise(record).flow_points == ("Q1", "Q2", "Q3")
    points = tables.point_records(record, tables.Readings(record))
    assert [point.flow_point for point in points] == ["Q3", "Q2", "Q1"]


def test_readings_that_do_not_share_out_are_claimed_for_no_run(record: RunRecord) -> None:
    """Better a dash than the reading of another repeat."""
    row = next(row for row in record.rows if row.flow_point == "Q3")
    assert tables.Readings(record).seen(row, "actual_volume") is not None
    lost = next(r for r in record.readings if (r["meter"], r["quantity"]) == (row.meter, "actual_volume"))
    fewer = replace(record, readings=tuple(reading for reading in record.readings if reading is not lost))
    assert tables.Readings(fewer).seen(row, "actual_volume") is None


def test_several_readings_of_a_run_give_their_range(record: RunRecord) -> None:
    """Start and end temperatures, say, stand as lowest and highest."""
    row = next(row for row in record.rows if row.flow_point == "Q3")
    twice = tuple(
        {**reading, "value": reading["value"] + shift} for reading in record.readings for shift in (0.0, 0.5)
    )  # fmt: skip
    seen = tables.Readings(replace(record, readings=twice)).seen(row, "water_temperature")
    assert seen is not None
    assert seen.highest - seen.lowest == pytest.approx(0.5)


def test_a_meter_without_a_conclusion_is_not_run(record: RunRecord) -> None:
    """No verdict in the record, no verdict in the report."""
    lines = tables.summarise(replace(record, meter_verdicts=())).lines
    assert {line.verdict for line in lines} == {"NOT_RUN"}


def test_the_largest_budget_of_a_step_stands_for_all(record: RunRecord) -> None:
    """Budgets of other meters and repeats are counted, and their smallest is told."""
    larger = replace(record.budgets[0], expanded_uncertainty_percent=9.0)
    section = tables.budget_sections(replace(record, budgets=(*record.budgets, larger)))[0]
    assert (section.budget, section.count) == (larger, 2)
    assert section.smallest_expanded_percent == record.budgets[0].expanded_uncertainty_percent
    assert section.allowed_percent == pytest.approx(2 / 3)
