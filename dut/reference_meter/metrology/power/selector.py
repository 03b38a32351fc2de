"""Which batteries are good, and which source feeds (ADR-051..054, metering.md 5.5).

A pack that was good is discharged after three consecutive checks below 2.9 V; one that was discharged is good again
after three above 3.1 V. So a voltage that hovers about one limit changes nothing, and every change costs a whole way
through the hysteresis. A newly inserted pack feeds from its first good reading on (2.9 V: OPEN-4), and counts as
discharged only after three bad ones: its film may not be gone yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from meterbench.dut.reference_meter.metrology.power.places import Place, Source

DISCHARGED_BELOW_V = 2.9
"""ADR-051."""
GOOD_ABOVE_V = 3.1
CHECKS = 3
"""[design] Both; metering.md 5.5."""
CALM_V = 0.02
"""[design] How clear of a limit a reading is that says something of its neighbours too."""


class Condition(IntEnum):
    """What is known of a pack. The numbers go into the checkpoint."""

    ABSENT = 0
    NEW = 1
    """In its place, but never measured good: it does not feed yet."""
    GOOD = 2
    DISCHARGED = 3


class Battery:
    """The judgement on one place."""

    def __init__(self, condition: Condition = Condition.ABSENT, contradicting: int = 0) -> None:
        self.condition = condition
        self.contradicting = contradicting
        """Consecutive checks that speak against ``condition``, fewer than ``CHECKS``."""

    def check(self, reading_v: float | None) -> None:
        """Take in a reading; None if the contact says that there is no pack. NaN is as bad as no voltage."""
        if reading_v is None:
            self.condition, self.contradicting = Condition.ABSENT, 0
            return
        if self.condition is Condition.ABSENT:
            self.condition = Condition.NEW
        if self.condition is Condition.DISCHARGED:
            against, turns_into = reading_v > GOOD_ABOVE_V, Condition.GOOD
        else:
            against, turns_into = not reading_v >= DISCHARGED_BELOW_V, Condition.DISCHARGED
            if not against:
                self.condition = Condition.GOOD
        self.contradicting = self.contradicting + 1 if against else 0
        if self.contradicting == CHECKS:
            self.condition, self.contradicting = turns_into, 0

    def unmoved_by(self, reading_v: float | None) -> bool:
        """True if such readings, or some ``CALM_V`` off, leave everything as it is, however many there are."""
        if reading_v is None or self.condition is Condition.ABSENT:
            return reading_v is None and self.condition is Condition.ABSENT
        if self.contradicting or self.condition is Condition.NEW:
            return False
        if self.condition is Condition.DISCHARGED:
            return reading_v < GOOD_ABOVE_V - CALM_V
        return reading_v > DISCHARGED_BELOW_V + CALM_V


def choose_source(batteries: Mapping[Place, Battery]) -> Source:
    """External if it is good, else C1 and C2 if one is, else the backup, else none."""
    for source in (Source.EXTERNAL, Source.MAIN, Source.BACKUP):
        if any(batteries[place].condition is Condition.GOOD for place in source.places):
            return source
    return Source.NONE
