"""The push button under the lid: pressed while the case is closed, and bouncing whenever it moves (ADR-022).

It needs no supply of its own and works from any source (technical description, 11).
"""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np

BOUNCE_S = (0.001, 0.010)
"""[design] How long a contact bounces, spread over its movements."""
BOUNCES = (1, 8)
"""[design] How often it falls back meanwhile."""


class CaseSwitch:
    """One unit's button; ``rng`` draws its bounces. The case is closed at first."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._edges_s: list[float] = []
        self._moved_s = -math.inf

    def open(self, at_s: float) -> None:
        """Lift the lid."""
        self._move(at_s, pressed=False)

    def close(self, at_s: float) -> None:
        """Put the lid back."""
        self._move(at_s, pressed=True)

    def pressed(self, at_s: float) -> bool:
        """The contact's level at any time, bounces and all."""
        return bisect_right(self._edges_s, at_s) % 2 == 0

    def _move(self, at_s: float, *, pressed: bool) -> None:
        """``ValueError`` if the lid was moved later than this already."""
        if at_s < self._moved_s:
            raise ValueError(f"the case was moved at {self._moved_s} s, it cannot be moved at {at_s} s any more")
        if self._settles_pressed() == pressed:
            return
        self._moved_s = at_s
        del self._edges_s[bisect_right(self._edges_s, at_s) :]
        changes = 0 if self._settles_pressed() == pressed else 1
        changes += 2 * int(self._rng.integers(BOUNCES[0], BOUNCES[1], endpoint=True))
        bouncing_s = float(self._rng.uniform(*BOUNCE_S))
        instants = np.sort(self._rng.uniform(0.0, bouncing_s, changes))
        instants[0] = 0.0
        self._edges_s += [at_s + float(instant) for instant in instants]

    def _settles_pressed(self) -> bool:
        return len(self._edges_s) % 2 == 0
