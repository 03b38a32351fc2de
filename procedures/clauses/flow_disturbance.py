"""ISO 4064-2, 7.10: disturbed flow directly before and after the meter (Annexes C and I), forward and in reverse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import fit_disturber, remove_disturber
from meterbench.procedures.reverse_runs import against_the_flow, measure_reverse
from meterbench.procedures.trial import Trial


def flow_disturbance(trial: Trial) -> None:
    """1. Fit each disturber where the table says, without straight pipe between (class U0/D0): the error at Q3 is
    within the MPE. 2. As the meter measures reverse flow, the same with its arrow against the flow.
    """
    trial.check_tightness("before")
    for meter in trial.meters:
        for number, disturber, place in trial.test.data("disturbers", "tests"):
            condition = f"test {number}: disturber {disturber} {place}"
            with _fitted(trial, meter, disturber, place, condition):
                trial.errors("Q3", condition, meters=[meter])
        with against_the_flow(trial, meter):
            for number, disturber, place in trial.test.data("disturbers", "tests"):
                condition = f"test {number}: disturber {disturber} {place}, reverse"
                with _fitted(trial, meter, disturber, place, condition):
                    measure_reverse(trial, meter, "Q3", condition)
    trial.check_tightness("after")
    trial.conclude()


@contextmanager
def _fitted(trial: Trial, meter: Nameplate, disturber: str, place: str, condition: str) -> Iterator[None]:
    trial.ask(fit_disturber(meter.serial, disturber, place))
    try:
        trial.check_tightness(condition)
        yield
    finally:
        trial.restore(remove_disturber(meter.serial))
