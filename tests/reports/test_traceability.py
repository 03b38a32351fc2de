"""The matrix accounts for every requirement, and calls nothing covered that was only reported."""

from __future__ import annotations

from dataclasses import replace

from meterbench.bench.record import ClauseVerdict, RunRecord
from meterbench.procedures import edition, requirements
from meterbench.reports.traceability import Exercise, traceability


def test_requirement_without_a_test_is_there_and_empty(record: RunRecord) -> None:
    """Nothing covers it yet: it is not left out."""
    traced = {each.id: each for each in traceability(record, {"ADR-001": "Designation", "ADR-093": "Security"})}
    assert traced["ADR-093"].exercises == ()
    assert traced["ADR-001"].exercises[0].verdict == "FAIL"


def test_the_worst_sample_speaks_for_the_clause(record: RunRecord) -> None:
    """One FAIL of several samples is what the requirement is told; the clause's rows add nothing to it."""
    conclusions = tuple(
        ClauseVerdict("10.1.3", "Errors", ("ADR-011",), meter, verdict, ())
        for meter, verdict in (("1", "PASS"), ("2", "FAIL"), ("3", "PASS"))
    )
    traced = traceability(replace(record, clause_verdicts=conclusions), {"ADR-011": "Errors"})
    assert traced[0].exercises == (Exercise("10.1.3", "Errors", "FAIL"),)


def test_reported_results_cover_nothing(record: RunRecord) -> None:
    """A row that was not judged is no evidence."""
    rows = tuple(replace(row, verdict="NOT_RUN") for row in record.rows)
    traced = traceability(replace(record, rows=rows), {"ADR-001": "Designation"})
    assert traced[0].exercises == ()


def test_requirement_that_the_list_lacks_is_added(record: RunRecord) -> None:
    """Nothing that a record names disappears."""
    assert [each.id for each in traceability(record, {})] == ["ADR-001", "ADR-014"]


def test_every_requirement_of_the_tests_has_a_title() -> None:
    """The list knows what the edition's tests cite."""
    titles = requirements.load()
    cited = {each for test in edition.load().tests() for each in test.requirements}
    assert cited <= titles.keys()
    assert list(titles) == sorted(titles)
    assert all(titles.values())
