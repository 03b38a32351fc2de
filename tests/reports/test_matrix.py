"""The manager's page and the check list never show a pass that nobody found."""

from __future__ import annotations

from dataclasses import replace

from meterbench.bench.record import RunRecord
from meterbench.reports import matrix
from meterbench.reports.blocks import Cell, Table


def cells(table: Table) -> dict[str, list[str]]:
    """First cell of each row -> the texts of the others."""
    texts = [[each.text if isinstance(each, Cell) else each for each in row] for row in table.rows]
    return {row[0]: row[1:] for row in texts}


def test_clauses_stand_in_the_order_of_the_standard() -> None:
    """7.10 comes after 7.9, and what is no clause last."""
    assert sorted(["software", "7.10", "8.2", "7.9", "7.11.2"], key=matrix.clause_key) == [
        "7.9",
        "7.10",
        "7.11.2",
        "8.2",
        "software",
    ]


def test_matrix_shows_each_sample_and_a_dash_where_it_was_none(evaluation: RunRecord) -> None:
    """The discharges were applied to the second sample only."""
    (table,) = matrix.sample_matrix(evaluation)
    rows = cells(table)
    assert rows["8.11"] == ["Electrostatic discharge", "–", "FAIL", "–"]
    assert rows["7.7"] == ["Water pressure", "INVALID", "INVALID", "INVALID"]
    assert rows[""][1:] == ["INVALID", "FAIL", "INVALID"]


def test_what_was_not_concluded_says_so(evaluation: RunRecord) -> None:
    """A test without a conclusion is neither passed nor left out, whatever its rows say."""
    part = tuple(each for each in evaluation.clause_verdicts if each.clause != "7.9")
    cut = replace(evaluation, clause_verdicts=part)
    assert matrix.missing_tests(cut) == {"7.9": "not concluded"}
    (table,) = matrix.sample_matrix(cut)
    assert cells(table)["7.9"] == ["Pressure loss", "not concluded", "not concluded", "not concluded"]
    performed = next(table for number, _, table in matrix.check_list(cut, {}) if number == "4.4.2")
    assert cells(performed)["7.9, P1:6.5"][1:] == ["", "", "not concluded"]


def test_whole_evaluation_misses_nothing(evaluation: RunRecord) -> None:
    """Every test of the list was carried out or does not apply."""
    assert matrix.missing_tests(evaluation) == {}


def test_plus_and_minus_need_a_conclusion(evaluation: RunRecord) -> None:
    """PASS is a plus, FAIL a minus, INVALID neither; a mark that nobody looked at is left open."""
    lists = {number: cells(table) for number, _, table in matrix.check_list(evaluation, {"7.3": "4.5.1"})}
    assert lists["4.4.2"]["7.3, P1:4.2.10"][1:] == ["×", "", "record: 4.5.1"]
    assert lists["4.4.3"]["8.11, P1:Annex A"][1:3] == ["", "×"]
    assert lists["4.4.2"]["7.7, P1:6.4"][1:] == ["", "", "INVALID: no conclusion"]
    assert lists["4.4.3"]["8.6, P1:Annex A"][1:3] == ["n/a", "n/a"]
    assert lists["4.4.1 a"]["P1:6.6"][1:] == ["□", "□", ""]
    assert lists["4.4.1 b"]["D 31"][1:3] == ["×", ""]


def test_many_samples_make_several_tables(evaluation: RunRecord) -> None:
    """None of them runs off the page."""
    meters = [{**evaluation.batch[0], "serial": str(number)} for number in range(8)]
    many = replace(evaluation, opened={**evaluation.opened, "batch": meters}, clause_verdicts=())
    assert [len(table.columns) for table in matrix.sample_matrix(many)] == [8, 4]
