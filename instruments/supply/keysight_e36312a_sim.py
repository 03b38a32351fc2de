"""Simulated Keysight E36312A: three outputs with current limit and over-voltage protection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.scpi.core import Call, ChannelSetting, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import INFINITY, Boolean, Number, nr3

Load = Callable[[float], float]
"""What is connected: the current in mA that it draws at a voltage in V; rises with it."""


@dataclass(frozen=True, slots=True)
class Rating:
    """Ends of an output."""

    voltage_v: float
    current_a: float


RATINGS = {1: Rating(6.0, 5.0), 2: Rating(25.0, 1.0), 3: Rating(25.0, 1.0)}
HEADROOM = 1.03
"""Set-points reach 3 % beyond the rating, protection 10 % (unconfirmed)."""
PROTECTION_HEADROOM = 1.1
BISECTIONS = 60


def _open(_: float) -> float:
    return 0.0


@dataclass(slots=True)
class _Output:
    tripped_voltage: bool = False
    tripped_current: bool = False


class KeysightE36312ASim:
    """Feeds ``loads``; a channel without one is open."""

    def __init__(
        self, loads: Mapping[int, Load], faults: FaultPlan, now_s: Callable[[], float], serial: str = "MY61000001"
    ) -> None:
        """``loads`` by channel, from 1; ``faults`` may drive its measurements out of range at ``now_s``."""
        self.scpi = ScpiInstrument(f"Keysight Technologies,E36312A,{serial},2.1.3-1.0.4-1.12", self._reset)
        self._loads = loads
        self._faults = faults
        self._now_s = now_s
        self._outputs = {channel: _Output() for channel in RATINGS}
        scpi = self.scpi
        voltages = {channel: Number(0.0, HEADROOM * rating.voltage_v, "V") for channel, rating in RATINGS.items()}
        currents = {channel: Number(0.0, HEADROOM * rating.current_a, "A") for channel, rating in RATINGS.items()}
        trips = {
            channel: Number(0.0, PROTECTION_HEADROOM * rating.voltage_v, "V") for channel, rating in RATINGS.items()
        }
        self._voltage_v = scpi.channel_setting("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", voltages, 0.0)
        self._limit_a = scpi.channel_setting("[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]", currents, 0.1)
        self._trip_v = scpi.channel_setting("[SOURce:]VOLTage:PROTection[:LEVel]", trips, 6.6)
        switches = {channel: Boolean() for channel in RATINGS}
        self._overcurrent = scpi.channel_setting("[SOURce:]CURRent:PROTection:STATe", switches, False)
        self._on: ChannelSetting[bool] = ChannelSetting(switches, False)
        scpi.command("OUTPut[:STATe]", self._switch, least=1, most=2)
        scpi.command("OUTPut[:STATe]?", self._each(lambda channel: str(int(self._is_on(channel)))), most=1)
        scpi.command("OUTPut:PROTection:CLEar", self._clear, most=1)
        scpi.command("[SOURce:]VOLTage:PROTection:TRIPped?", self._each(self._tripped_voltage), most=1)
        scpi.command("[SOURce:]CURRent:PROTection:TRIPped?", self._each(self._tripped_current), most=1)
        scpi.command("MEASure[:SCALar]:VOLTage[:DC]?", self._each(self._measure_voltage), most=1)
        scpi.command("MEASure[:SCALar]:CURRent[:DC]?", self._each(self._measure_current), most=1)
        scpi.command("STATus:QUEStionable:INSTrument:ISUMmary<3>:CONDition?", self._mode)

    def voltage_v(self, channel: int) -> float:
        """True voltage at the terminals."""
        return self._now(channel)[0]

    def _reset(self) -> None:
        self._on.reset()
        self._outputs = {channel: _Output() for channel in RATINGS}

    def _each(self, show: Callable[[int], str]) -> Callable[[Call], str]:
        return lambda call: ",".join(show(channel) for channel in self._on.channels(call.parameters))

    def _switch(self, call: Call) -> None:
        wanted = Boolean().parse(call.parameters[0])
        for channel in self._on.channels(call.parameters[1:]):
            output = self._outputs[channel]
            if wanted and (output.tripped_voltage or output.tripped_current):
                raise ScpiError(-221, "protection has tripped; clear it first")
            self._on.put(channel, wanted)

    def _clear(self, call: Call) -> None:
        for channel in self._on.channels(call.parameters):
            self._outputs[channel] = _Output()

    def _is_on(self, channel: int) -> bool:
        """After what its protections have to say."""
        output = self._outputs[channel]
        if self._on.get(channel):
            voltage_v, _, limited = self._run(channel)
            output.tripped_voltage |= voltage_v > self._trip_v.get(channel)
            output.tripped_current |= limited and self._overcurrent.get(channel)
            if output.tripped_voltage or output.tripped_current:
                self._on.put(channel, False)
        return self._on.get(channel)

    def _now(self, channel: int) -> tuple[float, float, bool]:
        return self._run(channel) if self._is_on(channel) else (0.0, 0.0, False)

    def _run(self, channel: int) -> tuple[float, float, bool]:
        """Voltage in V, current in A, and whether that is limited, of an output that is on."""
        load, limit_a = self._loads.get(channel, _open), self._limit_a.get(channel)
        high_v = self._voltage_v.get(channel)
        if load(high_v) / 1000.0 <= limit_a:
            return high_v, load(high_v) / 1000.0, False
        low_v = 0.0
        for _ in range(BISECTIONS):
            middle_v = (low_v + high_v) / 2.0
            low_v, high_v = (middle_v, high_v) if load(middle_v) / 1000.0 <= limit_a else (low_v, middle_v)
        return low_v, limit_a, True

    def _tripped_voltage(self, channel: int) -> str:
        self._is_on(channel)
        return str(int(self._outputs[channel].tripped_voltage))

    def _tripped_current(self, channel: int) -> str:
        self._is_on(channel)
        return str(int(self._outputs[channel].tripped_current))

    def _measure_voltage(self, channel: int) -> str:
        return self._measured(self._now(channel)[0], HEADROOM * RATINGS[channel].voltage_v)

    def _measure_current(self, channel: int) -> str:
        return self._measured(self._now(channel)[1], HEADROOM * RATINGS[channel].current_a)

    def _measured(self, true: float, full_scale: float) -> str:
        measured = self._faults.measured(true, full_scale, self._now_s())
        return nr3(measured if abs(measured) <= full_scale else INFINITY)

    def _mode(self, call: Call) -> str:
        """0 off, 1 current limited, 2 regulated."""
        (channel,) = call.suffixes
        if not self._is_on(channel):
            return "0"
        return "1" if self._run(channel)[2] else "2"
