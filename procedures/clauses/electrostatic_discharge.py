"""ISO 4064-2, 8.11: electrostatic discharges, contact and air, while water flows (OIML D 11, table 35)."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import electrostatic_discharge as discharge
from meterbench.procedures.error_runs import last_errors
from meterbench.procedures.trial import Trial


def electrostatic_discharge(trial: Trial) -> None:
    """1. The sample's own error at the reference flow. 2. At each point, in both polarities, ten discharges while a
    volume is collected: the fault is at most half the MPE of the upper zone. 3. Afterwards it measures as before.
    """
    test = trial.test
    trial.check_tightness("before")
    trial.errors("reference", "before")
    intrinsic = last_errors(trial.run, test.name, trial.meters, "before")
    count, apart_s = int(test.value("discharges")), test.value("apart_s")
    for meter in trial.meters:
        for mode in ("contact", "air"):
            for point in test.data("points", mode):
                for sign in (1.0, -1.0):
                    level_kv = sign * test.value(f"{mode}_kv")
                    task = discharge(
                        meter.serial, level_kv, point, contact=mode == "contact", discharges=count, apart_s=apart_s
                    )
                    condition = f"{level_kv:+g} kV {mode}, {point}, {meter.serial}"
                    trial.errors(
                        "reference",
                        condition,
                        meters=[meter],
                        intrinsic=intrinsic,
                        during=lambda task=task: trial.ask(task),
                    )
    trial.errors("reference", "after", intrinsic=intrinsic)
    trial.check_tightness("after")
    trial.conclude()
