"""A simulated balance in a world that only the clock moves, on both kinds of wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partialmethod
from types import SimpleNamespace

import numpy as np
import pytest
from serial.urlhandler import protocol_socket

from meterbench.instruments.balance.mettler_mt_sics import MtSicsBalance
from meterbench.instruments.balance.mettler_mt_sics_sim import MtSicsSim
from meterbench.instruments.balance.pan import CellSpec
from meterbench.instruments.links import serial_link
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.world.clock import VirtualClock

LINK_DEADLINE_S = 0.15
EXACT = CellSpec(readability_g=0.01, repeatability_g=0.0, drift_sd_g_h=0.0)


@dataclass
class World:
    """One pan, on which ``mass_g`` stands or runs in with ``flow_g_s``; the lab samples after each step of time."""

    loop_thread: LoopThread
    mass_g: float = 12.34
    flow_g_s: float = 0.0
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self._advance)
        self.sim = MtSicsSim(lambda: self.mass_g, lambda: self.now_s, np.random.default_rng(1), spec=EXACT)

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


@pytest.fixture
def world(loop_thread: LoopThread) -> World:
    return World(loop_thread)


@pytest.fixture(autouse=True)
def quick_wires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback needs neither the silence of a 9600 baud line nor pyserial's pause of 0.3 s after closing a socket."""
    monkeypatch.setattr(serial_link, "POLL_S", 0.005)
    monkeypatch.setattr(SerialLink, "drain", partialmethod(SerialLink.drain, silence_s=0.01))
    monkeypatch.setattr(protocol_socket, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def address(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    """Where the balance is served: on a pseudo-terminal, unless ``both_wires`` asks for TCP, too."""
    yield world.loop_thread.run(world.sim.start(getattr(request, "param", "pty")))
    world.loop_thread.run(world.sim.stop())


@pytest.fixture
def balance(world: World, address: str) -> Iterator[MtSicsBalance]:
    balance = MtSicsBalance("balance", SerialLink("balance", address, deadline_s=LINK_DEADLINE_S), world.clock)
    balance.open()
    yield balance
    balance.close()
