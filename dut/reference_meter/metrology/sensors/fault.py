"""What a sensor gives instead of a reading."""

from __future__ import annotations

from enum import Enum


class SensorFault(Enum):
    """Why there is no reading. A fault never comes with a number: nobody can use one by mistake."""

    OPEN = "open circuit"
    SHORT = "short circuit"
    NO_ANSWER = "no answer"
    OUT_OF_RANGE = "out of range"
    BUSY = "busy"
    CONTRADICTED = "contradicted by the speed of sound"
