"""Simulated R&S FSV: FFT sweeps of a radio medium through a front end with noise, attenuator and a reference level."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.scpi.core import Call, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import Boolean, Choice, Integer, Number, block, nr3
from meterbench.instruments.scpi.server import ScpiServer

HIGHEST_HZ = 7e9
NOISE_FIGURE_DB = 20.0
"""Of the box at 0 dB of attenuation (data sheet: DANL about -154 dBm/Hz)."""
MIXER_DBM = -10.0
"""The level at the mixer that the automatic attenuator aims at for the reference level (taken)."""
ATTENUATOR_STEP_DB = 5.0
MOST_ATTENUATION_DB = 75.0
IF_HEADROOM_DB = 3.0
"""So much above the reference level the IF path clips (taken)."""
RF_LIMIT_DBM = 30.0
"""Above this the input itself is overloaded (data sheet: 1 W)."""
LEVEL_SIGMA_DB = 0.02
"""Scatter from sweep to sweep (taken)."""
FFT_SWEEP_FACTOR = 8.0
SHORTEST_SWEEP_S = 1e-3
"""An FFT sweep takes 8 over the resolution bandwidth, and no less than this (taken)."""
RF_OVERLOAD, IF_OVERLOAD = 1, 4
FREQUENCY = Number(0.0, HIGHEST_HZ, "HZ")


class Air(Protocol):
    """What comes in at the antenna."""

    def level_dbm(
        self, frequencies_hz: NDArray[np.float64], resolution_bandwidth_hz: float, from_s: float, to_s: float
    ) -> NDArray[np.float64]:
        """Highest level in Gaussian filters between two world times, thermal noise included."""

    def total_mw(self, from_s: float, to_s: float) -> float:
        """Highest power of everything together."""


class RsFsvSim:
    """Made, started, used and stopped in the lab's loop. Call ``sample`` after each step of the world."""

    def __init__(
        self,
        air: Air,
        now_s: Callable[[], float],
        noise: random.Random,
        faults: FaultPlan,
        serial: str = "1321.3008K07/101001",
    ) -> None:
        """``now_s`` is the world's time."""
        self.scpi = scpi = ScpiInstrument(f"Rohde&Schwarz,FSV-7,{serial},3.60", self._reset)
        self.server = ScpiServer(scpi, faults)
        self._air, self._now_s, self._noise, self._faults = air, now_s, noise, faults
        self._begun_s: float | None = None
        self._overload_event = 0
        self._level_dbm: NDArray[np.float64] | None = None
        self._function = ""
        self._sweep_s: float | None = None
        self._centre_hz = scpi.setting("[SENSe:]FREQuency:CENTer", FREQUENCY, HIGHEST_HZ / 2.0)
        self._span_hz = scpi.setting("[SENSe:]FREQuency:SPAN", FREQUENCY, HIGHEST_HZ)
        self._rbw_hz = scpi.setting("[SENSe:]BANDwidth[:RESolution]", Number(1.0, 10e6, "HZ"), 3e6)
        self._points = scpi.setting("[SENSe:]SWEep:POINts", Integer(101, 32001), 691)
        self._count = scpi.setting("[SENSe:]SWEep:COUNt", Integer(0, 32767), 0)
        self._type = scpi.setting("[SENSe:]SWEep:TYPE", Choice("SWE", "AUTO", "FFT"), "AUTO")
        self._mode = scpi.setting("DISPlay[:WINDow]:TRACe:MODE", Choice("WRITe", "MAXHold", "AVERage", "VIEW"), "WRIT")
        self._reference_dbm = scpi.setting(
            "DISPlay[:WINDow]:TRACe:Y[:SCALe]:RLEVel", Number(-130.0, 30.0, "DBM"), -10.0
        )
        self._continuous = scpi.setting("INITiate:CONTinuous", Boolean(), True)
        self._channel_hz = scpi.setting(
            "[SENSe:]POWer:ACHannel:BANDwidth[:CHANnel]", Number(100.0, HIGHEST_HZ, "HZ"), 14e3
        )
        self._occupied = scpi.setting("[SENSe:]POWer:BANDwidth", Number(10.0, 99.9, "PCT"), 99.0)
        scpi.setting("[SENSe:]POWer:ACHannel:ACPairs", Integer(0, 12), 1)
        scpi.setting("[SENSe:]BANDwidth:VIDeo:AUTO", Boolean(), True)
        scpi.setting("[SENSe:]DETector[:FUNCtion]", Choice("APEak", "NEGative", "POSitive", "SAMPle", "RMS"), "APE")
        scpi.setting("INPut:ATTenuation:AUTO", Boolean(), True)
        scpi.setting("CALCulate:UNIT:POWer", Choice("DBM", "V", "W"), "DBM")
        scpi.command("[SENSe:]SWEep:TIME:AUTO", self._couple_time, least=1)
        scpi.command("[SENSe:]SWEep:TIME", self._set_time, least=1)
        scpi.command("[SENSe:]SWEep:TIME?", lambda _: nr3(self._one_sweep_s()))
        scpi.command("FORMat[:DATA]", self._set_format, least=1, most=2)
        scpi.command("CALCulate:MARKer:FUNCtion:POWer[:STATe]", self._function_off, least=1)
        scpi.command("CALCulate:MARKer:FUNCtion:POWer:SELect", self._select, least=1)
        scpi.command("CALCulate:MARKer:FUNCtion:POWer:RESult?", self._result, least=1)
        scpi.command("ABORt", lambda _: self._abort())
        scpi.command("INITiate[:IMMediate]", self._init)
        scpi.command("TRACe[:DATA]?", self._trace, least=1)
        scpi.command("STATus:QUEStionable:POWer[:EVENt]?", self._read_overload)
        scpi.command("*CLS", self._clear)
        self._real = False

    async def start(self, wire: str = "") -> str:
        """Serve SCPI; the VISA resource to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    def sample(self) -> None:
        """End the sweeps that should have ended by now."""
        if self._begun_s is not None and self._now_s() >= self._end_s - 1e-9:
            self._level_dbm = self._measured(self._begun_s, self._end_s)
            self._begun_s = None
            self.scpi.complete()

    # Measuring.

    @property
    def _end_s(self) -> float:
        assert self._begun_s is not None
        return self._begun_s + max(1, self._count.get()) * self._one_sweep_s()

    def _one_sweep_s(self) -> float:
        return self._sweep_s or max(SHORTEST_SWEEP_S, FFT_SWEEP_FACTOR / self._rbw_hz.get())

    def _measured(self, from_s: float, to_s: float) -> NDArray[np.float64]:
        """The trace of everything between two world times; without max hold, of the last sweep only."""
        if self._mode.get() != "MAXH":
            from_s = to_s - self._one_sweep_s()
        reference_dbm, rbw_hz = self._reference_dbm.get(), self._rbw_hz.get()
        total_mw = self._air.total_mw(from_s, to_s)
        full_scale_mw = 10.0 ** ((reference_dbm + IF_HEADROOM_DB) / 10.0)
        sensed_mw = self._faults.measured(total_mw, full_scale_mw, to_s)
        if sensed_mw > full_scale_mw:
            self._overload_event |= IF_OVERLOAD
        if sensed_mw > 10.0 ** (RF_LIMIT_DBM / 10.0):
            self._overload_event |= RF_OVERLOAD
        level_dbm = self._air.level_dbm(self._frequencies_hz(), rbw_hz, from_s, to_s)
        own_dbm = -174.0 + NOISE_FIGURE_DB + self._attenuation_db() + 10.0 * math.log10(rbw_hz)
        seen_mw = 10.0 ** (level_dbm / 10.0) + 10.0 ** (own_dbm / 10.0)
        clipped_mw = np.minimum(seen_mw, full_scale_mw)
        scatter_db = self._noise.gauss(0.0, LEVEL_SIGMA_DB)
        return np.asarray(10.0 * np.log10(clipped_mw) + scatter_db, dtype=np.float64)

    def _attenuation_db(self) -> float:
        steps = math.ceil((self._reference_dbm.get() - MIXER_DBM) / ATTENUATOR_STEP_DB)
        return min(max(steps * ATTENUATOR_STEP_DB, 0.0), MOST_ATTENUATION_DB)

    def _frequencies_hz(self) -> NDArray[np.float64]:
        half_hz = self._span_hz.get() / 2.0
        return np.linspace(self._centre_hz.get() - half_hz, self._centre_hz.get() + half_hz, self._points.get())

    # Commands.

    def _reset(self) -> None:
        self._begun_s = self._sweep_s = self._level_dbm = None
        self._overload_event = 0
        self._function = ""
        self._real = False

    def _clear(self, _: Call) -> None:
        self.scpi.status.clear()
        self._overload_event = 0

    def _abort(self) -> None:
        self._begun_s = None
        self.scpi.complete()

    def _init(self, _: Call) -> None:
        if self._type.get() != "FFT" or self._continuous.get():
            raise ScpiError(-221, "only single FFT sweeps are simulated")
        low_hz, high_hz = self._frequencies_hz()[[0, -1]]
        if low_hz < 0.0 or high_hz > HIGHEST_HZ:
            raise ScpiError(-222, "span beyond the range")
        self.scpi.begin()
        self._begun_s, self._level_dbm = self._now_s(), None

    def _couple_time(self, call: Call) -> None:
        if Boolean().parse(call.parameters[0]):
            self._sweep_s = None

    def _set_time(self, call: Call) -> None:
        self._sweep_s = Number(1e-6, 16000.0, "S").parse(call.parameters[0])

    def _set_format(self, call: Call) -> None:
        self._real = Choice("ASCii", "REAL").parse(call.parameters[0]) == "REAL"

    def _function_off(self, call: Call) -> None:
        if not Boolean().parse(call.parameters[0]):
            self._function = ""

    def _select(self, call: Call) -> None:
        self._function = Choice("CPOWer", "OBANdwidth", "OBW").parse(call.parameters[0]).replace("OBAN", "OBW")

    def _trace(self, call: Call) -> str:
        Choice("TRACE1").parse(call.parameters[0])
        level_dbm = self._swept()
        if self._real:
            return block(level_dbm.astype("<f4").tobytes())
        return ",".join(f"{level:.6f}" for level in level_dbm)

    def _swept(self) -> NDArray[np.float64]:
        if self._level_dbm is None:
            raise ScpiError(-230)
        return self._level_dbm

    def _result(self, call: Call) -> str:
        if Choice("CPOWer", "OBANdwidth", "OBW").parse(call.parameters[0]).replace("OBAN", "OBW") != self._function:
            raise ScpiError(-221, "this power measurement is off")
        step_hz = self._span_hz.get() / (self._points.get() - 1)
        # Gaussian filters of the box: noise bandwidth 1.065 of the 3 dB bandwidth.
        power_mw = 10.0 ** (self._swept() / 10.0) * step_hz / (1.065 * self._rbw_hz.get())
        if self._function == "CPOW":
            inside = np.abs(self._frequencies_hz() - self._centre_hz.get()) <= self._channel_hz.get() / 2.0
            return nr3(10.0 * math.log10(float(power_mw[inside].sum())))
        share = np.cumsum(power_mw) / power_mw.sum()
        rest = 0.5 * (1.0 - self._occupied.get() / 100.0)
        low, high = (float(np.interp(part, share, self._frequencies_hz())) for part in (rest, 1.0 - rest))
        return nr3(high - low)

    def _read_overload(self, _: Call) -> str:
        event, self._overload_event = self._overload_event, 0
        return str(event)
