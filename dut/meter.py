"""What the bench may know of a meter in its line, real or reference: who it is.

Its readings come over its links and its optical test output is counted by a counter: both belong to the bench.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from meterbench.dut.designation import Designation
from meterbench.dut.variants import Rating
from meterbench.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What a meter is marked with (ADR-005)."""

    serial: str
    designation: Designation
    rating: Rating
    pulse_volume_ml: float = 0.1
    """Forward volume of one pulse of the optical test output; a whole number of nanolitres."""

    def __post_init__(self) -> None:
        if self.rating.dn != self.designation.dn:
            raise ConfigError(
                f"meter {self.serial}: {self.designation} cannot be rated {self.rating}; rate it by its DN"
            )
        if not self.pulse_volume_ml >= 1e-6 or abs(self.pulse_volume_ml * 1e6 - self.pulse_volume_nl) > 1e-3:
            raise ConfigError(
                f"meter {self.serial}: a pulse of {self.pulse_volume_ml} mL; allowed are whole nanolitres above zero"
            )

    @property
    def pulse_volume_nl(self) -> int:
        return round(self.pulse_volume_ml * 1e6)


class Meter(Protocol):
    """A meter under test."""

    @property
    def nameplate(self) -> Nameplate: ...
