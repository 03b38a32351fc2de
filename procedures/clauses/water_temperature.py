"""ISO 4064-2, 7.5: errors in the coldest and in the warmest water that the meter is made for."""

from __future__ import annotations

from meterbench.procedures.error_runs import Window
from meterbench.procedures.rules import water_temp_range_c
from meterbench.procedures.tempering import other_water, temper
from meterbench.procedures.trial import Trial


def water_temperature(trial: Trial) -> None:
    """1. Bring the water to 10 °C (30 °C for meters that begin there): error at Q2. 2. Bring it to the maximum
    temperature: error at Q2. Each within the MPE of its temperature. 3. Back to reference conditions.
    """
    trial.check_tightness("before")
    with other_water(trial):
        for target_c, window_c in _temperatures(trial):
            condition = f"{target_c:g} °C"
            if trial.run.finished(f"{trial.test.name}/{condition}/{trial.point('Q2').name}"):
                continue
            temper(trial, target_c)
            trial.errors("Q2", condition, water_temp_c=window_c)
    trial.check_tightness("after")
    trial.conclude()


def _temperatures(trial: Trial) -> list[tuple[float, Window]]:
    """Target and window, the cold one first."""
    test = trial.test
    lowest_c, highest_c = water_temp_range_c(trial.meters[0].rating.temperature_class)
    cold_c, tolerance_k = test.value("cold_c"), test.value("cold_tolerance_k")
    below_k = test.value("hot_below_mat_k")
    cold = (cold_c, (cold_c - tolerance_k, cold_c + tolerance_k))
    if lowest_c > cold_c:
        cold = (lowest_c + tolerance_k / 2.0, (lowest_c, lowest_c + tolerance_k))
    return [cold, (highest_c - below_k / 2.0, (highest_c - below_k, highest_c))]
