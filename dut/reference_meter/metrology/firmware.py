"""The metrology itself: takes the sensor's records in turn and keeps the registers."""

from __future__ import annotations

import math

import numpy as np

from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.flow import Array, FlowComputer, Parabola, Water
from meterbench.dut.reference_meter.metrology.registers import DISPLAY_DECIMALS, Mode, Registers, volume_text
from meterbench.dut.reference_meter.metrology.threshold import SLOW_CYCLES, SensitivityThreshold
from meterbench.dut.reference_meter.metrology.transit import SteadyTransit, TransitTimes
from meterbench.dut.reference_meter.metrology.volume import Total, pulses_emitted

CYCLES_PER_S = 8
"""Measuring cycles with water, and always in TEST (ADR-014)."""
DRY_STRIDE = 4
"""An empty pipe is looked at every fourth time, twice a second (ADR-014, OPEN-9)."""
WINDOW_CYCLES = SLOW_CYCLES
"""Cycles after which a stationary flow fills all that the firmware averages over."""
_NL_PER_L_H = 1e9 / 3600.0 / CYCLES_PER_S
"""Volume of one cycle at 1 L/h."""


class Metrology:
    """The firmware of one meter."""

    def __init__(self, calibration: Calibration, pulse_volume_nl: int) -> None:
        self._flow = FlowComputer(calibration)
        self._threshold = SensitivityThreshold()
        self._forward = Total()
        self._reverse = Total()
        self._pulse_volume_nl = pulse_volume_nl
        self._water_temp_c = math.nan
        self._measuring_cycles = 0
        self._missed = 0
        self._dry = False
        self.mode = Mode.NORMAL

    def measure(self, times: TransitTimes) -> None:
        """Take in a block of measuring cycles; it is not kept."""
        dt_ps = times.dt_ps
        water = self._see_water(times.t_up_s, times.t_dn_s, len(dt_ps))
        zero_ps = self._flow.calibration.zero_offset_ps
        low_ps, high_ps = float(dt_ps.min()) - zero_ps, float(dt_ps.max()) - zero_ps
        parabola = self._flow.parabola(low_ps, high_ps, water)
        if parabola is not None and self._threshold.clearly_on(parabola.flow_l_h(low_ps), parabola.flow_l_h(high_ps)):
            self._register_parabola(dt_ps, parabola)
        else:
            self._register_each(self._flow.flow_l_h(dt_ps, water))

    def settled(self, steady: SteadyTransit) -> bool:
        """True if a stretch like this, after ``WINDOW_CYCLES`` of the same, cannot cross the sensitivity threshold."""
        water = self._flow.water(steady.t_up_s, steady.t_dn_s)
        return self._threshold.settled(*self._flow.steady_flow_l_h(steady, water))

    def measure_steady(self, steady: SteadyTransit) -> None:
        """Take in a ``settled`` stretch in one piece. ``WINDOW_CYCLES`` single cycles of the same must go before and
        must follow, for the moving means and the pulses."""
        water = self._see_water(steady.t_up_s, steady.t_dn_s, steady.cycles)
        mean_l_h, _ = self._flow.steady_flow_l_h(steady, water)
        direction = self._threshold.direction
        if direction:
            total = self._forward if direction > 0 else self._reverse
            total.add(direction * mean_l_h * _NL_PER_L_H * steady.cycles, np.zeros(1))

    def miss(self, cycles: int) -> None:
        """Let cycles of an eighth of a second go by without an echo: the pipe is empty (DRY). Nothing is registered,
        nothing is caught up later."""
        self._dry = True
        self._water_temp_c = math.nan
        self._threshold.reset()
        self._forward.stand_still(cycles)
        self._reverse.stand_still(cycles)
        stride = 1 if self.mode is Mode.TEST else DRY_STRIDE
        self._measuring_cycles += (self._missed + cycles) // stride - self._missed // stride
        self._missed += cycles

    def registers(self) -> Registers:
        """All registers, now."""
        return Registers(
            forward_nl=self._forward.total_nl,
            reverse_nl=self._reverse.total_nl,
            flow_l_h=self._threshold.quick_mean_l_h if self._threshold.direction else 0.0,
            water_temp_c=self._water_temp_c,
            mode=self.mode,
            dry=self._dry,
            measuring_cycles=self._measuring_cycles,
        )

    def display(self, *, reverse: bool = False) -> str:
        """The forward (or reverse) volume in m3 as the mode shows it, without the unit."""
        total = self._reverse if reverse else self._forward
        return volume_text(total.total_nl, DISPLAY_DECIMALS[self.mode])

    def pulse_count(self, cycles_ago: int, cycle_fraction: float) -> int:
        """Pulses of the test output emitted until ``cycle_fraction`` after the measurement ``cycles_ago``."""
        before_nl, after_nl = self._forward.before_nl(cycles_ago + 1), self._forward.before_nl(cycles_ago)
        return pulses_emitted(before_nl, after_nl, self._pulse_volume_nl, cycle_fraction)

    def _see_water(self, t_up_s: float, t_dn_s: float, cycles: int) -> Water:
        water = self._flow.water(t_up_s, t_dn_s)
        self._dry = False
        self._water_temp_c = water.temp_c
        self._measuring_cycles += cycles
        return water

    def _register_parabola(self, dt_ps: Array, parabola: Parabola) -> None:
        """Clear flow within one piece of the correction: the sums of dt and dt^2 hold the volume of all cycles."""
        earlier = dt_ps[:-WINDOW_CYCLES]
        count, zero_ps = len(earlier), self._flow.calibration.zero_offset_ps
        dt_sum_ps = float(earlier.sum())
        moved_ps = dt_sum_ps - count * zero_ps
        moved_square_ps2 = float(earlier @ earlier) - zero_ps * (2.0 * dt_sum_ps - count * zero_ps)
        earlier_l_h = parabola.linear * moved_ps + parabola.square * self._threshold.direction * moved_square_ps2
        self._register_clear(count, earlier_l_h, parabola.flow_l_h(dt_ps[-WINDOW_CYCLES:] - zero_ps))

    def _register_each(self, flow_l_h: Array) -> None:
        """The general way: every cycle on its own, against the sensitivity threshold unless the flow is clear."""
        if self._threshold.clearly_on(float(flow_l_h.min()), float(flow_l_h.max())):
            earlier = flow_l_h[:-WINDOW_CYCLES]
            self._register_clear(len(earlier), float(earlier.sum()), flow_l_h[-WINDOW_CYCLES:])
            return
        forward, reverse = self._threshold.judge(flow_l_h)
        for total, on, sign in ((self._forward, forward, 1.0), (self._reverse, reverse, -1.0)):
            if on.any():
                total.add(0.0, flow_l_h * on * (sign * _NL_PER_L_H))
            else:
                total.stand_still(len(flow_l_h))

    def _register_clear(self, earlier_count: int, earlier_l_h: float, newest_l_h: Array) -> None:
        """Register cycles of clear flow in the present direction: the sum of the earlier ones, each of the newest."""
        self._threshold.remember(newest_l_h)
        scale = self._threshold.direction * _NL_PER_L_H
        along, against = (self._forward, self._reverse) if scale > 0 else (self._reverse, self._forward)
        along.add(earlier_l_h * scale, newest_l_h * scale)
        against.stand_still(earlier_count + len(newest_l_h))
