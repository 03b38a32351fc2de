"""LEAK, BURST and REVERSE (technical description, 7): each comes when it has to, and not before."""

from __future__ import annotations

import math

from meterbench.instruments.operator.tasks import read_display, turn_round
from meterbench.procedures.functions.observing import flowing, look_for
from meterbench.procedures.functions.texts import flags
from meterbench.procedures.trial import Trial


def leak(trial: Trial) -> None:
    """1. No leak is shown. 2. A small flow runs without a break. 3. Shortly before the period is over, none is shown.
    4. Shortly after it, one is.
    """
    flow_l_h = trial.test.value("flow_l_h")
    trial.check_tightness("before")
    _comes_in_time(trial, "leak", flow_l_h)
    trial.check_tightness("after")
    trial.conclude()


def burst(trial: Trial) -> None:
    """1. Below the limit no burst is shown, however long. 2. Above it, none before the period is over. 3. Shortly after
    it, one is.
    """
    q3_l_h, test = trial.meters[0].rating.q3_l_h, trial.test
    step = f"{test.name}/below the limit"
    trial.check_tightness("before")
    if not trial.run.finished(step):
        below_l_h = test.value("below_part_of_q3") * q3_l_h
        with trial.run.step(step), flowing(trial, below_l_h) as water:
            water.run_to(test.value("period_s") * test.value("after_part"))
            unsure = water.unmet(test.value("tolerance_percent"))
            for meter in trial.meters:
                look_for(trial, meter, "burst", f"{below_l_h:.4g} L/h", shown=False, invalid=unsure)
    _comes_in_time(trial, "burst", test.value("above_part_of_q3") * q3_l_h)
    trial.check_tightness("after")
    trial.conclude()


def reverse(trial: Trial) -> None:
    """1. Clamp the sample against the flow. 2. Below Q1 the info code has no REVERSE. 3. Above Q1 it has, and the
    display shows the minus. 4. Forward again, neither stays.
    """
    test, wait_s = trial.test, trial.test.value("wait_s")
    trial.check_tightness("before")
    for meter in trial.meters:
        trial.ask(turn_round(meter.serial, reverse=True))
        try:
            for part in ("below", "above"):
                flow_l_h = test.value(f"{part}_part_of_q1") * meter.rating.q1_l_h
                condition = f"{flow_l_h:.3g} L/h in reverse, {part} Q1, {meter.serial}"
                step = f"{test.name}/{condition}"
                if trial.run.finished(step):
                    continue
                with trial.run.step(step), flowing(trial, flow_l_h) as water:
                    water.run_to(wait_s)
                    code = flags(trial.ask(read_display(meter.serial, "info code")))
                    unsure = water.unmet(test.value("tolerance_percent"))
                    alarm = 1.0 if code & int(test.value("info_code_flag")) else 0.0
                    above = part == "above"
                    trial.run.measure(
                        "reverse_in_info_code",
                        alarm,
                        "",
                        trial.subject(meter, condition),
                        lower=1.0 if above else None,
                        upper=None if above else 0.0,
                        invalid=unsure,
                    )
                    if above:
                        look_for(trial, meter, "reverse", condition, shown=True, invalid=unsure)
        finally:
            trial.restore(turn_round(meter.serial, reverse=False))
        trial.bench.clock.sleep(wait_s)
        look_for(trial, meter, "reverse", "at rest, forward again", shown=False)
    trial.check_tightness("after")
    trial.conclude()


def _comes_in_time(trial: Trial, icon: str, flow_l_h: float) -> None:
    """None at rest, none shortly before the period is over, one shortly after it. A flow that the bench cannot vouch
    for makes all of it INVALID."""
    test, period_s = trial.test, trial.test.value("period_s")
    step = f"{test.name}/{flow_l_h:.4g} L/h"
    if trial.run.finished(step):
        return
    with trial.run.step(step):
        for meter in trial.meters:
            look_for(trial, meter, icon, "at rest", shown=False)
        with flowing(trial, flow_l_h) as water:
            for part, shown in (("before_part", False), ("after_part", True)):
                after_s = period_s * test.value(part)
                water.run_to(after_s)
                condition = f"{flow_l_h:.4g} L/h for {after_s / 3600.0:.3g} h"
                unsure = water.unmet(test.value("tolerance_percent"))
                by_s = math.inf if shown else water.start_s + period_s
                for meter in trial.meters:
                    look_for(trial, meter, icon, condition, shown=shown, invalid=unsure, by_s=by_s)
