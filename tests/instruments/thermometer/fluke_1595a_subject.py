"""The Super-Thermometer for the fault matrix: the next reading of a channel, over TCP."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.thermometer.fluke_1595a import open_fluke_1595a
from meterbench.instruments.thermometer.fluke_1595a_sim import Fluke1595ASim
from meterbench.world.clock import VirtualClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A probe of 107.8 ohm, which a change makes 3 ohm (8 K) more."""
    now_s, probe_ohm = [0.0], [107.7935]
    faults = FaultPlan(seed=1)
    sim = Fluke1595ASim(lambda: probe_ohm[0], lambda: now_s[0], random.Random(1), faults)

    def advance(duration_s: float) -> bool:
        now_s[0] += duration_s
        loop_thread.call(sim.sample)
        return True

    thermometer = open_fluke_1595a(Place("water_temp", loop_thread.run(sim.start()), VirtualClock(advance)))
    thermometer._link._deadline_s = QUICK_S
    thermometer._link.drain = partial(thermometer._link.drain, silence_s=0.01)  # type: ignore[method-assign]
    advance(3.0)

    def change() -> None:
        probe_ohm[0] = probe_ohm[0] + 3.0 if probe_ohm[0] < 150.0 else 107.7935

    try:
        yield Subject(
            thermometer,
            faults,
            ask=thermometer.resistance_ohm,
            right=lambda answer: isinstance(answer, float) and abs(answer - probe_ohm[0]) < 2e-4,
            change=change,
            answers=13,
            deadline_s=5.0,
            cannot={FaultKind.WRONG_UNIT: "its wires have no addresses"},
        )
    finally:
        thermometer.close()
        loop_thread.run(sim.stop())
