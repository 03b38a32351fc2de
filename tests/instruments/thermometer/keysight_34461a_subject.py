"""The multimeter for the fault matrix."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.thermometer import keysight_34461a
from meterbench.instruments.thermometer.keysight_34461a_sim import Keysight34461ASim
from meterbench.world.clock import WallClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A probe of 107.8 ohm, which a change makes 3 ohm (8 K) more."""
    probe = [107.7935]
    faults = FaultPlan(seed=1)
    box = Keysight34461ASim(lambda: faults.measured(probe[0], 1e3, 0.0), random.Random(1))
    server = ScpiServer(box.scpi, faults)
    address = loop_thread.run(server.start())
    thermometer = keysight_34461a.open_keysight_34461a(Place("water_temp", address, WallClock()))
    thermometer._link._deadline_s = QUICK_S
    before, keysight_34461a.DEADLINE_S = keysight_34461a.DEADLINE_S, QUICK_S

    def change() -> None:
        probe[0] = probe[0] + 3.0 if probe[0] < 150.0 else 107.7935

    try:
        yield Subject(
            thermometer,
            faults,
            ask=thermometer.resistance_ohm,
            right=lambda answer: isinstance(answer, float) and abs(answer - probe[0]) < 2e-3,
            change=change,
            answers=2,
            deadline_s=4.0,
            cannot={FaultKind.WRONG_UNIT: "a socket has no addresses"},
        )
    finally:
        keysight_34461a.DEADLINE_S = before
        thermometer.close()
        loop_thread.run(server.stop())
