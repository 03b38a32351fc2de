"""Keysight 53220A (or 53230A) universal counter, totalizing while its rear gate input is high.

53220A/53230A User's Guide: TOTalize p. 87 and 108, gate p. 178, time-out p. 75. The diverter's switch is wired to
Gate In/Out, the meter's pulse output to input 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from meterbench.errors import InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import Place

MODELS = ("53220A", "53230A")
SETUP = (
    "ABOR",
    "*CLS",
    "CONF:TOT:TIM INF,(@1)",
    "SENS:TOT:GATE:SOUR EXT",
    "SENS:TOT:GATE:POL POS",  # *RST leaves NEG, and CONF does not change it
    "INP1:COUP DC",
    "INP1:IMP 1.0E6",
    "INP1:LEV:AUTO OFF",  # an automatic threshold loses pulses slower than some 50 Hz
    "INP1:LEV 1.5",  # V, half of the 3 V that a pulled-up open collector gives at the least
    "INP1:SLOP POS",
    "SYST:TIM 9.9E37",  # none: at Q1 seconds pass between two pulses
    "*ESE 1",  # so that the status byte shows the end of the gate, and reading it clears nothing
)
"""Everything is set before each gate: a counter that was switched off in between does not count with its defaults."""
START = "INIT;*OPC"
EVENT_SUMMARY = 32


class Keysight53220A:
    """A ``PulseCounter``."""

    def __init__(self, link: VisaLink) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link

    def arm(self) -> None:
        """Set everything, clear the count and wait for the gate."""
        with self._link.lock:
            for command in SETUP:
                self._link.write(command)
            self._link.write(START)

    def gate_closed(self) -> bool:
        """True once the gate has opened and closed again since ``arm``; never blocks."""
        answer = self._link.query("*STB?")
        if not (answer.isascii() and answer.isdigit() and int(answer) < 256):
            self._link.fail(ProtocolError, "*STB?", answer, "not a status byte", "repeat")
        return bool(int(answer) & EVENT_SUMMARY)

    def gated_count(self) -> int:
        """Pulses between the gate's opening and closing; ``InstrumentError`` if there was no complete gate."""
        with self._link.lock:
            if not self.gate_closed():
                self._link.fail(InstrumentError, "*STB?", "", "no complete gate since it was armed", "check the gate")
            counts = self._link.query_numbers("FETC?", infinity_means="the count is infinite")
        if len(counts) != 1 or counts[0] < 0 or not counts[0].is_integer():
            self._link.fail(ProtocolError, "FETC?", str(counts), "not one whole count", "arm and repeat the gate")
        return int(counts[0])

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()


def open_keysight_53220a(place: Place) -> Keysight53220A:
    """Connect to the counter at ``tcp://host:5025`` or a VISA resource."""
    link = VisaLink(place.role, place.address, tape=place.tape)
    link.open(*MODELS)
    return Keysight53220A(link)
