"""The pressure sensor at register level, in the style of the XGZP68xx (metering.md 4.2, ADR-021).

Published drivers of that family write the combined command, poll the command register until bit 3 has cleared, then
read five bytes. What the chip does beyond that is unconfirmed and chosen here: the data registers keep the last result
until the new one is complete and are 0 before the first; a command during a conversion starts over; other commands
start none; registers not named here read 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from meterbench.world.water import ATMOSPHERE_MPA

ADDRESS = 0x6D
REGISTER_PRESSURE = 0x06
"""Three bytes of pressure, two of temperature, high byte first, two's complement."""
REGISTER_COMMAND = 0x30
COMBINED_CONVERSION = 0x0A
CONVERTING = 0x08
"""Bit of the command register: set with the command, clear when the result is there."""
CONVERSION_S = 0.020
COUNTS_PER_PA = 4
"""K for 1.6 MPa. Unconfirmed: the published tables end at 8 for 500..1000 kPa and halve from step to step."""
COUNTS_PER_K = 256

FULL_SCALE_MPA = 1.6
OFFSET_LIMIT = GAIN_LIMIT = DRIFT_LIMIT = 0.003
"""[design] Parts of full scale; the drift is that of the zero, 50 K from 20 degC. Together with the noise below the
1 % of full scale that we read the technical description to mean."""
NOISE = 0.0001
"""[design] Standard deviation of one conversion, part of full scale."""
_PRESSURE_COUNTS = (-(2**23), 2**23 - 1)
_TEMP_COUNTS = (-(2**15), 2**15 - 1)


@dataclass(frozen=True, slots=True)
class PressureErrors:
    """One unit's own errors, parts of full scale (``drift`` at 70 degC); positive reads high."""

    offset: float = 0.0
    gain: float = 0.0
    drift: float = 0.0
    noise: float = NOISE

    def indicated_mpa(self, gauge_mpa: float, temp_c: float) -> float:
        """What the unit makes of a gauge pressure, but for its noise."""
        zero = self.offset + self.drift * (temp_c - 20.0) / 50.0
        return gauge_mpa * (1.0 + self.gain) + zero * FULL_SCALE_MPA


class PressureSensor:
    """One unit's chip. It measures against the air around it; ``clock`` gives the time in seconds."""

    def __init__(
        self,
        errors: PressureErrors,
        clock: Callable[[], float],
        rng: np.random.Generator,
        conversion_s: float = CONVERSION_S,
    ) -> None:
        self.errors = errors
        self.conversion_s = conversion_s
        self._clock = clock
        self._rng = rng
        self._gauge_mpa, self._temp_c = 0.0, 20.0
        self._command = 0x00
        self._result = self._next_result = bytes(5)
        self._ready_s = 0.0

    def expose(self, absolute_mpa: float, temp_c: float) -> None:
        """Put the membrane under this absolute pressure of water at this temperature."""
        self._gauge_mpa = absolute_mpa - ATMOSPHERE_MPA
        self._temp_c = temp_c

    def write(self, register: int, values: bytes) -> None:
        """A command starts a conversion of what the membrane feels now; other registers are read-only."""
        if register != REGISTER_COMMAND or not values:
            return
        self._finish()
        self._command = values[0]
        self._next_result = self._result
        if self._command == COMBINED_CONVERSION:
            self._next_result = self._converted()
            self._ready_s = self._clock() + self.conversion_s

    def read(self, register: int, count: int) -> bytes:
        """Bytes from ``register`` on, as they stand now."""
        self._finish()
        registers = bytearray(0x100 + count)
        registers[REGISTER_PRESSURE : REGISTER_PRESSURE + 5] = self._result
        registers[REGISTER_COMMAND] = self._command
        return bytes(registers[register : register + count])

    def _finish(self) -> None:
        if self._command & CONVERTING and self._clock() >= self._ready_s:
            self._command &= ~CONVERTING
            self._result = self._next_result

    def _converted(self) -> bytes:
        indicated_mpa = self.errors.indicated_mpa(self._gauge_mpa, self._temp_c)
        indicated_mpa += self.errors.noise * FULL_SCALE_MPA * float(self._rng.standard_normal())
        pressure = _counts(indicated_mpa * 1e6 * COUNTS_PER_PA, _PRESSURE_COUNTS)
        temp = _counts(self._temp_c * COUNTS_PER_K, _TEMP_COUNTS)
        return pressure.to_bytes(3, "big", signed=True) + temp.to_bytes(2, "big", signed=True)


def draw_pressure_errors(rng: np.random.Generator) -> PressureErrors:
    """The errors of a unit, spread evenly within their limits [design]."""
    return PressureErrors(
        offset=float(rng.uniform(-OFFSET_LIMIT, OFFSET_LIMIT)),
        gain=float(rng.uniform(-GAIN_LIMIT, GAIN_LIMIT)),
        drift=float(rng.uniform(-DRIFT_LIMIT, DRIFT_LIMIT)),
    )


def _counts(counts: float, limits: tuple[int, int]) -> int:
    """A word that saturates instead of rolling over."""
    return min(max(round(counts), limits[0]), limits[1])
