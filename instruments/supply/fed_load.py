"""What simulated supplies feed: their output as the load feels it, and what the load draws. For simulators only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Output:
    """An ideal source behind a resistance, with a limit of its current; off is 0 V, and nothing is taken back."""

    open_v: float
    resistance_ohm: float
    limit_ma: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a load does to its supply at one instant."""

    voltage_v: float
    """At the terminals."""
    current_ma: float
    charge_mah: float
    """Given since the beginning of the world."""
    pulses_per_s: float = 0.0
    """Regular short pulses within that charge: their rate, and the charge of each."""
    pulse_mc: float = 0.0


class Load(Protocol):
    """Lives by the world's time; between two instants it is fed by one output."""

    def feed(self, output: Output) -> None:
        """The supply has this output from now on."""

    def drawn(self) -> Drawn:
        """Now."""
