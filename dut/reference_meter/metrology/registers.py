"""What can be read from the firmware: a snapshot of its registers, and the volume as the display writes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

DISPLAY_DIGITS = 9
_NL_PER_M3_EXPONENT = 12


class Mode(Enum):
    """Operating modes (technical description, 14)."""

    NORMAL = "NORMAL"
    TEST = "TEST"


DISPLAY_DECIMALS = {Mode.NORMAL: 3, Mode.TEST: 6}
"""Decimals of a cubic metre on the display: ``######.###`` and ``###.######`` (ADR-017)."""


@dataclass(frozen=True, slots=True)
class Registers:
    """The registers after one measuring cycle."""

    forward_nl: int
    reverse_nl: int
    flow_l_h: float
    """Signed mean of the last 4 s; zero below the sensitivity threshold."""
    water_temp_c: float
    """From the speed of sound."""
    mode: Mode
    dry: bool
    measuring_cycles: int
    """Shots fired since the meter was made."""

    @property
    def forward_l(self) -> float:
        return self.forward_nl * 1e-9

    @property
    def reverse_l(self) -> float:
        return self.reverse_nl * 1e-9


def volume_text(total_nl: int, decimals: int) -> str:
    """A total in m3 on nine digits, cut off (never rounded) after ``decimals``; rolls over as a counter does."""
    if not 0 < decimals < DISPLAY_DIGITS:
        raise ValueError(f"a display of {DISPLAY_DIGITS} digits cannot show {decimals} decimals")
    digits = f"{total_nl // 10 ** (_NL_PER_M3_EXPONENT - decimals) % 10**DISPLAY_DIGITS:0{DISPLAY_DIGITS}d}"
    return f"{digits[:-decimals]}.{digits[-decimals:]}"
