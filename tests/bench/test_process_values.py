"""Looking at all instruments for the traces: a silent one stops neither the heart nor the sequence. Kind: fault."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from meterbench.bench.process_values import LONGEST_PAUSE_S, VIRTUAL_PERIOD_S, Looking
from meterbench.errors import DeadlineExceeded, InterlockTripped
from meterbench.world.clock import VirtualClock


class Probe:
    """Silent for a second, or not."""

    def __init__(self, role: str, clock: VirtualClock, silent: bool = True) -> None:
        self.role = role
        self.silent = silent
        self.asked_s: list[float] = []
        self._clock = clock

    def resistance_ohm(self) -> float:
        self.asked_s.append(self._clock.now_s())
        if self.silent:
            self._clock._elapsed_s += 1.0  # the link waits, not the clock
            raise DeadlineExceeded(f"{self.role}: no answer")
        return 108.0


class Kept:
    def __init__(self) -> None:
        self.rows: list[tuple[str, Any]] = []

    def keep(self, source: str, values: Any) -> None:
        self.rows.append((source, values))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(lambda _duration_s: False)


def test_silent_instruments_do_not_stop_the_heart(clock: VirtualClock) -> None:
    """Six of them, a second each: never more than 1.5 s between two beats, where the PLC allows 3 s."""
    beats: list[float] = []
    clock.every(0.5, lambda: beats.append(clock.now_s()), vital=True)
    looking = Looking({"thermometer": [Probe(f"probe {n}", clock) for n in range(6)]}, clock)  # type: ignore[list-item]
    looking.start(Kept())
    clock.sleep(120.0)
    assert max(later - earlier for earlier, later in pairwise(beats)) <= 1.5


def test_a_silent_instrument_is_asked_ever_more_seldom(clock: VirtualClock) -> None:
    """Doubling pauses up to a longest one, each look a row; once it answers it is looked at as before."""
    probe, kept = Probe("thermometer", clock), Kept()
    looking = Looking({"thermometer": [probe]}, clock)  # type: ignore[list-item]
    looking.start(kept)
    clock.sleep(1000.0)
    gaps = [later - earlier for earlier, later in pairwise(probe.asked_s)]
    assert gaps == sorted(gaps)
    assert gaps[0] > 1.5 * VIRTUAL_PERIOD_S
    assert LONGEST_PAUSE_S <= gaps[-1] <= LONGEST_PAUSE_S + 2.0 * VIRTUAL_PERIOD_S
    assert [values for _, values in kept.rows] == [{"fault": "thermometer: no answer"}] * len(probe.asked_s)
    probe.silent = False
    clock.sleep(LONGEST_PAUSE_S + 2.0 * VIRTUAL_PERIOD_S)
    probe.asked_s.clear()
    clock.sleep(10.0 * VIRTUAL_PERIOD_S)
    assert len(probe.asked_s) == 10


def test_a_trip_is_no_fault_of_the_instrument_that_was_looked_at(clock: VirtualClock) -> None:
    """The heartbeat that comes in between finds an alarm: that comes out, and nobody else is asked."""
    probes = [Probe("probe 1", clock), Probe("probe 2", clock)]

    def beat() -> None:
        if probes[0].asked_s:
            raise InterlockTripped("LEAK_TRAY")

    clock.every(0.5, beat, vital=True)
    kept = Kept()
    with pytest.raises(InterlockTripped, match="LEAK_TRAY"):
        Looking({"thermometer": probes}, clock).start(kept)  # type: ignore[dict-item]
    assert probes[1].asked_s == []
