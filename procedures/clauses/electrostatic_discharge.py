"""ISO 4064-2, 8.11: electrostatic discharges, contact and air, while water flows (OIML D 11, table 35)."""

from __future__ import annotations

from collections.abc import Mapping

from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import electrostatic_discharge as discharge
from meterbench.procedures.error_runs import duration_s, last_errors
from meterbench.procedures.trial import Trial

APPROACH_S = 20.0
"""From the beginning of a collection to the first discharge, and from the last one to its end."""


def electrostatic_discharge(trial: Trial) -> None:
    """1. The sample's own error at the reference flow. 2. At each point, in both polarities, ten discharges while a
    volume is collected: the fault is at most half the MPE of the upper zone. 3. Afterwards it measures as before.
    """
    test = trial.test
    trial.check_tightness("before")
    trial.errors("reference", "before")
    intrinsic = last_errors(trial.run, test.name, trial.meters, "before")
    count, apart_s = int(test.value("discharges")), test.value("apart_s")
    # As many in one collection as the weighing tank leaves time for.
    room_s = duration_s(trial.edition, trial.point("reference").target_l_h) - APPROACH_S
    at_once = min(count, max(1, int(room_s / apart_s)))
    for meter in trial.meters:
        for mode in ("contact", "air"):
            for point in test.data("points", mode):
                for sign in (1.0, -1.0):
                    level_kv = sign * test.value(f"{mode}_kv")
                    for first in range(0, count, at_once):
                        _discharge(trial, meter, level_kv, mode, point, first, min(at_once, count - first), intrinsic)
    trial.errors("reference", "after", intrinsic=intrinsic)
    trial.check_tightness("after")
    trial.conclude()


def _discharge(
    trial: Trial,
    meter: Nameplate,
    level_kv: float,
    mode: str,
    point: str,
    first: int,
    discharges: int,
    intrinsic: Mapping[str, float],
) -> None:
    """Some discharges during one collection."""
    apart_s = trial.test.value("apart_s")
    task = discharge(meter.serial, level_kv, point, contact=mode == "contact", discharges=discharges, apart_s=apart_s)
    trial.errors(
        "reference",
        f"{level_kv:+g} kV {mode}, {point}, discharges {first + 1} to {first + discharges}, {meter.serial}",
        meters=[meter],
        intrinsic=intrinsic,
        during=lambda: trial.ask(task),
        during_s=APPROACH_S + discharges * apart_s,
    )
