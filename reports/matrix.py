"""What a manager reads: the conclusion of every test on every sample, and the tests that nothing is known of."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from meterbench.bench.record import ClauseVerdict, RunRecord
from meterbench.bench.verdict import Verdict, worst
from meterbench.reports.blocks import DASH, Cell, Column, Row, Table

SAMPLES_ACROSS = 6
"""Columns of samples that fit on a page; more samples make more tables."""
NOT_EXAMINED = "not examined"
NOT_CONCLUDED = "not concluded"
"""Begun, and broken off."""


def checklist() -> dict[str, list[dict[str, str]]]:
    """The rows of ``checklist.toml`` by group: ``external``, ``marking``, ``electronic``, ``tests``."""
    text = (files("meterbench.reports") / "checklist.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def clause_key(clause: str) -> tuple[int, tuple[int, ...], str]:
    """Sorts ``7.4`` before ``7.10``, and what is no clause last."""
    parts = clause.split(".")
    if all(part.isdecimal() for part in parts):
        return 0, tuple(int(part) for part in parts), ""
    return 1, (), clause


def by_clause(record: RunRecord) -> dict[str, dict[str, ClauseVerdict]]:
    """Clause -> serial -> conclusion, clauses in the order of the standard."""
    found: dict[str, dict[str, ClauseVerdict]] = {}
    for conclusion in sorted(record.clause_verdicts, key=lambda each: clause_key(each.clause)):
        found.setdefault(conclusion.clause, {})[conclusion.meter] = conclusion
    return found


def worst_of(conclusions: Mapping[str, ClauseVerdict]) -> Verdict:
    """Of all samples of a test."""
    return worst(Verdict[each.verdict] for each in conclusions.values())


def missing_tests(record: RunRecord) -> dict[str, str]:
    """Clause -> ``NOT_EXAMINED`` or ``NOT_CONCLUDED``, of tests of the check list that were neither concluded nor
    declared not applicable: they are no part of a PASS."""
    known = {each.clause for each in record.clause_verdicts} | {each.clause for each in record.not_applicable}
    begun = {row.clause for row in record.rows}
    return {
        test["clause"]: NOT_CONCLUDED if test["clause"] in begun else NOT_EXAMINED
        for test in checklist()["tests"]
        if test["clause"] not in known and test.get("same_as") not in known
    }


def sample_matrix(record: RunRecord) -> list[Table]:
    """Tests down, samples across; one table for so many samples as fit side by side."""
    conclusions = by_clause(record)
    titles = {clause: next(iter(of_meters.values())).title for clause, of_meters in conclusions.items()}
    serials = [str(meter["serial"]) for meter in record.batch]
    serials += sorted({each.meter for each in record.clause_verdicts} - set(serials))
    missing = missing_tests(record)
    names = {test["clause"]: test["requirement"].partition(":")[0] for test in checklist()["tests"]}
    verdicts = {each.meter: each.verdict for each in record.meter_verdicts}
    tables = []
    for first in range(0, len(serials), SAMPLES_ACROSS):
        across = serials[first : first + SAMPLES_ACROSS]
        rows: list[Row] = []
        for clause in sorted({*conclusions, *missing}, key=clause_key):
            if clause in missing:
                rows.append((clause, names[clause], *[missing[clause]] * len(across)))
                continue
            of_meters = conclusions[clause]
            cells = [of_meters[serial].verdict if serial in of_meters else DASH for serial in across]
            rows.append((clause, titles[clause], *cells))
        rows.append(
            ("", Cell("Conclusion on the meter", out=True), *[verdicts.get(each, "NOT_RUN") for each in across])
        )
        columns = [Column("Clause"), Column("Test", width=1.0)]
        columns += [Column(serial, kind="verdict") for serial in across]
        more = f", samples {first + 1} to {first + len(across)}" if len(serials) > SAMPLES_ACROSS else ""
        tables.append(
            Table(
                tuple(columns), rows, f"Verdict of each test on each sample{more}", f"{DASH} not a sample of this test"
            )
        )
    return tables


def check_list(record: RunRecord, places: Mapping[str, str]) -> list[tuple[str, str, Table]]:
    """The check list of 4.4: number, title and table of each group; ``places`` tell the section with a clause's record.

    A plus or minus stands only where a test was concluded; an INVALID test has neither. What the bench cannot know is
    left open, to be ticked by hand.
    """
    lists = checklist()
    marks: list[dict[str, Any]] = [row | {"clause": "P1:6.6"} for row in lists["marking"]]
    by_hand = "Left open: to be ticked by hand (□)."
    return [
        ("4.4.1 a", "External examination, all meters", _examined(record, [*lists["external"], *marks], by_hand)),
        ("4.4.1 b", "External examination, electronic meters", _examined(record, lists["electronic"], by_hand)),
        ("4.4.2", "Performance tests, all meters", _performed(record, lists["tests"], "all", places)),
        ("4.4.3", "Performance tests, electronic meters", _performed(record, lists["tests"], "electronic", places)),
    ]


def _columns(first: str) -> tuple[Column, ...]:
    return (
        Column(first), Column("Requirement", width=2.2), Column("+", kind="tick"), Column("–", kind="tick"),
        Column("Remarks", width=1.2),
    )  # fmt: skip


def _examined(record: RunRecord, rows: Sequence[Mapping[str, str]], note: str) -> Table:
    found: list[Row] = []
    for row in rows:
        results = [each for each in record.rows if each.quantity == row.get("quantity")]
        verdict = worst(Verdict[each.verdict] for each in results)
        plus, minus, remark = _ticks(verdict) if results else ("□", "□", "")
        if results:
            remark = f"{remark} {_named(each.meter for each in results)}".strip()
        found.append((row["clause"], row["requirement"], plus, minus, remark))
    return Table(_columns("Clause"), found, note=note)


def _named(meters: Any) -> str:
    return ", ".join(dict.fromkeys(meters))


def _performed(record: RunRecord, tests: Sequence[Mapping[str, str]], part: str, places: Mapping[str, str]) -> Table:
    conclusions = by_clause(record)
    excused = {each.clause: each.reason for each in record.not_applicable}
    missing = missing_tests(record)
    listed = {test["clause"] for test in tests}
    rows: list[Row] = []
    for test in tests:
        if test["part"] != part:
            continue
        clause = test["clause"]
        of_meters = conclusions.get(clause) or conclusions.get(test.get("same_as", ""), {})
        both = ", ".join(each for each in (clause, test["part_1"]) if each)
        if of_meters:
            plus, minus, remark = _ticks(worst_of(of_meters))
            place = places.get(clause) or places.get(test.get("same_as", ""), "")
            remark = "; ".join(each for each in (remark, f"record: {place}" if place else "") if each)
        elif clause in excused:
            plus, minus, remark = "n/a", "n/a", excused[clause]
        else:
            plus, minus, remark = "", "", missing[clause]
        rows.append((both, test["requirement"], plus, minus, remark))
    if part == "electronic":
        for clause, of_meters in conclusions.items():
            if clause not in listed:
                plus, minus, remark = _ticks(worst_of(of_meters))
                place = f"record: {places[clause]}" if clause in places else ""
                title = next(iter(of_meters.values())).title
                rows.append((clause, title, plus, minus, "; ".join(each for each in (remark, place) if each)))
    return Table(_columns("Clause of Part 2, Part 1"), rows, note="n/a: not applicable to this type.")


def _ticks(verdict: Verdict) -> tuple[str, str, str]:
    if verdict is Verdict.PASS:
        return "×", "", ""
    if verdict is Verdict.FAIL:
        return "", "×", ""
    return "", "", f"{verdict}: no conclusion".replace("_", " ")
