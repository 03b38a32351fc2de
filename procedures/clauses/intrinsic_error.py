"""ISO 4064-2, 7.4: intrinsic errors at the test flow rates: the curve that all later tests refer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meterbench.bench.verdict import Verdict, worst
from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import incline
from meterbench.procedures import rules
from meterbench.procedures.collecting import not_tight
from meterbench.procedures.error_runs import errors_of
from meterbench.procedures.trial import Trial

CURVE = ("Q4", "Q3", "0.7(Q2+Q3)", "0.35(Q2+Q3)", "Q2", "Q1")
"""Highest flow first: air is purged before the low flows."""


def intrinsic_error(trial: Trial) -> None:
    """1. Mount the samples as the standard asks where no orientation is marked: horizontal, vertical upward, oblique.
    2. At each flow point, as many runs as the edition says. 3. A further run where the rule of 7.4.5 asks for one.
    4. Every error within the MPE, standard deviation at Q1, Q2 and Q3 within a third of it, same-sign rule.
    """
    mount_samples(trial)
    trial.check_tightness("before")
    measure_curve(trial, "")
    trial.check_tightness("after")
    conclude_curve(trial)


def mount_samples(trial: Trial) -> None:
    """As many samples as the edition has orientations; the others stay as they are (horizontal)."""
    wanted = trial.test.data("inclinations_deg", "samples")
    for meter, inclination_deg in zip(trial.meters, wanted, strict=False):
        if inclination_deg != 0.0:
            trial.ask(incline(meter.serial, inclination_deg))
        trial.run.reading("operator", "inclination", inclination_deg, "°", meter=meter.serial)


def measure_curve(trial: Trial, condition: str, **more: Any) -> None:
    """All flow points with their repeats, and the further runs that decide, under one condition."""
    repeats = trial.edition.test("intrinsic_error").data
    for key in CURVE:
        for repeat in range(1, int(repeats("repeats", key)) + 1):
            trial.errors(key, condition, repeat=repeat, provisional=True, **more)
    for key in CURVE:
        again = [meter for meter in trial.meters if _run_again(trial, meter, condition) == key]
        if again:
            next_repeat = int(repeats("repeats", key)) + 1
            trial.errors(key, condition, repeat=next_repeat, provisional=True, meters=again, **more)


def curve_of(trial: Trial, meter: Nameplate, condition: str, procedure: str = "") -> dict[str, list[float]]:
    """The valid errors of a meter by flow point, in the order of measuring; of this test's, or another procedure's."""
    rows = errors_of(trial.run, procedure or trial.test.name, meter, condition=condition)
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.verdict != Verdict.INVALID.name and row.value is not None:
            found.setdefault(row.flow_point, []).append(row.value)
    return found


def limits_of(trial: Trial, meter: Nameplate, condition: str) -> dict[str, float]:
    """The limit of each flow point, the tightest of its rows."""
    found: dict[str, float] = {}
    for row in errors_of(trial.run, trial.test.name, meter, condition=condition):
        if row.upper is not None:
            found[row.flow_point] = min(row.upper, found.get(row.flow_point, row.upper))
    return found


def conclude_curve(trial: Trial, condition: str = "") -> None:
    """By the rules of 7.4.5 and P1:7.2.3, 7.2.4, for each sample."""
    leaks = not_tight(trial.run, trial.test.name)
    repeatable = trial.test.data("repeatable", "points")
    with trial.run.step(f"{trial.test.name}/conclusion"):
        for meter in trial.meters:
            if leaks:
                trial.conclude_meter(meter, Verdict.INVALID, leaks)
                continue
            rows = errors_of(trial.run, trial.test.name, meter, condition=condition)
            invalid = [f"{row.flow_point}: {row.reason}" for row in rows if row.verdict == Verdict.INVALID.name]
            curve, limits = curve_of(trial, meter, condition), limits_of(trial, meter, condition)
            missing = [key for key in CURVE if key not in curve]
            reasons = [*invalid, *(f"{key}: no valid error" for key in missing)]
            failed = rules.curve_failures(curve, limits, int(trial.edition.condition("runs_to_decide").value))
            reasons += [f"{key}: {_listed(curve[key])} %, MPE ±{limits[key]:g} %" for key in failed]
            verdicts = [Verdict.FAIL if failed else Verdict.PASS, *[Verdict.INVALID] * bool(invalid or missing)]
            for key in repeatable:
                verdicts.append(_judge_repeatability(trial, meter, key, curve, limits, bool(invalid), reasons))
            verdicts.append(_judge_signs(trial, meter, curve, limits, bool(invalid or missing), reasons))
            trial.conclude_meter(meter, worst(verdicts), reasons)


def _run_again(trial: Trial, meter: Nameplate, condition: str) -> str:
    curve, limits = curve_of(trial, meter, condition), limits_of(trial, meter, condition)
    return rules.point_to_run_again(curve, limits, int(trial.edition.condition("runs_to_decide").value))


def _judge_repeatability(
    trial: Trial,
    meter: Nameplate,
    key: str,
    curve: dict[str, list[float]],
    limits: dict[str, float],
    invalid: bool,
    reasons: list[str],
) -> Verdict:
    part = trial.edition.of_type_evaluation("repeatability_part_of_mpe").value
    verdict = trial.run.measure(
        "repeatability",
        rules.repeatability(curve.get(key, [])),
        "%",
        trial.subject(meter, flow_point=key),
        upper=part * limits[key] if key in limits else None,
        invalid=["the errors themselves are INVALID"] if invalid else [],
    )
    if verdict is Verdict.FAIL:
        reasons.append(f"{key}: the results do not repeat: {trial.run.rows[-1].reason}")
    return verdict


def _judge_signs(
    trial: Trial,
    meter: Nameplate,
    curve: dict[str, list[float]],
    limits: dict[str, float],
    invalid: bool,
    reasons: list[str],
) -> Verdict:
    means = {key: rules.mean(errors) for key, errors in curve.items()}
    share = rules.same_sign_share(means, limits)
    verdict = trial.run.measure(
        "same_sign_rule",
        share,
        "of the MPE",
        trial.subject(meter),
        upper=trial.edition.condition("same_sign_part_of_mpe").value,
        invalid=["the errors themselves are INVALID"] if invalid else [],
    )
    if verdict is Verdict.FAIL:
        reasons.append(f"all errors have the same sign, the smallest is {share:.2f} of its MPE")
    return verdict


def _listed(errors: Sequence[float]) -> str:
    return ", ".join(f"{error:+.3f}" for error in errors)
