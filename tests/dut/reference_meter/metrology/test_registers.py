"""The volume as the display writes it (ADR-017)."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.registers import DISPLAY_DECIMALS, Mode, volume_text


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
    """######.### in NORMAL, ###.###### in TEST, cut off, rolling over at 1e6 and at 1000 m3."""
    assert volume_text(total_nl, DISPLAY_DECIMALS[Mode.NORMAL]) == normal
    assert volume_text(total_nl, DISPLAY_DECIMALS[Mode.TEST]) == test


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
