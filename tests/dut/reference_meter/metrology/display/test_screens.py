"""What the display shows, read off the glass: the chain from the firmware's state to the eye."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.lcd import WIRING
from meterbench.dut.reference_meter.metrology.display.screens import DEFAULT_SCREENS, Screen, ScreenList, frame_at
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.status import Alarm
from tests.dut.reference_meter.shown import STILL, glass_with, read

TOTALS_NL = st.integers(0, 10**19)
OTHER_MODES = [mode for mode in Mode if mode is not Mode.TEST]


@pytest.mark.requirement("ADR-017")
@pytest.mark.parametrize("mode", OTHER_MODES)
def test_volume(mode: Mode) -> None:
    """######.### m3, cut off: a nanolitre below the next litre is not that litre."""
    reading = read(forward_nl=123_456_999_999_999, mode=mode)
    assert (reading.text, reading.unit, reading.captions) == ("000123.456", "m³", {"TOTAL"})


@pytest.mark.requirement("ADR-015")
@pytest.mark.requirement("ADR-017")
def test_volume_in_test() -> None:
    """###.###### m3, whatever decimals are configured, at any tick: no other screen takes its turn."""
    for decimals, tick in ((1, 0), (3, 41), (6, 10**9)):
        reading = read(tick=tick, forward_nl=123_456_789_999_999, mode=Mode.TEST, volume_decimals=decimals)
        assert (reading.text, reading.unit, reading.captions) == ("123.456789", "m³", {"TOTAL", "TEST"})


@pytest.mark.requirement("ADR-017")
def test_test_rolls_over_at_1000_m3() -> None:
    """999.999999, then 000.000000, and on; the register itself goes on, as NORMAL shows."""
    last_nl = 1000 * 10**12 - 1
    shown = [read(forward_nl=last_nl + step_nl, mode=Mode.TEST).text for step_nl in (0, 1, 1 + 10**6)]
    assert shown == ["999.999999", "000.000000", "000.000001"]
    assert read(forward_nl=last_nl + 1).text == "001000.000"


@pytest.mark.requirement("ADR-017")
@pytest.mark.parametrize(
    ("decimals", "text"),
    [(1, "01234567.8"), (2, "1234567.89"), (3, "234567.891"), (4, "34567.8912"), (5, "4567.89123"), (6, "567.891234")],
)
def test_decimals_are_configurable(decimals: int, text: str) -> None:
    """Both totals; what has no place left of the digits rolls over."""
    total_nl = 1_234_567_891_234_999_999
    assert read(forward_nl=total_nl, volume_decimals=decimals).text == text
    assert read(Screen.REVERSE_VOLUME, reverse_nl=total_nl, volume_decimals=decimals).text == text


@pytest.mark.requirement("ADR-015")
@given(TOTALS_NL, TOTALS_NL, st.integers(1, 6), st.sampled_from(Mode))
def test_the_digits_are_exact(forward_nl: int, reverse_nl: int, decimals: int, mode: Mode) -> None:
    """Digit for digit, of either total, by integers alone."""
    places = 6 if mode is Mode.TEST else decimals
    state = {"forward_nl": forward_nl, "reverse_nl": reverse_nl, "volume_decimals": decimals, "mode": mode}
    for screen, total_nl in ((Screen.VOLUME, forward_nl), (Screen.REVERSE_VOLUME, reverse_nl)):
        whole, rest_nl = divmod(total_nl, 10**12)
        rest = str(rest_nl).zfill(12)[:places]
        assert read(screen, **state).text == str(whole).zfill(9)[-(9 - places) :] + "." + rest


@pytest.mark.requirement("ADR-015")
def test_reverse_volume_is_a_total_of_its_own() -> None:
    """Told apart by its caption, in TEST with six decimals as well."""
    totals = {"forward_nl": 5 * 10**12, "reverse_nl": 7_000_001_999_999}
    normal = read(Screen.REVERSE_VOLUME, **totals)
    assert (normal.text, normal.unit, normal.captions) == ("000007.000", "m³", {"REVERSE"})
    test = read(Screen.REVERSE_VOLUME, **totals, mode=Mode.TEST)
    assert (test.text, test.unit, test.captions) == ("007.000001", "m³", {"REVERSE", "TEST"})


@pytest.mark.requirement("ADR-070")
@pytest.mark.parametrize(
    ("screen", "state", "text", "unit", "captions"),
    [
        (Screen.FLOW, {"flow_l_h": 1.5625}, "    0.0016", "m³/h", set()),
        (Screen.FLOW, {"flow_l_h": 0.0}, "    0.0000", "m³/h", set()),
        (Screen.FLOW, {"flow_l_h": 15_750.0}, "   15.7500", "m³/h", set()),
        (Screen.FLOW, {"flow_l_h": -15_750.0}, "  -15.7500", "m³/h", set()),
        (Screen.WATER_TEMPERATURE, {"water_temp_c": -25.0}, "     -25.0", "°C", {"WATER"}),
        (Screen.WATER_TEMPERATURE, {"water_temp_c": 70.0}, "      70.0", "°C", {"WATER"}),
        (Screen.AMBIENT_TEMPERATURE, {"ambient_temp_c": -25.0}, "     -25.0", "°C", {"AMBIENT"}),
        (Screen.AMBIENT_TEMPERATURE, {"ambient_temp_c": 70.0}, "      70.0", "°C", {"AMBIENT"}),
        (Screen.PRESSURE, {"pressure_mpa": 0.0}, "     0.000", "MPa", set()),
        (Screen.PRESSURE, {"pressure_mpa": 1.6}, "     1.600", "MPa", set()),
        (Screen.PRESSURE, {"pressure_mpa": -0.0499}, "    -0.050", "MPa", set()),
        (Screen.BATTERY, {"battery_percent": 100.0}, "      100", "%", set()),
        (Screen.BATTERY, {"battery_percent": 0.0}, "        0", "%", set()),
        (Screen.INFO_CODE, {"alarms": Alarm(0)}, "     0000", "", {"INFO"}),
        (Screen.INFO_CODE, {"alarms": Alarm.LEAK | Alarm.CASE_OPEN}, "     0014", "", {"INFO"}),
        (Screen.INFO_CODE, {"alarms": Alarm(0x1FF)}, "     01FF", "", {"INFO"}),
        (Screen.SOFTWARE, {"software_id": "1.0.12"}, "     1.0.12", "", {"SW"}),
        (Screen.CHECKSUM, {"checksum": "0AB3F19C"}, " 0Ab3F19C", "", {"CRC"}),
        (Screen.CHECKSUM, {"checksum": "DEADBEEF"}, " dEAdbEEF", "", {"CRC"}),
    ],
)
def test_screens(screen: Screen, state: dict[str, object], text: str, unit: str, captions: set[str]) -> None:
    """Each with its unit, over the whole range of the meter: twice Q4 of DN25 either way, -25 to 70 degC, 1.6 MPa."""
    reading = read(screen, **state)
    assert (reading.text, reading.unit, reading.captions) == (text, unit, captions)


@pytest.mark.requirement("ADR-016")
@pytest.mark.parametrize(
    ("moment", "date", "time"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), " 1970.01.01", "   00:00:00"),
        (datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC), " 2028.02.29", "   23:59:59"),
        (datetime(2199, 12, 31, 7, 8, 9, tzinfo=UTC), " 2199.12.31", "   07:08:09"),
    ],
)
def test_date_and_time(moment: datetime, date: str, time: str) -> None:
    """In UTC; a second lasts until its last eighth is over."""
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    for eighth in (0, 7):
        clock = {"clock_ticks": int(seconds) * 8 + eighth, "clock_valid": True}
        assert (read(Screen.DATE, **clock).text, read(Screen.TIME, **clock).text) == (date, time)


def test_a_clock_that_is_not_valid_is_not_shown() -> None:
    """Dashes rather than a wrong time."""
    clock = {"clock_ticks": 10**10, "clock_valid": False}
    assert (read(Screen.DATE, **clock).text, read(Screen.TIME, **clock).text) == (" ----.--.--", "   --:--:--")


UNKNOWN = {
    Screen.FLOW: "flow_l_h",
    Screen.WATER_TEMPERATURE: "water_temp_c",
    Screen.AMBIENT_TEMPERATURE: "ambient_temp_c",
    Screen.PRESSURE: "pressure_mpa",
    Screen.BATTERY: "battery_percent",
}


@pytest.mark.parametrize("unknown", [math.nan, math.inf, 1e12, -1e12])
@pytest.mark.parametrize("screen", UNKNOWN)
def test_what_cannot_be_told_is_dashes(screen: Screen, unknown: float) -> None:
    """No wrong number, and nothing that takes the meter down."""
    assert read(screen, **{UNKNOWN[screen]: unknown}).text.strip() == "----"


@pytest.mark.parametrize("screen", [screen for screen in UNKNOWN if screen is not Screen.FLOW])
def test_a_sensor_that_is_not_fitted_is_dashes(screen: Screen) -> None:
    assert read(screen, **{UNKNOWN[screen]: None}).text.strip() == "----"


@pytest.mark.requirement("ADR-070")
def test_the_list_is_cyclic() -> None:
    """Each screen for 5 s, from the tick at which the list was set, over and over."""
    screens = ScreenList((Screen.VOLUME, Screen.BATTERY, Screen.PRESSURE), set_tick=1003)
    units = [read(tick=1003 + tick, screens=screens).unit for tick in range(2 * 3 * 40)]
    assert units == (["m³"] * 40 + ["%"] * 40 + ["MPa"] * 40) * 2


@pytest.mark.requirement("ADR-070")
def test_the_default_list_comes_around_whole() -> None:
    """And what it shows first is the volume."""
    screens = ScreenList()
    assert tuple(screens.at(40 * turn) for turn in range(len(DEFAULT_SCREENS))) == DEFAULT_SCREENS
    assert DEFAULT_SCREENS[0] is Screen.VOLUME


@pytest.mark.requirement("ADR-070")
@pytest.mark.parametrize(
    ("screens", "why"),
    [
        ((), "VOLUME is legally relevant"),
        ((Screen.FLOW, Screen.REVERSE_VOLUME), "VOLUME is legally relevant"),
        ((Screen.VOLUME, Screen.FLOW, Screen.FLOW), "once"),
        ((Screen.VOLUME, Screen.VOLUME), "once"),
        ((Screen.VOLUME, Screen.SEGMENT_TEST), "by command only"),
    ],
)
def test_lists_that_are_refused(screens: tuple[Screen, ...], why: str) -> None:
    with pytest.raises(Refused, match=why):
        ScreenList(screens)


@pytest.mark.parametrize("mode", Mode)
def test_a_selected_screen_goes_first(mode: Mode) -> None:
    """In TEST too, and even if it is not in the list."""
    screens = ScreenList((Screen.VOLUME,))
    assert read(Screen.BATTERY, screens=screens, mode=mode, battery_percent=87.0).text.strip() == "87"


@pytest.mark.requirement("ADR-071")
@pytest.mark.parametrize("mode", Mode)
def test_the_segment_test_lights_every_segment(mode: Mode) -> None:
    """At every tick: nothing blinks."""
    for tick in range(16):
        frame = frame_at(replace(STILL, mode=mode, flow_l_h=1e3), ScreenList(), tick, Screen.SEGMENT_TEST)
        assert glass_with(frame).lit == WIRING.keys()


@pytest.mark.requirement("ADR-071")
@pytest.mark.parametrize("segment", sorted(WIRING))
def test_the_segment_test_shows_any_broken_segment(segment: str) -> None:
    """It is the one that is missing."""
    frame = frame_at(STILL, ScreenList(), 0, Screen.SEGMENT_TEST)
    assert WIRING.keys() - glass_with(frame, frozenset({segment})).lit == {segment}


@pytest.mark.requirement("ADR-072")
@pytest.mark.requirement("ADR-086")
@pytest.mark.parametrize(
    ("state", "icons"),
    [
        ({}, set()),
        ({"alarms": Alarm.CASE_OPEN}, {"TAMPER"}),
        ({"alarms": Alarm.MAGNET}, {"TAMPER"}),
        ({"alarms": Alarm.TILT}, {"TAMPER"}),
        ({"alarms": Alarm.LOW_BATTERY_INTERNAL}, {"LOW_BATTERY_INTERNAL"}),
        ({"alarms": Alarm.LOW_BATTERY_EXTERNAL}, {"LOW_BATTERY_EXTERNAL"}),
        ({"alarms": Alarm.DRY}, {"DRY"}),
        ({"alarms": Alarm.LEAK}, {"LEAK"}),
        ({"alarms": Alarm.BURST}, {"BURST"}),
        ({"alarms": Alarm.REVERSE}, {"REVERSE"}),
        ({"flow_l_h": -1.0}, {"REVERSE"}),
        ({"flow_l_h": 1.0}, {"FLOW"}),
        ({"flow_l_h": 1.0, "alarms": Alarm.REVERSE}, {"FLOW", "REVERSE"}),
        ({"wan_level": 0}, {"WAN"}),
        ({"mode": Mode.TRANSPORTATION}, {"TRANSPORTATION"}),
        ({"mode": Mode.MEASUREMENT}, set()),
        ({"mode": Mode.TEST}, set()),
        ({"small_credit": True}, {"SMALL_CREDIT"}),
        ({"valve_closed": True}, {"VALVE_CLOSED"}),
        ({"supply_limited": True}, {"SUPPLY_LIMITED"}),
    ],
    ids=lambda part: str(sorted(part)) if isinstance(part, set) else str(part),
)
@pytest.mark.parametrize("screen", [Screen.VOLUME, Screen.TIME])
def test_each_cause_lights_its_icon_alone(screen: Screen, state: dict[str, object], icons: set[str]) -> None:
    """On any screen."""
    assert read(screen, **state).icons == icons


@pytest.mark.parametrize("level", [None, 0, 1, 2, 3, 4])
def test_wan_level(level: int | None) -> None:
    """No icon without a connection; a connection without signal has the icon and no bar."""
    reading = read(wan_level=level)
    assert reading.wan_bars == (level or 0)
    assert ("WAN" in reading.icons) == (level is not None)


def test_a_broken_segment_makes_a_wrong_digit() -> None:
    """Read as it would be by eye: 8 without its middle is 0, 7 without its top is 1, 6 without its top is b."""
    frame = frame_at(replace(STILL, forward_nl=678_678_678 * 10**9), ScreenList(), 0)
    assert glass_with(frame).read_text().text == "678678.678"
    assert glass_with(frame, frozenset({"digit3.g"})).read_text().text == "670678.678"
    assert glass_with(frame, frozenset({"digit5.a", "point6"})).read_text().text == "678618678"
    assert glass_with(frame, frozenset({"digit1.a", "digit4.e"})).read_text().text == "b78578.678"
