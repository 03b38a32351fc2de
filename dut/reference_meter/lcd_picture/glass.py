"""Where every segment of the glass lies and what it looks like: the drawing that all pictures are made from."""

from __future__ import annotations

from meterbench.dut.reference_meter.hardware.lcd import DIGITS
from meterbench.dut.reference_meter.lcd_picture.lettering import letters, width_of
from meterbench.dut.reference_meter.lcd_picture.pictograms import PICTOGRAMS
from meterbench.dut.reference_meter.lcd_picture.shapes import Area, Point, Shape, box, disc

WIDTH, HEIGHT = 800.0, 250.0
BEZEL = 12.0
"""Frame around the glass."""
BEZEL_COLOUR, GLASS_COLOUR, LIT_COLOUR, OFF_COLOUR = "#30353a", "#c9d2bf", "#161c18", "#bdc7b3"
"""Of a reflective LCD; the last is a segment that is not driven, just visible as on a real one."""

_DIGIT_X, _DIGIT_Y, _PITCH = 82.0, 78.0, 64.0
_DIGIT_WIDTH, _DIGIT_HEIGHT, _THICK = 45.0, 100.0, 11.0
_GAP, _CHAMFER, _SLANT = 1.2, 4.0, 0.09
_DOT = 4.8
_COLON_Y = (31.0, 71.0)

_ICON_X, _ICON_Y, _ICON_PITCH = 28.0, 25.0, 63.8
ICON_ROW = (
    *("WAN", "TAMPER", "LOW_BATTERY_EXTERNAL", "LOW_BATTERY_INTERNAL", "DRY", "LEAK"),
    *("BURST", "SMALL_CREDIT", "VALVE_CLOSED", "SUPPLY_LIMITED", "TRANSPORTATION"),
)
"""From left to right."""
_ICONS_BESIDE_DIGITS = {"FLOW": (22.0, 88.0), "REVERSE": (22.0, 134.0)}
_WAN_BAR_WIDTH, _WAN_BAR_PITCH = 5.5, 8.5

_UNITS = {"m³": (678.0, 83.0), "/h": (711.0, 83.0), "°C": (678.0, 120.0), "%": (722.0, 120.0), "MPa": (678.0, 157.0)}
_UNIT_HEIGHT = 20.0
CAPTIONS = ("TOTAL", "REVERSE", "WATER", "AMBIENT", "INFO", "SW", "CRC", "TEST")
"""From left to right."""
_CAPTION_HEIGHT, _CAPTION_Y = 12.0, 206.0


def _digit_areas() -> dict[str, tuple[Point, ...]]:
    """The seven segments of an upright digit from its upper left; they meet in mitres with a gap between."""
    w, h, t, k, c = _DIGIT_WIDTH, _DIGIT_HEIGHT, _THICK, _GAP, _CHAMFER
    m = h / 2.0
    near, far = (c - k) / 2.0, (c + k) / 2.0
    top = ((far, near), (c, 0.0), (w - c, 0.0), (w - far, near), (w - t - k, t), (t + k, t))
    upper_left = ((near, far), (t, t + k), (t, m - t / 2.0 - k), (t / 2.0, m - k), (0.0, m - k), (0.0, c))
    middle = (
        *((t / 2.0 + k, m), (t + k, m - t / 2.0), (w - t - k, m - t / 2.0)),
        *((w - t / 2.0 - k, m), (w - t - k, m + t / 2.0), (t + k, m + t / 2.0)),
    )

    def mirrored(points: tuple[Point, ...], right: bool, down: bool) -> tuple[Point, ...]:
        return tuple((w - x if right else x, h - y if down else y) for x, y in points)

    return {
        "a": top,
        "b": mirrored(upper_left, right=True, down=False),
        "c": mirrored(upper_left, right=True, down=True),
        "d": mirrored(top, right=False, down=True),
        "e": mirrored(upper_left, right=False, down=True),
        "f": upper_left,
        "g": middle,
    }


def _slanted(area: Area) -> Area:
    """Leaning to the right about the foot of the digits."""
    return Area(tuple((x + _SLANT * (_DIGIT_Y + _DIGIT_HEIGHT - y), y) for x, y in area.points))


def _digits() -> dict[str, tuple[Shape, ...]]:
    shapes: dict[str, tuple[Shape, ...]] = {}
    for n in range(1, DIGITS + 1):
        x = _DIGIT_X + _PITCH * (n - 1)
        between = x + (_DIGIT_WIDTH + _PITCH) / 2.0
        for part, points in _digit_areas().items():
            shapes[f"digit{n}.{part}"] = (_slanted(Area(points).placed(x, _DIGIT_Y)),)
        if n < DIGITS:
            shapes[f"point{n}"] = (_slanted(disc(between, _DIGIT_Y + _DIGIT_HEIGHT - _DOT, _DOT)),)
        if n in (5, 7):
            shapes[f"colon{n}"] = tuple(_slanted(disc(between, _DIGIT_Y + y, _DOT)) for y in _COLON_Y)
    return shapes


def _icons() -> dict[str, tuple[Shape, ...]]:
    """In a row above the digits, the WAN signal's bars beside its icon; the signs of the flow left of the digits."""
    places = {name: (_ICON_X + _ICON_PITCH * (column + (column > 0)), _ICON_Y) for column, name in enumerate(ICON_ROW)}
    places |= _ICONS_BESIDE_DIGITS
    shapes = {f"icon.{name}": tuple(s.placed(*place) for s in PICTOGRAMS[name]) for name, place in places.items()}
    for bar in range(1, 5):
        x, height = _ICON_X + 44.0 + _WAN_BAR_PITCH * (bar - 1), 6.5 * bar
        shapes[f"wan{bar}"] = (Area(box(x, _ICON_Y + 31.0 - height, _WAN_BAR_WIDTH, height)),)
    return shapes


def _words() -> dict[str, tuple[Shape, ...]]:
    """Units right of the digits, captions in a row below them."""
    shapes = {f"unit.{unit}": letters(unit, x, y, _UNIT_HEIGHT) for unit, (x, y) in _UNITS.items()}
    left, right = _ICON_X, WIDTH - _ICON_X
    widths = [width_of(caption, _CAPTION_HEIGHT) for caption in CAPTIONS]
    between = (right - left - sum(widths)) / (len(CAPTIONS) - 1)
    for caption, width in zip(CAPTIONS, widths, strict=True):
        shapes[f"caption.{caption}"] = letters(caption, left, _CAPTION_Y, _CAPTION_HEIGHT)
        left += width + between
    return shapes


SHAPES: dict[str, tuple[Shape, ...]] = _icons() | _digits() | _words()
"""Shapes of every segment, by the glass's own names for them (``hardware.lcd.WIRING``)."""
