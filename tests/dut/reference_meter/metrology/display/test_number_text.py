"""Numbers as the display writes them (ADR-017)."""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.display.number_text import quantity_text, volume_text


@pytest.mark.requirement("ADR-017")
@pytest.mark.parametrize(
    ("total_nl", "normal", "test"),
    [
        (0, "000000.000", "000.000000"),
        (999_999, "000000.000", "000.000000"),
        (1_000_000, "000000.000", "000.000001"),
        (999_999_999, "000000.000", "000.000999"),
        (1_234_567_999_999, "000001.234", "001.234567"),
        (1000 * 10**12, "001000.000", "000.000000"),
        (10**18 - 1, "999999.999", "999.999999"),
        (10**18, "000000.000", "000.000000"),
    ],
)
def test_formats(total_nl: int, normal: str, test: str) -> None:
    """######.### with three decimals, ###.###### with six, cut off, rolling over at 1e6 and at 1000 m3."""
    assert volume_text(total_nl, 3) == normal
    assert volume_text(total_nl, 6) == test


@given(st.integers(0, 10**19), st.integers(1, 8))
def test_digits_are_cut_off_never_rounded(total_nl: int, decimals: int) -> None:
    """The text is the total, cut off after its decimals and rolled over at nine digits."""
    cut = (Decimal(total_nl) / 10**12).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
    assert Decimal(volume_text(total_nl, decimals)) == cut % 10 ** (9 - decimals)
    assert len(volume_text(total_nl, decimals)) == 10


@pytest.mark.parametrize("decimals", [0, 9, -1])
def test_a_format_without_place_is_refused(decimals: int) -> None:
    """Nine digits hold one to eight decimals."""
    with pytest.raises(ValueError, match="decimals"):
        volume_text(1, decimals)


def test_a_negative_total_is_refused() -> None:
    """Rolled over, it would look like a large volume."""
    with pytest.raises(ValueError, match="-1 nL"):
        volume_text(-1, 3)


@pytest.mark.parametrize(
    ("quantity", "decimals", "text"),
    [
        (21.46, 1, "21.5"),
        (-25.0, 1, "-25.0"),
        (-0.04, 1, "0.0"),
        (0.0, 4, "0.0000"),
        (-0.0, 0, "0"),
        (99.6, 0, "100"),
        (99_999.9999, 4, "99999.9999"),
        (99_999.99996, 4, "----"),
        (-9_999.9999, 4, "-9999.9999"),
        (-10_000.0, 4, "----"),
        (1e300, 1, "----"),
        (math.nan, 1, "----"),
        (math.inf, 1, "----"),
        (-math.inf, 1, "----"),
        (None, 1, "----"),
    ],
)
def test_a_quantity_is_shown_in_full_or_not_at_all(quantity: float | None, decimals: int, text: str) -> None:
    """Nine places, the sign takes one; zero has no sign; what is not known or does not fit is dashes."""
    assert quantity_text(quantity, decimals) == text


@given(st.floats(), st.integers(0, 4))
def test_no_quantity_takes_more_than_nine_places(quantity: float, decimals: int) -> None:
    """What is shown is within half a last digit of the quantity."""
    text = quantity_text(quantity, decimals)
    assert len(text.replace(".", "")) <= 9
    if text != "----":
        assert abs(Decimal(text) - Decimal(quantity)) <= Decimal(5).scaleb(-decimals - 1)
