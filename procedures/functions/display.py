"""The display (technical description, 15): its cycle of screens, a unit beside each value, all segments."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import segment_test
from meterbench.procedures.functions.observing import screens
from meterbench.procedures.functions.texts import is_volume, lacks_unit
from meterbench.procedures.trial import Trial


def display(trial: Trial) -> None:
    """1. Watch the display: the screens change by themselves, and the volume is among them. 2. Beside each value stands
    its unit. 3. All segments are lit in the display test, and then none.
    """
    test = trial.test
    for meter in trial.meters:
        step = f"{test.name}/{meter.serial}"
        if trial.run.finished(step):
            continue
        with trial.run.step(step):
            seen: list[str] = []
            for _ in range(int(test.value("watches"))):
                seen += screens(trial, meter, test.value("watch_s"))
            trial.run.event("info", f"meter {meter.serial} shows {'; '.join(seen)}", meter=meter.serial, screens=seen)
            bare = [screen for screen in seen if lacks_unit(screen)]
            volumes = 1.0 if any(is_volume(screen) for screen in seen) else 0.0
            kinds = {tuple(word for word in screen.split() if not word[:1].isdigit()) for screen in seen}
            trial.run.measure("volume_in_cycle", volumes, "", trial.subject(meter), lower=1.0)
            least = test.value("least_screens")
            trial.run.measure("kinds_of_screens", float(len(kinds)), "", trial.subject(meter), lower=least)
            subject = trial.subject(meter, "; ".join(bare))
            trial.run.measure("values_without_unit", float(len(bare)), "", subject, upper=0.0)
            trial.judge(segment_test(meter.serial), "all_segments_show", meter)
    trial.conclude()
