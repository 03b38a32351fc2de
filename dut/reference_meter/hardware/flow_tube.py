"""The flow tube: geometry by nominal diameter and the transit times of sound through moving water (metering.md 2.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from meterbench.dut.reference_meter.array_types import Numbers

EXPANSION_PER_K = 30e-6
"""Linear thermal expansion of a body of glass-filled plastic (metering.md 2.1, unconfirmed)."""
REFERENCE_TEMP_C = 20.0
"""Where the lengths of a geometry hold."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Throat diameter, path along the axis, and the legs to and from the reflectors that see no axial flow."""

    throat_m: float
    axial_m: float
    legs_m: float

    @property
    def area_m2(self) -> float:
        return math.pi * self.throat_m**2 / 4.0


GEOMETRIES: dict[int, Geometry] = {
    15: Geometry(10.5e-3, 60e-3, 24e-3),
    20: Geometry(13.2e-3, 70e-3, 24e-3),
    25: Geometry(16.6e-3, 85e-3, 24e-3),
}
"""By nominal diameter (metering.md 2.2)."""


@dataclass(frozen=True, slots=True)
class Flight:
    """Transit times with and against the flow, s, and their difference as a quantity of its own, ps.

    Each is a float, or an array with one number for each of many stretches.
    """

    t_dn_s: Numbers
    t_up_s: Numbers
    dt_ps: Numbers


def flight(
    geometry: Geometry,
    flow_l_h: Numbers,
    sound_speed_m_s: Numbers,
    k: Numbers = 1.0,
    delay_s: Numbers = 0.0,
    growth: Numbers = 1.0,
) -> Flight:
    """Transit times at a volume flow in L/h; ``k`` is the profile factor, ``delay_s`` common to both directions,
    ``growth`` what the body's lengths have grown to since ``REFERENCE_TEMP_C``.

    dt = 2Lv/(c^2 - v^2) is computed as such: at Q1 it is 5e-6 of the times that it is the difference of.
    """
    c = sound_speed_m_s
    axial_m = geometry.axial_m * growth
    v = k * flow_l_h / (3.6e6 * geometry.area_m2 * growth * growth)
    still_s = geometry.legs_m * growth / c + delay_s
    return Flight(
        t_dn_s=axial_m / (c + v) + still_s,
        t_up_s=axial_m / (c - v) + still_s,
        dt_ps=2e12 * axial_m * v / (c * c - v * v),
    )
