"""The end of the line: builds a unit and calibrates it by measuring, on a rig whose flow and temperature are known.

The factory reads the unit through the firmware's own functions and stores what it finds. It never looks at the
profile factor; what it leaves is what a good calibration leaves (below 0.1 % from Q1 to Q4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.sensor import Sensor, Truth, draw_sensor
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.flow import FlowComputer
from meterbench.dut.reference_meter.metrology.water import (
    NOMINAL_PRESSURE_MPA,
    kinematic_viscosity_m2_s,
    sound_speed_m_s,
)

ZERO_TEMP_C = 20.0
CYCLES = 4_000_000
"""Averaged at each point: 0.0175 ps for single shots of 35 ps, 0.008 % at the lowest. A rig would have no six days a
point; it would fit a few parameters to a family of units. Here the family is unknown and time costs nothing."""
COLD_C, WARM_C = 5.0, 50.0
"""The same Re takes more flow in cold water, which is the better measured; only warm water reaches the highest Re."""
_CORNERS_RE = (25.0, 1800.0, 4400.0)
"""From the lowest Re at Q1 of R1600, to where the transition begins, to where it has ended."""
_KNOTS = (24, 32, 16)
"""Points below, in, and above the transition, evenly in ln Re."""
OVERLOAD_L_H = {15: 3125.0, 20: 5000.0, 25: 7875.0}
"""Highest Q4 of each nominal diameter."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A finished meter: its hardware, its calibration, and the phase of its cycle grid (0 to 1 cycle)."""

    sensor: Sensor
    calibration: Calibration
    cycle_phase: float


def build(nameplate: Nameplate, truth: Truth, seed: int) -> Unit:
    """The unit with this serial in the world of this seed, calibrated before ``truth`` befell it."""
    serial = int.from_bytes(nameplate.serial.encode(), "big")
    unit_rng, factory_rng, noise_rng = (
        np.random.Generator(np.random.SFC64(stream)) for stream in np.random.SeedSequence((seed, serial)).spawn(3)
    )
    fresh = draw_sensor(nameplate.designation.dn, Truth(), unit_rng, factory_rng)
    return Unit(
        sensor=replace(fresh, truth=truth, rng=noise_rng),
        calibration=calibrate(fresh, OVERLOAD_L_H[nameplate.designation.dn]),
        cycle_phase=float(unit_rng.random()),
    )


def calibrate(sensor: Sensor, overload_l_h: float) -> Calibration:
    """Measure a unit: delay and zero offset in still water, then true over uncorrected flow at many Re."""
    told = sensor.geometry
    still = sensor.steady(sensor.flight(0.0, ZERO_TEMP_C, NOMINAL_PRESSURE_MPA), CYCLES)
    sound_s = (told.axial_m + told.legs_m) / sound_speed_m_s(ZERO_TEMP_C)
    uncorrected = Calibration(
        throat_m=told.throat_m,
        axial_m=told.axial_m,
        legs_m=told.legs_m,
        delay_s=(still.t_up_s + still.t_dn_s) / 2.0 - sound_s,
        zero_offset_ps=still.mean_dt_ps,
    )
    computer = FlowComputer(uncorrected)
    l_h_per_re = {
        temp_c: kinematic_viscosity_m2_s(temp_c) * told.area_m2 / told.throat_m * 3.6e6 for temp_c in (COLD_C, WARM_C)
    }
    points: list[tuple[float, float]] = []
    for target_re in _targets_re(1.05 * overload_l_h / l_h_per_re[WARM_C]):
        temp_c = COLD_C if target_re * l_h_per_re[COLD_C] <= overload_l_h else WARM_C
        flow_l_h = target_re * l_h_per_re[temp_c]
        record = sensor.steady(sensor.flight(flow_l_h, temp_c, NOMINAL_PRESSURE_MPA), CYCLES)
        water = computer.water(record.t_up_s, record.t_dn_s)
        moved_ps = record.mean_dt_ps - uncorrected.zero_offset_ps
        points.append((moved_ps * water.re_per_ps, flow_l_h / computer.steady_flow_l_h(record, water)[0]))
    re_knots, factors = zip(*points, strict=True)
    return replace(uncorrected, re_knots=re_knots, factors=factors)


def _targets_re(highest_re: float) -> list[float]:
    corners = [math.log(corner) for corner in (*_CORNERS_RE, highest_re)]
    stretches = [
        np.linspace(low, high, count, endpoint=False)
        for low, high, count in zip(corners[:-1], corners[1:], _KNOTS, strict=True)
    ]
    return [float(re) for re in np.exp(np.concatenate([*stretches, corners[-1:]]))]
