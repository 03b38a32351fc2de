"""A programme that is made of tests: in order, each on its samples, to a conclusion; and one on every sample."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from meterbench.bench.bench import Bench
from meterbench.bench.run import Run
from meterbench.bench.verdict import Verdict, worst
from meterbench.dut.meter import Nameplate
from meterbench.procedures.collecting import warn_of_certificates
from meterbench.procedures.edition import Edition, Test
from meterbench.procedures.initial_verification import batch_rating
from meterbench.procedures.trial import NotDone, Trial


@dataclass(frozen=True, slots=True)
class Procedure:
    """How a test is carried out, what it needs beyond the rig, and about how long it takes at the bench."""

    carry_out: Callable[[Trial], None]
    needs: tuple[str, ...] = ()
    """Roles."""
    bench_s: float = 3600.0
    on_request: bool = False
    """Only where ``--only`` names its clause: it takes more time than all others together."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The programme, by an edition of the standard."""

    name: str
    title: str
    clause: str
    """What the record's header says that it carries out."""
    edition: Edition
    tests: Sequence[Test]
    """In the order in which they are carried out; each has a procedure."""
    procedures: Mapping[str, Procedure]
    """By the test's key."""
    not_applicable: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By clause: title of a test that the type does not need, and why."""

    @property
    def usual(self) -> list[str]:
        """The keys of the tests that are carried out unless others are named."""
        return [test.key for test in self.tests if not self.procedures[test.key].on_request]

    def begin(self, run: Run, bench: Bench, selected: Collection[str]) -> None:
        """What is ahead, what does not apply, what is to be known before the first test; ``selected`` are keys."""
        batch_rating(bench.batch)  # samples of one type
        warn_of_certificates(run, bench)
        ahead = [test for test in self.tests if test.key in selected and not self._concluded(run, bench, test)]
        run.plan([(test.name, self._left_s(run, test)) for test in ahead])
        for clause, (title, reason) in self.not_applicable.items():
            run.not_applicable(clause, title, reason)

    def samples(self, bench: Bench, test: Test) -> Sequence[Nameplate]:
        """Of the meters in the line, those that ``test`` asks for."""
        return bench.batch[: test.samples] if test.samples else bench.batch

    def carry_out(self, run: Run, bench: Bench, test: Test) -> None:
        """One test on its samples, to its conclusion; done already before a resume, it is not done again."""
        if self._concluded(run, bench, test):
            return
        meters = self.samples(bench, test)
        trial, procedure = Trial(run, bench, self.edition, test, meters), self.procedures[test.key]
        missing = [role for role in procedure.needs if not bench.has(role)]
        try:
            if missing:
                raise NotDone(f"this station has no {', no '.join(missing)}")
            procedure.carry_out(trial)
        except NotDone as cause:
            bench.stop_flow()  # it may have come while water ran
            for meter in meters:
                trial.conclude_meter(meter, Verdict.INVALID, [str(cause)])

    def _concluded(self, run: Run, bench: Bench, test: Test) -> bool:
        return all((test.clause, meter.serial) in run.clauses for meter in self.samples(bench, test))

    def _left_s(self, run: Run, test: Test) -> float:
        """About how long a test still takes, less what its steps took that were finished before a resumption."""
        times = run.previous.step_times if run.previous is not None else {}
        ends = [
            [datetime.fromisoformat(utc) for utc in both]
            for step, both in times.items()
            if step.startswith(f"{test.name}/")
        ]
        took_s = sum((end - start).total_seconds() for start, end in ends)
        return max(0.0, self.procedures[test.key].bench_s - took_s)

    def finish(self, run: Run, bench: Bench) -> None:
        """The conclusion on every meter: the worst of the tests that were carried out on it."""
        titles = {test.clause: test.title for test in self.tests}
        for meter in bench.batch:
            found = {clause: verdict for (clause, serial), verdict in run.clauses.items() if serial == meter.serial}
            reasons = [
                f"{clause} {titles.get(clause, '')}: {verdict}"
                for clause, verdict in found.items()
                if verdict is not Verdict.PASS
            ]
            run.conclude_meter(meter.serial, worst(found.values()), reasons)

    def carry_out_all(self, run: Run, bench: Bench, selected: Collection[str] = ()) -> None:
        """All tests, or those of the keys ``selected``."""
        tests = [test for test in self.tests if test.key in (selected or self.usual)]
        self.begin(run, bench, [test.key for test in tests])
        for test in tests:
            self.carry_out(run, bench, test)
        self.finish(run, bench)
