"""Sensitivity threshold (technical description, Table 1): the smallest flow is registered."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import read_display
from meterbench.procedures.display_texts import volume_l
from meterbench.procedures.functions.observing import in_test_mode, pass_volume, within
from meterbench.procedures.trial import Trial


def threshold(trial: Trial) -> None:
    """1. TEST mode. 2. Just above the threshold, weigh a volume. 3. The display has registered most of it, and no
    more. Below the threshold a rig regulates no flow: that still water counts for nothing is 8.17.
    """
    test = trial.test
    lower_l_h, flow_l_h, upper_l_h = test.data("flow_l_h", "window")
    step = f"{test.name}/{flow_l_h:g} L/h"
    trial.check_tightness("before")
    if not trial.run.finished(step):
        with trial.run.step(step), in_test_mode(trial, trial.meters):
            before_l = {meter.serial: _volume_l(trial, meter.serial) for meter in trial.meters}
            passed = pass_volume(trial, flow_l_h, test.value("volume_l"))
            unsure = [*passed.invalid, *within("the mean flow", passed.flow_l_h, lower_l_h, upper_l_h, "L/h")]
            for meter in trial.meters:
                registered_l = _volume_l(trial, meter.serial) - before_l[meter.serial]
                trial.run.reading("display", "registered", registered_l, "L", meter=meter.serial)
                passed_l = passed.volume_l[meter.serial]
                trial.run.measure(
                    "registered_part",
                    registered_l / passed_l if passed_l > 0.0 else None,
                    "of the volume",
                    trial.subject(meter, f"{passed.flow_l_h:.2f} L/h"),
                    lower=test.value("least_part"),
                    upper=test.value("most_part"),
                    invalid=unsure,
                )
    trial.check_tightness("after")
    trial.conclude()


def _volume_l(trial: Trial, serial: str) -> float:
    return volume_l(trial.ask(read_display(serial)))[0]
