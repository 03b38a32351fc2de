"""Rohde & Schwarz FSV (FSVA, FSV3000) signal and spectrum analyser: sweeps, channel power, occupied bandwidth.

R&S FSVA/FSV operating manual 1176.7510.02: single sweep INIT with synchronisation before each result p. 689, power
results CALC:MARK:FUNC:POW:RES?, STATus:QUEStionable:POWer p. 598. Bit 3 (input switched off to protect it) is that of
the FSV3000 (1178.8520.02 p. 678).

Sweeps are FFT sweeps: a burst is seen whole and not only where a swept filter happens to stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from meterbench.errors import ConfigError, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity, Sweep
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

MODELS = tuple(
    [f"FSV{kind}-{gigahertz}" for kind in ("", "A") for gigahertz in (4, 7, 13, 30, 40)]
    + [f"FSV{kind}30{gigahertz:02}" for kind in ("", "A") for gigahertz in (4, 7, 13, 30, 44, 50)]
)
"""As the second field of ``*IDN?`` has them: FSV-7, FSVA3013 (unconfirmed in this form)."""
POINTS = 1001
LOWEST_HZ, HIGHEST_HZ = 10.0, 7e9
"""Range of the smallest boxes that see what a meter sends (FSV-7); each box refuses beyond its own."""
RESOLUTIONS_HZ = tuple(step * 10.0**decade for decade in range(6) for step in (1.0, 2.0, 3.0, 5.0))
"""What is chosen from where the caller leaves the resolution bandwidth open."""
FILTERS_A_CHANNEL = 40
"""Resolution bandwidth at most this part of a channel whose power is measured (R&S: 1 % to 4 %)."""
CHANNEL_SPAN = 2.0
"""Span over channel: the filters' skirts stand clear of the ends."""
OCCUPIED_PERCENT = 99
OVERLOADS = {0: "the RF input is overloaded", 2: "the IF path is overloaded", 3: "the input has been switched off"}
EVENT_SUMMARY = 32
POLL_S = 0.1
EXTRA_S = 2.0
"""On the clock, beyond the sweeps' own time."""
MOST_SWEEPS = 32767
LONGEST_HOLD_S = 3600.0
_REGISTER = re.compile(r"0|[1-9]\d{0,4}")


class RsFsvSettings(DriverSettings):
    """``settings`` of ``rs_fsv``."""

    reference_level_dbm: Annotated[float, Field(ge=-130, le=30)] = 0.0
    """The strongest signal that is expected at the input; a stronger one is an error and no reading."""


class RsFsv:
    """A ``SpectrumPowerMeter``.

    Every setting is sent before every sweep: a box that was switched off in between does not answer with its defaults.
    """

    def __init__(self, link: VisaLink, clock: Clock, settings: RsFsvSettings) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link
        self._clock = clock
        self._settings = settings

    def sweep(self, centre_hz: float, span_hz: float, bandwidth_hz: float, hold_s: float = 0.0) -> Sweep:
        """Levels at 1001 frequencies; ``InstrumentError`` if the input is overloaded at any moment of it."""
        with self._link.lock:
            self._measure(("CALC:MARK:FUNC:POW OFF",), centre_hz, span_hz, bandwidth_hz, hold_s)
            block = self._link.query_block("TRAC? TRACE1")
            if self._link.query_block("TRAC? TRACE1") != block:
                self._link.fail(ProtocolError, "TRAC? TRACE1", "", "not the same trace twice", "sweep again")
        level_dbm = np.frombuffer(block, dtype="<f4").astype(np.float64) if len(block) % 4 == 0 else np.empty(0)
        if len(level_dbm) != POINTS or not np.all(np.abs(level_dbm) < 300.0):
            why = f"{len(block)} bytes are not {POINTS} levels in dBm"
            self._link.fail(ProtocolError, "TRAC? TRACE1", block.decode("latin-1"), why, "sweep again")
        half_hz = span_hz / 2.0
        return Sweep(np.linspace(centre_hz - half_hz, centre_hz + half_hz, POINTS), level_dbm)

    def channel_power_dbm(self, centre_hz: float, channel_hz: float, hold_s: float = 0.0) -> float:
        """Power in ``channel_hz`` around ``centre_hz``, as the box adds it up; errors as for ``sweep``."""
        self._require_positive(channel_hz=channel_hz)
        function = (
            "CALC:MARK:FUNC:POW:SEL CPOW",
            "POW:ACH:ACP 0",
            f"POW:ACH:BAND {channel_hz:.10g}HZ",
        )
        with self._link.lock:
            self._measure(function, centre_hz, CHANNEL_SPAN * channel_hz, _resolution_hz(channel_hz), hold_s)
            power_dbm = self._result("CPOW")
        if not abs(power_dbm) < 300.0:
            self._refuse("CPOW", power_dbm, "that is no power in dBm")
        return power_dbm

    def occupied_bandwidth_hz(self, centre_hz: float, span_hz: float, hold_s: float = 0.0) -> float:
        """Bandwidth that holds 99 % of the power in ``span_hz``; errors as for ``sweep``."""
        self._require_positive(span_hz=span_hz)
        function = ("CALC:MARK:FUNC:POW:SEL OBW", f"POW:BAND {OCCUPIED_PERCENT}PCT")
        with self._link.lock:
            self._measure(function, centre_hz, span_hz, _resolution_hz(span_hz), hold_s)
            bandwidth_hz = self._result("OBW")
        if not 0.0 < bandwidth_hz <= span_hz:
            self._refuse("OBW", bandwidth_hz, f"that is no bandwidth within {span_hz:g} Hz")
        return bandwidth_hz

    def _measure(
        self, function: tuple[str, ...], centre_hz: float, span_hz: float, bandwidth_hz: float, hold_s: float
    ) -> None:
        """Set everything, sweep, wait for the end, and make sure that nothing was overloaded in the meantime."""
        self._require_positive(span_hz=span_hz, bandwidth_hz=bandwidth_hz)
        low_hz, high_hz = centre_hz - span_hz / 2.0, centre_hz + span_hz / 2.0
        if not LOWEST_HZ <= low_hz < high_hz <= HIGHEST_HZ:
            raise ConfigError(f"{self.role}: {low_hz:g} Hz to {high_hz:g} Hz is beyond what it can see")
        if not 0.0 <= hold_s <= LONGEST_HOLD_S:
            raise ConfigError(f"{self.role}: hold_s = {hold_s}: 0 to {LONGEST_HOLD_S:g} s expected")
        held = hold_s > 0.0
        commands = (
            "ABOR",
            "*CLS",  # clears what the status registers remember of an earlier overload, too
            "INIT:CONT OFF",
            f"FREQ:CENT {centre_hz:.12g}HZ",
            f"FREQ:SPAN {span_hz:.10g}HZ",
            f"BAND {bandwidth_hz:.10g}HZ",
            "BAND:VID:AUTO ON",
            "INP:ATT:AUTO ON",
            f"DISP:TRAC:Y:RLEV {self._settings.reference_level_dbm:g}DBM",
            "CALC:UNIT:POW DBM",
            f"DISP:TRAC:MODE {'MAXH' if held else 'WRIT'}",
            f"DET {'POS' if held else 'RMS'}",
            "SWE:TYPE FFT",
            "SWE:TIME:AUTO ON",
            f"SWE:POIN {POINTS}",
            *function,
            "FORM REAL,32",  # IEEE 754, least significant byte first (unconfirmed: FORM:BORD is left as it is)
            "*ESE 1",  # so that the status byte shows the end, and reading it clears nothing
        )
        # One message: the path of a command is no matter of the one before.
        self._link.write(";".join(command if command.startswith("*") else f":{command}" for command in commands))
        sweep_s = self._one_number("SWE:TIME?", "the sweep never ends")
        if not 0.0 < sweep_s <= LONGEST_HOLD_S:
            self._link.fail(ProtocolError, "SWE:TIME?", str(sweep_s), "no time of a sweep", "sweep again")
        sweeps = max(1, math.ceil(hold_s / sweep_s - 1e-9))
        if sweeps > MOST_SWEEPS:
            self._link.write(f"SWE:TIME {hold_s / MOST_SWEEPS:.6g}S")
            sweeps = MOST_SWEEPS
        self._link.write(f"SWE:COUN {sweeps};:INIT;*OPC")
        self._wait(max(hold_s, sweeps * sweep_s) + EXTRA_S)
        self._require_no_overload()

    def _wait(self, allowed_s: float) -> None:
        end_s = self._clock.now_s() + allowed_s
        while not self._register("*STB?") & EVENT_SUMMARY:
            if self._clock.now_s() >= end_s:
                raise DeadlineExceeded(
                    f"{self.role}: the sweep did not end within {allowed_s:g} s; does the box wait for a trigger?"
                )
            self._clock.sleep(POLL_S)

    def _require_no_overload(self) -> None:
        overload = self._register("STAT:QUES:POW?")
        if overload_words := [words for bit, words in OVERLOADS.items() if overload >> bit & 1]:
            self._link.fail(
                InstrumentError,
                "STAT:QUES:POW?",
                str(overload),
                f"{', '.join(overload_words)}: no level of this sweep can be trusted",
                f"raise reference_level_dbm ({self._settings.reference_level_dbm:g} dBm) or attenuate what comes in",
            )

    def _register(self, query: str) -> int:
        answer = self._link.query(query)
        if _REGISTER.fullmatch(answer) is None:
            self._link.fail(ProtocolError, query, answer, "not a status register", "sweep again")
        return int(answer)

    def _result(self, name: str) -> float:
        return self._one_number(f"CALC:MARK:FUNC:POW:RES? {name}", "the result is infinite")

    def _one_number(self, query: str, infinity_means: str) -> float:
        numbers = self._link.query_numbers(query, infinity_means)
        if len(numbers) != 1:
            self._link.fail(ProtocolError, query, str(numbers), "not one number", "sweep again")
        return numbers[0]

    def _refuse(self, name: str, number: float, why: str) -> None:
        query = f"CALC:MARK:FUNC:POW:RES? {name}"
        self._link.fail(InstrumentError, query, str(number), why, "check what is transmitted")

    def _require_positive(self, **sizes_hz: float) -> None:
        for name, size_hz in sizes_hz.items():
            if not 0.0 < size_hz < math.inf:
                raise ConfigError(f"{self.role}: {name} = {size_hz}: a positive number of hertz expected")

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()


def _resolution_hz(channel_hz: float) -> float:
    fitting = [step_hz for step_hz in RESOLUTIONS_HZ if step_hz <= channel_hz / FILTERS_A_CHANNEL]
    return max(fitting, default=RESOLUTIONS_HZ[0])


def open_rs_fsv(place: Place, settings: RsFsvSettings | None = None) -> RsFsv:
    """Connect to the analyser at ``tcp://host:5025`` or a VISA resource."""
    link = VisaLink(place.role, place.address, tape=place.tape)
    link.open(*MODELS)
    return RsFsv(link, place.clock, settings or RsFsvSettings())
