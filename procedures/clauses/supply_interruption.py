"""ISO 4064-2, 8.5.4: interruption of a replaceable battery: the external pack (ADR-052, ADR-053)."""

from __future__ import annotations

from meterbench.dut.meter import Nameplate
from meterbench.instruments.operator.tasks import insert_source, read_icons, remove_source, segment_test
from meterbench.procedures import conditions
from meterbench.procedures.display_texts import icons, low_battery
from meterbench.procedures.standing_runs import judge_unchanged, total_l
from meterbench.procedures.trial import NotDone, Trial

SOURCE = "EXTERNAL"


def supply_interruption(trial: Trial) -> None:
    """1. Fit the external pack: error at the reference flow, and the total at rest. 2. Take the pack out for 1 h.
    3. Put it back: the total is what it was, the display works and warns of no battery; error at the reference flow.
    Both errors are within the MPE.
    """
    trial.check_tightness("before")
    for meter in trial.meters:
        trial.ask(insert_source(meter.serial, SOURCE))
        try:
            trial.errors("reference", f"before, {meter.serial}", meters=[meter])
            if not trial.run.finished(_step(trial, meter)):
                _interrupt(trial, meter)
            trial.errors("reference", f"refitted, {meter.serial}", meters=[meter])
        except _LeftOut as cause:
            raise NotDone(str(cause)) from cause  # it is out already
        except BaseException:
            trial.restore(remove_source(meter.serial, SOURCE))
            raise
        trial.restore(remove_source(meter.serial, SOURCE))
    trial.check_tightness("after")
    trial.conclude()


class _LeftOut(NotDone):
    """The pack was not put back."""


def _step(trial: Trial, meter: Nameplate) -> str:
    return f"{trial.test.name}/interruption/{meter.serial}"


def _interrupt(trial: Trial, meter: Nameplate) -> None:
    run, clock, test = trial.run, trial.bench.clock, trial.test
    wanted_s = test.value("interruption_s")
    condition = f"after {wanted_s / 3600.0:g} h without {SOURCE}"
    with run.step(_step(trial, meter)):
        before = total_l(trial, meter)
        trial.ask(remove_source(meter.serial, SOURCE))
        begun_s = clock.now_s()
        clock.sleep(wanted_s)
        out_s = clock.now_s() - begun_s
        try:
            trial.ask(insert_source(meter.serial, SOURCE))
        except NotDone as cause:
            raise _LeftOut(str(cause)) from cause
        run.reading("clock", "interruption", out_s, "s", meter=meter.serial)
        run.condition(conditions.of_samples("time without the pack", "s", [out_s], (wanted_s, None), test.clause, ""))
        judge_unchanged(trial, meter, condition, before)
        warned = low_battery(icons(trial.ask(read_icons(meter.serial))))
        run.measure("low_battery_shown", float(warned), "", trial.subject(meter, condition), upper=0.0)
        trial.judge(segment_test(meter.serial), "all_segments_show", meter, condition)
