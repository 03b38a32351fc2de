"""Fixtures for all instruments: the loop that simulators live in, and servers in it."""

from __future__ import annotations

import os
import tty
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
from hypothesis import settings

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.server import ScpiServer

settings.register_profile("meterbench", deadline=None)  # a busy machine is no failure
settings.load_profile("meterbench")


class ServeScpi(Protocol):
    """Serves an instrument, on its usual wire if none is named."""

    def __call__(self, instrument: ScpiInstrument, faults: FaultPlan, wire: str = "", /) -> ScpiServer: ...


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    """An asyncio loop in a background thread; stopped after the test, whatever still runs there."""
    thread = LoopThread().start()
    yield thread
    thread.stop()


@pytest.fixture
def serve_scpi(loop_thread: LoopThread) -> Iterator[ServeScpi]:
    """Serves simulated SCPI instruments in ``loop_thread`` until the end of the test."""
    servers: list[ScpiServer] = []

    def serve(instrument: ScpiInstrument, faults: FaultPlan, wire: str = "", /) -> ScpiServer:
        servers.append(ScpiServer(instrument, faults))
        loop_thread.run(servers[-1].start(wire))
        return servers[-1]

    yield serve
    for server in servers:
        loop_thread.run(server.stop())


class PtyPeer:
    """The far end of a pseudo-terminal: ``on_line`` is called in the loop with each CR LF line, and writes answers."""

    def __init__(self, loop_thread: LoopThread) -> None:
        self.on_line: Callable[[bytes], None] = lambda line: None
        self.loop_thread = loop_thread
        self._pending = b""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        loop_thread.call(lambda: loop_thread.loop.add_reader(self._master, self._on_readable))

    def write(self, payload: bytes) -> None:
        os.write(self._master, payload)

    def write_later(self, delay_s: float, payload: bytes) -> None:
        self.loop_thread.loop.call_later(delay_s, self.write, payload)

    def hang_up(self) -> None:
        if self._master >= 0:
            self.loop_thread.call(lambda: self.loop_thread.loop.remove_reader(self._master))
            os.close(self._master)
            os.close(self._slave)
            self._master = -1

    def _on_readable(self) -> None:
        self._pending += os.read(self._master, 4096)
        while b"\r\n" in self._pending:
            line, _, self._pending = self._pending.partition(b"\r\n")
            self.on_line(line)


@pytest.fixture
def pty_peer(loop_thread: LoopThread) -> Iterator[PtyPeer]:
    """A pseudo-terminal whose far end the test plays."""
    peer = PtyPeer(loop_thread)
    yield peer
    peer.hang_up()
