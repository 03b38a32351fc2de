"""The display of one meter: its screens, what others want to be seen on it, and the frame of a tick (ADR-070..073)."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.display.frame import NOTHING, WAN_BARS, Frame
from meterbench.dut.reference_meter.metrology.display.screens import Screen, ScreenList, frame_at
from meterbench.dut.reference_meter.metrology.display.state import DisplayState
from meterbench.dut.reference_meter.metrology.made import Programme
from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.registers import Registers

SELECTED_TICKS = 60 * CYCLES_PER_S
"""[design] How long a screen stays that was selected by command: nobody can hide the volume for good."""


class Panel:
    """What others report (radio, prepayment) has its icons and no bearing on any volume."""

    def __init__(self, q3_l_h: float, screens: tuple[Screen, ...], programme: Programme) -> None:
        self._q3_l_h = q3_l_h
        self._programme = programme
        self._screens = ScreenList(screens)
        self._wan_level: int | None = None
        self._small_credit = self._supply_limited = False
        self._selected: Screen | None = None
        self._selected_until = 0

    def turn(self, screens: tuple[Screen, ...], tick: int) -> None:
        """Show these in turn from now on; nothing happens if they are the same. ``Refused`` without the volume."""
        if screens != self._screens.screens:
            self._screens = ScreenList(screens, tick)

    def show(self, screen: Screen | None, tick: int) -> None:
        """Show one screen for ``SELECTED_TICKS``; None: each in turn again."""
        self._selected, self._selected_until = screen, tick + SELECTED_TICKS

    def report_wan(self, level: int | None) -> None:
        """Level of the WAN's signal; None while there is no connection."""
        if level is not None and not 0 <= level <= WAN_BARS:
            raise Refused(f"report a WAN level of {level}; allowed are 0 to {WAN_BARS}, and None")
        self._wan_level = level

    def report_supply(self, *, small_credit: bool, limited: bool) -> None:
        """State of a prepayment (ADR-086)."""
        self._small_credit, self._supply_limited = small_credit, limited

    def frame(self, registers: Registers, tick: int, *, decimals: int, valve_closed: bool) -> Frame:
        """What is to be seen at a tick."""
        state = DisplayState(
            forward_nl=registers.forward_nl,
            reverse_nl=registers.reverse_nl,
            flow_l_h=registers.flow_l_h,
            q3_l_h=self._q3_l_h,
            mode=registers.mode,
            alarms=registers.alarms,
            water_temp_c=registers.water_temp_c,
            ambient_temp_c=registers.ambient_temp_c,
            pressure_mpa=registers.pressure_mpa,
            clock_ticks=registers.clock_ticks,
            clock_valid=registers.clock_valid,
            wan_level=self._wan_level,
            small_credit=self._small_credit,
            valve_closed=valve_closed,
            supply_limited=self._supply_limited,
            battery_percent=registers.internal_percent,
            volume_decimals=decimals,
            software_id=self._programme.identifier,
            checksum=self._programme.checksum,
        )
        selected = self._selected if tick < self._selected_until else None
        if selected is Screen.SEGMENT_TEST and tick >= self._selected_until - SELECTED_TICKS // 2:
            return NOTHING
        return frame_at(state, self._screens, tick, selected)
