"""Keysight 34461A (34460A, 34465A, 34470A) multimeter measuring a platinum probe by four wires.

Truevolt Series Operating and Service Guide: CONFigure:FRESistance, [SENSe:]FRESistance:NPLC, SAMPle:COUNt, FETCh?.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from meterbench.errors import InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import Place

MODELS = ("34460A", "34461A", "34465A", "34470A")
SAMPLES = 10
START = f"CONF:FRES 1000;:FRES:NPLC 1;:SAMP:COUN {SAMPLES};:INIT"
"""1 kohm range (to 1.2 kohm: a PT1000 up to 51 degC), one power line cycle a sample against hum.

Sent for every reading: a box that was switched off in between must not answer with its defaults.
"""
MEASURING_S = SAMPLES * 2 * 0.02
"""Each sample takes two power line cycles of 50 Hz, the second one for the automatic zero."""
DEADLINE_S = MEASURING_S + 1.0


class Keysight34461A:
    """A ``ResistanceThermometer``."""

    def __init__(self, link: VisaLink) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link

    def resistance_ohm(self) -> float:
        """Mean of 10 four-wire readings in ohm, which takes 0.4 s; ``InstrumentError`` if the probe is open."""
        with self._link.lock:
            self._link.write(START)
            readings = self._link.query_numbers("FETC?", infinity_means="the probe is open", deadline_s=DEADLINE_S)
        if len(readings) != SAMPLES:
            self._link.fail(ProtocolError, "FETC?", str(readings), f"not {SAMPLES} readings", "repeat")
        mean_ohm = fmean(readings)
        if mean_ohm <= 0:
            self._link.fail(InstrumentError, "FETC?", str(readings), "the probe is shorted", "check the probe's wires")
        return mean_ohm

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()


def open_keysight_34461a(place: Place) -> Keysight34461A:
    """Connect to the multimeter at ``tcp://host:5025`` or a VISA resource."""
    link = VisaLink(place.role, place.address, tape=place.tape)
    link.open(*MODELS)
    return Keysight34461A(link)
