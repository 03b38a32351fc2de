"""Battery life (technical description, 13.2): the mean current in NORMAL mode that 16 years rest on."""

from __future__ import annotations

import math

from meterbench.dut.meter import Nameplate
from meterbench.instruments.capabilities import Supply
from meterbench.procedures.collecting import expanded
from meterbench.procedures.functions.on_supply import log_of, on_supply
from meterbench.procedures.trial import Trial


def battery_life(trial: Trial) -> None:
    """1. Put the sample on its supply, in the place of C1, and wait until its capacitor has settled. 2. Log the current
    for a day, transmissions as configured. 3. Its mean is no more than the life rests on.
    """
    test = trial.test
    for meter in trial.meters:
        step = f"{test.name}/{meter.serial}"
        if trial.run.finished(step):
            continue
        with trial.run.step(step), on_supply(trial, meter, "C1") as supply:
            trial.bench.clock.sleep(test.value("settle_s"))
            _judge_mean(trial, meter, supply)
    trial.conclude()


def _judge_mean(trial: Trial, meter: Nameplate, supply: Supply) -> None:
    """In parts that a memory holds; between two of them next to nothing is missed, or the result is INVALID."""
    clock, test = trial.bench.clock, trial.test
    start_s = clock.now_s()
    logged_s = charge_mah = 0.0
    while clock.now_s() - start_s < test.value("log_s"):
        log = log_of(supply, min(test.value("part_s"), test.value("log_s")))
        logged_s += log.period_s * len(log.current_ma)
        charge_mah += log.charge_mah
    passed_s = clock.now_s() - start_s
    mean_ma = 3600.0 * charge_mah / logged_s if logged_s > 0.0 else math.nan
    trial.run.reading("supply", "charge", charge_mah, "mAh", meter=meter.serial)
    trial.run.reading("supply", "logged_time", logged_s, "s", meter=meter.serial)
    invalid = trial.bench.uncalibrated(["supply"])
    if not logged_s >= test.value("logged_part") * passed_s:
        invalid.append(f"of {passed_s:.0f} s only {logged_s:.0f} s were logged")
    if not mean_ma >= test.value("least_ma"):
        invalid.append(f"the supply fed {mean_ma:.5f} mA: less takes no meter that works; is it fed by something else?")
    subject = trial.subject(meter, f"NORMAL, {passed_s / 3600.0:.3g} h")
    trial.run.measure(
        "mean_current",
        mean_ma,
        "mA",
        subject,
        expanded_uncertainty=mean_ma * expanded(trial.bench, "supply") / 100.0,
        uncertainty_limit=test.value("uncertainty_part") * test.value("mean_ma"),
        upper=test.value("mean_ma"),
        invalid=invalid,
    )
