"""The operating modes (technical description, 14)."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """What the meter does, from the least to the most."""

    NORMAL = "NORMAL"
    """ADR-060."""
    MEASUREMENT = "MEASUREMENT"
    """On the backup cell: measures, shows, records, answers NFC (ADR-061)."""
    TRANSPORTATION = "TRANSPORTATION"
    """From production until water has flowed: no channel works (ADR-062)."""
    TEST = "TEST"
    """For verification (ADR-063)."""
