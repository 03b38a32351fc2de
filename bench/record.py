"""A run's record as values: what every view (reports, store, pytest-html, Allure, JUnit, ``results``) is made from.

The kinds of journal lines and their fields are listed in ``docs/reference/journal.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from meterbench.bench import journal
from meterbench.bench.verdict import Verdict, worst
from meterbench.errors import RecordError


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One measured result; the columns of ``meterbench results RUN --json``."""

    procedure: str
    clause: str
    requirement: str
    meter: str
    """Serial number."""
    flow_point: str
    condition: str
    """Under what, where the test has more than one: ``55 °C``, ``MAP``, ``+6 kV contact``."""
    repeat: int
    attempt: int
    quantity: str
    value: float | None
    """None where there was no number to give; then the verdict is not PASS and ``reason`` says why."""
    unit: str
    expanded_uncertainty: float | None
    """k = 2, in ``unit``."""
    lower: float | None
    upper: float | None
    verdict: str
    reason: str
    time: str
    """UTC, ISO 8601."""
    step: str
    """The step of the run in which it was measured."""
    uncertainty_limit: float | None
    """The largest expanded uncertainty with which the rule allows a verdict, in ``unit``."""

    @property
    def value_text(self) -> str:
        """The value as every view prints it; full precision stays in ``value``."""
        return _text(self.value, self.quantity)

    @property
    def uncertainty_text(self) -> str:
        """The expanded uncertainty as every view prints it."""
        return _text(self.expanded_uncertainty, self.quantity).lstrip("+")

    @property
    def limits_text(self) -> str:
        """The limits as every view prints them."""
        if self.lower is not None and self.upper is not None and self.lower == -self.upper:
            return f"±{self.upper:g}"
        low = "" if self.lower is None else f"{self.lower:g}"
        high = "" if self.upper is None else f"{self.upper:g}"
        if low and high:
            return f"{low} … {high}"
        return f"≤ {high}" if high else (f"≥ {low}" if low else "–")


def _text(number: float | None, quantity: str) -> str:
    if number is None:
        return "–"
    return f"{number:+.3f}" if quantity == "error_of_indication" else f"{number:.6g}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that had to hold during a step: a window and what was seen of it."""

    step: str
    quantity: str
    unit: str
    lowest: float | None
    highest: float | None
    lower: float | None
    upper: float | None
    met: bool
    clause: str
    note: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """One line of an uncertainty budget."""

    name: str
    estimate: float | None
    unit: str
    standard_uncertainty: float
    """In ``unit``."""
    distribution: str
    sensitivity: float
    """Per cent of the result for one ``unit``."""
    percent: float
    """Standard uncertainty of the result from this source, %."""
    source: str


@dataclass(frozen=True, slots=True)
class Budget:
    """The uncertainty budget of one result, GUM: independent contributions, root of the sum of squares, k = 2."""

    step: str
    quantity: str
    meter: str
    contributions: tuple[Contribution, ...]
    standard_uncertainty_percent: float
    coverage_factor: float
    expanded_uncertainty_percent: float


@dataclass(frozen=True, slots=True)
class MeterVerdict:
    """The conclusion on one meter."""

    meter: str
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClauseVerdict:
    """What a test of the standard, or of the maker's description, says of one meter."""

    clause: str
    """Number, as ``7.4``; of a function its name."""
    title: str
    requirements: tuple[str, ...]
    """``ADR-nnn``."""
    meter: str
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A test that the standard has and this type does not need."""

    clause: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything that a run's journal says."""

    folder: Path
    name: str
    opened: dict[str, Any]
    """The ``run_opened`` line: programme, edition, software, station, batch, instruments, laboratory."""
    rows: tuple[ResultRow, ...]
    readings: tuple[dict[str, Any], ...]
    """Raw readings, the ``reading`` lines as they are."""
    conditions: tuple[Condition, ...]
    budgets: tuple[Budget, ...]
    meter_verdicts: tuple[MeterVerdict, ...]
    clause_verdicts: tuple[ClauseVerdict, ...]
    """In the order in which the tests were concluded."""
    not_applicable: tuple[NotApplicable, ...]
    acts: tuple[dict[str, Any], ...]
    """``act`` lines: what the person at the bench was asked and answered, as they are."""
    events: tuple[dict[str, Any], ...]
    """``event`` lines: warnings, alarms, safe state, resumption, as they are."""
    traces: tuple[dict[str, Any], ...]
    """``trace`` lines: the parts of the process values' time series, for ``bench.traces``."""
    finished_steps: dict[str, str]
    """Step -> verdict, in the order in which they finished."""
    step_times: dict[str, tuple[str, str]]
    """Finished step -> UTC of its beginning and of its end."""
    closed: dict[str, Any] | None
    """The ``run_closed`` line, or None for a run that was cut off."""
    head_hash: str = field(default="")

    @property
    def verdict(self) -> Verdict:
        """The run's verdict; a run that was not closed has none better than ABORTED."""
        if self.closed is not None:
            return Verdict[self.closed["verdict"]]
        return worst([Verdict.ABORTED, *(Verdict[row.verdict] for row in self.rows)])

    @property
    def batch(self) -> list[dict[str, Any]]:
        """The meters as the operator entered them: serial, designation, q3_m3_h, ratio, ..."""
        return cast(list[dict[str, Any]], self.opened["batch"])


_ROW_FIELDS = tuple(name for name in ResultRow.__dataclass_fields__ if name != "time")


def load(folder: Path) -> RunRecord:
    """Read and verify the record in ``folder``; ``RecordError`` if it does not hold together.

    What a step wrote before it was cut off, and was measured again after a resume, is left out: the journal keeps it.
    """
    lines = _without_abandoned_steps([cast(dict[str, Any], line) for line in journal.read(folder)])
    try:
        return _record(folder, lines)
    except (KeyError, TypeError) as error:
        raise RecordError(
            f"{folder / journal.FILE_NAME} was written by another version: its lines lack or mistake {error}"
        ) from error


def _record(folder: Path, lines: list[dict[str, Any]]) -> RunRecord:
    if not lines or lines[0]["kind"] != "run_opened":
        raise RecordError(f"{folder / journal.FILE_NAME} does not begin with the opening of a run")
    of_kind: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        of_kind.setdefault(line["kind"], []).append(line)
    closed = of_kind.get("run_closed", [])
    found = [
        line["verdict"]
        for kind in ("step_finished", "clause_verdict", "meter_verdict")
        for line in of_kind.get(kind, [])
    ]
    if closed and any(Verdict[verdict] > Verdict[closed[-1]["verdict"]] for verdict in found):
        raise RecordError(
            f"{folder / journal.FILE_NAME} closes with {closed[-1]['verdict']}, which is better than what it recorded: "
            "it was not written so by a bench"
        )
    return RunRecord(
        folder=folder,
        name=folder.resolve().name,
        opened=lines[0],
        rows=tuple(
            ResultRow(**{name: line[name] for name in _ROW_FIELDS}, time=line["utc"])
            for line in of_kind.get("measurement", [])
        ),
        readings=tuple(of_kind.get("reading", [])),
        conditions=tuple(
            Condition(**{name: line[name] for name in Condition.__dataclass_fields__})
            for line in of_kind.get("condition", [])
        ),
        budgets=tuple(_budget(line) for line in of_kind.get("budget", [])),
        meter_verdicts=_one_a_meter(of_kind.get("meter_verdict", [])),
        clause_verdicts=_one_a_clause(of_kind.get("clause_verdict", [])),
        not_applicable=tuple(
            NotApplicable(line["clause"], line["title"], line["reason"]) for line in of_kind.get("not_applicable", [])
        ),
        acts=tuple(of_kind.get("act", [])),
        events=tuple(of_kind.get("event", [])),
        traces=tuple(of_kind.get("trace", [])),
        finished_steps={line["step"]: line["verdict"] for line in of_kind.get("step_finished", [])},
        step_times=_step_times(of_kind),
        closed=closed[-1] if closed and lines[-1]["kind"] == "run_closed" else None,
        head_hash=lines[-1]["hash"],
    )


def _step_times(of_kind: dict[str, list[dict[str, Any]]]) -> dict[str, tuple[str, str]]:
    began = {line["step"]: line["utc"] for line in of_kind.get("step_started", [])}
    return {line["step"]: (began[line["step"]], line["utc"]) for line in of_kind.get("step_finished", [])}


def _budget(line: dict[str, Any]) -> Budget:
    return Budget(
        step=line["step"],
        quantity=line["quantity"],
        meter=line["meter"],
        contributions=tuple(Contribution(**part) for part in line["contributions"]),
        standard_uncertainty_percent=line["standard_uncertainty_percent"],
        coverage_factor=line["coverage_factor"],
        expanded_uncertainty_percent=line["expanded_uncertainty_percent"],
    )


def _one_a_meter(lines: list[dict[str, Any]]) -> tuple[MeterVerdict, ...]:
    """The worst conclusion on each meter: one that was drawn again after a resume lowers nothing."""
    found: dict[str, MeterVerdict] = {}
    for line in lines:
        verdict = MeterVerdict(line["meter"], line["verdict"], tuple(line["reasons"]))
        before = found.get(verdict.meter)
        if before is None or Verdict[verdict.verdict] >= Verdict[before.verdict]:
            found[verdict.meter] = verdict
    return tuple(found.values())


def _one_a_clause(lines: list[dict[str, Any]]) -> tuple[ClauseVerdict, ...]:
    """The worst of each clause and meter, as of the meters."""
    found: dict[tuple[str, str], ClauseVerdict] = {}
    for line in lines:
        reasons, requirements = tuple(line["reasons"]), tuple(line["requirements"])
        verdict = ClauseVerdict(line["clause"], line["title"], requirements, line["meter"], line["verdict"], reasons)
        before = found.get((verdict.clause, verdict.meter))
        if before is None or Verdict[verdict.verdict] >= Verdict[before.verdict]:
            found[verdict.clause, verdict.meter] = verdict
    return tuple(found.values())


def _without_abandoned_steps(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop what belongs to a step that was started but never finished and then started again."""
    kept: list[dict[str, Any]] = []
    open_from: dict[str, int] = {}
    for line in lines:
        step = str(line.get("step"))
        if line["kind"] == "step_started":
            if step in open_from:
                kept = [old for old in kept if not (str(old.get("step")) == step and old["seq"] >= open_from[step])]
            open_from[step] = line["seq"]
        elif line["kind"] == "step_finished":
            open_from.pop(step, None)
        kept.append(line)
    return kept
