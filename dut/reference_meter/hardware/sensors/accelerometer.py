"""The accelerometer at register level: an LIS2DH12 (metering.md 4.3, ADR-024), and gravity in the case's own frame.

Case frame [design]: x is the flow arrow, z points out of the display, y completes a right-handed frame; the chip's axes
are the case's. A chip at rest reads +1 g on the axis that points up: it feels the force that holds it, not its weight.

Left out: the output data rate. A chip that is switched on has a new sample for every read transaction; one that is in
power-down keeps the last one.
"""

from __future__ import annotations

import math

import numpy as np

ADDRESS = 0x19
"""SA0 high, as its internal pull-up leaves it."""
WHO_AM_I, WHO_AM_I_IS = 0x0F, 0x33
CTRL_REG1, CTRL_REG4 = 0x20, 0x23
OUT_X_L, OUT_Z_H = 0x28, 0x2D
AUTO_INCREMENT = 0x80
"""Bit of the register's number: without it every byte comes from the same register."""

OFFSET_LIMIT_G = 0.040
"""Zero-g offset of an axis, +-40 mg."""
NOISE_G = 0.002
"""[design] Standard deviation of one sample of an axis."""

_POWER_ON = {WHO_AM_I: WHO_AM_I_IS, CTRL_REG1: 0x07}
_WRITABLE = (CTRL_REG1, CTRL_REG4)
_DATA_RATE, _LOW_POWER = 0xF0, 0x08
"""Of CTRL_REG1. A data rate of 0 is power-down."""
_HIGH_RESOLUTION = 0x08
"""Of CTRL_REG4."""
_MG_PER_DIGIT = (1, 2, 4, 12)
"""In 12-bit mode at +-2, 4, 8, 16 g (CTRL_REG4 bits 5:4); nominal, unconfirmed."""

Vector = tuple[float, float, float]


def gravity_in_case(inclination_deg: float, roll_deg: float) -> Vector:
    """Unit vector of gravity (it points down) in the case frame.

    ``inclination_deg`` is that of the flow arrow above the horizon, -90..90; ``roll_deg`` turns the case about the
    arrow: 0 is display up, 180 display down.
    """
    inclination, roll = math.radians(inclination_deg), math.radians(roll_deg)
    across = math.cos(inclination)
    return (-math.sin(inclination), -across * math.sin(roll), -across * math.cos(roll))


class Accelerometer:
    """One unit's chip; ``rng`` draws its noise."""

    def __init__(self, offset_g: Vector, rng: np.random.Generator, noise_g: float = NOISE_G) -> None:
        self.offset_g = offset_g
        self.noise_g = noise_g
        self._rng = rng
        self._gravity = gravity_in_case(0.0, 0.0)
        self._registers = bytearray(0x80)
        self.power_on()

    def power_on(self) -> None:
        """All registers as after the supply came."""
        self._registers[:] = bytes(len(self._registers))
        for register, value in _POWER_ON.items():
            self._registers[register] = value

    def place(self, gravity: Vector) -> None:
        """Hold the case so that gravity has this unit vector in its frame."""
        self._gravity = gravity

    def write(self, register: int, values: bytes) -> None:
        """Set control registers; all others are read-only."""
        for at, value in zip(_addressed(register, len(values)), values, strict=True):
            if at in _WRITABLE:
                self._registers[at] = value

    def read(self, register: int, count: int) -> bytes:
        """Bytes from ``register`` on; a sample is taken once a transaction, so that its bytes belong together."""
        addressed = _addressed(register, count)
        if any(OUT_X_L <= at <= OUT_Z_H for at in addressed) and self._registers[CTRL_REG1] & _DATA_RATE:
            self._sample()
        return bytes(self._registers[at] for at in addressed)

    def _sample(self) -> None:
        control_1, control_4 = self._registers[CTRL_REG1], self._registers[CTRL_REG4]
        bits = 8 if control_1 & _LOW_POWER else 12 if control_4 & _HIGH_RESOLUTION else 10
        mg_per_digit = _MG_PER_DIGIT[control_4 >> 4 & 0b11] << 12 - bits
        for axis in range(3):
            felt_g = -self._gravity[axis] + self.offset_g[axis] + self.noise_g * float(self._rng.standard_normal())
            digits = min(max(round(1000.0 * felt_g / mg_per_digit), -(1 << bits - 1)), (1 << bits - 1) - 1)
            if not control_1 >> axis & 1:
                digits = 0
            low = OUT_X_L + 2 * axis
            self._registers[low : low + 2] = (digits << 16 - bits).to_bytes(2, "little", signed=True)


def draw_accelerometer(unit_rng: np.random.Generator, noise_rng: np.random.Generator) -> Accelerometer:
    """The chip of a unit, its offsets spread evenly over +-40 mg [design]."""
    x_g, y_g, z_g = (float(offset_g) for offset_g in unit_rng.uniform(-OFFSET_LIMIT_G, OFFSET_LIMIT_G, 3))
    return Accelerometer((x_g, y_g, z_g), noise_rng)


def _addressed(register: int, count: int) -> list[int]:
    first = register & ~AUTO_INCREMENT
    step = 1 if register & AUTO_INCREMENT else 0
    return [(first + step * number) % 0x80 for number in range(count)]
