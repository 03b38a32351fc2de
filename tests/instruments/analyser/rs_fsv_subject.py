"""The analyser for the fault matrix: the power in a channel."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.analyser.rs_fsv import open_rs_fsv
from meterbench.instruments.analyser.rs_fsv_sim import RsFsvSim
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock
from meterbench.world.radio import Emission, Medium
from tests.instruments.subjects import Subject

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A transmitter of 125 kHz that never stops, and which a change makes 3 dB weaker."""
    now_s, power_dbm = [0.0], [-10.0]
    faults, air = FaultPlan(seed=1), Medium()

    def transmit() -> None:
        air.forget_before(float("inf"))
        air.emit(Emission(0.0, 1e6, 868.3e6, 125e3, power_dbm[0]))

    transmit()
    sim = RsFsvSim(air, lambda: now_s[0], random.Random(1), faults)

    def advance(duration_s: float) -> bool:
        now_s[0] += duration_s
        loop_thread.call(sim.sample)
        return True

    def change() -> None:
        power_dbm[0] = power_dbm[0] - 3.0 if power_dbm[0] > -60.0 else -10.0
        loop_thread.call(transmit)

    analyser = open_rs_fsv(Place("analyser", loop_thread.run(sim.start()), VirtualClock(advance)))
    analyser._link._deadline_s = QUICK_S
    try:
        yield Subject(
            analyser,
            faults,
            ask=lambda: analyser.channel_power_dbm(868.3e6, 200e3),
            right=lambda answer: isinstance(answer, float) and abs(answer - power_dbm[0]) < 0.15,
            change=change,
            answers=7,
            deadline_s=4.0,
            cannot={FaultKind.WRONG_UNIT: "a socket has no addresses"},
            cleared_at=(0,),
        )
    finally:
        analyser.close()
        loop_thread.run(sim.stop())
