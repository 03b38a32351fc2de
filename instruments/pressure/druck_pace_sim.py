"""Simulated Druck PACE5000: its sensor and its units, its controller off; answers repeat the header."""

from __future__ import annotations

from collections.abc import Callable

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.scpi.core import Call, Handler, ScpiInstrument
from meterbench.instruments.scpi.parameters import Choice

KPA_OF_UNIT = {"BAR": 100.0, "MBAR": 0.1, "PA": 1e-3, "KPA": 1.0, "MPA": 1e3, "PSI": 6.894757}
OVERRANGE = 1.1
"""The sensor saturates at 110 % of its range (taken, not from the manual)."""


class DruckPaceSim:
    """Shows ``pressure_kpa`` with the sensor's own ``gain_error``."""

    def __init__(
        self,
        pressure_kpa: Callable[[], float],
        faults: FaultPlan,
        now_s: Callable[[], float],
        *,
        full_scale_kpa: float = 1600.0,
        gain_error: float = 0.0,
        absolute: bool = False,
        headers: bool = True,
    ) -> None:
        """``pressure_kpa()``: true gauge pressure now; ``headers``: the firmware that repeats them."""
        self._pressure_kpa = pressure_kpa
        self._faults = faults
        self._now_s = now_s
        self._full_scale_kpa = full_scale_kpa
        self._gain = 1.0 + gain_error
        self._absolute = absolute
        self._headers = headers
        idn = "GE Druck,Pace5000 User Interface,3110234,02.02.14"
        self.scpi = ScpiInstrument(self._headed("*IDN", idn), lambda: None)
        self._unit = self.scpi.setting("UNIT:PRESsure", Choice(*KPA_OF_UNIT), "BAR")
        self._add("SENSe:PRESsure?", ":SENS:PRES", self._pressure)
        self._add("SENSe:PRESsure:INLimits?", ":SENS:PRES:INL", lambda call: f"{self._pressure(call)}, 0")
        self._add("SENSe:PRESsure:RANGe?", ":SENS:PRES:RANG", self._range)
        self._add("UNIT:PRESsure?", ":UNIT:PRES", lambda _: self._unit.get())
        self._add("OUTPut:STATe?", ":OUTP:STAT", lambda _: "0")
        self._add("SYSTem:ERRor[:NEXT]?", ":SYST:ERR", lambda _: self.scpi.status.pop_error())

    def _add(self, pattern: str, header: str, answer: Callable[[Call], str]) -> None:
        def run(call: Call) -> str:
            return self._headed(header, answer(call))

        handler: Handler = run
        self.scpi.command(pattern, handler)

    def _headed(self, header: str, answer: str) -> str:
        return f"{header} {answer}" if self._headers else answer

    def _pressure(self, _: Call) -> str:
        measured_kpa = self._faults.measured(self._gain * self._pressure_kpa(), self._full_scale_kpa, self._now_s())
        shown_kpa = min(measured_kpa + 101.325 * self._absolute, OVERRANGE * self._full_scale_kpa)
        return f"{shown_kpa / KPA_OF_UNIT[self._unit.get()]:.7f}"

    def _range(self, _: Call) -> str:
        return f'"{self._full_scale_kpa / 100.0:.2f}bar{"a" if self._absolute else "g"}"'
