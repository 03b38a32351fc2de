"""Off and Active (technical description, 6): without any voltage nothing is shown; afterwards all totals are kept."""

from __future__ import annotations

from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import drain_capacitor, read_display, set_clock
from meterbench.procedures.display_texts import volume_l
from meterbench.procedures.functions.observing import in_test_mode, screens
from meterbench.procedures.functions.on_supply import on_supply
from meterbench.procedures.trial import Trial

SCREENS = ("volume", "reverse volume")
LOOK_S = 10.0


def off_state(trial: Trial) -> None:
    """1. Read both totals. 2. Switch the supply off, which stands for the only source, and drain the capacitor: the
    display is blank. 3. Switch it on: the display is back, and the totals are what they were.
    """
    for meter in trial.meters:
        step = f"{trial.test.name}/{meter.serial}"
        if trial.run.finished(step):
            continue
        with trial.run.step(step), on_supply(trial, meter, "C1") as supply:
            before_l = _totals_l(trial, meter)
            try:
                supply.switch_off()
                trial.ask(drain_capacitor(meter.serial))
                trial.bench.clock.sleep(trial.test.value("off_s"))
                still_on = ["the supply's output is still on"] if supply.status().on else []
                blank = 0.0 if screens(trial, meter, LOOK_S) else 1.0
                subject = trial.subject(meter, "no voltage")
                trial.run.measure("display_blank", blank, "", subject, lower=1.0, invalid=still_on)
            finally:
                supply.switch_on()
            trial.bench.clock.sleep(trial.test.value("back_s"))
            back = 1.0 if screens(trial, meter, LOOK_S) else 0.0
            trial.run.measure("display_back", back, "", trial.subject(meter, "supplied again"), lower=1.0)
            trial.restore(set_clock(meter.serial))
            after_l = _totals_l(trial, meter)
            limit_ml = trial.test.value("change_ml")
            for screen in SCREENS:
                trial.run.measure(
                    f"change_of_{screen.replace(' ', '_')}",
                    round(1000.0 * (after_l[screen] - before_l[screen]), 6),
                    "mL",
                    trial.subject(meter, "supplied again"),
                    lower=-limit_ml,
                    upper=limit_ml,
                )
    trial.conclude()


def _totals_l(trial: Trial, meter: Nameplate) -> dict[str, float]:
    """In TEST mode, which shows 1 mL."""
    with in_test_mode(trial, [meter]):
        shown = {screen: volume_l(trial.ask(read_display(meter.serial, screen)))[0] for screen in SCREENS}
    for screen, litres in shown.items():
        trial.run.reading("display", screen.replace(" ", "_"), litres, "L", meter=meter.serial)
    return shown
