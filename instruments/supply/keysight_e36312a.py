"""Keysight E36312A (E36311A, E36313A): one of its three channels feeds what stands beside the meter.

E36300 Programming Guide E36311-90008: VOLT, CURR, OUTP, MEAS with a channel list; protection as in the E3632A User's
Guide, p. 88 to 91; operating mode as STATus:QUEStionable:INSTrument:ISUMmary tells it in the E364xA User's and Service
Guide, p. 120 (for this series unconfirmed).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from meterbench.errors import InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity, SupplyReading, SupplyStatus
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.instruments.supply.readings import numbers_twice

MODELS = ("E36311A", "E36312A", "E36313A")
OFF, CURRENT_LIMITED, REGULATED, FAILED = 0, 1, 2, 3
"""Operating mode of a channel (unconfirmed for this series); 0 also stands for unregulated."""
STEP_V, STEP_A = 1e-3, 1e-3
"""Set-points are read back to one of these (its own steps are finer)."""
STEADY_V, STEADY_A = 5e-3, 5e-3
"""Two readings of a steady load differ by no more; taken, not from the data sheet."""


class KeysightE36312ASettings(DriverSettings):
    """Which output, and where it protects what it feeds."""

    channel: int = Field(ge=1, le=3)
    overvoltage_v: float = Field(gt=0.0, le=27.5)
    """The output is switched off above."""


@dataclass(frozen=True, slots=True)
class _SetPoints:
    voltage_v: float
    limit_a: float


class KeysightE36312A:
    """A ``Supply``. Every set-point goes out again when the output is switched on, and is read back: a box that lost
    its supply in between does not feed with its defaults."""

    def __init__(self, link: VisaLink, settings: KeysightE36312ASettings) -> None:
        """``link`` is open; it belongs to the driver from now on."""
        self.role = link.role
        self.identity: Identity = link.identity
        self._link = link
        self._list = f"(@{settings.channel})"
        self._channel = settings.channel
        self._overvoltage_v = settings.overvoltage_v
        self._set: _SetPoints | None = None

    def set_output(self, voltage_v: float, current_limit_ma: float, resistance_ohm: float = 0.0) -> None:
        """Set-points and over-voltage protection, read back; ``InstrumentError`` for any ``resistance_ohm``, or where
        the box, or its protection, does not allow them."""
        asked = f"set_output({voltage_v:g} V, {current_limit_ma:g} mA, {resistance_ohm:g} ohm)"
        if resistance_ohm != 0.0:
            self._link.fail(InstrumentError, asked, "", "it cannot play an output resistance", "use another supply")
        if not (math.isfinite(voltage_v) and math.isfinite(current_limit_ma)):
            self._link.fail(InstrumentError, asked, "", "no numbers", "correct the request")
        if voltage_v > self._overvoltage_v:
            why = f"its over-voltage protection is set to {self._overvoltage_v:g} V"
            self._link.fail(InstrumentError, asked, "", why, "correct overvoltage_v in the station file")
        with self._link.lock:
            self._set = None
            self._send(_SetPoints(voltage_v, current_limit_ma / 1000.0), "")
            self._set = _SetPoints(voltage_v, current_limit_ma / 1000.0)

    def switch_on(self) -> None:
        """Feed; ``InstrumentError`` before any ``set_output``."""
        with self._link.lock:
            if self._set is None:
                self._link.fail(InstrumentError, "switch_on", "", "there is no set-point", "call set_output first")
            self._send(self._set, f";:OUTP ON,{self._list}")
            self._expect_output(on=True)

    def switch_off(self) -> None:
        """Stop feeding; read back."""
        with self._link.lock:
            self._link.write(f"OUTP OFF,{self._list}")
            self._expect_output(on=False)

    def make_safe(self) -> None:
        """Output off, read back."""
        self.switch_off()

    def status(self) -> SupplyStatus:
        """On, limiting, and which protections have tripped; ``InstrumentError`` if it reports a hardware failure."""
        on, mode, *trips = self._whole(
            {
                f"OUTP? {self._list}": 1,
                f"STAT:QUES:INST:ISUM{self._channel}:COND?": FAILED,
                f"VOLT:PROT:TRIP? {self._list}": 1,
                f"CURR:PROT:TRIP? {self._list}": 1,
            }
        )
        tripped = tuple(name for name, trip in zip(("over-voltage", "over-current"), trips, strict=True) if trip)
        if mode == FAILED:
            self._link.fail(InstrumentError, "STAT:QUES:INST:ISUM", str(mode), "hardware failure", "have it repaired")
        return SupplyStatus(on=bool(on), limiting=bool(on) and mode != REGULATED, tripped=tripped)

    def measure(self) -> SupplyReading:
        """Voltage and current, each the mean of two; ``ProtocolError`` while they are not steady."""
        with self._link.lock:
            voltage_v = self._link.query_measured(f"MEAS:VOLT? {self._list}", "voltage out of range", STEADY_V)
            current_a = self._link.query_measured(f"MEAS:CURR? {self._list}", "current out of range", STEADY_A)
        return SupplyReading(voltage_v, 1000.0 * current_a)

    def trace(self) -> Sequence[Exchange]:
        """The last 20 exchanges, oldest first."""
        return self._link.trace()

    def close(self) -> None:
        """Release the link; safe to call twice."""
        self._link.close()

    def _send(self, wanted: _SetPoints, then: str) -> None:
        values = {
            "VOLT:PROT": (self._overvoltage_v, STEP_V),
            "VOLT": (wanted.voltage_v, STEP_V),
            "CURR": (wanted.limit_a, STEP_A),
        }
        commands = (f"{header} {value:.4f},{self._list}" for header, (value, _) in values.items())
        self._link.write(";:".join(commands) + then)
        for header, (value, step) in values.items():
            query = f"{header}? {self._list}"
            numbers = self._link.query_numbers(query, "no limit")
            if len(numbers) != 1 or abs(numbers[0] - value) > step:
                self._link.fail(InstrumentError, query, str(numbers), f"{value:g} was set", "set it again")

    def _expect_output(self, *, on: bool) -> None:
        query = f"OUTP? {self._list}"
        (found,) = self._whole({query: 1})
        if found != on:
            wanted = "on" if on else "off"
            self._link.fail(InstrumentError, query, str(found), f"it did not switch {wanted}", "read its status")

    def _whole(self, queries: Mapping[str, int]) -> list[int]:
        """The whole number that each query answers, from 0 to its highest; all in one message, and twice the same."""
        numbers = numbers_twice(self._link, list(queries))
        for (query, highest), number in zip(queries.items(), numbers, strict=True):
            if number not in range(highest + 1):
                self._link.fail(ProtocolError, query, f"{number:g}", f"no whole number from 0 to {highest}", "repeat")
        return [int(number) for number in numbers]


def open_keysight_e36312a(place: Place, settings: KeysightE36312ASettings) -> KeysightE36312A:
    """Connect to the supply at ``tcp://host:5025`` or a VISA resource."""
    link = VisaLink(place.role, place.address, tape=place.tape)
    link.open(*MODELS)
    return KeysightE36312A(link, settings)
