"""Driver of balances that speak Sartorius SBI (grammar and rules: instruments.md 2.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal, NoReturn

from meterbench.errors import InstrumentError
from meterbench.instruments.balance.stable_weighing import UNITS_G, StableReading, in_grams, two_equal
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

RESYNCHRONISE_S = 2.0
"""Wall seconds that a balance may take to tell its serial number."""
PRINT = "\x1bP"
MODEL, SERIAL, SOFTWARE = "\x1bx1_", "\x1bx2_", "\x1bx3_"

_BLOCK = re.compile(r"(?P<id>[A-Z][A-Za-z0-9# ]{5})?(?P<text>.{14})")
"""16 characters with CR LF, or 22 with an identification before them."""
_WEIGHT = re.compile(r"(?P<sign>[+ -])(?=.{9} ) *(?P<number>\d+(?:\.(?P<decimals>\d+))?) (?P<unit>.{3})")
_NO_WEIGHT = "Stat"
_NET = "N"
_SPECIALS = {
    "High": "the pan is overloaded: take load off",
    "Low": "the pan is underloaded: is the tank on it?",
    "Cal.Int.": "it is adjusting itself with its internal weight: wait until it is done",
    "Cal.Ext.": "it waits for an external adjustment weight: end the adjustment at the balance",
    "APP.ERR": "its application reports an error: end the application at the balance",
    "DIS.ERR": "its display reports an error: the value does not fit",
    "PRT.ERR": "its interface is blocked: check the interface settings in its menu",
}
_ERROR = re.compile(r"Err +(\d+)")


class SbiSettings(DriverSettings):
    """The serial port as the balance's menu sets it; the defaults are the factory's."""

    baudrate: Literal[600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "O"
    stopbits: Literal[1, 2] = 1


class SbiBalance:
    """A ``Balance``. Not opened yet when made: use ``open_sartorius_sbi``.

    The wire has no checksum, so a reading counts only if the one before it was stable, too, and the same within one
    step of the display. A balance that restarts says nothing, but does not answer while it tests itself: a weighing
    that meets this fails; one that comes later cannot know that the zero has moved.
    """

    def __init__(self, role: str, link: SerialLink, clock: Clock) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self.readability_g = math.nan
        self._link = link
        self._clock = clock
        self._serial_line = ""
        """As the balance said it: the barrier's reply after a time-out."""

    def open(self) -> None:
        """Connect and read the identity, each part twice."""
        self._link.open()
        self._resynchronise()
        # Another late identity would pass for the serial number here; asked again, it does not.
        if (again := self._link.exchange(SERIAL)) != self._serial_line:
            self._link.fail_protocol(SERIAL, again, f"it said a moment ago that it was {self._serial_line!r}")
        model, software = self._told_twice(MODEL), self._told_twice(SOFTWARE)
        self.identity = Identity("Sartorius", model, self._serial_line.strip(), software)

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def weigh_stable_g(self, deadline_s: float) -> float:
        """Polls with ``ESC P``; the balance's menu must let it print at once, stable or not."""

        def ask() -> tuple[str, StableReading | None]:
            with self._link.lock:
                if self._link.stale:
                    self._resynchronise()
                line = self._link.exchange(PRINT)
            return line, self._stable_reading(line)

        reading = two_equal(ask, self.role, "ESC P", self._clock, deadline_s)
        self.readability_g = reading.step_g
        return reading.mass_g

    def _stable_reading(self, line: str) -> StableReading | None:
        """None for a reading without a unit, which is how SBI says that it is not stable."""
        block = _BLOCK.fullmatch(line)
        if block is None:
            self._link.fail_protocol(PRINT, line, "not a line of SBI: 14 characters expected, or 20")
        name, text = (block["id"] or "").strip(), block["text"]
        if name in ("", _NO_WEIGHT) and (text.strip() in _SPECIALS or _ERROR.fullmatch(text.strip())):
            self._refuse(line, text.strip())
        weight = _WEIGHT.fullmatch(text)
        if weight is None or name not in ("", _NET):
            self._link.fail_protocol(PRINT, line, "not a net weight of SBI")
        unit = weight["unit"].strip()
        if not unit:
            return None
        if unit not in UNITS_G:
            self._link.fail_protocol(PRINT, line, f"the unit is {unit!r}, not g or kg")
        return in_grams(weight["sign"].strip() + weight["number"].strip(), weight["decimals"], unit)

    def _refuse(self, line: str, text: str) -> NoReturn:
        meaning = _SPECIALS.get(text, "it reports a fault of its own; see its manual")
        raise InstrumentError(f"{self.role}: asked ESC P, got {line!r}: {meaning}")

    def _told_twice(self, command: str) -> str:
        """A line of text without blanks at its ends, the same twice."""
        line, again = self._link.exchange(command), self._link.exchange(command)
        if line != again or not line.strip().isprintable() or not line.strip():
            self._link.fail_protocol(command, again, f"not the same text twice, {line!r} before")
        return line.strip()

    def _resynchronise(self) -> None:
        """Ask for the serial number until it comes.

        A late weight is none: it has a blank or a sign first. Once known, only this very number counts, so no other
        balance answers in its place.
        """
        known = self._serial_line

        def is_serial(line: str) -> bool:
            if known:
                return line == known
            block = _BLOCK.fullmatch(line)
            special = block is not None and (block["text"].strip() in _SPECIALS or _ERROR.search(block["text"]))
            weight = block is not None and _WEIGHT.fullmatch(block["text"])
            return bool(line.strip()) and not special and not weight

        self._serial_line = self._link.resynchronise(SERIAL, is_serial, RESYNCHRONISE_S)


def open_sartorius_sbi(place: Place, settings: SbiSettings) -> SbiBalance:
    """Connect to the balance at a serial port, ``socket://host:port`` or ``rfc2217://host:port``."""
    link = SerialLink(place.role, place.address, tape=place.tape, **settings.model_dump())
    balance = SbiBalance(place.role, link, place.clock)
    try:
        balance.open()
    except BaseException:
        balance.close()
        raise
    return balance
