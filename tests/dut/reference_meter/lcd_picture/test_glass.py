"""The drawing of the glass."""

from __future__ import annotations

from itertools import combinations

from meterbench.dut.reference_meter.hardware.lcd import WIRING
from meterbench.dut.reference_meter.lcd_picture.glass import BEZEL, HEIGHT, SHAPES, WIDTH
from meterbench.dut.reference_meter.lcd_picture.shapes import Line

Box = tuple[float, float, float, float]


def extent(segment: str) -> Box:
    """Left, top, right and bottom, with the width of the lines."""
    xs, ys = [], []
    for shape in SHAPES[segment]:
        half = shape.width / 2.0 if isinstance(shape, Line) else 0.0
        for x, y in shape.points:
            xs += [x - half, x + half]
            ys += [y - half, y + half]
    return min(xs), min(ys), max(xs), max(ys)


def test_every_segment_of_the_glass_is_drawn() -> None:
    assert SHAPES.keys() == WIRING.keys()
    assert all(SHAPES.values())


def test_every_segment_lies_on_the_glass() -> None:
    for segment in SHAPES:
        left, top, right, bottom = extent(segment)
        assert left > BEZEL, segment
        assert top > BEZEL, segment
        assert right < WIDTH - BEZEL, segment
        assert bottom < HEIGHT - BEZEL, segment


def test_words_and_icons_do_not_touch_each_other() -> None:
    """Nor a digit: taken as boxes, all digits as one."""
    digits = [extent(segment) for segment in SHAPES if segment.startswith(("digit", "point", "colon"))]
    sides = list(zip(*digits, strict=True))
    boxes = {"digits": (min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3]))}
    boxes |= {segment: extent(segment) for segment in SHAPES if segment.startswith(("icon", "unit", "caption", "wan"))}
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        apart = a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
        assert apart, f"{one} and {other} overlap"
