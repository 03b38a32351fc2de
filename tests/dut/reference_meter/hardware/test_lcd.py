"""The glass: from the controller's RAM to what is read."""

from __future__ import annotations

import pytest

from meterbench.dut.reference_meter.hardware.lcd import WIRING, Glass

CHARACTERS = {
    0x3F: "0", 0x06: "1", 0x5B: "2", 0x4F: "3", 0x66: "4", 0x6D: "5", 0x7D: "6", 0x07: "7", 0x7F: "8", 0x6F: "9",
    0x77: "A", 0x7C: "b", 0x39: "C", 0x5E: "d", 0x79: "E", 0x71: "F", 0x40: "-", 0x00: " ", 0x78: "t", 0x50: "r",
}  # fmt: skip
"""As in a data book of a seven-segment decoder, bits gfedcba."""


def supplied(broken: frozenset[str] = frozenset()) -> Glass:
    glass = Glass(broken)
    glass.supply(True)
    return glass


@pytest.mark.parametrize(("pattern", "character"), CHARACTERS.items())
def test_characters_are_read(pattern: int, character: str) -> None:
    """The same in each of the nine places."""
    glass = supplied()
    glass.write(bytes([pattern] * 9 + [0] * 5))
    assert glass.read_text().text == character * 9


def test_a_shape_that_is_no_character_is_unreadable() -> None:
    glass = supplied()
    glass.write(bytes([0x01, 0x3F] + [0] * 12))
    assert glass.read_text().text == "?0       "


def test_points_and_colons_stand_after_their_digits() -> None:
    glass = supplied()
    glass.write(bytes([0x3F, 0x3F, 0xBF] + [0x3F] * 6 + [0x03] + [0] * 4))
    assert glass.read_text().text == "000.00:00:00"


def test_every_segment_has_a_bit_of_its_own() -> None:
    """One bit at a time: each lights one segment or, where the glass has none, nothing."""
    lit = []
    for bit in range(14 * 8):
        glass = supplied()
        glass.write((1 << bit).to_bytes(14, "little"))
        assert len(glass.lit) <= 1
        lit += list(glass.lit)
    assert sorted(lit) == sorted(WIRING)


@pytest.mark.parametrize("segment", sorted(WIRING))
def test_a_broken_segment_stays_off(segment: str) -> None:
    glass = supplied(frozenset({segment}))
    glass.write(b"\xff" * 14)
    assert glass.lit == WIRING.keys() - {segment}


def test_an_unknown_broken_segment_is_an_error() -> None:
    """A negative test that breaks nothing would pass for nothing."""
    with pytest.raises(ValueError, match=r"digit10\.a"):
        Glass(frozenset({"digit10.a"}))


def test_blank_without_supply() -> None:
    """And after it, until something is written: the RAM forgets."""
    glass = Glass()
    glass.write(b"\xff" * 14)
    assert glass.lit == set()
    glass.supply(True)
    assert glass.lit == set()
    glass.write(b"\xff" * 14)
    assert glass.lit == WIRING.keys()
    glass.supply(False)
    assert glass.lit == set()
    assert glass.read_text().text == " " * 9
    glass.supply(True)
    assert glass.lit == set()


@pytest.mark.parametrize("length", [0, 13, 15])
def test_a_pattern_of_another_length_is_an_error(length: int) -> None:
    with pytest.raises(ValueError, match=f"not {length}"):
        supplied().write(bytes(length))


def test_a_reading_in_words() -> None:
    """What the terminal and messages of failed tests say."""
    glass = supplied()
    glass.write(bytes.fromhex("00 00 00 00 00 bf 3f 06 5b 00 01 10 03 00"))
    assert str(glass.read_text()) == "0.012 m³/h FLOW TAMPER"
