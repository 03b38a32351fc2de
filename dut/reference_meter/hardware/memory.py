"""The non-volatile memory: a serial FRAM, and the supply that may fail at any byte of a write.

An FRAM is written byte by byte, in order, and needs no erasing. Bytes that were written stay, those after them are as
they were before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.storage.memory import PowerLost

__all__ = ["BLOCK_BYTES", "ENDURANCE_WRITES", "Fram", "PowerLost"]

ENDURANCE_WRITES = 10**13
"""Writes of one byte that an FRAM stands. [design] Unconfirmed; data sheets count reads as well."""
BLOCK_BYTES = 64
"""[design] Wear is counted for so many bytes together."""


class Fram:
    """``size`` bytes, zero at first; ``ValueError`` for an access beyond them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._content = bytearray(size)
        self._left: int | None = None
        """Bytes that can still be written before the supply fails; None: it does not."""
        self._failed = False
        self.wear: NDArray[np.int64] = np.zeros(-(-size // BLOCK_BYTES), dtype=np.int64)
        """Writes that touched each block of ``BLOCK_BYTES``: none of its bytes was written more often."""

    def read(self, address: int, count: int) -> bytes:
        """``count`` bytes from ``address`` on."""
        self._check(address, count)
        self._check_supply()
        return bytes(self._content[address : address + count])

    def write(self, address: int, content: bytes) -> None:
        """Write from ``address`` on; ``PowerLost`` if the supply fails meanwhile."""
        self._check(address, len(content))
        self._check_supply()
        written = len(content) if self._left is None else min(self._left, len(content))
        self._content[address : address + written] = content[:written]
        self._wear_out(address, written, 1)
        if self._left is not None:
            self._left -= written
            self._failed = bool(content) and self._left == 0
            self._check_supply()

    def skip_writes(self, address: int, count: int, times: int) -> None:
        """Wear by writes that a simulation leaves out because later ones overwrite them; no supply fails in these."""
        self._check(address, count)
        self._check_supply()
        self._wear_out(address, count, times)

    def cut_after(self, count: int) -> None:
        """Let the supply fail as soon as ``count`` more bytes have been written; ``ValueError`` for less than none."""
        if count < 0:
            raise ValueError(f"the supply cannot fail after {count} bytes")
        self._left = count

    @property
    def failing(self) -> bool:
        """True if the supply will fail in a write to come, or has failed."""
        return self._left is not None

    def restore(self) -> None:
        """The supply is back, and does not fail any more."""
        self._left, self._failed = None, False

    def dump(self) -> bytes:
        """The whole content, without its wear."""
        return bytes(self._content)

    def load(self, content: bytes) -> None:
        """Take over a content that was dumped; ``ValueError`` if it is not as long as the memory."""
        if len(content) != self.size:
            raise ValueError(f"a memory of {self.size} bytes cannot take over {len(content)} bytes")
        self._content[:] = content

    def _check(self, address: int, count: int) -> None:
        if address < 0 or count < 0 or address + count > self.size:
            raise ValueError(f"a memory of {self.size} bytes has no {count} bytes at {address}")

    def _check_supply(self) -> None:
        if self._failed:
            raise PowerLost("memory: the supply has failed")

    def _wear_out(self, address: int, count: int, times: int) -> None:
        if count:
            self.wear[address // BLOCK_BYTES : (address + count - 1) // BLOCK_BYTES + 1] += times
