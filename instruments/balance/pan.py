"""What a simulated balance makes of the mass on its pan: settling, stability, and errors of its own."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STABILITY_WINDOW_S = 2.0


@dataclass(frozen=True, slots=True)
class CellSpec:
    """A weighing cell as a data sheet tells it; the default weighs a tank of 100 L in steps of 0.1 g."""

    capacity_g: float = 150_000.0
    readability_g: float = 0.1
    repeatability_g: float = 0.1
    """Standard deviation from loading to loading."""
    settling_tau_s: float = 1.5
    drift_sd_g_h: float = 0.02
    """Standard deviation, from unit to unit, of the zero's drift."""


class Pan:
    """A weighing cell that is looked at now and then, at any world time.

    Between two looks the mass is taken to have changed evenly; the indication follows it with a first-order lag. It is
    stable when mass and indication changed by less than one step of readability in the last ``STABILITY_WINDOW_S``.
    Linearity (at most one step, nil at zero and at full load) and drift of zero are constants of the unit; the
    repeatability error is drawn anew for each loading.
    """

    def __init__(
        self, apparent_mass_g: Callable[[], float], now_s: Callable[[], float], rng: np.random.Generator, spec: CellSpec
    ) -> None:
        self.spec = spec
        self._apparent_mass_g = apparent_mass_g
        self._now_s = now_s
        self._rng = rng
        self._linearity_g = float(rng.uniform(-1.0, 1.0)) * spec.readability_g
        self._drift_g_s = float(rng.normal(0.0, spec.drift_sd_g_h)) / 3600.0
        self._start_s = now_s()
        self._loading_error_g = 0.0
        self.stable = False
        """What the stability detector said at the last look."""
        mass_g = apparent_mass_g()
        self._looks: deque[tuple[float, float, float]] = deque([(self._start_s, mass_g, mass_g)])
        """World time, mass, indication."""

    def look(self) -> None:
        """Take in what is on the pan now: for every reading, and after each step of the world."""
        now_s, mass_g = self._now_s(), self._apparent_mass_g()
        last_s, last_g, _ = self._looks[-1]
        window_start_s = now_s - STABILITY_WINDOW_S
        if last_s < window_start_s:
            share = (window_start_s - last_s) / (now_s - last_s)
            self._follow(window_start_s, last_g + share * (mass_g - last_g))
        self._follow(now_s, mass_g)
        while len(self._looks) > 2 and self._looks[1][0] <= window_start_s:
            self._looks.popleft()
        was_stable, self.stable = self.stable, self._still_since(window_start_s)
        if self.stable and not was_stable:
            self._loading_error_g = float(self._rng.normal(0.0, self.spec.repeatability_g))

    def gross_g(self) -> float:
        """The indication at the last look, without steps; zero and tare are the terminal's business."""
        at_s, _, shown_g = self._looks[-1]
        linearity_g = self._linearity_g * math.sin(math.pi * shown_g / self.spec.capacity_g)
        return shown_g + linearity_g + self._drift_g_s * (at_s - self._start_s) + self._loading_error_g

    def _follow(self, now_s: float, mass_g: float) -> None:
        """The exact answer of a first-order lag to an even change of mass."""
        last_s, last_g, shown_g = self._looks[-1]
        if now_s == last_s and mass_g == last_g:
            return
        if now_s > last_s:
            tau_s = self.spec.settling_tau_s
            lag_g = (mass_g - last_g) / (now_s - last_s) * tau_s
            decay = math.exp((last_s - now_s) / tau_s)
            shown_g = mass_g - lag_g + (shown_g - last_g + lag_g) * decay
        self._looks.append((now_s, mass_g, shown_g))

    def _still_since(self, window_start_s: float) -> bool:
        if self._looks[0][0] > window_start_s:
            return False
        (first_s, first_g, first_shown_g), *later = self._looks
        if later:
            # What was between the last look before the window and the first one in it.
            next_s, next_g, next_shown_g = later[0]
            share = (window_start_s - first_s) / (next_s - first_s) if next_s > first_s else 0.0
            first_g += share * (next_g - first_g)
            first_shown_g += share * (next_shown_g - first_shown_g)
        masses_g = [first_g, *(mass_g for _, mass_g, _ in later)]
        shown_g = [first_shown_g, *(shown for _, _, shown in later)]
        step_g = self.spec.readability_g
        return max(masses_g) - min(masses_g) < step_g and max(shown_g) - min(shown_g) < step_g
