"""ISO 4064-2, 8.12: radiated electromagnetic field, at spot frequencies in both polarisations (OIML D 11, table 32)."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import field_off, field_on
from meterbench.procedures.error_runs import last_errors
from meterbench.procedures.trial import Trial


def radiated_field(trial: Trial) -> None:
    """1. The sample's own error at the reference flow. 2. In each field, on for all of a collection, the fault is at
    most half the MPE of the upper zone. 3. Afterwards it measures as before.
    """
    test = trial.test
    level_v_m = test.value("level_v_m")
    trial.check_tightness("before")
    trial.errors("reference", "before")
    intrinsic = last_errors(trial.run, test.name, trial.meters, "before")
    for meter in trial.meters:
        try:
            for polarisation in test.data("polarisations", "names"):
                for frequency_mhz in test.data("frequencies_mhz", "values"):
                    trial.ask(field_on(meter.serial, frequency_mhz, level_v_m, polarisation))
                    condition = f"{frequency_mhz:g} MHz {polarisation}, {meter.serial}"
                    trial.errors("reference", condition, meters=[meter], intrinsic=intrinsic)
        finally:
            trial.ask(field_off(meter.serial))
    trial.errors("reference", "after", intrinsic=intrinsic)
    trial.check_tightness("after")
    trial.conclude()
