"""The case-opening contact: a button that the closed lid presses, debounced (metering.md 4.3, ADR-022, ADR-044)."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.sensors.debounce import Debounced

STABLE_S = 0.080
"""[design] Within the 50..100 ms of metering.md 4.3."""


class CaseContact:
    """The case counts as closed until the button has been up for more than ``STABLE_S``, and the reverse."""

    def __init__(self, *, was_open: bool = False) -> None:
        self._released = Debounced(STABLE_S, level=was_open)

    @property
    def open(self) -> bool:
        """The case is open now."""
        return self._released.level

    def update(self, pressed: bool, now_s: float) -> bool:
        """Take in the button as it is now; whether the case is open."""
        return self._released.update(not pressed, now_s)
