"""One frame of the LCD: what is lit on the glass, and the bits that the driver writes to the LCD controller's RAM.

The technical description shows the glass in a picture only (figure 5): which segments there are besides nine digits and
the icons of Table 8, and which bit drives which, is our own design, written down in docs/reference/display.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from meterbench.dut.reference_meter.metrology.display.number_text import DISPLAY_DIGITS
from meterbench.dut.reference_meter.metrology.display.segments import ALL_SEGMENTS, COLONS, POINTS

RAM_BYTES = 14
"""[design] 28 segment lines at four backplanes."""
WAN_BARS = 4
_POINT = 1 << 7
"""In the byte of the digit that it follows."""
_COLON_BITS = {5: 72, 7: 73}
_WAN_BAR_BITS = (76, 77, 78, 79)


class Icon(Enum):
    """The icons of Table 8 (ADR-072). The number is the icon's bit in the RAM: eight times the byte, plus the bit."""

    TAMPER = 80
    LOW_BATTERY_EXTERNAL = 81
    LOW_BATTERY_INTERNAL = 82
    WAN = 83
    DRY = 84
    LEAK = 85
    BURST = 86
    SMALL_CREDIT = 87
    TRANSPORTATION = 88
    VALVE_CLOSED = 89
    SUPPLY_LIMITED = 90
    REVERSE = 91
    """The minus."""
    FLOW = 92
    """The plus."""


class Unit(Enum):
    """The units of the screens, by their bits in the RAM: cubic metres an hour are ``m3`` and ``/h`` together."""

    M3 = (96,)
    M3_H = (96, 97)
    DEG_C = (98,)
    MPA = (99,)
    PERCENT = (100,)


class Caption(Enum):
    """[design] Words on the glass that tell apart what has the same unit, or none. The number is the bit in the RAM."""

    TOTAL = 104
    REVERSE = 105
    WATER = 106
    AMBIENT = 107
    INFO = 108
    SOFTWARE = 109
    CHECKSUM = 110
    TEST = 111


@dataclass(frozen=True, slots=True)
class Frame:
    """What is lit. Digits, and the points and colons after them, are counted from 1 at the left."""

    digits: tuple[int, ...]
    """Seven-segment pattern of each of the nine digits."""
    points: frozenset[int] = frozenset()
    colons: frozenset[int] = frozenset()
    units: frozenset[Unit] = frozenset()
    """One at the most, but in the segment test."""
    captions: frozenset[Caption] = frozenset()
    icons: frozenset[Icon] = frozenset()
    wan_bars: int = 0
    """Level of the WAN signal, 0 to 4."""

    def __post_init__(self) -> None:
        if len(self.digits) != DISPLAY_DIGITS or not all(0 <= pattern <= ALL_SEGMENTS for pattern in self.digits):
            raise ValueError(f"a frame has {DISPLAY_DIGITS} digits of seven segments, not {self.digits}")
        if not (self.points <= POINTS and self.colons <= COLONS):
            raise ValueError(f"no points after {set(self.points)} or no colons after {set(self.colons)} on the glass")
        if not 0 <= self.wan_bars <= WAN_BARS:
            raise ValueError(f"{self.wan_bars} bars of WAN signal; the glass has {WAN_BARS}")

    def bits(self) -> bytes:
        """The drive pattern: the whole RAM of the LCD controller. Bits without a segment are 0."""
        ram = bytearray(RAM_BYTES)
        ram[:DISPLAY_DIGITS] = bytes(self.digits)
        for digit in self.points:
            ram[digit - 1] |= _POINT
        lit = [_COLON_BITS[digit] for digit in self.colons]
        lit += _WAN_BAR_BITS[: self.wan_bars]
        lit += [mark.value for mark in (*self.icons, *self.captions)]
        lit += [bit for unit in self.units for bit in unit.value]
        for bit in lit:
            ram[bit // 8] |= 1 << bit % 8
        return bytes(ram)


EVERYTHING = Frame(
    digits=(ALL_SEGMENTS,) * DISPLAY_DIGITS,
    points=POINTS,
    colons=COLONS,
    units=frozenset(Unit),
    captions=frozenset(Caption),
    icons=frozenset(Icon),
    wan_bars=WAN_BARS,
)
"""The segment test (ADR-071), in its first half."""
NOTHING = Frame(digits=(0,) * DISPLAY_DIGITS)
"""In its second half: what is still lit then is lit for ever."""
