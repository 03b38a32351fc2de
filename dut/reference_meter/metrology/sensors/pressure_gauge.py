"""The pressure gauge: driver of a sensor in the style of the XGZP68xx (metering.md 4.2, ADR-021).

A reading takes two calls, ``start`` and ``read``, between which the firmware may sleep.
"""

from __future__ import annotations

from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus, NotAcknowledged

ADDRESS = 0x6D
COMMAND = 0x30
_RESULT, _RESULT_BYTES = 0x06, 5
_START_COMBINED = 0x0A
_CONVERTING = 0x08
CONVERSION_S = 0.020
DEADLINE_S = 0.100
"""[design] A chip that still converts then will not come to an end."""
PLAUSIBLE_MPA = (-0.05, 2.0)
"""[design] Gauge pressure: a suction line, and a quarter above the range of 1.6 MPa."""
_COUNTS_PER_MPA = 4e6
"""K = 4 counts per Pa at 1.6 MPa. Unconfirmed: the published tables end at 8 for 1 MPa and halve from step to step."""
_COUNTS_PER_K = 256.0


@dataclass(frozen=True, slots=True)
class PressureReading:
    """Pressure above that of the air around the meter, MPa, and the chip's own temperature, degC."""

    gauge_mpa: float
    chip_temp_c: float


def decode(result: bytes) -> PressureReading:
    """The five result bytes: 24 bits of pressure, 16 of temperature, high byte first, two's complement."""
    return PressureReading(
        gauge_mpa=int.from_bytes(result[:3], "big", signed=True) / _COUNTS_PER_MPA,
        chip_temp_c=int.from_bytes(result[3:], "big", signed=True) / _COUNTS_PER_K,
    )


class PressureGauge:
    """The gauge on its bus; times in seconds of any clock that does not jump."""

    def __init__(self, bus: I2cBus) -> None:
        self._bus = bus
        self._started_s: float | None = None
        self._acknowledged = False

    def start(self, now_s: float) -> None:
        """Start a conversion. Whether the chip answered is told by ``read``."""
        self._started_s = now_s
        try:
            self._bus.write(ADDRESS, bytes((COMMAND, _START_COMBINED)))
        except NotAcknowledged:
            self._acknowledged = False
        else:
            self._acknowledged = True

    def read(self, now_s: float) -> PressureReading | SensorFault | None:
        """The reading that ``start`` began, or why there is none; None while the conversion may still end.

        ``RuntimeError`` if none was started: an old result is not a reading.
        """
        if self._started_s is None:
            raise RuntimeError("a pressure reading must be started before it can be read")
        if self._acknowledged and now_s < self._started_s + CONVERSION_S:
            return None
        try:
            outcome = self._fetch() if self._acknowledged else SensorFault.NO_ANSWER
        except NotAcknowledged:
            outcome = SensorFault.NO_ANSWER
        if outcome is SensorFault.BUSY and now_s < self._started_s + DEADLINE_S:
            return None
        self._started_s = None
        return outcome

    def _fetch(self) -> PressureReading | SensorFault:
        if self._bus.read(ADDRESS, COMMAND, 1)[0] & _CONVERTING:
            return SensorFault.BUSY
        reading = decode(self._bus.read(ADDRESS, _RESULT, _RESULT_BYTES))
        lowest_mpa, highest_mpa = PLAUSIBLE_MPA
        return reading if lowest_mpa <= reading.gauge_mpa <= highest_mpa else SensorFault.OUT_OF_RANGE
