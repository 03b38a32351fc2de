"""Seven segments and the text on nine of them."""

from __future__ import annotations

import pytest

from meterbench.dut.reference_meter.metrology.display.segments import PATTERNS, spell

USUAL = bytes.fromhex("3f 06 5b 4f 66 6d 7d 07 7f 6f 77 7c 39 5e 79 71")
"""The hexadecimal digits as they stand in any data book of a seven-segment decoder, bits gfedcba."""


def test_hexadecimal_digits_are_the_usual_ones() -> None:
    assert bytes(PATTERNS[digit] for digit in "0123456789AbCdEF") == USUAL


def test_no_two_characters_look_alike() -> None:
    """Else one could be read as the other."""
    assert len(set(PATTERNS.values())) == len(PATTERNS)


def test_text_stands_at_the_right_end() -> None:
    """Points and colons take no place, and stand after the digit before them."""
    spelling = spell("-1.25")
    assert spelling.digits == (0, 0, 0, 0, 0, 0x40, 0x06, 0x5B, 0x6D)
    assert (spelling.points, spelling.colons) == ({7}, set())
    assert spell("12:34:56").colons == {5, 7}


@pytest.mark.parametrize("pair", ["bB", "cC", "fF", "lL", "oO"])
def test_a_letter_with_one_case_is_shown_in_that(pair: str) -> None:
    assert spell(pair[0]) == spell(pair[1])


@pytest.mark.parametrize("text", ["SOFT", "1.0.I", "K", "é", "+1", "\n"])
def test_what_seven_segments_cannot_show_is_refused(text: str) -> None:
    """Nothing is left out, and nothing shown as something else: S and I would be read as 5 and 1."""
    with pytest.raises(ValueError, match="cannot show"):
        spell(text)


def test_a_text_that_is_too_long_is_refused() -> None:
    assert spell("1.2.3.4.5.6.7.8.9").points == set(range(1, 9))
    with pytest.raises(ValueError, match="10 places"):
        spell("1234567890")


@pytest.mark.parametrize("text", ["1.", ".123456789", "1..2", "1:2:3", "12:34:56:"])
def test_a_point_where_the_glass_has_none_is_refused(text: str) -> None:
    """After the last digit, before the first, twice in a place; a colon but after digits 5 and 7."""
    with pytest.raises(ValueError, match="point or a colon"):
        spell(text)
