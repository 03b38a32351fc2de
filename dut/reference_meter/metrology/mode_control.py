"""Enters and leaves the modes (technical description, 14; ADR-060..063).

TRANSPORTATION and TEST are entered by command; MEASUREMENT is what NORMAL becomes on the backup cell. They may fall
together: a meter on its way to the site whose C cell dies stays in TRANSPORTATION, and is in MEASUREMENT when that
ends; one in TEST stays there until it is told otherwise or its time is over.
"""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.refusal import Refused

TRANSPORTATION_ENDS_NL = 10 * 10**9
"""ADR-062."""


class ModeControl:
    """``transport_from_nl``: forward and reverse total together when TRANSPORTATION began; ``test_until``: tick at
    which TEST ends by itself. None: not in that mode."""

    def __init__(self, transport_from_nl: int | None = None, test_until: int | None = None) -> None:
        self.transport_from_nl = transport_from_nl
        self.test_until = test_until

    def mode(self, *, on_backup: bool) -> Mode:
        """The mode now."""
        if self.test_until is not None:
            return Mode.TEST
        if self.transport_from_nl is not None:
            return Mode.TRANSPORTATION
        return Mode.MEASUREMENT if on_backup else Mode.NORMAL

    def to_end_of_transport_nl(self, total_nl: int) -> int | None:
        """What must still flow until TRANSPORTATION ends, in either direction; None in other modes."""
        if self.transport_from_nl is None:
            return None
        return max(self.transport_from_nl + TRANSPORTATION_ENDS_NL - total_nl, 0)

    def enter_transportation(self, total_nl: int) -> None:
        """``Refused`` in TEST and in TRANSPORTATION."""
        if self.test_until is not None:
            raise Refused("enter TRANSPORTATION: the meter is in TEST; leave it first")
        if self.transport_from_nl is not None:
            raise Refused("enter TRANSPORTATION: the meter is in it already")
        self.transport_from_nl = total_nl

    def enter_test(self, until: int) -> None:
        """Begin TEST, or let it last until another tick; ``Refused`` in TRANSPORTATION, where no channel works."""
        if self.transport_from_nl is not None:
            raise Refused("enter TEST: the meter is in TRANSPORTATION, which ends after 10 L of water")
        self.test_until = until
