"""Icons of Table 8 (technical description, 15) without an alarm: valve closed, WAN, the plus while water flows."""

from __future__ import annotations

from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import ancillary, move_valve, read_icons
from meterbench.procedures.display_texts import icons
from meterbench.procedures.functions.observing import flowing, look_for
from meterbench.procedures.trial import Trial

STEADY_S = 240.0
OUT_OF_STEP_S = 0.37
"""No part of any period that an icon may blink with: before each glance by so much longer than before the last."""


def icons_shown(trial: Trial) -> None:
    """1. Valve closed: shown while it is, and only then. 2. WAN: shown while there is a connection, and only then. 3.
    The plus: at rest never, while water flows at some of several glances and not at all of them.
    """
    for meter in trial.meters:
        step = f"{trial.test.name}/at rest, {meter.serial}"
        if trial.run.finished(step):
            continue
        with trial.run.step(step):
            look_for(trial, meter, "valve_closed", "open", shown=False)
            trial.ask(move_valve(meter.serial, closed=True))
            try:
                look_for(trial, meter, "valve_closed", "closed", shown=True)
            finally:
                trial.restore(move_valve(meter.serial, closed=False))
            look_for(trial, meter, "valve_closed", "open again", shown=False)
            trial.ask(ancillary(meter.serial, "wan", active=True))
            try:
                look_for(trial, meter, "wan", "connected", shown=True)
            finally:
                trial.ask(ancillary(meter.serial, "wan", active=False))
            look_for(trial, meter, "wan", "not connected", shown=False)
            _judge_plus(trial, meter, "at rest", 0.0, 0.0, [])
    _judge_flowing(trial)
    trial.conclude()


def _judge_flowing(trial: Trial) -> None:
    step = f"{trial.test.name}/water flows"
    if trial.run.finished(step):
        return
    with trial.run.step(step), flowing(trial, trial.point("reference").target_l_h) as water:
        water.run_to(STEADY_S)
        unsure = water.unmet(trial.test.value("steady_percent"))
        glances = trial.test.value("glances")
        for meter in trial.meters:
            _judge_plus(trial, meter, "water flows", 1.0, glances - 1.0, unsure)


def _judge_plus(trial: Trial, meter: Nameplate, condition: str, least: float, most: float, invalid: list[str]) -> None:
    """It blinks: one glance says nothing, several do, if they keep no time with it."""
    glances, lit = int(trial.test.value("glances")), 0
    for number in range(glances):
        trial.bench.clock.sleep(OUT_OF_STEP_S * (number + 1))
        lit += "flow" in icons(trial.ask(read_icons(meter.serial)))
    subject = trial.subject(meter, f"{condition}, {glances} glances")
    trial.run.measure("flow_glances_lit", float(lit), "", subject, lower=least, upper=most, invalid=invalid)
