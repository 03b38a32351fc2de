"""Signals that ask the bench to stop, in an orderly way, from the opening of the station to the last report."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from meterbench.errors import Cancelled
from meterbench.world.clock import Clock


def stop_signals() -> list[signal.Signals]:
    """Ctrl-C, SIGTERM, and a terminal that goes away, unless ``nohup`` said that this means nothing."""
    asked = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    return [number for number in asked if number is not signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]


class StopSignals:
    """While it is entered, a signal ends what waits on the station's clock; the clean-up after that runs to its end.

    Before the station is open there is nothing to make safe: the opening is broken off at once. After the record is
    closed a signal changes nothing any more. Only in the main thread.
    """

    def __init__(self) -> None:
        self._clock: Clock | None = None
        self._finished = False
        self.reason = ""
        """What asked to stop, if anything did."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in stop_signals():
            self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def follow(self, clock: Clock) -> None:
        """The station is open: from now on its clock is what a signal stops, also one that came before."""
        self._clock = clock
        if self.reason:
            clock.cancel(self.reason)

    def finish(self) -> None:
        """The rig is safe and the record closed: what is left are reports."""
        self._finished = True

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        first, self.reason = not self.reason, self.reason or f"{signal.Signals(number).name} received"
        if self._clock is not None:
            self._clock.cancel(self.reason)
        elif first and not self._finished:
            raise Cancelled(self.reason)  # once: an impatient second signal would cut what closes and makes safe
