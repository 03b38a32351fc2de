"""What hangs in the water and is read by an instrument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlatinumProbe:
    """A platinum resistor as IEC 60751 describes it above 0 degC, with a resistance of its own at the ice point."""

    r0_ohm: float = 100.0

    def resistance_ohm(self, temp_c: float) -> float:
        """True resistance in ohm at ``temp_c`` (0..100 degC)."""
        return self.r0_ohm * (1.0 + temp_c * (3.9083e-3 - 5.775e-7 * temp_c))
