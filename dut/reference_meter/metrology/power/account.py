"""What is left in each pack, by counting (ADR-045, metering.md 5.5): the voltage tells nothing before the last tenth.

A pack counts as full when it is put in. From then on its charge only falls: by what the meter draws, by the checks, by
self-discharge, and to nothing once its voltage says so.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from meterbench.dut.reference_meter.metrology.power.nominal import Nominal
from meterbench.dut.reference_meter.metrology.power.places import Place

_HOURS_A_YEAR = 8766.0


class Account:
    """Remaining charge by place; places without a pack have none."""

    def __init__(self, nominal: Nominal) -> None:
        self._nominal = nominal
        self.remaining_mah: dict[Place, float] = {}

    def exchange(self, place: Place) -> None:
        """A new pack is in this place."""
        self.remaining_mah[place] = self._nominal.capacity_mah[place]

    def remove(self, place: Place) -> None:
        """The place is empty."""
        self.remaining_mah.pop(place, None)

    def clamp(self, place: Place) -> None:
        """The pack is discharged, whatever was counted."""
        self.remaining_mah[place] = 0.0

    def spend(self, duration_s: float, load_ma: float, feeding: Collection[Place]) -> None:
        """Live through a time in which these places feed a load, each an even share of it."""
        hours = duration_s / 3600.0
        rate_per_h = self._nominal.self_discharge_per_year / _HOURS_A_YEAR
        gone = -math.expm1(-rate_per_h * hours)
        for place, remaining_mah in self.remaining_mah.items():
            drawn_ma = self._nominal.check_ma + (load_ma / len(feeding) if place in feeding else 0.0)
            left_mah = remaining_mah - (remaining_mah + drawn_ma / rate_per_h) * gone
            self.remaining_mah[place] = max(left_mah, 0.0)

    def fraction(self, places: Collection[Place]) -> float | None:
        """What is left in all packs of these places together, 0..1; None without any."""
        packs = [place for place in places if place in self.remaining_mah]
        if not packs:
            return None
        left_mah = math.fsum(self.remaining_mah[place] for place in packs)
        return left_mah / math.fsum(self._nominal.capacity_mah[place] for place in packs)

    def copy(self) -> Account:
        """Another account with the same charges."""
        twin = Account(self._nominal)
        twin.remaining_mah = dict(self.remaining_mah)
        return twin
