"""A ring of the newest records of one kind.

There is a slot more than the ring holds records, so the slot that is being written is none of these. A record's number
tells its slot; the newest record is found again by its number. Clearing numbers on: a mark, kept in twin slots, says
with which number the ring now begins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.storage.memory import Memory
from meterbench.dut.reference_meter.metrology.storage.slot import (
    FIRST_NUMBER,
    OVERHEAD_BYTES,
    seal,
    seal_many,
    unseal_many,
)
from meterbench.dut.reference_meter.metrology.storage.slots import TwinSlots, twin_slots_bytes

_WORD_BYTES = 4
_MARK_BYTES = 2 * _WORD_BYTES
"""The number that the ring begins with, and its label."""


def ring_slots(capacity: int) -> int:
    """Slots that are written in turn."""
    return capacity + 1


def ring_bytes(capacity: int, payload_bytes: int) -> int:
    """Bytes that a ring takes in the memory."""
    return twin_slots_bytes(_MARK_BYTES) + ring_slots(capacity) * (payload_bytes + OVERHEAD_BYTES)


class RecordRing:
    """The ``capacity`` newest records of ``payload_bytes`` each, at ``address``.

    A record is there whole or not at all: a cut loses at most the one that is being written, damage at most those that
    it touches. Numbers go on for ever, and over a clearing.
    """

    def __init__(self, memory: Memory, address: int, capacity: int, payload_bytes: int) -> None:
        self.capacity = capacity
        self._memory = memory
        self._payload_bytes = payload_bytes
        self._slots = ring_slots(capacity)
        self._slot_bytes = payload_bytes + OVERHEAD_BYTES
        self._slots_address = address + twin_slots_bytes(_MARK_BYTES)
        self._mark = TwinSlots(memory, address, _MARK_BYTES)
        mark = self._mark.load()
        self._begins, self._label = FIRST_NUMBER, 0
        if mark is not None:
            self._begins = int.from_bytes(mark[:_WORD_BYTES], "little")
            self._label = int.from_bytes(mark[_WORD_BYTES:], "little")
        numbers, _ = self._whole()
        self._next_number = int(numbers[-1]) + 1 if len(numbers) else self._begins

    @property
    def label(self) -> int:
        """What the ring was last cleared for; 0 before. Records written under another label are never read."""
        return self._label

    @property
    def next_number(self) -> int:
        """The number of the next record."""
        return self._next_number

    @property
    def first_number(self) -> int:
        """The number of the oldest record that the ring holds, if it holds any."""
        return max(self._begins, self._next_number - self.capacity)

    def __len__(self) -> int:
        """How many whole records there are."""
        return len(self.records()[0])

    def records(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Numbers and payloads of the whole records, oldest first: shapes (records,) and (records, payload_bytes)."""
        numbers, payloads = self._whole()
        held = (numbers >= self.first_number) & (numbers < self._next_number)
        return numbers[held], payloads[held]

    def payloads(self) -> NDArray[np.uint8]:
        """The whole records, oldest first, shape (records, payload_bytes)."""
        return self.records()[1]

    def append(self, payload: bytes) -> int:
        """Add a record; its number."""
        self._check(len(payload))
        number = self._next_number
        self._memory.write(self._slot_address(number), seal(number, payload, self._label))
        self._next_number += 1
        return number

    def append_many(self, payloads: NDArray[np.uint8]) -> None:
        """Add records, shape (records, payload_bytes), oldest first.

        Of more than the ring holds only the newest are written, the others count as wear. A supply that fails in such
        a batch therefore leaves fewer records than it would have among single ones.
        """
        self._check(payloads.shape[1])
        kept = payloads[-self.capacity :]
        if not len(kept):
            return
        if len(payloads) > len(kept):
            self._skip(len(payloads) - len(kept))
        content = seal_many(self._next_number, kept, self._label)
        to_the_end = (self._slots - self._next_number % self._slots) * self._slot_bytes
        self._memory.write(self._slot_address(self._next_number), content[:to_the_end])
        if len(content) > to_the_end:
            self._memory.write(self._slots_address, content[to_the_end:])
        self._next_number += len(kept)

    def clear(self, label: int = 0) -> None:
        """Empty the ring, and give it a label (0 to 2**32 - 1): both at once, or neither if the supply fails."""
        numbers = (self._next_number, label)
        self._mark.save_both(b"".join(number.to_bytes(_WORD_BYTES, "little") for number in numbers))
        self._begins, self._label = numbers

    def _whole(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """All whole slots from the mark on, in the order of their numbers."""
        slots = unseal_many(
            self._memory.read(self._slots_address, self._slots * self._slot_bytes), self._payload_bytes, self._label
        )
        (found,) = np.nonzero(slots.whole & (slots.numbers >= self._begins))
        found = found[np.argsort(slots.numbers[found])]
        return slots.numbers[found], slots.payloads[found]

    def _skip(self, count: int) -> None:
        """Number on over records that are not written because later ones overwrite them."""
        laps, rest = divmod(count, self._slots)
        before_the_end = min(rest, self._slots - self._next_number % self._slots)
        for address, slots, times in (
            (self._slots_address, self._slots, laps),
            (self._slot_address(self._next_number), before_the_end, 1),
            (self._slots_address, rest - before_the_end, 1),
        ):
            self._memory.skip_writes(address, slots * self._slot_bytes, times)
        self._next_number += count

    def _slot_address(self, number: int) -> int:
        return self._slots_address + number % self._slots * self._slot_bytes

    def _check(self, payload_bytes: int) -> None:
        if payload_bytes != self._payload_bytes:
            raise ValueError(
                f"the ring at {self._slots_address} takes {self._payload_bytes} bytes, not {payload_bytes}"
            )
