"""What a chamber must have said more than once before it counts: its wire has no checksum.

A digit that was changed on the way looks like any other. It is outvoted: what stands still must be said twice running,
and of temperature and humidity, which move, no more than one reading may stand apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median_low
from typing import TypeVar

from meterbench.errors import InstrumentError, ProtocolError

SameT = TypeVar("SameT")

ROUNDS = 4
"""Enough for one answer that was changed, or one restart in between: two that agree follow."""
MOVES_K = 0.3
"""What the air can move in the second or two that a few readings take: 5 K/min, and a step of the display."""
MOVES_PERCENT = 2.0
"""The same of the relative humidity: half a percent in a second, and two steps of a display in whole percent."""
NOT_MEASURED_PERCENT = -1.0
"""For a reading that a chamber leaves out: beyond what can be measured."""
_ROUNDING_K = 1e-6
SENSOR_MARGIN_K = 10.0
"""The air cannot be so far outside of both the chamber's limits and a hall's temperatures: its sensor is broken."""
HALL_C = (0.0, 50.0)
MEASURABLE_PERCENT = (0.0, 105.0)
"""A humidity sensor at the dew point shows a little more than there can be."""


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


def agreed_humidity_percent(role: str, readings_percent: Sequence[float], ask: Callable[[], float]) -> float:
    """What two or more readings in a row all say; if they do not, the one in the middle with another that is asked for.

    NaN if that is nothing that can be measured: a sensor that broke in dry air must not end a test that needs none.
    ``ProtocolError`` if more than one stands apart.
    """
    readings = list(readings_percent)
    if any(reading != readings[0] for reading in readings) or len(readings) < 2:
        readings.append(ask())
    middle = median_low(readings)
    if sum(abs(reading - middle) <= MOVES_PERCENT + _ROUNDING_K for reading in readings) < max(2, len(readings) - 1):
        said = ", ".join(f"{reading:g}" for reading in readings)
        raise ProtocolError(
            f"{role}: asked for its humidity {len(readings)} times in a row, got {said} %: they do not agree within "
            f"{MOVES_PERCENT:g} %; check the cable"
        )
    lowest, highest = MEASURABLE_PERCENT
    return middle if lowest <= middle <= highest else math.nan


def refuse_humidity(role: str, humidity_percent: float, limits_percent: tuple[float, float] | None) -> None:
    """``InstrumentError`` if a chamber with these limits, None without humidity, cannot be set to it."""
    if limits_percent is None:
        raise InstrumentError(
            f"{role}: asked for {humidity_percent:g} % relative humidity, but this chamber has no humidity control; "
            "take one that has"
        )
    lowest, highest = limits_percent
    if not lowest <= humidity_percent <= highest:
        raise InstrumentError(
            f"{role}: {humidity_percent!r} % relative humidity not set; this chamber takes {lowest:g} to {highest:g} %"
        )
