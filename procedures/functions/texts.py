"""What a person typed of the display's screens, read strictly: what is none of it never becomes a number."""

from __future__ import annotations

import re

from meterbench.procedures.trial import NotDone

DAY_S = 86_400
_DATE = re.compile(r"\d{4}[.-](0[1-9]|1[0-2])[.-](0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)")
_FLOW = re.compile(r"(-?\d{1,3}[.,]\d{1,6})\s*m(?:3|³)/h")
_TEMPERATURE = re.compile(r"(-?\d{1,2}(?:[.,]\d{1,3})?)\s*°C")
_FLAGS = re.compile(r"[0-9A-Fa-f]{1,8}")
_UNIT = re.compile(r"(m(?:3|³)(/h)?|°C|MPa|%)")
_VALUE = re.compile(r"-?\d+[.,]\d+")
_OF_SOFTWARE = {"SW", "CRC"}


def flags(text: str) -> int:
    """An info code; ``NotDone`` for what is no hexadecimal number."""
    if _FLAGS.fullmatch(text.strip()) is None:
        raise NotDone(f"{text!r} is no info code: expected is a hexadecimal number")
    return int(text, 16)


def flow_l_h(text: str) -> float:
    """A flow rate of ``-15.7500 m³/h``, negative in reverse; ``NotDone`` for anything else."""
    return 1000.0 * _number(_FLOW, text, "a flow rate: expected is 15.7500 m³/h")


def temp_c(text: str) -> float:
    """A temperature of ``21.5 °C``; ``NotDone`` for anything else."""
    return _number(_TEMPERATURE, text, "a temperature: expected is 21.5 °C")


def is_date(text: str) -> bool:
    """A date as ``2026.03.14``: dashes, as of a clock that is not valid, are none."""
    return _DATE.fullmatch(text.strip()) is not None


def second_of_day(text: str) -> int | None:
    """Of a time as ``15:09:26``; None for what is none, such as the dashes of a clock that is not valid."""
    found = _TIME.fullmatch(text.strip())
    return None if found is None else 3600 * int(found[1]) + 60 * int(found[2]) + int(found[3])


def elapsed_s(first: int, second: int) -> float:
    """Between two seconds of the day less than a day apart."""
    return float((second - first) % DAY_S)


def lacks_unit(screen: str) -> bool:
    """A screen with a measured value, which has a decimal point, and without a unit beside it."""
    words = screen.split()
    is_value = bool(words) and _VALUE.fullmatch(words[0]) is not None and not _OF_SOFTWARE.intersection(words)
    return is_value and not any(_UNIT.fullmatch(word) for word in words[1:])


def is_volume(screen: str) -> bool:
    """The forward total: digits, its unit, and no word of the reverse total."""
    words = screen.split()
    return (
        len(words) >= 2
        and _VALUE.fullmatch(words[0]) is not None
        and words[1] in ("m³", "m3")
        and "REVERSE" not in (word.upper() for word in words)
    )


def decimals(text: str) -> tuple[int, int]:
    """Digits before and after the point of a volume; (0, 0) for what is none in m³."""
    found = re.fullmatch(r"(\d{1,9})[.,](\d{1,9})\s*m(?:3|³)", text.strip())
    return (0, 0) if found is None else (len(found[1]), len(found[2]))


def _number(pattern: re.Pattern[str], text: str, what: str) -> float:
    found = pattern.fullmatch(text.strip())
    if found is None:
        raise NotDone(f"{text!r} is not {what}")
    return float(found[1].replace(",", "."))
