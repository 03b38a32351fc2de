"""The plus that blinks while forward flow is registered: the more flow, the faster (ADR-072, Table 8)."""

from __future__ import annotations

from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.clock import TICKS_PER_S


@dataclass(frozen=True, slots=True)
class BlinkBand:
    """From a part of Q3 on, how the plus blinks: half the time on, half off, on the grid of ticks."""

    from_q3: float
    period_ticks: int

    @property
    def frequency_hz(self) -> float:
        return TICKS_PER_S / self.period_ticks


BLINK_BANDS = (BlinkBand(0.0, 16), BlinkBand(0.01, 8), BlinkBand(0.1, 4), BlinkBand(0.5, 2))
"""[design] The description wants four frequencies and gives none. Q1 lies in the first band and Q3 in the last for
every ratio from 250 to 1600; 4 Hz is the fastest that a display renewed at each tick can show."""


def flow_icon_on(tick: int, flow_l_h: float, q3_l_h: float) -> bool:
    """Whether the plus is lit at this tick: dark without forward flow (or if it is NaN), never lit steadily."""
    if not flow_l_h > 0.0:
        return False
    band = [each for each in BLINK_BANDS if flow_l_h >= each.from_q3 * q3_l_h][-1]
    return tick % band.period_ticks < band.period_ticks // 2
