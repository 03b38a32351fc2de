"""One slot of the memory: a number, a payload, and a check sum over both that tells a whole slot from a torn one.

Little-endian. The check sum is CRC-32 (that of zlib) and starts from a ``salt``: the same bytes under another salt
never fit. A slot of all zeros or all ones is none, because these are no numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_NUMBER_BYTES = 4
_CRC_BYTES = 4
OVERHEAD_BYTES = _NUMBER_BYTES + _CRC_BYTES
"""What a slot has beyond its payload."""
FIRST_NUMBER = 1
_BEYOND_NUMBERS = 2**32 - 1
"""One slot a second takes 136 years to get there."""


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """Slots as they were found."""

    numbers: NDArray[np.int64]
    """Shape (slots,)."""
    payloads: NDArray[np.uint8]
    """Shape (slots, payload_bytes)."""
    whole: NDArray[np.bool_]
    """Shape (slots,): False for one that is torn, damaged or was never written."""


def seal(number: int, payload: bytes, salt: int = 0) -> bytes:
    """A slot."""
    body = number.to_bytes(_NUMBER_BYTES, "little") + payload
    return body + crc32(body, salt).to_bytes(_CRC_BYTES, "little")


def seal_many(first_number: int, payloads: NDArray[np.uint8], salt: int = 0) -> bytes:
    """Slots of consecutive numbers, one after the other; ``payloads`` has the shape (slots, payload_bytes)."""
    count, payload_bytes = payloads.shape
    slots = np.empty((count, payload_bytes + OVERHEAD_BYTES), dtype=np.uint8)
    numbers = np.arange(first_number, first_number + count, dtype="<u4")
    slots[:, :_NUMBER_BYTES] = numbers.view(np.uint8).reshape(count, _NUMBER_BYTES)
    slots[:, _NUMBER_BYTES:-_CRC_BYTES] = payloads
    crcs = _crcs(slots[:, :-_CRC_BYTES], salt)
    slots[:, -_CRC_BYTES:] = crcs.view(np.uint8).reshape(count, _CRC_BYTES)
    return slots.tobytes()


def unseal_many(content: bytes, payload_bytes: int, salt: int = 0) -> Slots:
    """Slots out of what was read from the memory."""
    slot_bytes = payload_bytes + OVERHEAD_BYTES
    slots = np.frombuffer(content, dtype=np.uint8).reshape(-1, slot_bytes)
    numbers = slots[:, :_NUMBER_BYTES].copy().view("<u4")[:, 0].astype(np.int64)
    crcs = slots[:, -_CRC_BYTES:].copy().view("<u4")[:, 0]
    whole = (numbers >= FIRST_NUMBER) & (numbers < _BEYOND_NUMBERS) & (crcs == _crcs(slots[:, :-_CRC_BYTES], salt))
    return Slots(numbers, slots[:, _NUMBER_BYTES:-_CRC_BYTES], whole)


def _crcs(bodies: NDArray[np.uint8], salt: int) -> NDArray[np.uint32]:
    """Of each row."""
    rows = np.ascontiguousarray(bodies).view(f"V{bodies.shape[1]}")[:, 0].tolist()  # As bytes: faster than slicing.
    return np.fromiter(map(crc32, rows, repeat(salt)), dtype="<u4", count=len(rows))
