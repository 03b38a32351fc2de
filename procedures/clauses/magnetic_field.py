"""ISO 4064-2, 7.12 (and 8.16): static magnetic field; and the tamper alarm that the maker promises (ADR-044)."""

from __future__ import annotations

from meterbench.instruments.operator.tasks import magnet_off, magnet_on, read_icons
from meterbench.procedures.display_texts import icons
from meterbench.procedures.trial import Trial


def magnetic_field(trial: Trial) -> None:
    """1. Put the magnet against the sample where it may harm, one place after the other. 2. At each, the error at Q3 is
    within the MPE. 3. The display tells of the tampering.
    """
    trial.check_tightness("before")
    places = trial.test.data("positions", "places")
    magnet = trial.test.data("magnet", "words")
    for meter in trial.meters:
        for place in places:
            trial.ask(magnet_on(meter.serial, magnet, place))
            try:
                trial.errors("Q3", f"magnet at {place}, {meter.serial}", meters=[meter])
                if place == places[0]:
                    shown = icons(trial.ask(read_icons(meter.serial)))
                    told = 1.0 if "tamper" in shown else 0.0
                    trial.run.measure("tamper_shown", told, "", trial.subject(meter, f"magnet at {place}"), lower=1.0)
            finally:
                trial.ask(magnet_off(meter.serial, magnet))
    trial.check_tightness("after")
    trial.conclude()
