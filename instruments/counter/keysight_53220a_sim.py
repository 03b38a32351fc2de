"""Simulated Keysight 53220A: totalizing under an external gate, as much of the box as a bench can see."""

from __future__ import annotations

from collections.abc import Callable

from meterbench.instruments.scpi.core import Call, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import INFINITY, Boolean, Channels, Choice, Number, nr3

GATE_TIME = Number(100e-6, 1000.0, "S", {"INFinity": INFINITY})
CHANNELS = Channels(1, 2)


class Keysight53220ASim:
    """Counts by asking the plant: pulses emitted at the gate's closing less those at its opening."""

    def __init__(self, pulse_count: Callable[[float], int], serial: str = "MY50000001") -> None:
        """``pulse_count(t)``: whole pulses that the meter has emitted until world time ``t`` in seconds."""
        self.scpi = ScpiInstrument(f"Keysight Technologies,53220A,{serial},02.06-1519.2.06-1-4.15", self._reset)
        self._pulse_count = pulse_count
        self._gate_level = False
        self._count_at_opening: int | None = None
        self._total: int | None = None
        self._totalizing = False
        scpi = self.scpi
        self._gate_source = scpi.setting(
            "[SENSe:]TOTalize:GATE:SOURce", Choice("TIME", "EXTernal", "INPut1", "INPut2", "ADVanced"), "TIME"
        )
        self._gate_polarity = scpi.setting("[SENSe:]TOTalize:GATE:POLarity", Choice("POSitive", "NEGative"), "NEG")
        self._gate_time = scpi.setting("[SENSe:]TOTalize:GATE:TIME", GATE_TIME, 0.1)
        scpi.setting("INPut<2>:COUPling", Choice("AC", "DC"), "AC")
        scpi.setting("INPut<2>:IMPedance", Number(50.0, 1e6, "OHM"), 1e6)
        scpi.setting("INPut<2>:LEVel:AUTO", Boolean(), True)
        scpi.setting("INPut<2>:LEVel[:ABSolute]", Number(-5.125, 5.125, "V"), 0.0)
        scpi.setting("INPut<2>:SLOPe", Choice("POSitive", "NEGative"), "POS")
        scpi.setting("SYSTem:TIMeout", Number(0.01, INFINITY, "S"), 1.0)
        scpi.command("CONFigure:TOTalize:TIMed", self._configure, most=2)
        scpi.command("INITiate[:IMMediate]", self._init)
        scpi.command("ABORt", self._abort)
        scpi.command("FETCh?", self._fetch, waits=True)

    def on_gate(self, level: bool, at_s: float) -> None:
        """The voltage at the gate input becomes ``level`` at world time ``at_s``; no edge if it was so before."""
        if level == self._gate_level:
            return
        self._gate_level = level
        if not self.scpi.busy:
            return
        if level == (self._gate_polarity.get() == "POS"):
            self._count_at_opening = self._pulse_count(at_s)
        elif self._count_at_opening is not None:
            self._total = self._pulse_count(at_s) - self._count_at_opening
            self.scpi.complete()

    def _reset(self) -> None:
        self._totalizing = False
        self._count_at_opening = self._total = None

    def _configure(self, call: Call) -> None:
        gate_s = GATE_TIME.parse(call.parameters[0]) if call.parameters else 0.1
        channels = CHANNELS.parse(call.parameters[1]) if len(call.parameters) > 1 else (1,)
        if channels != (1,):
            raise ScpiError(-221, "only input 1 is simulated")
        self._abort(call)
        self._gate_time.put(gate_s)
        self._gate_source.put("TIME")
        self._totalizing = True

    def _init(self, _: Call) -> None:
        if not self._totalizing or self._gate_source.get() != "EXT":
            raise ScpiError(-221, "only totalizing under an external gate is simulated")
        self.scpi.begin()
        self._count_at_opening = self._total = None

    def _abort(self, _: Call) -> None:
        if self.scpi.busy:
            self.scpi.complete()
        self._count_at_opening = self._total = None

    def _fetch(self, _: Call) -> str:
        if self._total is None:
            raise ScpiError(-230)
        return nr3(float(self._total), 14, 3)
