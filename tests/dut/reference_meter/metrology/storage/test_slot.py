"""The slot: its bytes, and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.storage.slot import seal, seal_many, unseal_many


def _crc32(content: bytes) -> int:
    """CRC-32 bit by bit: polynomial 0xEDB88320, all ones before and after."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@given(st.integers(1, 2**32 - 2), st.binary(min_size=1, max_size=60))
def test_a_slot_is_number_payload_and_crc(number: int, payload: bytes) -> None:
    """Little-endian, with the CRC-32 that everybody uses, over number and payload."""
    body = number.to_bytes(4, "little") + payload
    assert _crc32(b"123456789") == 0xCBF43926
    assert seal(number, payload) == body + _crc32(body).to_bytes(4, "little")


@given(st.integers(1, 2**31), st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_many_slots_are_as_single_ones(first: int, count: int, width: int, salt: int) -> None:
    """Sealed together or each for itself; unsealed they are what they were."""
    payloads = np.random.default_rng(first).integers(0, 256, (count, width), dtype=np.uint8)
    singles = b"".join(seal(first + index, payload.tobytes(), salt) for index, payload in enumerate(payloads))
    assert seal_many(first, payloads, salt) == singles
    slots = unseal_many(singles, width, salt)
    assert slots.whole.all()
    assert slots.numbers.tolist() == [first + index for index in range(count)]
    np.testing.assert_array_equal(slots.payloads, payloads)


@pytest.mark.parametrize("filling", [0x00, 0xFF])
@pytest.mark.parametrize("width", range(1, 80))
def test_an_empty_memory_has_no_slot(width: int, filling: int) -> None:
    """Neither as zeros nor as ones, whatever the length."""
    assert not unseal_many(bytes([filling]) * (width + 8) * 2, width).whole.any()


def test_no_number_is_none() -> None:
    """Zero and all ones are no numbers even with a check sum that fits."""
    for number in (0, 2**32 - 1):
        assert not unseal_many(seal(number, b"payload"), 7).whole.any()


@given(st.binary(min_size=1, max_size=30), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_another_salt_never_fits(payload: bytes, salt: int, other: int) -> None:
    """With certainty: a CRC maps its start one to one."""
    assert unseal_many(seal(1, payload, salt), len(payload), other).whole.all() == (salt == other)
