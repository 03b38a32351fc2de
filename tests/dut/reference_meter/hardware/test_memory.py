"""The FRAM: what a failing supply leaves, and how it wears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.memory import BLOCK_BYTES, Fram, PowerLost


@given(st.integers(0, 90), st.binary(min_size=1, max_size=40), st.integers(0, 50))
def test_a_write_ends_at_the_byte_where_the_supply_fails(address: int, content: bytes, cut: int) -> None:
    """Bytes before the cut are new, all others old; if the supply outlasts the write, all of it is there."""
    before = bytes(range(1, 131))
    fram = Fram(130)
    fram.load(before)
    fram.cut_after(cut)
    written = min(cut, len(content))
    if cut <= len(content):
        with pytest.raises(PowerLost):
            fram.write(address, content)
    else:
        fram.write(address, content)
    assert fram.dump() == before[:address] + content[:written] + before[address + written :]


def test_without_supply_there_is_no_memory() -> None:
    """Neither reads nor writes nor skipped writes, until the supply is back; then nothing has been lost."""
    fram = Fram(64)
    fram.write(0, b"kept")
    fram.cut_after(6)
    fram.write(8, b"five5")
    with pytest.raises(PowerLost):
        fram.write(16, b"xy")
    for attempt in (
        lambda: fram.read(0, 1),
        lambda: fram.write(0, b"z"),
        lambda: fram.write(0, b""),
        lambda: fram.skip_writes(0, 1, 1),
    ):
        with pytest.raises(PowerLost):
            attempt()
    fram.restore()
    assert (fram.read(0, 4), fram.read(8, 5), fram.read(16, 2)) == (b"kept", b"five5", b"x\0")
    fram.write(16, bytes(48))


@pytest.mark.parametrize(("address", "count"), [(-1, 1), (60, 5), (64, 1), (0, 65)])
def test_an_access_beyond_the_memory_is_refused(address: int, count: int) -> None:
    """And names both: nothing is cut off silently."""
    fram = Fram(64)
    with pytest.raises(ValueError, match=f"64 bytes has no {count} bytes at {address}"):
        fram.read(address, count)
    with pytest.raises(ValueError, match=f"64 bytes has no {count} bytes at {address}"):
        fram.write(address, bytes(count))
    assert fram.dump() == bytes(64)
    assert not fram.wear.any()


def test_wear_is_counted_where_bytes_were_written() -> None:
    """Every block that a write touches; of a cut write only those it came to; skipped writes as often as said."""
    fram = Fram(4 * BLOCK_BYTES - 1)
    fram.write(BLOCK_BYTES - 1, b"ab")
    assert fram.wear.tolist() == [1, 1, 0, 0]
    fram.write(BLOCK_BYTES, bytes(BLOCK_BYTES))
    assert fram.wear.tolist() == [1, 2, 0, 0]
    fram.skip_writes(BLOCK_BYTES, 2 * BLOCK_BYTES, 1000)
    assert fram.wear.tolist() == [1, 1002, 1000, 0]
    fram.skip_writes(0, 0, 1000)
    fram.cut_after(BLOCK_BYTES)
    with pytest.raises(PowerLost):
        fram.write(2 * BLOCK_BYTES, bytes(BLOCK_BYTES + 10))
    assert fram.wear.tolist() == [1, 1002, 1001, 0]


def test_a_dump_goes_into_a_memory_of_its_length_only() -> None:
    """The error names both lengths."""
    fram, other = Fram(100), Fram(100)
    fram.write(3, b"content")
    other.load(fram.dump())
    assert other.read(3, 7) == b"content"
    with pytest.raises(ValueError, match="100 bytes cannot take over 99 bytes"):
        other.load(bytes(99))
    assert other.read(3, 7) == b"content"
