"""What the firmware asks of its non-volatile memory."""

from __future__ import annotations

from typing import Protocol


class PowerLost(Exception):
    """The supply failed: the write ended where it was, and the memory does not answer any more."""


class Memory(Protocol):
    """Bytes that outlast the supply. A write may be cut after any of its bytes: those before it stay written."""

    def read(self, address: int, count: int) -> bytes: ...

    def write(self, address: int, content: bytes) -> None: ...

    def skip_writes(self, address: int, count: int, times: int) -> None:
        """These bytes were written so many times more, with what has been overwritten since."""
        ...
