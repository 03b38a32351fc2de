"""ISO 4064-2, 8.4: damp heat, cyclic (IEC 60068-2-30)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from meterbench.bench.record import Condition
from meterbench.errors import InstrumentError
from meterbench.procedures import conditions
from meterbench.procedures.clauses.climate import AirSample, Surroundings, finished, in_chamber
from meterbench.procedures.error_runs import errors_of, last_errors, measure_fault
from meterbench.procedures.rules import damp_heat_c
from meterbench.procedures.trial import NotDone, Trial

STEP_S = 600.0
"""The set-point follows a change of temperature in steps of so much: any chamber can."""
HUMIDITY_MARGIN_PERCENT = 3.0
"""So much more is asked for than there has to be: the chamber's control swings."""
LATE_S = 3.0 * 3600.0
"""A chamber that is not as damp as asked for by then never is."""
BEFORE, AFTER = "before", "after recovery"


def damp_heat(trial: Trial) -> None:
    """1. In air of 20 °C the error at the reference flow. 2. Without flow, cycles of 24 h: to 55 °C in 3 h, there until
    hour 12, back to 25 °C in 3 h, there until hour 24; 95 % of relative humidity at least, 93 % at the upper
    temperature. 3. Back to 20 °C: after recovery the error is within the MPE of the upper zone, and differs from the
    one before by no more than half of it (editions ask for the one or the other).
    """
    trial.check_tightness("before")
    with in_chamber(trial) as air:
        if not finished(trial, BEFORE):
            came_s = air.come_back()
            trial.errors("reference", BEFORE, surroundings=lambda: air.at_reference(came_s))
        if not finished(trial, AFTER):
            # All cycles anew: nobody knows what a meter that stood there in between has dried.
            kept = _expose(trial, air)
            air.come_back()
            recovering_s = air.look().at_s
            air.stay(trial.test.value("recovery_s"))

            def surroundings() -> list[Condition]:
                air.look()
                return [*air.at_reference(recovering_s), *kept]

            trial.errors("reference", AFTER, surroundings=surroundings)
    _judge_faults(trial)
    trial.check_tightness("after")
    trial.conclude()


@dataclass(frozen=True, slots=True)
class _Cycle:
    """The figures of one."""

    lower_c: float
    upper_c: float
    rise_s: float
    upper_until_s: float
    fall_s: float
    period_s: float
    upper_percent: float
    percent: float

    def temp_c(self, at_s: float) -> float:
        """What is wanted at a time of the cycle."""
        return damp_heat_c(at_s, self.lower_c, self.upper_c, self.rise_s, self.upper_until_s, self.fall_s)

    def humidity_percent(self, at_s: float) -> float:
        """The least that is allowed then."""
        return self.upper_percent if self.rise_s < at_s <= self.upper_until_s else self.percent


def _cycle(trial: Trial) -> _Cycle:
    value = trial.test.value
    return _Cycle(
        value("lower_c"), value("upper_c"), value("rise_s"), value("upper_until_s"), value("fall_s"), value("period_s"),
        value("humidity_upper_percent"), value("humidity_percent"),
    )  # fmt: skip


def _expose(trial: Trial, air: Surroundings) -> list[Condition]:
    """All cycles, one after the other; what was kept in each."""
    run, kept = trial.run, []
    _dampen(trial, air)
    for number in range(1, int(trial.test.value("cycles")) + 1):
        with run.step(f"{trial.test.name}/cycle {number}"):
            found = _one_cycle(trial, air, number)
            for each in found:
                run.condition(each)
            kept += found
    return kept


def _dampen(trial: Trial, air: Surroundings) -> None:
    """The lower temperature, and as damp as it begins."""
    chamber, clock, cycle = trial.bench.chamber, trial.bench.clock, _cycle(trial)
    air.come_to(cycle.lower_c, trial.test.value("tolerance_k"), trial.test.value("gradient_k_min"))
    try:
        chamber.start(cycle.lower_c, humidity_percent=cycle.percent + HUMIDITY_MARGIN_PERCENT)
    except InstrumentError as cause:
        raise NotDone(f"the chamber does not hold the humidity of this test: {cause}") from cause
    late_s = clock.now_s() + LATE_S
    air.stay(trial.test.value("conditioning_s"))
    while not (sample := air.look()).humidity_percent >= cycle.percent:
        if clock.now_s() > late_s:
            raise NotDone(f"the chamber did not come to {cycle.percent:g} %: it shows {sample.humidity_percent:g} %")
        clock.sleep(STEP_S)


def _one_cycle(trial: Trial, air: Surroundings, number: int) -> list[Condition]:
    chamber, clock, cycle = trial.bench.chamber, trial.bench.clock, _cycle(trial)
    begun_s = clock.now_s()
    turns_s = (0.0, cycle.rise_s, cycle.upper_until_s, cycle.upper_until_s + cycle.fall_s, cycle.period_s)
    for from_s, to_s in pairwise(turns_s):
        changes = cycle.temp_c(from_s) != cycle.temp_c(to_s)
        steps = math.ceil((to_s - from_s) / STEP_S) if changes else 1
        step_s = (to_s - from_s) / steps
        for step in range(steps):
            middle_s = from_s + (step + 0.5) * step_s
            chamber.start(
                cycle.temp_c(middle_s),
                humidity_percent=cycle.humidity_percent(middle_s) + HUMIDITY_MARGIN_PERCENT,
            )
            air.stay(begun_s + from_s + (step + 1) * step_s - clock.now_s())
    return [air.looked_at(begun_s), *_kept(trial, cycle, number, begun_s, air.since(begun_s))]


def _kept(trial: Trial, cycle: _Cycle, number: int, begun_s: float, seen: list[AirSample]) -> list[Condition]:
    test, note = trial.test, f"cycle {number}, by the probe in the chamber"
    off_k = [each.temp_c - cycle.temp_c(each.at_s - begun_s) for each in seen]
    high = [each for each in seen if cycle.rise_s < each.at_s - begun_s <= cycle.upper_until_s]
    low = [each for each in seen if each not in high]
    tolerance_k = test.value("tolerance_k")
    return [
        conditions.of_samples(
            "air temperature less the cycle's", "K", off_k, (-tolerance_k, tolerance_k), test.clause, note
        ),
        *(
            conditions.of_samples(
                f"relative humidity {when}", "%", [each.humidity_percent for each in part], (least_percent, None),
                test.clause, f"cycle {number}, by the chamber's own sensor",
            )
            for when, part, least_percent in (
                ("at the upper temperature", high, cycle.upper_percent),
                ("while it changes, and at the lower temperature", low, cycle.percent),
            )
        ),
    ]  # fmt: skip


def _judge_faults(trial: Trial) -> None:
    """From the errors that are on record."""
    step = f"{trial.test.name}/fault"
    if trial.run.finished(step):
        return
    before = last_errors(trial.run, trial.test.name, trial.meters, BEFORE)
    with trial.run.step(step):
        for meter in trial.meters:
            row = errors_of(trial.run, trial.test.name, meter, condition=AFTER)[-1]
            subject = trial.subject(meter, AFTER, row.flow_point)
            known = row.value is not None and row.expanded_uncertainty is not None
            measure_fault(
                trial.run,
                trial.edition,
                subject,
                row.value if row.value is not None else float("nan"),
                before.get(meter.serial),
                row.expanded_uncertainty if row.expanded_uncertainty is not None else float("nan"),
                meter,
                [row.reason] if row.verdict == "INVALID" or not known else [],
            )
