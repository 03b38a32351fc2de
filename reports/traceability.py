"""The traceability matrix: for each requirement the tests that exercise it, and what they said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meterbench.bench.record import RunRecord
from meterbench.bench.verdict import Verdict, worst


@dataclass(frozen=True, slots=True)
class Exercise:
    """A test that exercises a requirement, and the worst that it said of any meter."""

    clause: str
    """Number of the clause, or the procedure's name where the record gives none."""
    title: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Traced:
    """A requirement and its tests in the run; without any, nothing covers it yet."""

    id: str
    title: str
    exercises: tuple[Exercise, ...]


def traceability(record: RunRecord, requirements: Mapping[str, str]) -> list[Traced]:
    """Every requirement (id -> title) with the tests of ``record`` that exercise it, in the order of ``requirements``.

    The conclusions on clauses count; results count where no conclusion on their clause was drawn, but for those that
    were reported only. A requirement that a record names and the list lacks is added at the end, under no title.
    """
    found: dict[str, dict[tuple[str, str], list[Verdict]]] = {}
    for conclusion in record.clause_verdicts:
        for requirement in conclusion.requirements:
            tests = found.setdefault(requirement, {})
            tests.setdefault((conclusion.clause, conclusion.title), []).append(Verdict[conclusion.verdict])
    concluded = {conclusion.clause for conclusion in record.clause_verdicts}
    for row in record.rows:
        if row.clause in concluded or row.verdict == Verdict.NOT_RUN.name:
            continue
        for requirement in row.requirement.replace(",", " ").split():
            test = (row.clause or row.procedure, row.procedure.replace("-", " ").capitalize())
            found.setdefault(requirement, {}).setdefault(test, []).append(Verdict[row.verdict])
    titles = dict(requirements) | {each: "" for each in sorted(found) if each not in requirements}
    return [
        Traced(
            requirement,
            title,
            tuple(
                Exercise(clause, what, worst(verdicts).name)
                for (clause, what), verdicts in found.get(requirement, {}).items()
            ),
        )
        for requirement, title in titles.items()
    ]
