"""The screens: what each shows, and which of them is to be seen at a tick (ADR-070, ADR-071)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from meterbench.dut.reference_meter.metrology.clock import TICKS_PER_S, as_datetime
from meterbench.dut.reference_meter.metrology.display.flow_icon import flow_icon_on
from meterbench.dut.reference_meter.metrology.display.frame import EVERYTHING, Caption, Frame, Icon, Unit
from meterbench.dut.reference_meter.metrology.display.number_text import TEST_DECIMALS, quantity_text, volume_text
from meterbench.dut.reference_meter.metrology.display.segments import spell
from meterbench.dut.reference_meter.metrology.display.state import DisplayState
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.status import TAMPER, Alarm

SCREEN_PERIOD_TICKS = 5 * TICKS_PER_S
"""[design] How long each screen of the cycle stays."""
FLOW_DECIMALS = 4
"""[design] Of a cubic metre an hour: 0.1 L/h, a tenth of the sensitivity threshold."""
TEMPERATURE_DECIMALS = 1
"""[design]"""
PRESSURE_DECIMALS = 3
"""[design] Of a megapascal: 1 kPa, a sixteenth of the sensor's error."""
INFO_CODE_DIGITS = 4
"""[design] Hexadecimal: room for 16 flags."""
_L_PER_M3 = 1000.0


class Screen(Enum):
    """What the display can show."""

    VOLUME = "VOLUME"
    """Forward total: legally relevant, and so part of every list."""
    REVERSE_VOLUME = "REVERSE_VOLUME"
    FLOW = "FLOW"
    WATER_TEMPERATURE = "WATER_TEMPERATURE"
    AMBIENT_TEMPERATURE = "AMBIENT_TEMPERATURE"
    PRESSURE = "PRESSURE"
    DATE = "DATE"
    TIME = "TIME"
    INFO_CODE = "INFO_CODE"
    """The alarm register, hexadecimal."""
    BATTERY = "BATTERY"
    SOFTWARE = "SOFTWARE"
    CHECKSUM = "CHECKSUM"
    SEGMENT_TEST = "SEGMENT_TEST"
    """Everything lit; by command only."""


DEFAULT_SCREENS = (
    Screen.VOLUME,
    Screen.REVERSE_VOLUME,
    Screen.FLOW,
    Screen.DATE,
    Screen.TIME,
    Screen.INFO_CODE,
    Screen.SOFTWARE,
    Screen.CHECKSUM,
)
"""[design] As delivered: what every variant has."""


@dataclass(frozen=True, slots=True)
class ScreenList:
    """The screens of the cycle, and the tick at which the list was set: there the first one begins."""

    screens: tuple[Screen, ...] = DEFAULT_SCREENS
    set_tick: int = 0

    def __post_init__(self) -> None:
        """``Refused`` if the volume is missing, a screen stands twice, or the segment test is among them."""
        names = ", ".join(screen.value for screen in self.screens)
        if Screen.VOLUME not in self.screens:
            raise Refused(f"set screens to [{names}]: VOLUME is legally relevant and must be among them")
        if len(set(self.screens)) < len(self.screens):
            raise Refused(f"set screens to [{names}]: each may stand there once")
        if Screen.SEGMENT_TEST in self.screens:
            raise Refused(f"set screens to [{names}]: SEGMENT_TEST is shown by command only")

    def at(self, tick: int) -> Screen:
        """Whose turn it is."""
        return self.screens[(tick - self.set_tick) // SCREEN_PERIOD_TICKS % len(self.screens)]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a screen puts on the glass besides the icons."""

    text: str
    unit: Unit | None = None
    caption: Caption | None = None


def frame_at(state: DisplayState, screens: ScreenList, tick: int, selected: Screen | None = None) -> Frame:
    """What is lit at a tick. A screen ``selected`` by command goes first; else TEST shows the volume and nothing else,
    and the other modes the screen whose turn it is."""
    if selected is None:
        selected = Screen.VOLUME if state.mode is Mode.TEST else screens.at(tick)
    content = _content(selected, state)
    if content is None:
        return EVERYTHING
    spelling = spell(content.text)
    captions = (content.caption, Caption.TEST if state.mode is Mode.TEST else None)
    return Frame(
        digits=spelling.digits,
        points=spelling.points,
        colons=spelling.colons,
        units=frozenset(unit for unit in (content.unit,) if unit),
        captions=frozenset(caption for caption in captions if caption),
        icons=icons_at(state, tick),
        wan_bars=state.wan_level or 0,
    )


def icons_at(state: DisplayState, tick: int) -> frozenset[Icon]:
    """The icons of Table 8 that are lit at a tick."""
    lit = {
        Icon.TAMPER: bool(state.alarms & TAMPER),
        Icon.LOW_BATTERY_EXTERNAL: Alarm.LOW_BATTERY_EXTERNAL in state.alarms,
        Icon.LOW_BATTERY_INTERNAL: Alarm.LOW_BATTERY_INTERNAL in state.alarms,
        Icon.WAN: state.wan_level is not None,
        Icon.DRY: Alarm.DRY in state.alarms,
        Icon.LEAK: Alarm.LEAK in state.alarms,
        Icon.BURST: Alarm.BURST in state.alarms,
        Icon.SMALL_CREDIT: state.small_credit,
        Icon.TRANSPORTATION: state.mode is Mode.TRANSPORTATION,
        Icon.VALVE_CLOSED: state.valve_closed,
        Icon.SUPPLY_LIMITED: state.supply_limited,
        Icon.REVERSE: state.flow_l_h < 0.0 or Alarm.REVERSE in state.alarms,
        Icon.FLOW: flow_icon_on(tick, state.flow_l_h, state.q3_l_h),
    }
    return frozenset(icon for icon, on in lit.items() if on)


def _content(screen: Screen, state: DisplayState) -> _Content | None:
    """None for the segment test."""
    decimals = TEST_DECIMALS if state.mode is Mode.TEST else state.volume_decimals
    match screen:
        case Screen.VOLUME:
            return _Content(volume_text(state.forward_nl, decimals), Unit.M3, Caption.TOTAL)
        case Screen.REVERSE_VOLUME:
            return _Content(volume_text(state.reverse_nl, decimals), Unit.M3, Caption.REVERSE)
        case Screen.FLOW:
            return _Content(quantity_text(state.flow_l_h / _L_PER_M3, FLOW_DECIMALS), Unit.M3_H)
        case Screen.WATER_TEMPERATURE:
            return _Content(quantity_text(state.water_temp_c, TEMPERATURE_DECIMALS), Unit.DEG_C, Caption.WATER)
        case Screen.AMBIENT_TEMPERATURE:
            return _Content(quantity_text(state.ambient_temp_c, TEMPERATURE_DECIMALS), Unit.DEG_C, Caption.AMBIENT)
        case Screen.PRESSURE:
            return _Content(quantity_text(state.pressure_mpa, PRESSURE_DECIMALS), Unit.MPA)
        case Screen.DATE:
            return _Content(_clock_text(state, "%Y.%m.%d", "----.--.--"))
        case Screen.TIME:
            return _Content(_clock_text(state, "%H:%M:%S", "--:--:--"))
        case Screen.INFO_CODE:
            return _Content(f"{int(state.alarms):0{INFO_CODE_DIGITS}X}", caption=Caption.INFO)
        case Screen.BATTERY:
            return _Content(quantity_text(state.battery_percent, 0), Unit.PERCENT)
        case Screen.SOFTWARE:
            return _Content(state.software_id, caption=Caption.SOFTWARE)
        case Screen.CHECKSUM:
            return _Content(state.checksum, caption=Caption.CHECKSUM)
        case Screen.SEGMENT_TEST:
            return None


def _clock_text(state: DisplayState, form: str, unknown: str) -> str:
    """Date or time in UTC, in the order of ISO 8601; dashes rather than a wrong time."""
    return as_datetime(state.clock_ticks).strftime(form) if state.clock_valid else unknown
