"""What is to be seen on the glass of a meter in some state: firmware, RAM and glass one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meterbench.dut.reference_meter.hardware.lcd import Glass, Reading
from meterbench.dut.reference_meter.metrology.display.frame import Frame
from meterbench.dut.reference_meter.metrology.display.screens import Screen, ScreenList, frame_at
from meterbench.dut.reference_meter.metrology.display.state import DisplayState
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.status import Alarm

Q3_L_H = 2500.0
STILL = DisplayState(0, 0, 0.0, Q3_L_H, Mode.NORMAL, Alarm(0))
"""New, filled, at rest, knowing nothing that it needs not know."""


def glass_with(frame: Frame, broken: frozenset[str] = frozenset()) -> Glass:
    """A supplied glass on which the frame was written."""
    glass = Glass(broken)
    glass.supply(True)
    glass.write(frame.bits())
    return glass


def read(selected: Screen | None = None, tick: int = 0, screens: ScreenList | None = None, **changes: Any) -> Reading:
    """What is read off the glass of a meter at rest, but for these changes of its state."""
    frame = frame_at(replace(STILL, **changes), screens or ScreenList(), tick, selected)
    return glass_with(frame).read_text()
