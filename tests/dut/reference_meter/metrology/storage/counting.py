"""A memory that counts the writes of every byte."""

from __future__ import annotations

import numpy as np


class CountingMemory:
    """``size`` bytes; ``writes`` has one number a byte."""

    def __init__(self, size: int) -> None:
        self._content = bytearray(size)
        self.writes = np.zeros(size, dtype=np.int64)

    def read(self, address: int, count: int) -> bytes:
        return bytes(self._content[address : address + count])

    def write(self, address: int, content: bytes) -> None:
        self._content[address : address + len(content)] = content
        self.writes[address : address + len(content)] += 1

    def skip_writes(self, address: int, count: int, times: int) -> None:
        self.writes[address : address + count] += times
