"""The firmware's own figures for coulomb counting (``nominal.toml``): it cannot measure what it draws."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from meterbench.dut.reference_meter.metrology.power.activity import Activity
from meterbench.dut.reference_meter.metrology.power.places import Place


@dataclass(frozen=True, slots=True)
class Nominal:
    """Nominal capacities, idle losses and currents."""

    capacity_mah: Mapping[Place, float]
    self_discharge_per_year: float
    check_ma: float
    """What the periodic checks take from each pack, as a mean."""
    base_ma: float
    shot_mc: float
    lcd_ma: float
    capacitor_ma: float
    event_mc: Mapping[str, float]
    sleep_ma: Mapping[str, float]

    def mean_ma(self, activity: Activity) -> float:
        """What an activity takes from the source that feeds."""
        mean_ma = self.base_ma + self.capacitor_ma + self.shot_mc * activity.shots_per_s + self.lcd_ma * activity.lcd
        mean_ma += sum(self.event_mc[radio.value] / interval_s for radio, interval_s in activity.transmissions)
        for modem, sleep_ma in self.sleep_ma.items():
            if any(radio.value.startswith(modem) for radio, _ in activity.transmissions):
                mean_ma += sleep_ma
        return mean_ma


@cache
def nominal_figures() -> Nominal:
    """The figures of the type."""
    told = tomllib.loads(resources.files(__package__).joinpath("nominal.toml").read_text(encoding="utf-8"))
    return Nominal(
        capacity_mah={place: told["capacity_mah"][place.value] for place in Place},
        event_mc=told["event_mc"],
        sleep_ma=told["sleep_ma"],
        **told["idle"],
        **told["meter"],
    )
