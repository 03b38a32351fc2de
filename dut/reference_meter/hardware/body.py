"""The true pressure loss of a meter's body: what the throat and its reflectors cost the water.

With the mean velocity v in the throat, dp = K(Re) rho v^2/2. Three parts make up K:

* the contraction, two reflectors and the expansion, by the two-K form K = K1/Re + K_inf (Hooper 1981, "The two-K method
  predicts head losses in pipe fittings", Chem. Eng. 88(17), 96): inertia costs K_inf, viscosity K1/Re;
* friction along the throat, f L/d with f = 64/Re where laminar and Blasius' 0.316/Re^0.25 where turbulent, joined by
  f Re = 64 (1 + (Re/1189)^3)^(1/4): the two laws meet at Re 1189, and the joint is nowhere below either of them.

So dp is linear in Q as Re goes to 0 (within 3 to 5 % at Q1 of R1600, 20 degC), goes with Q^1.93 to Q^1.98 at Q3, and in
between is the sum of both: nowhere below the linear law (metering.md 7.1 takes the larger of the two). The linear and
the square part are equal at about Re 1900. K at the highest Q3 of each diameter is 1.13 to 1.16 at 20 degC, 1.15 to
1.19 at 0.1 degC.

The throats of metering.md 2.2 are made for the highest Q3 of their diameter, where rho v^2/2 is 32 to 33 kPa: there a
body loses 37 to 38 kPa, and class p40 holds for every unit in any water. A meter with the smaller Q3 has the same body
and loses 0.4 times as much at its Q3: DN15 at 1.6 m3/h 15.5 kPa at 20 degC, 16.1 kPa at 0.1 degC; DN20 and DN25 below
16 kPa in any water. Those would meet p16, DN15 p25 with p16 in warm water only. The nameplate says p40 of all (OPEN-1).

Left out: the wider bore of the longer bodies (1.5 % at the most), the pressure's part in density (0.07 %), and the
difference between forward and reverse flow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, Geometry
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.world.water import density_kg_m3, dynamic_viscosity_pa_s

Value = TypeVar("Value", float, NDArray[np.float64])

K_INF = 1.03
"""Inertial loss of contraction, reflectors and expansion: with friction 1.16 of the 1.2 that p40 allows (metering.md
2.2)."""
K1 = 1600.0
"""Viscous loss of the two reflectors, 800 each: a bend of 90 degrees (Hooper 1981)."""
LAMINAR_F_RE = 64.0
BLASIUS_RE = (LAMINAR_F_RE / 0.316) ** (4.0 / 3.0)
"""Where 64/Re and Blasius' law give the same friction factor."""
SPREAD_SD = 0.01
"""Spread of the loss over units: 25 um on the throat's diameter, as dp goes with its fourth power."""
SPREAD_LIMIT_SD = 3.0
"""A body further out is scrap: every one that is sold keeps its class."""
SEEP_L_H_MPA = 0.1
"""[design] What seeps through a bad joint for each MPa above the pressure at which it opens: some drops a
minute."""


@dataclass(frozen=True, slots=True)
class Body:
    """One unit's body; ``spread`` is its loss over that of a body true to the drawing, and above a gauge pressure of
    ``leak_above_mpa`` it seeps."""

    geometry: Geometry
    spread: float = 1.0
    leak_above_mpa: float = math.inf

    def loss_kpa(self, flow_l_h: Value, water_temp_c: float) -> Value:
        """Pressure loss in kPa at a flow in L/h (a float or an array); negative in reverse flow, by the same law."""
        density, viscosity = _water(water_temp_c)
        tube = self.geometry
        velocity = flow_l_h / (3.6e6 * tube.area_m2)
        reynolds = abs(velocity) * (density * tube.throat_m / viscosity)
        friction = tube.axial_m / tube.throat_m * LAMINAR_F_RE * (1.0 + (reynolds / BLASIUS_RE) ** 3) ** 0.25
        # K Re rather than K: it is finite in still water.
        k_re = K1 + K_INF * reynolds + friction
        loss_kpa: Value = self.spread * viscosity / (2000.0 * tube.throat_m) * velocity * k_re
        return loss_kpa

    def seep_l_h(self, pressure_mpa: float) -> float:
        """What comes out of it at a gauge pressure."""
        return SEEP_L_H_MPA * max(0.0, pressure_mpa - self.leak_above_mpa)


def draw_body(dn: int, rng: np.random.Generator, truth: Truth | None = None) -> Body:
    """The body of a unit of this nominal diameter; ``truth`` is what is wrong with it."""
    bad = truth or Truth()
    deviation = min(max(float(rng.standard_normal()), -SPREAD_LIMIT_SD), SPREAD_LIMIT_SD)
    leak_above_mpa = math.inf if bad.leak_above_mpa is None else bad.leak_above_mpa
    return Body(GEOMETRIES[dn], bad.loss_factor * (1.0 + SPREAD_SD * deviation), leak_above_mpa)


@lru_cache(maxsize=64)
def _water(temp_c: float) -> tuple[float, float]:
    """Density and dynamic viscosity: the plant asks many times for the same water."""
    return density_kg_m3(temp_c), dynamic_viscosity_pa_s(temp_c)
