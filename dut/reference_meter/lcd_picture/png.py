"""The glass as PNG, from the same shapes. The drawing library takes long to import: it is imported on first use."""

from __future__ import annotations

import io

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
from meterbench.dut.reference_meter.lcd_picture.shapes import Area, box

_DPI = 100.0
_POINTS_PER_INCH = 72.0


def png_picture(lit: frozenset[str], scale: float = 1.0) -> bytes:
    """A PNG file of ``WIDTH`` by ``HEIGHT`` pixels times ``scale``; the same segments give the same bytes.

    ``lit``: the segments that are lit, by their names on the glass (``hardware.lcd.WIRING``).
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon

    figure = Figure(figsize=(WIDTH * scale / _DPI, HEIGHT * scale / _DPI), dpi=_DPI, facecolor=BEZEL_COLOUR)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0.0, WIDTH), ylim=(HEIGHT, 0.0))
    axes.set_axis_off()
    glass = box(BEZEL, BEZEL, WIDTH - 2.0 * BEZEL, HEIGHT - 2.0 * BEZEL)
    axes.add_patch(Polygon(glass, facecolor=GLASS_COLOUR, linewidth=0.0))
    for name, shapes in SHAPES.items():
        colour, layer = (LIT_COLOUR, 3) if name in lit else (OFF_COLOUR, 2)
        for shape in shapes:
            if isinstance(shape, Area):
                axes.add_patch(Polygon(shape.points, facecolor=colour, linewidth=0.0, zorder=layer))
            else:
                x, y = zip(*shape.points, strict=True)
                line_points = shape.width * scale * _POINTS_PER_INCH / _DPI
                axes.plot(
                    x, y, color=colour, linewidth=line_points, zorder=layer,
                    solid_capstyle="round", solid_joinstyle="round",
                )  # fmt: skip
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
