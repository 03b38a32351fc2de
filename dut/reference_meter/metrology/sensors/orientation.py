"""The meter's position: driver of the LIS2DH12 and the rule for the flow arrow (metering.md 4.3, ADR-019, ADR-024).

Any angle is allowed, display down too, unless the flow arrow points downward (technical description, 12). With a the
unit vector of gravity in the case frame and e the flow arrow, the arrow rises by asin(-a.e). At rest the chip reads -a:
+1 g on the axis that points up. e is the chip's x axis [design].
"""

from __future__ import annotations

import math

from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus, NotAcknowledged

ADDRESS = 0x19
_WHO_AM_I, _WHO_AM_I_IS = 0x0F, 0x33
_SETUP = (
    bytes((0x23, 0x88)),  # CTRL_REG4: both bytes of a sample together, +-2 g, 12 bits
    bytes((0x20, 0x17)),  # CTRL_REG1: one sample a second, all three axes
)
_DATA, _DATA_BYTES = 0x28 | 0x80, 6
_G_PER_COUNT = 1e-3 / 16
"""1 mg a digit of twelve (unconfirmed), left-justified in sixteen. The angle does not depend on it."""

DOWN_BEYOND_DEG = 5.0
"""[design] The technical description names no tolerance."""
DOWN_FOR_S = 60.0
"""[design] Somebody may turn the meter in his hands."""
AT_REST_G = (0.8, 1.2)
"""[design] A magnitude beyond is no gravity: the meter is being moved, or the chip was reset."""


def inclination_deg(sample: bytes) -> float | SensorFault:
    """Rise of the flow arrow above the horizon, -90..90 degrees, from six data bytes: x, y, z, low byte first."""
    x_g, y_g, z_g = (
        int.from_bytes(sample[low : low + 2], "little", signed=True) * _G_PER_COUNT for low in range(0, _DATA_BYTES, 2)
    )
    magnitude_g = math.hypot(x_g, y_g, z_g)
    if not AT_REST_G[0] <= magnitude_g <= AT_REST_G[1]:
        return SensorFault.OUT_OF_RANGE
    return math.degrees(math.asin(x_g / magnitude_g))


class Orientation:
    """The position sensor on its bus, and its alarm."""

    def __init__(self, bus: I2cBus, *, alarm: bool = False) -> None:
        self._bus = bus
        self._set_up = False
        self._down_since_s: float | None = None
        self.alarm = alarm
        """True once the arrow has pointed downward for more than ``DOWN_FOR_S``, until it does not."""

    def update(self, now_s: float) -> float | SensorFault:
        """Read the chip and judge: the arrow's inclination in degrees, or why there is none.

        A fault neither raises nor clears the alarm, nor does the time start anew: knocking on a meter that hangs
        upside down does not hide it. The chip is set up again after any fault.
        """
        try:
            inclination = self._read_deg()
        except NotAcknowledged:
            inclination = SensorFault.NO_ANSWER
        if isinstance(inclination, SensorFault):
            self._set_up = False
            return inclination
        if inclination >= -DOWN_BEYOND_DEG:
            self._down_since_s = None
            self.alarm = False
            return inclination
        if self._down_since_s is None:
            self._down_since_s = now_s
        self.alarm = self.alarm or now_s - self._down_since_s > DOWN_FOR_S
        return inclination

    def _read_deg(self) -> float | SensorFault:
        if not self._set_up:
            if self._bus.read(ADDRESS, _WHO_AM_I, 1)[0] != _WHO_AM_I_IS:
                return SensorFault.NO_ANSWER
            for payload in _SETUP:
                self._bus.write(ADDRESS, payload)
            self._set_up = True
        return inclination_deg(self._bus.read(ADDRESS, _DATA, _DATA_BYTES))
