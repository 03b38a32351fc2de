"""A simulated balance in a world that only the clock moves, on both kinds of wire."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partialmethod
from types import SimpleNamespace

import pytest
from serial.urlhandler import protocol_socket

from meterbench.instruments.balance.mettler_mt_sics import MtSicsBalance
from meterbench.instruments.links import serial_link
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from tests.instruments.balance.world import LINK_DEADLINE_S, World


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
