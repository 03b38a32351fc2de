"""The invocation counter: no number twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost
from meterbench.dut.reference_meter.metrology.storage.counter import COUNTER_BYTES, RESERVED, InvocationCounter
from tests.dut.reference_meter.metrology.storage.counting import CountingMemory
from tests.dut.reference_meter.metrology.storage.cuts import every_cut, with_bits_flipped


def test_it_counts_up_from_one() -> None:
    """Without a gap while the supply holds, over many blocks."""
    counter = InvocationCounter(Fram(COUNTER_BYTES), 0)
    assert [counter.next() for _ in range(5 * RESERVED)] == list(range(1, 5 * RESERVED + 1))


def test_a_restart_leaves_out_at_most_a_block() -> None:
    """And never more."""
    fram = Fram(COUNTER_BYTES)
    last = 0
    for _ in range(20):
        number = InvocationCounter(fram, 0).next()
        assert last < number <= last + RESERVED
        last = number


@pytest.mark.parametrize("taken", [0, 1, RESERVED - 1, RESERVED, 3 * RESERVED])
def test_a_cut_at_any_byte_repeats_nothing(taken: int) -> None:
    """Whatever was given before the cut is never given again, not even by one damaged bit after it."""
    fram = Fram(COUNTER_BYTES)
    counter = InvocationCounter(fram, 0)
    taken_before = [counter.next() for _ in range(taken)]

    def act(fram: Fram) -> None:
        counter = InvocationCounter(fram, 0)
        for _ in range(RESERVED + 1):
            taken_now.append(counter.next())

    taken_now: list[int] = []
    for cut in every_cut(fram.dump(), act):
        number = InvocationCounter(cut, 0).next()
        assert number not in taken_now
        assert number not in taken_before
        taken_now.clear()


def test_one_damaged_bit_repeats_nothing() -> None:
    """Both copies hold the newest block."""
    fram = Fram(COUNTER_BYTES)
    counter = InvocationCounter(fram, 0)
    last = [counter.next() for _ in range(RESERVED + 5)][-1]
    for bit in range(8 * COUNTER_BYTES):
        assert InvocationCounter(with_bits_flipped(fram, {bit}), 0).next() > last


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3 * RESERVED), st.one_of(st.none(), st.integers(0, 40))), max_size=30))
def test_many_at_once_never_overlap(takes: list[tuple[int, int | None]]) -> None:
    """Takes of any length, cut or not: each begins beyond the end of all that were given."""
    fram = Fram(COUNTER_BYTES)
    counter, beyond = InvocationCounter(fram, 0), 1
    for count, cut in takes:
        if cut is not None:
            fram.cut_after(cut)
        try:
            first = counter.next(count)
        except PowerLost:
            fram.restore()
            counter = InvocationCounter(fram, 0)
            continue
        fram.restore()
        assert first >= beyond
        beyond = first + count


def test_many_at_once_wear_as_single_ones() -> None:
    """A thousand numbers are ten blocks, taken one by one or together, and each block writes each byte once."""
    singles, together = CountingMemory(COUNTER_BYTES), CountingMemory(COUNTER_BYTES)
    counter = InvocationCounter(singles, 0)
    for _ in range(10 * RESERVED):
        counter.next()
    InvocationCounter(together, 0).next(10 * RESERVED)
    assert set(singles.writes.tolist()) == {10}
    assert set(together.writes.tolist()) == {10}


def test_nothing_cannot_be_taken() -> None:
    """Nor less."""
    for count in (0, -1):
        with pytest.raises(ValueError, match=f"{count} numbers"):
            InvocationCounter(Fram(COUNTER_BYTES), 0).next(count)
