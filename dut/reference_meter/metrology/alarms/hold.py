"""An alarm over a condition: it must last before it raises, and be gone for a while before it clears (ADR-040..044).

A moment is told by the number of measuring cycles that were over: a condition that holds from cycle ``s`` on (the
first is 0) raises after ``raise_after`` cycles of it, at ``s + raise_after``. Gaps shorter than ``clear_after`` do not
end the condition, but nothing is raised within one.
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
        self._since = 0
        """When the condition began, gaps included; of no account while it is ended."""
        self._changed = 0
        """When it last came or went."""
        self._ended = True

    @property
    def on(self) -> bool:
        """The condition holds now."""
        return self._on

    def restart(self, active: bool, now: int) -> None:
        """Begin anew, active or not: an active alarm clears unless its condition comes back."""
        self.active, self._on, self._ended, self._since, self._changed = active, False, not active, now, now

    def see(self, changes: Sequence[Change], now: int) -> list[Change]:
        """Let time pass to ``now``, with these changes of the condition on the way; those of the alarm."""
        if not changes and (self.active == self._on) and (self._on or self._ended):
            return []
        seen: list[Change] = []
        for change in changes:
            self._let_pass(change.tick, seen)
            if change.on == self._on:
                continue
            self._on, self._changed = change.on, change.tick
            if change.on and self._ended:
                self._ended, self._since = False, change.tick
        self._let_pass(now, seen)
        return seen

    def see_many(self, starts: Cycles, ends: Cycles, begin: int, now: int) -> list[Change]:
        """As ``see``, from ``begin`` on, for a condition that held from each of ``starts`` to each of ``ends``."""
        gone = [Change(begin, False)] if self._on and not (len(starts) and starts[0] == begin) else []
        if not len(starts):
            return self.see(gone, now)
        seen = self.see(gone, int(starts[0]))
        first = 0
        if not self.active:
            # Most draws are far too short: only the last one matters, which may go on.
            heads = np.flatnonzero(np.append(True, starts[1:] - ends[:-1] >= self.times.clear_after))
            lengths = ends[np.append(heads[1:], len(starts)) - 1] - starts[heads]
            lengths[0] += 0 if self._ended else int(starts[0]) - self._since
            if len(heads) > 1 and lengths.max() < self.times.raise_after:
                first = int(heads[-1])
                self._on, self._ended = False, True
        changes: list[Change] = []
        for start, end in zip(starts[first:].tolist(), ends[first:].tolist(), strict=True):
            changes.append(Change(start, True))
            if end < now:
                changes.append(Change(end, False))
        return seen + self.see(changes, now)

    def _let_pass(self, to: int, seen: list[Change]) -> None:
        if self._on:
            due = max(self._since + self.times.raise_after, self._changed + 1)
            if not self.active and due <= to:
                self.active = True
                seen.append(Change(due, True))
        elif not self._ended:
            due = self._changed + self.times.clear_after
            if due <= to:
                self._ended = True
                if self.active:
                    self.active = False
                    seen.append(Change(due, False))
