"""The pressure gauge for the fault matrix, with firmware that repeats headers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.pressure.druck_pace import DruckPaceSettings, open_druck_pace
from meterbench.instruments.pressure.druck_pace_sim import DruckPaceSim
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.world.clock import WallClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A line at 300 kPa, a sensor of 1600 kPa."""
    line_kpa = [300.0]
    faults = FaultPlan(seed=5)
    box = DruckPaceSim(lambda: line_kpa[0], faults, lambda: 0.0)
    server = ScpiServer(box.scpi, faults)
    place = Place("pressure", loop_thread.run(server.start()), WallClock())
    gauge = open_druck_pace(place, DruckPaceSettings(full_scale_kpa=1600.0))
    gauge._link._deadline_s = QUICK_S

    def change() -> None:
        line_kpa[0] = 300.0 + (line_kpa[0] - 290.0) % 1000.0

    try:
        yield Subject(
            gauge,
            faults,
            ask=gauge.pressure_kpa,
            right=lambda answer: answer == pytest.approx(line_kpa[0], abs=0.32),
            change=change,
            answers=3,
            deadline_s=1.5,
            cannot={FaultKind.WRONG_UNIT: "a socket has no addresses"},
        )
    finally:
        gauge.close()
        loop_thread.run(server.stop())
