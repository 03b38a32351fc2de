"""Faults that a simulator commits on request, seeded: the bench must name each, and never take a wrong value.

A fault plan belongs to one simulator and is set by the station file (``[virtual.faults.<role>]``) or by a test.
The simulator asks ``plan.next()`` once for each request that it is about to answer and obeys.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What a simulator can do wrong on the wire."""

    SILENCE = "silence"
    """No answer at all."""
    LATE = "late"
    """The right answer, ``delay_s`` wall seconds late: after the driver's deadline it is a stale reply."""
    GARBLE = "garble"
    """The answer with some bytes changed."""
    REFUSE = "refuse"
    """The instrument's own way to refuse a command."""
    CLOSE = "close"
    """The connection drops in the middle."""
    DIE = "die"
    """The instrument's server goes away and does not come back."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, committed ``count`` times in a row (-1: for ever) after ``after`` good answers."""

    kind: FaultKind
    after: int = 0
    count: int = 1
    delay_s: float = 0.5


class FaultPlan:
    """Decides for each request whether it is answered properly. Not thread-safe: used in the lab's loop only."""

    def __init__(self, faults: tuple[Fault, ...] = (), seed: int = 0) -> None:
        self._faults = list(faults)
        self._answers = 0
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> None:
        """Commit ``fault``, counting its ``after`` from now."""
        self._faults.append(Fault(fault.kind, self._answers + fault.after, fault.count, fault.delay_s))

    def next(self) -> Fault | None:
        """The fault to commit on this request, or None to answer properly."""
        number = self._answers
        self._answers += 1
        for fault in self._faults:
            if number >= fault.after and (fault.count < 0 or number < fault.after + fault.count):
                return fault
        return None

    def garble(self, payload: bytes) -> bytes:
        """``payload`` with one to three bytes changed to other printable ones; never the same as before."""
        changed = bytearray(payload)
        for _ in range(min(len(changed), self._random.randint(1, 3))):
            place = self._random.randrange(len(changed))
            changed[place] = self._random.choice([byte for byte in range(0x21, 0x7E) if byte != changed[place]])
        return bytes(changed)
