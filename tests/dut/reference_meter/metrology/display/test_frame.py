"""A frame, and the bits that drive the glass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.lcd import WIRING
from meterbench.dut.reference_meter.metrology.display.frame import EVERYTHING, Caption, Frame, Icon, Unit
from tests.dut.reference_meter.shown import glass_with

BLANK = Frame(digits=(0,) * 9)


def test_the_drive_pattern_is_pinned() -> None:
    """A golden frame: 001234.567 m3, TOTAL, WAN with three bars, DRY, plus."""
    frame = Frame(
        digits=(0x3F, 0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07),
        points=frozenset({6}),
        units=frozenset({Unit.M3}),
        captions=frozenset({Caption.TOTAL}),
        icons=frozenset({Icon.WAN, Icon.DRY, Icon.FLOW}),
        wan_bars=3,
    )
    assert frame.bits().hex(" ") == "3f 3f 06 5b 4f e6 6d 7d 07 70 18 10 01 01"
    assert str(glass_with(frame).read_text()) == "001234.567 m³ TOTAL DRY FLOW WAN"


def test_a_blank_frame_lights_nothing() -> None:
    assert BLANK.bits() == bytes(14)


def test_the_segment_test_lights_everything() -> None:
    """Every segment that the glass has, and no bit without one."""
    assert glass_with(EVERYTHING).lit == WIRING.keys()
    assert sum(byte.bit_count() for byte in EVERYTHING.bits()) == len(WIRING)


@pytest.mark.requirement("ADR-072")
@pytest.mark.parametrize("icon", Icon, ids=lambda icon: icon.name)
def test_every_icon_alone(icon: Icon) -> None:
    """It lights the icon of that name on the glass and nothing else."""
    assert glass_with(replace(BLANK, icons=frozenset({icon}))).lit == {f"icon.{icon.name}"}


@pytest.mark.parametrize(
    ("unit", "printed"),
    [(Unit.M3, "m³"), (Unit.M3_H, "m³/h"), (Unit.DEG_C, "°C"), (Unit.MPA, "MPa"), (Unit.PERCENT, "%")],
)
def test_every_unit_alone(unit: Unit, printed: str) -> None:
    reading = glass_with(replace(BLANK, units=frozenset({unit}))).read_text()
    assert (reading.unit, reading.text, reading.icons, reading.captions) == (printed, " " * 9, set(), set())


@pytest.mark.parametrize("caption", Caption, ids=lambda caption: caption.name)
def test_every_caption_alone(caption: Caption) -> None:
    """Software and checksum are abbreviated on the glass."""
    printed = {"SOFTWARE": "SW", "CHECKSUM": "CRC"}.get(caption.name, caption.name)
    assert glass_with(replace(BLANK, captions=frozenset({caption}))).lit == {f"caption.{printed}"}


@pytest.mark.parametrize("bars", range(5))
def test_wan_bars_grow_from_the_first(bars: int) -> None:
    assert glass_with(replace(BLANK, wan_bars=bars)).lit == {f"wan{n}" for n in range(1, bars + 1)}


@given(
    st.lists(st.integers(0, 127), min_size=9, max_size=9), st.sets(st.integers(1, 8)), st.sets(st.sampled_from([5, 7]))
)
def test_every_digit_point_and_colon_comes_to_its_place(digits: list[int], points: set[int], colons: set[int]) -> None:
    """Bit by bit, whatever else is lit."""
    lit = glass_with(replace(BLANK, digits=tuple(digits), points=frozenset(points), colons=frozenset(colons))).lit
    expected = {
        f"digit{n}.{'abcdefg'[bit]}" for n, pattern in enumerate(digits, 1) for bit in range(7) if pattern & 1 << bit
    }
    assert lit == expected | {f"point{n}" for n in points} | {f"colon{n}" for n in colons}


@pytest.mark.parametrize(
    "wrong",
    [
        {"digits": (0,) * 8},
        {"digits": (0,) * 10},
        {"digits": (128,) + (0,) * 8},
        {"points": frozenset({9})},
        {"points": frozenset({0})},
        {"colons": frozenset({6})},
        {"wan_bars": 5},
        {"wan_bars": -1},
    ],
    ids=str,
)
def test_a_frame_that_the_glass_cannot_show_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"glass|frame"):
        replace(BLANK, **wrong)
