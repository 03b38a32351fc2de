"""Seven segments: which of them make a character, and how a text comes to stand on the nine places.

::

     a
   f   b
     g
   e   c
     d
"""

from __future__ import annotations

from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.display.number_text import DISPLAY_DIGITS

A, B, C, D, E, F, G = (1 << bit for bit in range(7))
ALL_SEGMENTS = A | B | C | D | E | F | G
POINTS = frozenset(range(1, DISPLAY_DIGITS))
"""A decimal point stands right of each of these digits, counted from the left."""
COLONS = frozenset({5, 7})
"""A colon stands right of each of these: hours, minutes and seconds on the last six digits."""

PATTERNS = {
    " ": 0,
    "-": G,
    "0": A | B | C | D | E | F,
    "1": B | C,
    "2": A | B | D | E | G,
    "3": A | B | C | D | G,
    "4": B | C | F | G,
    "5": A | C | D | F | G,
    "6": A | C | D | E | F | G,
    "7": A | B | C,
    "8": ALL_SEGMENTS,
    "9": A | B | C | D | F | G,
    "A": A | B | C | E | F | G,
    "b": C | D | E | F | G,
    "C": A | D | E | F,
    "d": B | C | D | E | G,
    "E": A | D | E | F | G,
    "F": A | E | F | G,
    "H": B | C | E | F | G,
    "h": C | E | F | G,
    "L": D | E | F,
    "n": C | E | G,
    "o": C | D | E | G,
    "P": A | B | E | F | G,
    "r": E | G,
    "t": D | E | F | G,
    "U": B | C | D | E | F,
    "u": C | D | E,
}
"""No two alike: letters that could only be shown as a digit (g, I, q, S, Z) are not shown at all."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A text on the glass: the pattern of each of the nine digits, and after which of them a point or colon stands."""

    digits: tuple[int, ...]
    points: frozenset[int]
    colons: frozenset[int]


def spell(text: str) -> Spelling:
    """Put a text to the right end of the glass; ``ValueError`` if it cannot be shown.

    Points and colons take no place of their own. A letter that has one case only is shown in that.
    """
    characters = [character for character in text if character not in ".:"]
    place = DISPLAY_DIGITS - len(characters)
    if place < 0:
        raise ValueError(f"{text!r} needs {len(characters)} places; the display has {DISPLAY_DIGITS}")
    digits = [0] * place
    points, colons = set[int](), set[int]()
    for character in text:
        if character == ".":
            points.add(place)
        elif character == ":":
            colons.add(place)
        else:
            digits.append(_pattern(character, text))
            place += 1
    if not (points <= POINTS and colons <= COLONS and len(points) + len(colons) + len(characters) == len(text)):
        raise ValueError(f"{text!r} has a point or a colon where the display has none")
    return Spelling(tuple(digits), frozenset(points), frozenset(colons))


def _pattern(character: str, text: str) -> int:
    for case in (character, character.swapcase()):
        if case in PATTERNS:
            return PATTERNS[case]
    raise ValueError(f"{text!r}: seven segments cannot show {character!r}")
