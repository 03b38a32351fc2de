"""Keeps cycle slips and impossible times out of the volume.

A burst that is taken for its neighbour, one period early or late, is wrong by 1 us: 1.7 % in c if both directions
slip, 5 708 L/h on DN15 if one does (metering.md 2.3). Either way t_up + t_dn jumps by whole periods; a step of the flow
leaves the sum alone, and water changes its temperature slowly.

So a sum that jumps is not believed: the capture is re-armed, which cures a slip, and the next shot is a fresh one. If
that still stands apart from what was believed before, it is a front of other water, and believed; unless it stands
apart by whole periods (20 to 30 degC are 2.01 us on DN15): then several fresh shots must agree. While the sum moves,
each shot is re-armed. The first shot of all, and the first after an empty pipe, have nothing to be compared with: a
second, fresh one must agree.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.calibration import Calibration, curve_at
from meterbench.dut.reference_meter.metrology.measuring.transit import TransitTimes

PERIOD_S = 1e-6
STEADY_S = 0.1e-6
"""[design] What t_up + t_dn may change by from one shot to the next: 0.2 to 0.5 K in an eighth of a second, least in
cold water and in DN25."""
WHOLE_PERIODS = 0.2
"""[design] A jump this close to whole periods, in periods, may be a slip."""
CONFIRMING_SHOTS = 4
"""[design] Fresh shots that must agree on a jump by whole periods; the last of them is believed."""
SOUND_SPEED_M_S = (1395.0, 1560.0)
"""Nothing between 0 and 70 degC lies outside (metering.md 2.3)."""


class CycleGuard:
    """Judges each shot by the ones before."""

    def __init__(self, calibration: Calibration) -> None:
        path_m = 2.0 * (calibration.axial_m + calibration.legs_m)
        delay_s = 2.0 * curve_at(calibration.delay_s, 20.0)
        self._longest_s, self._shortest_s = (path_m / speed + delay_s for speed in SOUND_SPEED_M_S)
        self._trusted_s: float | None = None
        self._doubted = False
        self._doubtful_s = 0.0
        self._agreeing = 0
        self._moving = False
        self._fresh = False
        self.suspected_slips = 0
        """Jumps by whole periods that were met."""
        self.wants_rearm = False
        """True from a jump until the capture has been re-armed."""

    @property
    def doubting(self) -> bool:
        """True while each shot must be re-armed for itself: after a jump, and before the first shots agree."""
        return self._doubted or self._moving or self._trusted_s is None

    def rearmed(self) -> None:
        """The capture has been re-armed: the next shot is a fresh one."""
        self.wants_rearm, self._fresh = False, True

    def forget(self) -> None:
        """The pipe was empty: nothing is known of the water that comes."""
        self._trusted_s, self._doubted, self._moving = None, False, False

    def follow(self, together_s: float) -> None:
        """The water has changed step by step to this t_up + t_dn, without single shots."""
        self._believe(together_s)

    def refuse(self, times: TransitTimes) -> NDArray[np.bool_] | None:
        """Which shots must not be believed, shape (shots,); None if all may. Shots without times may.

        The shots of one block were captured without re-arming in between: only its first one can be fresh.
        """
        fresh, self._fresh = self._fresh, False
        together_s = times.t_up_s + times.t_dn_s
        if isinstance(together_s, float):
            return self._refuse_alike(together_s, len(times.dt_ps), fresh)
        if self._steady(together_s):
            self._believe(float(together_s[-1]))
            return None
        refused = np.zeros(len(together_s), dtype=np.bool_)
        for shot in np.flatnonzero(~np.isnan(together_s)).tolist():
            refused[shot] = self._refuses(float(together_s[shot]), fresh and shot == 0)
        return refused if refused.any() else None

    def _refuse_alike(self, together_s: float, shots: int, fresh: bool) -> NDArray[np.bool_] | None:
        if math.isnan(together_s):
            return None
        if self._refuses(together_s, fresh):
            return np.ones(shots, dtype=np.bool_)
        self._moving = self._moving and shots == 1
        return None

    def _steady(self, together_s: Array) -> bool:
        """True if all of these are near what is trusted, and each other; False also if a shot has no times."""
        if self._trusted_s is None:
            return False
        low_s, high_s = float(together_s.min()), float(together_s.max())
        near = max(high_s - self._trusted_s, self._trusted_s - low_s, high_s - low_s) < STEADY_S
        return near and self._shortest_s <= low_s and high_s <= self._longest_s

    def _refuses(self, together_s: float, fresh: bool) -> bool:
        if not self._shortest_s <= together_s <= self._longest_s:
            return self._doubt(together_s, agreeing=0)
        same = self._doubted and abs(together_s - self._doubtful_s) < STEADY_S
        if self._trusted_s is None:
            if fresh and same:
                self._believe(together_s)
                return False
            return self._doubt(together_s, agreeing=0)
        jump_s = together_s - self._trusted_s
        if abs(jump_s) < STEADY_S:
            self._believe(together_s)
            return False
        whole = _whole_periods(jump_s)
        self.suspected_slips += whole and not same
        agreeing = (self._agreeing if same else 0) + fresh
        if agreeing < (CONFIRMING_SHOTS if whole else 1):
            return self._doubt(together_s, agreeing)
        self._believe(together_s)
        self._moving = self.wants_rearm = True
        return False

    def _doubt(self, together_s: float, agreeing: int) -> bool:
        self._doubted, self._doubtful_s, self._agreeing = True, together_s, agreeing
        self.wants_rearm = True
        return True

    def _believe(self, together_s: float) -> None:
        self._trusted_s, self._doubted, self._moving = together_s, False, False


def _whole_periods(jump_s: float) -> bool:
    periods = jump_s / PERIOD_S
    return round(periods) != 0 and abs(periods - round(periods)) < WHOLE_PERIODS
