"""Kinds of parameters: how each is read from a message and printed in an answer (SCPI-99 volume 1, chapter 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.syntax import HeaderPattern

T = TypeVar("T")

INFINITY = 9.9e37
NOT_A_NUMBER = 9.91e37
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?)\s*([A-Za-z]*)")
_CHANNELS = re.compile(r"\(@\s*\d+(?:\s*[,:]\s*\d+)*\s*\)")
_PREFIXES = {
    "EX": 1e18, "PE": 1e15, "T": 1e12, "G": 1e9, "MA": 1e6, "K": 1e3, "": 1.0,
    "M": 1e-3, "U": 1e-6, "N": 1e-9, "P": 1e-12, "F": 1e-15, "A": 1e-18,
}  # fmt: skip
_MEGA_BY_M = ("OHM", "HZ")
"""Units whose M means mega (IEEE 488.2, 7.7.3.3)."""


class Parameter(Protocol[T]):
    """Reads and prints one kind of value."""

    def parse(self, text: str) -> T:
        """The value of ``text``; ``ScpiError`` if it has none."""

    def show(self, value: T) -> str:
        """``value`` as an answer."""


def nr3(value: float, digits: int = 8, exponent_digits: int = 2) -> str:
    """``value`` as ``+1.00000000E+03``."""
    mantissa, _, exponent = f"{value:+.{digits}E}".partition("E")
    return f"{mantissa}E{exponent[0]}{exponent[1:].zfill(exponent_digits)}"


def block(payload: bytes) -> str:
    """``payload`` as a block of definite length (IEEE 488.2, 8.7.9); answers are text in Latin-1, which keeps bytes."""
    length = str(len(payload))
    return f"#{len(length)}{length}{payload.decode('latin-1')}"


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number from ``low`` to ``high``, with an optional ``unit``; ``keywords`` stand for numbers."""

    low: float
    high: float
    unit: str = ""
    keywords: dict[str, float] = field(default_factory=dict)

    def parse(self, text: str) -> float:
        """The number in base units; -104 if it is none, -131 or -138 for its unit, -222 outside the limits."""
        for keyword, value in {"MINimum": self.low, "MAXimum": self.high, **self.keywords}.items():
            if HeaderPattern(keyword).match(text.upper()) is not None:
                return value
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise ScpiError(-104, text)
        value = float(match[1]) * self._multiplier(match[2].upper())
        if not self.low <= value <= self.high:
            raise ScpiError(-222, text)
        return value

    def show(self, value: float) -> str:
        """As NR3."""
        return nr3(value)

    def _multiplier(self, suffix: str) -> float:
        if not suffix:
            return 1.0
        if not self.unit:
            raise ScpiError(-138, suffix)
        prefix = suffix.removesuffix(self.unit)
        if not suffix.endswith(self.unit) or prefix not in _PREFIXES:
            raise ScpiError(-131, suffix)
        return 1e6 if prefix == "M" and self.unit in _MEGA_BY_M else _PREFIXES[prefix]


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from ``low`` to ``high``; others are rounded, as IEEE 488.2 wants it."""

    low: int
    high: int

    def parse(self, text: str) -> int:
        """As for ``Number``."""
        return round(Number(self.low, self.high).parse(text))

    def show(self, value: int) -> str:
        """As NR1."""
        return str(value)


class Choice:
    """One of several words, in manual's spelling (``EXTernal``); the value is the short form."""

    def __init__(self, *words: str) -> None:
        self._patterns = {"".join(char for char in word if not char.islower()): HeaderPattern(word) for word in words}

    def parse(self, text: str) -> str:
        """The short form; -224 if it is none of the words."""
        for short, pattern in self._patterns.items():
            if pattern.match(text.upper()) is not None:
                return short
        raise ScpiError(-224, text)

    def show(self, value: str) -> str:
        """The short form."""
        return value


@dataclass(frozen=True, slots=True)
class Boolean:
    """``ON``, ``OFF``, or a number that is not zero or is."""

    def parse(self, text: str) -> bool:
        """-104 if it is neither word nor number."""
        return Number(-INFINITY, INFINITY, keywords={"ON": 1.0, "OFF": 0.0}).parse(text) != 0

    def show(self, value: bool) -> str:
        """``1`` or ``0``."""
        return str(int(value))


@dataclass(frozen=True, slots=True)
class Text:
    """A string in single or double quotes, doubled inside."""

    def parse(self, text: str) -> str:
        """The text without quotes; -104 if it has none, -151 if they do not pair."""
        quote = text[:1]
        if quote not in ("'", '"'):
            raise ScpiError(-104, text)
        inside = text[1:-1].replace(quote * 2, "")
        if len(text) < 2 or not text.endswith(quote) or quote in inside:
            raise ScpiError(-151)
        return text[1:-1].replace(quote * 2, quote)

    def show(self, value: str) -> str:
        """In double quotes."""
        return '"' + value.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Channels:
    """A channel list such as ``(@1,3:5)`` of channels from ``low`` to ``high``."""

    low: int
    high: int

    def parse(self, text: str) -> tuple[int, ...]:
        """The channels in the order given; -104 if it is no list, -222 for a channel that is not there."""
        if _CHANNELS.fullmatch(text) is None:
            raise ScpiError(-104, text)
        channels: list[int] = []
        for item in text[2:-1].split(","):
            ends = [int(end) for end in item.split(":")]
            if len(ends) > 2 or any(not self.low <= end <= self.high for end in ends):
                raise ScpiError(-222, text)
            channels.extend(range(ends[0], ends[-1] + 1))
        return tuple(channels)

    def show(self, value: tuple[int, ...]) -> str:
        """One by one."""
        return f"(@{','.join(map(str, value))})"
