"""The LCD glass: which segments are lit by what stands in the controller's RAM, and what somebody reads off them.

Built from the layout in docs/reference/display.md and nothing else: if the firmware's driver has it differently, a
wrong digit is to be seen, as on a real meter.
"""

from __future__ import annotations

from dataclasses import dataclass

RAM_BYTES = 14
DIGITS = 9

_MARKS = {
    9: {0: "colon5", 1: "colon7", 4: "wan1", 5: "wan2", 6: "wan3", 7: "wan4"},
    10: {
        0: "icon.TAMPER",
        1: "icon.LOW_BATTERY_EXTERNAL",
        2: "icon.LOW_BATTERY_INTERNAL",
        3: "icon.WAN",
        4: "icon.DRY",
        5: "icon.LEAK",
        6: "icon.BURST",
        7: "icon.SMALL_CREDIT",
    },
    11: {
        0: "icon.TRANSPORTATION",
        1: "icon.VALVE_CLOSED",
        2: "icon.SUPPLY_LIMITED",
        3: "icon.REVERSE",
        4: "icon.FLOW",
    },
    12: {0: "unit.m³", 1: "unit./h", 2: "unit.°C", 3: "unit.MPa", 4: "unit.%"},
    13: {
        0: "caption.TOTAL",
        1: "caption.REVERSE",
        2: "caption.WATER",
        3: "caption.AMBIENT",
        4: "caption.INFO",
        5: "caption.SW",
        6: "caption.CRC",
        7: "caption.TEST",
    },
}
"""Byte, then bit."""


def _wiring() -> dict[str, tuple[int, int]]:
    wires = {f"digit{n}.{part}": (n - 1, bit) for n in range(1, DIGITS + 1) for bit, part in enumerate("abcdefg")}
    wires |= {f"point{n}": (n - 1, 7) for n in range(1, DIGITS)}
    return wires | {name: (byte, bit) for byte, names in _MARKS.items() for bit, name in names.items()}


WIRING = _wiring()
"""Every segment of the glass, and the byte and bit of the RAM that drive it."""

_READ_AS = {
    "": " ",
    "g": "-",
    "abcdef": "0",
    "bc": "1",
    "abdeg": "2",
    "abcdg": "3",
    "bcfg": "4",
    "acdfg": "5",
    "acdefg": "6",
    "abc": "7",
    "abcdefg": "8",
    "abcdfg": "9",
    "abcefg": "A",
    "cdefg": "b",
    "adef": "C",
    "bcdeg": "d",
    "adefg": "E",
    "aefg": "F",
    "bcefg": "H",
    "cefg": "h",
    "def": "L",
    "ceg": "n",
    "cdeg": "o",
    "abefg": "P",
    "eg": "r",
    "defg": "t",
    "bcdef": "U",
    "cde": "u",
}
UNREADABLE = "?"


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody sees who looks at the glass."""

    text: str
    """The nine places with blanks, points and colons; ``UNREADABLE`` for what is no character."""
    unit: str
    """``m³``, ``m³/h``, ``°C`` …; empty if none is lit."""
    icons: frozenset[str]
    """By the names of Table 8."""
    captions: frozenset[str]
    wan_bars: int

    def __str__(self) -> str:
        return " ".join(filter(None, [self.text.strip(), self.unit, *sorted(self.captions), *sorted(self.icons)]))


class Glass:
    """One unit's glass and its controller. It starts without supply."""

    def __init__(self, broken: frozenset[str] = frozenset()) -> None:
        """``broken``: segments (keys of ``WIRING``) that stay off whatever drives them."""
        if unknown := broken - WIRING.keys():
            raise ValueError(f"the glass has no segment {', '.join(sorted(unknown))}")
        self._broken = broken
        self._supplied = False
        self._ram = bytes(RAM_BYTES)

    def supply(self, on: bool) -> None:
        """Switch the supply. Without it the glass is blank, and the RAM forgets."""
        self._supplied = on
        if not on:
            self._ram = bytes(RAM_BYTES)

    def write(self, ram: bytes) -> None:
        """Fill the controller's RAM; lost without supply. ``ValueError`` for another length."""
        if len(ram) != RAM_BYTES:
            raise ValueError(f"the LCD controller has {RAM_BYTES} bytes of RAM, not {len(ram)}: {ram.hex(' ')}")
        if self._supplied:
            self._ram = ram

    @property
    def lit(self) -> frozenset[str]:
        """The segments that are to be seen, by the names in ``WIRING``."""
        driven = (name for name, (byte, bit) in WIRING.items() if self._ram[byte] >> bit & 1)
        return frozenset(driven) - self._broken

    def read_text(self) -> Reading:
        """What a camera or a person makes of ``lit``."""
        return read_segments(self.lit)


def read_segments(lit: frozenset[str]) -> Reading:
    """What lit segments say."""
    text = ""
    for n in range(1, DIGITS + 1):
        shape = "".join(part for part in "abcdefg" if f"digit{n}.{part}" in lit)
        text += _READ_AS.get(shape, UNREADABLE)
        text += "." * (f"point{n}" in lit) + ":" * (f"colon{n}" in lit)
    return Reading(
        text=text,
        unit="".join(_printed("unit.", lit)),
        icons=frozenset(_printed("icon.", lit)),
        captions=frozenset(_printed("caption.", lit)),
        wan_bars=sum(name.startswith("wan") for name in lit),
    )


def _printed(kind: str, lit: frozenset[str]) -> list[str]:
    """What is printed on the lit segments of a kind, from left to right."""
    return [name.removeprefix(kind) for name in WIRING if name.startswith(kind) and name in lit]
