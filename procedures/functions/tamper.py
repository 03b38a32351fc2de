"""Attempts to tamper (technical description, 7, 11 and 15): each is shown, and stays shown until it is acknowledged."""

from __future__ import annotations

from collections.abc import Callable

from meterbench.dut.meter import Nameplate
from meterbench.instruments.capabilities import OperatorTask
from meterbench.instruments.operator.tasks import acknowledge, close_case, incline, magnet_off, magnet_on, open_case
from meterbench.procedures.functions.observing import look_for
from meterbench.procedures.trial import Trial

Hand = Callable[[Trial, Nameplate], OperatorTask]

ATTEMPTS: dict[str, tuple[Hand, Hand]] = {
    "case opened": (lambda _, meter: open_case(meter.serial), lambda _, meter: close_case(meter.serial)),
    "magnet": (
        lambda trial, meter: magnet_on(meter.serial, _magnet(trial), trial.test.data("magnet", "position")),
        lambda trial, meter: magnet_off(meter.serial, _magnet(trial)),
    ),
    "arrow downward": (
        lambda trial, meter: incline(meter.serial, trial.test.value("downward_deg")),
        lambda _, meter: incline(meter.serial, 0.0),
    ),
}
"""What is done, and how it is undone."""


def tamper(trial: Trial) -> None:
    """For the lid, a magnet and the arrow downward: 1. None is shown. 2. It is done: the display tells of it. 3. It is
    undone: the display still does. 4. It is acknowledged: none is shown.
    """
    for meter in trial.meters:
        trial.ask(acknowledge(meter.serial))
        look_for(trial, meter, "tamper", "before", shown=False)
        for attempt, (do, undo) in ATTEMPTS.items():
            step = f"{trial.test.name}/{attempt}, {meter.serial}"
            if trial.run.finished(step):
                continue
            with trial.run.step(step):
                trial.ask(do(trial, meter))
                try:
                    trial.bench.clock.sleep(trial.test.value("wait_s"))
                    look_for(trial, meter, "tamper", attempt, shown=True)
                finally:
                    trial.restore(undo(trial, meter))
                trial.bench.clock.sleep(trial.test.value("wait_s"))
                look_for(trial, meter, "tamper", f"{attempt}, undone", shown=True)
                trial.ask(acknowledge(meter.serial))
                look_for(trial, meter, "tamper", f"{attempt}, acknowledged", shown=False)
    trial.conclude()


def _magnet(trial: Trial) -> str:
    words: str = trial.test.data("magnet", "words")
    return words
