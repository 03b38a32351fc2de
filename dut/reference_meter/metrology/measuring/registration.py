"""From flow to volume: what is registered, in which direction, and the pulses that it is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import FlowAlarms
from meterbench.dut.reference_meter.metrology.measuring.flow import Parabola
from meterbench.dut.reference_meter.metrology.measuring.hysteresis import Mask
from meterbench.dut.reference_meter.metrology.measuring.stretches import Kind, Whole, kinds_of, registered_cycles
from meterbench.dut.reference_meter.metrology.measuring.threshold import (
    QUICK_CYCLES,
    SAFE_SD,
    SLOW_CYCLES,
    SensitivityThreshold,
    quick_means,
)
from meterbench.dut.reference_meter.metrology.measuring.transit import Stretches
from meterbench.dut.reference_meter.metrology.measuring.volume import NL_PER_L_H, Total, pulses_emitted
from meterbench.dut.reference_meter.metrology.state import State

WINDOW_CYCLES = SLOW_CYCLES
"""Cycles after which a stationary flow fills all that is averaged over."""


@dataclass(frozen=True, slots=True, eq=False)
class TotalsAfter:
    """What the registers hold after each of several stretches."""

    forward_nl: Whole
    reverse_nl: Whole
    flow_l_h: Array
    """Zero where nothing is registered at the end."""


class Registration:
    """The sensitivity threshold with the two totals behind it, and the alarms that watch what is registered."""

    def __init__(self, pulse_volume_nl: int, alarms: FlowAlarms, *, has_threshold: bool = True) -> None:
        self.forward = Total()
        self.reverse = Total()
        self.alarms = alarms
        self._threshold = SensitivityThreshold(present=has_threshold)
        self._pulse_volume_nl = pulse_volume_nl

    def restore(self, state: State) -> None:
        """Go on from totals that were saved."""
        self.forward = Total(state.forward_nl, state.forward_pending_nl)
        self.reverse = Total(state.reverse_nl, state.reverse_pending_nl)

    @property
    def flow_l_h(self) -> float:
        """Signed mean of the last 4 s; zero below the threshold."""
        return self._threshold.quick_mean_l_h if self._threshold.direction else 0.0

    @property
    def newest_l_h(self) -> float:
        """Signed flow of the last cycle."""
        return self._threshold.newest_l_h

    def pulse_count(self, cycles_ago: int, cycle_fraction: float) -> int:
        """Pulses of the test output emitted until ``cycle_fraction`` after the measurement ``cycles_ago``."""
        before_nl, after_nl = self.forward.before_nl(cycles_ago + 1), self.forward.before_nl(cycles_ago)
        return pulses_emitted(before_nl, after_nl, self._pulse_volume_nl, cycle_fraction)

    # Cycle by cycle.

    def add_each(self, flow_l_h: Array) -> None:
        """The general way: every cycle on its own, against the threshold unless the flow is clear."""
        low_l_h, high_l_h = float(flow_l_h.min()), float(flow_l_h.max())
        recent_l_h = self._threshold.quick_l_h
        means_low, means_high = min(low_l_h, float(recent_l_h.min())), max(high_l_h, float(recent_l_h.max()))
        direction = self._threshold.certain_direction(low_l_h, high_l_h)
        if direction:
            self.alarms.see(
                len(flow_l_h), means_low, means_high, direction > 0, lambda: quick_means(recent_l_h, flow_l_h)
            )
            earlier = flow_l_h[:-WINDOW_CYCLES]
            self._add_clear(direction, len(earlier), float(earlier.sum()), flow_l_h[-WINDOW_CYCLES:])
            return
        forward, reverse = self._threshold.judge(flow_l_h)
        registered = forward | reverse
        if registered.any():
            means_low, means_high = min(means_low, 0.0), max(means_high, 0.0)
            self.alarms.see(
                len(flow_l_h), means_low, means_high, forward, lambda: quick_means(recent_l_h, flow_l_h) * registered
            )
        else:
            self.alarms.see_nothing(len(flow_l_h))
        for total, on, sign in ((self.forward, forward, 1.0), (self.reverse, reverse, -1.0)):
            if on.any():
                total.add(0.0, flow_l_h * on * (sign * NL_PER_L_H))
            else:
                total.stand_still(len(flow_l_h))

    def add_parabola(self, dt_ps: Array, zero_ps: float, parabola: Parabola, low_l_h: float, high_l_h: float) -> bool:
        """Clear flow within one piece of the correction: the sums of dt and dt^2 hold the volume of all cycles.

        All flows lie between ``low_l_h`` and ``high_l_h``. False, and nothing done, if the flow is not clear.
        """
        direction = self._threshold.certain_direction(low_l_h, high_l_h)
        if direction:
            recent_l_h = self._threshold.quick_l_h
            self.alarms.see(
                len(dt_ps),
                min(low_l_h, float(recent_l_h.min())),
                max(high_l_h, float(recent_l_h.max())),
                direction > 0,
                lambda: quick_means(recent_l_h, parabola.flow_l_h(dt_ps - zero_ps)),
            )
            earlier = dt_ps[:-WINDOW_CYCLES]
            count = len(earlier)
            dt_sum_ps = float(earlier.sum())
            moved_ps = dt_sum_ps - count * zero_ps
            moved_square_ps2 = float(earlier @ earlier) - zero_ps * (2.0 * dt_sum_ps - count * zero_ps)
            earlier_l_h = parabola.linear * moved_ps + parabola.square * direction * moved_square_ps2
            self._add_clear(direction, count, earlier_l_h, parabola.flow_l_h(dt_ps[-WINDOW_CYCLES:] - zero_ps))
        return direction != 0

    def _add_clear(self, direction: int, earlier_count: int, earlier_l_h: float, newest_l_h: Array) -> None:
        """Cycles of clear flow in a direction: the sum of the earlier ones, each of the newest."""
        self._threshold.remember(newest_l_h)
        scale = direction * NL_PER_L_H
        along, against = (self.forward, self.reverse) if scale > 0 else (self.reverse, self.forward)
        along.add(earlier_l_h * scale, newest_l_h * scale)
        against.stand_still(earlier_count + len(newest_l_h))

    def stand_still(self, cycles: int) -> None:
        """Let cycles go by in which there is no water."""
        self.alarms.see_nothing(cycles)
        self.forward.stand_still(cycles)
        self.reverse.stand_still(cycles)

    def forget_flow(self) -> None:
        """Nothing could be measured: what flowed before says nothing any more."""
        self._threshold.reset()

    # Many cycles in one piece, with the same statistics. Flows are the mean and standard deviation of a single cycle's.

    def settled(self, mean_l_h: Array, sd_l_h: Array) -> bool:
        """True if a stretch like this, after ``WINDOW_CYCLES`` of the same, cannot cross the threshold or a limit."""
        if self.alarms.unclear(mean_l_h, sd_l_h).any():
            return False
        return self._threshold.settled(float(mean_l_h[0]), float(sd_l_h[0]))

    def add_steady(self, steady: Stretches, mean_l_h: Array, sd_l_h: Array) -> TotalsAfter:
        """Take in a ``settled`` stretch, in several pieces or one. ``WINDOW_CYCLES`` single cycles of the same must go
        before and must follow, for the moving means and the pulses."""
        direction = self._threshold.direction
        if direction:
            mean, margin = float(mean_l_h[0]), SAFE_SD * float(sd_l_h[0]) / QUICK_CYCLES**0.5
            cycles = int(steady.cycles.sum())
            self.alarms.see(
                cycles, mean - margin, mean + margin, direction > 0, lambda: np.broadcast_to(mean_l_h[:1], cycles)
            )
        else:
            self.alarms.see_nothing(int(steady.cycles.sum()))
        directions = np.full(len(steady.cycles), float(direction))
        return self._add_stretches(steady, steady.cycles * abs(direction), directions, mean_l_h, sd_l_h)

    def unclear(self, mean_l_h: Array, sd_l_h: Array) -> Mask:
        """Which stretches lie so near an alarm's limit, or to zero without a threshold, that only their single cycles
        can tell."""
        unclear = self.alarms.unclear(mean_l_h, sd_l_h)
        return unclear if self._threshold.present else unclear | (kinds_of(mean_l_h, sd_l_h) != Kind.CLEAR)

    def add_stretches(self, stretches: Stretches, mean_l_h: Array, sd_l_h: Array) -> TotalsAfter:
        """Take in stretches that are clear or quiet, and not ``unclear``. Single cycles must follow after ``recall``.

        What the means would still register of quiet water after a draw before these stretches is left out: noise of
        31 cycles, with mean zero. A draw shorter than the quick mean is taken for as long.
        """
        clear = kinds_of(mean_l_h, sd_l_h) == Kind.CLEAR
        cycles, direction = registered_cycles(stretches.cycles, mean_l_h, clear)
        self.alarms.see_stretches(self._threshold.quick_l_h, stretches.cycles, mean_l_h, cycles, direction)
        return self._add_stretches(stretches, cycles, direction, mean_l_h, sd_l_h)

    def recall(self, flow_l_h: Array) -> None:
        """Fill the moving means after stretches in one piece: flows as their last ``WINDOW_CYCLES`` may have been."""
        self._threshold.recall(flow_l_h)

    def _add_stretches(
        self, stretches: Stretches, cycles: Whole, direction: Array, mean_l_h: Array, sd_l_h: Array
    ) -> TotalsAfter:
        chance = np.where(cycles == stretches.cycles, *stretches.chance)
        volume_nl = (cycles * mean_l_h + np.sqrt(cycles) * sd_l_h * chance) * NL_PER_L_H * direction
        return TotalsAfter(
            self.forward.add_stretches(np.where(direction > 0.0, volume_nl, 0.0)),
            self.reverse.add_stretches(np.where(direction < 0.0, volume_nl, 0.0)),
            np.where((direction != 0.0) & (cycles == stretches.cycles), mean_l_h, 0.0),
        )
