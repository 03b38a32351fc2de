"""The ultrasonic sensor of one unit: what water does to it, its own faults, and the shots that the firmware gets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array, Numbers
from meterbench.dut.reference_meter.hardware.flow_tube import (
    EXPANSION_PER_K,
    GEOMETRIES,
    REFERENCE_TEMP_C,
    Flight,
    Geometry,
    flight,
)
from meterbench.dut.reference_meter.hardware.influences import Influences
from meterbench.dut.reference_meter.hardware.profile import Profile, draw_profile
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.hardware.zero_offset import ZeroOffset, draw_zero_offset, from_mismatch_ps
from meterbench.dut.reference_meter.metrology.measuring.transit import Echo, Stretches, TransitTimes
from meterbench.world.segment import Segment
from meterbench.world.water import (
    density_kg_m3,
    dynamic_viscosity_pa_s,
    sound_absorption_db_m,
    sound_speed_m_s,
    sound_speed_with_air_m_s,
)

DELAY_MEAN_S = 200e-9
DELAY_SD_S = 10e-9
"""Delay of electronics and transducers, common to both directions (metering.md 2.1 works with 50 to 500 ns)."""
DELAY_SLOPE_SD_S_K = 0.05e-9
"""[design] How a unit's delay changes with temperature."""
THROAT_SD = 1e-3
AXIAL_SD = 5e-4
"""[design] Relative spread of moulded lengths over units: 0.2 % in the area, which calibration removes."""
EXPANSION_SD = 0.05
"""[design] Relative spread of the thermal expansion."""
PERIOD_S = 1e-6
"""One period of the burst."""
BURST_MHZ = 1.0
SCATTERING_FRACTION = 0.02
"""[design] Of so much visible air in the water a burst comes through with a chance of 1/e."""
SCATTERING_SPREAD = 10.0
"""[design] Standard deviation of ln(amplitude) for each part of air, at most ``SCATTERING_SPREAD_LIMIT``."""
SCATTERING_SPREAD_LIMIT = 0.5
COMMON_LOSS = 0.8
"""[design] Share of losses that hit both directions: the bursts cross the same bubbles 60 us apart."""
OWN_SCATTERING = 0.2
"""[design] Of the scattering that is not common to both directions."""
LOWEST_FILL = 0.5
"""[design] Both transducers lie on the axis: in a pipe filled to less they are in air."""
FAINTEST = 0.05
"""[design] Amplitude, relative to a good unit's, below which no echo is found."""
LARGEST_BLOCK = 8192
"""Shots that one record may hold: 64 KiB stay in the cache, and sums of so few products stay on one thread."""


@dataclass(slots=True)
class Sequencer:
    """What starts the capture of the echoes. After a disturbance it may run whole periods late until it is re-armed."""

    late_up_periods: int = 0
    late_dn_periods: int = 0

    def rearm(self) -> None:
        """Start afresh."""
        self.late_up_periods = self.late_dn_periods = 0


@dataclass(frozen=True, slots=True)
class Sensor:
    """A unit's flow tube with its transducers; ``rng`` draws its noise.

    The records of shots share one buffer: a record is valid until the next one is drawn.
    """

    geometry: Geometry
    expansion_per_k: float
    profile: Profile
    delay_s: float
    delay_slope_s_k: float
    offset: ZeroOffset
    truth: Truth
    rng: np.random.Generator
    influences: Influences = field(default_factory=Influences)
    sequencer: Sequencer = field(default_factory=Sequencer)
    _buffer: Array = field(default_factory=lambda: np.empty(LARGEST_BLOCK), repr=False)

    def flight(
        self,
        flow_l_h: Numbers,
        water_temp_c: Numbers,
        pressure_mpa: Numbers,
        drift_ps: Numbers = 0.0,
    ) -> Flight:
        """Mean transit times in clear water that flows so, without noise; pressure absolute. Arrays give arrays."""
        viscosity = dynamic_viscosity_pa_s(water_temp_c) / density_kg_m3(water_temp_c, pressure_mpa)
        gain_percent = self.influences.gain_percent(flow_l_h, water_temp_c, pressure_mpa)
        speed_m_s = sound_speed_m_s(water_temp_c, pressure_mpa)
        return self._flight(flow_l_h, water_temp_c, speed_m_s, viscosity, drift_ps, gain_percent)

    def flight_through_air(self, segment: Segment, drift_ps: float) -> Flight:
        """As ``flight``, where the pipe may be filled in part and hold bubbles too small to scatter. What flows in a
        part of the cross-section flows the faster."""
        temp_c, pressure_mpa = segment.water_temp_c, segment.pressure_mpa
        density = density_kg_m3(temp_c, pressure_mpa)
        clear_m_s = sound_speed_m_s(temp_c, pressure_mpa)
        speed_m_s = sound_speed_with_air_m_s(clear_m_s, density, segment.microbubbles, pressure_mpa)
        viscosity = dynamic_viscosity_pa_s(temp_c) / density
        gain_percent = self.influences.gain_percent(segment.flow_l_h, temp_c, pressure_mpa)
        return self._flight(segment.flow_l_h / segment.fill, temp_c, speed_m_s, viscosity, drift_ps, gain_percent)

    def _flight(
        self,
        flow_l_h: Numbers,
        water_temp_c: Numbers,
        speed_m_s: Numbers,
        viscosity_m2_s: Numbers,
        drift_ps: Numbers,
        gain_percent: Numbers,
    ) -> Flight:
        warmer_k = water_temp_c - REFERENCE_TEMP_C
        growth = 1.0 + self.expansion_per_k * warmer_k
        velocity_m_s = flow_l_h / (3.6e6 * self.geometry.area_m2 * growth * growth)
        k = self.profile.factor(velocity_m_s * (self.geometry.throat_m * growth) / viscosity_m2_s)
        gain = 1.0 + (self.truth.gain_percent + gain_percent) / 100.0
        k = k * (0.0 * gain if self.influences.upset else gain)
        delay_s = self.delay_s + self.delay_slope_s_k * warmer_k
        mean = flight(self.geometry, flow_l_h, speed_m_s, k, delay_s, growth)
        offset_ps = self.offset.at_ps(water_temp_c) + drift_ps + self.truth.zero_offset_ps + self.influences.offset_ps
        offset_ps = offset_ps + self.truth.zero_slope_ps_k * warmer_k + from_mismatch_ps(self.truth.mismatch_db)
        late_up_s, late_dn_s = self.sequencer.late_up_periods * PERIOD_S, self.sequencer.late_dn_periods * PERIOD_S
        half_s = offset_ps * 0.5e-12
        return Flight(
            t_dn_s=mean.t_dn_s - half_s + late_dn_s,
            t_up_s=mean.t_up_s + half_s + late_up_s,
            dt_ps=mean.dt_ps + offset_ps + (late_up_s - late_dn_s) * 1e12,
        )

    def shots(self, mean: Flight, cycles: int) -> TransitTimes:
        """Single shots in water that does not change, each with its own noise; ``LARGEST_BLOCK`` at most."""
        dt_ps = self._noise_ps(cycles)
        dt_ps += mean.dt_ps
        return TransitTimes(dt_ps, float(mean.t_up_s), float(mean.t_dn_s), level_db=self.level_db)

    def shots_of_many(self, mean: Flight, cycles: NDArray[np.int64]) -> TransitTimes:
        """Single shots in water that changes: so many of each of several flights, ``LARGEST_BLOCK`` at most in all."""
        dt_ps = self._noise_ps(int(cycles.sum()))
        dt_ps += np.repeat(mean.dt_ps, cycles)
        return TransitTimes(
            dt_ps, np.repeat(mean.t_up_s, cycles), np.repeat(mean.t_dn_s, cycles), level_db=self.level_db
        )

    @property
    def amplitudes(self) -> tuple[float, float]:
        """Of the bursts against the flow and with it as they are now, relative to a good unit's."""
        own_up, own_dn = self.truth.amplitudes
        return own_up * self.influences.amplitude, own_dn * self.influences.amplitude

    def pair_noise_ps(self, up: Numbers = 1.0, dn: Numbers = 1.0) -> Numbers:
        """Noise of dt as it is now, where the bursts' amplitudes are these, relative to their own."""
        left = self.influences.amplitude
        noise_ps: Numbers = self.influences.noise_factor * self.truth.pair_noise_ps(left * up, left * dn)
        return noise_ps

    def _noise_ps(self, cycles: int) -> Array:
        noise_ps = self._buffer[:cycles]
        self.rng.standard_normal(out=noise_ps)
        np.multiply(noise_ps, self.pair_noise_ps(), out=noise_ps)
        return noise_ps

    def shots_through_air(self, mean: Flight, segment: Segment, cycles: int) -> TransitTimes:
        """Single shots where echoes may be lost, fainter or louder."""
        up, dn = self.relative_amplitudes(segment, cycles)
        own_up, own_dn = self.amplitudes
        echoes = (own_up * up > FAINTEST).astype(np.int8) + (own_dn * dn > FAINTEST).astype(np.int8)
        good = echoes == Echo.GOOD
        noise_ps = self.rng.standard_normal(cycles)
        with np.errstate(divide="ignore", invalid="ignore"):
            noise_ps *= self.pair_noise_ps(up, dn)
        dt_ps, up_s, dn_s = (
            np.where(good, time, math.nan) for time in (mean.dt_ps + noise_ps, mean.t_up_s, mean.t_dn_s)
        )
        return TransitTimes(dt_ps, up_s, dn_s, echoes, self.level_db)

    def relative_amplitudes(self, segment: Segment, shots: int) -> tuple[Array, Array]:
        """Of the bursts against the flow and with it, shape (shots,), relative to the unit's own in clear water."""
        if segment.fill == 1.0 and segment.bubbles == 0.0:
            return np.ones(shots), np.ones(shots)
        spread = min(SCATTERING_SPREAD * segment.bubbles, SCATTERING_SPREAD_LIMIT)
        common, up, dn = np.exp(spread * self.rng.standard_normal((3, shots)))
        above = max(0.0, (segment.fill - LOWEST_FILL) / (1.0 - LOWEST_FILL))
        lost = 1.0 - above**4 * math.exp(-segment.bubbles / SCATTERING_FRACTION)
        both_chance, up_chance, dn_chance = self.rng.random((3, shots))
        through = common * (both_chance >= COMMON_LOSS * lost)
        lost_alone = (1.0 - COMMON_LOSS) * lost / (1.0 - COMMON_LOSS * lost)
        return (
            through * up**OWN_SCATTERING * (up_chance >= lost_alone),
            through * dn**OWN_SCATTERING * (dn_chance >= lost_alone),
        )

    def transmission(self, water_temp_c: float) -> float:
        """Part of the amplitude that the water on the way lets pass, relative to water of 20 degC: 0.998 to 1.002. So
        little that only the waveform shows it; the level of a unit is not that of its water."""
        more_db_m = sound_absorption_db_m(water_temp_c, BURST_MHZ) - sound_absorption_db_m(REFERENCE_TEMP_C, BURST_MHZ)
        return math.exp(-math.log(10.0) / 20.0 * more_db_m * (self.geometry.axial_m + self.geometry.legs_m))

    def stretches(self, mean: Flight, cycles: NDArray[np.int64]) -> Stretches:
        """Many shots at each of several flights in few numbers, with two draws a stretch instead of one a shot."""
        dt_ps, up_s, dn_s = (np.atleast_1d(time) for time in (mean.dt_ps, mean.t_up_s, mean.t_dn_s))
        chance = self.rng.standard_normal((2, len(cycles)))
        return Stretches(cycles, dt_ps, float(self.pair_noise_ps()), up_s, dn_s, chance)

    def recalled(self, stretches: Stretches) -> TransitTimes:
        """Single shots as those of some stretches may have been."""
        counts = stretches.cycles
        dt_ps = np.repeat(stretches.mean_dt_ps, counts)
        dt_ps += stretches.sd_dt_ps * self.rng.standard_normal(len(dt_ps))
        return TransitTimes(dt_ps, np.repeat(stretches.t_up_s, counts), np.repeat(stretches.t_dn_s, counts))

    @property
    def level_db(self) -> float:
        """Level of the fainter burst, relative to a good unit's."""
        return 20.0 * math.log10(max(min(self.amplitudes), 1e-6))


def draw_sensor(dn: int, unit_rng: np.random.Generator, noise_rng: np.random.Generator) -> Sensor:
    """A good unit's sensor: ``unit_rng`` decides what it is, ``noise_rng`` what it will measure."""
    made = GEOMETRIES[dn]
    throat, axial, expansion = (float(draw) for draw in unit_rng.normal(1.0, (THROAT_SD, AXIAL_SD, EXPANSION_SD)))
    return Sensor(
        geometry=replace(made, throat_m=made.throat_m * throat, axial_m=made.axial_m * axial),
        expansion_per_k=EXPANSION_PER_K * expansion,
        profile=draw_profile(unit_rng),
        delay_s=float(unit_rng.normal(DELAY_MEAN_S, DELAY_SD_S)),
        delay_slope_s_k=float(unit_rng.normal(0.0, DELAY_SLOPE_SD_S_K)),
        offset=draw_zero_offset(unit_rng, unit_rng.spawn(1)[0]),
        truth=Truth(),
        rng=noise_rng,
    )
