"""ISO 4064-2, 7.9: pressure loss of the meter: of the line with it, less of the line without it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from meterbench.bench.collection import assign
from meterbench.bench.record import Budget, Condition, Contribution
from meterbench.bench.uncertainty import COVERAGE_FACTOR, error_budget
from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import put_back, take_out
from meterbench.procedures import conditions
from meterbench.procedures.collecting import (
    RESTS_ON,
    cross_checks,
    expanded,
    keep_readings,
    not_tight,
    volume_conditions,
)
from meterbench.procedures.error_runs import ROOM, STEADY_DEADLINE_S, STEADY_WITHIN, duration_s
from meterbench.procedures.rules import pressure_loss_limit_kpa, rescaled_loss_kpa
from meterbench.procedures.trial import Trial

AT_REST_S = 20.0
WITH, WITHOUT = "with the meter", "without the meter"
SQRT3 = math.sqrt(3.0)


def pressure_loss(trial: Trial) -> None:
    """1. At Q3 and at flows below, the rig's differential transmitter shows what the line takes with the sample in it.
    2. A straight pipe takes its place: the same again. 3. The difference, rescaled to the very flow, is at no flow
    above the limit of the class (P1:6.5); its uncertainty is at most 5 % of the highest loss.
    """
    keys = trial.test.data("flow_points", "points")
    trial.check_tightness("before")
    for meter in trial.meters:
        for key in keys:
            _measure(trial, meter, key, WITH)
        if not all(trial.run.finished(_step(trial, meter, key, WITHOUT)) for key in keys):
            trial.ask(take_out(meter.serial))
            try:
                trial.check_tightness(f"without {meter.serial}")
                for key in keys:
                    _measure(trial, meter, key, WITHOUT)
            finally:
                trial.restore(put_back(meter.serial))
    trial.check_tightness("after")
    with trial.run.step(f"{trial.test.name}/result"):
        for meter in trial.meters:
            _judge(trial, meter, keys)
    trial.conclude()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the line took at a flow."""

    dp_kpa: float
    scatter_kpa: float
    """Standard deviation of the mean."""
    flow_l_h: float
    flow_u_percent: float
    """Expanded."""

    def at_kpa(self, flow_l_h: float) -> float:
        return rescaled_loss_kpa(self.dp_kpa, self.flow_l_h, flow_l_h)


def _step(trial: Trial, meter: Nameplate, key: str, condition: str) -> str:
    return f"{trial.test.name}/{condition}/{trial.point(key).name}/{meter.serial}"


def _measure(trial: Trial, meter: Nameplate, key: str, condition: str) -> None:
    """What the line takes at a flow, which is weighed meanwhile; and nothing at rest. It is kept as readings."""
    run, bench, point = trial.run, trial.bench, trial.point(key)
    step = _step(trial, meter, key, condition)
    if run.finished(step):
        return
    with run.step(step):
        collect_s = duration_s(trial.edition, point.target_l_h)
        bench.make_room(point.target_l_h * collect_s / 3600.0 * ROOM)
        bench.clock.sleep(AT_REST_S)  # whatever flowed before runs out
        at_rest_s = bench.clock.now_s()
        bench.clock.sleep(AT_REST_S)
        rest_kpa = statistics.fmean(sample.status.meters_dp_kpa for sample in bench.watch.since(at_rest_s))
        line = bench.start_flow(point.target_l_h)
        bench.wait_until_steady(line, point.target_l_h, STEADY_WITHIN, STEADY_DEADLINE_S)
        start_s = bench.clock.now_s()
        collected = bench.collect(line, collect_s)
        shown_kpa = [sample.status.meters_dp_kpa for sample in bench.watch.since(start_s)]
        bench.stop_flow()
        volumes = assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
        keep_readings(run, bench, collected, volumes)
        volume = next(volume for volume in volumes if volume.nameplate == meter)
        dp_kpa = statistics.fmean(shown_kpa)
        transmitter_u_kpa = trial.test.value("transmitter_u_kpa")
        between_kpa = collected.upstream_kpa.mean - collected.downstream_kpa.mean
        seen = [
            *conditions.of_collection(
                trial.edition, point, collected, volumes,
                expanded(bench, "thermometer", collected.probe_temp_c.mean), trial.reference_water_c,
            ),
            *cross_checks(bench, collected, volumes, trial.leak_kpa_min),
            _within("differential pressure at rest", rest_kpa, 0.0, transmitter_u_kpa, trial.test.clause),
            _within("differential pressure against the pressures before and after the meters", dp_kpa, between_kpa,
                    bench.allowances.pressure_kpa + transmitter_u_kpa, ""),
        ]  # fmt: skip
        for each in seen:
            run.condition(each)
        weighed = collected.weighed_g > 0.0
        budget = volume_conditions(bench, collected, volume, trial.leak_kpa_min)
        u_percent = error_budget(step, "", budget, bench.reference).expanded_uncertainty_percent if weighed else 100.0
        for quantity, number, unit in (
            ("differential_pressure_at_rest", rest_kpa, "kPa"),
            ("differential_pressure", dp_kpa, "kPa"),
            ("scatter_of_differential_pressure", statistics.stdev(shown_kpa) / math.sqrt(len(shown_kpa)), "kPa"),
            ("flow", volume.flow_l_h, "L/h"),
            ("uncertainty_of_flow", u_percent, "%"),
        ):
            run.reading("rig", quantity, number, unit, meter=meter.serial)


def _within(quantity: str, shown_kpa: float, about_kpa: float, within_kpa: float, clause: str) -> Condition:
    difference_kpa = shown_kpa - about_kpa
    known = math.isfinite(difference_kpa)
    number = difference_kpa if known else None
    met = known and abs(difference_kpa) <= within_kpa
    return Condition("", quantity, "kPa", number, number, -within_kpa, within_kpa, met, clause, "bench")


def _seen(trial: Trial, meter: Nameplate, key: str, condition: str) -> _Seen:
    """From the readings, those before a resume included."""
    step = _step(trial, meter, key, condition)
    found = {
        line["quantity"]: line["value"]
        for line in trial.run.readings
        if line["step"] == step and line["instrument"] == "rig" and line["meter"] == meter.serial
    }
    return _Seen(
        found["differential_pressure"],
        found["scatter_of_differential_pressure"],
        found["flow"],
        found["uncertainty_of_flow"],
    )


def _judge(trial: Trial, meter: Nameplate, keys: list[str]) -> None:
    """Each flow against the limit; by what is known of the highest loss."""
    limit_kpa = pressure_loss_limit_kpa(meter.rating.pressure_loss_class)
    losses: dict[str, float] = {}
    for key in keys:
        flow_l_h = _flow_l_h(trial, meter, key)
        losses[key] = _seen(trial, meter, key, WITH).at_kpa(flow_l_h) - _seen(trial, meter, key, WITHOUT).at_kpa(
            flow_l_h
        )
    u_limit_kpa = trial.test.value("uncertainty_percent") / 100.0 * max(losses.values())
    for key, loss_kpa in losses.items():
        steps = [_step(trial, meter, key, condition) for condition in (WITH, WITHOUT)]
        unmet = [f"{step}: {trial.run.finished_steps[step]}" for step in steps
                 if trial.run.finished_steps[step] != "PASS"]  # fmt: skip
        u_kpa = _uncertainty_kpa(trial, meter, key, loss_kpa)
        trial.run.measure(
            "pressure_loss",
            loss_kpa,
            "kPa",
            trial.subject(meter, f"{_flow_l_h(trial, meter, key):g} L/h", trial.point(key).name),
            expanded_uncertainty=u_kpa,
            uncertainty_limit=u_limit_kpa,
            upper=limit_kpa,
            invalid=[*trial.bench.uncalibrated(RESTS_ON), *not_tight(trial.run, trial.test.name), *unmet],
        )


def _flow_l_h(trial: Trial, meter: Nameplate, key: str) -> float:
    """Q3 itself, where the limit ends; elsewhere the target."""
    return meter.rating.q3_l_h if key == "Q3" else trial.point(key).target_l_h


def _uncertainty_kpa(trial: Trial, meter: Nameplate, key: str, loss_kpa: float) -> float:
    """Expanded uncertainty of a loss, and its budget on record (in per cent of the loss); NaN where there is none."""
    if not loss_kpa > 0.0:
        return math.nan
    flow_l_h = _flow_l_h(trial, meter, key)
    both = [(name, _seen(trial, meter, key, condition))
            for name, condition in (("with", WITH), ("without", WITHOUT))]  # fmt: skip
    percent = 100.0 / loss_kpa
    parts: list[Contribution] = []

    def add(name: str, estimate: float | None, unit: str, u: float, shape: str, c_kpa: float, source: str) -> None:
        c = c_kpa * percent
        parts.append(Contribution(name, estimate, unit, u, shape, c, abs(c) * u, source))

    for name, seen in both:
        scale = seen.at_kpa(flow_l_h) / seen.dp_kpa if seen.dp_kpa else 1.0
        add(
            f"differential transmitter, {name} the meter",
            seen.dp_kpa,
            "kPa",
            trial.test.value("transmitter_u_kpa") / 2.0,
            "normal",
            scale,
            "its data, edition's table",
        )
        add(f"scatter, {name} the meter", None, "kPa", seen.scatter_kpa, "normal", scale, "samples")
        add(
            f"flow, {name} the meter",
            seen.flow_l_h,
            "%",
            seen.flow_u_percent / 2.0,
            "normal",
            2.0 * seen.at_kpa(flow_l_h) / 100.0,
            "weighed volume and time",
        )
        add(f"rescaling, {name} the meter", None, "1", trial.test.value("exponent_doubt") / SQRT3, "rectangular",
            seen.at_kpa(flow_l_h) * math.log(flow_l_h / seen.flow_l_h), "exponent of the flow")  # fmt: skip
    combined_percent = math.sqrt(math.fsum(part.percent**2 for part in parts))
    expanded_percent = COVERAGE_FACTOR * combined_percent
    trial.run.budget(
        Budget(
            step=f"{trial.test.name}/{trial.point(key).name}",
            quantity="pressure_loss",
            meter=meter.serial,
            contributions=tuple(parts),
            standard_uncertainty_percent=combined_percent,
            coverage_factor=COVERAGE_FACTOR,
            expanded_uncertainty_percent=expanded_percent,
        )
    )
    return expanded_percent * loss_kpa / 100.0
