"""ISO 4064-2, 7.6: an hour of water that is hotter than the meter is made for does not change it."""

from __future__ import annotations

from meterbench.bench.bench import TANK_CAPACITY_L, TANK_USE
from meterbench.bench.collection import assign
from meterbench.instruments.operator.tasks import read_display, visual_check
from meterbench.procedures import conditions
from meterbench.procedures.collecting import RESTS_ON, cross_checks, expanded, keep_readings, not_tight
from meterbench.procedures.display_texts import volume_l
from meterbench.procedures.error_runs import ERROR, ROOM, STEADY_DEADLINE_S, STEADY_WITHIN, Window
from meterbench.procedures.rules import water_temp_range_c
from meterbench.procedures.tempering import other_water, temper
from meterbench.procedures.trial import Trial

MARGIN_S = 5.0
"""The diverter's gate opens and closes a little later than it is told to."""


def overload_temperature(trial: Trial) -> None:
    """1. Only for a maximum temperature of 50 °C or more. 2. Water of 10 K more flows through the meters for 1 h after
    it has come to its temperature. 3. Back to reference conditions: the display is whole and has gone on, the error at
    Q2 is within the MPE.
    """
    test = trial.test
    _, highest_c = water_temp_range_c(trial.meters[0].rating.temperature_class)
    if highest_c < test.value("least_mat_c"):
        trial.run.not_applicable(test.clause, test.title, f"the maximum temperature is {highest_c:g} °C only")
        return
    target_c, tolerance_k = highest_c + test.value("above_mat_k"), test.value("tolerance_k")
    trial.check_tightness("before")
    if not trial.run.finished(_step(trial)):
        with other_water(trial):
            temper(trial, target_c)
            _expose(trial, f"{target_c:g} °C", (target_c - tolerance_k, target_c + tolerance_k))
    for meter in trial.meters:
        question = f"Is the display of meter {meter.serial} readable, and the meter whole and without leak?"
        trial.judge(visual_check(question), "whole_and_readable", meter, "after recovery")
    trial.errors("Q2", "after recovery")
    trial.check_tightness("after")
    trial.conclude()


def _step(trial: Trial) -> str:
    return f"{trial.test.name}/exposure"


def _expose(trial: Trial, condition: str, window_c: Window) -> None:
    """All of the hour's water is collected: the probe sees it all the while, and the balance that it flowed. So it
    flows no faster than the tank takes it; the totals on the display go on by as much as the test pulses tell."""
    run, bench = trial.run, trial.bench
    exposure_s = trial.test.value("exposure_s")
    flow_l_h = min(trial.point("reference").target_l_h, 3600.0 * TANK_USE * TANK_CAPACITY_L / (ROOM**2 * exposure_s))
    with run.step(_step(trial)):
        bench.make_room(flow_l_h * exposure_s / 3600.0 * ROOM)
        line = bench.start_flow(flow_l_h)
        bench.wait_until_steady(line, flow_l_h, STEADY_WITHIN, STEADY_DEADLINE_S)
        before = {meter: volume_l(trial.ask(read_display(meter.serial))) for meter in trial.meters}
        collected = bench.collect(line, exposure_s + MARGIN_S)
        after = {meter: volume_l(trial.ask(read_display(meter.serial))) for meter in trial.meters}
        bench.stop_flow()
        volumes = assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
        keep_readings(run, bench, collected, volumes)
        thermometer_u_k = expanded(bench, "thermometer", collected.probe_temp_c.mean)
        seen = [
            *conditions.of_exposure(
                trial.edition, collected, thermometer_u_k, window_c, (flow_l_h, exposure_s), trial.test.clause
            ),
            *cross_checks(bench, collected, volumes, trial.leak_kpa_min),
        ]
        for each in seen:
            run.condition(each)
        invalid = [*bench.uncalibrated(RESTS_ON), *not_tight(run, trial.test.name), *conditions.unmet(seen)]
        for volume in volumes:
            meter = volume.nameplate
            if meter not in trial.meters:
                continue
            (start_l, _), (end_l, step_l) = before[meter], after[meter]
            run.reading("display", "volume_before", start_l, "L", meter=meter.serial)
            run.reading("display", "volume_after", end_l, "L", meter=meter.serial)
            if collected.weighed_g > 0.0:
                run.report(ERROR, volume.error_percent, "%", trial.subject(meter, condition))
            uncounted = [] if volume.indicated_l > 0.0 else ["no test pulse was counted: check its head and cable"]
            run.measure(
                "display_increase",
                end_l - start_l,
                "L",
                trial.subject(meter, condition),
                lower=volume.indicated_l - step_l,
                invalid=[*uncounted, *invalid],
            )
