"""Simulated Meatest M631 resistance decade; its answers end in CR LF."""

from __future__ import annotations

import math

from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.parameters import Boolean, Number

TERMINATOR = b"\r\n"
LOWEST_OHM, HIGHEST_OHM = 16.0, 400e3
STEP_OHM = 1e-3
"""Of the smallest decade (unconfirmed)."""


class _Ohms(Number):
    """Rounded to the step of the decades."""

    def parse(self, text: str) -> float:
        """As for ``Number``."""
        return round(Number.parse(self, text) / STEP_OHM) * STEP_OHM

    def show(self, value: float) -> str:
        """As NR2."""
        return f"{value:.3f}"


class MeatestM631Sim:
    """A real resistance between two terminals, with its own deviation."""

    def __init__(self, gain_error: float = 0.0, serial: str = "631001") -> None:
        """``gain_error``: relative deviation of its resistors."""
        self.scpi = ScpiInstrument(f"MEATEST,M631,{serial},1.3", lambda: None)
        self._gain = 1.0 + gain_error
        self._resistance_ohm = self.scpi.setting(
            "[SOURce:]RESistance[:LEVel]", _Ohms(LOWEST_OHM, HIGHEST_OHM, "OHM"), 100.0
        )
        self._on = self.scpi.setting("OUTPut[:STATe]", Boolean(), False)

    def resistance_ohm(self) -> float:
        """True resistance between its terminals now; infinite while its output is off."""
        return self._gain * self._resistance_ohm.get() if self._on.get() else math.inf
