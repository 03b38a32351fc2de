"""The glass as text for a terminal: icons in words, digits in three lines, and the captions, in a box."""

from __future__ import annotations

from textwrap import wrap

from meterbench.dut.reference_meter.hardware.lcd import DIGITS, read_segments
from meterbench.dut.reference_meter.lcd_picture.glass import CAPTIONS, ICON_ROW

INNER_WIDTH = 56
_WORDS = {
    "LOW_BATTERY_EXTERNAL": "EXT.BATTERY",
    "LOW_BATTERY_INTERNAL": "INT.BATTERY",
    "SMALL_CREDIT": "CREDIT",
    "VALVE_CLOSED": "VALVE CLOSED",
    "SUPPLY_LIMITED": "LIMITED",
    "TRANSPORTATION": "TRANSPORT",
}
"""The other icons are called what they are."""
_BARS = "▂▄▆█"


def terminal_picture(lit: frozenset[str]) -> str:
    """Lines of the same length, without a line end after the last; what is not lit is left out.

    ``lit``: the segments that are lit, by their names on the glass (``hardware.lcd.WIRING``).
    """
    reading = read_segments(lit)
    icons = [_word(name, lit) for name in ICON_ROW if name in reading.icons]
    above = wrap("  ".join(icons), INNER_WIDTH, break_on_hyphens=False) or [""]
    captions = "  ".join(caption for caption in CAPTIONS if caption in reading.captions)
    lines = [*above, *_digit_lines(lit, reading.unit), captions]
    box = [f"│ {line:<{INNER_WIDTH}} │" for line in lines]
    edge = "─" * (INNER_WIDTH + 2)
    return "\n".join([f"╭{edge}╮", *box, f"╰{edge}╯"])


def _word(icon: str, lit: frozenset[str]) -> str:
    bars = "".join(bar if f"wan{n}" in lit else "·" for n, bar in enumerate(_BARS, start=1))
    return f"WAN {bars}" if icon == "WAN" else _WORDS.get(icon, icon)


def _digit_lines(lit: frozenset[str], unit: str) -> list[str]:
    """The signs of the flow, the digits with the points and colons after them, and the unit."""

    def mark(character: str, segment: str) -> str:
        return character if segment in lit else " "

    top, upper, lower = "  ", mark("+", "icon.FLOW") + " ", mark("−", "icon.REVERSE") + " "
    for n in range(1, DIGITS + 1):
        a, b, c, d, e, f, g = (f"digit{n}.{part}" for part in "abcdefg")
        colon = mark(":", f"colon{n}")
        top += f" {mark('_', a)}  "
        upper += f"{mark('|', f)}{mark('_', g)}{mark('|', b)} "
        lower += f"{mark('|', e)}{mark('_', d)}{mark('|', c)}" + mark(".", f"point{n}").replace(" ", colon)
    return [top, upper, f"{lower} {unit}"]
