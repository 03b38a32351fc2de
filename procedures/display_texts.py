"""What a person typed of a display or a gauge, read strictly: a text that is none of it never becomes a number."""

from __future__ import annotations

import re

from meterbench.procedures.trial import NotDone

_VOLUME = re.compile(r"(-?)(\d{1,9})[.,](\d{1,6})\s*m(?:3|³)")
_NUMBER = re.compile(r"[+-]?\d{1,6}(?:[.,]\d{1,6})?")


def volume_l(text: str) -> tuple[float, float]:
    """Volume in L and its step in L, of ``000123.456789 m³``; ``NotDone`` for anything else."""
    found = _VOLUME.fullmatch(text.strip())
    if found is None:
        raise NotDone(f"{text!r} is no volume of a display: expected is 000123.456789 m³, with all digits")
    sign, whole, decimals = found.groups()
    litres = int(whole + decimals) * 10.0 ** (3 - len(decimals))
    return -litres if sign else litres, 10.0 ** (3 - len(decimals))


def number(text: str, unit: str, lowest: float, highest: float) -> float:
    """A number with or without its unit; ``NotDone`` for anything else, and beyond ``lowest`` to ``highest``."""
    bare = text.strip().removesuffix(unit).strip()
    if _NUMBER.fullmatch(bare) is None:
        raise NotDone(f"{text!r} is no number of {unit}")
    value = float(bare.replace(",", "."))
    if not lowest <= value <= highest:
        raise NotDone(f"{text!r}: {value:g} {unit} cannot be; possible are {lowest:g} to {highest:g}")
    return value


def icons(text: str) -> frozenset[str]:
    """The icons of a list with commas, in lower case; empty for ``none``. ``NotDone`` for an empty answer."""
    names = frozenset(part.strip().casefold() for part in text.split(",") if part.strip())
    if not names:
        raise NotDone("no icon was entered: if the display shows none, enter none")
    return names - {"none"}


BLANK = frozenset({"blank", "nothing", "nothing to be seen"})
"""What is entered of a display that shows nothing at all."""


def low_battery(shown: frozenset[str]) -> bool:
    """One of the icons warns of a low battery, whichever source it is."""
    return any(name.replace("_", " ").startswith("low battery") for name in shown)
