"""The Run: steps, readings, measurements and verdicts, each a durable line before the next step starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from meterbench.bench import record
from meterbench.bench.journal import Journal
from meterbench.bench.record import Budget
from meterbench.bench.verdict import EXIT_STATUS, Verdict, worst
from meterbench.errors import BenchError, Cancelled, ConfigError, RecordError
from meterbench.instruments.capabilities import OperatorAnswer, OperatorTask
from meterbench.world.clock import Clock

Observer = Callable[[str, Mapping[str, Any]], None]
"""Told the kind and the body of every line that was recorded: progress, logs."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a result is about: who measured what, of which meter, for which rule."""

    procedure: str
    clause: str
    requirement: str
    meter: str
    flow_point: str = ""
    condition: str = ""
    repeat: int = 1
    attempt: int = 1


_AIR = frozenset({"air_pressure_hpa", "relative_humidity_percent"})
_SUBJECT_FIELDS = tuple(field.name for field in fields(Subject))


class Run:
    """One execution of a programme on a station; owns the journal, knows nothing of instruments."""

    def __init__(self, journal: Journal, clock: Clock, observers: Sequence[Observer] = ()) -> None:
        self._journal = journal
        self._clock = clock
        self._observers = list(observers)
        self._started_s = clock.now_s()
        self._step = ""
        self._step_verdicts: list[Verdict] = []
        self._finished: dict[str, str] = {}
        self._conclusions: dict[str, Verdict] = {}
        self._clauses: dict[tuple[str, str], Verdict] = {}
        self._clause_reasons: dict[tuple[str, str], tuple[str, ...]] = {}
        self._not_applicable: set[str] = set()
        self._undecided: set[str] = set()
        """Meters with a provisional FAIL that no rule has decided yet."""
        self._batch: list[str] = []
        self._reasons: list[str] = []
        self._closed = False
        self._rows: list[record.ResultRow] = []
        self._readings: list[dict[str, Any]] = []
        self.previous: record.RunRecord | None = None
        """What an interrupted run had recorded before it was resumed."""

    @classmethod
    def open(cls, folder: Path, clock: Clock, opened: Mapping[str, Any], observers: Sequence[Observer] = ()) -> Run:
        """Start a new record in ``folder`` with what is known before the first step."""
        run = cls(Journal.create(folder), clock, observers)
        run._batch = [meter["serial"] for meter in opened["batch"]]
        run._write("run_opened", opened)
        run._journal.sync()
        return run

    @classmethod
    def resume(cls, folder: Path, clock: Clock, opened: Mapping[str, Any], observers: Sequence[Observer] = ()) -> Run:
        """Go on with an interrupted run: its finished steps stay finished.

        ``ConfigError`` if the run was concluded, or if programme, batch or station are not those of its opening.
        """
        journal = Journal.reopen(folder)  # locked from here on: nobody else goes on with it
        try:
            previous = record.load(folder)
            _refuse_to_resume(previous, opened)
        except BaseException:
            journal.close()
            raise
        run = cls(journal, clock, observers)
        run.previous = previous
        run._batch = [meter["serial"] for meter in opened["batch"]]
        run._finished = dict(previous.finished_steps)
        # What a step had measured before it was cut off is measured again.
        run._rows = [row for row in previous.rows if row.step in run._finished]
        run._readings = [reading for reading in previous.readings if reading["step"] in run._finished]
        run._undecided = {row.meter for row in run._rows if row.verdict == "FAIL"}
        for step, verdict in previous.finished_steps.items():
            run._conclude(f"step {step}", Verdict[verdict])
        run._not_applicable = {each.clause for each in previous.not_applicable}
        for found in previous.clause_verdicts:
            run._clauses[found.clause, found.meter] = Verdict[found.verdict]
            run._clause_reasons[found.clause, found.meter] = found.reasons
            run._conclude(f"clause {found.clause} of meter {found.meter}", Verdict[found.verdict])
        for conclusion in previous.meter_verdicts:
            run._conclude(f"meter {conclusion.meter}", Verdict[conclusion.verdict])
        run.event("info", f"resumed after {len(run._finished)} finished steps", software=opened["software"])
        return run

    @property
    def folder(self) -> Path:
        """Where the record and its reports are."""
        return self._journal.path.parent

    @property
    def verdict(self) -> Verdict:
        """The worst so far."""
        return worst(self._conclusions.values())

    @property
    def elapsed_s(self) -> float:
        """Seconds of the station's clock since the run was opened (or resumed)."""
        return self._clock.now_s() - self._started_s

    @property
    def rows(self) -> Sequence[record.ResultRow]:
        """All results so far, those before a resume included."""
        return self._rows

    @property
    def readings(self) -> Sequence[dict[str, Any]]:
        """All raw readings so far, those before a resume included."""
        return self._readings

    @property
    def finished_steps(self) -> Mapping[str, str]:
        """The verdict of every finished step."""
        return self._finished

    @property
    def lines(self) -> int:
        """Lines in the journal."""
        return self._journal.lines

    def finished(self, step: str) -> bool:
        """True if ``step`` was finished, in this session or before a resume."""
        return step in self._finished

    def observe(self, observer: Observer) -> None:
        """Tell one more observer of every line from now on."""
        self._observers.append(observer)

    def plan(self, steps: Sequence[tuple[str, float]]) -> None:
        """Tell what is ahead: steps and their estimated seconds of bench time, for the time left."""
        ahead = [(step, seconds) for step, seconds in steps if not self.finished(step)]
        self._write("plan", {"steps": [{"step": step, "bench_seconds": seconds} for step, seconds in ahead]})

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A part of the programme that is done or not done: what it recorded is on the disk when it ends."""
        if self._step:
            raise RuntimeError(f"step {name} inside step {self._step}")
        self._step, self._step_verdicts = name, []
        self._write("step_started", {"step": name})
        try:
            yield
            verdict = worst(self._step_verdicts)
            self._finished[name] = verdict.name
            self._conclude(f"step {name}", verdict)
            self._write("step_finished", {"step": name, "verdict": verdict.name})
            self._journal.sync()
        except BaseException:
            self._conclude(f"step {name}", Verdict.INVALID)  # broken off: whoever goes on regardless gets no PASS
            raise
        finally:
            self._step = ""

    def measure(
        self,
        quantity: str,
        value: float | None,
        unit: str,
        subject: Subject,
        *,
        expanded_uncertainty: float | None = None,
        uncertainty_limit: float | None = None,
        lower: float | None = None,
        upper: float | None = None,
        invalid: Sequence[str] = (),
        provisional: bool = False,
    ) -> Verdict:
        """Record one result and judge it against its limits (which belong to PASS).

        INVALID, never PASS and never FAIL, whatever the value: without a finite value, without any limit, with an
        uncertainty that is missing or above ``uncertainty_limit``, or with a reason in ``invalid``.
        A FAIL that is ``provisional`` does not count for the step: a rule of the standard will judge it together with
        further results, and conclude.
        """
        reasons = list(invalid)
        if value is None or not math.isfinite(value):
            reasons.append("no value was obtained" if value is None else f"the value is {value}")
            value = None
        lower, upper, uncertainty_limit = (
            _meant(name, number, reasons)
            for name, number in (("lower", lower), ("upper", upper), ("uncertainty", uncertainty_limit))
        )
        if lower is None and upper is None:
            reasons.append("no limit to judge by")
        elif lower is not None and upper is not None and lower > upper:
            reasons.append(f"the limits {lower:g} … {upper:g} leave nothing between them")
        if expanded_uncertainty is not None and not (
            math.isfinite(expanded_uncertainty) and expanded_uncertainty >= 0.0
        ):
            reasons.append(f"the expanded uncertainty is {expanded_uncertainty}")
            expanded_uncertainty = None
        if uncertainty_limit is not None:
            if expanded_uncertainty is None:
                reasons.append("the uncertainty is not known")
            elif expanded_uncertainty > uncertainty_limit:
                reasons.append(
                    f"the expanded uncertainty {expanded_uncertainty:.3g} {unit} is above the "
                    f"{uncertainty_limit:.3g} {unit} that the rule allows"
                )
        verdict = Verdict.INVALID if reasons else _within(value, lower, upper)
        if verdict is Verdict.FAIL:
            reasons.append(f"{value:+.3f} {unit} is outside {_limits(lower, upper)} {unit}")
        self._record_row(
            subject,
            quantity=quantity,
            value=value,
            unit=unit,
            expanded_uncertainty=expanded_uncertainty,
            uncertainty_limit=uncertainty_limit,
            lower=lower,
            upper=upper,
            verdict=verdict.name,
            reason="; ".join(reasons),
        )
        if provisional and verdict is Verdict.FAIL:
            self._undecided.add(subject.meter)
        else:
            self._step_verdicts.append(verdict)
        return verdict

    def report(
        self, quantity: str, value: float, unit: str, subject: Subject, *, expanded_uncertainty: float | None = None
    ) -> None:
        """Record a result that is not judged: its row says NOT_RUN, and no verdict rests on it."""
        self._record_row(
            subject,
            quantity=quantity,
            value=value,
            unit=unit,
            expanded_uncertainty=expanded_uncertainty,
            uncertainty_limit=None,
            lower=None,
            upper=None,
            verdict=Verdict.NOT_RUN.name,
            reason="reported, not judged",
        )

    def reading(self, instrument: str, quantity: str, value: float, unit: str, *, meter: str = "") -> None:
        """Keep a raw reading at full precision."""
        body: dict[str, Any] = {"step": self._step, "meter": meter, "instrument": instrument, "quantity": quantity}
        body |= {"value": value, "unit": unit}
        self._write("reading", body)
        self._readings.append(body)

    def condition(self, condition: record.Condition) -> None:
        """Keep what was seen of a condition; one that was not met makes the step INVALID."""
        self._write("condition", asdict(condition) | {"step": self._step})
        self._step_verdicts.append(Verdict.PASS if condition.met else Verdict.INVALID)

    def budget(self, budget: Budget) -> None:
        """Keep an uncertainty budget."""
        self._write("budget", asdict(budget))

    def trace(self, file: str, rows: int, sha256: str) -> None:
        """A part of the process values' time series is on the disk."""
        self._write("trace", {"file": file, "rows": rows, "sha256": sha256})

    def event(self, level: str, text: str, **more: Any) -> None:
        """Something worth knowing: ``level`` is info, warning or error."""
        self._write("event", {"level": level, "text": text, **more})

    def act(self, task: OperatorTask, answer: OperatorAnswer) -> None:
        """Keep what the person at the bench was asked and has answered."""
        body = {"name": task.name, "instruction": task.instruction, "details": dict(task.details)}
        self._write("act", body | asdict(answer) | {"step": self._step})

    def not_applicable(self, clause: str, title: str, reason: str) -> None:
        """A test that this type does not need, and why; once a run."""
        if clause not in self._not_applicable:
            self._not_applicable.add(clause)
            self._write("not_applicable", {"clause": clause, "title": title, "reason": reason})

    def conclude_clause(
        self,
        clause: str,
        title: str,
        meter: str,
        verdict: Verdict,
        reasons: Sequence[str] = (),
        requirements: Sequence[str] = (),
    ) -> None:
        """What a test says of one meter: durable at once, and no better than what it was before."""
        self._conclude(f"clause {clause} of meter {meter}", verdict)
        self._clauses[clause, meter] = max(verdict, self._clauses.get((clause, meter), verdict))
        self._clause_reasons[clause, meter] = tuple(reasons)
        body = {"clause": clause, "title": title, "requirements": list(requirements), "meter": meter}
        self._write("clause_verdict", body | {"verdict": verdict.name, "reasons": list(reasons)})
        self._journal.sync()

    @property
    def clauses(self) -> Mapping[tuple[str, str], Verdict]:
        """The conclusions so far by clause and meter, those before a resume included."""
        return self._clauses

    @property
    def clause_reasons(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """Why, as the keys of ``clauses``."""
        return self._clause_reasons

    def conclude_meter(self, meter: str, verdict: Verdict, reasons: Sequence[str]) -> None:
        """The verdict on one meter, durable at once."""
        self._conclude(f"meter {meter}", verdict)
        self._undecided.discard(meter)
        self._write("meter_verdict", {"meter": meter, "verdict": verdict.name, "reasons": list(reasons)})
        self._journal.sync()

    def abandon(self, error: BaseException) -> None:
        """Note why the run ends early; the verdict can only get worse by it."""
        if isinstance(error, Cancelled):
            verdict, text = Verdict.ABORTED, f"stopped: {error}"
        elif isinstance(error, BenchError):
            verdict, text = Verdict.ERROR, str(error)
        else:
            verdict, text = Verdict.ERROR, f"unexpected {type(error).__name__}: {error}"
        self._conclude("run", verdict)
        self._reasons.append(text)
        if isinstance(error, RecordError):
            self._journal.release_reserve()

    def close(self) -> Verdict:
        """Write the last line and close the record; safe to call twice."""
        if self._closed:
            return self.verdict
        self._closed = True
        try:
            self._conclude_what_is_open()
            self._write("run_closed", self._closing_line())
        except RecordError as error:
            # The disk filled up since: give the reserve back and try once more, now with the reason.
            self.abandon(error)
            self._write("run_closed", self._closing_line())
        self._journal.close()
        return self.verdict

    def _conclude(self, part: str, verdict: Verdict) -> None:
        """A part's verdict can only get worse."""
        self._conclusions[part] = max(verdict, self._conclusions.get(part, verdict))

    def _conclude_what_is_open(self) -> None:
        """A provisional FAIL that no rule lifted is one; a meter without a conclusion spoils a PASS.

        A run that broke off leaves its questions open: resumed, it will carry the rules out.
        """
        if self.verdict in (Verdict.ABORTED, Verdict.ERROR):
            return
        for meter in sorted(self._undecided):
            self.conclude_meter(meter, Verdict.FAIL, ["out of limits, and no rule was applied to it"])
        if self.verdict is Verdict.PASS:
            for meter in self._batch:
                if f"meter {meter}" not in self._conclusions:
                    self.conclude_meter(meter, Verdict.INVALID, ["no conclusion was reached"])

    def _closing_line(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict.name,
            "exit_status": EXIT_STATUS[self.verdict],
            "reasons": self._reasons,
            "bench_seconds": self.elapsed_s,
        }

    def _record_row(self, subject: Subject, **result: Any) -> None:
        body = {name: getattr(subject, name) for name in _SUBJECT_FIELDS} | result | {"step": self._step}
        utc = self._write("measurement", body)
        self._rows.append(record.ResultRow(**body, time=utc))

    def _write(self, kind: str, body: Mapping[str, Any]) -> str:
        """Append a line; the UTC that it carries."""
        utc = self._clock.utc().isoformat(timespec="milliseconds")
        self._journal.append(kind, self.elapsed_s, utc, body)
        for observer in self._observers:
            observer(kind, body)
        return utc


def _refuse_to_resume(previous: record.RunRecord, opened: Mapping[str, Any]) -> None:
    """``ConfigError`` unless the run was interrupted, and is to go on with what it was opened with."""
    if previous.closed is not None and previous.verdict not in (Verdict.ABORTED, Verdict.ERROR):
        raise ConfigError(f"{previous.name} is closed with {previous.verdict}: there is nothing to resume")
    for key in ("programme", "edition", "station", "reference", "batch", "instruments", "settings"):
        if _lasting(previous.opened[key]) != _lasting(opened[key]):
            raise ConfigError(
                f"{previous.name} was opened with another {key}: resume it with the same station file and options, "
                "or start a new run"
            )


def _lasting(part: Any) -> Any:
    """A part of the opening line without the laboratory's air, which may change between two sessions."""
    return {key: each for key, each in part.items() if key not in _AIR} if isinstance(part, dict) else part


def _meant(name: str, limit: float | None, reasons: list[str]) -> float | None:
    """The limit if it is a number; otherwise None, and the reason why nothing can be judged by it."""
    if limit is None or math.isfinite(limit):
        return limit
    reasons.append(f"the {name} limit is {limit}")
    return None


def _within(value: float | None, lower: float | None, upper: float | None) -> Verdict:
    inside = value is not None and (lower is None or value >= lower) and (upper is None or value <= upper)
    return Verdict.PASS if inside else Verdict.FAIL


def _limits(lower: float | None, upper: float | None) -> str:
    if lower is not None and upper is not None and lower == -upper:
        return f"±{upper:g}"
    return f"{'' if lower is None else f'{lower:g}'} … {'' if upper is None else f'{upper:g}'}"
