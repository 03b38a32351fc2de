"""Simulated Keysight N6705C with an N6781A in slot 1: feeds, measures, and logs through its external data log.

N6700/N6705 User's Guide and N6700C programming manual p. 143-145; figures marked so are unconfirmed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from meterbench.instruments.scpi.core import Call, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import Boolean, Choice, Integer, Number, block, nr3
from meterbench.instruments.supply.acting_settings import ActingSettings
from meterbench.instruments.supply.fed_load import Load
from meterbench.instruments.supply.power_stage import OVERLOAD, Accuracy, PowerStage, Sense

ACCURACY = Accuracy(
    set_part=2.5e-4,
    set_v=6e-4,
    ranges_ma=(0.01, 1.0, 100.0, 3000.0),
    gain_part=2.5e-4,
    offset_part=3e-4,
    noise_part=3.9e-5,
    noise_v=2e-5,
)
"""Noise: 38.8 nA at 1 ms in the 1 mA range (N6700 specifications guide p. 52, of the N6785A). The rest unconfirmed."""
FIFO_S = 20.0
"""What the data log keeps until it is fetched (N6700 User's Guide p. 91)."""
SHORTEST_S = 102.4e-6
"""Of a period, for each parameter that is logged."""
STEP_S = 20.48e-6
OVER_VOLTAGE, LIMITING = 1 << 0, 1 << 7
"""Bits of STATus:QUEStionable: OV, LIM+ (unconfirmed)."""
CONSTANT_VOLTAGE, CONSTANT_CURRENT, OFF = 1, 2, 4
"""Bits of STATus:OPERation: CV, CC, OFF (unconfirmed)."""
MOST_RECORDS = 16_384
HANDED_OVER_V, HANDED_OVER_A = 3.6, 0.6
MOST_OHM = 1.0


class KeysightN6705CSim:
    """Handed over switched on at 3.6 V, as a laboratory hands over a meter that runs; off after ``*RST``."""

    def __init__(
        self,
        load: Load,
        now_s: Callable[[], float],
        rng: np.random.Generator,
        *,
        sense: Sense = lambda true, _: true,
        serial: str = "MY53001234",
    ) -> None:
        """``now_s`` is the world's time, ``rng`` draws the unit's errors and its noise."""
        self.scpi = scpi = ScpiInstrument(f"Keysight Technologies,N6705C,{serial},E.02.07.3260", self._reset)
        self.stage = PowerStage(load, now_s, rng, ACCURACY, sense)
        self._tripped = False
        self._armed = False
        self._last = (0.0, 0.0)
        settings = self._settings = ActingSettings(scpi, self._act, highest=4)
        add, command = settings.add, settings.command
        self._volts = add("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", Number(0, 20, "V"), 0.0)
        self._amperes = add("[SOURce:]CURRent:LIMit[:POSitive][:IMMediate][:AMPLitude]", Number(0, 3, "A"), 0.01)
        self._trips_at_v = add("[SOURce:]VOLTage:PROTection[:LOCal][:LEVel]", Number(0, 24, "V"), 22.0)
        self._ohms = add("[SOURce:]RESistance[:LEVel][:IMMediate][:AMPLitude]", Number(-0.04, MOST_OHM, "OHM"), 0.0)
        self._with_ohms = add("[SOURce:]RESistance:STATe", Boolean(), False)
        self._plays = add("[SOURce:]EMULation", Choice("PS4Q", "PS2Q", "PS1Q", "BATTery", "CHARger"), "PS4Q")
        self._auto = add("SENSe:CURRent[:DC]:RANGe:AUTO", Boolean(), False)
        command("SYSTem:CHANnel:MODel?", lambda _: '"N6781A"')
        command("OUTPut[:STATe]", self._switch, least=1)
        command("OUTPut[:STATe]?", lambda _: str(int(self.stage.on)))
        command("OUTPut:PROTection:CLEar", self._clear)
        command("STATus:QUEStionable:CONDition?", lambda _: str(self._questionable()))
        command("STATus:OPERation:CONDition?", lambda _: str(self._operation()))
        command("MEASure[:SCALar]:CURRent[:DC]?", self._measure)
        command("FETCh[:SCALar]:CURRent[:DC]?", lambda _: nr3(self._last[1], 6))
        command("FETCh[:SCALar]:VOLTage[:DC]?", lambda _: nr3(self._last[0], 6))
        scpi.setting("FORMat[:DATA]", Choice("ASCii", "REAL"), "ASC")
        self._border = scpi.setting("FORMat:BORDer", Choice("NORMal", "SWAPped"), "NORM")
        self._log_current = add("SENSe:ELOG:FUNCtion:CURRent", Boolean(), False)
        self._log_voltage = add("SENSe:ELOG:FUNCtion:VOLTage", Boolean(), False)
        add("SENSe:ELOG:FUNCtion:CURRent:MINMax", Boolean(), False)
        add("SENSe:ELOG:FUNCtion:VOLTage:MINMax", Boolean(), False)
        self._period_s = add("SENSe:ELOG:PERiod", _Period(), 0.1)
        add("TRIGger:TRANsient:SOURce", Choice("BUS", "EXTernal", "IMMediate"), "BUS")
        command("INITiate[:IMMediate]:ELOG", self._arm)
        command("TRIGger:ELOG[:IMMediate]", self._start)
        command("ABORt:ELOG", self._abort)
        command("FETCh:ELOG?", self._fetch, least=1)
        self._volts.put(HANDED_OVER_V)
        self._amperes.put(HANDED_OVER_A)
        self._act()
        self.stage.switch(True)

    def sample(self) -> None:
        """After each step of the world."""
        self.stage.step()

    def _act(self) -> None:
        stage = self.stage
        stage.lowest_ma = 0.0 if self._auto.get() else 3000.0
        stage.set(self._volts.get(), 1e3 * self._amperes.get(), self._ohms.get() if self._with_ohms.get() else 0.0)
        self._watch_voltage()

    def _watch_voltage(self) -> None:
        if self.stage.on and self._volts.get() > self._trips_at_v.get():
            self._tripped = True
            self.stage.switch(False)

    def _clear(self, _: Call) -> None:
        self._tripped = False

    def _switch(self, call: Call) -> None:
        on = Boolean().parse(call.parameters[0])
        if on and self._tripped:
            raise ScpiError(-221, "protection tripped")
        self.stage.switch(on)
        self._watch_voltage()

    def _questionable(self) -> int:
        return (OVER_VOLTAGE if self._tripped else 0) | (LIMITING if self.stage.limiting else 0)

    def _operation(self) -> int:
        if not self.stage.on:
            return OFF
        return CONSTANT_CURRENT if self.stage.limiting else CONSTANT_VOLTAGE

    def _measure(self, _: Call) -> str:
        volts, current_ma = self.stage.measure()
        self._last = (volts, OVERLOAD if current_ma >= OVERLOAD else 1e-3 * current_ma)
        return nr3(self._last[1], 6)

    def _arm(self, _: Call) -> None:
        logged = self._log_current.get() + self._log_voltage.get()
        if logged == 0 or self._period_s.get() < logged * SHORTEST_S * (1.0 - 1e-6):
            raise ScpiError(-221, "data log")
        self._armed = True

    def _start(self, _: Call) -> None:
        if not self._armed:
            raise ScpiError(-221, "data log is not initiated")
        period_s = self._period_s.get()
        self.stage.start_log(period_s, round(FIFO_S / period_s))
        self._armed = False

    def _abort(self, _: Call) -> None:
        self._armed = False
        self.stage.stop_log()

    def _fetch(self, call: Call) -> str:
        volts, currents_ma = self.stage.fetch_log(Integer(1, MOST_RECORDS).parse(call.parameters[0]))
        currents = np.where(currents_ma >= OVERLOAD, OVERLOAD, 1e-3 * currents_ma)
        columns = [currents] * self._log_current.get() + [volts] * self._log_voltage.get()
        return block(np.column_stack(columns).astype(">f4" if self._border.get() == "NORM" else "<f4").tobytes())

    def _reset(self) -> None:
        self.stage.switch(False)
        self.stage.stop_log()
        self._tripped = self._armed = False
        self._settings.reset()
        self._act()


class _Period(Number):
    """A period, rounded up to what the clock can divide."""

    def __init__(self) -> None:
        super().__init__(SHORTEST_S, 60.0, "S")

    def parse(self, text: str) -> float:
        return round(super().parse(text) / STEP_S) * STEP_S
