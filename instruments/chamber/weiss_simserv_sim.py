"""A Weiss or Voetsch chamber that speaks SIMSERV over TCP (grammar: instruments.md 3.1); a view on one ``Chamber``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from meterbench.instruments.chamber.simserv import (
    CHAMBER,
    DONE,
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
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send, split_lines
from meterbench.world.climate import Chamber

PLC_S = 0.3
"""World seconds until the status shows that the machine was started or stopped."""
SENSOR_C = (-100.0, 200.0)
"""Where its resistance thermometer's input ends (unconfirmed)."""
POWER_ON_SETPOINT_C = 23.0
"""Unconfirmed."""
HIGHEST_GRADIENT_K_MIN = 20.0
"""What it takes, whether it can or not (unconfirmed)."""
INFO = {Info.type: "SIM WK 340/40", Info.year: "24", Info.serial: "58226186", Info.order: "1000", Info.software: "5.2"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class _Message:
    text: str
    type: MessageType
    active: Callable[[], bool]


class _Refusal(Exception):
    """Raised with the code that the chamber answers."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class WeissSimservSim:
    """A chamber's controller; made, started, used and stopped in the lab's loop."""

    terminator = REPLY_END

    def __init__(
        self,
        chamber: Chamber,
        now_s: Callable[[], float],
        *,
        sensor_error_k: float = 0.0,
        gradient: bool = True,
        faults: FaultPlan | None = None,
    ) -> None:
        """``sensor_error_k`` is what it shows too much; without ``gradient`` it does not know those commands."""
        self._faults = faults or FaultPlan()
        self.server = ByteServer(self, self._faults)
        self.compressor_fault = False
        """An alarm that stops the machine."""
        self._chamber = chamber
        self._now_s = now_s
        self._sensor_error_k = sensor_error_k
        self._gradient = gradient
        self._switched_at_s = -PLC_S
        self._ran_before = False
        self._readings: dict[Command, Callable[[], float]] = {
            Command.get_actual: self._measured_c,
            Command.get_setpoint: lambda: chamber.setpoint_c,
            Command.get_lowest: lambda: chamber.spec.lowest_c,
            Command.get_highest: lambda: chamber.spec.highest_c,
            Command.get_gradient_up: lambda: chamber.gradient_up_k_min,
            Command.get_gradient_down: lambda: chamber.gradient_down_k_min,
        }
        self._settings = {
            Command.set_setpoint: ("setpoint_c", chamber.spec.lowest_c, chamber.spec.highest_c),
            Command.set_gradient_up: ("gradient_up_k_min", 0.0, HIGHEST_GRADIENT_K_MIN),
            Command.set_gradient_down: ("gradient_down_k_min", 0.0, HIGHEST_GRADIENT_K_MIN),
        }
        self._messages = (
            _Message("Maintenance interval elapsed", MessageType.info, lambda: True),
            _Message("Door open", MessageType.warning, lambda: chamber.door_open),
            _Message("Compressor high pressure", MessageType.alarm, lambda: self.compressor_fault),
        )

    async def start(self, wire: str = "") -> str:
        """Serve SIMSERV on ``tcp``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Requests end in CR."""
        return split_lines(received, REQUEST_END)

    async def answer(self, request: bytes, send: Send) -> None:
        """A code, and the values that were asked for."""
        try:
            values = self._values(request.decode("latin-1").split(SEPARATOR))
            reply = SEPARATOR.join((str(DONE), *values))
        except _Refusal as refusal:
            reply = str(refusal.code)
        send(reply.encode("latin-1") + REPLY_END)

    def refusal(self, request: bytes) -> bytes:  # noqa: ARG002
        """Execution error."""
        return b"-9" + REPLY_END

    def restart(self) -> bytes:
        """Comes back idle; nothing is said unasked (set-points after it: unconfirmed)."""
        self._chamber.stop()
        self._chamber.setpoint_c = POWER_ON_SETPOINT_C
        self._chamber.gradient_up_k_min = self._chamber.gradient_down_k_min = 0.0
        self._switched_at_s = -PLC_S
        return b""

    def wrong_unit(self, message: bytes) -> bytes:
        """A TCP connection has one chamber."""
        return message

    # The controller.

    def raise_alarm(self) -> None:
        """The compressor's pressure switch opens: the machine stops."""
        self.compressor_fault = True
        self._switch(False)

    def _values(self, request: list[str]) -> list[str]:
        if request == [""]:
            raise _Refusal(-1)
        number, *rest = request
        if len(rest) == 0:
            raise _Refusal(-2)
        chamber, *arguments = rest
        if chamber != CHAMBER:
            raise _Refusal(-4 if chamber.isdigit() else -3)
        if number not in {str(int(command)) for command in Command}:
            raise _Refusal(-5)
        command = Command(int(number))
        if "gradient" in command.name and not self._gradient:
            raise _Refusal(-5)
        return self._carry_out(command, arguments)

    def _carry_out(self, command: Command, arguments: list[str]) -> list[str]:
        if command in self._readings:
            _require_temperature(arguments, 1)
            return [f"{self._readings[command]():.1f}"]
        if command in self._settings:
            _require_temperature(arguments, 2)
            name, lowest, highest = self._settings[command]
            setattr(self._chamber, name, _number(arguments[1], lowest, highest))
            return []
        match command, arguments:
            case Command.chamber_info, [index]:
                return [_info(index)]
            case Command.chamber_status, []:
                return [str(int(self._status()))]
            case Command.variable_name, _:
                _require_temperature(arguments, 1)
                return ["Temperature"]
            case Command.variable_unit, _:
                _require_temperature(arguments, 1)
                return ["\xb0C"]
            case Command.set_output, [index, ("0" | "1") as level] if index == START_OUTPUT:
                self._switch(level == "1")
                return []
            case Command.get_output, [index] if index == START_OUTPUT:
                return [str(int(self._chamber.running))]
            case Command.message_count, []:
                return [str(len(self._messages))]
            case Command.message_text, [index]:
                return [self._message(index).text]
            case Command.message_type, [index]:
                return [str(int(self._message(index).type))]
            case Command.message_status, [index]:
                return [str(int(self._message(index).active()))]
        raise _Refusal(-6)

    def _switch(self, on: bool) -> None:
        if on and self.compressor_fault:
            raise _Refusal(-9)
        if on != self._chamber.running:
            self._switched_at_s, self._ran_before = self._now_s(), self._chamber.running
        if on:
            self._chamber.start()
        else:
            self._chamber.stop()

    def _status(self) -> Status:
        """The PLC's picture of the machine, a scan late."""
        switching = self._now_s() - self._switched_at_s < PLC_S
        status = Status.alive
        if self._ran_before if switching else self._chamber.running:
            status |= Status.running
        active = {message.type for message in self._messages if message.active()}
        if MessageType.warning in active:
            status |= Status.warning
        if MessageType.alarm in active:
            status |= Status.alarm
        return status

    def _measured_c(self) -> float:
        shown_c = self._chamber.air_temp_c + self._sensor_error_k
        shown_c = self._faults.measured(shown_c, SENSOR_C[1], self._now_s())
        return min(max(shown_c, SENSOR_C[0]), SENSOR_C[1])

    def _message(self, index: str) -> _Message:
        if not index.isdigit() or not 1 <= int(index) <= len(self._messages):
            raise _Refusal(-10)
        return self._messages[int(index) - 1]


def _info(index: str) -> str:
    if not index.isdigit() or int(index) not in tuple(Info):
        raise _Refusal(-8)
    return INFO[Info(int(index))]


def _require_temperature(arguments: list[str], count: int) -> None:
    """This chamber has no other control variable."""
    if len(arguments) != count:
        raise _Refusal(-6)
    if arguments[0] != TEMPERATURE:
        raise _Refusal(-10)


def _number(text: str, lowest: float, highest: float) -> float:
    if not _NUMBER.fullmatch(text) or not lowest <= float(text) <= highest:
        raise _Refusal(-6)
    return float(text)
