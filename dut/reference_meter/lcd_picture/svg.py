"""The glass as SVG: one group per segment, named after it, of one colour."""

from __future__ import annotations

from html import escape

from meterbench.dut.reference_meter.hardware.lcd import read_segments
from meterbench.dut.reference_meter.lcd_picture.glass import (
    BEZEL,
    BEZEL_COLOUR,
    GLASS_COLOUR,
    HEIGHT,
    LIT_COLOUR,
    OFF_COLOUR,
    SHAPES,
    WIDTH,
)
from meterbench.dut.reference_meter.lcd_picture.shapes import Area, Shape


def svg_picture(lit: frozenset[str]) -> str:
    """An ``svg`` element that can stand alone or in a page; its title says what is to be read.

    ``lit``: the segments that are lit, by their names on the glass (``hardware.lcd.WIRING``).
    """
    title = escape(f"Display: {read_segments(lit)}")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" rx="14" fill="{BEZEL_COLOUR}"/>',
        f'<rect x="{BEZEL:g}" y="{BEZEL:g}" width="{WIDTH - 2 * BEZEL:g}" height="{HEIGHT - 2 * BEZEL:g}" rx="6"'
        f' fill="{GLASS_COLOUR}"/>',
        '<g stroke-linecap="round" stroke-linejoin="round">',
    ]
    # Lit segments last: one that is off never covers them.
    for name in sorted(SHAPES, key=lambda segment: segment in lit):
        colour = LIT_COLOUR if name in lit else OFF_COLOUR
        shapes = "".join(_path(shape, colour) for shape in SHAPES[name])
        lines.append(f'<g data-segment="{escape(name)}" class="{"lit" if name in lit else "off"}">{shapes}</g>')
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _path(shape: Shape, colour: str) -> str:
    course = "M" + " ".join(f"{_short(x)},{_short(y)}" for x, y in shape.points)
    if isinstance(shape, Area):
        return f'<path d="{course}Z" fill="{colour}"/>'
    return f'<path d="{course}" fill="none" stroke="{colour}" stroke-width="{_short(shape.width)}"/>'


def _short(coordinate: float) -> str:
    return f"{coordinate:.2f}".rstrip("0").rstrip(".")
