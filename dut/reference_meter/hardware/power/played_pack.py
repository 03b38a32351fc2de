"""What stands in a pack's place on a bench: the leads of a laboratory supply, or of a box that plays a battery."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(slots=True, eq=False)
class PlayedPack:
    """An ideal source behind a resistance, with a limit of its current; off, it has 0 V and takes nothing back."""

    open_v: float = 0.0
    ohm: float = 0.0
    limit_ma: float = math.inf
    drawn_mah: float = 0.0
    """Charge that it has given so far."""

    def fits(self, cell_name: str) -> bool:
        """Leads go to every place."""
        del cell_name
        return True

    def resistance_ohm(self, temp_c: float) -> float:
        """As it was set, at every temperature of the meter."""
        del temp_c
        return self.ohm

    def voltage_v(self, load_ma: float, temp_c: float) -> float:
        """Voltage under a load; 0 beyond its limit."""
        del temp_c
        return max(0.0, self.open_v - 1e-3 * load_ma * self.ohm) if load_ma <= self.limit_ma else 0.0

    def age(self, duration_s: float, drawn_mah: float) -> None:
        """Give a charge."""
        del duration_s
        self.drawn_mah += drawn_mah

    def wear(self, drawn_mah: float) -> None:
        """Give a charge at once."""
        self.drawn_mah += drawn_mah

    def steady_s(self, current_ma: float, temp_c: float) -> float:
        """It does not run down: whoever plays a battery sets it anew."""
        del current_ma, temp_c
        return math.inf

    def copy(self) -> PlayedPack:
        """Another source in the same state."""
        return replace(self)
