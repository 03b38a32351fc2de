"""An error of indication by the meter's own display, in TEST mode, over one volume from rest to rest: it tells whether
the total went on while something was done to the meter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from meterbench.bench.collection import assign
from meterbench.bench.uncertainty import error_budget
from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import read_display, set_mode
from meterbench.procedures import conditions
from meterbench.procedures.collecting import (
    RESTS_ON,
    cross_checks,
    expanded,
    keep_readings,
    not_tight,
    volume_conditions,
)
from meterbench.procedures.display_texts import volume_l
from meterbench.procedures.error_runs import ERROR, ROOM, STEADY_DEADLINE_S, STEADY_WITHIN, duration_s
from meterbench.procedures.trial import Trial

SETTLED_S = 10.0
"""``Bench.wait_until_steady`` has seen a steady flow for so long when it returns."""
REST_S = 15.0
"""For the water to come to rest, before the diverter goes back and the display is read."""


def total_l(trial: Trial, meter: Nameplate) -> tuple[float, float]:
    """The forward total and its step in L, as TEST mode shows it; the meter is in NORMAL again afterwards."""
    trial.ask(set_mode(meter.serial, "TEST"))
    try:
        shown_l, step_l = volume_l(trial.ask(read_display(meter.serial)))
    finally:
        trial.ask(set_mode(meter.serial, "NORMAL"))
    trial.run.reading("display", "volume", shown_l, "L", meter=meter.serial)
    return shown_l, step_l


def judge_unchanged(trial: Trial, meter: Nameplate, condition: str, before: tuple[float, float]) -> None:
    """The total at rest is what it was, to one verification scale interval: a row ``change_of_volume``. A total of 0
    has nothing to lose, and proves nothing."""
    interval_ml = trial.edition.of_type_evaluation("verification_scale_interval_ml").value
    now = total_l(trial, meter)
    nothing = [] if before[0] > 0.0 else [f"the total was {before[0]:g} L: nothing could be lost"]
    trial.run.measure(
        "change_of_volume",
        round(1000.0 * (now[0] - before[0]), 6),
        "mL",
        trial.subject(meter, condition),
        lower=-interval_ml,
        upper=interval_ml,
        invalid=[*too_coarse(trial, max(before[1], now[1])), *nothing],
    )


def too_coarse(trial: Trial, step_l: float) -> list[str]:
    """A complaint about a display that does not show the verification scale interval."""
    interval_ml = trial.edition.of_type_evaluation("verification_scale_interval_ml").value
    if 1000.0 * step_l <= interval_ml * (1.0 + 1e-9):
        return []
    return [f"the display shows steps of {1000.0 * step_l:g} mL, the interval is {interval_ml:g} mL"]


def measure_display_error(trial: Trial, meter: Nameplate, key: str, condition: str, during: Callable[[], None]) -> None:
    """One volume at a flow point, from rest to rest, with ``during`` while the flow stands at its rate. The increase of
    the display is within the MPE of what was weighed, and is what the test pulses tell. A step that is finished is not
    done again.
    """
    run, bench, edition, point = trial.run, trial.bench, trial.edition, trial.point(key)
    step = f"{trial.test.name}/{condition}/{point.name}"
    if run.finished(step):
        return
    with run.step(step):
        flow_l_h, collect_s = point.target_l_h, duration_s(edition, point.target_l_h)
        bench.make_room(flow_l_h * collect_s / 3600.0 * ROOM)
        start_l, coarse_l = total_l(trial, meter)
        with bench.collecting(bench.line_for(flow_l_h)) as outcome:
            bench.clock.sleep(1.0)  # the diverter is on the tank before water runs
            end_s = bench.clock.now_s() + collect_s
            line = bench.start_flow(flow_l_h)
            bench.wait_until_steady(line, flow_l_h, STEADY_WITHIN, min(STEADY_DEADLINE_S, collect_s / 2.0))
            steady_from_s = bench.clock.now_s() - SETTLED_S
            during()
            late_s = max(0.0, bench.clock.now_s() - end_s)
            bench.clock.sleep(max(0.0, end_s - bench.clock.now_s()))
            steady_s = bench.clock.now_s() - steady_from_s
            steady = [sample.status for sample in bench.watch.since(steady_from_s)]
            bench.stop_flow()
            bench.clock.sleep(REST_S)
        collected = outcome[0]
        end_l, fine_l = total_l(trial, meter)
        step_l, rise_l = max(coarse_l, fine_l), end_l - start_l
        volumes = assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
        keep_readings(run, bench, collected, volumes)
        seen = [
            *conditions.of_standing_start(
                edition, point, collected, volumes, steady, steady_s,
                expanded(bench, "thermometer", collected.probe_temp_c.mean), trial.reference_water_c,
            ),
            *cross_checks(bench, collected, volumes, trial.leak_kpa_min),
            conditions.of_samples(
                "what was done took longer than the volume, by", "s", [late_s], (None, 0.0), trial.test.clause, ""
            ),
        ]  # fmt: skip
        for each in seen:
            run.condition(each)
        invalid = [
            *too_coarse(trial, step_l),
            *bench.uncalibrated(RESTS_ON),
            *not_tight(run, trial.test.name),
            *conditions.unmet(seen),
        ]
        by_pulses = next(volume for volume in volumes if volume.nameplate == meter)
        volume = replace(by_pulses, indicated_l=rise_l)
        subject = trial.subject(meter, condition, point.name)
        coldest_c = min(volume.water_temp_c, collected.probe_temp_c.lowest)
        thermometer_u_k = expanded(bench, "thermometer", volume.water_temp_c)
        mpe = edition.mpe_percent(point.zone, coldest_c, thermometer_u_k, meter.rating.accuracy_class)
        if collected.weighed_g <= 0.0:
            weighed = f"the balance gained {collected.weighed_g:g} g: no water was collected"
            run.measure(ERROR, None, "%", subject, lower=-mpe, upper=mpe, invalid=[weighed, *invalid])
            return
        conditions_of_volume = replace(
            volume_conditions(bench, collected, volume, trial.leak_kpa_min),
            pressure_span_kpa=0.0,  # the line is as full after as before
            diverter_u_s=0.0,  # no water runs while the diverter swings
            pulse_volume_l=step_l,  # read from the display, before and after
        )
        budget = error_budget(step, meter.serial, conditions_of_volume, bench.reference)
        run.budget(budget)
        run.measure(
            ERROR,
            volume.error_percent,
            "%",
            subject,
            expanded_uncertainty=budget.expanded_uncertainty_percent,
            uncertainty_limit=mpe * edition.of_type_evaluation("uncertainty_part_of_mpe").value,
            lower=-mpe,
            upper=mpe,
            invalid=invalid,
        )
        pulse_l = meter.pulse_volume_ml / 1000.0
        silent = [] if by_pulses.indicated_l > 0.0 else ["no test pulse was counted: check its head and cable"]
        run.measure(
            "display_against_pulses",
            rise_l - by_pulses.indicated_l,
            "L",
            subject,
            lower=-(pulse_l + 2.0 * step_l),
            upper=pulse_l + 2.0 * step_l,
            invalid=[*silent, *invalid],
        )
