"""What a chamber must have said more than once before it counts: its wire has no checksum.

A digit that was changed on the way looks like any other. It is outvoted: what stands still must be said twice running,
and of the temperature, which moves, no more than one reading may stand apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median_low
from typing import TypeVar

from meterbench.errors import InstrumentError, ProtocolError

SameT = TypeVar("SameT")

ROUNDS = 4
"""Enough for one answer that was changed, or one restart in between: two that agree follow."""
MOVES_K = 0.3
"""What the air can move in the second or two that a few readings take: 5 K/min, and a step of the display."""
_ROUNDING_K = 1e-6
SENSOR_MARGIN_K = 10.0
"""The air cannot be so far outside of both the chamber's limits and a hall's temperatures: its sensor is broken."""
HALL_C = (0.0, 50.0)


def twice_running(role: str, question: str, ask: Callable[[], SameT]) -> SameT:
    """The first answer that equals the one before it; ``ProtocolError`` if there is none in four."""
    answers = [ask()]
    while len(answers) < ROUNDS:
        answers.append(ask())
        if answers[-1] == answers[-2]:
            return answers[-1]
    said = "; ".join(repr(answer) for answer in answers)
    raise ProtocolError(
        f"{role}: asked {question} {ROUNDS} times, no two answers running agree: {said}; check the cable, and whether "
        "the chamber restarts"
    )


def agreed_temp_c(role: str, readings_c: Sequence[float]) -> float:
    """The one in the middle of three or more readings in a row, of which all but one lie close together.

    One changed reading cannot be the middle, nor lie beyond its neighbours. ``ProtocolError`` if more stand apart.
    """
    middle_c = median_low(readings_c)
    near = sum(abs(reading_c - middle_c) <= MOVES_K + _ROUNDING_K for reading_c in readings_c)
    if len(readings_c) < 3 or near < len(readings_c) - 1:
        said = ", ".join(f"{reading_c:g}" for reading_c in readings_c)
        raise ProtocolError(
            f"{role}: asked for its temperature {len(readings_c)} times in a row, got {said} degC: they do not agree "
            f"within {MOVES_K:g} K; check the cable"
        )
    return middle_c


def refuse_broken_sensor(role: str, temp_c: float, limits_c: tuple[float, float]) -> None:
    """``InstrumentError`` if no chamber with these limits can have air of ``temp_c``."""
    lowest_c, highest_c = min(limits_c[0], HALL_C[0]) - SENSOR_MARGIN_K, max(limits_c[1], HALL_C[1]) + SENSOR_MARGIN_K
    if not lowest_c <= temp_c <= highest_c:
        raise InstrumentError(
            f"{role}: it measures {temp_c:g} degC, outside {lowest_c:g} to {highest_c:g} degC: its sensor is broken or "
            "saturated; see its panel"
        )
