"""Faults that a simulator commits on request, seeded: the bench must name each, and never take a wrong value.

A fault plan belongs to one simulator and is set by the station file (``[virtual.faults.<role>]``) or by a test.
The simulator asks ``plan.next()`` once for each request that it is about to answer and obeys.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
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
    WRONG_UNIT = "wrong_unit"
    """The answer of another device on the same line, where the protocol has addresses."""
    QUEUE = "queue"
    """The right answer, and an error of the instrument's own in its queue or status, where it has one."""
    SATURATE = "saturate"
    """What is measured runs into the end of the instrument's range."""
    DRIFT = "drift"
    """What is measured goes off by ``drift_percent_h`` an hour, from then on: nothing on the wire tells."""
    RESTART = "restart"
    """It loses its supply, and comes back with its power-on settings before it answers."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, committed ``count`` times in a row (-1: for ever) after ``after`` good answers."""

    kind: FaultKind
    after: int = 0
    count: int = 1
    delay_s: float = 0.5
    drift_percent_h: float = 1.0


class FaultPlan:
    """Decides for each request whether it is answered properly. Not thread-safe: used in the lab's loop only."""

    def __init__(self, faults: tuple[Fault, ...] = (), seed: int = 0) -> None:
        self._faults = list(faults)
        self._answers = 0
        self._random = random.Random(seed)
        self._saturated = False
        self._drift_percent_h = 0.0
        self._drifts_since_s: float | None = None

    def add(self, fault: Fault) -> None:
        """Commit ``fault``, counting its ``after`` from now."""
        self._faults.append(replace(fault, after=self._answers + fault.after))

    def clear(self) -> None:
        """No more faults, on the wire and in what is measured."""
        self._faults.clear()
        self._saturated, self._drift_percent_h, self._drifts_since_s = False, 0.0, None

    def next(self) -> Fault | None:
        """The fault to commit on this request, or None to answer properly.

        What is wrong with the measured value is no matter of the wire: ``measured`` does it, and this gives None.
        """
        number = self._answers
        self._answers += 1
        self._saturated = False
        for fault in self._faults:
            if number >= fault.after and (fault.count < 0 or number < fault.after + fault.count):
                if fault.kind is FaultKind.SATURATE:
                    self._saturated = True
                elif fault.kind is FaultKind.DRIFT:
                    self._drift_percent_h = fault.drift_percent_h
                else:
                    return fault
        return None

    def measured(self, true: float, full_scale: float, now_s: float) -> float:
        """What the instrument's sensor makes of ``true``: ten times its full scale, or drifted away by ``now_s``."""
        if self._saturated:
            return 10.0 * full_scale
        if self._drift_percent_h == 0.0:
            return true
        if self._drifts_since_s is None:
            self._drifts_since_s = now_s
        return true * (1.0 + self._drift_percent_h / 100.0 * (now_s - self._drifts_since_s) / 3600.0)

    def garble(self, payload: bytes) -> bytes:
        """``payload`` with one to three bytes changed to other printable ones; never the same as before."""
        changed = bytearray(payload)
        for _ in range(min(len(changed), self._random.randint(1, 3))):
            place = self._random.randrange(len(changed))
            changed[place] = self._random.choice([byte for byte in range(0x21, 0x7E) if byte != changed[place]])
        return bytes(changed)
