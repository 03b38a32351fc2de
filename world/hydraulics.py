"""Pump, three lines with their regulating valves, and the flow that they agree on.

Pressures in kPa (gauge), flows in L/h. Pump and valves follow the square law (metering.md 7.1); what a body takes is
its own affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class LineSpec:
    """One of the parallel lines: an equal-percentage valve and how fast the water in the line answers."""

    kvs_m3_h: float
    rangeability: float
    stroke_s: float
    """Seconds for the full stroke."""
    lag_s: float
    """First-order lag between the valve and the flow."""


LINES = {
    "A": LineSpec(kvs_m3_h=0.042, rangeability=100.0, stroke_s=40.0, lag_s=2.0),
    "B": LineSpec(kvs_m3_h=0.45, rangeability=100.0, stroke_s=20.0, lag_s=0.5),
    "C": LineSpec(kvs_m3_h=12.0, rangeability=50.0, stroke_s=15.0, lag_s=0.3),
}
"""A to 20 L/h, B to 600 L/h, C to 9 000 L/h: the span of 1:8 000 that the ADR series asks for (instruments.md 0).

A and B regulate Q2 of every variant (2.5 to 41 L/h) at 30 kPa as well as at 1.6 MPa (ISO 4064-2, 7.7): a span of 1:7 in
flow through the same opening, which asks for a characteristic of 1:100.
"""

PUMP_DROOP_KPA = 0.6
"""Loss of head with the square of the flow, kPa per (m3/h)^2."""
BOOSTER_KPA = 1650.0
"""What the booster pump gives at no flow: 1.6 MPa with a margin for the transmitter's error, below the trip at 1.76."""
BOOSTER_DROOP_KPA = 1000.0
"""The booster is made for small flows: it is 2 kPa down at 45 L/h, and behind the main pump from 1.1 m3/h on."""

AGREEMENT = 1e-9
"""The settled flow is found to this part of itself."""

SHUT_BELOW = 0.02
"""Below this part of the stroke the plug is in its seat."""


@dataclass(slots=True)
class Valve:
    """A motor valve: goes to its target at its own speed."""

    spec: LineSpec
    position: float = 0.0
    """0 shut .. 1 open."""
    target: float = 0.0

    @property
    def kv_m3_h(self) -> float:
        """Flow coefficient in m3/h at 1 bar; 0 when shut."""
        if self.position < SHUT_BELOW:
            return 0.0
        return self.spec.kvs_m3_h * float(self.spec.rangeability ** (self.position - 1.0))

    @property
    def still(self) -> bool:
        return self.position == self.target

    def travel(self, duration_s: float) -> None:
        reach = duration_s / self.spec.stroke_s
        step = min(max(self.target - self.position, -reach), reach)
        self.position = self.target if abs(self.target - self.position) <= reach else self.position + step


def settled_flow_l_h(
    source_kpa: float,
    bodies_kpa: Callable[[float], float],
    valve_kv_m3_h: float,
    droop_kpa_per_m3_h_2: float = PUMP_DROOP_KPA,
) -> float:
    """The flow at which pump, bodies and valve agree, in L/h; the outlet is open to the air.

    ``bodies_kpa`` is what the bodies take together at a flow in L/h: a smooth law between linear and square. The same
    arguments give the same flow, whatever flowed before.
    """
    if source_kpa <= 0.0 or valve_kv_m3_h <= 0.0:
        return 0.0
    square_kpa_per_m3_h_2 = droop_kpa_per_m3_h_2 + 100.0 / valve_kv_m3_h**2

    def gap_l_h(flow_l_h: float) -> float:
        """How far from a flow the settled one were, if the bodies went on from there by the square law.

        Its slope is -1 for square bodies and goes to -1/2 for linear ones: so straight a line that a few secants find
        its zero.
        """
        resistance = square_kpa_per_m3_h_2 + bodies_kpa(flow_l_h) * (1000.0 / flow_l_h) ** 2
        return 1000.0 * math.sqrt(source_kpa / resistance) - flow_l_h

    flow_l_h = 1000.0 * math.sqrt(source_kpa / square_kpa_per_m3_h_2)
    gap, slope = gap_l_h(flow_l_h), -1.0
    while abs(gap) > AGREEMENT * flow_l_h:
        step_l_h = -gap / slope
        flow_l_h += step_l_h
        gap, before = gap_l_h(flow_l_h), gap
        slope = (gap - before) / step_l_h
    return flow_l_h


@dataclass(slots=True)
class FlowNoise:
    """The pump's unrest as a relative Ornstein-Uhlenbeck process, advanced exactly over any duration.

    The end value and the mean over the duration are drawn from their joint normal distribution, so that one long step
    has the statistics of many short ones.
    """

    sd: float
    rng: np.random.Generator
    correlation_s: float = 2.0
    now: float = field(default=0.0)

    def advance(self, duration_s: float) -> float:
        """Move on by ``duration_s`` and return the mean relative deviation over it."""
        if self.sd == 0.0 or duration_s == 0.0:
            return 0.0
        tau = self.correlation_s
        a = duration_s / tau
        decay = math.exp(-a)
        lost = -math.expm1(-a)
        end_mean = self.now * decay
        area_mean = self.now * tau * lost
        end_var = self.sd**2 * -math.expm1(-2.0 * a)
        # Exact for the process; the cubic replaces a difference that rounding would eat for short steps.
        area_var = self.sd**2 * tau**2 * (2.0 * a**3 / 3.0 if a < 1e-3 else 2.0 * a - 3.0 + 4.0 * decay - decay**2)
        covariance = self.sd**2 * tau * lost**2
        first, second = self.rng.standard_normal(2)
        self.now = end_mean + math.sqrt(end_var) * first
        left_var = max(0.0, area_var - covariance**2 / end_var)
        area = area_mean + covariance / math.sqrt(end_var) * first + math.sqrt(left_var) * second
        return float(area / duration_s)

    def mean_sd(self, duration_s: float) -> float:
        """Standard deviation of the mean over a stretch of which nothing is known yet."""
        a = duration_s / self.correlation_s
        return self.sd * math.sqrt(2.0 * (a + math.expm1(-a))) / a

    def renew(self) -> None:
        """Forget what it was: long after, it may be anything."""
        self.now = self.sd * float(self.rng.standard_normal())
