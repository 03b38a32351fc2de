"""Rohde & Schwarz NGU201 (NGU401): a source and measure unit that stands for the meter's battery.

Commands by the tree of R&S RsNgx 3.1.0.49 and the manuals 1179.2531.02 (NGU, p. 139 current ranges, p. 182 FastLog)
and 1178.8736.02 (NGM, p. 166 status bits).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from meterbench.errors import InstrumentError
from meterbench.instruments.capabilities import (
    BatteryModel,
    CurrentLog,
    Exchange,
    Identity,
    SupplyReading,
    SupplyStatus,
)
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
    steady_numbers,
)
from meterbench.world.clock import Clock

MODELS = ("NGU201", "NGU401")
RATES_HZ = {"S001k": 1e3, "S010k": 10e3, "S050k": 50e3, "S100": 100e3, "S250k": 250e3, "S500k": 500e3}
"""FLOG:SRAT, in the spelling of the maker's own library."""
POLL_S = 0.5
SAMPLE = "<f4"
"""Byte order unconfirmed: in the other one no voltage would be plausible, and the log is refused."""
OHM_LIMITS = (-0.05, 100.0)
"""OUTP:IMP, by the maker's library."""
CURRENT_BIT, OVER_VOLTAGE_BIT, FUSE_BIT = 1 << 0, 1 << 9, 1 << 10
"""STATus:QUEStionable:INSTrument:ISUMmary: it regulates the current; what tripped."""
STEADY = ((2e-4, 1e-3), (5e-4, 2e-8))
"""V and A: how far two readings in a row may differ; about the box's accuracy (unconfirmed)."""
MOST_POINTS = 101
"""Of a battery model. Unconfirmed."""


class NguSettings(DriverSettings):
    """``settings`` of a supply section with ``driver = "rs_ngu201"``."""

    channel: Annotated[int, Field(ge=1, le=1)] = 1
    overvoltage_v: Annotated[float, Field(gt=0, le=MOST_VOLTAGE_V)] = MOST_VOLTAGE_V
    """The output trips above."""
    log_rate: Literal["S001k", "S010k", "S050k", "S100", "S250k", "S500k"] = "S001k"


class RsNgu201:
    """A ``BatteryEmulator``."""

    def __init__(self, link: VisaLink, clock: Clock, settings: NguSettings) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link
        self._clock = clock
        self._settings = settings
        self._protection = {
            "INST:NSEL?": float(settings.channel),
            "VOLT:PROT:LEV?": settings.overvoltage_v,
            "VOLT:PROT:STAT?": 1.0,
        }

    def set_output(self, voltage_v: float, current_limit_ma: float, resistance_ohm: float = 0.0) -> None:
        """Set-points, read back, protections first; ``InstrumentError`` beyond 600 mA, the over-voltage protection or
        -0.05 to 100 ohm. Ends playing a battery."""
        link = self._link
        check_rule(link, voltage_v, current_limit_ma, self._settings.overvoltage_v)
        if not OHM_LIMITS[0] <= resistance_ohm <= OHM_LIMITS[1]:
            refuse(link, f"{resistance_ohm:g} ohm is outside of {OHM_LIMITS[0]:g} to {OHM_LIMITS[1]:g} ohm")
        commands = [
            *self._protect(),
            "BATT:SIM:ENAB 0",
            f"CURR {1e-3 * current_limit_ma:.6f}",
            f"OUTP:IMP {resistance_ohm:.4f}",
            f"OUTP:IMP:STAT {int(resistance_ohm != 0.0)}",
            f"VOLT {voltage_v:.4f}",
        ]
        with link.lock:
            link.write(";:".join(commands))
            check_set_points(
                link,
                {
                    **self._protection,
                    "BATT:SIM:ENAB?": 0.0,
                    "CURR?": 1e-3 * current_limit_ma,
                    "OUTP:IMP?": resistance_ohm,
                    "OUTP:IMP:STAT?": float(resistance_ohm != 0.0),
                    "VOLT?": voltage_v,
                },
            )

    def play_battery(self, model: BatteryModel, state_of_charge_percent: float, current_limit_ma: float) -> None:
        """Load the model, set the charge, read both back; the output stays on or off as it is.

        ``InstrumentError`` for a model that is none, or that goes beyond the over-voltage protection.
        """
        link = self._link
        check_rule(link, max(model.open_circuit_v, default=-1.0), current_limit_ma, self._settings.overvoltage_v)
        points = _points(link, model, state_of_charge_percent)
        limit_a = 1e-3 * current_limit_ma
        commands = [
            *self._protect(),
            "BATT:SIM:ENAB 0",
            "BATT:MOD:CLE",
            "BATT:MOD:DATA " + ",".join(f"{figure:.6g}" for figure in points),
            f"BATT:MOD:CAP {model.capacity_ah:.6g}",
            f"BATT:MOD:ISOC {state_of_charge_percent:.4f}",
            *(f"BATT:MOD:CURR:LIM:{at} {limit_a:.6f}" for at in ("EOD", "REG", "EOC")),
            f"CURR {limit_a:.6f}",
            f"BATT:MOD:TRAN {self._settings.channel}",
        ]
        with link.lock:
            link.write(";:".join(commands))
            told = link.query("BATT:MOD:DATA?;:BATT:MOD:DATA?").split(";")
            if told[0] != told[-1] or not _same(told[0], points):
                link.fail(InstrumentError, "BATT:MOD:DATA?", told[0], "not the model it was given", "load it again")
            check_set_points(link, {"BATT:MOD:CAP?": model.capacity_ah, "BATT:MOD:ISOC?": state_of_charge_percent})
            link.write("BATT:SIM:ENAB 1")
            check_set_points(
                link,
                {
                    **self._protection,
                    "CURR?": limit_a,
                    "BATT:MOD:CURR:LIM:REG?": limit_a,
                    "BATT:SIM:ENAB?": 1.0,
                },
            )

    def state_of_charge_percent(self) -> float:
        """What the played battery still holds; ``InstrumentError`` if none is played."""
        with self._link.lock:
            if numbers_twice(self._link, ["BATT:SIM:ENAB?"]) != [1.0]:
                self._link.fail(InstrumentError, "BATT:SIM:ENAB?", "0", "it plays no battery", "play_battery first")
            return steady_numbers(self._link, "BATT:SIM:SOC?", ((0.0, 1e-3),))[0]

    def switch_on(self) -> None:
        """``InstrumentError`` unless the protections and the limit are as they must be: ``set_output`` first, and again
        if the box has lost its supply since."""
        link = self._link
        with link.lock:
            check_set_points(link, self._protection)
            limit_a = numbers_twice(link, ["CURR?"])[0]
            if limit_a > 1e-3 * MOST_CURRENT_MA * 1.001:
                link.fail(InstrumentError, "CURR?", f"{limit_a:g}", "its limit is too high", "set_output first")
            link.write(f"INST:NSEL {self._settings.channel};:OUTP:STAT 1;:OUTP:GEN 1")
            if not self.status().on:
                link.fail(InstrumentError, "OUTP:STAT?", "0", "the output is off again", "see status for what tripped")

    def switch_off(self) -> None:
        """Read back; ``InstrumentError`` if it stays on."""
        link = self._link
        with link.lock:
            link.write(f"INST:NSEL {self._settings.channel};:OUTP:STAT 0")
            if numbers_twice(link, ["OUTP:STAT?"]) != [0.0]:
                link.fail(InstrumentError, "OUTP:STAT?", "1", "the output stays on", "pull its leads")

    def make_safe(self) -> None:
        """Output off, read back."""
        self.switch_off()

    def status(self) -> SupplyStatus:
        """Output, limit and trips, as the box reports them."""
        queries = ("OUTP:STAT?", "VOLT:PROT:TRIP?", "FUSE:TRIP?", "STAT:QUES:INST:ISUM1:COND?")
        on, over_voltage, fuse, bits = map(int, numbers_twice(self._link, queries))
        tripped = {
            "over-voltage": over_voltage or bits & OVER_VOLTAGE_BIT,
            "fuse": fuse or bits & FUSE_BIT,
        }
        return SupplyStatus(bool(on), bool(bits & CURRENT_BIT), tuple(name for name, is_so in tripped.items() if is_so))

    def measure(self) -> SupplyReading:
        """Two readings that agree; ``InstrumentError`` for an overload, or if the current is not steady."""
        with self._link.lock:
            self._link.write(";:".join(self._sense()))
            voltage_v, current_a = steady_numbers(self._link, "READ?", STEADY)
        return SupplyReading(voltage_v, 1e3 * current_a)

    def log(self, duration_s: float) -> CurrentLog:
        """FastLog at the rate of the settings."""
        link, rate = self._link, self._settings.log_rate
        box = BoxLog(
            period_s=1.0 / RATES_HZ[rate],
            poll_s=POLL_S,
            start=lambda: link.write("FLOG:STAT 1"),
            fetch=self._fetch,
            stop=lambda: link.write("FLOG:STAT 0"),
            status=self.status,
        )
        with link.lock:
            link.write(";:".join(["FLOG:STAT 0", *self._sense(), "FLOG:TARG SCPI", f"FLOG:SRAT {rate}"]))
            told = link.query("FLOG:TARG?;:FLOG:SRAT?")
            if told.upper() != f"SCPI;{rate}".upper():
                link.fail(InstrumentError, "FLOG:TARG?;:FLOG:SRAT?", told, f"not SCPI at {rate}", "log again")
            return record(link, self._clock, box, duration_s, self._settings.overvoltage_v)

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()

    def _protect(self) -> list[str]:
        return [
            f"INST:NSEL {self._settings.channel}",
            f"VOLT:PROT:LEV {self._settings.overvoltage_v:.4f}",
            "VOLT:PROT:STAT 1",
            *self._sense(),
        ]

    @staticmethod
    def _sense() -> list[str]:
        """Without the second one its two lowest ranges are never used: *RST stops at 1 mA."""
        return ["SENS:CURR:RANG:AUTO 1", "SENS:CURR:RANG:AUTO:DOWN:MIN 10E-6"]

    def _fetch(self) -> NDArray[np.float64]:
        asked = "FLOG:DATA?"
        return pairs(self._link, asked, self._link.query_block(asked), SAMPLE) * (1.0, 1e3)


def _points(link: VisaLink, model: BatteryModel, charge_percent: float) -> list[float]:
    """State of charge, voltage and resistance of each point; refused if they make no battery."""
    charges = model.state_of_charge_percent
    whole = len(charges) == len(model.open_circuit_v) == len(model.resistance_ohm)
    if not whole or not 2 <= len(charges) <= MOST_POINTS or list(charges) != sorted(set(charges)):
        refuse(link, f"a battery model needs 2 to {MOST_POINTS} points of rising charge, three figures each")
    if charges[0] != 0.0 or charges[-1] != 100.0 or not all(charge == round(charge) for charge in charges):
        refuse(link, "a battery model goes from 0 to 100 percent in whole percents")
    if min(model.open_circuit_v) < 0.0 or not all(0.0 <= ohm <= OHM_LIMITS[1] for ohm in model.resistance_ohm):
        refuse(link, f"a battery model has positive voltages, and 0 to {OHM_LIMITS[1]:g} ohm")
    if not model.capacity_ah > 0.0 or not 0.0 <= charge_percent <= 100.0:
        refuse(link, f"a battery of {model.capacity_ah:g} Ah cannot hold {charge_percent:g} %")
    return [
        figure for point in zip(charges, model.open_circuit_v, model.resistance_ohm, strict=True) for figure in point
    ]


def _same(told: str, points: Sequence[float]) -> bool:
    try:
        found = [float(field) for field in told.split(",")]
    except ValueError:
        return False
    return len(found) == len(points) and bool(np.allclose(found, points, rtol=1e-4, atol=1e-6))


def open_rs_ngu201(place: Place, settings: NguSettings) -> RsNgu201:
    """Connect to the supply at ``tcp://host:5025`` or a VISA resource."""
    link = VisaLink(place.role, place.address, tape=place.tape)
    link.open(*MODELS)
    return RsNgu201(link, place.clock, settings)
