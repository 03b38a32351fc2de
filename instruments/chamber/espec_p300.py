"""ESPEC climate chambers with a P-300 or SCP-220 controller (instruments.md 3.3)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from meterbench.errors import BenchError, DeadlineExceeded, InstrumentError
from meterbench.instruments.capabilities import ChamberStatus, Exchange, Identity
from meterbench.instruments.chamber.agreement import (
    NOT_MEASURED_PERCENT,
    agreed_humidity_percent,
    agreed_temp_c,
    refuse_broken_sensor,
    refuse_humidity,
    twice_running,
)
from meterbench.instruments.chamber.p300 import ACCEPTED, CONSTANT, IDLE_MODES, OFF, REFUSALS, REFUSED, TERMINATOR
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

DEADLINE_S = 2.0
"""Public drivers wait 3 to 10 s. Here an interlock looks at the chamber while the rig's watchdog of 3 s waits for the
next heartbeat: one answer that is lost must not trip it."""
RESYNCHRONISE_S = 2.0
SETTLING_S = 0.5
"""After a setting the controller wants a pause (a public driver's; unconfirmed)."""
CONFIRM_S = 3.0
"""How long it may take until the monitor shows a new mode."""
TYPE = "TYPE?"
"""The barrier, too: no other command is answered alike. A late answer to itself is no answer to anything else."""

_TENTHS = r"-?\d+(?:\.\d+)?"
_TYPE = re.compile(rf"[A-Z]+,(?P<wet>[A-Z]+,)?(?P<controller>[A-Z][A-Z0-9-]*),(?P<highest>{_TENTHS})")
_TEMP = re.compile(rf"(?P<temp>{_TENTHS}),(?P<setpoint>{_TENTHS}),(?P<high>{_TENTHS}),(?P<low>{_TENTHS})")
_MON = re.compile(
    rf"(?P<temp>{_TENTHS}),(?P<humidity>{_TENTHS})?,(?P<mode>OFF|STANDBY|CONSTANT|RUN[A-Z ]*),(?P<alarms>\d+)"
)
_HUMI = re.compile(rf"(?:{_TENTHS})?,(?P<setpoint>{_TENTHS}|{OFF}),(?P<high>{_TENTHS}),(?P<low>{_TENTHS})")
_ALARMS = re.compile(r"(?P<count>\d+)(?P<codes>(?:,\d+)*)")
_CONSTANT_SET = re.compile(rf"(?P<setpoint>{_TENTHS}),(?P<switch>ON|OFF)")
_ACCEPTED = re.compile(rf"{ACCEPTED}[ -~]*")


class EspecP300Settings(DriverSettings):
    """``settings`` of the driver ``espec_p300``."""

    rs485_address: Annotated[int, Field(ge=1, le=16)] | None = None
    """On RS-485 each command begins with it; RS-232 and TCP gateways have none (range unconfirmed)."""
    baudrate: Literal[4800, 9600, 19200, 38400] = 9600
    safe_mode: Literal["STANDBY", "OFF"] = "STANDBY"
    """Where ``make_safe`` goes; OFF switches the panel off, too."""


class _Round(NamedTuple):
    """What must be the same twice running."""

    setpoint_c: float
    high_c: float
    low_c: float
    mode: str
    alarms: int


class EspecP300:
    """A ``ClimateChamber``. Not opened yet when made: use ``open_espec_p300``.

    It has no gradient in constant operation (its programmes have): a start with one is refused.
    """

    def __init__(self, role: str, link: SerialLink, clock: Clock, settings: EspecP300Settings) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self.limits_c = (0.0, 0.0)
        self._type = ""
        self._highest_c = 0.0
        self._humidity_limits: tuple[float, float] | None = None
        """Lowest and highest set-point in %; None if the chamber has no wet bulb, and no humidity."""
        self._link = link
        self._clock = clock
        self._settings = settings
        address = settings.rs485_address
        self._prefix = "" if address is None else f"{address},"

    def open(self) -> None:
        """Connect, read type and limits; what it cannot be set to now is out of its limits."""
        self._link.open()
        reply = self._resynchronise()
        if (again := self._ask(TYPE, _TYPE)[0]) != reply:
            self._link.fail_protocol(TYPE, again, f"it said a moment ago that it was {reply}")
        found = _TYPE.fullmatch(reply)
        assert found is not None
        self._type, self._highest_c = reply, float(found["highest"])
        self.identity = Identity("ESPEC", found["controller"], "", "")
        limits = twice_running(self.role, "TEMP?", self._limits_once)
        self.limits_c = limits[0], min(limits[1], self._highest_c)
        if found["wet"]:
            self._humidity_limits = twice_running(self.role, "HUMI?", self._humidity_limits_once)

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def status(self) -> ChamberStatus:
        """All twice; ``InstrumentError`` if the temperature is beyond what its sensor can measure."""
        with self._link.lock:
            agreed, temp_c, humidity_percent = self._monitor()
            alarms = self._alarms() if agreed.alarms else ()
            running = agreed.mode not in IDLE_MODES
            return ChamberStatus(running, temp_c, agreed.setpoint_c, alarms, humidity_percent)

    def start(self, temp_c: float, gradient_k_min: float | None = None, humidity_percent: float | None = None) -> None:
        """``temp_c`` is set in tenths, and held in constant operation; so is ``humidity_percent``, of which the
        controller may keep whole percents only. Without, the humidity is switched off.

        ``DeadlineExceeded`` if the chamber does not say within 3 s that it runs.
        """
        lowest_c, highest_c = self.limits_c
        if not lowest_c <= temp_c <= highest_c:
            raise InstrumentError(
                f"{self.role}: {temp_c!r} degC not set; this chamber takes {lowest_c:g} to {highest_c:g} degC"
            )
        if gradient_k_min is not None:
            raise InstrumentError(
                f"{self.role}: asked for {gradient_k_min:g} K/min, but a P-300 has no gradient in constant operation; "
                "start without one"
            )
        if humidity_percent is not None:
            refuse_humidity(self.role, humidity_percent, self._humidity_limits)
        sent = f"{temp_c:.1f}"
        with self._link.lock:
            self._monitor()
            self._refuse_alarm()
            self._command(f"TEMP, S{sent}")
            if self._humidity_limits is not None:
                self._command(f"HUMI, S{_humidity_set(humidity_percent)}")
            self._command(f"MODE,{CONSTANT}")
            setting = "CONSTANT SET?,TEMP"
            kept, switch = twice_running(self.role, setting, lambda: self._ask(setting, _CONSTANT_SET).groups())
            if float(kept) != float(sent) or switch != "ON":
                raise InstrumentError(
                    f"{self.role}: set {sent} degC, read back {kept} degC, {switch}; is it locked at its panel?"
                )
            now = self._confirm((CONSTANT,))
            if now.setpoint_c != float(sent):
                raise InstrumentError(
                    f"{self.role}: started at {sent} degC, but its set-point is {now.setpoint_c:g} degC; see its panel"
                )
            if self._humidity_limits is not None:
                self._refuse_other_humidity(humidity_percent)
            self._refuse_alarm()

    def make_safe(self) -> None:
        """Stop operation, and see that the chamber is idle. What fails is tried once more."""
        with self._link.lock, self._clock.shield():
            try:
                self._stop()
            except BenchError:
                self._stop()

    # Pieces.

    def _stop(self) -> None:
        self._command(f"MODE,{self._settings.safe_mode}")
        self._confirm(IDLE_MODES)

    def _confirm(self, modes: tuple[str, ...]) -> _Round:
        """Wait on the clock until the mode is one of ``modes``; what the monitor shows then."""
        end_s = self._clock.now_s() + CONFIRM_S
        while (now := self._monitor()[0]).mode not in modes:
            if self._clock.now_s() >= end_s:
                raise DeadlineExceeded(
                    f"{self.role}: asked for {modes[0]}, but {CONFIRM_S:g} s later its mode is still {now.mode}; see "
                    "its panel"
                )
            self._clock.sleep(SETTLING_S)
        return now

    def _refuse_other_humidity(self, humidity_percent: float | None) -> None:
        """What it holds now that it runs."""
        sent = _humidity_set(humidity_percent)
        kept = twice_running(self.role, "HUMI?", lambda: self._ask("HUMI?", _HUMI)["setpoint"])
        if kept != sent and (OFF in (kept, sent) or float(kept) != float(sent)):
            raise InstrumentError(f"{self.role}: set {sent} % humidity, read back {kept}; is it locked at its panel?")

    def _monitor(self) -> tuple[_Round, float, float]:
        """What two rounds of questions agree on; the air in degC, which its sensor must be able to measure; and its
        humidity in %, NaN without."""
        readings_c: list[float] = []
        humidities_percent: list[float] = []

        def ask() -> _Round:
            temp, monitor = self._ask("TEMP?", _TEMP), self._ask("MON?", _MON)
            readings_c.extend((float(temp["temp"]), float(monitor["temp"])))
            humidities_percent.append(self._humidity_percent(monitor))
            return _Round(
                float(temp["setpoint"]),
                float(temp["high"]),
                float(temp["low"]),
                monitor["mode"],
                int(monitor["alarms"]),
            )

        agreed = twice_running(self.role, "TEMP? and MON?", ask)
        temp_c = agreed_temp_c(self.role, readings_c)
        refuse_broken_sensor(self.role, temp_c, (self.limits_c[0], self._highest_c))
        if self._humidity_limits is None:
            return agreed, temp_c, math.nan
        humidity_percent = agreed_humidity_percent(
            self.role, humidities_percent, lambda: self._humidity_percent(self._ask("MON?", _MON))
        )
        return agreed, temp_c, humidity_percent

    def _humidity_percent(self, monitor: re.Match[str]) -> float:
        return float(monitor["humidity"] or NOT_MEASURED_PERCENT)

    def _refuse_alarm(self) -> None:
        if alarms := self._alarms():
            raise InstrumentError(
                f"{self.role}: asked to start, but it reports {', '.join(alarms)}; clear the cause and reset it at its "
                "panel"
            )

    def _alarms(self) -> tuple[str, ...]:
        """The codes of what is active; their meaning is in the chamber's manual."""

        def ask() -> tuple[str, ...]:
            found = self._ask("ALARM?", _ALARMS)
            codes = tuple(found["codes"].split(",")[1:])
            if len(codes) != int(found["count"]):
                self._link.fail_protocol("ALARM?", found[0], f"{found['count']} codes announced, {len(codes)} given")
            return codes

        return tuple(f"alarm {code}" for code in twice_running(self.role, "ALARM?", ask))

    def _limits_once(self) -> tuple[float, float]:
        found = self._ask("TEMP?", _TEMP)
        low_c, high_c = float(found["low"]), float(found["high"])
        if not low_c < high_c:
            self._link.fail_protocol("TEMP?", found[0], "the low limit is not below the high one")
        return low_c, high_c

    def _humidity_limits_once(self) -> tuple[float, float]:
        found = self._ask("HUMI?", _HUMI)
        low, high = float(found["low"]), float(found["high"])
        if not low < high:
            self._link.fail_protocol("HUMI?", found[0], "the low limit is not below the high one")
        return low, high

    def _command(self, command: str) -> None:
        """Set something, and give the controller its pause, which it needs whatever became of the answer.

        What was set is read back elsewhere.
        """
        try:
            self._ask(command, _ACCEPTED)
        finally:
            self._clock.sleep(SETTLING_S)

    def _ask(self, command: str, grammar: re.Pattern[str]) -> re.Match[str]:
        """The answer to ``command``; resynchronises first if need be."""
        with self._link.lock:
            if self._link.stale:
                self._resynchronise()
            reply = self._link.exchange(self._prefix + command)
            if reply.startswith(REFUSED) and (why := REFUSALS.get(reply.removeprefix(REFUSED).strip())):
                raise InstrumentError(f"{self.role}: asked {command!r}, got {reply!r}: {why}; see its panel")
            found = grammar.fullmatch(reply)
            if found is None:
                self._link.fail_protocol(command, reply, "not an answer to that")
            return found

    def _resynchronise(self) -> str:
        """Ask for the type until it comes, and see that it is the same one."""
        reply = self._link.resynchronise(
            self._prefix + TYPE, lambda line: _TYPE.fullmatch(line) is not None, RESYNCHRONISE_S
        )
        if self._type not in ("", reply):
            self._link.fail_protocol(TYPE, reply, f"{self._type} expected: another chamber?")
        return reply


def _humidity_set(humidity_percent: float | None) -> str:
    """The set-point as it is sent."""
    return OFF if humidity_percent is None else f"{humidity_percent:.1f}"


def open_espec_p300(place: Place, settings: EspecP300Settings) -> EspecP300:
    """Connect to the chamber at a serial port (8N1), ``socket://host:10001`` or ``rfc2217://host:port``."""
    link = SerialLink(
        place.role,
        place.address,
        deadline_s=DEADLINE_S,
        terminator=TERMINATOR,
        baudrate=settings.baudrate,
        tape=place.tape,
    )
    chamber = EspecP300(place.role, link, place.clock, settings)
    try:
        chamber.open()
    except BaseException:
        chamber.close()
        raise
    return chamber
