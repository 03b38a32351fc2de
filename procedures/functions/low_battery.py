"""Low battery (technical description, 7, 13.1, 15): internal and external apart, below 2.9 V and not above."""

from __future__ import annotations

from meterbench.procedures.functions.observing import look_for
from meterbench.procedures.functions.on_supply import LIMIT_MA, on_supply
from meterbench.procedures.trial import Trial


def low_battery(trial: Trial) -> None:
    """For each source: 1. The supply stands for it. 2. Above the voltage at which a battery is discharged, no icon. 3.
    Below it, its own icon and not the other's. 4. With its own batteries back, none.
    """
    test = trial.test
    own_icon: dict[str, str] = test.data("icons", "of")
    for meter in trial.meters:
        for source, icon in own_icon.items():
            step = f"{test.name}/{source}, {meter.serial}"
            if trial.run.finished(step):
                continue
            others = sorted(set(own_icon.values()) - {icon})
            with trial.run.step(step):
                with on_supply(trial, meter, source) as supply:
                    for voltage_v, low in ((test.value("above_v"), False), (test.value("below_v"), True)):
                        supply.set_output(voltage_v, LIMIT_MA)
                        trial.bench.clock.sleep(test.value("notice_s"))
                        status, seen_v = supply.status(), supply.measure().voltage_v
                        trial.run.reading("supply", "voltage", seen_v, "V", meter=meter.serial)
                        unsure = [] if status.on and not status.limiting else ["the supply's output was not as set"]
                        if abs(seen_v - voltage_v) > test.value("tolerance_v"):
                            unsure.append(f"the supply gave {seen_v:.3f} V, not {voltage_v:g} V")
                        condition = f"{source} at {voltage_v:g} V"
                        look_for(trial, meter, icon, condition, shown=low, invalid=unsure)
                        for other in others:
                            look_for(trial, meter, other, condition, shown=False, invalid=unsure)
                trial.bench.clock.sleep(test.value("back_s"))
                look_for(trial, meter, icon, f"after {source}, own batteries", shown=False)
    trial.conclude()
