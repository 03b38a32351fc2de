"""The type evaluation report holds the parts of ISO 4064-3, on the screen and on paper, from the record alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from meterbench.bench.record import RunRecord, load
from meterbench.reports import clause_records, climate_figure, curve_shift
from meterbench.reports.blocks import BLANK, Cell, Document, Facts, Figure, Section, Table, Text
from meterbench.reports.document import document
from meterbench.reports.html import write_report
from meterbench.reports.pdf import pdf_of, write_pdf
from meterbench.reports.tables import Readings
from tests.reports.sample_evaluation import write_sample_evaluation
from tests.reports.test_html import Page


@pytest.fixture(scope="module")
def whole(evaluation: RunRecord) -> Document:
    return document(evaluation, 1)


def every(sections: list[Section]) -> Iterator[Section]:
    """Sections and their parts."""
    for section in sections:
        yield section
        yield from every(list(section.sections))


def section(whole: Document, title: str) -> Section:
    return next(each for each in every(list(whole.sections)) if each.title.startswith(title))


def tables_of(part: Section) -> dict[str, Table]:
    return {block.caption: block for block in part.blocks if isinstance(block, Table)}


def texts(table: Table) -> list[list[str]]:
    return [[each.text if isinstance(each, Cell) else each for each in row] for row in table.rows]


def test_parts_are_those_of_the_standard(whole: Document) -> None:
    """4.1 to 4.6, and a record for each test under the number that the check list points to."""
    numbers = [each.number for each in whole.sections]
    assert numbers[:6] == ["4.1", "4.2", "4.3", "4.4", "4.5", "4.6"]
    check = tables_of(next(each for each in every(list(whole.sections)) if each.number == "4.4.2"))
    remarks = [row[4] for row in texts(check[""])]
    assert "record: 4.5.1" in remarks
    assert section(whole, "Static pressure").number == "4.5.1"


def test_every_row_is_a_row_of_its_table(whole: Document) -> None:
    """No table has a line with more or fewer cells than columns."""
    for part in every(list(whole.sections)):
        for block in part.blocks:
            if isinstance(block, Table):
                assert all(len(row) == len(block.columns) for row in block.rows), (part.title, block.caption)


def test_all_results_of_a_test_stand_in_its_record(whole: Document, evaluation: RunRecord) -> None:
    """Each value of the record is printed, to the last digit behind it."""
    numbers = {
        cell.number
        for part in every(list(whole.sections))
        for block in part.blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
        if isinstance(cell, Cell)
    }
    assert {row.value for row in evaluation.rows if row.value is not None} <= numbers


def test_what_the_record_does_not_hold_is_left_to_be_filled_in(whole: Document) -> None:
    """Applicant and maker are nobody's guess; flow rates and software are in the record."""
    facts = dict(next(b for b in section(whole, "Information concerning").blocks if isinstance(b, Facts)).items)
    assert facts["Manufacturer"] == facts["Maximum admissible pressure"] == BLANK
    assert facts["Q2/Q1"] == "1.6"
    assert facts["Software identification, as displayed"].startswith("10000001: 1.0.0 A1B2C3D4; ")


def test_repeats_have_mean_and_standard_deviation(evaluation: RunRecord) -> None:
    """As formed from the rows; the deviation that was judged is the record's."""
    rows = [row for row in evaluation.rows if row.clause == "7.4" and row.meter == "10000001"]
    (table,), shown = clause_records.error_tables(rows, Readings(evaluation))
    assert {row.quantity for row in shown} == {"repeatability"}
    lines = texts(table)
    at_q1 = [row.value for row in rows if row.flow_point == "Q1" and row.quantity == "error_of_indication"]
    assert [line[1] for line in lines[-5:]] == ["1", "2", "3", "mean", "std. dev."]
    mean = table.rows[-2][-4]
    assert isinstance(mean, Cell)
    assert mean.number == pytest.approx(math.fsum(filter(None, at_q1)) / 3)
    assert lines[-1][-4:] == ["0.050", "", "≤ 1.66667", "PASS"]


def test_fault_stands_beside_its_error(whole: Document) -> None:
    """Error during the discharge, fault, limit and verdict are one line."""
    table = tables_of(section(whole, "Electrostatic discharge"))["Errors of indication"]
    assert [column.name for column in table.columns][-3:] == ["Fault", "Limit", "Verdict"]
    assert texts(table)[-1][1:3] == ["-6 kV contact, screw of the case", "0.7(Q2+Q3)"]
    assert texts(table)[-1][-3:] == ["+1.200", "±1", "FAIL"]


def test_registers_show_start_and_end(whole: Document) -> None:
    """Absence of flow: start, end, change, limit."""
    table = tables_of(section(whole, "Absence of flow"))["Readings of the registers"]
    assert texts(table)[0] == [
        "10000001", "full of water", "volume", "1234.567000 L", "1234.567000 L", "0", "±1", "PASS",
    ]  # fmt: skip


def test_gauges_and_differential_pressures_are_tables_of_their_own(whole: Document) -> None:
    """Few quantities stand side by side; many quantities at few steps stand below each other."""
    gauges = tables_of(section(whole, "Static pressure"))["Further readings"]
    assert [column.name for column in gauges.columns] == ["Step", "Meter", "Pressure before", "Pressure after"]
    loss = tables_of(section(whole, "Pressure loss"))["Further readings"]
    assert [column.name for column in loss.columns[3:]] == [
        "without/Q3", "without/Q2", "with meter/Q3", "with meter/Q2",
    ]  # fmt: skip


def test_curves_before_and_after_durability_are_one_figure_a_meter(whole: Document, evaluation: RunRecord) -> None:
    """With the shift of each flow point as the record judged it."""
    part = section(whole, "Durability: continuous")
    drawn = [block for block in part.blocks if isinstance(block, Figure)]
    assert len(drawn) == 3
    assert all(label in drawn[0].svg for label in ("before", "after discontinuous flow", "after continuous flow"))
    shifts = texts(tables_of(part)["Mean errors after, and shift of the error curve"])
    assert len(shifts) == 18
    assert shifts[-1][:3] == ["10000003", "Q1", "7.4"]
    assert shifts[-1][4:7] == ["+0.750", "±6", "PASS"]
    assert shifts[-1][-3:] == ["0.450", "≤ 3", "PASS"]
    first = next(b for b in section(whole, "Durability: discontinuous").blocks if isinstance(b, Figure))
    assert "after continuous flow" not in first.svg


def test_an_invalid_error_is_no_part_of_a_curve(evaluation: RunRecord) -> None:
    """Nothing is drawn from what the bench does not vouch for."""
    rows = tuple(replace(row, verdict="INVALID") if row.flow_point == "Q1" else row for row in evaluation.rows)
    before = curve_shift.mean_curves(replace(evaluation, rows=rows), "10000001", "")[0]
    assert "Q1" not in before.errors_percent
    assert "Q2" in before.errors_percent


def test_curves_before_and_after_of_one_test_are_kept_apart(evaluation: RunRecord) -> None:
    """A durability test that measured its own curve before: no mean mixes the two, and the shift names its curve."""
    rows = []
    for row in evaluation.rows:
        if row.procedure == "intrinsic-error":
            rows.append(replace(row, procedure="durability-discontinuous", clause="7.11.2", condition="before"))
        elif row.quantity == "curve_shift":
            rows.append(replace(row, condition="against before 7.11.2"))
        else:
            rows.append(row)
    own = replace(evaluation, rows=tuple(rows))
    curves = curve_shift.mean_curves(own, "10000001", "durability-discontinuous")
    assert [curve.label for curve in curves] == ["before", "after discontinuous flow"]
    of_sevenfour = curve_shift.mean_curves(evaluation, "10000001", "durability-discontinuous")
    assert [curve.errors_percent for curve in curves] == [curve.errors_percent for curve in of_sevenfour]
    (table,), _ = curve_shift.shift_table(own, [row for row in rows if row.clause == "7.11.2"])
    assert texts(table)[0][2] == "before 7.11.2"
    assert table.rows[0][3] == Cell(f"{curves[0].errors_percent['Q4']:+.3f}", curves[0].errors_percent["Q4"])


def test_without_a_curve_before_there_is_no_figure(evaluation: RunRecord) -> None:
    """Two curves of after are no before and after."""
    rows = tuple(row for row in evaluation.rows if row.procedure != "intrinsic-error")
    assert curve_shift.shift_figure(replace(evaluation, rows=rows), evaluation.batch[0], "durability-continuous") == ""


def test_what_was_begun_and_not_concluded_is_printed(evaluation: RunRecord) -> None:
    """A run that was stopped keeps its results in the report, under no verdict."""
    part = tuple(each for each in evaluation.clause_verdicts if each.clause not in ("7.10", "8.12"))
    stopped = document(replace(evaluation, clause_verdicts=part, closed=None), 1)
    begun = section(stopped, "Flow disturbance")
    facts = next(block for block in begun.blocks if isinstance(block, Facts))
    assert facts.items[0] == ("Verdict", "not concluded")
    assert "Errors of indication" in tables_of(begun)
    assert any("8.12" in banner for banner in stopped.banners)


def test_a_fault_that_passes_does_not_hide_an_error_that_does_not(evaluation: RunRecord) -> None:
    """Both stand in one line: its verdict is the worse."""
    rows = [row for row in evaluation.rows if row.clause == "8.4"]
    error = next(row for row in rows if row.condition == "after recovery" and row.quantity == "error_of_indication")
    doubtful = [replace(row, verdict="INVALID") if row is error else row for row in rows]
    (table,), _ = clause_records.error_tables(doubtful, Readings(evaluation))
    assert [line[-1] for line in texts(table)] == ["PASS", "PASS", "PASS", "INVALID", "PASS", "PASS"]


def test_windows_that_differ_make_one_line(evaluation: RunRecord) -> None:
    """The narrowest of them; a window that was not kept is counted by the record's own word."""
    step = next(each.step for each in evaluation.conditions)
    wide = replace(
        evaluation.conditions[0], quantity="volume against master", note="U", lower=-1.0, lowest=0.1, highest=0.2
    )
    differing = tuple(replace(wide, upper=1.0 - 0.01 * each, met=each != 3) for each in range(9))
    (table,) = clause_records.conditions_table([step], replace(evaluation, conditions=differing))
    assert [line[1:6] for line in texts(table)] == [
        ["differs between steps: the narrowest", "-1 … 0.92", "0.10000 … 0.20000", "L/h", "8 of 9"]
    ]


def test_steps_that_spoil_a_run_are_named(evaluation: RunRecord) -> None:
    """A run is INVALID although every test passed, if a step judged nothing: the report says which."""
    closed = {**(evaluation.closed or {}), "verdict": "INVALID"}
    spoilt = replace(evaluation, finished_steps={"dry-heat/a": "PASS", "dry-heat/b": "NOT_RUN"}, closed=closed)
    found = tables_of(section(document(spoilt, 1), "Deviations"))
    assert texts(found["Steps that are not PASS"]) == [["dry-heat/b", "NOT_RUN"]]


def test_a_repeated_fault_is_not_lost(evaluation: RunRecord) -> None:
    """Where repeats have no column for faults they stand with the further results."""
    rows = [row for row in evaluation.rows if row.clause == "8.4" and row.condition == "after recovery"]
    again = [*rows, *[replace(row, repeat=2) for row in rows]]
    _, shown = clause_records.error_tables(again, Readings(replace(evaluation, rows=tuple(again))))
    (left,) = clause_records.other_results(again, shown)
    assert [line[-2:] for line in texts(left)].count(["%", "PASS"]) == 6


def test_climate_tests_have_their_temperature_over_time(whole: Document) -> None:
    """Damp heat with humidity, the others without."""
    for title, humid in (("Dry heat", False), ("Cold", False), ("Damp heat", True)):
        (drawn,) = [block for block in section(whole, title).blocks if isinstance(block, Figure)]
        assert ("rel. humidity" in drawn.svg) is humid


def test_chamber_without_a_reading_is_not_drawn() -> None:
    """An empty plot says nothing."""
    times = datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
    assert climate_figure.climate_over_time("cold", {}, times, []) == ""
    old = {"utc": np.array(["2025-01-01"], "datetime64[us]"), "air_temp_c": np.array([20.0])}
    assert climate_figure.climate_over_time("cold", {"chamber": old}, times, []) == ""


def test_deviations_name_what_was_not_done(whole: Document) -> None:
    """Conditions not met, INVALID results, acts not done."""
    found = tables_of(section(whole, "Deviations"))
    assert "Conditions that were not met" in found
    assert "10 V/m at 26 MHz" in texts(found["Acts not done, or taken as done"])[0][1]
    assert len(found["Results without a judgement, and further attempts"].rows) == 3


def test_part_of_an_evaluation_is_never_called_whole(tmp_path: Path) -> None:
    """Passed tests alone are no passed type evaluation: the first page names what is missing."""
    folder = write_sample_evaluation(tmp_path / "part", tests=["static_pressure", "dry_heat"])
    record = load(folder)
    part = document(record, 1)
    assert part.verdict == "PASS"
    assert "not complete" in part.conclusion
    assert any("7.4, 7.5" in banner for banner in part.banners)
    page = Page(write_report(record, folder / "report.html").read_text(encoding="utf-8"))
    assert "Not a complete type evaluation" in page.text
    assert "not examined" in page.text


def test_uncertainty_is_told_per_test(whole: Document) -> None:
    """Number of budgets, range, and the largest budget."""
    part = next(iter(section(whole, "Measurement uncertainty").sections))
    assert part.collapsed
    text = next(block for block in part.blocks if isinstance(block, Text))
    assert text.text.startswith("45 budgets, U from 0.25 % to 0.9 % (k = 2). The largest: Q1")


def test_page_holds_the_document(evaluation: RunRecord, tmp_path: Path) -> None:
    """The page nests, runs nothing, carries values in full, and stays small."""
    path = write_report(evaluation, tmp_path / "report.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "4.6.6 Electrostatic discharge (clause 8.11)" in page.text
    assert "Simulated station: not evidence about a real meter" in page.text
    assert str(next(row.value for row in evaluation.rows if row.quantity == "fault")) in set(
        page.attributes("data-value")
    )
    assert evaluation.head_hash in page.text
    assert path.stat().st_size < 1_500_000


def test_pdf_is_the_same_for_the_same_record(evaluation: RunRecord, tmp_path: Path) -> None:
    """No clock is read: the date is that of the record."""
    first, second = (write_pdf(evaluation, tmp_path / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert first == second
    assert first.startswith(b"%PDF-")
    assert b"2026-05-2" in first  # the day on which the record was closed, in the metadata


def test_hostile_text_stays_text_on_paper(whole: Document) -> None:
    """Nothing in a record is taken for the typesetter's markup."""
    hostile = '#panic("x") $x^{2$ *a* _b_ @c <d> \\ " //'
    odd = replace(
        whole, title=hostile, run=hostile, banners=(hostile,), front=[Facts([(hostile, hostile)])], sections=[]
    )
    assert pdf_of(odd).startswith(b"%PDF-")


def test_verification_has_a_pdf_too(record: RunRecord, tmp_path: Path) -> None:
    """In the form of clause 5."""
    paper = document(record, 1)
    assert [each.number for each in paper.sections][:3] == ["5.1", "5.2", "5.3"]
    assert write_pdf(record, tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
