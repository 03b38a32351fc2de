"""A barcode scanner on a pseudo-terminal, TCP or RFC 2217: it sends what somebody scans (instruments.md 10)."""

from __future__ import annotations

import math
from collections.abc import Callable

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send

AGAIN_S = 2.0
"""Between two readings of a label that stays before it [design]."""


class BarcodeReaderSim:
    """A scanner in somebody's hand; made, started, used and stopped in the lab's loop.

    Faults are committed on scans, which are its only messages. ``sample`` it after each step of the world if a label
    may be left before it: then it reads it again and again.
    """

    def __init__(
        self,
        prefix: str = "",
        suffix: str = "",
        terminator: bytes = b"\r",
        faults: FaultPlan | None = None,
        *,
        label: Callable[[], str | None] = lambda: None,
        now_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """``label`` says what is before it at the world's time ``now_s``."""
        self.terminator = terminator
        self.server = ByteServer(self, faults or FaultPlan(), "pty")
        self._prefix = prefix
        self._suffix = suffix
        self._label = label
        self._now_s = now_s
        self._scanned_s = -math.inf

    async def start(self, wire: str = "") -> str:
        """Serve ``pty``, ``tcp`` or ``rfc2217``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    def scan(self, text: str) -> None:
        """Somebody holds it before a label that says ``text``."""
        self.server.press(text.encode("latin-1"))

    def sample(self) -> None:
        """Read what is before it, if that was not done lately."""
        label = self._label()
        if label is not None and self._now_s() - self._scanned_s >= AGAIN_S:
            self._scanned_s = self._now_s()
            self.scan(label)

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:  # noqa: ARG002
        """It does not listen."""
        return [], b""

    async def answer(self, request: bytes, send: Send) -> None:
        """What was scanned, between prefix and suffix."""
        send(self._prefix.encode("latin-1") + request + self._suffix.encode("latin-1") + self.terminator)

    def refusal(self, request: bytes) -> bytes:  # noqa: ARG002
        """It cannot read the label: it beeps and sends nothing."""
        return b""

    def restart(self) -> bytes:
        """It has no state and greets nobody."""
        return b""

    def wrong_unit(self, message: bytes) -> bytes:
        """From another scanner: its prefix tells."""
        return bytes([message[0] ^ 1]) + message[1:] if self._prefix else message
