"""The waveform fidelity of a unit: every shot is two captured bursts, and the firmware finds the times in them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from meterbench.dut.reference_meter.hardware.flow_tube import Flight
from meterbench.dut.reference_meter.hardware.front_end import (
    NOMINAL_AMPLITUDE_V,
    Arrivals,
    FrontEnd,
    noise_v_for,
)
from meterbench.dut.reference_meter.hardware.sensor import Sensor
from meterbench.dut.reference_meter.metrology.calibration import Calibration, curve_at
from meterbench.dut.reference_meter.metrology.measuring.captures import Captures
from meterbench.dut.reference_meter.metrology.measuring.gain_control import next_gain_db, received_level_db
from meterbench.dut.reference_meter.metrology.measuring.receiver import Receiver, reference_burst
from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S, TransitTimes
from meterbench.dut.reference_meter.metrology.measuring.water import NOMINAL_PRESSURE_MPA, sound_speed_m_s
from meterbench.world.segment import Segment

FIRST_GAIN_DB = 24.0
REFERENCE_SHOTS = 256
"""[design] Averaged for the reference burst: its noise is then 1/16 of a shot's."""
REFERENCE_TEMP_C = 20.0
WINDOW_BEFORE_S = 2e-6
"""The window opens so long before the earliest arrival, that of 50 degC."""
WARMEST_C = 50.0


class WaveformStage:
    """A unit's front end with the firmware's receiver and gain control behind it.

    The reference burst is captured in still water by the ``fresh`` unit, when it was calibrated, and is given the
    arrival time that the calibration expects there.
    """

    def __init__(self, sensor: Sensor, fresh: Sensor, calibration: Calibration) -> None:
        path_m = calibration.axial_m + calibration.legs_m
        warmest_s = path_m / sound_speed_m_s(WARMEST_C) + curve_at(calibration.delay_s, WARMEST_C)
        self._front_end = FrontEnd(round(warmest_s - WINDOW_BEFORE_S, 7), sensor.rng)
        self.gain_db = FIRST_GAIN_DB
        still = Segment(0.0, REFERENCE_SHOTS / CYCLES_PER_S, 0.0, REFERENCE_TEMP_C, NOMINAL_PRESSURE_MPA)
        captures = self._capture(fresh, fresh.flight_through_air(still, 0.0), still, REFERENCE_SHOTS)
        arrival_s = path_m / sound_speed_m_s(REFERENCE_TEMP_C) + curve_at(calibration.delay_s, REFERENCE_TEMP_C)
        self._receiver = Receiver(reference_burst(captures, arrival_s))
        self._level_db = min(received_level_db(captures))
        self._sensor = sensor

    def shots(self, mean: Flight, segment: Segment, cycles: int) -> TransitTimes:
        """Capture and time a block of shots; the gain follows for the next one."""
        captures = self._capture(self._sensor, mean, segment, cycles)
        self.gain_db = next_gain_db(captures)
        return replace(self._receiver.receive(captures), level_db=min(received_level_db(captures)) - self._level_db)

    def _capture(self, sensor: Sensor, mean: Flight, segment: Segment, cycles: int) -> Captures:
        own_up, own_dn = sensor.amplitudes
        arriving_v = NOMINAL_AMPLITUDE_V * sensor.transmission(segment.water_temp_c)
        up, dn = sensor.relative_amplitudes(segment, cycles)
        arrivals = Arrivals(
            t_up_s=float(mean.t_up_s),
            t_dn_s=float(mean.t_dn_s),
            water_temp_c=segment.water_temp_c,
            amplitude_up_v=arriving_v * own_up * up,
            amplitude_dn_v=arriving_v * own_dn * dn,
            noise_v=sensor.influences.noise_factor * _noise_v(sensor.truth.noise_ps),
        )
        return self._front_end.capture(arrivals, self.gain_db)


@cache
def _noise_v(noise_ps: float) -> float:
    return noise_v_for(noise_ps, NOMINAL_AMPLITUDE_V)
