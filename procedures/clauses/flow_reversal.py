"""ISO 4064-2, 7.8: errors of a meter that measures reverse flow, in reverse."""

from __future__ import annotations

from meterbench.procedures.reverse_runs import against_the_flow, measure_reverse
from meterbench.procedures.trial import Trial


def flow_reversal(trial: Trial) -> None:
    """1. Clamp the sample against the flow, in TEST mode. 2. At Q3, Q2 and Q1 the error of the reverse volume is within
    the MPE, and the forward total does not move (P1:4.2.7). 3. Clamp it in the direction of the flow again.
    """
    for meter in trial.meters:
        with against_the_flow(trial, meter):
            trial.check_tightness(f"with {meter.serial} in reverse, before")
            for key in trial.test.data("flow_points", "points"):
                measure_reverse(trial, meter, key, "reverse")
            trial.check_tightness(f"with {meter.serial} in reverse, after")
    trial.conclude()
