"""The ring of records against a list, over cuts, restarts, clearings and damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost
from meterbench.dut.reference_meter.metrology.storage.ring import RecordRing, ring_bytes
from tests.dut.reference_meter.metrology.storage.cuts import bytes_written, every_cut, with_bits_flipped

CAPACITY, WIDTH, ADDRESS = 5, 6, 7
SLOT_BYTES = WIDTH + 8
MARK_BYTES = 2 * (8 + 8)
SIZE = ADDRESS + MARK_BYTES + (CAPACITY + 1) * SLOT_BYTES + 9
"""Some bytes before and after the ring that do not belong to it."""

Held = list[tuple[int, bytes]]


def _payload(number: int) -> bytes:
    return b"r" + number.to_bytes(WIDTH - 1, "big")


def _block(numbers: range) -> NDArray[np.uint8]:
    content = b"".join(_payload(number) for number in numbers)
    return np.frombuffer(content, dtype=np.uint8).reshape(len(numbers), WIDTH)


def _ring(fram: Fram) -> RecordRing:
    return RecordRing(fram, ADDRESS, CAPACITY, WIDTH)


def _held(ring: RecordRing) -> Held:
    numbers, payloads = ring.records()
    assert ring.payloads().tobytes() == payloads.tobytes()
    assert len(ring) == len(numbers)
    return [(number, payload.tobytes()) for number, payload in zip(numbers.tolist(), payloads, strict=True)]


def _expected(first: int, last: int) -> Held:
    """The records that a ring holds after those with the numbers ``first`` to ``last``."""
    return [(number, _payload(number)) for number in range(max(first, last - CAPACITY + 1), last + 1)]


def _filled(last: int) -> Fram:
    fram = Fram(SIZE)
    for number in range(1, last + 1):
        _ring(fram).append(_payload(number))
    return fram


def test_it_takes_the_place_that_it_says() -> None:
    """What lies before and after it is never touched, by whatever it does."""
    assert ring_bytes(CAPACITY, WIDTH) == MARK_BYTES + (CAPACITY + 1) * SLOT_BYTES
    fram = Fram(SIZE)
    fram.load(b"\xa5" * SIZE)
    ring = _ring(fram)
    for number in range(1, 20):
        ring.append(_payload(number))
    ring.clear(7)
    ring.append_many(_block(range(20, 50)))
    end = ADDRESS + ring_bytes(CAPACITY, WIDTH)
    assert fram.read(0, ADDRESS) + fram.read(end, SIZE - end) == b"\xa5" * (SIZE - ring_bytes(CAPACITY, WIDTH))


@pytest.mark.parametrize("last", range(16))
def test_the_newest_are_kept_over_a_restart(last: int) -> None:
    """Fewer than the capacity, as many, and over several laps; numbers and lengths agree."""
    ring = _ring(_filled(last))
    assert _held(ring) == _expected(1, last)
    assert ring.next_number == last + 1
    assert ring.first_number == max(1, last - CAPACITY + 1)
    assert len(ring) == min(last, CAPACITY)


@pytest.mark.parametrize("last", range(14))
def test_a_cut_in_a_record_loses_only_that_record(last: int) -> None:
    """At every byte: all that the ring held, then with the last byte the new one; and the next append works."""
    found = []
    for fram in every_cut(_filled(last).dump(), lambda fram: _ring(fram).append(_payload(last + 1))):
        ring = _ring(fram)
        found.append(_held(ring))
        following = ring.next_number
        assert ring.append(_payload(following)) == following
        assert _held(_ring(fram)) == _expected(1, following)
    assert found == [_expected(1, last)] * SLOT_BYTES + [_expected(1, last + 1)]


@pytest.mark.parametrize("last", [0, 2, 5, 6, 9])
def test_a_cut_among_several_records_leaves_those_before_it(last: int) -> None:
    """A batch of three is as three records one after the other, round the end of the ring as well."""
    found = [
        _held(_ring(fram))
        for fram in every_cut(
            _filled(last).dump(), lambda fram: _ring(fram).append_many(_block(range(last + 1, last + 4)))
        )
    ]
    assert found == [_expected(1, last + position // SLOT_BYTES) for position in range(3 * SLOT_BYTES + 1)]


@pytest.mark.parametrize("last", [0, 3, 5, 8, 12])
def test_a_cut_in_a_clearing_leaves_all_or_nothing(last: int) -> None:
    """Numbers go on, whether it was cleared or not."""
    content = _filled(last).dump()
    states = []
    for fram in every_cut(content, lambda fram: _ring(fram).clear()):
        ring = _ring(fram)
        states.append(_held(ring))
        assert ring.next_number == last + 1
        ring.append(_payload(last + 1))
        assert _held(_ring(fram))[-1] == (last + 1, _payload(last + 1))
    half = bytes_written(content, lambda fram: _ring(fram).clear()) // 2
    assert states == [_expected(1, last)] * half + [[]] * (half + 1)


def test_clearing_gives_the_label_in_the_same_moment() -> None:
    """After every cut either the old label with all records, or the new one with none."""
    fram = Fram(SIZE)
    _ring(fram).clear(label=3)
    _ring(fram).append_many(_block(range(1, 5)))
    states = set()
    for cut in every_cut(fram.dump(), lambda fram: _ring(fram).clear(label=2**32 - 1)):
        ring = _ring(cut)
        states.add((ring.label, len(ring), ring.next_number))
    assert states == {(3, 4, 5), (2**32 - 1, 0, 5)}


def test_records_of_another_label_are_not_read_even_if_the_mark_is_lost() -> None:
    """Damage to both copies of the mark gives no record a wrong meaning."""
    fram = Fram(SIZE)
    ring = _ring(fram)
    ring.append(_payload(1))
    ring.clear(label=3)
    ring.append(_payload(2))
    lost = with_bits_flipped(fram, {8 * ADDRESS, 8 * (ADDRESS + MARK_BYTES - 1)})
    assert _ring(lost).label == 0
    assert (2, _payload(2)) not in _held(_ring(lost))


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 7, 11, 12, 13, 600, 601])
@pytest.mark.parametrize("last", [0, 3, 6, 8])
def test_many_at_once_leave_what_single_ones_leave(last: int, count: int) -> None:
    """The same records and numbers, and where slots do not share a block, the same wear."""
    width = 56
    content = np.arange((last + count) * width, dtype=np.uint32).astype(np.uint8).reshape(-1, width)
    batch, singles = Fram(32 + ring_bytes(CAPACITY, width)), Fram(32 + ring_bytes(CAPACITY, width))
    for fram in (batch, singles):
        ring = RecordRing(fram, 32, CAPACITY, width)
        for payload in content[:last]:
            ring.append(payload.tobytes())
        if fram is batch:
            ring.append_many(content[last:])
        else:
            for payload in content[last:]:
                ring.append(payload.tobytes())
    found, expected = RecordRing(batch, 32, CAPACITY, width), RecordRing(singles, 32, CAPACITY, width)
    np.testing.assert_array_equal(found.payloads(), expected.payloads())
    assert (found.next_number, found.first_number) == (expected.next_number, expected.first_number)
    np.testing.assert_array_equal(batch.wear, singles.wear)
    assert singles.wear.sum() == last + count


@settings(deadline=None)
@given(st.integers(0, 12), st.sets(st.integers(0, 8 * SIZE - 1), max_size=40))
def test_damage_is_never_returned(last: int, bits: set[int]) -> None:
    """Bits flipped anywhere: what comes back was written so, and records that were not hit are all there."""
    slots_bit = 8 * (ADDRESS + MARK_BYTES)
    hit = {(bit - slots_bit) // (8 * SLOT_BYTES) for bit in bits if bit >= slots_bit}
    found = _held(_ring(with_bits_flipped(_filled(last), bits)))
    untouched = [(number, payload) for number, payload in _expected(1, last) if number % (CAPACITY + 1) not in hit]
    assert set(untouched) <= set(found)
    assert all(payload == _payload(number) for number, payload in found)


def test_damage_while_it_runs_is_not_returned_either() -> None:
    """Every reading checks again."""
    fram = _filled(5)
    ring = _ring(fram)
    fram.write(ADDRESS + MARK_BYTES + 3 * SLOT_BYTES + 6, b"?")
    assert [number for number, _ in _held(ring)] == [1, 2, 4, 5]


@settings(deadline=None)
@given(st.binary(min_size=SIZE, max_size=SIZE))
def test_whatever_the_memory_held_before_is_no_record(content: bytes) -> None:
    """A ring in used memory is empty, and works."""
    fram = Fram(SIZE)
    fram.load(content)
    assert _held(_ring(fram)) == []
    assert _ring(fram).append(_payload(1)) == 1
    assert _held(_ring(fram)) == [(1, _payload(1))]


@pytest.mark.parametrize("width", [0, 5, 7])
def test_a_payload_of_another_length_is_refused(width: int) -> None:
    """Alone or in a batch, before anything is written."""
    fram = _filled(2)
    before = fram.dump()
    with pytest.raises(ValueError, match=f"6 bytes, not {width}"):
        _ring(fram).append(bytes(width))
    with pytest.raises(ValueError, match=f"6 bytes, not {width}"):
        _ring(fram).append_many(np.zeros((2, width), dtype=np.uint8))
    assert fram.dump() == before


_steps = st.one_of(
    st.tuples(st.just("append"), st.just(1)),
    st.tuples(st.just("append_many"), st.integers(0, 20)),
    st.tuples(st.just("clear"), st.integers(0, 3)),
    st.tuples(st.just("restart"), st.just(0)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_steps, st.one_of(st.none(), st.integers(0, 40))), max_size=25))
def test_any_series_of_steps_and_cuts(series: list[tuple[tuple[str, int], int | None]]) -> None:
    """After each step the ring is the list it should be; after a cut one of the lists on the way there."""
    fram = Fram(SIZE)
    ring, first, last = _ring(fram), 1, 0
    for (step, argument), cut in series:
        count = argument if step in ("append", "append_many") else 0
        if cut is not None and count <= CAPACITY:
            fram.cut_after(cut)
        ways = [(first, last + written) for written in range(count + 1)]
        if step == "clear":
            ways.append((last + 1, last))
        try:
            if step == "append":
                ring.append(_payload(last + 1))
            elif step == "append_many":
                ring.append_many(_block(range(last + 1, last + 1 + count)))
            elif step == "clear":
                ring.clear(argument)
            else:
                ring = _ring(fram)
            ways = ways[-1:]
        except PowerLost:
            fram.restore()
            ring = _ring(fram)
        fram.restore()
        held = _held(ring)
        way = next((way for way in ways if held == _expected(*way) and ring.next_number == way[1] + 1), None)
        assert way is not None, (step, ways, held, ring.next_number)
        first, last = way
