"""The balance for the fault matrix: a stable weighing, over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from meterbench.instruments.balance.mettler_mt_sics import MtSicsBalance
from meterbench.instruments.balance.mettler_mt_sics_sim import MtSicsSim
from meterbench.instruments.balance.pan import CellSpec
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.world.clock import VirtualClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12
EXACT = CellSpec(readability_g=0.01, repeatability_g=0.0, drift_sd_g_h=0.0)


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A pan with 12.34 g on it, and 1 g more after a change."""
    now_s, mass_g = [0.0], [12.34]
    faults = FaultPlan(seed=1)
    sim = MtSicsSim(lambda: mass_g[0], lambda: now_s[0], np.random.default_rng(1), spec=EXACT, faults=faults)

    def advance(duration_s: float) -> bool:
        now_s[0] += duration_s
        loop_thread.call(sim.sample)
        return True

    link = SerialLink("scales", loop_thread.run(sim.start("pty")), deadline_s=QUICK_S)
    link.drain = partial(link.drain, silence_s=0.01)  # type: ignore[method-assign]
    balance = MtSicsBalance("scales", link, VirtualClock(advance))
    balance.open()

    zero_g = [0.0]

    def change() -> None:
        mass_g[0] += 1.0
        advance(0.1)
        advance(30.0)
        zero_g[0] = loop_thread.call(lambda: sim._zero_g)  # a restart moves it: weighings from before do not compare

    try:
        yield Subject(
            balance,
            faults,
            ask=lambda: balance.weigh_stable_g(20.0),
            right=lambda answer: isinstance(answer, float) and abs(answer - mass_g[0] + zero_g[0]) < 0.011,
            change=change,
            answers=2,
            deadline_s=5.0,
            cannot={
                FaultKind.WRONG_UNIT: "MT-SICS has no addresses",
                FaultKind.QUEUE: "MT-SICS has no error queue",
            },
        )
    finally:
        balance.close()
        loop_thread.run(sim.stop())
