"""The picture as text."""

from __future__ import annotations

from dataclasses import replace

from meterbench.dut.reference_meter.hardware.lcd import WIRING
from meterbench.dut.reference_meter.lcd_picture.terminal import terminal_picture
from meterbench.dut.reference_meter.metrology.display.screens import Screen, ScreenList, frame_at
from meterbench.dut.reference_meter.metrology.status import Alarm
from tests.dut.reference_meter.shown import STILL, glass_with

VOLUME = """\
╭──────────────────────────────────────────────────────────╮
│ WAN ▂▄▆·  LEAK                                           │
│    _   _       _   _       _   _   _                     │
│ + | | | |   |  _|  _| |_| |_  |_    |                    │
│   |_| |_|   | |_   _|   |. _| |_|   |  m³                │
│ TOTAL                                                    │
╰──────────────────────────────────────────────────────────╯"""


def test_a_volume() -> None:
    """As it looks, character by character."""
    state = replace(STILL, forward_nl=1_234_567_890_123_456, flow_l_h=100.0, wan_level=3, alarms=Alarm.LEAK)
    assert terminal_picture(glass_with(frame_at(state, ScreenList(), 0)).lit) == VOLUME


def test_time_has_colons() -> None:
    """01:23:46, without seconds' fractions; the minus is lit."""
    state = replace(STILL, flow_l_h=-5.0, clock_ticks=8 * (3600 + 23 * 60 + 46), clock_valid=True)
    digits = terminal_picture(glass_with(frame_at(state, ScreenList(), 0, Screen.TIME)).lit).splitlines()[2:5]
    assert [line.strip("│").rstrip() for line in digits] == [
        "                _       _   _       _",
        "               | |   |  _|  _| |_| |_",
        " −             |_|   |:|_   _|:  | |_|",
    ]


def test_everything_fits_in_the_box() -> None:
    """All lines are of one length, and every word is whole."""
    lines = terminal_picture(frozenset(WIRING)).splitlines()
    assert {len(line) for line in lines} == {60}
    text = " ".join(line.strip("│ ") for line in lines)
    for word in ("WAN ▂▄▆█", "TAMPER", "VALVE CLOSED", "TRANSPORT", "AMBIENT", "TEST", "m³/h°CMPa%"):
        assert word in text
    assert sum("|_|.|_|.|_|.|_|.|_|.|_|.|_|.|_|.|_|" in line for line in lines) == 1


def test_a_blank_glass_is_a_blank_box() -> None:
    lines = terminal_picture(frozenset()).splitlines()
    assert all(line.strip("│ ") == "" for line in lines[1:-1])
