"""The icons of Table 8 as pictograms, each in a box 44 wide and 32 high.

The technical description has pictures of its own that did not come with its text: these are ours [design].
"""

from __future__ import annotations

from meterbench.dut.reference_meter.lcd_picture.lettering import letters, width_of
from meterbench.dut.reference_meter.lcd_picture.shapes import Area, Line, Point, Shape, arc, box, disc

_PEN = 2.4


def _stroke(*points: Point) -> Line:
    return Line(points, _PEN)


def _drop(x: float, top: float, radius: float) -> tuple[Point, ...]:
    """The closed outline of a drop whose point is at (x, top)."""
    centre = top + 2.1 * radius
    return ((x, top), *arc(x, centre, radius, -32.0, 212.0), (x, top))


def _battery(name: str) -> tuple[Shape, ...]:
    """Nearly empty, with its name beside the rest of the charge."""
    return (
        _stroke(*box(2, 7, 36, 19)),
        Area(((39.5, 13), (42.5, 13), (42.5, 20), (39.5, 20))),
        Area(((5.2, 10.2), (9.2, 10.2), (9.2, 22.8), (5.2, 22.8))),
        *letters(name, 23.8 - width_of(name, 9) / 2, 12, 9, weight=1.8),
    )


def _valve(closed_halves: int) -> tuple[Shape, ...]:
    """The sign of a valve in a pipe, with its stem: hollow where it is open."""
    left, right = ((8, 14), (8, 29), (22, 21.5)), ((36, 14), (36, 29), (22, 21.5))
    halves = [(*half, half[0]) for half in (left, right)]
    body: tuple[Shape, ...] = tuple(_stroke(*half) for half in halves)
    body += tuple(Area(half) for half in (left, right)[:closed_halves])
    pipe = (_stroke((2, 21.5), (8, 21.5)), _stroke((36, 21.5), (42, 21.5)))
    return *body, *pipe, _stroke((22, 21.5), (22, 12))


PICTOGRAMS: dict[str, tuple[Shape, ...]] = {
    # A padlock that was opened.
    "TAMPER": (
        Area(((12, 15), (32, 15), (32, 30), (12, 30))),
        Line((*arc(30, 8.5, 6, -180.0, 0.0), (36, 11)), 3.0),
        Line(((24, 8.5), (24, 15)), 3.0),
    ),
    "LOW_BATTERY_EXTERNAL": _battery("EXT"),
    "LOW_BATTERY_INTERNAL": _battery("INT"),
    # A mast.
    "WAN": (
        _stroke((22, 10), (16, 30)),
        _stroke((22, 10), (28, 30)),
        _stroke((18, 23.5), (26, 23.5)),
        disc(22, 9, 2.6),
        *(_stroke(*arc(22, 9, radius, middle - 40, middle + 40)) for radius in (7, 11.5) for middle in (0, 180)),
    ),
    # A drop, crossed out.
    "DRY": (_stroke(*_drop(22, 3, 8.2)), _stroke((8, 29), (36, 4))),
    # A pipe that drips.
    "LEAK": (
        _stroke((3, 4), (41, 4)),
        _stroke((3, 13), (19, 13)),
        _stroke((25, 13), (41, 13)),
        Area(_drop(22, 16, 4.4)),
    ),
    # A pipe that is broken, and water in all directions.
    "BURST": (
        _stroke((2, 17), (15, 17), (18, 20.5), (15, 24), (18, 27.5), (2, 27.5)),
        _stroke((42, 17), (29, 17), (26, 20.5), (29, 24), (26, 27.5), (42, 27.5)),
        _stroke((22, 12), (22, 3)),
        _stroke((17, 12), (12, 4.5)),
        _stroke((27, 12), (32, 4.5)),
    ),
    # The last coin, and down.
    "SMALL_CREDIT": (
        _stroke(*arc(16, 16, 12.5, 0.0, 360.0)),
        _stroke(*arc(16, 16, 5.6, -310.0, -50.0)),
        _stroke((16, 7.2), (16, 24.8)),
        _stroke((37, 6), (37, 26)),
        _stroke((32, 20.5), (37, 26), (42, 20.5)),
    ),
    # A lorry.
    "TRANSPORTATION": (
        Area(((2, 7), (26, 7), (26, 23), (2, 23))),
        _stroke((28.5, 12), (35, 12), (41, 18), (41, 23), (28.5, 23), (28.5, 12)),
        Line(arc(10, 25.5, 3.6, 0.0, 360.0), 2.4),
        Line(arc(34, 25.5, 3.6, 0.0, 360.0), 2.4),
    ),
    # A filled valve is a closed one.
    "VALVE_CLOSED": (*_valve(closed_halves=2), _stroke((15, 3), (29, 11)), _stroke((29, 3), (15, 11))),
    # Half closed, and turned down.
    "SUPPLY_LIMITED": (*_valve(closed_halves=1), _stroke((22, 12), (22, 3)), _stroke((17, 7.5), (22, 12), (27, 7.5))),
    "REVERSE": (Area(((9, 12.5), (35, 12.5), (35, 19.5), (9, 19.5))),),
    "FLOW": (
        Area((
            *((18.5, 3), (25.5, 3), (25.5, 12.5), (35, 12.5), (35, 19.5), (25.5, 19.5)),
            *((25.5, 29), (18.5, 29), (18.5, 19.5), (9, 19.5), (9, 12.5), (18.5, 12.5)),
        )),
    ),
}  # fmt: skip
"""By the names of Table 8."""
