"""ISO 4064-2, 7.13: ancillary devices that work do not move the errors of the meter."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import ancillary
from meterbench.procedures.error_runs import last_errors
from meterbench.procedures.trial import Trial


def ancillary_devices(trial: Trial) -> None:
    """1. Errors at the reference flow with no device working. 2. With each of them working: the error is within the
    MPE, and has not moved by more than a fault may.
    """
    trial.check_tightness("before")
    trial.errors("reference", "none working")
    intrinsic = last_errors(trial.run, trial.test.name, trial.meters, "none working")
    for device in trial.test.data("devices", "names"):
        for meter in trial.meters:
            trial.ask(ancillary(meter.serial, device, active=True))
        try:
            trial.errors("reference", f"{device} working")
            trial.errors("reference", f"{device} working, shift", intrinsic=intrinsic)
        finally:
            for meter in trial.meters:
                trial.ask(ancillary(meter.serial, device, active=False))
    trial.check_tightness("after")
    trial.conclude()
