"""Druck PACE5000, PACE6000 or PACE1000 as a gauge: it measures, and controls nothing.

K0472 SCPI manual: :SENSe:PRESsure, :UNIT:PRESsure, :SENSe:PRESsure:RANGe. Some firmware repeats the header before the
answer (unconfirmed), which is accepted either way. The in-limits flag of :SENS:PRES:INL? says whether a controlled
pressure has reached its set-point; nothing is controlled here, and it is not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from meterbench.errors import InstrumentError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import DriverSettings, Place

MODELS = ("Pace5000 User Interface", "Pace6000 User Interface", "Pace1000 User Interface")
"""As its identity has them (unconfirmed)."""
UNIT = ":UNIT:PRES KPA;:UNIT:PRES?"
RANGE = ":SENS:PRES:RANG?"
PRESSURE = ":SENS:PRES?"
GAUGE = 'G"'
"""How the name of a gauge range ends, in capitals; that of an absolute one ends in ``A"`` (unconfirmed)."""
STEADY_OF_RANGE = 2e-4
"""Two readings of a steady pressure differ by no more, of full scale: its accuracy."""
LOWEST_KPA = -102.0
"""No gauge pressure is below vacuum."""


class DruckPaceSettings(DriverSettings):
    """What its sensor spans."""

    full_scale_kpa: float = Field(gt=0.0, le=25_000.0)
    """Upper end of its gauge range."""


class DruckPace:
    """A ``ReferencePressure``."""

    def __init__(self, link: VisaLink, settings: DruckPaceSettings) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link
        self._full_scale_kpa = settings.full_scale_kpa

    def pressure_kpa(self) -> float:
        """Gauge pressure, the mean of two readings, with unit and range checked each time.

        ``InstrumentError`` out of range, and if it measures absolute pressure; ``ProtocolError`` while two readings
        differ.
        """
        with self._link.lock:
            if (unit := self._link.query(UNIT)) != "KPA":
                self._link.fail(InstrumentError, UNIT, unit, "it does not measure in kPa", "ask again")
            if not (name := self._link.query_twice(RANGE)).upper().endswith(GAUGE):
                self._link.fail(InstrumentError, RANGE, name, "not a gauge range", "select its gauge sensor")
            tolerance_kpa = STEADY_OF_RANGE * self._full_scale_kpa
            pressure_kpa = self._link.query_measured(PRESSURE, "pressure out of range", tolerance_kpa)
        if not LOWEST_KPA <= pressure_kpa <= self._full_scale_kpa:
            why = f"pressure out of range ({LOWEST_KPA:g} to {self._full_scale_kpa:g} kPa)"
            self._link.fail(InstrumentError, PRESSURE, f"{pressure_kpa:g}", why, "check the line and the range")
        return pressure_kpa

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()


def open_druck_pace(place: Place, settings: DruckPaceSettings) -> DruckPace:
    """Connect to the box at ``tcp://host:5025`` or a VISA resource."""
    link = VisaLink(place.role, place.address, headers=True, tape=place.tape)
    link.open(*MODELS)
    return DruckPace(link, settings)
