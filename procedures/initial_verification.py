"""ISO 4064-2, clause 10: initial verification of a batch in series on the line."""

from __future__ import annotations

from collections.abc import Sequence

from meterbench.bench.bench import Bench
from meterbench.bench.record import ResultRow
from meterbench.bench.run import Run, Subject
from meterbench.bench.verdict import Verdict, worst
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import Rating
from meterbench.errors import ConfigError
from meterbench.procedures import conditions, rules
from meterbench.procedures.collecting import check_tightness, not_tight, warn_of_certificates
from meterbench.procedures.edition import Edition, FlowPoint
from meterbench.procedures.error_runs import OVERHEAD_S, ErrorRun, Judging, duration_s, errors_of, measure_errors

NAME = "initial-verification"
REQUIREMENT = "ADR-011"


def batch_rating(batch: Sequence[Nameplate]) -> Rating:
    """The one rating of a batch: meters in series are of the same size and type (clause 10)."""
    ratings = {nameplate.rating for nameplate in batch}
    if len(ratings) != 1:
        listed = ", ".join(sorted(str(rating) for rating in ratings))
        raise ConfigError(f"the meters in the line are not of one rating ({listed}): verify one kind at a time")
    return ratings.pop()


def initial_verification(run: Run, bench: Bench, edition: Edition) -> None:
    """Errors of indication at Q3, Q2 and Q1, highest flow first, and the conclusion on every meter.

    1. The line is tight, before and after. 2. At each flow point: regulate the target, wait until steady, collect one
    volume, compare what each meter indicated with what was weighed. 3. A meter out of limits at one flow point only
    gets two further runs there, and two of the three and their mean must be within the MPE. 4. If all three errors have
    the same sign, one of them is at most half its MPE. What the conditions or the uncertainty do not allow to judge is
    INVALID.
    """
    points = edition.verification_points(batch_rating(bench.batch))
    run.plan(
        [(f"{NAME}/tightness before", 45.0)]
        + [(step_name(point, 1), OVERHEAD_S + duration_s(edition, point.target_l_h)) for point in points]
        + [(f"{NAME}/tightness after", 45.0)]
    )
    warn_of_certificates(run, bench)

    leak_rate = check_tightness(run, bench, edition, NAME, "before")
    for point in points:
        verify_point(run, bench, edition, point, leak_rate, attempt=1, meters=bench.batch)
    for point in points:
        again = [meter for meter in bench.batch if _point_to_repeat(run, meter) == point.name]
        for attempt in range(2, _runs_to_decide(edition) + 1) if again else ():
            verify_point(run, bench, edition, point, leak_rate, attempt, again)
    check_tightness(run, bench, edition, NAME, "after")
    conclude(run, bench, edition, points)


def step_name(point: FlowPoint, attempt: int) -> str:
    """The step of a flow point's first, second or third run."""
    return f"{NAME}/{point.name}" + (f", run {attempt}" if attempt > 1 else "")


def verify_point(
    run: Run,
    bench: Bench,
    edition: Edition,
    point: FlowPoint,
    leak_rate: float,
    attempt: int,
    meters: Sequence[Nameplate],
) -> None:
    """One flow point, one collected volume, one error of indication for each of ``meters``."""
    part = edition.condition("uncertainty_part_of_mpe").value
    window_c = conditions.verification_water_temp_c(edition)
    judging = Judging(NAME, edition.verification_clause, REQUIREMENT, part, window_c)
    wanted = ErrorRun(judging, point, meters, attempt=attempt, provisional=True)
    measure_errors(run, bench, edition, wanted, leak_rate)


def conclude(run: Run, bench: Bench, edition: Edition, points: Sequence[FlowPoint]) -> None:
    """Same-sign rule and verdict for every meter, from the recorded errors."""
    half = edition.condition("same_sign_part_of_mpe")
    leaks = not_tight(run, NAME)
    with run.step(f"{NAME}/conclusion"):
        for meter in bench.batch:
            if leaks:
                # Whatever was found meanwhile, good or bad, may be the leak's doing.
                run.conclude_meter(meter.serial, Verdict.INVALID, leaks)
                continue
            errors = {point.name: errors_of(run, NAME, meter, point.name) for point in points}
            found = {name: _point_verdict(rows, _runs_to_decide(edition)) for name, rows in errors.items()}
            verdicts = list(found.values())
            reasons = [
                f"{name}: {row.reason}"
                for name, rows in errors.items()
                for row in rows
                if row.reason and found[name] is not Verdict.PASS
            ]
            judged = worst(verdicts)
            mpe = {name: rows[0].upper for name, rows in errors.items() if rows and rows[0].upper}
            values = {name: [row.value for row in rows if row.value is not None] for name, rows in errors.items()}
            means = {name: sum(values[name]) / len(values[name]) for name in mpe if values[name]}
            share = rules.same_sign_share(means, mpe)
            verdicts.append(
                run.measure(
                    "same_sign_rule",
                    share,
                    "of the MPE",
                    Subject(NAME, edition.verification_clause, REQUIREMENT, meter.serial),
                    upper=half.value,
                    invalid=["the errors themselves are INVALID"] if judged is Verdict.INVALID else [],
                )
            )
            if verdicts[-1] is Verdict.FAIL:
                reasons.append(f"all errors have the same sign, the smallest is {share:.2f} of its MPE")
            run.conclude_meter(meter.serial, worst(verdicts), reasons)


def _runs_to_decide(edition: Edition) -> int:
    return int(edition.condition("runs_to_decide").value)


def _point_verdict(rows: Sequence[ResultRow], runs_to_decide: int) -> Verdict:
    if not rows:
        return Verdict.NOT_RUN
    invalid = worst(Verdict[row.verdict] for row in rows if row.verdict not in ("PASS", "FAIL"))
    if invalid is not Verdict.NOT_RUN:
        return invalid
    errors = [row.value for row in rows if row.value is not None]
    mpe = min(row.upper for row in rows if row.upper is not None)
    return Verdict.PASS if rules.point_passes(errors, mpe, runs_to_decide) else Verdict.FAIL


def _point_to_repeat(run: Run, meter: Nameplate) -> str | None:
    rows = [
        row
        for row in run.rows
        if row.quantity == "error_of_indication" and row.meter == meter.serial and row.attempt == 1
    ]
    # What is INVALID says nothing of the meter: it neither exceeds nor keeps a limit.
    errors = {row.flow_point: row.value for row in rows if row.verdict != "INVALID" and row.value is not None}
    limits = {row.flow_point: row.upper for row in rows if row.upper is not None}
    return rules.point_to_repeat(errors, limits)
