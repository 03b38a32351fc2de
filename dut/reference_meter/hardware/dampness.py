"""How damp gets into a unit's case, and out again: after hours in hot air that is nearly saturated (iso4064.md 2.8)."""

from __future__ import annotations

import math

WET_PERCENT, WARM_C = 93.0, 40.0
"""From so damp and above so warm on, water creeps in."""
WET_S = 6.0 * 3600.0
"""[design] Until it is there, in all: half of one of the two cycles of the damp heat test."""
DRYING_S = 10.0 * 86_400.0
"""[design] How long it stays after the last of such air."""


class Dampness:
    """Of one unit's case. Times in s; ``surround`` at any change of the air."""

    def __init__(self) -> None:
        self.humidity_percent = 50.0
        self._wet_since_s: float | None = None
        self._wet_s = 0.0
        self._last_wet_s = -math.inf

    def begin(self, start_s: float) -> None:
        """Time begins here."""
        if self._wet_since_s is not None:
            self._wet_since_s = start_s

    def surround(self, now_s: float, humidity_percent: float, air_temp_c: float) -> None:
        """The air is so from now on; ``ValueError`` for a relative humidity beyond 0 to 100 %."""
        if not 0.0 <= humidity_percent <= 100.0:
            raise ValueError(f"a relative humidity is 0 to 100 %, not {humidity_percent}")
        self.humidity_percent = humidity_percent
        self._wet_s, self._last_wet_s = self._soaked_s(now_s), self._last_s(now_s)
        if now_s >= self._last_wet_s + DRYING_S:
            self._wet_s = 0.0
        self._wet_since_s = now_s if humidity_percent >= WET_PERCENT and air_temp_c > WARM_C else None

    def damp(self, now_s: float) -> bool:
        """True once the damp has got in, until it has dried."""
        return self._soaked_s(now_s) >= WET_S and now_s < self._last_s(now_s) + DRYING_S

    @property
    def changes_at_s(self) -> float:
        """When it gets damp or dry if the air stays as it is; inf if it does not."""
        if self._wet_since_s is not None:
            return self._wet_since_s + max(0.0, WET_S - self._wet_s)
        return self._last_wet_s + DRYING_S if self._wet_s >= WET_S else math.inf

    def _soaked_s(self, now_s: float) -> float:
        return self._wet_s + (now_s - self._wet_since_s if self._wet_since_s is not None else 0.0)

    def _last_s(self, now_s: float) -> float:
        return now_s if self._wet_since_s is not None else self._last_wet_s
