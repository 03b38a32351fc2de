"""An alarm over a condition: it must last before it raises, and be gone for a while before it clears (ADR-040..044).

A moment is told by the number of measuring cycles that were over: a condition that holds from cycle ``s`` on (the
first is 0) raises after ``raise_after`` cycles without a break, at ``s + raise_after``, and one that is gone from cycle
``e`` on clears after ``clear_after`` cycles without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Cycles = NDArray[np.int64]


class Change(NamedTuple):
    """From a moment on, something is so or no longer so."""

    tick: int
    on: bool


@dataclass(frozen=True, slots=True)
class HoldTimes:
    """In measuring cycles; at least one, as nothing can be known sooner."""

    raise_after: int
    clear_after: int

    def __post_init__(self) -> None:
        if self.raise_after < 1 or self.clear_after < 1:
            raise ValueError(f"an alarm cannot be raised or cleared before its condition was seen once: {self}")


class Hold:
    """One alarm. ``active`` is its state after the last cycle that was seen."""

    def __init__(self, times: HoldTimes) -> None:
        self.times = times
        self.active = False
        self._on = False
        self._changed = 0
        """When the condition last came or went."""
        self._known_from = 0
        """Before, that the condition is gone means nothing."""

    @property
    def on(self) -> bool:
        """The condition holds now."""
        return self._on

    def restart(self, active: bool, now: int, *, on: bool = False, unknown: int = 0) -> None:
        """Begin anew, active or not: an active alarm clears unless its condition comes back.

        For so many ``unknown`` cycles it cannot be told whether the condition is gone.
        """
        self.active, self._on, self._changed, self._known_from = active, on, now, now + unknown

    def see(self, changes: Sequence[Change], now: int) -> list[Change]:
        """Let time pass to ``now``, with these changes of the condition on the way; those of the alarm."""
        seen: list[Change] = []
        for change in changes:
            if change.on != self._on:
                self._let_pass(change.tick, seen)
                self._changed, self._on = change
        self._let_pass(now, seen)
        return seen

    def see_many(self, starts: Cycles, ends: Cycles, begin: int, now: int) -> list[Change]:
        """As ``see``, from ``begin`` on, for a condition that held from each of ``starts`` to each of ``ends``."""
        first = 0
        goes_on = self._on and len(starts) > 0 and starts[0] == begin
        if not self.active and len(starts) > 1:
            # Most draws are far too short: only those from the first that is long enough on matter, or the last one.
            lengths = ends - starts
            lengths[0] += starts[0] - self._changed if goes_on else 0
            long = np.flatnonzero(lengths >= self.times.raise_after)
            first = int(long[0]) if len(long) else len(starts) - 1
        changes = [Change(begin, False)] if not goes_on or first else []
        for start, end in zip(starts[first:].tolist(), ends[first:].tolist(), strict=True):
            changes.append(Change(start, True))
            if end < now:
                changes.append(Change(end, False))
        return self.see(changes, now)

    def _let_pass(self, to: int, seen: list[Change]) -> None:
        if self._on == self.active:
            return
        if self._on:
            due = self._changed + self.times.raise_after
        else:
            due = max(self._changed, self._known_from) + self.times.clear_after
        if due <= to:
            self.active = self._on
            seen.append(Change(due, self.active))
