"""One test of a type evaluation on its samples: what its procedure works with, and how its rows become a conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from meterbench.bench.bench import Bench
from meterbench.bench.run import Run, Subject
from meterbench.bench.verdict import Verdict, worst
from meterbench.dut.meter import Nameplate
from meterbench.errors import BenchError, MeterError
from meterbench.instruments.capabilities import OperatorTask
from meterbench.instruments.operator.tasks import NOT_DONE, YES
from meterbench.procedures.collecting import check_tightness, not_tight
from meterbench.procedures.edition import Edition, FlowPoint, Test
from meterbench.procedures.error_runs import ErrorRun, Judging, Window, measure_errors


class NotDone(BenchError):
    """The person at the bench could not do what a test needs: the test is INVALID, the evaluation goes on."""


@dataclass(slots=True)
class Trial:
    """A test, its samples, and the bench that it is carried out on. Procedures record; conclusions follow from rows."""

    run: Run
    bench: Bench
    edition: Edition
    test: Test
    meters: Sequence[Nameplate]
    """The samples: of all meters in the line, as many as the edition asks for."""
    leak_kpa_min: float = field(default=0.0, init=False)
    """What the last tightness test found."""

    def point(self, key: str) -> FlowPoint:
        """A flow point of the edition for these meters, which are of one rating."""
        return self.edition.flow_point(key, self.meters[0].rating)

    @property
    def reference_water_c(self) -> Window:
        """The water's temperature at reference conditions."""
        return self._reference_c("water")

    @property
    def reference_ambient_c(self) -> Window:
        """The air's."""
        return self._reference_c("ambient")

    def _reference_c(self, what: str) -> Window:
        lower, upper = (
            self.edition.of_type_evaluation(f"reference_{what}_temp_{end}_c").value for end in ("lower", "upper")
        )
        return lower, upper

    def subject(self, meter: Nameplate, condition: str = "", flow_point: str = "", repeat: int = 1) -> Subject:
        """Of a row that this test records."""
        requirements = " ".join(self.test.requirements)
        return Subject(self.test.name, self.test.clause, requirements, meter.serial, flow_point, condition, repeat)

    def ask(self, task: OperatorTask) -> str:
        """Let the person at the bench do ``task``; the answer, which is on record. ``NotDone`` if it was not done."""
        answer = self.bench.operator.ask(task)
        self.run.act(task, answer)
        if answer.answer == NOT_DONE:
            raise NotDone(f"{answer.who or 'the operator'} could not do: {task.instruction}")
        return answer.answer

    def restore(self, task: OperatorTask) -> None:
        """Let the person undo what would falsify every later test. ``MeterError`` if it was not done: then the run
        ends, and goes on when it is resumed."""
        try:
            self.ask(task)
        except NotDone as cause:
            raise MeterError(f"{cause}; every later test would be false: do it, then resume the run") from cause

    def judge(self, task: OperatorTask, quantity: str, meter: Nameplate, condition: str = "") -> bool:
        """Let the person answer a question that is put so that yes is good; it is judged as a row of 1 or 0."""
        good = self.ask(task) == YES
        self.run.measure(quantity, 1.0 if good else 0.0, "", self.subject(meter, condition), lower=1.0)
        return good

    def check_tightness(self, when: str) -> None:
        """Is the line tight; before the first collection of a test, after the last, and whenever it was opened."""
        self.leak_kpa_min = check_tightness(self.run, self.bench, self.edition, self.test.name, when)

    def errors(self, key: str, condition: str = "", *, water_temp_c: Window | None = None, **more: Any) -> None:
        """One error of each sample at a flow point under a condition; ``more`` as of ``ErrorRun``."""
        part = self.edition.of_type_evaluation("uncertainty_part_of_mpe").value
        judging = Judging(
            self.test.name,
            self.test.clause,
            " ".join(self.test.requirements),
            part,
            water_temp_c or self.reference_water_c,
            self.reference_ambient_c,
        )
        more.setdefault("meters", self.meters)
        wanted = ErrorRun(judging, self.point(key), condition=condition, **more)
        measure_errors(self.run, self.bench, self.edition, wanted, self.leak_kpa_min)

    def conclude(self) -> None:
        """For each sample the worst of the rows that this test recorded; INVALID without any, or in a leaking line."""
        leaks = not_tight(self.run, self.test.name)
        for meter in self.meters:
            rows = [
                row
                for row in self.run.rows
                if row.procedure == self.test.name and row.meter == meter.serial and row.verdict != Verdict.NOT_RUN.name
            ]
            reasons = [
                f"{' '.join(part for part in (row.condition, row.flow_point) if part)}: {row.reason}".lstrip(": ")
                for row in rows
                if row.verdict != Verdict.PASS.name
            ]
            verdict = worst(Verdict[row.verdict] for row in rows)
            if not rows:
                verdict, reasons = Verdict.INVALID, ["nothing was judged"]
            if leaks and verdict is not Verdict.ERROR:
                # Whatever was found meanwhile, good or bad, may be the leak's doing.
                verdict, reasons = Verdict.INVALID, leaks
            self.conclude_meter(meter, verdict, reasons)

    def conclude_meter(self, meter: Nameplate, verdict: Verdict, reasons: Sequence[str]) -> None:
        """What this test says of one meter."""
        test = self.test
        self.run.conclude_clause(test.clause, test.title, meter.serial, verdict, reasons, test.requirements)
