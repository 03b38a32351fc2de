"""Numbers as the nine digits can show them: a volume is cut off, never rounded up; what cannot be shown is dashes."""

from __future__ import annotations

import math

DISPLAY_DIGITS = 9
NORMAL_DECIMALS = 3
"""Decimals of a cubic metre as delivered: ``######.###`` (ADR-017)."""
TEST_DECIMALS = 6
"""In TEST, always: ``###.######`` (ADR-017)."""
DASHES = "----"
"""[design] For a quantity that is not known, or that has more digits than there are places."""
_NL_PER_M3_EXPONENT = 12


def volume_text(total_nl: int, decimals: int) -> str:
    """A total in m3 on nine digits, cut off (never rounded) after ``decimals``; rolls over as a counter does."""
    if not 0 < decimals < DISPLAY_DIGITS:
        raise ValueError(f"a display of {DISPLAY_DIGITS} digits cannot show {decimals} decimals")
    if total_nl < 0:
        raise ValueError(f"a total cannot be {total_nl} nL: totals of both directions only grow")
    digits = f"{total_nl // 10 ** (_NL_PER_M3_EXPONENT - decimals) % 10**DISPLAY_DIGITS:0{DISPLAY_DIGITS}d}"
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def quantity_text(quantity: float | None, decimals: int) -> str:
    """A signed quantity rounded to ``decimals``; ``DASHES`` if there is none or it does not fit. Zero has no sign."""
    if quantity is None or not math.isfinite(quantity):
        return DASHES
    text = f"{quantity:.{decimals}f}"
    if float(text) == 0.0:
        text = text.removeprefix("-")
    return text if len(text.replace(".", "")) <= DISPLAY_DIGITS else DASHES
