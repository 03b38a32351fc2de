"""A chamber in a world that only the clock moves, for both controllers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod

import pytest

from meterbench.instruments.links import serial_link
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.world.air import Air
from meterbench.world.climate import Chamber, ChamberSpec
from meterbench.world.clock import VirtualClock

HALL = Air(20.0, humidity_percent=50.0)
DRY = ChamberSpec(humid=False)
"""A cabinet that cannot hold a humidity."""
LINK_DEADLINE_S = 0.12


class Cabinet:
    """The truth; ``settle`` brings the air to where it is going."""

    def __init__(self, loop_thread: LoopThread, spec: ChamberSpec | None = None) -> None:
        self.loop_thread = loop_thread
        self.chamber = Chamber(lambda: HALL, spec)
        self.elapsed_s = 0.0
        self.clock = VirtualClock(self._advance)

    def jump(self, temp_c: float, humidity_percent: float) -> None:
        """The air is this now."""
        self.chamber.air_temp_c = temp_c
        self.chamber.air_humidity_percent = humidity_percent

    def now_s(self) -> float:
        """The world's time."""
        return self.elapsed_s

    def _advance(self, duration_s: float) -> bool:
        def step() -> bool:
            self.elapsed_s += duration_s
            return self.chamber.advance(duration_s)

        return self.loop_thread.call(step)


@contextmanager
def quick_sockets() -> Iterator[None]:
    """Loopback needs neither the silences of a serial line nor a pause after closing a socket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serial_link, "POLL_S", 0.005)
        patch.setattr(SerialLink, "drain", partialmethod(SerialLink.drain, silence_s=0.01))
        patch.setattr(serial_link, "REOPEN_AFTER_S", 0.0)
        yield


def exchanges(instrument) -> list[tuple[bytes, bytes]]:
    """What went over the wire, oldest first."""
    return [(each.sent, each.received) for each in instrument.trace()]
