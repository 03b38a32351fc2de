"""Sensitivity threshold (technical description, Table 1): the smallest flow is registered, and less is not."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import read_display
from meterbench.procedures.display_texts import volume_l
from meterbench.procedures.functions.observing import in_test_mode, pass_volume, within
from meterbench.procedures.trial import Trial


def threshold(trial: Trial) -> None:
    """1. TEST mode. 2. Just above the threshold, weigh a volume: the display has registered most of it. 3. Well below
    it, weigh another one: the display has registered nothing.
    """
    test = trial.test
    trial.check_tightness("before")
    with in_test_mode(trial, trial.meters):
        for part in ("above", "below"):
            lower_l_h, flow_l_h, upper_l_h = test.data(f"{part}_l_h", "window")
            step = f"{test.name}/{flow_l_h:g} L/h"
            if trial.run.finished(step):
                continue
            with trial.run.step(step):
                before_l = {meter.serial: _volume_l(trial, meter.serial) for meter in trial.meters}
                passed = pass_volume(trial, flow_l_h, test.value("duration_s"))
                unsure = [*passed.invalid, *within("the mean flow", passed.flow_l_h, lower_l_h, upper_l_h, "L/h")]
                for meter in trial.meters:
                    registered_l = _volume_l(trial, meter.serial) - before_l[meter.serial]
                    trial.run.reading("display", "registered", registered_l, "L", meter=meter.serial)
                    share = registered_l / passed.volume_l[meter.serial] if passed.volume_l[meter.serial] > 0 else None
                    above = part == "above"
                    trial.run.measure(
                        "registered_part",
                        share,
                        "of the volume",
                        trial.subject(meter, f"{flow_l_h:g} L/h"),
                        lower=test.value("registered_part") if above else None,
                        upper=None if above else test.value("ignored_part"),
                        invalid=unsure,
                    )
    trial.check_tightness("after")
    trial.conclude()


def _volume_l(trial: Trial, serial: str) -> float:
    return volume_l(trial.ask(read_display(serial)))[0]
