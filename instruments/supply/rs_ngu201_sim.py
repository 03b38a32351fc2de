"""Simulated R&S NGU201: one channel that feeds, measures, logs and plays a battery.

By the tree of R&S RsNgx 3.1.0.49 and the manual 1179.2531.02 (NGU); figures marked so are unconfirmed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from meterbench.instruments.scpi.core import Call, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import Boolean, Choice, Integer, Number, block, nr3
from meterbench.instruments.supply.acting_settings import ActingSettings
from meterbench.instruments.supply.fed_load import Load
from meterbench.instruments.supply.power_stage import OVERLOAD, Accuracy, PlayedBattery, PowerStage, Sense

ACCURACY = Accuracy(
    set_part=2e-4,
    set_v=1e-3,
    ranges_ma=(0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 3000.0, 8000.0),
    gain_part=2.5e-4,
    offset_part=2e-4,
    noise_part=1e-4,
    noise_v=2e-5,
)
"""Unconfirmed, all of it."""
RATES_HZ = {"S001K": 1e3, "S010K": 10e3, "S050K": 50e3, "S100": 100e3, "S250K": 250e3, "S500K": 500e3}
FIFO_S = 10.0
"""Unconfirmed: how long FastLog data waits for its client."""
CURRENT, VOLTAGE, OVER_VOLTAGE, FUSE = 1 << 0, 1 << 1, 1 << 9, 1 << 10
"""Bits of STATus:QUEStionable:INSTrument:ISUMmary1 (NGM manual p. 166): regulates current, voltage; what tripped."""
MOST_POINTS = 101
MOST_AT_ONCE = 50_000
"""Samples in one answer."""
HANDED_OVER_V, HANDED_OVER_A = 3.6, 0.6


class RsNgu201Sim:
    """Handed over switched on at 3.6 V, as a laboratory hands over a meter that runs; off after ``*RST``."""

    def __init__(
        self,
        load: Load,
        now_s: Callable[[], float],
        rng: np.random.Generator,
        *,
        sense: Sense = lambda true, _: true,
        serial: str = "101234",
    ) -> None:
        """``now_s`` is the world's time, ``rng`` draws the unit's errors and its noise."""
        self.scpi = ScpiInstrument(f"Rohde&Schwarz,NGU201,3639.3763k03/{serial},03.068", self._reset)
        self.stage = PowerStage(load, now_s, rng, ACCURACY, sense)
        self._tripped = 0
        self._model: list[float] = []
        self._settings = ActingSettings(self.scpi, self._act)
        self._add_output()
        self._add_measuring()
        self._add_battery()
        self._volts.put(HANDED_OVER_V)
        self._amperes.put(HANDED_OVER_A)
        self._act()
        self.stage.switch(True)

    def _add_output(self) -> None:
        scpi, add = self.scpi, self._settings.add
        scpi.setting("INSTrument:NSELect", Integer(1, 1), 1)
        self._volts = add("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", Number(0, 20, "V"), 0.0)
        self._amperes = add("[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]", Number(0.001, 8, "A"), 0.1)
        self._ohms = add("OUTPut:IMPedance[:LEVel]", Number(-0.05, 100.0, "OHM"), 0.0)
        self._with_ohms = add("OUTPut:IMPedance:STATe", Boolean(), False)
        self._trips_at_v = add("[SOURce:]VOLTage:PROTection:LEVel", Number(0, 22, "V"), 22.0)
        self._trips = add("[SOURce:]VOLTage:PROTection:STATe", Boolean(), False)
        self._fuse = add("FUSE[:STATe]", Boolean(), False)
        scpi.command("OUTPut[:STATe]", self._switch, least=1)
        scpi.command("OUTPut[:STATe]?", lambda _: str(int(self.stage.on)))
        scpi.setting("OUTPut:GENeral[:STATe]", Boolean(), True)
        scpi.command("[SOURce:]VOLTage:PROTection:TRIPped?", lambda _: str(int(bool(self._tripped & OVER_VOLTAGE))))
        scpi.command("[SOURce:]VOLTage:PROTection:CLEar", self._clear_trips)
        scpi.command("FUSE:TRIPped?", lambda _: str(int(bool(self._tripped & FUSE))))
        scpi.command("FUSE:TRIPped:CLEar", self._clear_trips)
        scpi.command("STATus:QUEStionable:INSTrument:ISUMmary<1>:CONDition?", lambda _: str(self._questionable()))

    def _add_measuring(self) -> None:
        scpi, add = self.scpi, self._settings.add
        self._auto = add("[SENSe:]CURRent:RANGe:AUTO[:STATe]", Boolean(), True)
        self._range_a = add("[SENSe:]CURRent:RANGe[:UPPer]", Number(0, 8, "A"), 8.0)
        self._lowest_a = add("[SENSe:]CURRent:RANGe:AUTO:DOWN:MINimum", Number(10e-6, 0.1, "A"), 1e-3)
        scpi.setting("[SENSe:]NPLCycles", Number(0.01, 10.0), 1.0)
        scpi.command("MEASure[:SCALar]:VOLTage[:DC]?", lambda _: nr3(self.stage.measure()[0], 6))
        scpi.command("MEASure[:SCALar]:CURRent[:DC]?", lambda _: nr3(_amperes(self.stage.measure()[1]), 6))
        scpi.command("READ?", self._read)
        self._rate = scpi.setting("FLOG:SRATe", Choice(*RATES_HZ), "S500K")
        self._target = scpi.setting("FLOG:TARGet", Choice("SCPI", "USB"), "USB")
        scpi.command("FLOG[:STATe]", self._log, least=1)
        scpi.command("FLOG[:STATe]?", lambda _: str(int(self.stage.logging)))
        scpi.command("FLOG:DATA?", self._log_data)

    def _add_battery(self) -> None:
        scpi, add = self.scpi, self._settings.add
        self._plays = add("BATTery:SIMulator[:ENABle]", Boolean(), False)
        self._capacity_ah = scpi.setting("BATTery:MODel:CAPacity", Number(1e-6, 1e4, "AH"), 1.0)
        self._regular_a = add("BATTery:MODel:CURRent:LIMit:REGular", Number(0.001, 8, "A"), 8.0)
        scpi.setting("BATTery:MODel:CURRent:LIMit:EOD", Number(0.001, 8, "A"), 8.0)
        scpi.setting("BATTery:MODel:CURRent:LIMit:EOC", Number(0.001, 8, "A"), 8.0)
        self._initial_percent = scpi.setting("BATTery:MODel:ISOC", Number(0, 100), 100.0)
        scpi.command("BATTery:MODel:DATA", self._take_model, least=3, most=3 * MOST_POINTS)
        scpi.command("BATTery:MODel:DATA?", lambda _: ",".join(nr3(figure, 6) for figure in self._model))
        scpi.command("BATTery:MODel:CLEar", lambda _: self._model.clear())
        scpi.command("BATTery:MODel:TRANsfer", lambda call: _only(Integer(1, 1).parse(call.parameters[0])), least=1)
        scpi.command("BATTery:SIMulator:SOC?", lambda _: nr3(self._playing().charge_percent, 6))
        scpi.command("BATTery:SIMulator:VOC?", lambda _: nr3(self._playing().open_v, 6))
        scpi.command("BATTery:SIMulator:RESistance?", lambda _: nr3(self._playing().resistance_ohm, 6))

    def sample(self) -> None:
        """After each step of the world."""
        self.stage.step()
        if self._fuse.get() and self.stage.limiting:
            self._trip(FUSE)

    def _act(self) -> None:
        """Settings take effect."""
        stage = self.stage
        plays = self._plays.get()
        if plays and stage.battery is None:
            if not self._model:
                self._plays.put(False)
                raise ScpiError(-221, "no battery model")
            points = [tuple(self._model[column::3]) for column in range(3)]
            stage.play(PlayedBattery(1e3 * self._capacity_ah.get(), *points), self._initial_percent.get())
        elif not plays and stage.battery is not None:
            stage.play(None)
        stage.lowest_ma = 1e3 * self._lowest_a.get()
        stage.fixed_ma = None if self._auto.get() else 1e3 * self._range_a.get()
        limit_a = min(self._regular_a.get(), self._amperes.get()) if plays else self._amperes.get()
        stage.set(self._volts.get(), 1e3 * limit_a, self._ohms.get() if self._with_ohms.get() else 0.0)
        self._watch_voltage()

    def _watch_voltage(self) -> None:
        volts = self.stage.open_v if self._plays.get() else self._volts.get()
        if self.stage.on and self._trips.get() and volts > self._trips_at_v.get():
            self._trip(OVER_VOLTAGE)

    def _trip(self, cause: int) -> None:
        self._tripped |= cause
        self.stage.switch(False)

    def _clear_trips(self, _: Call) -> None:
        self._tripped = 0

    def _switch(self, call: Call) -> None:
        on = Boolean().parse(call.parameters[0])
        if on and self._tripped:
            raise ScpiError(-221, "protection tripped")
        self.stage.switch(on)
        self._watch_voltage()

    def _questionable(self) -> int:
        limiting = self.stage.limiting
        return self._tripped | (CURRENT if limiting else VOLTAGE if self.stage.on else 0)

    def _read(self, _: Call) -> str:
        volts, current_ma = self.stage.measure()
        return f"{nr3(volts, 6)},{nr3(_amperes(current_ma), 6)}"

    def _log(self, call: Call) -> None:
        if not Boolean().parse(call.parameters[0]):
            self.stage.stop_log()
        elif self._target.get() != "SCPI":
            raise ScpiError(-221, "no USB stick")
        else:
            rate_hz = RATES_HZ[self._rate.get()]
            self.stage.start_log(1.0 / rate_hz, round(FIFO_S * rate_hz))

    def _log_data(self, _: Call) -> str:
        volts, currents_ma = self.stage.fetch_log(MOST_AT_ONCE)
        pairs = np.column_stack([volts, np.where(currents_ma >= OVERLOAD, OVERLOAD, currents_ma * 1e-3)])
        return block(pairs.astype("<f4").tobytes())

    def _take_model(self, call: Call) -> None:
        if len(call.parameters) % 3:
            raise ScpiError(-109)
        kinds = (Number(0, 100), Number(0, 20, "V"), Number(0, 100, "OHM"))
        model = [kinds[number % 3].parse(text) for number, text in enumerate(call.parameters)]
        if model[::3] != sorted(set(model[::3])):
            raise ScpiError(-224, "states of charge must rise")
        self._model = model

    def _playing(self) -> PowerStage:
        if not self._plays.get():
            raise ScpiError(-221, "no battery is simulated")
        return self.stage

    def _reset(self) -> None:
        self.stage.switch(False)
        self.stage.stop_log()
        self.stage.play(None)
        self._model = []
        self._tripped = 0
        self._settings.reset()
        self._act()


def _amperes(current_ma: float) -> float:
    return OVERLOAD if current_ma >= OVERLOAD else 1e-3 * current_ma


def _only(_: int) -> None:
    """The one channel there is."""
