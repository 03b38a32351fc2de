"""A simulated balance in a world that only the clock moves, on both kinds of wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from meterbench.instruments.balance.mettler_mt_sics import MtSicsBalance
from meterbench.instruments.balance.mettler_mt_sics_sim import MtSicsSim
from meterbench.instruments.balance.pan import CellSpec
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.world.clock import VirtualClock

LINK_DEADLINE_S = 0.15
EXACT = CellSpec(repeatability_g=0.0, drift_sd_g_h=0.0)


class NoErrors(np.random.Generator):
    """Draws nothing but the middle: the unit's linearity error is nil."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2.0


@dataclass
class World:
    """One pan, on which ``mass_g`` stands or runs in with ``flow_g_s``; the lab samples after each step of time."""

    loop_thread: LoopThread
    mass_g: float = 12.3
    flow_g_s: float = 0.0

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self._advance)
        self.sim = MtSicsSim(lambda: self.mass_g, lambda: self.clock.now_s() + self._ahead_s, NoErrors(), spec=EXACT)

    _ahead_s: float = 0.0

    def _advance(self, duration_s: float) -> bool:
        def step() -> None:
            self.mass_g += self.flow_g_s * duration_s
            self._ahead_s = duration_s
            self.sim.sample()

        self.loop_thread.call(step)
        self._ahead_s = 0.0
        return not self.flow_g_s


@pytest.fixture
def world(loop_thread: LoopThread) -> World:
    return World(loop_thread)


@pytest.fixture(params=["tcp", "pty"])
def address(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    """Where the balance is served."""
    start: Callable = getattr(world.sim, f"start_{request.param}")
    yield world.loop_thread.run(start())
    world.loop_thread.run(world.sim.stop())


@pytest.fixture
def balance(world: World, address: str) -> Iterator[MtSicsBalance]:
    balance = MtSicsBalance("balance", SerialLink("balance", address, deadline_s=LINK_DEADLINE_S), world.clock)
    balance.open()
    yield balance
    balance.close()
