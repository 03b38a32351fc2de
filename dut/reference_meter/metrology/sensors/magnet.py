"""The magnet alarm: a field at the Hall switch that stays (ADR-023, ADR-044)."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.sensors.debounce import Debounced

HOLD_S = 1.0
"""[design] A magnet carried past the meter is no attempt to tamper."""


class Magnet:
    """A field counts as present, and as gone, after more than ``HOLD_S``."""

    def __init__(self, *, was_present: bool = False) -> None:
        self._field = Debounced(HOLD_S, level=was_present)

    @property
    def present(self) -> bool:
        """A field is present now."""
        return self._field.level

    def update(self, hall_on: bool, now_s: float) -> bool:
        """Take in the Hall switch as it is now; whether a field is present."""
        return self._field.update(hall_on, now_s)
