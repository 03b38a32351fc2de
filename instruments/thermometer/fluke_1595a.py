"""Fluke 1594A/1595A Super-Thermometer reading one channel in ohm, by RS-232, a USB serial port or a socket.

1594A/1595A Super-Thermometer User's Manual 8.7.1 (syntax), 8.7.3.44 (FETC?), 8.7.3.89 (STAT:OPER?), 8.7.3.93
(STAT:QUES:COND?). One command a line: its makers' thermometers take no compound ones (1529 manual, 8.3; unconfirmed for
this one), so the error queue is asked with a question of its own at the end. A box without data says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from pydantic import Field

from meterbench.errors import BenchError, ConfigError, DeadlineExceeded, InstrumentError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

MODELS = ("1594A", "1595A")
NEW_READING = 16
"""In the operation event register: a new measurement since it was read, or since FETC? (8.7.3.89)."""
OHMS = "O"
UNITS = {"C": "degC", "F": "degF", "K": "kelvin", "R": "a resistance ratio"}
"""What FETC? may call the unit beside ohms (8.7.3.44)."""
POLL_S = 0.4
WAIT_S = 2.4
"""On the clock: a sample period of 2 s, which is the box's own choice (unconfirmed), and a little more. It must not be
longer: who asks inside a job of the clock holds up the heartbeat, and the rig's watchdog waits for 3 s."""
SAME_READING_TRIES = 4
RESYNCHRONISE_S = 2.0
NO_DATA = "-230,"
MOST_ERRORS = 32
"""Bound for draining the error queue."""
_RECORD = re.compile(
    r"(?P<value>-?\d+(?:\.\d+)?),(?P<unit>[A-Z]),(?P<channel>\d{1,2}),(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
)
_ERROR = re.compile(r'[+-]?\d+,"[^"]*"')
_REGISTER = re.compile(r"0|[1-9]\d{0,4}")


class Fluke1595ASettings(DriverSettings):
    """``settings`` of ``fluke_1595a``."""

    channel: int = Field(default=1, ge=1, le=24)
    """1 to 4 at the front, 5 to 24 of scanners."""
    baudrate: int = Field(default=9600, ge=1200, le=115200)
    """Of RS-232."""


@dataclass(frozen=True, slots=True)
class _Record:
    line: str
    value: float
    unit: str
    at: datetime
    """By the box's own clock, which knows no zone."""


class Fluke1595A:
    """A ``ResistanceThermometer``. Not opened yet when made: use ``open_fluke_1595a``.

    The wire has no checksum, so a reading counts only if it comes twice the same; and only if the box's own date and
    time of it is later than that of the reading before the question.
    """

    def __init__(self, role: str, link: SerialLink, clock: Clock, channel: int) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self._link = link
        self._clock = clock
        self._fetch = f"FETC? {channel}"
        self._channel = channel
        self._idn = ""
        self._taken: _Record | None = None
        """The newest reading that was waited for."""

    def open(self) -> None:
        """Connect and read the identity, twice; ``ConfigError`` if the box is none of ``MODELS``."""
        self._link.open()
        idn = self._link.resynchronise("*IDN?", lambda line: line.count(",") == 3, RESYNCHRONISE_S)
        if self._link.exchange("*IDN?") != idn:
            self._link.fail_protocol("*IDN?", idn, "not twice the same identity")
        self.identity = Identity(*(field.strip() for field in idn.split(",")))
        if self.identity.model not in MODELS:
            raise ConfigError(
                f"{self.role}: asked '*IDN?', got {idn!r}: this is no {' or '.join(MODELS)}; correct the station file "
                "or the wiring"
            )
        self._idn = idn
        self._drain_errors()  # of whoever used it before us

    def resistance_ohm(self) -> float:
        """The box's next reading of the channel in ohm (a mean over its sample period); waits for it on the clock.

        ``InstrumentError`` if the box calls it questionable or gives another unit than ohms, ``DeadlineExceeded`` if no
        new one comes within 2.4 s.
        """
        with self._link.lock:
            if self._link.stale:
                self._resynchronise()
            try:
                record = self._next_record()
                if errors := self._drain_errors():
                    self._refuse(record, f"it reports {' | '.join(errors)}")
                return self._ohms(record)
            except DeadlineExceeded as silence:
                if not self._link.stale:
                    raise
                self._resynchronise()
                if errors := self._drain_errors():
                    raise InstrumentError(f"{silence}; then it reports {' | '.join(errors)}") from silence
                raise

    def _next_record(self) -> _Record:
        before = self._latest_if_any() if self._valid() else None
        if before is None:
            self._register("STAT:OPER?")  # clears it: what it tells from now on was measured after the question
        end_s = self._clock.now_s() + WAIT_S
        taken = self._taken
        while True:
            if self._taken is not None and self._taken is not taken:
                return self._taken  # a job that ran while we slept has waited for it, and cleared the register
            if self._register("STAT:OPER?") & NEW_READING:
                if not self._valid():
                    raise InstrumentError(
                        f"{self.role}: the box calls its reading questionable (STAT:QUES:COND?); is the probe of "
                        f"channel {self._channel} connected and within its range?"
                    )
                record = self._latest()
                if before is None or record.at > before.at:
                    self._taken = record
                    return record
            if self._clock.now_s() >= end_s:
                raise DeadlineExceeded(
                    f"{self.role}: no new reading of channel {self._channel} within {WAIT_S:g} s"
                    + (f", the last is of {before.at}" if before is not None else "")
                    + "; does the box measure that channel, and at least every 2 s?"
                )
            self._clock.sleep(POLL_S)

    def _latest_if_any(self) -> _Record | None:
        """None from a box that has measured nothing since it was switched on: it says so by silence and -230."""
        try:
            return self._latest()
        except DeadlineExceeded as silence:
            self._resynchronise()
            errors = self._drain_errors()
            if not errors:
                raise
            if any(not error.startswith(NO_DATA) for error in errors):
                raise InstrumentError(f"{silence}; then it reports {' | '.join(errors)}") from silence
            return None

    def _valid(self) -> bool:
        return self._register("STAT:QUES:COND?") == 0

    def _latest(self) -> _Record:
        """The latest reading, as two answers in turn give it."""
        before = ""
        for _ in range(SAME_READING_TRIES):
            line = self._link.exchange(self._fetch)
            if line == before:
                return self._parsed(line)
            before = line
        return self._link.fail_protocol(self._fetch, before, "no two equal answers in turn")

    def _parsed(self, line: str) -> _Record:
        found = _RECORD.fullmatch(line)
        if found is None or int(found["channel"]) != self._channel:
            self._link.fail_protocol(self._fetch, line, f"not a record of channel {self._channel}")
        try:
            return _Record(line, float(found["value"]), found["unit"], datetime.fromisoformat(found["at"]))
        except ValueError:
            return self._link.fail_protocol(self._fetch, line, "no such date or time")

    def _ohms(self, record: _Record) -> float:
        if record.unit != OHMS:
            self._refuse(record, f"that is {UNITS.get(record.unit, 'no unit known')}, not ohm; set the channel to ohms")
        if not record.value > 0.0:
            self._refuse(record, "the probe is shorted; check its wires")
        return record.value

    def _refuse(self, record: _Record, why: str) -> NoReturn:
        raise InstrumentError(f"{self.role}: asked {self._fetch!r}, got {record.line!r}: {why}")

    def _register(self, query: str) -> int:
        answer = self._link.exchange(query)
        if _REGISTER.fullmatch(answer) is None:
            self._link.fail_protocol(query, answer, "not a status register")
        return int(answer)

    def _drain_errors(self) -> list[str]:
        errors: list[str] = []
        while len(errors) < MOST_ERRORS:
            entry = self._link.exchange("SYST:ERR?")
            if _ERROR.fullmatch(entry) is None:
                self._link.fail_protocol("SYST:ERR?", entry, "not an entry of an error queue")
            if int(entry.partition(",")[0]) == 0:
                break
            errors.append(entry)
        return errors

    def _resynchronise(self) -> None:
        self._clock.run_vital_jobs()  # a silence went before, and another one may follow
        self._link.resynchronise("*IDN?", lambda line: line == self._idn, RESYNCHRONISE_S)

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()


def open_fluke_1595a(place: Place, settings: Fluke1595ASettings | None = None) -> Fluke1595A:
    """Connect to the box at a serial port (8N1), ``socket://host:port`` or ``rfc2217://host:port``."""
    settings = settings or Fluke1595ASettings()
    link = SerialLink(
        place.role,
        place.address,
        terminator=b"\n",
        reply_terminator=b"\r\n",  # as its makers' other thermometers answer (unconfirmed for this one)
        baudrate=settings.baudrate,
        tape=place.tape,
    )
    thermometer = Fluke1595A(place.role, link, place.clock, settings.channel)
    try:
        thermometer.open()
    except BenchError:
        thermometer.close()
        raise
    return thermometer
