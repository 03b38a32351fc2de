"""ISO 4064-2, clause 10: initial verification of a batch in series on the line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meterbench.bench.bench import TANK_CAPACITY_L, TANK_USE, Bench
from meterbench.bench.collection import Collected, MeterVolume, assign
from meterbench.bench.record import ResultRow
from meterbench.bench.run import Run, Subject
from meterbench.bench.uncertainty import error_budget
from meterbench.bench.verdict import Verdict, worst
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import Rating
from meterbench.errors import ConfigError
from meterbench.procedures import conditions, rules
from meterbench.procedures.collecting import (
    RESTS_ON,
    check_tightness,
    cross_checks,
    expanded,
    keep_readings,
    not_tight,
    volume_conditions,
    warn_of_certificates,
)
from meterbench.procedures.edition import Edition, FlowPoint

NAME = "initial-verification"
REQUIREMENT = "ADR-011"
STEADY_WITHIN = 0.01
STEADY_DEADLINE_S = 240.0
ROOM = 1.06
"""The tank must take the volume with the upper end of the window, and the diverter's delay."""
OVERHEAD_S = 90.0
"""Settling, weighing and draining around one collection, for the estimate of the time left."""


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


def duration_s(edition: Edition, flow_l_h: float) -> float:
    """How long a flow is collected: a minimum time as far as the weighing tank takes it, and a minimum volume."""
    tank_s = 3600.0 * TANK_USE * TANK_CAPACITY_L / (ROOM * flow_l_h)
    wanted_s = max(edition.plan("shortest_s"), min(edition.plan("min_duration_s"), math.floor(tank_s)))
    return max(wanted_s, 3600.0 * edition.plan("min_volume_l") / flow_l_h)


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
    step = step_name(point, attempt)
    if run.finished(step):
        return
    collect_s = duration_s(edition, point.target_l_h)
    with run.step(step):
        bench.make_room(point.target_l_h * collect_s / 3600.0 * ROOM)
        line = bench.start_flow(point.target_l_h)
        bench.wait_until_steady(line, point.target_l_h, STEADY_WITHIN, STEADY_DEADLINE_S)
        collected = bench.collect(line, collect_s)
        bench.stop_flow()
        volumes = assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
        keep_readings(run, bench, collected, volumes)

        thermometer_u_k = expanded(bench, "thermometer", collected.probe_temp_c.mean)
        seen = [
            *conditions.of_collection(edition, point, collected, volumes, thermometer_u_k),
            *cross_checks(bench, collected, volumes, leak_rate),
        ]
        for condition in seen:
            run.condition(condition)
        invalid = [*bench.uncalibrated(RESTS_ON), *not_tight(run, NAME), *conditions.unmet(seen)]
        for volume in volumes:
            if volume.nameplate in meters:
                reasons = [*_uncounted(run, volume.nameplate), *invalid]
                _measure_error(run, bench, edition, point, collected, volume, leak_rate, attempt, reasons)


def _uncounted(run: Run, meter: Nameplate) -> list[str]:
    """A meter that never gave a pulse cannot be told from a cable that carries none."""
    counts = [line["value"] for line in run.readings if (line["quantity"], line["meter"]) == ("pulses", meter.serial)]
    return [] if any(count > 0 for count in counts) else ["no test pulse was counted yet: check its head and cable"]


def _measure_error(
    run: Run,
    bench: Bench,
    edition: Edition,
    point: FlowPoint,
    collected: Collected,
    volume: MeterVolume,
    leak_rate: float,
    attempt: int,
    invalid: Sequence[str],
) -> None:
    meter = volume.nameplate
    subject = Subject(NAME, edition.verification_clause, REQUIREMENT, meter.serial, point.name, attempt=attempt)
    mpe = edition.mpe_percent(
        point.zone,
        # The rig's sensors, which have no certificate, tell how warm it is at the meter: they open no wider column.
        min(volume.water_temp_c, collected.probe_temp_c.lowest),
        expanded(bench, "thermometer", volume.water_temp_c),
        meter.rating.accuracy_class,
    )
    if collected.weighed_g <= 0.0:
        weighed = f"the balance gained {collected.weighed_g:g} g: no water was collected"
        run.measure("error_of_indication", None, "%", subject, lower=-mpe, upper=mpe, invalid=[weighed, *invalid])
        return
    budget = error_budget(
        step_name(point, attempt),
        meter.serial,
        volume_conditions(bench, collected, volume, leak_rate),
        bench.reference,
    )
    run.budget(budget)
    run.measure(
        "error_of_indication",
        volume.error_percent,
        "%",
        subject,
        expanded_uncertainty=budget.expanded_uncertainty_percent,
        uncertainty_limit=mpe * edition.condition("uncertainty_part_of_mpe").value,
        lower=-mpe,
        upper=mpe,
        invalid=invalid,
        provisional=True,
    )


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
            errors = {point.name: errors_of(run, meter, point.name) for point in points}
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


def errors_of(run: Run, meter: Nameplate, point: str) -> list[ResultRow]:
    """The errors of a meter at a flow point, in the order in which they were measured."""
    return [
        row
        for row in run.rows
        if row.quantity == "error_of_indication" and row.meter == meter.serial and row.flow_point == point
    ]


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
