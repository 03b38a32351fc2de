"""A load and a world's time for simulated supplies, without a meter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.supply.fed_load import Drawn, Output
from meterbench.instruments.supply.keysight_n6705c_sim import KeysightN6705CSim
from meterbench.instruments.supply.rs_ngu201_sim import RsNgu201Sim
from meterbench.world.clock import Clock

Sim = RsNgu201Sim | KeysightN6705CSim


@dataclass
class SteadyLoad:
    """Takes a current whatever the voltage is, as far as it gets one."""

    wants_ma: float = 0.0164
    pulses_per_s: float = 0.0
    pulse_mc: float = 0.0
    now_s: float = 0.0
    charge_mah: float = 0.0
    output: Output = Output(0.0, 0.0, 0.0)  # noqa: RUF009

    @property
    def current_ma(self) -> float:
        return min(self.wants_ma, self.output.limit_ma) if self.output.open_v > 0.0 else 0.0

    def live(self, duration_s: float) -> None:
        self.charge_mah += self.current_ma * duration_s / 3600.0
        self.now_s += duration_s

    def feed(self, output: Output) -> None:
        self.output = output

    def drawn(self) -> Drawn:
        voltage_v = self.output.open_v - 1e-3 * self.current_ma * self.output.resistance_ohm
        return Drawn(voltage_v, self.current_ma, self.charge_mah, self.pulses_per_s, self.pulse_mc)


class SteppedClock(Clock):
    """Moves a load's time, and lets its supply look at it, as the virtual lab does."""

    def __init__(self, load: SteadyLoad) -> None:
        super().__init__()
        self.load = load
        self.sim: Sim | None = None

    def now_s(self) -> float:
        return self.load.now_s

    def _pass(self, duration_s: float) -> bool:
        self.load.live(duration_s)
        if self.sim is not None:
            self.sim.sample()
        return True


class Bench:
    """A box on a load, and the server it speaks through."""

    def __init__(self, kind: type[RsNgu201Sim] | type[KeysightN6705CSim], seed: int = 1) -> None:
        self.load = SteadyLoad()
        self.clock = SteppedClock(self.load)
        self.faults = FaultPlan(seed=seed)
        self.sim = kind(
            self.load,
            lambda: self.load.now_s,
            np.random.default_rng(seed),
            sense=lambda true, full_scale: self.faults.measured(true, full_scale, self.load.now_s),
        )
        self.clock.sim = self.sim
        self.server = ScpiServer(self.sim.scpi, self.faults)
