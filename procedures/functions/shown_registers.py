"""Registers beside the totals (technical description, 5.2): flow rate in both directions, air, date and time."""

from __future__ import annotations

from meterbench.bench.verdict import Verdict
from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import read_display, turn_round
from meterbench.procedures.functions.observing import Flowing, flowing
from meterbench.procedures.functions.texts import elapsed_s, flow_l_h, is_date, second_of_day, temp_c
from meterbench.procedures.trial import Trial

STEADY_S = 240.0


def shown_registers(trial: Trial) -> None:
    """1. Date and time are shown, and the clock runs as the bench's. 2. The air's temperature is the rig's. 3. While
    water runs, the flow rate is the rig's; clamped against the flow, it is negative.
    """
    step = f"{trial.test.name}/at rest"
    if not trial.run.finished(step):
        with trial.run.step(step):
            for meter in trial.meters:
                _judge_clock(trial, meter)
                _judge_air(trial, meter)
    trial.check_tightness("before")
    _judge_flow(trial, list(trial.meters), "forward", 1.0)
    for meter in trial.meters:
        trial.ask(turn_round(meter.serial, reverse=True))
        try:
            _judge_flow(trial, [meter], f"reverse, {meter.serial}", -1.0)
        finally:
            trial.restore(turn_round(meter.serial, reverse=False))
    trial.check_tightness("after")
    trial.conclude()


def _judge_clock(trial: Trial, meter: Nameplate) -> None:
    clock = trial.bench.clock
    date = trial.ask(read_display(meter.serial, "date"))
    good = 1.0 if is_date(date) else 0.0
    trial.run.measure("date_shown", good, "", trial.subject(meter, date), lower=1.0)
    first, first_s = trial.ask(read_display(meter.serial, "time")), clock.now_s()
    clock.sleep(trial.test.value("clock_watch_s"))
    second, second_s = trial.ask(read_display(meter.serial, "time")), clock.now_s()
    shown = [second_of_day(text) for text in (first, second)]
    good = 1.0 if None not in shown else 0.0
    subject = trial.subject(meter, f"{first}, {second}")
    if trial.run.measure("time_shown", good, "", subject, lower=1.0) is not Verdict.PASS:
        return
    from_s, to_s = (each for each in shown if each is not None)
    limit_s = trial.test.value("clock_tolerance_s")
    gained_s = elapsed_s(from_s, to_s) - (second_s - first_s)
    trial.run.measure("clock_gained", gained_s, "s", subject, lower=-limit_s, upper=limit_s)


def _judge_air(trial: Trial, meter: Nameplate) -> None:
    """Against the rig's own sensor, which has no certificate: the tolerance is wide."""
    shown_c = temp_c(trial.ask(read_display(meter.serial, "ambient temperature")))
    air_c = trial.bench.watch.look().ambient_temp_c
    trial.run.reading("rig", "ambient_temperature", air_c, "°C")
    limit_k = trial.test.value("air_tolerance_k")
    subject = trial.subject(meter, f"air at {air_c:.1f} °C")
    trial.run.measure("ambient_temperature_error", shown_c - air_c, "K", subject, lower=-limit_k, upper=limit_k)


def _judge_flow(trial: Trial, meters: list[Nameplate], condition: str, sign: float) -> None:
    step = f"{trial.test.name}/{condition}"
    if trial.run.finished(step):
        return
    target_l_h = trial.point("reference").target_l_h
    with trial.run.step(step), flowing(trial, target_l_h) as water:
        water.run_to(STEADY_S)
        for meter in meters:
            shown_l_h = flow_l_h(trial.ask(read_display(meter.serial, "flow rate")))
            unsure = water.unmet(trial.test.value("steady_percent"))
            rig_l_h = _seen_l_h(trial, water)
            trial.run.reading("rig", "flow", rig_l_h, "L/h", meter=meter.serial)
            limit = trial.test.value("flow_tolerance_percent")
            trial.run.measure(
                "flow_rate_error",
                100.0 * (sign * shown_l_h / rig_l_h - 1.0) if rig_l_h > 0.0 else None,
                "%",
                trial.subject(meter, f"{condition}: {shown_l_h:.1f} L/h shown"),
                lower=-limit,
                upper=limit,
                invalid=unsure,
            )


def _seen_l_h(trial: Trial, water: Flowing) -> float:
    return trial.bench.watch.look().flow_l_h[water.line]
