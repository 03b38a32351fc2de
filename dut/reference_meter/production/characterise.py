"""Measures the type's correction over the Reynolds number on a family of prototypes:

    python -m meterbench.dut.reference_meter.production.characterise

Prints the table ``[correction]`` of ``metrology/type_data.toml``. Each prototype is measured on the calibration rig,
its zero and delay first, then many flows; the type is their mean. Time costs nothing here: a hundred hours a point.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.hardware.sensor import draw_sensor
from meterbench.dut.reference_meter.metrology.measuring.measurement import Measurement
from meterbench.dut.reference_meter.metrology.measuring.water import kinematic_viscosity_m2_s
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.dut.reference_meter.metrology.type_data import type_calibration
from meterbench.dut.reference_meter.production.calibrate import (
    LARGEST_Q3_L_H,
    TEMPERATURES_C,
    ZERO_HOURS,
    with_zero_and_delay,
)
from meterbench.dut.reference_meter.production.rig import run_points

SEED = 4064
PROTOTYPES = 60
HOURS = 100.0
COLD_C, WARM_C = 5.0, 50.0
"""The same Re takes more flow in cold water, which is the better measured; only warm water reaches the highest Re."""
_CORNERS_RE = (25.0, 1800.0, 4400.0)
"""From the lowest Re at Q1 of R1600, to where the transition begins, to where it has ended."""
_KNOTS = (24, 32, 16)
"""Points below, in, and above the transition, evenly in ln Re."""


def targets_re(highest_re: float) -> Array:
    """Where the correction gets its knots."""
    corners = [math.log(corner) for corner in (*_CORNERS_RE, highest_re)]
    stretches = [
        np.linspace(low, high, count, endpoint=False)
        for low, high, count in zip(corners[:-1], corners[1:], _KNOTS, strict=True)
    ]
    targets: Array = np.exp(np.concatenate([*stretches, corners[-1:]]))
    return targets


def characterise(dn: int, prototypes: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Re knots and factors of the type, measured on so many prototypes of one diameter."""
    drawing = replace(type_calibration(dn), re_knots=(1.0,), factors=(1.0,))
    overload_l_h = 1.25 * LARGEST_Q3_L_H[dn]
    area_m2 = math.pi * drawing.throat_m**2 / 4.0
    l_h_per_re = {
        temp_c: kinematic_viscosity_m2_s(temp_c) * area_m2 / drawing.throat_m * 3.6e6 for temp_c in (COLD_C, WARM_C)
    }
    target_re = targets_re(1.05 * overload_l_h / l_h_per_re[WARM_C])
    cold = target_re * l_h_per_re[COLD_C] <= overload_l_h
    temp_c = np.where(cold, COLD_C, WARM_C)
    flow_l_h = target_re * np.where(cold, l_h_per_re[COLD_C], l_h_per_re[WARM_C])
    reynolds, factors = np.zeros(len(target_re)), np.zeros(len(target_re))
    for _ in range(prototypes):
        sensor = draw_sensor(dn, rng, rng)
        firmware = Measurement(Parameters(drawing), overload_l_h, 1)
        still = run_points(sensor, rng, np.zeros(3), np.array(TEMPERATURES_C), ZERO_HOURS * HOURS)
        firmware.calibrate(with_zero_and_delay(firmware, still), by="characterisation")
        record = run_points(sensor, rng, flow_l_h, temp_c, HOURS)
        seen = firmware.average(record.stretches)
        reynolds += seen.reynolds / prototypes
        factors += record.flow_l_h / seen.flow_l_h / prototypes
    return reynolds, factors


def main() -> None:
    """Print the table, from prototypes of the largest diameter, which reaches the highest Re."""
    reynolds, factors = characterise(25, PROTOTYPES, np.random.default_rng(SEED))
    print("[correction]")
    for name, figures, digits in (("re_knots", reynolds, 2), ("factors", factors, 6)):
        print(f"{name} = [")
        for row in np.array_split(figures, math.ceil(len(figures) / 8)):
            print("    " + ", ".join(f"{figure:.{digits}f}" for figure in row) + ",")
        print("]")


if __name__ == "__main__":
    main()
