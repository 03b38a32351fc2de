"""Measuring cycle (technical description, 14): eight shots a second, two without water, eight in TEST mode."""

from __future__ import annotations

from meterbench.dut.meter import Nameplate
from meterbench.instruments.capabilities import Supply
from meterbench.instruments.operator.tasks import drain_line, fill_line
from meterbench.procedures.functions.observing import in_test_mode
from meterbench.procedures.functions.on_supply import log_of, on_supply
from meterbench.procedures.functions.shots import pulses_per_s
from meterbench.procedures.trial import Trial


def measuring_cycle(trial: Trial) -> None:
    """1. Put the sample on its supply. 2. Full of water, count its shots in the log of the current. 3. The same
    drained. 4. The same drained, in TEST mode.
    """
    for meter in trial.meters:
        with on_supply(trial, meter, "C1") as supply:
            trial.bench.clock.sleep(trial.test.value("settle_s"))
            _count(trial, meter, supply, "full of water", "with_water_per_s")
            trial.ask(drain_line())
            try:
                trial.bench.clock.sleep(trial.test.value("drained_s"))
                _count(trial, meter, supply, "drained", "without_water_per_s")
                with in_test_mode(trial, [meter]):
                    _count(trial, meter, supply, "drained, TEST mode", "in_test_per_s")
            finally:
                trial.restore(fill_line())
    trial.conclude()


def _count(trial: Trial, meter: Nameplate, supply: Supply, condition: str, figure: str) -> None:
    """No pulses that can be told from noise, or none at a regular rate: the supply cannot see them, INVALID."""
    step = f"{trial.test.name}/{condition}, {meter.serial}"
    if trial.run.finished(step):
        return
    with trial.run.step(step):
        log = log_of(supply, trial.test.value("log_s"))
        wanted, tolerance = trial.test.value(figure), trial.test.value("tolerance_per_s")
        trial.run.measure(
            "shots_per_s",
            pulses_per_s(log.current_ma, log.period_s),
            "1/s",
            trial.subject(meter, condition),
            lower=wanted - tolerance,
            upper=wanted + tolerance,
        )
