"""ISO 4064-2, 7.3: every sample withstands 1.6 times its maximum pressure, and 2 times that pressure for a minute."""

from __future__ import annotations

import contextlib

from meterbench.bench.record import Condition
from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import leak_check, mount, pressurise, read_gauge, release_pressure
from meterbench.procedures.conditions import unmet
from meterbench.procedures.display_texts import number
from meterbench.procedures.rules import pressure_fall_percent
from meterbench.procedures.trial import NotDone, Trial

HOLDS = ("first", "second")
HIGHEST_MPA = 5.0
"""Of the test pump's gauge: a number above it is a slip of the pen."""


def static_pressure(trial: Trial) -> None:
    """1. Each sample, filled and bled, on the test pump: raise the pressure slowly to 1.6 MAP, hold it for 15 min,
    look. 2. Raise it to 2 MAP, hold it for 1 min, look. 3. Release it slowly, and mount the sample again. No water
    outside, none in the indicating device, no damage (P1:4.2.10); a pressure that falls meanwhile is a sign of it.
    """
    for meter in trial.meters:
        if all(trial.run.finished(_step(trial, meter, hold)) for hold in HOLDS):
            continue
        try:
            for hold in HOLDS:
                if not _hold(trial, meter, hold):
                    break  # nobody raises the pressure in a meter that leaks
        except NotDone:
            with contextlib.suppress(NotDone):  # it may never have come under pressure
                trial.ask(release_pressure(meter.serial))
            raise
        trial.ask(release_pressure(meter.serial))
    for slot, meter in enumerate(trial.bench.batch, start=1):
        if meter in trial.meters:
            trial.restore(mount(meter.serial, slot))
    trial.conclude()


def _step(trial: Trial, meter: Nameplate, hold: str) -> str:
    return f"{trial.test.name}/{_condition(trial, hold)}/{meter.serial}"


def _condition(trial: Trial, hold: str) -> str:
    return f"{trial.test.value(f'{hold}_map_multiple'):g} MAP"


def _hold(trial: Trial, meter: Nameplate, hold: str) -> bool:
    """One pressure for its time; True if the meter was tight."""
    test, clock, serial = trial.test, trial.bench.clock, meter.serial
    wanted_mpa = test.value(f"{hold}_map_multiple") * meter.rating.max_pressure_mpa
    hold_s = test.value(f"{hold}_hold_s")
    condition = _condition(trial, hold)
    with trial.run.step(_step(trial, meter, hold)):
        start_mpa = number(trial.ask(pressurise(serial, wanted_mpa)), "MPa", 0.0, HIGHEST_MPA)
        start_s = clock.now_s()
        clock.sleep(hold_s)
        end_mpa = number(trial.ask(read_gauge(serial)), "MPa", 0.0, HIGHEST_MPA)
        held_s = clock.now_s() - start_s
        for when, shown_mpa in (("start", start_mpa), ("end", end_mpa)):
            trial.run.reading("gauge", f"pressure_{when}", shown_mpa, "MPa", meter=serial)
        trial.run.reading("clock", "hold_time", held_s, "s", meter=serial)
        reached = Condition("", "test pressure reached", "MPa", start_mpa, start_mpa, wanted_mpa, None,
                            start_mpa >= wanted_mpa, test.clause, condition)  # fmt: skip
        trial.run.condition(reached)
        not_reached = unmet([reached])
        fall_percent = pressure_fall_percent(start_mpa, end_mpa)
        limit_percent = test.value("fall_percent")
        rose = fall_percent < -limit_percent
        trial.run.measure(
            "pressure_fall",
            fall_percent,
            "%",
            trial.subject(meter, condition),
            upper=limit_percent,
            invalid=[*not_reached, *(["the pressure rose: it was not shut in"] if rose else [])],
        )
        return trial.judge(leak_check(serial), "tight", meter, condition)
