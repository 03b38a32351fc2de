"""The optional sensor in the water, PT1000 or pressure sensor, with what the firmware reads from it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus
from meterbench.dut.reference_meter.hardware.sensors.pressure_sensor import PressureSensor, draw_pressure_errors
from meterbench.dut.reference_meter.hardware.sensors.pt1000 import Pocket
from meterbench.dut.reference_meter.hardware.sensors.resistance_input import (
    LEAD_LOOP_OHM,
    RANGE_OHM,
    ResistanceInput,
    draw_resistance_input,
)
from meterbench.dut.reference_meter.metrology.measuring.flow import Environment
from meterbench.dut.reference_meter.metrology.measuring.water import ATMOSPHERE_MPA
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted, find_fitted
from meterbench.dut.reference_meter.metrology.sensors.pressure_gauge import (
    ADDRESS,
    CONVERSION_S,
    PressureGauge,
    PressureReading,
)
from meterbench.dut.reference_meter.metrology.sensors.water_thermometer import WaterThermometer
from meterbench.world.segment import Segment

POLL_S = 2.0
"""[design] Time between two readings: water changes slowly."""


SETTLED_K = 0.05
"""[design] Until then its readings are followed one by one."""


class WaterProbe:
    """One unit's probe. What is soldered in decides; the firmware looks for itself, once, when the meter is made.

    ``resistance_input`` and ``bus`` may be broken in service: None where that sensor is not soldered in.
    """

    def __init__(self, soldered: Fitted, unit_rng: np.random.Generator, noise_rng: np.random.Generator) -> None:
        self._now_s = 0.0
        self._polled_s = -math.inf
        self.bus = Bus()
        self.resistance_input: ResistanceInput | None = None
        if soldered is Fitted.PT1000:
            self.resistance_input = draw_resistance_input(unit_rng, noise_rng)
        if soldered is Fitted.PRESSURE:
            self._chip = PressureSensor(draw_pressure_errors(unit_rng), lambda: self._now_s, noise_rng)
            self.bus.attach(ADDRESS, self._chip)
        self._pocket = Pocket(20.0)
        self._thermometer = WaterThermometer(LEAD_LOOP_OHM)
        self._gauge = PressureGauge(self.bus)
        self.fitted = find_fitted(self._measured_ohm(), self.bus)

    def play_resistance(self, played_ohm: Callable[[], float]) -> None:
        """Connect a resistance simulator in the element's place, for good; ``ValueError`` without a PT1000's input.

        ``played_ohm()`` is asked at each reading: resistance with leads, infinite while it is open.
        """
        if self.resistance_input is None:
            raise ValueError("the meter has no input for a PT1000")
        self.resistance_input.played_ohm = played_ohm

    def settling_s(self, water_temp_c: float) -> float:
        """How long the thermometer still follows water of this temperature: until it is within ``SETTLED_K``."""
        behind = abs(water_temp_c - self._pocket.temp_c) / SETTLED_K
        played = self.resistance_input is not None and self.resistance_input.played_ohm is not None
        lags = self.fitted is Fitted.PT1000 and not played and self._polled_s > -math.inf and behind > 1.0
        return self._pocket.time_constant_s * math.log(behind) if lags else 0.0

    def poll(self, segment: Segment) -> Environment | None:
        """Live through a segment; a new reading where one was due at its beginning."""
        if self._polled_s == -math.inf:
            self._pocket.temp_c = segment.water_temp_c
        environment = None
        if segment.start_s - self._polled_s >= POLL_S:
            self._polled_s = segment.start_s
            environment = self._read(segment)
        self._pocket.advance(segment.water_temp_c, segment.duration_s)
        return environment

    def _read(self, segment: Segment) -> Environment:
        if self.fitted is Fitted.PT1000:
            temp_c = self._thermometer.temp_c(self._measured_ohm())
            return Environment(fault=temp_c) if isinstance(temp_c, SensorFault) else Environment(temp_c)
        self._chip.expose(segment.pressure_mpa, segment.water_temp_c)
        self._now_s = segment.start_s
        self._gauge.start(self._now_s)
        self._now_s += CONVERSION_S
        reading = self._gauge.read(self._now_s)
        if isinstance(reading, PressureReading):
            return Environment(pressure_mpa=reading.gauge_mpa + ATMOSPHERE_MPA)
        return Environment(fault=reading or SensorFault.BUSY)

    def _measured_ohm(self) -> float:
        return self.resistance_input.measured_ohm(self._pocket.temp_c) if self.resistance_input else RANGE_OHM[1]
