"""Designations (ADR-001, ADR-002)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.designation import BODY_LENGTHS_MM, Designation
from meterbench.errors import ConfigError


@given(st.sampled_from(sorted(BODY_LENGTHS_MM)), st.sampled_from((1, 2)), st.integers(1, 999))
def test_what_is_printed_is_what_was_parsed(dn: int, body: int, communication: int) -> None:
    """Every designation survives printing and parsing."""
    designation = Designation(dn, body, communication)
    assert Designation.parse(str(designation)) == designation


@pytest.mark.parametrize(
    ("text", "length_mm"),
    [
        ("ADR15-1-1", 110),
        ("ADR15-2-1", 165),
        ("ADR20-1-1", 130),
        ("ADR20-2-1", 195),
        ("ADR25-1-1", 190),
        ("ADR25-2-3", 225),
    ],
)
def test_body_lengths(text: str, length_mm: int) -> None:
    """The body index gives the shortest and the longest body of Table 6."""
    assert Designation.parse(text).body_length_mm == length_mm


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ADR16-1-1", "15, 20, 25"),
        ("ADR15-3-1", r"1 \(110 mm\), 2 \(165 mm\)"),
        ("ADR20-12-1", "reserved"),
        ("ADR15-1-0", "1, 2, 3"),
        ("ADR15-1", "of the form"),
        ("adr15-1-1", "of the form"),
        ("ADR15-1-1\n", "of the form"),
        ("ADR١٥-1-1", "of the form"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, named: str) -> None:
    """A refusal names what is allowed instead."""
    with pytest.raises(ConfigError, match=named):
        Designation.parse(text)
