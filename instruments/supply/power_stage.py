"""The analogue part that simulated supplies have in common: an output with errors of its own, ranges, log, battery."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.instruments.supply.fed_load import Load, Output
from meterbench.instruments.supply.sampler import Sampler

Sense = Callable[[float, float], float]
"""What a sensor makes of a true value, given its full scale: where faults of measuring come in."""
READING_S = 0.2
"""Over which a single reading is averaged: ten power line cycles."""
OVERLOAD = 9.9e37
OVERRANGE = 1.05
"""[design] A range reaches so far beyond its name."""
SWAMPED_AT_FULL_SCALES = 9.0
"""A sensor that gives so much more than the whole range is out of it, whatever the range."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of a kind of box: each unit lies evenly within."""

    set_part: float
    """Of the voltage that is set, and of the one that is measured; with the next."""
    set_v: float
    ranges_ma: Sequence[float]
    """Full scales of the current, rising."""
    gain_part: float
    offset_part: float
    """Of a range's full scale."""
    noise_part: float
    """Standard deviation of a mean over 1 ms, of a range's full scale; white."""
    noise_v: float


@dataclass(frozen=True, slots=True)
class PlayedBattery:
    """What the box plays instead of a fixed voltage."""

    capacity_mah: float
    state_percent: tuple[float, ...]
    open_v: tuple[float, ...]
    resistance_ohm: tuple[float, ...]


class PowerStage:
    """Feeds ``load`` and measures what it draws; lives in the lab's loop."""

    def __init__(
        self,
        load: Load,
        now_s: Callable[[], float],
        rng: np.random.Generator,
        accuracy: Accuracy,
        sense: Sense = lambda true, _: true,
    ) -> None:
        """``rng`` draws the unit's errors, and its noise from then on."""
        self._load, self._now_s, self._rng, self._accuracy, self._sense = load, now_s, rng, accuracy, sense
        self._set_gain = 1.0 + accuracy.set_part * float(rng.uniform(-1, 1))
        self._set_offset_v = accuracy.set_v * float(rng.uniform(-1, 1))
        self._measured_gain = 1.0 + accuracy.set_part * float(rng.uniform(-1, 1))
        self._full_ma = np.array(accuracy.ranges_ma)
        self._gains = 1.0 + accuracy.gain_part * rng.uniform(-1, 1, len(self._full_ma))
        self._offsets_ma = accuracy.offset_part * self._full_ma * rng.uniform(-1, 1, len(self._full_ma))
        self._output = Output(0.0, 0.0, 0.0)
        self.on = False
        self.lowest_ma = 0.0
        """Automatic ranging goes no further down than to the range that reaches this."""
        self.fixed_ma: float | None = None
        """Full scale of the range, if it is not automatic."""
        self.battery: PlayedBattery | None = None
        self.charge_percent = 100.0
        """Of the battery that is played."""
        self._seen_mah = load.drawn().charge_mah
        self._sampler: Sampler | None = None
        self._fifo_samples = 0
        self._log: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        self._logged = 0
        self.lost_samples = 0
        """Of this log: overwritten before they were fetched."""

    # The output.

    def set(self, voltage_v: float, limit_ma: float, resistance_ohm: float) -> None:
        """Set-points for when it is on; a played battery has voltage and resistance of its own."""
        self.look()
        self._output = Output(voltage_v, resistance_ohm, limit_ma)
        self._feed()

    def switch(self, on: bool) -> None:
        """The output relay."""
        self.look()
        self.on = on
        self._feed()

    def play(self, battery: PlayedBattery | None, charge_percent: float = 100.0) -> None:
        """Play a battery from now on, or none."""
        self.look()
        self.battery, self.charge_percent = battery, charge_percent
        self._feed()

    @property
    def limiting(self) -> bool:
        """It cannot hold its voltage."""
        drawn = self._load.drawn()
        return self.on and drawn.current_ma > 0.0 and drawn.current_ma >= self._limit_ma * (1.0 - 1e-5)

    @property
    def open_v(self) -> float:
        """Of the battery that is played."""
        battery = self.battery
        return 0.0 if battery is None else float(np.interp(self.charge_percent, battery.state_percent, battery.open_v))

    @property
    def resistance_ohm(self) -> float:
        """Of the output, or of the battery that is played."""
        battery = self.battery
        if battery is None:
            return self._output.resistance_ohm
        return float(np.interp(self.charge_percent, battery.state_percent, battery.resistance_ohm))

    @property
    def _limit_ma(self) -> float:
        return self._output.limit_ma

    def _feed(self) -> None:
        if not self.on:
            self._load.feed(Output(0.0, 0.0, self._limit_ma))
            return
        volts = self._output.open_v if self.battery is None else self.open_v
        true_v = max(0.0, volts * self._set_gain + self._set_offset_v) if volts > 0.0 else 0.0
        self._load.feed(Output(true_v, self.resistance_ohm, self._limit_ma))

    # Time.

    def step(self) -> None:
        """The world has lived on; looking makes the load catch up, so only where it matters."""
        if self._sampler is not None or self.battery is not None:
            self.look()

    def look(self) -> None:
        """See what was drawn since the last look: the battery's charge, and samples for the log."""
        now_s, drawn = self._now_s(), self._load.drawn()
        if self._sampler is not None:
            ended, currents_ma = self._sampler.look(now_s, drawn, self._fifo_samples)
            if ended:
                limited = self.limiting
                fallen_v = 0.0 if limited else 1e-3 * self.resistance_ohm * (currents_ma - drawn.current_ma)
                self._log.append((drawn.voltage_v - fallen_v + np.zeros(len(currents_ma)), currents_ma))
                self._logged += len(currents_ma)
                self.lost_samples += ended - len(currents_ma)
                self._overwrite()
        given_mah, self._seen_mah = drawn.charge_mah - self._seen_mah, drawn.charge_mah
        if self.battery is not None and given_mah != 0.0:
            self.charge_percent = max(0.0, self.charge_percent - 100.0 * given_mah / self.battery.capacity_mah)
            self._feed()

    def start_log(self, period_s: float, fifo_samples: int) -> None:
        """Log from now on; ``fifo_samples`` are kept until they are fetched."""
        self.look()
        self._sampler = Sampler(self._now_s(), self._load.drawn(), period_s)
        self._fifo_samples = fifo_samples
        self._log.clear()
        self._logged = self.lost_samples = 0

    def stop_log(self) -> None:
        """Log no more; what is in the buffer can still be fetched."""
        self.look()
        self._sampler = None

    @property
    def logging(self) -> bool:
        """Between ``start_log`` and ``stop_log``."""
        return self._sampler is not None

    def fetch_log(self, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The oldest ``most`` samples in the buffer as the box measures them: V, and mA."""
        if self._sampler is not None:
            self.look()
        if not self._log:
            return np.zeros(0), np.zeros(0)
        volts = np.concatenate([part[0] for part in self._log])
        currents_ma = np.concatenate([part[1] for part in self._log])
        self._log = [(volts[most:], currents_ma[most:])] if len(volts) > most else []
        self._logged = max(0, len(volts) - most)
        period_s = self._sampler.period_s if self._sampler is not None else 1e-3
        return self._measured_v(volts[:most], period_s), self._measured_ma(currents_ma[:most], period_s)

    def _overwrite(self) -> None:
        """The buffer is a ring: new samples take the oldest ones' room."""
        while self._logged > self._fifo_samples:
            volts, currents_ma = self._log[0]
            gone = min(len(volts), self._logged - self._fifo_samples)
            self._log[0] = (volts[gone:], currents_ma[gone:])
            if gone == len(volts):
                self._log.pop(0)
            self._logged -= gone
            self.lost_samples += gone

    # Measuring.

    def measure(self) -> tuple[float, float]:
        """One reading, V and mA; ``OVERLOAD`` for a current beyond its range."""
        drawn = self._load.drawn()
        current_ma = float(self._measured_ma(np.array([drawn.current_ma]), READING_S)[0])
        return float(self._measured_v(np.array([drawn.voltage_v if self.on else 0.0]), READING_S)[0]), current_ma

    def _measured_v(self, volts: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        noise = self._rng.standard_normal(len(volts)) * self._accuracy.noise_v * math.sqrt(1e-3 / period_s)
        return np.asarray(volts * self._measured_gain + noise)

    def _measured_ma(self, currents_ma: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        """Each sample in the range that holds it."""
        if not len(currents_ma):
            return currents_ma
        mean_ma, whole_ma = float(currents_ma.mean()), float(self._full_ma[-1])
        sensed_ma = self._sense(mean_ma, whole_ma)
        if sensed_ma > SWAMPED_AT_FULL_SCALES * whole_ma:
            return np.full(len(currents_ma), OVERLOAD)
        if mean_ma != 0.0:
            currents_ma = currents_ma * (sensed_ma / mean_ma)
        needed_ma = np.maximum(np.abs(currents_ma), self.lowest_ma) if self.fixed_ma is None else self.fixed_ma
        ranges = np.searchsorted(self._full_ma * OVERRANGE, needed_ma + np.zeros(len(currents_ma)))
        ranges = np.minimum(ranges, len(self._full_ma) - 1)
        full_ma = self._full_ma[ranges]
        noise = self._rng.standard_normal(len(currents_ma)) * math.sqrt(1e-3 / period_s)
        measured_ma = currents_ma * self._gains[ranges] + self._offsets_ma[ranges]
        measured_ma += noise * self._accuracy.noise_part * full_ma
        return np.where(np.abs(currents_ma) > OVERRANGE * full_ma, OVERLOAD, measured_ma)
