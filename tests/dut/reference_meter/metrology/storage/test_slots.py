"""Twin slots: what was saved last is there, or what was saved before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost
from meterbench.dut.reference_meter.metrology.storage.slots import TwinSlots, twin_slots_bytes
from tests.dut.reference_meter.metrology.storage.cuts import bytes_written, every_cut, with_bits_flipped

WIDTH = 12
SIZE = twin_slots_bytes(WIDTH)


def _payload(number: int) -> bytes:
    return number.to_bytes(WIDTH, "big")


def _saved(count: int) -> Fram:
    fram = Fram(SIZE)
    for number in range(1, count + 1):
        TwinSlots(fram, 0, WIDTH).save(_payload(number))
    return fram


def test_what_was_never_saved_is_not_there() -> None:
    """In a memory of zeros or of ones."""
    fram = Fram(SIZE)
    assert TwinSlots(fram, 0, WIDTH).load() is None
    fram.load(b"\xff" * SIZE)
    assert TwinSlots(fram, 0, WIDTH).load() is None


@pytest.mark.parametrize("before", range(6))
def test_a_cut_leaves_the_old_or_the_new(before: int) -> None:
    """At every byte; only the last one makes it the new one, and the next save works."""
    content = _saved(before).dump()
    found = []
    for fram in every_cut(content, lambda fram: TwinSlots(fram, 0, WIDTH).save(_payload(99))):
        found.append(TwinSlots(fram, 0, WIDTH).load())
        TwinSlots(fram, 0, WIDTH).save(_payload(100))
        assert TwinSlots(fram, 0, WIDTH).load() == _payload(100)
    old = _payload(before) if before else None
    assert found == [old] * (WIDTH + 8) + [_payload(99)]


@pytest.mark.parametrize("skipped", range(5))
def test_left_out_saves_do_not_turn_the_next_one_over_the_newest_copy(skipped: int) -> None:
    """However many are left out, a cut in the save that follows brings back what was last saved."""

    def act(fram: Fram) -> None:
        slots = TwinSlots(fram, 0, WIDTH)
        slots.skip_saves(skipped)
        slots.save(_payload(99))

    found = {TwinSlots(fram, 0, WIDTH).load() for fram in every_cut(_saved(7).dump(), act)}
    assert found == {_payload(7), _payload(99)}


def test_left_out_saves_wear_both_copies_alike() -> None:
    """A million saves are half a million writes of each byte."""
    fram = Fram(SIZE)
    TwinSlots(fram, 0, WIDTH).skip_saves(1_000_000)
    assert fram.wear.tolist() == [500_000]
    with pytest.raises(ValueError, match="-1 saves"):
        TwinSlots(fram, 0, WIDTH).skip_saves(-1)


def test_save_both_keeps_the_new_one_if_either_copy_is_damaged() -> None:
    """And a cut between the copies leaves the new one."""
    fram = _saved(3)
    TwinSlots(fram, 0, WIDTH).save_both(_payload(99))
    for bit in range(8 * SIZE):
        assert TwinSlots(with_bits_flipped(fram, {bit}), 0, WIDTH).load() == _payload(99)
    content = _saved(3).dump()

    def act(fram: Fram) -> None:
        TwinSlots(fram, 0, WIDTH).save_both(_payload(99))

    half = bytes_written(content, act) // 2
    found = [TwinSlots(fram, 0, WIDTH).load() for fram in every_cut(content, act)]
    assert found == [_payload(3)] * half + [_payload(99)] * (half + 1)


@settings(deadline=None)
@given(st.sets(st.integers(0, 8 * SIZE - 1), min_size=1, max_size=30))
def test_damage_is_never_returned(bits: set[int]) -> None:
    """What comes back was saved once: the newest if only the other copy is hit."""
    loaded = TwinSlots(with_bits_flipped(_saved(5), bits), 0, WIDTH).load()
    hit = {bit // (4 * SIZE) for bit in bits}
    whole = {1: _payload(5), 0: _payload(4)}  # An odd number lies in the second copy.
    assert loaded == next((whole[copy] for copy in (1, 0) if copy not in hit), None)


def test_a_payload_of_another_length_is_refused() -> None:
    """Before anything is written."""
    fram = _saved(1)
    before = fram.dump()
    with pytest.raises(ValueError, match="12 bytes, not 11"):
        TwinSlots(fram, 0, WIDTH).save(bytes(11))
    assert fram.dump() == before


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, WIDTH + 8)), max_size=20))
def test_any_series_of_saves_and_cuts(cuts: list[int | None]) -> None:
    """One object that lives on until a cut, then another: always the last save that came through."""
    fram = Fram(SIZE)
    slots, in_force = TwinSlots(fram, 0, WIDTH), None
    for number, cut in enumerate(cuts):
        if cut is None:
            slots.save(_payload(number))
            in_force = _payload(number)
        else:
            fram.cut_after(cut)
            with pytest.raises(PowerLost):
                slots.save(_payload(number))
            fram.restore()
            slots = TwinSlots(fram, 0, WIDTH)
            if cut == WIDTH + 8:
                in_force = _payload(number)
            elif slots.load() == _payload(number):
                in_force = _payload(number)  # The bytes not written were the same before.
        assert slots.load() == in_force
