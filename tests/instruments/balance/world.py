"""A simulated balance in a world that only the clock moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from meterbench.instruments.balance.mettler_mt_sics_sim import MtSicsSim
from meterbench.instruments.balance.pan import CellSpec
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.world.clock import VirtualClock

LINK_DEADLINE_S = 0.12
EXACT = CellSpec(readability_g=0.01, repeatability_g=0.0, drift_sd_g_h=0.0)


@dataclass
class World:
    """One pan, on which ``mass_g`` stands or runs in with ``flow_g_s``; the lab samples after each step of time."""

    loop_thread: LoopThread
    kind: Any = MtSicsSim
    mass_g: float = 12.34
    flow_g_s: float = 0.0
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self._advance)
        self.faults = FaultPlan(seed=1)
        self.sim = self.kind(
            lambda: self.mass_g, lambda: self.now_s, np.random.default_rng(1), spec=EXACT, faults=self.faults
        )

    def load(self, mass_g: float) -> None:
        """Put another mass on the pan, at once."""
        self.mass_g = mass_g
        self.loop_thread.call(self.sim.sample)

    def _advance(self, duration_s: float) -> bool:
        def step() -> None:
            self.now_s += duration_s
            self.mass_g += self.flow_g_s * duration_s
            self.sim.sample()

        self.loop_thread.call(step)
        return not self.flow_g_s
