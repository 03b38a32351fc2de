"""Simulated Keysight 53220A: totalizing under an external gate, and timing from the gate to the next pulse."""

from __future__ import annotations

from collections.abc import Callable

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.scpi.core import Call, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import INFINITY, Boolean, Channels, Choice, Number, nr3
from meterbench.instruments.scpi.server import ScpiServer

GATE_TIME = Number(100e-6, 1000.0, "S", {"INFinity": INFINITY})
CHANNELS = Channels(1, 2)
TICK_S = 100e-12
"""Resolution of a time interval (53220A data sheet: 100 ps, single shot)."""


class Keysight53220ASim:
    """Counts by asking the plant: pulses emitted at the gate's closing less those at its opening.

    As an interpolator it has the gate's switch on input 2 and times from its edge to the next pulse; it looks for that
    pulse at each ``sample``.
    """

    def __init__(self, pulse_count: Callable[[float], int], serial: str = "MY50000001") -> None:
        """``pulse_count(t)``: whole pulses that the meter has emitted until world time ``t`` in seconds."""
        self.scpi = ScpiInstrument(f"Keysight Technologies,53220A,{serial},02.06-1519.2.06-1-4.15", self._reset)
        self._pulse_count = pulse_count
        self._gate_level = False
        self._count_at_opening: int | None = None
        self._total: int | None = None
        self._totalizing = self._timing = False
        self._edge_s: float | None = None
        self._looked_s = 0.0
        self._count_at_edge = 0
        self._interval_s: float | None = None
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
        self._slope = scpi.setting("INPut<2>:SLOPe", Choice("POSitive", "NEGative"), "POS")
        scpi.setting("SYSTem:TIMeout", Number(0.01, INFINITY, "S"), 1.0)
        scpi.command("CONFigure:TOTalize:TIMed", self._configure, most=2)
        scpi.command("CONFigure:TINTerval", self._configure_interval, most=2)
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
        if self._timing:
            if self._edge_s is None and level == (self._slope.get(2) == "POS"):
                self._edge_s = self._looked_s = at_s
                self._count_at_edge = self._pulse_count(at_s)
        elif level == (self._gate_polarity.get() == "POS"):
            self._count_at_opening = self._pulse_count(at_s)
        elif self._count_at_opening is not None:
            self._total = self._pulse_count(at_s) - self._count_at_opening
            self.scpi.complete()

    def sample(self, now_s: float) -> None:
        """Look whether the pulse that a running interval waits for has come by world time ``now_s``."""
        if not (self.scpi.busy and self._timing) or self._edge_s is None:
            return
        if self._pulse_count(now_s) == self._count_at_edge:
            self._looked_s = now_s
            return
        before_s, after_s = self._looked_s, now_s
        while after_s - before_s > TICK_S and before_s < (middle_s := 0.5 * (before_s + after_s)) < after_s:
            if self._pulse_count(middle_s) == self._count_at_edge:
                before_s = middle_s
            else:
                after_s = middle_s
        self._interval_s = after_s - self._edge_s
        self.scpi.complete()

    def _reset(self) -> None:
        self._totalizing = self._timing = False
        self._forget()

    def _forget(self) -> None:
        self._count_at_opening = self._total = None
        self._edge_s = self._interval_s = None

    def _configure(self, call: Call) -> None:
        gate_s = GATE_TIME.parse(call.parameters[0]) if call.parameters else 0.1
        channels = CHANNELS.parse(call.parameters[1]) if len(call.parameters) > 1 else (1,)
        if channels != (1,):
            raise ScpiError(-221, "only input 1 is simulated")
        self._abort(call)
        self._gate_time.put(gate_s)
        self._gate_source.put("TIME")
        self._totalizing, self._timing = True, False

    def _configure_interval(self, call: Call) -> None:
        if [CHANNELS.parse(parameter) for parameter in call.parameters] != [(2,), (1,)]:
            raise ScpiError(-221, "only from input 2 to input 1 is simulated")
        self._abort(call)
        self._totalizing, self._timing = False, True

    def _init(self, _: Call) -> None:
        if not self._timing and (not self._totalizing or self._gate_source.get() != "EXT"):
            raise ScpiError(-221, "only totalizing under an external gate, and intervals, are simulated")
        self.scpi.begin()
        self._forget()

    def _abort(self, _: Call) -> None:
        if self.scpi.busy:
            self.scpi.complete()
        self._forget()

    def _fetch(self, _: Call) -> str:
        if self._interval_s is not None:
            return nr3(self._interval_s, 14, 3)
        if self._total is None:
            raise ScpiError(-230)
        return nr3(float(self._total), 14, 3)


class CounterWithInterpolatorSim:
    """The two boxes of one slot, each on a port of its own; made, started, used and stopped in the lab's loop."""

    def __init__(
        self, pulse_count: Callable[[float], int], now_s: Callable[[], float], faults: FaultPlan, serial: str
    ) -> None:
        """``faults`` strike both boxes, in the order in which they are asked."""
        self.counter = Keysight53220ASim(pulse_count, serial)
        self.interpolator = Keysight53220ASim(pulse_count, f"{serial}I")
        self._now_s = now_s
        self._servers = [ScpiServer(box.scpi, faults) for box in (self.counter, self.interpolator)]

    async def start(self, wire: str = "") -> str:
        """Serve both on ``wire``; their addresses, with a blank in between."""
        return " ".join([await server.start(wire) for server in self._servers])

    async def stop(self) -> None:
        """Take both off their wires; safe to call twice."""
        for server in self._servers:
            await server.stop()

    def on_gate(self, level: bool, at_s: float) -> None:
        """The gate's switch is wired to both."""
        self.counter.on_gate(level, at_s)
        self.interpolator.on_gate(level, at_s)

    def sample(self) -> None:
        """Look for the pulse that the interpolator waits for."""
        self.interpolator.sample(self._now_s())
