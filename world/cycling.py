"""Discontinuous flow: a quick valve behind the meters lets the water go and stops it again, cycle after cycle.

The valve opens and shuts so that the flow rises and falls in a straight line. Every cycle begins at its own multiple of
the period: nothing adds up over 100 000 of them. A stretch of many cycles is lived through in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.world.hydraulics import FlowNoise
from meterbench.world.segment import Array

RAMP_PIECES = 4
"""A ramp is given to the meters as so many steps of the same length, each with its own mean flow."""
RISING = (np.arange(RAMP_PIECES) + 0.5) / RAMP_PIECES
LEVELS = np.append(np.append(0.0, RISING), 1.0)
"""All parts of the full flow that a piece of a cycle can have: still, the ramps' steps, full."""
_STILL, _FULL = 0, RAMP_PIECES + 1
_LEVEL_OF_PIECE = np.concatenate((np.arange(1, _FULL), [_FULL], np.arange(1, _FULL)[::-1], [_STILL]))
PIECES = len(_LEVEL_OF_PIECE)
_SAME_INSTANT_S = 1e-9


@dataclass(frozen=True, slots=True)
class CycleTimes:
    """How long the four phases of a cycle last, in seconds; ``ValueError`` unless all are positive."""

    rise_s: float
    on_s: float
    fall_s: float
    off_s: float

    def __post_init__(self) -> None:
        if not all(0.0 < each < math.inf for each in (self.rise_s, self.on_s, self.fall_s, self.off_s)):
            raise ValueError(f"each phase of a cycle lasts more than 0 s: not {self}")

    @property
    def period_s(self) -> float:
        return self.rise_s + self.on_s + self.fall_s + self.off_s

    @property
    def mean_part(self) -> float:
        """Mean flow of a cycle as a part of the full one."""
        return (0.5 * self.rise_s + self.on_s + 0.5 * self.fall_s) / self.period_s

    @property
    def piece_starts_s(self) -> Array:
        """Where the pieces of a cycle begin, shape (``PIECES``,)."""
        steps = np.arange(RAMP_PIECES) / RAMP_PIECES
        fall_s = self.rise_s + self.on_s
        return np.concatenate(
            (self.rise_s * steps, [self.rise_s], fall_s + self.fall_s * steps, [fall_s + self.fall_s])
        )

    def part_at(self, since_start_s: float) -> float:
        """Part of the full flow that runs at a time of the cycle."""
        if since_start_s < self.rise_s:
            return max(0.0, since_start_s / self.rise_s)
        falling_s = since_start_s - self.rise_s - self.on_s
        return min(1.0, max(0.0, 1.0 - falling_s / self.fall_s))


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Pieces of cycles, one after the other: ``edges_s`` has the shape (n + 1,), the others (n,)."""

    edges_s: Array
    cycle: NDArray[np.int64]
    """Number of the cycle that each piece belongs to, from 0."""
    level: NDArray[np.int64]
    """Index in ``LEVELS``."""
    gain: Array
    """What the pump's unrest makes of the flow in this cycle."""


@dataclass(frozen=True, slots=True, eq=False)
class PassedCycles:
    """Whole cycles that have just ended, as they truly were; arrays of the shape (cycles,)."""

    first: int
    """Number of the first of them, from 0."""
    flow_l_h: Array
    """Mean while it was on."""
    volume_l: Array
    pressure_upstream_kpa: Array
    """Mean while it was on; so is the next."""
    pressure_downstream_kpa: Array
    water_temp_c: Array


Listener = Callable[[PassedCycles], None]


class Cycling:
    """A programme of ``cycles`` cycles that begins at ``begins_s``; ``listener`` is told of each that has ended."""

    def __init__(
        self, times: CycleTimes, begins_s: float, cycles: int, noise: FlowNoise, listener: Listener | None = None
    ) -> None:
        self.times = times
        self._begins_s = begins_s
        self._cycles = cycles
        self._noise = noise
        self._gain_sd = noise.mean_sd(times.on_s)
        self._listener = listener
        self._done = 0
        self._gain = self._draw(1)[0]
        """Of the cycle that runs."""
        self._sums = np.zeros(5)
        """Of the cycle that runs, over time: volume; volume, both pressures while it was on; temperature."""

    @property
    def over(self) -> bool:
        """All cycles have ended."""
        return self._done >= self._cycles

    @property
    def cycle_ends_s(self) -> float:
        """World time at which the cycle that runs will have ended."""
        return self.end_s(self._done + 1)

    @property
    def ends_s(self) -> float:
        """World time at which the last one will have ended."""
        return self.end_s(self._cycles)

    def end_s(self, cycles: int) -> float:
        """World time at which so many cycles will have ended."""
        return self._begins_s + cycles * self.times.period_s

    def whole_cycles_until_s(self, at_s: float) -> float:
        """The last end of a cycle up to a world time, but not before the end of the one that runs."""
        whole = math.floor((at_s - self._begins_s) / self.times.period_s)
        return self.end_s(max(self._done + 1, whole))

    def part_at(self, now_s: float) -> float:
        """Part of the full flow at an instant from the start of the cycle that runs to its end."""
        return self.times.part_at(now_s - self.end_s(self._done))

    def stretch(self, now_s: float, until_s: float) -> Stretch:
        """What happens from now until a later world time, ``ends_s`` at the latest."""
        until_cycle = (until_s - _SAME_INSTANT_S - self._begins_s) / self.times.period_s
        count = max(1, min(math.ceil(until_cycle), self._cycles) - self._done)
        cycle = np.arange(self._done, self._done + count)
        starts_s = self._begins_s + cycle[:, None] * self.times.period_s + self.times.piece_starts_s
        edges_s = np.clip(np.append(starts_s.ravel(), until_s), now_s, until_s)
        there = np.diff(edges_s) > _SAME_INSTANT_S
        gains = np.append(self._gain, self._draw(count - 1))
        self._gain = gains[-1]
        starts_s = edges_s[:-1][there]
        starts_s[0] = now_s  # What is too short to be lived through belongs to its neighbour.
        cycle = np.repeat(cycle, PIECES)[there]
        level = np.tile(_LEVEL_OF_PIECE, count)[there]
        return Stretch(np.append(starts_s, until_s), cycle, level, gains[cycle - self._done])

    def lived(
        self, stretch: Stretch, flow_l_h: Array, upstream_kpa: Array, downstream_kpa: Array, water_temp_c: float
    ) -> PassedCycles | None:
        """Keep the books: flow and pressures of each piece of a stretch that went by; the cycles that ended in it."""
        duration_s = np.diff(stretch.edges_s)
        on_s = np.where(stretch.level == _FULL, duration_s, 0.0)
        cycle = stretch.cycle - self._done
        rates = (
            flow_l_h * duration_s / 3600.0,
            flow_l_h * on_s,
            upstream_kpa * on_s,
            downstream_kpa * on_s,
            water_temp_c * duration_s,
        )
        sums = np.array([np.bincount(cycle, each) for each in rates])
        sums[:, 0] += self._sums
        ended = stretch.edges_s[-1] >= self.end_s(int(stretch.cycle[-1]) + 1) - _SAME_INSTANT_S
        whole = sums.shape[1] if ended else sums.shape[1] - 1
        self._sums = np.zeros(5) if ended else sums[:, -1]
        if ended:
            self._gain = self._draw(1)[0]
        if not whole:
            return None
        volume, flow, upstream, downstream, temp = sums[:, :whole]
        each_s, period_s = self.times.on_s, self.times.period_s
        first, self._done = self._done, self._done + whole
        return PassedCycles(first, flow / each_s, volume, upstream / each_s, downstream / each_s, temp / period_s)

    def tell(self, passed: PassedCycles) -> None:
        """Let the listener know."""
        if self._listener is not None:
            self._listener(passed)

    def _draw(self, count: int) -> Array:
        return 1.0 + self._gain_sd * self._noise.rng.standard_normal(count)
