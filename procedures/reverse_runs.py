"""Errors of a meter clamped against the flow: the test pulses count forward water only, its display counts both.

One collected volume from rest to rest: the display is read before and after, in TEST mode, which shows 1 mL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from meterbench.bench.collection import Collected, MeterVolume, assign
from meterbench.bench.run import Subject
from meterbench.bench.uncertainty import error_budget
from meterbench.dut.meter import Nameplate
from meterbench.instruments.capabilities import RigStatus
from meterbench.instruments.operator.tasks import read_display, set_mode, turn_round
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
from meterbench.procedures.edition import FlowPoint
from meterbench.procedures.error_runs import ERROR, ROOM, STEADY_DEADLINE_S, STEADY_WITHIN, duration_s
from meterbench.procedures.trial import Trial

SETTLED_S = 10.0
"""``Bench.wait_until_steady`` has seen a steady flow for so long when it returns."""
REST_S = 15.0
"""For the water to come to rest, before the diverter goes back and the display is read."""


@contextlib.contextmanager
def against_the_flow(trial: Trial, meter: Nameplate) -> Iterator[None]:
    """Inside, the meter is clamped with its arrow against the flow, and in TEST mode."""
    trial.ask(set_mode(meter.serial, "TEST"))
    try:
        trial.ask(turn_round(meter.serial, reverse=True))
        try:
            yield
        finally:
            trial.restore(turn_round(meter.serial, reverse=False))
    finally:
        trial.ask(set_mode(meter.serial, "NORMAL"))


def measure_reverse(trial: Trial, meter: Nameplate, key: str, condition: str) -> None:
    """One error of the reverse volume at a flow point, within the MPE; and what the forward total moves meanwhile is
    an error of the same volume.

    A step that is finished is not done again.
    """
    run, bench, point = trial.run, trial.bench, trial.point(key)
    step = f"{trial.test.name}/{condition}/{point.name}/{meter.serial}"
    if run.finished(step):
        return
    with run.step(step):
        before = _totals(trial, meter)
        collected, steady, steady_s = _collect(trial, point)
        after = _totals(trial, meter)
        step_l = max(before.step_l, after.step_l)
        reverse_l, forward_l = after.reverse_l - before.reverse_l, after.forward_l - before.forward_l
        volumes = [
            replace(volume, indicated_l=reverse_l) if volume.nameplate == meter else volume
            for volume in assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
        ]
        keep_readings(run, bench, collected, volumes)
        seen = [
            *conditions.of_standing_start(
                trial.edition, point, collected, volumes, steady, steady_s,
                expanded(bench, "thermometer", collected.probe_temp_c.mean), trial.reference_water_c,
            ),
            *cross_checks(bench, collected, volumes, trial.leak_kpa_min),
        ]  # fmt: skip
        for each in seen:
            run.condition(each)
        interval_ml = trial.edition.of_type_evaluation("verification_scale_interval_ml").value
        coarse = f"the display shows steps of {1000.0 * step_l:g} mL, the interval is {interval_ml:g} mL"
        invalid = [
            *([coarse] if 1000.0 * step_l > interval_ml * (1.0 + 1e-9) else []),
            *bench.uncalibrated(RESTS_ON),
            *not_tight(run, trial.test.name),
            *conditions.unmet(seen),
        ]
        subject = trial.subject(meter, condition, point.name)
        volume = next(volume for volume in volumes if volume.nameplate == meter)
        _judge(trial, point, subject, collected, volume, step_l, invalid)
        # What went into the wrong register is an error of this volume; no display tells less than an interval.
        mpe_percent = run.rows[-1].upper or 0.0
        allowed_ml = max(interval_ml, 10.0 * mpe_percent * volume.actual_l)
        run.measure(
            "change_of_forward_volume",
            round(1000.0 * forward_l, 6),
            "mL",
            subject,
            lower=-allowed_ml,
            upper=allowed_ml,
            invalid=invalid,
        )


@dataclass(frozen=True, slots=True)
class _Totals:
    forward_l: float
    reverse_l: float
    step_l: float


def _totals(trial: Trial, meter: Nameplate) -> _Totals:
    """What the display shows, which is kept as it was read."""
    forward_l, forward_step_l = volume_l(trial.ask(read_display(meter.serial)))
    reverse_l, reverse_step_l = volume_l(trial.ask(read_display(meter.serial, "reverse volume")))
    for quantity, shown_l in (("volume", forward_l), ("reverse_volume", reverse_l)):
        trial.run.reading("display", quantity, shown_l, "L", meter=meter.serial)
    return _Totals(forward_l, reverse_l, max(forward_step_l, reverse_step_l))


def _collect(trial: Trial, point: FlowPoint) -> tuple[Collected, list[RigStatus], float]:
    """From rest to rest; what came, and what the rig showed while the flow stood at its rate, for how many seconds."""
    bench, flow_l_h = trial.bench, point.target_l_h
    collect_s = duration_s(trial.edition, flow_l_h)
    bench.make_room(flow_l_h * collect_s / 3600.0 * ROOM)
    with bench.collecting(bench.line_for(flow_l_h)) as outcome:
        bench.clock.sleep(1.0)  # the diverter is on the tank before water runs
        end_s = bench.clock.now_s() + collect_s
        line = bench.start_flow(flow_l_h)
        bench.wait_until_steady(line, flow_l_h, STEADY_WITHIN, min(STEADY_DEADLINE_S, collect_s / 2.0))
        steady_from_s = bench.clock.now_s() - SETTLED_S
        bench.clock.sleep(max(0.0, end_s - bench.clock.now_s()))
        steady_s = bench.clock.now_s() - steady_from_s
        steady = [sample.status for sample in bench.watch.since(steady_from_s)]
        bench.stop_flow()
        bench.clock.sleep(REST_S)
    return outcome[0], steady, steady_s


def _judge(
    trial: Trial,
    point: FlowPoint,
    subject: Subject,
    collected: Collected,
    volume: MeterVolume,
    step_l: float,
    invalid: list[str],
) -> None:
    bench, edition = trial.bench, trial.edition
    coldest_c = min(volume.water_temp_c, collected.probe_temp_c.lowest)
    thermometer_u_k = expanded(bench, "thermometer", volume.water_temp_c)
    mpe = edition.mpe_percent(point.zone, coldest_c, thermometer_u_k, volume.nameplate.rating.accuracy_class)
    if collected.weighed_g <= 0.0:
        weighed = f"the balance gained {collected.weighed_g:g} g: no water was collected"
        trial.run.measure(ERROR, None, "%", subject, lower=-mpe, upper=mpe, invalid=[weighed, *invalid])
        return
    seen = replace(
        volume_conditions(bench, collected, volume, trial.leak_kpa_min),
        pressure_span_kpa=0.0,  # the line is as full after as before
        diverter_u_s=0.0,  # no water runs while the diverter swings
        pulse_volume_l=step_l,  # read from the display, before and after
    )
    budget = error_budget(f"{subject.procedure}/{subject.condition}/{point.name}", subject.meter, seen, bench.reference)
    trial.run.budget(budget)
    trial.run.measure(
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
