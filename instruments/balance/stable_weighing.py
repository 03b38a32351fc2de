"""When a reading of a balance counts: protocols without a checksum cannot tell a changed digit from another mass."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from meterbench.errors import DeadlineExceeded
from meterbench.world.clock import Clock

POLL_S = 0.5
UNITS_G = {"g": 1.0, "kg": 1000.0}


class StableReading(NamedTuple):
    """What a balance calls stable."""

    mass_g: float
    step_g: float
    """Of its display."""


def in_grams(number: str, decimals: str | None, unit: str) -> StableReading:
    """The reading ``number``, printed with these ``decimals``, in a unit of ``UNITS_G``."""
    # Rounded where the decimal number ends: 0.1234 kg is 123.4 g and no 123.39999999999999.
    return StableReading(round(float(number) * UNITS_G[unit], 6), UNITS_G[unit] * 10.0 ** -len(decimals or ""))


def two_equal(
    ask: Callable[[], tuple[str, StableReading | None]], who: str, asked: str, clock: Clock, deadline_s: float
) -> StableReading:
    """Polls with ``ask`` (the line, and its reading if that is stable) until two stable readings in a row agree within
    one step of the display; ``DeadlineExceeded`` after ``deadline_s`` on the clock. ``who`` was asked ``asked``."""
    start_s = clock.now_s()
    before: StableReading | None = None
    while True:
        line, reading = ask()
        if reading and before and abs(reading.mass_g - before.mass_g) < 1.01 * min(reading.step_g, before.step_g):
            return reading
        before = reading
        waited_s = clock.now_s() - start_s
        if waited_s + POLL_S > deadline_s:
            raise DeadlineExceeded(
                f"{who}: no two equal stable readings within {deadline_s:g} s ({waited_s:.1f} s waited); the last "
                f"answer to {asked} was {line!r}; is water still running, or the balance in a draught?"
            )
        clock.sleep(POLL_S)
