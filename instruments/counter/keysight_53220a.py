"""Keysight 53220A (or 53230A) universal counter, totalizing while its rear gate input is high.

53220A/53230A User's Guide: TOTalize p. 87 and 108, gate p. 178, time-out p. 75, TINTerval p. 103 and 104. The
diverter's switch is wired to Gate In/Out, the meter's pulse output to input 1.

One box has one function at a time: while it totalizes it times nothing, and the time stamps of a 53230A are those of
one input, without the gate. So double chronometry takes a second box, the interpolator, that times from an edge of the
gate (input 2) to the next pulse (input 1), first after the opening, then, set anew in between, after the closing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from meterbench.errors import BenchError, ConfigError, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.counter.double_chronometry import GatedPulses
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

MODELS = ("53220A", "53230A")
_PULSE_INPUT = (
    "INP1:COUP DC",
    "INP1:IMP 1.0E6",
    "INP1:LEV:AUTO OFF",  # an automatic threshold loses pulses slower than some 50 Hz
    "INP1:LEV 1.5",  # V, half of the 3 V that a pulled-up open collector gives at the least
    "INP1:SLOP POS",
)
_STATUS = (
    "SYST:TIM 9.9E37",  # none: at Q1 seconds pass between two pulses
    "*ESE 1",  # so that the status byte shows the end of the gate, and reading it clears nothing
)
SETUP = (
    "ABOR",
    "*CLS",
    "CONF:TOT:TIM INF,(@1)",
    "SENS:TOT:GATE:SOUR EXT",
    "SENS:TOT:GATE:POL POS",  # *RST leaves NEG, and CONF does not change it
    *_PULSE_INPUT,
    *_STATUS,
)
"""Everything is set before each gate: a counter that was switched off in between does not count with its defaults."""
INTERVAL_SETUP = (
    "ABOR",
    "*CLS",
    "CONF:TINT (@2),(@1)",
    *_PULSE_INPUT,
    "INP2:COUP DC",
    "INP2:IMP 1.0E6",
    "INP2:LEV:AUTO OFF",
    "INP2:LEV 1.5",
    *_STATUS,
)
OPENING, CLOSING = "POS", "NEG"
"""Slope of the gate's edge at input 2."""
START = "INIT;*OPC"
EVENT_SUMMARY = 32
POLL_S = 0.1


class Keysight53220ASettings(DriverSettings):
    """``settings`` of ``keysight_53220a``."""

    interpolate: bool = False
    """A second box times from the gate's edges to the next pulses; the address is then two, with a blank in between."""
    longest_period_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """The longest time between two pulses that is waited for, on the clock."""


class Keysight53220A:
    """A ``PulseCounter``, with double chronometry if there is an interpolator."""

    def __init__(
        self,
        link: VisaLink,
        clock: Clock,
        interpolator: VisaLink | None = None,
        settings: Keysight53220ASettings | None = None,
    ) -> None:
        """``link`` and ``interpolator`` are open; they belong to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link
        self._clock = clock
        self._interpolator = interpolator
        self._longest_period_s = (settings or Keysight53220ASettings()).longest_period_s
        self._after_opening_s: float | None = None

    def arm(self) -> None:
        """Set everything, clear the count and wait for the gate."""
        self._after_opening_s = None
        if self._interpolator is not None:
            _time_from(OPENING, self._interpolator)
        with self._link.lock:
            for command in SETUP:
                self._link.write(command)
            self._link.write(START)

    def gate_closed(self) -> bool:
        """True once the gate has opened and closed again since ``arm``; never blocks."""
        return _done(self._link)

    def gated_count(self) -> int:
        """Pulses between the gate's opening and closing; ``InstrumentError`` if there was no complete gate."""
        with self._link.lock:
            if not self.gate_closed():
                self._link.fail(InstrumentError, "*STB?", "", "no complete gate since it was armed", "check the gate")
            counts = self._link.query_numbers("FETC?", infinity_means="the count is infinite")
        if len(counts) != 1 or counts[0] < 0 or not counts[0].is_integer():
            self._link.fail(ProtocolError, "FETC?", str(counts), "not one whole count", "arm and repeat the gate")
        return int(counts[0])

    def prepare_closing(self) -> None:
        """While the gate is open: take the time after its opening, and get ready to time from its closing.

        Waits on the clock for the first pulse, ``longest_period_s`` at most. Does nothing without an interpolator.
        """
        if self._interpolator is None:
            return
        self._after_opening_s = self._interval_s(self._interpolator, "opening")
        _time_from(CLOSING, self._interpolator)
        if self.gate_closed():
            self._after_opening_s = None
            raise InstrumentError(
                f"{self.role}: the gate closed before the interpolator was set for its closing; keep the gate open for "
                "longer than the first pulse takes"
            )

    def gated_pulses(self) -> GatedPulses:
        """What the gate let through, with both times if there is an interpolator; water must still flow.

        Waits on the clock for the first pulse after the closing. ``InstrumentError`` without a complete gate, or
        without ``prepare_closing`` in it; ``DeadlineExceeded`` if no pulse comes.
        """
        count = self.gated_count()
        if self._interpolator is None:
            return GatedPulses(count)
        if self._after_opening_s is None:
            raise InstrumentError(
                f"{self.role}: the interpolator was not set for the gate's closing (prepare_closing) while the gate "
                "was open; repeat the gate"
            )
        return GatedPulses(count, self._after_opening_s, self._interval_s(self._interpolator, "closing"))

    def _interval_s(self, link: VisaLink, edge: str) -> float:
        end_s = self._clock.now_s() + self._longest_period_s
        while not _done(link):
            if self._clock.now_s() >= end_s:
                raise DeadlineExceeded(
                    f"{self.role}: no pulse within {self._longest_period_s:g} s of the gate's {edge}, says the "
                    "interpolator; check its inputs and the flow"
                )
            self._clock.sleep(POLL_S)
        intervals_s = link.query_numbers("FETC?", infinity_means="the interval is infinite")
        if len(intervals_s) != 1 or not 0.0 <= intervals_s[0] <= self._longest_period_s:
            why = f"not one time from 0 to {self._longest_period_s:g} s"
            link.fail(ProtocolError, "FETC?", str(intervals_s), why, "arm and repeat the gate")
        return intervals_s[0]

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first; then those of the interpolator."""
        return (*self._link.trace(), *(self._interpolator.trace() if self._interpolator is not None else ()))

    def close(self) -> None:
        """Release the links; safe to call twice."""
        self._link.close()
        if self._interpolator is not None:
            self._interpolator.close()


def _time_from(edge: str, link: VisaLink) -> None:
    """Wait for the gate's next ``edge``, and time from it to the next pulse."""
    with link.lock:
        for command in INTERVAL_SETUP:
            link.write(command)
        link.write(f"INP2:SLOP {edge}")
        link.write(START)


def _done(link: VisaLink) -> bool:
    """True once what was started has ended; reading it clears nothing."""
    answer = link.query("*STB?")
    if not (answer.isascii() and answer.isdigit() and int(answer) < 256):
        link.fail(ProtocolError, "*STB?", answer, "not a status byte", "repeat")
    return bool(int(answer) & EVENT_SUMMARY)


def open_keysight_53220a(place: Place, settings: Keysight53220ASettings | None = None) -> Keysight53220A:
    """Connect to the counter at ``tcp://host:5025`` or a VISA resource; with ``interpolate`` at two, ``A B``."""
    settings = settings or Keysight53220ASettings()
    addresses = place.address.split()
    if len(addresses) != 1 + settings.interpolate:
        raise ConfigError(
            f"{place.role}: address {place.address!r}: "
            + ("two addresses with a blank in between expected" if settings.interpolate else "one address expected")
            + f" with interpolate = {str(settings.interpolate).lower()}"
        )
    names = (place.role, f"{place.role} (interpolator)")
    links = [VisaLink(name, address, tape=place.tape) for name, address in zip(names, addresses, strict=False)]
    try:
        for link in links:
            link.open(*MODELS)
    except BenchError:
        for link in links:
            link.close()
        raise
    return Keysight53220A(links[0], place.clock, links[1] if settings.interpolate else None, settings)
