"""Modes of operation (technical description, 14): TRANSPORTATION, TEST and MEASUREMENT, as they can be seen."""

from __future__ import annotations

import re

from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import read_display, set_mode
from meterbench.procedures.functions.observing import look_for, pass_volume, screens, within
from meterbench.procedures.functions.on_supply import on_supply
from meterbench.procedures.functions.texts import decimals, is_volume
from meterbench.procedures.trial import Trial

LOOK_S = 10.0


def transportation_mode(trial: Trial) -> None:
    """1. Put the samples into TRANSPORTATION: the icon is shown. 2. Pass less than 10 L: it still is. 3. Pass more than
    10 L in all: it is no more. A sample that stays in it is given back as it is.
    """
    test = trial.test
    step = f"{test.name}/10 L"
    trial.check_tightness("before")
    if not trial.run.finished(step):
        with trial.run.step(step):
            for meter in trial.meters:
                trial.ask(set_mode(meter.serial, "TRANSPORTATION"))
                look_for(trial, meter, "transportation", "just begun", shown=True)
            flow_l_h = test.value("flow_l_h")
            passed_l = {meter.serial: 0.0 for meter in trial.meters}
            unsure: list[str] = []
            for part, shown in (("before", True), ("after", False)):
                lower_l, target_l, upper_l = test.data(f"{part}_l", "window")
                passed = pass_volume(trial, flow_l_h, target_l - min(passed_l.values()))
                unsure += passed.invalid
                for meter in trial.meters:
                    passed_l[meter.serial] += passed.volume_l[meter.serial]
                    total_l = passed_l[meter.serial]
                    invalid = [*unsure, *within("the volume that passed", total_l, lower_l, upper_l, "L")]
                    look_for(trial, meter, "transportation", f"{total_l:.2f} L", shown=shown, invalid=invalid)
    trial.check_tightness("after")
    trial.conclude()


def verification_mode(trial: Trial) -> None:
    """1. TEST mode begins by command: nothing but the volume is shown, with six decimals. 2. It ends by command. 3. It
    begins again; shortly before its time is over it still holds, shortly after it does not.
    """
    for meter in trial.meters:
        step = f"{trial.test.name}/{meter.serial}"
        if trial.run.finished(step):
            continue
        with trial.run.step(step):
            try:
                _begin_test(trial, meter, "begun by command")
                trial.ask(set_mode(meter.serial, "NORMAL"))
                _judge_test(trial, meter, "ended by command", holds=False)
                _begin_test(trial, meter, "begun again")
                begun_s, time_out_s = trial.bench.clock.now_s(), trial.test.value("time_out_s")
                for part, holds in (("before_part", True), ("after_part", False)):
                    wait_s = begun_s + trial.test.value(part) * time_out_s - trial.bench.clock.now_s()
                    trial.bench.clock.sleep(max(0.0, wait_s))
                    _judge_test(trial, meter, f"after {trial.test.value(part) * time_out_s:g} s", holds=holds)
            finally:
                trial.ask(set_mode(meter.serial, "NORMAL"))
    trial.conclude()


def _begin_test(trial: Trial, meter: Nameplate, condition: str) -> None:
    trial.ask(set_mode(meter.serial, "TEST"))
    _judge_test(trial, meter, condition, holds=True)


def _judge_test(trial: Trial, meter: Nameplate, condition: str, *, holds: bool) -> None:
    """In TEST mode the display shows the volume in its format, and does not move on to other screens. In others it is
    watched until it comes round to the volume."""
    seen: list[str] = []
    for _ in range(int(trial.test.value("watches"))):
        seen += screens(trial, meter, trial.test.value("watch_s"))
        if any(is_volume(screen) for screen in seen):
            break
    wanted = tuple(trial.test.data("digits", "before_after"))
    volumes = [screen for screen in seen if is_volume(screen)]
    in_format = [screen for screen in volumes if decimals(" ".join(screen.split()[:2])) == wanted]
    in_test = 1.0 if in_format and len(in_format) == len(seen) else 0.0
    out_of_test = 1.0 if volumes and not in_format else 0.0
    good = in_test if holds else out_of_test
    quantity = "test_format_alone" if holds else "normal_format"
    subject = trial.subject(meter, f"{condition}: {'; '.join(seen) or 'blank'}")
    trial.run.measure(quantity, good, "", subject, lower=1.0)


def measurement_mode(trial: Trial) -> None:
    """1. Leave the sample nothing but its backup cell, which its supply plays. 2. The display works. 3. It measures
    within the MPE. 4. With its own batteries back the display works, and the total has not fallen.
    """
    trial.check_tightness("before")
    for meter in trial.meters:
        with on_supply(trial, meter, "BACKUP"):
            trial.bench.clock.sleep(trial.test.value("settle_s"))
            before = _judge_display(trial, meter, "on the backup cell")
            trial.errors("reference", f"on the backup cell, {meter.serial}", meters=[meter])
        trial.bench.clock.sleep(trial.test.value("settle_s"))
        after = _judge_display(trial, meter, "own batteries again")
        grown_l = None if before is None or after is None else after - before
        trial.run.measure("total_has_grown", grown_l, "L", trial.subject(meter, "own batteries again"), lower=0.0)
    trial.check_tightness("after")
    trial.conclude()


def _judge_display(trial: Trial, meter: Nameplate, condition: str) -> float | None:
    """Is a volume shown; its litres."""
    text = trial.ask(read_display(meter.serial))
    found = re.fullmatch(r"(\d{1,9})[.,](\d{1,6})\s*m(?:3|³)", text.strip())
    trial.run.measure(
        "volume_shown", 1.0 if found else 0.0, "", trial.subject(meter, f"{condition}: {text}"), lower=1.0
    )
    return None if found is None else 1000.0 * float(f"{found[1]}.{found[2]}")
