"""Deadlines and lost connections for pyvisa-py, which has neither: it reads on as long as something comes."""

from __future__ import annotations

import socket
import time
from typing import Any


class DeadlineSocket:
    """A socket to read from until ``end_s``; in all else the one that it was made of.

    pyvisa-py begins its time-out anew with each byte that comes, waits for more from a peer that has hung up, and a
    HiSLIP message with another number, cut in the middle, holds it for ever.
    """

    def __init__(self, wire: socket.socket) -> None:
        self.end_s = float("inf")
        """By ``time.monotonic``."""
        self._wire = wire

    def fileno(self) -> int:
        """For ``select``."""
        return self._wire.fileno()

    def recv(self, count: int) -> bytes:
        """As ``socket.recv``; ``TimeoutError`` after the deadline, ``ConnectionResetError`` where the stream ends."""
        self._require_time()
        received = self._wire.recv(count)
        self._require_bytes(len(received))
        return received

    def recv_into(self, buffer: memoryview, count: int = 0) -> int:
        """As ``socket.recv_into``; errors as for ``recv``."""
        self._require_time()
        received = self._wire.recv_into(buffer, count)
        if len(buffer):
            self._require_bytes(received)
        return received

    def _require_time(self) -> None:
        if time.monotonic() > self.end_s:
            raise TimeoutError("the answer did not end in time")

    @staticmethod
    def _require_bytes(count: int) -> None:
        if not count:
            raise ConnectionResetError("closed by the other side")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wire, name)


def put_deadline(session: object) -> DeadlineSocket | None:
    """Let pyvisa-py's ``session`` read through a ``DeadlineSocket``: None if it reads from no socket of its own."""
    owner, name = session, "interface"
    if hasattr(getattr(session, name, None), "_sync"):  # HiSLIP: the connection that carries messages
        owner, name = getattr(session, name), "_sync"
    wire = getattr(owner, name, None)
    if not isinstance(wire, socket.socket):
        return None
    guarded = DeadlineSocket(wire)
    setattr(owner, name, guarded)
    return guarded
