"""Two copies of one thing, written in turn: one of them is always whole."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.storage.memory import Memory
from meterbench.dut.reference_meter.metrology.storage.slot import FIRST_NUMBER, OVERHEAD_BYTES, seal, unseal_many

COPIES = 2


def twin_slots_bytes(payload_bytes: int) -> int:
    """Bytes that twin slots take in the memory."""
    return COPIES * (payload_bytes + OVERHEAD_BYTES)


class TwinSlots:
    """A payload of ``payload_bytes`` at ``address``; a cut while it is saved leaves the one before in force."""

    def __init__(self, memory: Memory, address: int, payload_bytes: int) -> None:
        self._memory = memory
        self._address = address
        self._payload_bytes = payload_bytes
        newest = self._newest()
        self._next_number = FIRST_NUMBER if newest is None else newest[0] + 1

    def load(self) -> bytes | None:
        """The newest whole copy; None if nothing was ever saved, or both copies are damaged."""
        newest = self._newest()
        return None if newest is None else newest[1]

    def save(self, payload: bytes) -> None:
        """Put a payload into force, over the older copy."""
        if len(payload) != self._payload_bytes:
            raise ValueError(f"the slots at {self._address} take {self._payload_bytes} bytes, not {len(payload)}")
        copy_address = self._address + self._next_number % COPIES * (self._payload_bytes + OVERHEAD_BYTES)
        self._memory.write(copy_address, seal(self._next_number, payload))
        self._next_number += 1

    def save_both(self, payload: bytes) -> None:
        """Put a payload into force in both copies: one that is damaged later does not bring back the payload before."""
        for _ in range(COPIES):
            self.save(payload)

    def skip_saves(self, count: int) -> None:
        """Leave out ``count`` saves that the next one makes forgotten; the memory wears all the same.

        A supply that fails in that next save brings back what was last saved here, not what was left out.
        """
        if count < 0:
            raise ValueError(f"{count} saves cannot be left out")
        times = -(-count // COPIES)
        self._memory.skip_writes(self._address, twin_slots_bytes(self._payload_bytes), times)
        self._next_number += times * COPIES  # The next save goes over the older copy, as ever.

    def _newest(self) -> tuple[int, bytes] | None:
        content = self._memory.read(self._address, twin_slots_bytes(self._payload_bytes))
        copies = unseal_many(content, self._payload_bytes)
        return max(
            (
                (int(number), payload.tobytes())
                for number, payload, whole in zip(copies.numbers, copies.payloads, copies.whole, strict=True)
                if whole
            ),
            default=None,
        )
