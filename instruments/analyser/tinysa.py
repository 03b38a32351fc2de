"""Driver of tinySA spectrum analysers: a text shell on USB-CDC (instruments.md 7).

The forms of its answers are those of the firmware, github.com/erikkaashoek/tinySA. It has no certificate, and no
calibration that anybody vouches for: for pre-scans only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from meterbench.errors import InstrumentError
from meterbench.instruments.capabilities import Exchange, Identity, Sweep
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

PROMPT = "ch> "
ACTUAL_TRACE = 2
"""Which trace ``data`` tells: the one that ``scan`` has measured."""
OUTMASK = 3
"""``scan`` tells frequency (1) and measured level (2) of each point."""
HOLD_PAUSE_S = 0.1
"""Seconds of the clock between two scans that the highest is taken of."""
RESYNCHRONISE_S = 2.0
FREQUENCY_TOLERANCE_HZ = 2.0
"""The firmware computes frequencies in whole hertz."""
LEVEL_TOLERANCE_DB = 0.005
"""Firmwares print a level with different numbers of digits in ``scan`` and in ``data``."""
MAX_INPUT_DBM = 10.0
"""More is beyond what the input takes, and clips."""
MIN_LEVEL_DBM = -200.0
BANDWIDTH_RATIO = 2.0
"""It has a few filters only: the one that it takes may differ from what was asked by this factor."""

_LEVEL = r"-?\d+(?:\.\d+)?(?:e[+-]\d\d)?"
_SCANNED = re.compile(rf"(\d+) ({_LEVEL}) {_LEVEL} ?")
_TRACE_LEVEL = re.compile(rf"({_LEVEL}) ?")
_BANDWIDTH = re.compile(r"usage: rbw [^\r]*\r\n(\d+(?:\.\d+)?) ?([kM]?)Hz")
_VERSION = re.compile(r"(tinySA\w*)_(v[\w.-]+)(?:\r\n.*)?", re.DOTALL)
_DEVICE_ID = re.compile(r"deviceid (\d+)")
_REFUSALS = ("frequency range is invalid", "sweep points exceeds range")
_SCALE = {"": 1.0, "k": 1e3, "M": 1e6}


class TinySaSettings(DriverSettings):
    """How finely it sweeps and how long that may take."""

    points: Annotated[int, Field(ge=20, le=450)] = 290
    """Of a sweep; the small model takes 290 at most."""
    scan_deadline_s: Annotated[float, Field(gt=0, le=600)] = 20.0
    """Wall seconds for one scan: longer for narrow bandwidths."""


class TinySa:
    """A ``SpectrumAnalyser``. Not opened yet when made: use ``open_tinysa``.

    The shell repeats each command before it answers, so an answer belongs to what stands before it. It has no check
    sum, and no two sweeps are the same: the trace is read a second time from its memory and compared.
    """

    def __init__(self, role: str, link: SerialLink, clock: Clock, settings: TinySaSettings) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self._link = link
        self._clock = clock
        self._settings = settings
        self._barriers = 0

    def open(self) -> None:
        """Connect, wait for its prompt, and read version and device id, each twice."""
        self._link.open()
        self._link.stale = True  # the shell may still be in the middle of an answer to somebody else
        version = self._told_twice("version", _VERSION)
        device_id = self._told_twice("deviceid", _DEVICE_ID)
        self.identity = Identity("tinySA", version[1], device_id[1], version[2])

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def sweep(self, centre_hz: float, span_hz: float, bandwidth_hz: float, hold_s: float = 0.0) -> Sweep:
        """Scans until ``hold_s`` is over, at least once, and keeps the highest level at each frequency.

        ``InstrumentError`` if it has no filter near ``bandwidth_hz``, refuses the range, or its input is overloaded.
        """
        start_hz, stop_hz = round(centre_hz - span_hz / 2.0), round(centre_hz + span_hz / 2.0)
        points = self._settings.points
        start_s = self._clock.now_s()
        self._command(f"rbw {bandwidth_hz / 1e3:g}")
        self._command(f"sweep {start_hz} {stop_hz} {points}")
        highest_dbm = self._scan_dbm(start_hz, stop_hz, bandwidth_hz)
        while self._clock.now_s() - start_s < hold_s:
            self._clock.sleep(HOLD_PAUSE_S)
            highest_dbm = np.maximum(highest_dbm, self._scan_dbm(start_hz, stop_hz, bandwidth_hz))
        return Sweep(np.linspace(start_hz, stop_hz, points), highest_dbm)

    def _scan_dbm(self, start_hz: int, stop_hz: int, bandwidth_hz: float) -> NDArray[np.float64]:
        """One scan: frequencies as asked, levels the same in its memory, the filter near what was asked."""
        points = self._settings.points
        command = f"scan {start_hz} {stop_hz} {points} {OUTMASK}"
        answer = self._ask(command, self._settings.scan_deadline_s)
        scanned = self._columns(command, answer, _SCANNED, points)
        wanted_hz = np.linspace(start_hz, stop_hz, points)
        if np.abs(scanned[:, 0] - wanted_hz).max() > FREQUENCY_TOLERANCE_HZ:
            self._link.fail_protocol(command, answer, "not the frequencies that were asked")
        level_dbm = scanned[:, 1]
        again = self._ask(command := f"data {ACTUAL_TRACE}")
        kept_dbm = self._columns(command, again, _TRACE_LEVEL, points)[:, 0]
        if np.abs(kept_dbm - level_dbm).max() > LEVEL_TOLERANCE_DB:
            self._link.fail_protocol(command, again, "not the levels that it told during the scan")
        self._require_bandwidth(bandwidth_hz)
        if level_dbm.max() > MAX_INPUT_DBM or level_dbm.min() < MIN_LEVEL_DBM:
            raise InstrumentError(
                f"{self.role}: levels from {level_dbm.min():g} to {level_dbm.max():g} dBm, out of its range "
                f"({MIN_LEVEL_DBM:g} to {MAX_INPUT_DBM:g} dBm); put an attenuator before its input"
            )
        return level_dbm

    def _require_bandwidth(self, bandwidth_hz: float) -> None:
        answer = self._ask("rbw ?")
        told = _BANDWIDTH.fullmatch(answer)
        if told is None:
            self._link.fail_protocol("rbw ?", answer, "no bandwidth told: is its firmware older than 1.4?")
        actual_hz = float(told[1]) * _SCALE[told[2]]
        if not 1.0 / BANDWIDTH_RATIO <= actual_hz / bandwidth_hz <= BANDWIDTH_RATIO:
            raise InstrumentError(
                f"{self.role}: asked for a bandwidth of {bandwidth_hz:g} Hz, it takes {actual_hz:g} Hz; ask for one "
                "that it has, such as 10 or 100 kHz"
            )

    def _columns(self, asked: str, answer: str, line: re.Pattern[str], points: int) -> NDArray[np.float64]:
        """The numbers in each line of ``answer``; there must be ``points`` lines."""
        found = [line.fullmatch(text) for text in answer.split("\r\n")]
        if len(found) != points or not all(found):
            self._link.fail_protocol(asked, answer, f"not {points} lines of numbers")
        return np.array([[float(field) for field in match.groups()] for match in found if match])

    def _told_twice(self, command: str, grammar: re.Pattern[str]) -> re.Match[str]:
        answer, again = self._ask(command), self._ask(command)
        told = grammar.fullmatch(answer)
        if told is None or again != answer:
            self._link.fail_protocol(command, again, f"not the same twice, or no tinySA: {answer!r} before")
        return told

    def _command(self, command: str) -> None:
        """What the shell carries out without a word."""
        if answer := self._ask(command):
            raise InstrumentError(f"{self.role}: asked {command!r}, it answers {answer!r}; check the settings")

    def _ask(self, command: str, deadline_s: float | None = None) -> str:
        """What stands between the echo of ``command`` and the next prompt, lines separated by CR LF."""
        with self._link.lock:
            if self._link.stale:
                self._resynchronise()
            echo, prompt = f"{command}\r\n".encode("ascii"), f"\r\n{PROMPT}".encode("ascii")

            def end(received: bytes) -> int:
                """Behind the prompt that follows the echo: one that came before means nothing."""
                start = received.find(echo)
                at = received.find(prompt, start + len(command)) if start >= 0 else -1
                return at + len(prompt) if at >= 0 else 0

            received = self._link.exchange_message(f"{command}\r".encode("ascii"), end, deadline_s)
            if not received.startswith(echo):
                why = "something came before the echo of the command: did it restart?"
                self._link.fail_protocol(command, received, why)
        answer = received.removesuffix(PROMPT.encode("ascii"))[len(echo) :].removesuffix(b"\r\n").decode("latin-1")
        word = command.partition(" ")[0]
        refused = answer == f"{word}?" or answer.startswith(_REFUSALS)
        if refused or (answer.startswith("usage:") and not command.endswith("?")):
            raise InstrumentError(f"{self.role}: asked {command!r}, it answers {answer!r}; check range and firmware")
        return answer

    def _resynchronise(self) -> None:
        """A command that does not exist, and has never been given before, ends whatever came before it."""
        self._barriers += 1
        unknown = f"sync{self._barriers}"
        reply = f"{unknown}?\r\n{PROMPT}".encode("ascii")

        def end(received: bytes) -> int:
            at = received.find(reply)
            return at + len(reply) if at >= 0 else 0

        self._link.resynchronise_message(f"{unknown}\r".encode("ascii"), end, RESYNCHRONISE_S)


def open_tinysa(place: Place, settings: TinySaSettings) -> TinySa:
    """Connect to the analyser at a serial port (USB-CDC), ``socket://host:port`` or ``rfc2217://host:port``."""
    analyser = TinySa(place.role, SerialLink(place.role, place.address, tape=place.tape), place.clock, settings)
    try:
        analyser.open()
    except BaseException:
        analyser.close()
        raise
    return analyser
