"""The resistance decade for the fault matrix: what its terminals have after it says that it is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.rtd.meatest_m631 import open_meatest_m631
from meterbench.instruments.rtd.meatest_m631_sim import TERMINATOR, MeatestM631Sim
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.world.clock import WallClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """Temperatures of a PT1000, one after the other."""
    wanted_ohm = [1000.0]
    faults = FaultPlan(seed=7)
    box = MeatestM631Sim()
    server = ScpiServer(box.scpi, faults, TERMINATOR)
    rtd = open_meatest_m631(Place("rtd 1", loop_thread.run(server.start()), WallClock()))
    rtd._link._deadline_s = QUICK_S

    def play() -> float:
        rtd.set_resistance_ohm(wanted_ohm[0])
        return loop_thread.call(box.resistance_ohm)

    def change() -> None:
        wanted_ohm[0] = 1000.0 + (wanted_ohm[0] - 989.5) % 270.0

    try:
        yield Subject(
            rtd,
            faults,
            ask=play,
            right=lambda answer: answer == pytest.approx(wanted_ohm[0], abs=2e-3),
            change=change,
            answers=3,
            deadline_s=1.5,
            cannot={
                FaultKind.WRONG_UNIT: "a socket has no addresses",
                FaultKind.SATURATE: "it measures nothing",
            },
        )
    finally:
        rtd.close()
        loop_thread.run(server.stop())
