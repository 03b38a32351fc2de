"""Draws the reference meter's display in six states, as its firmware drives the glass.

python docs/images/display.py PICTURE.svg
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from meterbench.dut.reference_meter.hardware.lcd import Glass
from meterbench.dut.reference_meter.lcd_picture.glass import HEIGHT, WIDTH
from meterbench.dut.reference_meter.lcd_picture.svg import svg_picture
from meterbench.dut.reference_meter.metrology.display.screens import Screen, ScreenList, frame_at
from meterbench.dut.reference_meter.metrology.display.state import DisplayState
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.status import Alarm
from meterbench.reports.figures import INK

NOW_TICKS = 8 * int(datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC).timestamp())
TOTAL_NL, REVERSE_NL = 1_234_567_890_123_456, 4_567_891_234_567
Q3_L_H = 2500.0


def state(
    flow_l_h: float = 0.0, mode: Mode = Mode.NORMAL, alarms: Alarm | None = None, valve_closed: bool = False
) -> DisplayState:
    """A connected meter of Q3 2.5."""
    return DisplayState(
        TOTAL_NL,
        REVERSE_NL,
        flow_l_h,
        Q3_L_H,
        mode,
        alarms or Alarm(0),
        clock_ticks=NOW_TICKS,
        clock_valid=True,
        wan_level=3,
        valve_closed=valve_closed,
    )


STATES = (
    ("volume; water flows", state(1250.0), None),
    ("the same total in TEST", state(1250.0, Mode.TEST), None),
    (
        "reverse total; water flows back, the case was opened",
        state(-40.0, alarms=Alarm.CASE_OPEN),
        Screen.REVERSE_VOLUME,
    ),
    ("segment test", state(), Screen.SEGMENT_TEST),
    ("flow; it has been running for a day", state(12.5, alarms=Alarm.LEAK), Screen.FLOW),
    (
        "time; the valve is closed, the battery low",
        state(alarms=Alarm.LOW_BATTERY_INTERNAL, valve_closed=True),
        Screen.TIME,
    ),
)
COLUMNS = 2
SHOWN_WIDTH, MARGIN, TEXT_HEIGHT = 480.0, 16.0, 26.0
SHOWN_HEIGHT = SHOWN_WIDTH * HEIGHT / WIDTH


def lit_segments(shown: DisplayState, selected: Screen | None) -> frozenset[str]:
    """What is lit on the glass of a unit that shows this."""
    glass = Glass()
    glass.supply(True)
    glass.write(frame_at(shown, ScreenList(), tick=0, selected=selected).bits())
    return glass.lit


def main() -> None:
    """Draw all states on one sheet."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} PICTURE.svg")
    rows = -(-len(STATES) // COLUMNS)
    width = COLUMNS * (SHOWN_WIDTH + MARGIN) + MARGIN
    height = rows * (SHOWN_HEIGHT + TEXT_HEIGHT + MARGIN) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" font-family="sans-serif" font-size="14" fill="{INK}">',
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>',
    ]
    for place, (words, shown, selected) in enumerate(STATES):
        x = MARGIN + place % COLUMNS * (SHOWN_WIDTH + MARGIN)
        y = MARGIN + place // COLUMNS * (SHOWN_HEIGHT + TEXT_HEIGHT + MARGIN)
        picture = svg_picture(lit_segments(shown, selected))
        where = f'<svg x="{x:g}" y="{y:g}" width="{SHOWN_WIDTH:g}" height="{SHOWN_HEIGHT:g}"'
        lines.append(picture.replace("<svg", where, 1).strip())
        lines.append(f'<text x="{x:g}" y="{y + SHOWN_HEIGHT + 18:g}">{words}</text>')
    Path(sys.argv[1]).write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
