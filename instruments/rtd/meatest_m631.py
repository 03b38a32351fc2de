"""Meatest M631 or M632 resistance decade in the place of the meter's PT1000.

M631 Operation Manual, section 6.5: ``:RES``, ``:OUTP``; a line ends in CR, LF or both, answers end in CR LF. It
switches real resistors, so that the meter's pulsed excitation finds the resistance settled.
"""

from __future__ import annotations

from collections.abc import Sequence

from meterbench.errors import InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import Place

MODELS = ("M631", "M632")
RANGE_OHM = (16.0, 400e3)
"""What it can be set to."""
STEP_OHM, STEP = 2e-3, 1e-5
"""What is read back is what was set, to this and to this part of it: steps of its decades (unconfirmed)."""


class MeatestM631:
    """A ``ResistanceSimulator``."""

    def __init__(self, link: VisaLink) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link

    def set_resistance_ohm(self, resistance_ohm: float) -> None:
        """Connect it, and read resistance and output back; ``InstrumentError`` out of range."""
        lowest_ohm, highest_ohm = RANGE_OHM
        if not lowest_ohm <= resistance_ohm <= highest_ohm:
            asked, why = f"{resistance_ohm:g} ohm", f"it has {lowest_ohm:g} to {highest_ohm:g} ohm"
            self._link.fail(InstrumentError, asked, "", why, "correct the request")
        with self._link.lock:
            self._link.write(f":RES {resistance_ohm:.4f};:OUTP ON")
            found = self._link.query_numbers(":RES?", infinity_means="open")
            allowed_ohm = STEP_OHM + STEP * resistance_ohm
            if len(found) != 1 or abs(found[0] - resistance_ohm) > allowed_ohm:
                why = f"{resistance_ohm:.4f} ohm was set"
                self._link.fail(InstrumentError, ":RES?", str(found), why, "set it again")
            self._expect_output(on=True)

    def make_safe(self) -> None:
        """Output open, read back."""
        with self._link.lock:
            self._link.write(":OUTP OFF")
            self._expect_output(on=False)

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()

    def _expect_output(self, *, on: bool) -> None:
        found = self._link.query_twice(":OUTP?")
        if found not in ("0", "1"):
            self._link.fail(ProtocolError, ":OUTP?", found, "neither 0 nor 1", "repeat")
        if found != str(int(on)):
            wanted = "closed" if on else "open"
            self._link.fail(InstrumentError, ":OUTP?", found, f"its output is not {wanted}", "check the decade")


def open_meatest_m631(place: Place) -> MeatestM631:
    """Connect to the decade at ``tcp://host:port`` or a VISA resource."""
    link = VisaLink(place.role, place.address, tape=place.tape)
    link.open(*MODELS)
    return MeatestM631(link)
