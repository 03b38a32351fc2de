"""Keysight N6705C (N6705B) with an N6781A module: a supply that logs what the meter draws, without a gap.

N6700/N6705 User's Guide p. 64 and 91, N6700C programming manual p. 143-145.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from meterbench.errors import ConfigError, InstrumentError
from meterbench.instruments.capabilities import CurrentLog, Exchange, Identity, SupplyReading, SupplyStatus
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.instruments.supply.fast_log import BoxLog, pairs, record
from meterbench.instruments.supply.readings import (
    MOST_CURRENT_MA,
    MOST_VOLTAGE_V,
    check_rule,
    check_set_points,
    numbers_twice,
    refuse,
)
from meterbench.world.clock import Clock

MODELS = ("N6705C", "N6705B")
MODULES = ("N6781A",)
OHM_LIMITS = (-0.04, 1.0)
"""RES in voltage priority (User's Guide p. 64)."""
SHORTEST_PERIOD_S = 2 * 102.4e-6
"""For the two parameters that are logged."""
PERIOD_STEP_S = 20.48e-6
POLL_S = 1.0
"""Its buffer holds about 20 s, and what is not fetched by then is overwritten."""
MOST_RECORDS = 16_384
SAMPLE = ">f4"
"""After FORM:BORD NORM (on a Keysight the most significant byte first, unconfirmed): in the other order no voltage
would be plausible, and the log is refused."""
OVER_VOLTAGE_BIT, OVER_CURRENT_BIT, OVER_TEMPERATURE_BIT = 1 << 0, 1 << 1, 1 << 4
LIMIT_BIT = 1 << 7
"""STATus:QUEStionable. Unconfirmed."""
CONSTANT_CURRENT_BIT = 1 << 1
"""STATus:OPERation. Unconfirmed."""


class N6705Settings(DriverSettings):
    """``settings`` of a supply section with ``driver = "keysight_n6705c"``."""

    channel: Annotated[int, Field(ge=1, le=4)] = 1
    overvoltage_v: Annotated[float, Field(gt=0, le=MOST_VOLTAGE_V)] = MOST_VOLTAGE_V
    """The output trips above."""
    log_period_s: Annotated[float, Field(ge=SHORTEST_PERIOD_S, le=1.0)] = 50 * PERIOD_STEP_S
    """Rounded to 20.48 us."""


class KeysightN6705C:
    """A ``CurrentLogger``."""

    def __init__(self, link: VisaLink, clock: Clock, settings: N6705Settings) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link
        self._clock = clock
        self._settings = settings
        self._at = f"(@{settings.channel})"

    def set_output(self, voltage_v: float, current_limit_ma: float, resistance_ohm: float = 0.0) -> None:
        """Set-points, read back, protections first; ``InstrumentError`` beyond 600 mA, the over-voltage protection or
        -0.04 to 1 ohm: an aged lithium cell has more."""
        link, at = self._link, self._at
        check_rule(link, voltage_v, current_limit_ma, self._settings.overvoltage_v)
        if not OHM_LIMITS[0] <= resistance_ohm <= OHM_LIMITS[1]:
            refuse(
                link,
                f"{resistance_ohm:g} ohm is outside of {OHM_LIMITS[0]:g} to {OHM_LIMITS[1]:g} ohm; "
                "a cell that has more is played with a resistor box in series",
            )
        set_points = {
            "VOLT:PROT": self._settings.overvoltage_v,
            "CURR:LIM": 1e-3 * current_limit_ma,
            "RES": resistance_ohm,
            "RES:STAT": float(resistance_ohm != 0.0),
            "VOLT": voltage_v,
        }
        with link.lock:
            if link.query(f"EMUL? {at}").upper()[:4] != "BATT":
                link.write(f"EMUL BATT,{at}")
            commands = [f"{header} {setting:.6g},{at}" for header, setting in set_points.items()]
            link.write(";:".join([*commands, f"SENS:CURR:RANG:AUTO 1,{at}"]))
            check_set_points(link, {f"{header}? {at}": setting for header, setting in set_points.items()})

    def switch_on(self) -> None:
        """``InstrumentError`` unless protection and limit are as they must be: ``set_output`` first, and again if the
        box has lost its supply since."""
        link, at = self._link, self._at
        with link.lock:
            check_set_points(link, {f"VOLT:PROT? {at}": self._settings.overvoltage_v})
            limit_a = numbers_twice(link, [f"CURR:LIM? {at}"])[0]
            if limit_a > 1e-3 * MOST_CURRENT_MA * 1.001:
                link.fail(InstrumentError, "CURR:LIM?", f"{limit_a:g}", "its limit is too high", "set_output first")
            link.write(f"OUTP 1,{at}")
            if not self.status().on:
                link.fail(InstrumentError, f"OUTP? {at}", "0", "the output is off again", "see status for what tripped")

    def switch_off(self) -> None:
        """Read back; ``InstrumentError`` if it stays on."""
        link, at = self._link, self._at
        with link.lock:
            link.write(f"OUTP 0,{at}")
            if numbers_twice(link, [f"OUTP? {at}"]) != [0.0]:
                link.fail(InstrumentError, f"OUTP? {at}", "1", "the output stays on", "pull its leads")

    def make_safe(self) -> None:
        """Output off, read back."""
        self.switch_off()

    def status(self) -> SupplyStatus:
        """Output, limit and trips, as the box reports them."""
        at = self._at
        queries = (f"OUTP? {at}", f"STAT:QUES:COND? {at}", f"STAT:OPER:COND? {at}")
        on, questionable, operation = map(int, numbers_twice(self._link, queries))
        bits = {
            "over-voltage": OVER_VOLTAGE_BIT,
            "over-current": OVER_CURRENT_BIT,
            "over-temperature": OVER_TEMPERATURE_BIT,
        }
        limiting = bool(questionable & LIMIT_BIT or operation & CONSTANT_CURRENT_BIT)
        return SupplyStatus(bool(on), limiting, tuple(name for name, bit in bits.items() if questionable & bit))

    def measure(self) -> SupplyReading:
        """One reading, fetched twice; ``InstrumentError`` for an overload."""
        link, at = self._link, self._at
        with link.lock:
            link.query(f"SENS:CURR:RANG:AUTO 1,{at};:MEAS:CURR? {at}")
            (current_a,) = link.query_numbers(f"FETC:CURR? {at}", infinity_means="the current is beyond its range")
            (voltage_v,) = link.query_numbers(f"FETC:VOLT? {at}", infinity_means="the voltage is beyond its range")
        return SupplyReading(voltage_v, 1e3 * current_a)

    def log(self, duration_s: float) -> CurrentLog:
        """External data log at the period of the settings."""
        link, at = self._link, self._at
        period_s = round(self._settings.log_period_s / PERIOD_STEP_S) * PERIOD_STEP_S
        box = BoxLog(
            period_s=period_s,
            poll_s=POLL_S,
            start=lambda: link.write(f"INIT:ELOG {at};:TRIG:ELOG {at}"),
            fetch=self._fetch,
            stop=lambda: link.write(f"ABOR:ELOG {at}"),
            status=self.status,
        )
        commands = (
            f"ABOR:ELOG {at}",
            f"SENS:CURR:RANG:AUTO 1,{at}",
            f"SENS:ELOG:FUNC:CURR 1,{at}",
            f"SENS:ELOG:FUNC:VOLT 1,{at}",
            f"SENS:ELOG:FUNC:CURR:MINM 0,{at}",
            f"SENS:ELOG:FUNC:VOLT:MINM 0,{at}",
            f"SENS:ELOG:PER {period_s:.8g},{at}",
            f"TRIG:TRAN:SOUR BUS,{at}",
            "FORM REAL",
            "FORM:BORD NORM",
        )
        with link.lock:
            link.write(";:".join(commands))
            (told_s,) = numbers_twice(link, [f"SENS:ELOG:PER? {at}"])
            if abs(told_s - period_s) > 1e-4 * period_s:
                link.fail(InstrumentError, "SENS:ELOG:PER?", f"{told_s:g}", f"not {period_s:g} s", "set another period")
            return record(link, self._clock, box, duration_s, self._settings.overvoltage_v)

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()

    def _fetch(self) -> NDArray[np.float64]:
        """A record is the current, then the voltage."""
        asked = f"FETC:ELOG? {MOST_RECORDS},{self._at}"
        return pairs(self._link, asked, self._link.query_block(asked), SAMPLE)[:, ::-1] * (1.0, 1e3)


def open_keysight_n6705c(place: Place, settings: N6705Settings) -> KeysightN6705C:
    """Connect to the mainframe at ``tcp://host:5025`` or a VISA resource; ``ConfigError`` without the right module."""
    link = VisaLink(place.role, place.address, tape=place.tape)
    link.open(*MODELS)
    asked = f"SYST:CHAN:MOD? (@{settings.channel})"
    try:
        if (module := link.query(asked).strip('"')) not in MODULES:
            why = f"no {' or '.join(MODULES)} in channel {settings.channel}"
            link.fail(ConfigError, asked, module, why, "correct the station file")
    except BaseException:
        link.close()
        raise
    return KeysightN6705C(link, place.clock, settings)
