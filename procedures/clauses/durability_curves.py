"""Before and after the wear of ISO 4064-2, 7.11: the curve of 7.4, its shift, and its mean errors (P1:7.2.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from meterbench.bench.record import ResultRow
from meterbench.bench.verdict import Verdict, worst
from meterbench.dut.meter import Nameplate
from meterbench.procedures import rules
from meterbench.procedures.clauses.intrinsic_error import CURVE, curve_of, limits_of, measure_curve
from meterbench.procedures.collecting import not_tight
from meterbench.procedures.edition import FlowPoint
from meterbench.procedures.error_runs import errors_of
from meterbench.procedures.trial import Trial

BEFORE, AFTER = "before", "after"
SHIFT, MEAN_ERROR = "curve_shift", "mean_error_after"
DURABILITY = ("durability_discontinuous", "durability_continuous")
"""Keys of the tests that wear the meters, in their order."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve that is on record."""

    procedure: str
    clause: str
    condition: str

    @property
    def name(self) -> str:
        """In words, for the condition of a row."""
        return f"against {f'{self.condition} ' if self.condition else ''}{self.clause}"


def before_wear(trial: Trial, *, worn: bool) -> Curve | None:
    """The curve of before any durability test: that of 7.4; else what a durability test measured at its beginning; else
    it is measured now.

    None if there is none, and it is too late: the meters are ``worn``, or another durability test of this run wore
    them.
    """
    edition, run = trial.edition, trial.run
    tests = [("", edition.test("intrinsic_error")), *((BEFORE, edition.test(key)) for key in DURABILITY)]
    curves = [Curve(test.name, test.clause, condition) for condition, test in tests]
    known = _first_complete(trial, curves)
    others = [edition.test(key).name for key in DURABILITY if key != trial.test.key]
    if known is not None or worn or any(step.partition("/")[0] in others for step in run.finished_steps):
        return known
    measure_curve(trial, BEFORE)
    return _first_complete(trial, curves)


def measure_after(trial: Trial) -> None:
    """The curve of 7.4 again; single errors are reported against the limit of the mean, which decides."""

    def limit_percent(point: FlowPoint, coldest_c: float, u_k: float, meter: Nameplate) -> float:
        return trial.edition.durability_percent(point.zone, coldest_c, u_k, meter.rating.accuracy_class)[1]

    trial.check_tightness("before the curve")
    measure_curve(trial, AFTER, limit_percent=limit_percent)
    trial.check_tightness("after")


def conclude_wear(trial: Trial, before: Curve | None, invalid: Sequence[str]) -> None:
    """Shift of the curve and mean error at each flow rate, for each sample; ``invalid``: what was wrong meanwhile."""
    run = trial.run
    invalid = [*invalid, *not_tight(run, trial.test.name), *(not_tight(run, before.procedure) if before else [])]
    invalid = list(dict.fromkeys(invalid))
    with run.step(f"{trial.test.name}/conclusion"):
        for meter in trial.meters:
            rows = [row for key in CURVE for row in _judge(trial, meter, key, before, invalid)]
            reasons = [
                f"{row.quantity.replace('_', ' ')} at {row.flow_point}: {row.reason}"
                for row in rows
                if row.verdict != Verdict.PASS.name
            ]
            trial.conclude_meter(meter, worst(Verdict[row.verdict] for row in rows), invalid or reasons)


def _judge(
    trial: Trial, meter: Nameplate, key: str, before: Curve | None, invalid: Sequence[str]
) -> tuple[ResultRow, ResultRow]:
    run, point, accuracy_class = trial.run, trial.point(key), meter.rating.accuracy_class
    limit = limits_of(trial, meter, AFTER).get(key)
    after_rows = errors_of(run, trial.test.name, meter, key, AFTER)
    before_rows = errors_of(run, before.procedure, meter, key, before.condition) if before is not None else []
    means = [rules.mean(_valid(rows)) for rows in (before_rows, after_rows)]
    after_invalid = [*invalid, *_doubts(trial, key, after_rows)]
    u_percent = _largest_u(after_rows)
    run.measure(
        MEAN_ERROR,
        means[1],
        "%",
        trial.subject(meter, AFTER, key),
        expanded_uncertainty=u_percent,
        lower=None if limit is None else -limit,
        upper=limit,
        invalid=after_invalid,
    )
    mean_error = run.rows[-1]
    unknown = ["the curve of before any durability test is not known"] if before is None else []
    run.measure(
        SHIFT,
        rules.curve_shift(_valid(before_rows), _valid(after_rows)),
        "%",
        trial.subject(meter, before.name if before is not None else "", key),
        # Of the same rig: what is systematic cancels, so the root of two bounds the difference's.
        expanded_uncertainty=math.hypot(u_percent, _largest_u(before_rows)) if before_rows else None,
        upper=trial.edition.durability_percent(point.zone, 20.0, 0.0, accuracy_class)[0],
        invalid=[*after_invalid, *unknown],
    )
    return mean_error, run.rows[-1]


def _first_complete(trial: Trial, curves: Sequence[Curve]) -> Curve | None:
    for curve in curves:
        found = [curve_of(trial, meter, curve.condition, curve.procedure) for meter in trial.meters]
        if all(key in points for points in found for key in CURVE):
            return curve
    return None


def _valid(rows: Sequence[ResultRow]) -> list[float]:
    return [row.value for row in rows if row.verdict != Verdict.INVALID.name and row.value is not None]


def _doubts(trial: Trial, key: str, rows: Sequence[ResultRow]) -> list[str]:
    """A mean rests on all its errors: none of them is INVALID, and none is missing."""
    repeats = int(trial.edition.test("intrinsic_error").data("repeats", key))
    doubts = [f"an error of it is INVALID: {row.reason}" for row in rows if row.verdict == Verdict.INVALID.name]
    return doubts + ([f"{len(rows)} errors were measured, not {repeats}"] if len(rows) < repeats else [])


def _largest_u(rows: Sequence[ResultRow]) -> float:
    """Of single errors: what is systematic does not get smaller in their mean. NaN if one is not known."""
    found = [math.nan if row.expanded_uncertainty is None else row.expanded_uncertainty for row in rows]
    return math.nan if not found or any(math.isnan(u) for u in found) else max(found)
