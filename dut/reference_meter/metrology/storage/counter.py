"""A counter that never gives the same number twice, whatever becomes of the supply (invocation counters, nonces).

Numbers are reserved in blocks: the memory holds the first one that is not reserved. After a restart the counter goes on
there; what was reserved and not used is left out.
"""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.storage.memory import Memory
from meterbench.dut.reference_meter.metrology.storage.slots import TwinSlots, twin_slots_bytes

RESERVED = 100
"""[design] Numbers a block: at most so many are left out at a restart."""
FIRST_COUNT = 1
_COUNT_BYTES = 8
COUNTER_BYTES = twin_slots_bytes(_COUNT_BYTES)
"""Bytes that a counter takes in the memory."""


class InvocationCounter:
    """Counts up from ``FIRST_COUNT``."""

    def __init__(self, memory: Memory, address: int) -> None:
        self._slots = TwinSlots(memory, address, _COUNT_BYTES)
        stored = self._slots.load()
        self._next = FIRST_COUNT if stored is None else int.from_bytes(stored, "little")
        self._reserved_to = self._next

    def next(self, count: int = 1) -> int:
        """A number that was never given before; of ``count`` consecutive ones the first."""
        if count < 1:
            raise ValueError(f"{count} numbers cannot be taken")
        first, self._next = self._next, self._next + count
        blocks = -(-(self._next - self._reserved_to) // RESERVED)
        if blocks > 0:
            # Both copies: falling back to the block before would give its numbers again.
            self._slots.skip_saves(2 * (blocks - 1))
            self._reserved_to += blocks * RESERVED
            self._slots.save_both(self._reserved_to.to_bytes(_COUNT_BYTES, "little"))
        return first
