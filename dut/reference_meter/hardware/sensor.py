"""The ultrasonic sensor of one unit: what water does to it, its own faults, and the shots that the firmware gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, Flight, Geometry, flight
from meterbench.dut.reference_meter.hardware.profile import Profile, draw_profile
from meterbench.dut.reference_meter.metrology.transit import SteadyTransit, TransitTimes
from meterbench.world.water import density_kg_m3, dynamic_viscosity_pa_s, sound_speed_m_s

SHOT_NOISE_PS = 35.0
"""Standard deviation of one shot's dt at a signal-to-noise ratio of 60 dB (metering.md 2.2, 2.3)."""
INTRINSIC_OFFSET_SD_PS = 30.0
"""Spread over units of the zero offset that calibration removes (metering.md 2.2: drifts of 25 ps are published)."""
DELAY_MEAN_S = 200e-9
DELAY_SD_S = 10e-9
"""Delay of electronics and transducers, common to both directions (metering.md 2.1 works with 50 to 500 ns)."""
LARGEST_BLOCK = 8192
"""Shots that one record may hold: 64 KiB stay in the cache, and sums of so few products stay on one thread."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is wrong with a unit beyond its calibration: the bench must find it out."""

    zero_offset_ps: float = 0.0
    """Residual of the differential time; positive reads high."""
    gain_percent: float = 0.0
    """On the path velocity; positive reads high."""
    noise_ps: float = SHOT_NOISE_PS
    """Standard deviation of one shot's dt."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A unit's flow tube with its transducers; ``rng`` draws its noise.

    The records of shots share one buffer: a record is valid until the next one is drawn.
    """

    geometry: Geometry
    profile: Profile
    delay_s: float
    intrinsic_offset_ps: float
    truth: Truth
    rng: np.random.Generator
    _buffer: NDArray[np.float64] = field(default_factory=lambda: np.empty(LARGEST_BLOCK), repr=False)

    def flight(self, flow_l_h: float, water_temp_c: float, pressure_mpa: float) -> Flight:
        """Mean transit times in water that flows so, without noise; pressure absolute."""
        kinematic_viscosity = dynamic_viscosity_pa_s(water_temp_c) / density_kg_m3(water_temp_c, pressure_mpa)
        velocity = flow_l_h / 3.6e6 / self.geometry.area_m2
        k = self.profile.factor(abs(velocity) * self.geometry.throat_m / kinematic_viscosity)
        k *= 1.0 + self.truth.gain_percent / 100.0
        mean = flight(self.geometry, flow_l_h, sound_speed_m_s(water_temp_c, pressure_mpa), k, self.delay_s)
        offset_ps = self.intrinsic_offset_ps + self.truth.zero_offset_ps
        half_s = offset_ps * 0.5e-12
        return Flight(mean.t_dn_s - half_s, mean.t_up_s + half_s, mean.dt_ps + offset_ps)

    def shots(self, stretches: Sequence[tuple[Flight, int]]) -> TransitTimes:
        """Single shots, each with its own noise: so many cycles of each flight, ``LARGEST_BLOCK`` at most in all."""
        cycles = sum(count for _, count in stretches)
        dt_ps = self._buffer[:cycles]
        self.rng.standard_normal(out=dt_ps)
        np.multiply(dt_ps, self.truth.noise_ps, out=dt_ps)
        first, up_s, dn_s = 0, 0.0, 0.0
        for mean, count in stretches:
            dt_ps[first : first + count] += mean.dt_ps
            first += count
            up_s += count * mean.t_up_s
            dn_s += count * mean.t_dn_s
        return TransitTimes(dt_ps, up_s / cycles, dn_s / cycles)

    def steady(self, mean: Flight, cycles: int) -> SteadyTransit:
        """Mean and spread of ``cycles`` shots, with one draw instead of one a shot."""
        noise_ps = self.truth.noise_ps
        mean_dt_ps = mean.dt_ps + noise_ps / math.sqrt(cycles) * float(self.rng.standard_normal())
        return SteadyTransit(cycles, mean_dt_ps, noise_ps, mean.t_up_s, mean.t_dn_s)


def draw_sensor(dn: int, truth: Truth, unit_rng: np.random.Generator, noise_rng: np.random.Generator) -> Sensor:
    """The sensor of a unit: ``unit_rng`` decides what it is, ``noise_rng`` what it will measure."""
    return Sensor(
        geometry=GEOMETRIES[dn],
        profile=draw_profile(unit_rng),
        delay_s=float(unit_rng.normal(DELAY_MEAN_S, DELAY_SD_S)),
        intrinsic_offset_ps=float(unit_rng.normal(0.0, INTRINSIC_OFFSET_SD_PS)),
        truth=truth,
        rng=noise_rng,
    )
