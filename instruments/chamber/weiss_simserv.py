"""Weiss and Voetsch climate chambers with S!MPAC, over SIMSERV (TCP 2049; instruments.md 3.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from meterbench.errors import BenchError, ConfigError, DeadlineExceeded, InstrumentError
from meterbench.instruments.capabilities import ChamberStatus, Exchange, Identity
from meterbench.instruments.chamber.agreement import (
    agreed_humidity_percent,
    agreed_temp_c,
    refuse_broken_sensor,
    refuse_humidity,
    twice_running,
)
from meterbench.instruments.chamber.simserv import (
    CHAMBER,
    DONE,
    ERRORS,
    HUMIDITY,
    HUMIDITY_OUTPUT,
    REPLY_END,
    REQUEST_END,
    SEPARATOR,
    START_OUTPUT,
    TEMPERATURE,
    Command,
    Info,
    MessageType,
    Status,
)
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.world.clock import Clock

DEADLINE_S = 1.0
CONFIRM_S = 3.0
"""How long the chamber's PLC may take until the status shows a start or a stop."""
CONFIRM_POLL_S = 0.25
MESSAGES_READ = 100
"""No more messages are looked through for the active ones."""

_REPLY = re.compile(rf"(?P<code>-?\d{{1,2}})(?P<rest>(?:{SEPARATOR}[^{SEPARATOR}]*)*)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WHOLE = re.compile(r"\d{1,5}")


class WeissSimservSettings(DriverSettings):
    """``settings`` of the driver ``weiss_simserv``."""

    humidity_output: Annotated[int, Field(ge=2, le=16)] = HUMIDITY_OUTPUT
    """The digital output that switches humidity on, where the chamber has it (its panel tells; default unconfirmed)."""


class _Round(NamedTuple):
    """What must be the same twice running."""

    status: Status
    setpoint_c: float


class WeissSimserv:
    """A ``ClimateChamber``. Not opened yet when made: use ``open_weiss_simserv``.

    SIMSERV has no barrier that no other command answers alike, so after a time-out or a bad answer the connection is
    closed and opened anew: a late answer is lost with it.
    """

    def __init__(self, role: str, link: SerialLink, clock: Clock, settings: WeissSimservSettings) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self.limits_c = (0.0, 0.0)
        self._found_gradients: tuple[float, float] | None = None
        """Up and down in K/min as they were set when the driver came; None if the chamber has none."""
        self._humidity_limits: tuple[float, float] | None = None
        """Lowest and highest set-point in %; None if the chamber has no humidity."""
        self._humidity_output = str(settings.humidity_output)
        self._link = link
        self._clock = clock

    def open(self) -> None:
        """Connect, read the identity, check that variable 1 is a temperature in degC, see whether variable 2 is a
        humidity, and read their limits."""
        self._link.open()
        model, serial, firmware = (self._info(each) for each in (Info.type, Info.serial, Info.software))
        self.identity = Identity("Weiss Technik", model, serial, firmware)
        unit = self._text(Command.variable_unit, TEMPERATURE)
        if unit.strip(" \xb0") != "C":  # the sign of degrees is one byte B0, or missing
            name = self._text(Command.variable_name, TEMPERATURE)
            raise InstrumentError(
                f"{self.role}: its control variable 1 is {name!r} in {unit!r}, not a temperature in \xb0C; "
                "this driver does not fit the chamber"
            )
        self.limits_c = self._limits(TEMPERATURE, "degC")
        self._found_gradients = self._gradients()
        if self._whole(Command.variable_count) > 1 and "%" in self._text(Command.variable_unit, HUMIDITY):
            self._humidity_limits = self._limits(HUMIDITY, "%")

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def status(self) -> ChamberStatus:
        """All twice; ``InstrumentError`` if the temperature is beyond what its sensor can measure."""
        with self._link.lock:
            agreed, temp_c, humidity_percent = self._observe()
            messages = self._messages(agreed.status)
            running = Status.running in agreed.status
            return ChamberStatus(running, temp_c, agreed.setpoint_c, messages, humidity_percent)

    def start(self, temp_c: float, gradient_k_min: float | None = None, humidity_percent: float | None = None) -> None:
        """All are set in tenths, ``gradient_k_min`` in the next lower one. It is that of both directions; without one,
        what was set at the panel when the driver came. Without ``humidity_percent`` the humidity is switched off.

        ``DeadlineExceeded`` if the chamber does not say within 3 s that it runs.
        """
        lowest_c, highest_c = self.limits_c
        if not lowest_c <= temp_c <= highest_c:
            raise InstrumentError(
                f"{self.role}: {temp_c!r} degC not set; this chamber takes {lowest_c:g} to {highest_c:g} degC"
            )
        if gradient_k_min is not None and not gradient_k_min >= 0.1:
            raise InstrumentError(f"{self.role}: a gradient of {gradient_k_min!r} K/min not set; 0.1 K/min or more")
        if gradient_k_min is not None and self._found_gradients is None:
            raise InstrumentError(f"{self.role}: asked for {gradient_k_min:g} K/min, but it cannot limit its gradient")
        if humidity_percent is not None:
            refuse_humidity(self.role, humidity_percent, self._humidity_limits)
        with self._link.lock:
            self._refuse_alarm(self._observe()[0].status)
            if self._found_gradients is not None:
                up, down = self._found_gradients if gradient_k_min is None else (_tenths_below(gradient_k_min),) * 2
                if self._gradients() != (up, down):
                    self._set(Command.set_gradient_up, Command.get_gradient_up, TEMPERATURE, up, "K/min")
                    self._set(Command.set_gradient_down, Command.get_gradient_down, TEMPERATURE, down, "K/min")
            self._set(Command.set_setpoint, Command.get_setpoint, TEMPERATURE, temp_c, "degC")
            if humidity_percent is not None:
                self._set(Command.set_setpoint, Command.get_setpoint, HUMIDITY, humidity_percent, "%")
            if self._humidity_limits is not None:
                self._command(Command.set_output, self._humidity_output, str(int(humidity_percent is not None)))
            self._command(Command.set_output, START_OUTPUT, "1")
            self._refuse_alarm(self._confirm(running=True))
            self._refuse_other_setpoints(temp_c, humidity_percent)

    def make_safe(self) -> None:
        """End manual mode, and see that the chamber is idle. What fails is tried once more."""
        with self._link.lock, self._clock.shield():
            try:
                self._stop()
            except BenchError:
                self._stop()

    # Pieces.

    def _stop(self) -> None:
        self._command(Command.set_output, START_OUTPUT, "0")
        self._confirm(running=False)

    def _refuse_other_setpoints(self, temp_c: float, humidity_percent: float | None) -> None:
        """What it holds now that it runs: a restart in the middle brings back what was set before."""
        self._refuse_other(Command.get_setpoint, TEMPERATURE, temp_c, "degC")
        if humidity_percent is not None:
            self._refuse_other(Command.get_setpoint, HUMIDITY, humidity_percent, "%")
        if self._humidity_limits is not None:
            self._refuse_other(
                Command.get_output, self._humidity_output, float(humidity_percent is not None), "(1: on)"
            )

    def _observe(self) -> tuple[_Round, float, float]:
        """What two rounds of questions agree on; the air in degC, which its sensor must be able to measure; and its
        humidity in %, NaN without."""
        readings_c: list[float] = []
        humidities_percent: list[float] = []

        def humidity_percent() -> float:
            return self._number_once(Command.get_actual, HUMIDITY)

        def ask() -> _Round:
            status = self._status_once()
            readings_c.append(self._number_once(Command.get_actual, TEMPERATURE))
            setpoint_c = self._number_once(Command.get_setpoint, TEMPERATURE)
            readings_c.append(self._number_once(Command.get_actual, TEMPERATURE))
            if self._humidity_limits is not None:
                humidities_percent.append(humidity_percent())
            return _Round(status, setpoint_c)

        agreed = twice_running(self.role, "its status and set-point", ask)
        temp_c = agreed_temp_c(self.role, readings_c)
        refuse_broken_sensor(self.role, temp_c, self.limits_c)
        if self._humidity_limits is None:
            return agreed, temp_c, math.nan
        return agreed, temp_c, agreed_humidity_percent(self.role, humidities_percent, humidity_percent)

    def _confirm(self, *, running: bool) -> Status:
        """Wait on the clock until the status says so."""
        end_s = self._clock.now_s() + CONFIRM_S
        while (Status.running in (status := twice_running(self.role, "its status", self._status_once))) is not running:
            if self._clock.now_s() >= end_s:
                todo = "start it at its panel to see why" if running else "stop it at its panel, or its programme"
                raise DeadlineExceeded(
                    f"{self.role}: {'started' if running else 'stopped'}, but {CONFIRM_S:g} s later its status is "
                    f"still {'idle' if running else 'running'}; {todo}"
                )
            self._clock.sleep(CONFIRM_POLL_S)
        return status

    def _refuse_alarm(self, status: Status) -> None:
        if Status.alarm in status:
            raise InstrumentError(
                f"{self.role}: asked to start, but it reports {', '.join(self._messages(status))}; clear the cause "
                "and reset the alarm at its panel"
            )

    def _messages(self, status: Status) -> tuple[str, ...]:
        """The active alarms and warnings in the chamber's words; asked for only if the status says that there are."""
        if not status & (Status.warning | Status.alarm):
            return ()
        found: list[str] = []
        for number in range(1, min(self._whole(Command.message_count), MESSAGES_READ) + 1):
            index = str(number)
            if not self._whole(Command.message_status, index):
                continue
            kind = self._whole(Command.message_type, index)
            if kind != MessageType.info:
                name = MessageType(kind).name if kind in tuple(MessageType) else f"message of type {kind}"
                found.append(f"{name}: {self._text(Command.message_text, index)}")
        for flag in (Status.alarm, Status.warning):
            if flag in status and not any(text.startswith(f"{flag.name}:") for text in found):
                found.append(f"{flag.name}: no text (status {int(status)})")
        return tuple(found)

    def _set(self, command: Command, read: Command, index: str, number: float, unit: str) -> None:
        """Set a ``number`` of the variable ``index``, and read it back."""
        self._command(command, index, f"{number:.1f}")
        self._refuse_other(read, index, number, unit)

    def _refuse_other(self, read: Command, index: str, number: float, unit: str) -> None:
        sent = f"{number:.1f}"
        got = self._number(read, index)
        if abs(got - float(sent)) > 1e-6:
            raise InstrumentError(
                f"{self.role}: set {sent} {unit}, {read.name} {index} reads back {got:g} {unit}; see its panel"
            )

    def _limits(self, index: str, unit: str) -> tuple[float, float]:
        lowest, highest = (self._number(each, index) for each in (Command.get_lowest, Command.get_highest))
        if not lowest < highest:
            raise InstrumentError(
                f"{self.role}: its limits are {lowest:g} to {highest:g} {unit}; set them at its panel"
            )
        return lowest, highest

    def _status_once(self) -> Status:
        status = self._whole_once(Command.chamber_status)
        if status & ~15 or not status & Status.alive:
            self._fail(Command.chamber_status, str(status), "no status of a chamber")
        return Status(status)

    def _info(self, what: Info) -> str:
        return self._text(Command.chamber_info, str(int(what)))

    def _gradients(self) -> tuple[float, float] | None:
        """Up and down in K/min; None if the chamber refuses to answer that at all."""
        try:
            up, down = (
                self._number(each, TEMPERATURE) for each in (Command.get_gradient_up, Command.get_gradient_down)
            )
        except InstrumentError:
            return None
        return up, down

    def _text(self, command: Command, *arguments: str) -> str:
        return twice_running(self.role, command.name, lambda: self._one(command, *arguments)).strip()

    def _number(self, command: Command, *arguments: str) -> float:
        return twice_running(self.role, command.name, lambda: self._number_once(command, *arguments))

    def _whole(self, command: Command, *arguments: str) -> int:
        return twice_running(self.role, command.name, lambda: self._whole_once(command, *arguments))

    def _number_once(self, command: Command, *arguments: str) -> float:
        said = self._one(command, *arguments).strip()
        if not _NUMBER.fullmatch(said):
            self._fail(command, said, "a number expected")
        return float(said)

    def _whole_once(self, command: Command, *arguments: str) -> int:
        said = self._one(command, *arguments).strip()
        if not _WHOLE.fullmatch(said):
            self._fail(command, said, "a whole number expected")
        return int(said)

    def _one(self, command: Command, *arguments: str) -> str:
        said = self._ask(command, *arguments)
        if len(said) != 1:
            self._fail(command, SEPARATOR.join(said), "one value expected")
        return said[0]

    def _command(self, command: Command, *arguments: str) -> None:
        if said := self._ask(command, *arguments):
            self._fail(command, SEPARATOR.join(said), "no value expected")

    def _ask(self, command: Command, *arguments: str) -> list[str]:
        """The values of an answer; connects anew first if need be."""
        with self._link.lock:
            if self._link.stale:
                self._connect_anew()
            return self._exchange(command, *arguments)

    def _exchange(self, command: Command, *arguments: str) -> list[str]:
        asked = SEPARATOR.join((str(int(command)), CHAMBER, *arguments))
        reply = self._link.exchange(asked)
        found = _REPLY.fullmatch(reply)
        if found is None:
            self._link.fail_protocol(asked, reply, "not an answer of SIMSERV")
        code = int(found["code"])
        if code in ERRORS:
            raise InstrumentError(
                f"{self.role}: asked {command.name} ({asked!r}), got {reply!r}: {ERRORS[code]}; see its panel"
            )
        if code != DONE:
            self._link.fail_protocol(asked, reply, f"code {code} is not known")
        return found["rest"].split(SEPARATOR)[1:]

    def _connect_anew(self) -> None:
        """Late answers die with the old connection; the chamber must be the same one."""
        self._link.close()
        self._link.open()
        serial = self.identity.serial
        try:
            said = SEPARATOR.join(self._exchange(Command.chamber_info, str(int(Info.serial)))).strip()
        except InstrumentError:
            self._link.stale = True
            raise
        if serial and said != serial:
            self._fail(Command.chamber_info, said, f"serial number {serial} expected: another chamber?")

    def _fail(self, command: Command, said: str, why: str) -> None:
        self._link.fail_protocol(str(int(command)), said, f"{command.name}: {why}")


def _tenths_below(gradient_k_min: float) -> float:
    """No faster than asked, in tenths of a K/min."""
    return math.floor(round(10.0 * gradient_k_min, 6)) / 10.0


def open_weiss_simserv(place: Place, settings: WeissSimservSettings) -> WeissSimserv:
    """Connect to the chamber at ``socket://host:2049``; ``ConfigError`` for an address of another kind."""
    if not place.address.startswith("socket://"):
        raise ConfigError(f"{place.role}: SIMSERV is spoken over TCP: socket://host:2049, not {place.address!r}")
    link = SerialLink(
        place.role,
        place.address,
        deadline_s=DEADLINE_S,
        terminator=REQUEST_END,
        reply_terminator=REPLY_END,
        tape=place.tape,
    )
    chamber = WeissSimserv(place.role, link, place.clock, settings)
    try:
        chamber.open()
    except BaseException:
        chamber.close()
        raise
    return chamber
