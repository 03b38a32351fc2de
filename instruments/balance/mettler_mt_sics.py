"""Driver of balances that speak Mettler-Toledo MT-SICS (grammar and rules: instruments.md 2.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from meterbench.errors import InstrumentError
from meterbench.instruments.balance.stable_weighing import UNITS_G, StableReading, in_grams, two_equal
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import Place
from meterbench.world.clock import Clock

RESYNCHRONISE_S = 2.0
"""Wall seconds that a balance may take to answer the reset ``@``."""
UNSOLICITED_LINES = 5
"""So many lines that nobody asked for are skipped while looking for a reply."""

_LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9]*)(?: [ABSDIL+-](?: [ -~]*)?)?")
_IDENTITY = re.compile(r'I4 A "([^"]+)"')
_QUOTED = re.compile(r'I[23] A ((?:"[^"]*" ?)+)')
_WEIGHT = re.compile(r"SI? (?P<status>[SD]) (?=.{10} )(?P<number> *-?\d+(?:\.(?P<decimals>\d+))?) (?P<unit>\S+)")
"""The number right-justified in 10 characters; some balances repeat SI where the manual says S."""
_HARDWARE_ERROR = re.compile(r"SI? [SD] +Error +(\d+[bt])")
_ERRORS = {
    "ES": "it does not know the command",
    "ET": "the command was disturbed on its way; check cable, parity and baud rate",
    "EL": "it cannot carry out the command",
}
_OUT_OF_RANGE = {"+": "the pan is overloaded: take load off", "-": "the pan is underloaded: is the tank on it?"}


class MtSicsBalance:
    """A ``Balance``. Not opened yet when made: use ``open_mt_sics``.

    The wire has no checksum, so a reading with a changed digit looks like any other. A reading therefore counts only
    if the one before it was stable, too, and the same within one step of the display.
    """

    def __init__(self, role: str, link: SerialLink, clock: Clock) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self.readability_g = math.nan
        self._link = link
        self._clock = clock

    def open(self) -> None:
        """Connect, reset the interface, read the identity, and ask for grams."""
        self._link.open()
        serial = self._resynchronise()
        if (again := self._ask("I4", "I4")) != f'I4 A "{serial}"':
            self._link.fail_protocol("I4", again, f"it said a moment ago that it was {serial}")
        model, firmware = self._quoted("I2"), self._quoted("I3")
        self.identity = Identity("Mettler-Toledo", model, serial, firmware)
        # A command of level 2: who does not know it is found out by the unit of each reading.
        if (reply := self._ask("M21 0 0", "M21", accepted_errors=("ES",))) not in ("M21 A", "ES"):
            raise InstrumentError(f"{self.role}: asked for readings in g (M21 0 0), got {reply!r}; set its unit to g")

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def weigh_stable_g(self, deadline_s: float) -> float:
        """Polls with ``SI`` and waits on the clock: ``S`` would make the balance wait on its own time."""

        def ask() -> tuple[str, StableReading | None]:
            line = self._ask("SI", "S", "SI")
            return line, self._stable_reading(line)

        reading = two_equal(ask, self.role, "'SI'", self._clock, deadline_s)
        self.readability_g = reading.step_g
        return reading.mass_g

    def _stable_reading(self, line: str) -> StableReading | None:
        """None for a reading that is dynamic (D) or not possible at the moment (I)."""
        rest = line.partition(" ")[2]
        if rest == "I":
            return None
        if rest in _OUT_OF_RANGE:
            raise InstrumentError(f"{self.role}: asked 'SI', got {line!r}: {_OUT_OF_RANGE[rest]}")
        if error := _HARDWARE_ERROR.fullmatch(line):
            raise InstrumentError(f"{self.role}: asked 'SI', got {line!r}: it reports its own fault {error[1]}")
        found = _WEIGHT.fullmatch(line)
        if found is None:
            self._link.fail_protocol("SI", line, "not a reading of MT-SICS")
        if found["unit"] not in UNITS_G:
            self._link.fail_protocol("SI", line, f"the unit is {found['unit']!r}, not g or kg")
        reading = in_grams(found["number"], found["decimals"], found["unit"])
        return reading if found["status"] == "S" else None

    def _ask(self, command: str, *names: str, accepted_errors: tuple[str, ...] = ()) -> str:
        """The first line after ``command`` that is named one of ``names``; resynchronises first if need be."""
        with self._link.lock:
            if self._link.stale:
                self._resynchronise()
            line = self._link.exchange(command)
            self._refuse_if_restarted(self._unasked_before())
            skipped = 0
            while True:
                found = _LINE.fullmatch(line)
                if found is None:
                    self._link.fail_protocol(command, line, "not a line of MT-SICS")
                if found["name"] in names or line in accepted_errors:
                    return line
                if line in _ERRORS:
                    raise InstrumentError(f"{self.role}: asked {command!r}, got {line!r}: {_ERRORS[line]}")
                self._refuse_if_restarted(line)
                if skipped == UNSOLICITED_LINES:
                    self._link.fail_protocol(command, line, f"no reply to it among {skipped + 1} lines")
                skipped += 1
                line = self._link.read_line()

    def _resynchronise(self) -> str:
        """Reset the interface with ``@``, whose reply no other question gives but I4; the serial number.

        The tare stays; so does the zero.
        """
        reply = self._link.resynchronise("@", lambda line: _IDENTITY.fullmatch(line) is not None, RESYNCHRONISE_S)
        serial = reply.split('"')[1]
        if self.identity.serial not in ("", serial):
            self._link.fail_protocol("@", reply, f"serial number {self.identity.serial} expected: another balance?")
        return serial

    def _quoted(self, command: str) -> str:
        """What I2 or I3 says, in one quoted string or in several."""
        line = self._ask(command, command)
        found = _QUOTED.fullmatch(line)
        if found is None:
            self._link.fail_protocol(command, line, "quoted text expected")
        return " ".join(found[1].replace('"', "").split())

    def _unasked_before(self) -> str:
        """What the link threw away just before it sent the last command."""
        kept = self._link.trace()[-2:-1]
        return "".join(each.received.decode("latin-1") for each in kept if each.fault.startswith("unasked"))

    def _refuse_if_restarted(self, unasked: str) -> None:
        if _IDENTITY.search(unasked):
            raise InstrumentError(
                f"{self.role}: the balance restarted (it said {unasked.strip()!r} unasked): its zero may have moved, "
                "so weighings before and after do not compare; begin the collection again"
            )


def open_mt_sics(place: Place) -> MtSicsBalance:
    """Connect to the balance at a serial port (9600 8N1), ``socket://host:port`` or ``rfc2217://host:port``."""
    balance = MtSicsBalance(place.role, SerialLink(place.role, place.address, tape=place.tape), place.clock)
    try:
        balance.open()
    except BaseException:
        balance.close()
        raise
    return balance
