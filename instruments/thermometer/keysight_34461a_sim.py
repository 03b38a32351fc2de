"""Simulated Keysight 34461A: four-wire resistance, as much of the box as a bench can see."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from meterbench.instruments.scpi.core import Call, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import INFINITY, Integer, Number, nr3

RANGES_OHM = (100.0, 1e3, 10e3, 100e3, 1e6, 10e6, 100e6)
OVERRANGE = 1.2
"""The display reaches 120 % of a range."""
NOISE_OF_RANGE = 0.5e-6
"""Standard deviation of one reading at 1 power line cycle, of the range (taken, not from the data sheet)."""
RANGE = Number(0.0, RANGES_OHM[-1], "OHM", {"DEFault": 1e3})


class Keysight34461ASim:
    """Measures what ``resistance_ohm`` says, with its own noise; a probe of infinite ohms is an open one."""

    def __init__(self, resistance_ohm: Callable[[], float], noise: random.Random, serial: str = "MY60000001") -> None:
        """``resistance_ohm()``: true resistance of the probe now; ``noise`` is seeded by the caller."""
        self.scpi = ScpiInstrument(
            f"Keysight Technologies,34461A,{serial},A.03.03-02.40-03.03-00.52-04-02", self._reset
        )
        self._resistance_ohm = resistance_ohm
        self._noise = noise
        self._range_ohm: float | None = None
        self._readings_ohm: list[float] = []
        scpi = self.scpi
        self._cycles = scpi.setting("[SENSe:]FRESistance:NPLC", Number(0.02, 100.0), 10.0)
        self._samples = scpi.setting("SAMPle:COUNt", Integer(1, 1_000_000), 1)
        scpi.command("CONFigure:FRESistance", self._configure, most=1)
        scpi.command("INITiate[:IMMediate]", self._init)
        scpi.command("FETCh?", self._fetch)
        scpi.command("READ?", self._read)

    def _reset(self) -> None:
        self._range_ohm = None
        self._readings_ohm = []

    def _configure(self, call: Call) -> None:
        wanted_ohm = RANGE.parse(call.parameters[0]) if call.parameters else 1e3
        self._range_ohm = next(full_ohm for full_ohm in RANGES_OHM if full_ohm >= wanted_ohm)
        self._cycles.reset()
        self._samples.reset()
        self._readings_ohm = []

    def _init(self, _: Call) -> None:
        if self._range_ohm is None:
            raise ScpiError(-221, "only four-wire resistance is simulated")
        sigma_ohm = NOISE_OF_RANGE * self._range_ohm / math.sqrt(self._cycles.get())
        self._readings_ohm = [self._sample(self._range_ohm, sigma_ohm) for _ in range(self._samples.get())]

    def _sample(self, range_ohm: float, sigma_ohm: float) -> float:
        reading_ohm = self._resistance_ohm() + self._noise.gauss(0.0, sigma_ohm)
        return reading_ohm if abs(reading_ohm) <= OVERRANGE * range_ohm else INFINITY

    def _fetch(self, _: Call) -> str:
        if not self._readings_ohm:
            raise ScpiError(-230)
        return ",".join(nr3(reading_ohm) for reading_ohm in self._readings_ohm)

    def _read(self, call: Call) -> str:
        self._init(call)
        return self._fetch(call)
