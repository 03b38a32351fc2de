"""Driver of barcode scanners that type what they read into a serial port or USB-CDC (instruments.md 10)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from meterbench.errors import DeadlineExceeded, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.links.trace import show
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

POLL_S = 0.1
REPEAT_S = 1.0
"""The same code again within this time is the same look at the same label."""
TERMINATORS = {"CR": "\r", "CR LF": "\r\n"}


class ScannerSettings(DriverSettings):
    """What the scanner is set to send around a code, to tell it from other scanners."""

    prefix: str = ""
    suffix: str = ""
    """Before the end."""
    ends_in: Literal["CR", "CR LF"] = "CR"


class BarcodeScanner:
    """A ``BarcodeReader``. Not opened yet when made: use ``open_barcode_reader``.

    A scanner speaks once, cannot be asked, and sends no check sum: prefix, suffix and alphabet are checked here; that
    the code is the meter's own must be checked against what the meter tells electronically.
    """

    def __init__(self, role: str, link: SerialLink, clock: Clock, settings: ScannerSettings) -> None:
        self.role = role
        self.identity = Identity("", "barcode reader", "", "")
        """It tells nothing of itself."""
        self._link = link
        self._clock = clock
        self._settings = settings
        self._last_code = ""
        self._last_s = -math.inf

    def open(self) -> None:
        """Open the port; nothing is asked."""
        self._link.open()

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def read_code(self, deadline_s: float) -> str:
        """Looks every 0.1 s on the clock; ``ProtocolError`` for a code that is cut or has characters of no label."""
        start_s = self._clock.now_s()
        old_lines = self._link.listen_anew().decode("latin-1").split(TERMINATORS[self._settings.ends_in])
        if len(old_lines) > 1:
            self._is_new(self._stripped(old_lines[-2]))
        while True:
            for line in self._link.heard_lines():
                if self._is_new(code := self._checked(line)):
                    return code
            waited_s = self._clock.now_s() - start_s
            if waited_s + POLL_S > deadline_s:
                raise DeadlineExceeded(
                    f"{self.role}: nothing was scanned within {deadline_s:g} s ({waited_s:.1f} s waited); "
                    f"scan the nameplate, and check that the scanner is on and ends codes with {self._settings.ends_in}"
                )
            self._clock.sleep(POLL_S)

    def _is_new(self, code: str) -> bool:
        """False if it is the same as the last one and has come within ``REPEAT_S``; remembers it."""
        now_s = self._clock.now_s()
        new = code != self._last_code or now_s - self._last_s >= REPEAT_S
        self._last_code, self._last_s = code, now_s
        return new

    def _stripped(self, line: str) -> str:
        return line.removeprefix(self._settings.prefix).removesuffix(self._settings.suffix)

    def _checked(self, line: str) -> str:
        """The code in ``line``."""
        prefix, suffix = self._settings.prefix, self._settings.suffix
        code = self._stripped(line)
        if f"{prefix}{code}{suffix}" != line:
            why = f"{prefix!r} before and {suffix!r} after the code expected: another scanner, or a wrong setting"
        elif not (code.isascii() and code.isprintable()):
            why = "characters that no label has: check its baud rate and parity"
        elif not code.strip():
            why = "an empty code"
        else:
            return code
        raise ProtocolError(f"{self.role}: the scanner sent {show(line.encode('latin-1'))}: {why}")


def open_barcode_reader(place: Place, settings: ScannerSettings) -> BarcodeScanner:
    """Connect to the scanner at a serial port (9600 8N1), ``socket://host:port`` or ``rfc2217://host:port``."""
    terminator = TERMINATORS[settings.ends_in].encode("ascii")
    link = SerialLink(place.role, place.address, terminator=terminator, tape=place.tape)
    scanner = BarcodeScanner(place.role, link, place.clock, settings)
    try:
        scanner.open()
    except BaseException:
        scanner.close()
        raise
    return scanner
