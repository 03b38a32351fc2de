"""Formats of the volume on the display (technical description, 5.2 and 15)."""

from __future__ import annotations

import math

from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import read_display
from meterbench.procedures.display_texts import volume_l
from meterbench.procedures.functions.observing import flowing, in_test_mode
from meterbench.procedures.functions.texts import decimals
from meterbench.procedures.trial import Trial

SCREENS = ("volume", "reverse volume")
PASS_S = 60.0
HAIR_L = 1e-6
"""Less than any digit: numbers of L are made from decimal digits."""


def formats(trial: Trial) -> None:
    """1. Let some water pass. 2. At rest, both totals in NORMAL mode, with their digits. 3. The same in TEST mode. 4.
    What NORMAL shows is what TEST shows, with the last digits cut off and not rounded.
    """
    step = f"{trial.test.name}/both modes"
    if not trial.run.finished(step):
        with trial.run.step(step):
            with flowing(trial, trial.point("reference").target_l_h) as water:
                water.run_to(PASS_S)
            for meter in trial.meters:
                normal = {screen: trial.ask(read_display(meter.serial, screen)) for screen in SCREENS}
                with in_test_mode(trial, [meter]):
                    of_test = {screen: trial.ask(read_display(meter.serial, screen)) for screen in SCREENS}
                for screen in SCREENS:
                    _judge_digits(trial, meter, "normal", screen, normal[screen])
                    _judge_digits(trial, meter, "test", screen, of_test[screen])
                    _judge_agreement(trial, meter, screen, normal[screen], of_test[screen])
    trial.conclude()


def _judge_digits(trial: Trial, meter: Nameplate, mode: str, screen: str, text: str) -> None:
    before, after = trial.test.data(f"{mode}_digits", "before_after")
    good = 1.0 if decimals(text) == (before, after) else 0.0
    subject = trial.subject(meter, f"{screen} in {mode.upper()}: {text}")
    trial.run.measure("digits_as_described", good, "", subject, lower=1.0)


def _judge_agreement(trial: Trial, meter: Nameplate, screen: str, normal: str, of_test: str) -> None:
    """TEST has fewer places before the point: what is above them is left out."""
    (normal_l, step_l), (test_l, _) = volume_l(normal), volume_l(of_test)
    rolls_over_l = 1000.0 * 10.0 ** decimals(of_test)[0]
    nothing = ["the total is 0: its digits say nothing"] if screen == SCREENS[0] and test_l == 0.0 else []
    cut_l = step_l * math.floor(test_l / step_l + HAIR_L)
    trial.run.measure(
        "normal_less_test",
        round(normal_l % rolls_over_l - cut_l, 6),
        "L",
        trial.subject(meter, f"{screen}: {normal}, {of_test}"),
        lower=-HAIR_L,
        upper=HAIR_L,
        invalid=nothing,
    )
