"""The picture as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from meterbench.dut.reference_meter.hardware.lcd import WIRING
from meterbench.dut.reference_meter.lcd_picture.svg import svg_picture

SVG = "{http://www.w3.org/2000/svg}"
SOME = frozenset({"digit9.b", "digit9.c", "unit.m³", "icon.LEAK"})


@pytest.mark.parametrize("lit", [frozenset(), SOME, frozenset(WIRING)], ids=["blank", "some", "all"])
def test_one_element_for_each_segment(lit: frozenset[str]) -> None:
    """Well-formed; each is there once, lit or off, and drawn of something."""
    root = ElementTree.fromstring(svg_picture(lit))
    assert root.tag == f"{SVG}svg"
    segments = [group for group in root.iter(f"{SVG}g") if group.get("data-segment")]
    assert sorted(group.get("data-segment", "") for group in segments) == sorted(WIRING)
    assert {group.get("data-segment") for group in segments if group.get("class") == "lit"} == lit
    assert all(len(group) > 0 for group in segments)


def test_lit_segments_differ_in_colour() -> None:
    """Lit ones and others share no colour."""
    colours: dict[str, set[str]] = {"lit": set(), "off": set()}
    for group in ElementTree.fromstring(svg_picture(SOME)).iter(f"{SVG}g"):
        if kind := group.get("class"):
            colours[kind] |= {path.get("fill", "") for path in group} | {path.get("stroke", "") for path in group}
    drawn = {kind: found - {"none", ""} for kind, found in colours.items()}
    assert len(drawn["lit"]) == len(drawn["off"]) == 1
    assert drawn["lit"] != drawn["off"]


def test_the_title_tells_what_is_to_be_read() -> None:
    """For those who cannot see it."""
    root = ElementTree.fromstring(svg_picture(SOME))
    assert root.findtext(f"{SVG}title") == "Display: 1 m³ LEAK"
    assert (root.get("role"), root.get("aria-label")) == ("img", "Display: 1 m³ LEAK")
