"""All that the display may show of the meter, as the rest of the firmware hands it over at one tick."""

from __future__ import annotations

from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.display.frame import WAN_BARS
from meterbench.dut.reference_meter.metrology.display.number_text import NORMAL_DECIMALS
from meterbench.dut.reference_meter.metrology.display.segments import spell
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.status import Alarm

MAX_NORMAL_DECIMALS = 6
"""The resolution is 0.000001 m3 (ADR-015). But six decimals roll over at 1000 m3, and ISO 4064-1, 6.7 asks for an
indicating range of 9999 m3: a meter for billing has five at the most."""


@dataclass(frozen=True, slots=True)
class DisplayState:
    """None (or NaN) is what the meter has no sensor for or does not know: it is shown as dashes."""

    forward_nl: int
    reverse_nl: int
    flow_l_h: float
    """Signed; zero while nothing is registered, that is below the sensitivity threshold."""
    q3_l_h: float
    """The flow icon blinks relative to it."""
    mode: Mode
    alarms: Alarm
    water_temp_c: float | None = None
    ambient_temp_c: float | None = None
    pressure_mpa: float | None = None
    """Above that of the air around the meter."""
    clock_ticks: int = 0
    clock_valid: bool = False
    wan_level: int | None = None
    """Bars of signal, 0 to 4; None while there is no connection."""
    small_credit: bool = False
    valve_closed: bool = False
    supply_limited: bool = False
    battery_percent: float | None = None
    volume_decimals: int = NORMAL_DECIMALS
    """In all modes but TEST, which always shows six."""
    software_id: str = ""
    checksum: str = ""

    def __post_init__(self) -> None:
        """``ValueError`` names what no display of this kind can show."""
        if self.forward_nl < 0 or self.reverse_nl < 0:
            raise ValueError(f"totals only grow, and cannot be {self.forward_nl} and {self.reverse_nl} nL")
        if not 1 <= self.volume_decimals <= MAX_NORMAL_DECIMALS:
            raise ValueError(f"volume with {self.volume_decimals} decimals; allowed are 1 to {MAX_NORMAL_DECIMALS}")
        if self.wan_level is not None and not 0 <= self.wan_level <= WAN_BARS:
            raise ValueError(f"WAN level {self.wan_level}; allowed are 0 to {WAN_BARS}, and None")
        if not self.q3_l_h > 0.0:
            raise ValueError(f"Q3 of {self.q3_l_h} L/h")
        spell(self.software_id)
        spell(self.checksum)
