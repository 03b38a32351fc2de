"""What the bench measured of the water in the line, look for look, as stretches of time with the same water in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from meterbench.bench.bench import LINE_LIMITS_L_H
from meterbench.bench.traces import Values
from meterbench.instruments.capabilities import RigState

SAME_FLOW, SAME_TEMP_K, SAME_PRESSURE_KPA = 0.01, 0.05, 30.0
"""Looks that differ by less (the flow relatively) are of one stretch: the rig's own noise is below a fifth of it."""
LONGEST_BLIND_S = 20.0
"""After a longer gap between two looks that do not agree nobody knows what flowed in it."""
DISAGREEING = 0.1
FORGET_FLOW = 1e-3
"""While the rig asks for no flow, its flow meter shows so much of the line's full scale as noise of its zero."""
FULL_SCALE_L_H = {line.lower(): limit_l_h for line, limit_l_h in LINE_LIMITS_L_H}
_FLOWS = frozenset({RigState.RUNNING.value, RigState.DIVERTING.value})


@dataclass(frozen=True, slots=True)
class Water:
    """What the bench measured of the water in the line at one look, or in the mean of a stretch."""

    flow_l_h: float
    upstream_c: float
    downstream_c: float
    upstream_kpa: float
    downstream_kpa: float

    @property
    def finite(self) -> bool:
        """True if every number is one."""
        return math.isfinite(
            self.flow_l_h + self.upstream_c + self.downstream_c + self.upstream_kpa + self.downstream_kpa
        )

    def mean(self, other: Water, weight: float = 0.5) -> Water:
        """Between two, ``weight`` of the other."""
        own = 1.0 - weight
        return Water(
            own * self.flow_l_h + weight * other.flow_l_h,
            own * self.upstream_c + weight * other.upstream_c,
            own * self.downstream_c + weight * other.downstream_c,
            own * self.upstream_kpa + weight * other.upstream_kpa,
            own * self.downstream_kpa + weight * other.downstream_kpa,
        )

    def like(self, other: Water) -> bool:
        """True if they may be one stretch."""
        return (
            abs(self.flow_l_h - other.flow_l_h) <= SAME_FLOW * min(self.flow_l_h, other.flow_l_h)
            and abs(self.upstream_c - other.upstream_c) <= SAME_TEMP_K
            and abs(self.downstream_c - other.downstream_c) <= SAME_TEMP_K
            and abs(self.upstream_kpa - other.upstream_kpa) <= SAME_PRESSURE_KPA
            and abs(self.downstream_kpa - other.downstream_kpa) <= SAME_PRESSURE_KPA
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some time with the same water; the flow is its mean, so that no volume is lost."""

    start_s: float
    end_s: float
    water: Water

    @property
    def volume_l(self) -> float:
        """What passed the line."""
        return self.water.flow_l_h * (self.end_s - self.start_s) / 3600.0

    def with_next(self, end_s: float, water: Water) -> Stretch:
        """Both in one."""
        return Stretch(self.start_s, end_s, self.water.mean(water, (end_s - self.end_s) / (end_s - self.start_s)))


class MeasuredWater:
    """The rig's looks as stretches of time, each with the water in it: between two looks their mean."""

    def __init__(self) -> None:
        self.passed_l = 0.0
        """Since the beginning."""
        self._last: tuple[float, Water] | None = None
        self._stretches: list[Stretch] = []

    def look(self, at_s: float, values: Values) -> bool:
        """One row of the trace ``rig``; False if nobody knows what flowed since the last one.

        A row with a value that is no number is passed over.
        """
        now = self._water(values)
        if not now.finite:
            return True
        if self._last is None:
            self._last = at_s, now
            return True
        before_s, before = self._last
        if at_s <= before_s:
            return True
        self._last = at_s, now
        between = before.mean(now)
        self.passed_l += between.flow_l_h * (at_s - before_s) / 3600.0
        if self._stretches and self._stretches[-1].water.like(between):
            self._stretches[-1] = self._stretches[-1].with_next(at_s, between)
        else:
            self._stretches.append(Stretch(before_s, at_s, between))
        apart_l_h = abs(now.flow_l_h - before.flow_l_h)
        return at_s - before_s <= LONGEST_BLIND_S or apart_l_h <= DISAGREEING * max(now.flow_l_h, before.flow_l_h)

    def take(self) -> list[Stretch]:
        """The stretches since this was last asked."""
        taken, self._stretches = self._stretches, []
        return taken

    @property
    def waiting(self) -> int:
        """Stretches that nobody took yet."""
        return len(self._stretches)

    def _water(self, values: Values) -> Water:
        def number(name: str) -> float:
            return float(values.get(name, math.nan))

        of_line = {line: float(values.get(f"flow_line_{line}_l_h", 0.0)) for line in FULL_SCALE_L_H}
        # The line in use: what its flow meter shows is more of its scale than the zero of any other.
        line, flow = max(of_line.items(), key=lambda each: each[1] / FULL_SCALE_L_H[each[0]])
        if any(math.isnan(each) for each in of_line.values()):
            flow = math.nan
        elif values.get("state") not in _FLOWS and abs(flow) < FORGET_FLOW * FULL_SCALE_L_H[line]:
            flow = 0.0
        return Water(
            flow,
            number("water_temp_upstream_c"),
            number("water_temp_downstream_c"),
            number("pressure_upstream_kpa"),
            number("pressure_downstream_kpa"),
        )
