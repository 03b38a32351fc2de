"""ISO 4064-2, 8.17: absence of flow, full of water and drained; and the alarm that the maker promises (ADR-040)."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import drain_line, fill_line, read_display, read_icons, set_mode
from meterbench.procedures.display_texts import icons, volume_l
from meterbench.procedures.trial import Trial


def absence_of_flow(trial: Trial) -> None:
    """1. Full of water at rest: in 15 min the totals change by no more than one verification scale interval. 2. The
    same drained. 3. The drained meter says so. TEST mode shows the interval.
    """
    for meter in trial.meters:
        trial.ask(set_mode(meter.serial, "TEST"))
    try:
        _watch(trial, "full of water")
        trial.ask(drain_line())
        try:
            _watch(trial, "drained")
            for meter in trial.meters:
                shown = icons(trial.ask(read_icons(meter.serial)))
                dry = 1.0 if "dry" in shown else 0.0
                trial.run.measure("dry_shown", dry, "", trial.subject(meter, "drained"), lower=1.0)
        finally:
            trial.ask(fill_line())
    finally:
        for meter in trial.meters:
            trial.ask(set_mode(meter.serial, "NORMAL"))
    trial.conclude()


def _watch(trial: Trial, condition: str) -> None:
    """Both registers, by the display: what creeps may creep either way."""
    step = f"{trial.test.name}/{condition}"
    if trial.run.finished(step):
        return
    interval_ml = trial.edition.of_type_evaluation("verification_scale_interval_ml").value
    with trial.run.step(step):
        seen = [(meter.serial, screen) for meter in trial.meters for screen in SCREENS]
        before = {each: _read(trial, *each) for each in seen}
        trial.bench.clock.sleep(trial.test.value("watch_s"))
        for meter in trial.meters:
            for screen in SCREENS:
                (start_l, coarse_l), (end_l, step_l) = before[meter.serial, screen], _read(trial, meter.serial, screen)
                trial.run.reading("display", f"{screen} before".replace(" ", "_"), start_l, "L", meter=meter.serial)
                trial.run.reading("display", f"{screen} after".replace(" ", "_"), end_l, "L", meter=meter.serial)
                steps_ml = 1000.0 * max(coarse_l, step_l)
                too_coarse = f"the display shows steps of {steps_ml:g} mL, the interval is {interval_ml:g} mL"
                trial.run.measure(
                    f"change_of_{screen.replace(' ', '_')}",
                    round(1000.0 * (end_l - start_l), 6),
                    "mL",
                    trial.subject(meter, condition),
                    lower=-interval_ml,
                    upper=interval_ml,
                    invalid=[too_coarse] if steps_ml > interval_ml else [],
                )


SCREENS = ("volume", "reverse volume")


def _read(trial: Trial, serial: str, screen: str) -> tuple[float, float]:
    return volume_l(trial.ask(read_display(serial, screen)))
