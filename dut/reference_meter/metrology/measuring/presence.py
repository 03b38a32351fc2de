"""Is there water, and which shots may be bridged: DRY, bubbles, a half-filled pipe (ADR-040, metering.md 2.6).

A lost shot here and there is bridged with the flow of the last good one, for two seconds at the most. Where fewer than
half of the shots of four seconds are good, nothing can be told, and nothing is registered. Eight shots in a row with no
echo in either direction mean an empty pipe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.measuring.transit import Echo

DRY_SHOTS = 8
BRIDGED_SHOTS = 16
WINDOW_SHOTS = 32
"""[design] All three; metering.md 2.6."""
_ALL_GOOD = (1 << WINDOW_SHOTS) - 1
_RETURNING = (1 << 2 * DRY_SHOTS) - 1
"""Water that comes back brings bubbles: half of the last 16 shots end DRY, half of the window measures again."""


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """What becomes of each shot of a block, shape (shots,)."""

    measured: NDArray[np.bool_]
    """Its own flow counts."""
    bridged: NDArray[np.bool_]
    """The flow of the last good shot counts in its place."""
    into_dry: NDArray[np.bool_]
    """The pipe was known to be empty when it was fired."""


class WaterPresence:
    """Follows the echoes, shot by shot."""

    def __init__(self) -> None:
        self.dry = False
        self._history = _ALL_GOOD
        self._silent = 0
        self._bridged = 0

    def restart(self, *, dry: bool) -> None:
        """Begin anew: an empty pipe counts as empty until water is heard."""
        self.dry, self._history = dry, 0 if dry else _ALL_GOOD

    @property
    def disturbed(self) -> bool:
        """True while more than a quarter of the shots are lost."""
        return 4 * self._history.bit_count() < 3 * WINDOW_SHOTS

    @property
    def measurable(self) -> bool:
        """True while enough shots are good to tell the flow: half of them."""
        return not self.dry and 2 * self._history.bit_count() >= WINDOW_SHOTS

    @property
    def clear(self) -> bool:
        """True if every shot of the last four seconds was good."""
        return not self.dry and self._history == _ALL_GOOD

    @property
    def silent(self) -> bool:
        """True if the pipe is dry and nothing was heard the last time either."""
        return self.dry and self._silent > 0

    @property
    def silent_shots_to_dry(self) -> int:
        """Shots without an echo after which the pipe is dry."""
        return 0 if self.dry else DRY_SHOTS - self._silent

    def shots_until_dry(self, echoes: NDArray[np.int8]) -> int | None:
        """How many of these shots it takes to find the pipe empty; None if it is not, or is already."""
        if self.dry or not (echoes == Echo.NONE).any():
            return None
        silent = self._silent
        for shot, echo in enumerate(echoes.tolist(), start=1):
            silent = silent + 1 if echo == Echo.NONE else 0
            if silent == DRY_SHOTS:
                return shot
        return None

    def judge(self, echoes: NDArray[np.int8]) -> Use:
        """Take in the ``Echo`` of each shot of a block."""
        use = Use(*(np.zeros(len(echoes), dtype=np.bool_) for _ in range(3)))
        for shot, echo in enumerate(echoes.tolist()):
            good = echo == Echo.GOOD
            use.into_dry[shot] = self.dry
            self._history = (self._history << 1 | good) & _ALL_GOOD
            self._silent = self._silent + 1 if echo == Echo.NONE else 0
            self._bridged = 0 if good else self._bridged + 1
            if self._silent >= DRY_SHOTS:
                self.dry, self._history = True, 0  # What was good before says nothing of the water that comes.
            elif self.dry and (self._history & _RETURNING).bit_count() >= DRY_SHOTS:
                self.dry = False
            use.measured[shot] = self.measurable and good
            use.bridged[shot] = self.measurable and not good and self._bridged <= BRIDGED_SHOTS
        return use
