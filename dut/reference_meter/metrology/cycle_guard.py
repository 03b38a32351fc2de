"""Keeps cycle slips and impossible times out of the volume.

A burst that is taken for its neighbour, one period early or late, is wrong by 1 us: 1.7 % in c if both directions
slip, 5 708 L/h on DN15 if one does (metering.md 2.3). Either way t_up + t_dn jumps by whole periods, which water does
not do from one eighth of a second to the next; a step of the flow leaves the sum alone.

A front of warmer water can jump by whole periods by chance (20 to 30 degC are 2.01 us on DN15). So a jump is not
believed at once: the capture is re-armed before each further shot, which cures a slip, and if the sum then stays where
it is for two seconds, it is the water. The first shot of all, and the first after an empty pipe, have nothing to be
compared with: a second one must agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.array_types import Array
from meterbench.dut.reference_meter.metrology.calibration import Calibration, curve_at
from meterbench.dut.reference_meter.metrology.transit import TransitTimes

PERIOD_S = 1e-6
TOLERANCE = 0.05
"""[design] A jump this close to whole periods, in periods, may be a slip."""
NEAR = 0.45
"""Two times, each this close to a third (in periods), are no period apart."""
CONFIRMING_SHOTS = 16
SOUND_SPEED_M_S = (1395.0, 1560.0)
"""Nothing between 0 and 70 degC lies outside (metering.md 2.3)."""


class CycleGuard:
    """Judges each shot by the ones before."""

    def __init__(self, calibration: Calibration) -> None:
        path_m = 2.0 * (calibration.axial_m + calibration.legs_m)
        delay_s = 2.0 * curve_at(calibration.delay_s, 20.0)
        self._longest_s, self._shortest_s = (path_m / speed + delay_s for speed in SOUND_SPEED_M_S)
        self._trusted_s: float | None = None
        self._doubtful_s = 0.0
        self._doubted = 0
        self.suspected_slips = 0
        """Jumps by whole periods that were met."""
        self.wants_rearm = False
        """True from a jump until the capture has been re-armed."""

    @property
    def doubting(self) -> bool:
        """True while a jump, or the first shot of all, waits to be confirmed: each shot is re-armed for itself."""
        return self._doubted > 0 or self._trusted_s is None

    def forget(self) -> None:
        """The pipe was empty: nothing is known of the water that comes."""
        self._trusted_s, self._doubted = None, 0

    def refuse(self, times: TransitTimes) -> NDArray[np.bool_] | None:
        """Which shots must not be believed, shape (shots,); None if all may. Shots without times may.

        The shots of one block were captured without re-arming in between.
        """
        together_s = times.t_up_s + times.t_dn_s
        if isinstance(together_s, float):
            refused = self._refuses(together_s)
            return np.ones(len(times.dt_ps), dtype=np.bool_) if refused else None
        if self._all_near(together_s):
            self._believe(float(together_s[-1]))
            return None
        heard = np.flatnonzero(~np.isnan(together_s))
        refused_shots = np.zeros(len(together_s), dtype=np.bool_)
        for shot in heard.tolist():
            refused_shots[shot] = self._refuses(float(together_s[shot]))
        return refused_shots if refused_shots.any() else None

    def _all_near(self, together_s: Array) -> bool:
        """True if no two of these, and of what is trusted, can lie a period apart; False if a shot has no times."""
        if self._trusted_s is None or self._doubted:
            return False
        low_s, high_s = float(together_s.min()), float(together_s.max())
        apart_s = max(high_s - self._trusted_s, self._trusted_s - low_s)
        return apart_s < NEAR * PERIOD_S and self._shortest_s <= low_s and high_s <= self._longest_s

    def _refuses(self, together_s: float) -> bool:
        if not self._shortest_s <= together_s <= self._longest_s:
            return True
        if self._trusted_s is None:
            return self._refuses_first(together_s)
        if not _whole_periods(together_s - self._trusted_s):
            self._believe(together_s)
            return False
        if not self._doubted or abs(together_s - self._doubtful_s) > TOLERANCE * PERIOD_S:
            self.suspected_slips += 1
            self._doubted = 1
        elif not self.wants_rearm:
            self._doubted += 1
        self._doubtful_s, self.wants_rearm = together_s, True
        if self._doubted <= CONFIRMING_SHOTS:
            return True
        self._believe(together_s)
        return False

    def _refuses_first(self, together_s: float) -> bool:
        """With nothing to compare with, two shots must agree, re-armed in between."""
        if self._doubted and not self.wants_rearm and abs(together_s - self._doubtful_s) < NEAR * PERIOD_S:
            self._believe(together_s)
            return False
        if not (self._doubted and self.wants_rearm):
            self._doubtful_s, self._doubted, self.wants_rearm = together_s, 1, True
        return True

    def _believe(self, together_s: float) -> None:
        self._trusted_s, self._doubted = together_s, 0


def _whole_periods(jump_s: float) -> bool:
    periods = jump_s / PERIOD_S
    return round(periods) != 0 and abs(periods - round(periods)) < TOLERANCE
