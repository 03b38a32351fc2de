"""How supplies are asked for numbers: twice, since nothing on a socket protects a digit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from meterbench.errors import InstrumentError, ProtocolError
from meterbench.instruments.links.visa_link import INFINITY, VisaLink

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[Ee][+-]?\d+)?")
STEADY_ATTEMPTS = 4
MOST_VOLTAGE_V, MOST_CURRENT_MA = 4.0, 600.0
"""What a meter's supply input is given at the most, whatever the box could: the bench's electrical rule."""
SET_POINT_PART, SET_POINT_LEAST = 1e-3, 2e-4
"""How far a set-point that is read back may be rounded: of itself, and in V, A, ohm or percent."""


def numbers_twice(link: VisaLink, queries: Sequence[str]) -> list[float]:
    """The number that each of ``queries`` answers; all are asked twice in one message, and must say the same.

    ``ProtocolError`` if they do not, and else as ``VisaLink.query``.
    """
    message = ";:".join([*queries, *queries])
    answers = link.query(message).split(";")
    half = len(queries)
    if answers[:half] != answers[half:] or not all(_NUMBER.fullmatch(answer) for answer in answers):
        link.fail(ProtocolError, message, ";".join(answers), "not the same numbers twice", "repeat the question")
    numbers = [float(answer) for answer in answers[:half]]
    if any(abs(number) >= INFINITY for number in numbers):
        link.fail(InstrumentError, message, ";".join(answers), "that is no number", "see its display")
    return numbers


def steady_numbers(link: VisaLink, query: str, tolerances: Sequence[tuple[float, float]]) -> list[float]:
    """The comma-separated numbers that ``query`` measures: two readings in a row that agree, and of them the first.

    ``tolerances``: for each number a part of it, and an amount. ``InstrumentError`` for an overload, or if the readings
    do not agree in four attempts: what changes so fast has to be logged.
    """
    message = f"{query};:{query}"
    left = STEADY_ATTEMPTS
    while True:
        answer = link.query(message)
        left -= 1
        first, again = (_fields(link, message, answer, half, len(tolerances)) for half in (0, 1))
        if max(map(abs, first + again)) >= INFINITY:
            link.fail(InstrumentError, message, answer, "the current is beyond its range", "check the load and range")
        if all(
            abs(one - other) <= part * abs(one) + amount
            for one, other, (part, amount) in zip(first, again, tolerances, strict=True)
        ):
            return first
        if left == 0:
            why = "no two readings in a row agree: it is not steady"
            link.fail(InstrumentError, message, answer, why, "log it instead")


def _fields(link: VisaLink, message: str, answer: str, half: int, count: int) -> list[float]:
    answers = answer.split(";")
    fields = answers[half].split(",") if len(answers) == 2 else []
    if len(fields) != count or not all(_NUMBER.fullmatch(field) for field in fields):
        link.fail(ProtocolError, message, answer, f"not {count} numbers, twice", "repeat the measurement")
    return [float(field) for field in fields]


def check_set_points(link: VisaLink, wanted: dict[str, float]) -> None:
    """Ask each query in ``wanted`` back; ``InstrumentError`` if the box has another value than it was sent."""
    for (query, expected), found in zip(wanted.items(), numbers_twice(link, list(wanted)), strict=True):
        if abs(found - expected) > max(SET_POINT_PART * abs(expected), SET_POINT_LEAST):
            why = f"it has {found:g}, not {expected:g} as it should"
            link.fail(InstrumentError, query, f"{found:g}", why, "set the output again")


def check_rule(link: VisaLink, voltage_v: float, current_limit_ma: float, overvoltage_v: float) -> None:
    """``InstrumentError`` for what no meter may be given; nothing has been sent yet then."""
    if not 0.0 <= voltage_v <= overvoltage_v:
        refuse(link, f"{voltage_v:g} V is outside of 0 to {overvoltage_v:g} V, where its protection trips")
    if not 1.0 <= current_limit_ma <= MOST_CURRENT_MA:
        refuse(link, f"a limit of {current_limit_ma:g} mA is outside of 1 to {MOST_CURRENT_MA:g} mA")


def refuse(link: VisaLink, why: str) -> NoReturn:
    """``InstrumentError``: the bench does not ask the box for this."""
    link.fail(InstrumentError, "", "", why, "nothing was changed; ask for less")
