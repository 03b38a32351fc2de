"""The rig at the end of the line: it holds flow and temperature, and tells them as well as its references do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.hardware.sensor import Sensor
from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S, Stretches
from meterbench.dut.reference_meter.metrology.measuring.water import NOMINAL_PRESSURE_MPA

REFERENCE_SD = 2e-4
"""[design] Relative standard uncertainty of the rig's flow: the 0.04 % (k = 2) of a good gravimetric rig."""
TEMPERATURE_SD_K = 0.01
"""[design] Of its thermometer."""
PRESSURE_MPA = NOMINAL_PRESSURE_MPA


@dataclass(frozen=True, slots=True, eq=False)
class RigRecord:
    """What the rig told, and what the meter's sensor gave meanwhile; one number a point."""

    flow_l_h: Array
    water_temp_c: Array
    stretches: Stretches


def run_points(
    sensor: Sensor, rng: np.random.Generator, flow_l_h: Array, water_temp_c: Array, hours: float
) -> RigRecord:
    """Hold each point for so long. At no flow both ends of the line are blocked: that is exact."""
    told_l_h = flow_l_h * (1.0 + REFERENCE_SD * rng.standard_normal(flow_l_h.shape))
    told_c = water_temp_c + TEMPERATURE_SD_K * rng.standard_normal(water_temp_c.shape)
    cycles = np.full(len(flow_l_h), round(hours * 3600.0 * CYCLES_PER_S))
    mean = sensor.flight(flow_l_h, water_temp_c, np.full(len(flow_l_h), PRESSURE_MPA))
    return RigRecord(told_l_h, told_c, sensor.stretches(mean, cycles))
