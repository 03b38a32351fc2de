"""A Weiss or Voetsch chamber that speaks SIMSERV over TCP (grammar: instruments.md 3.1); a view on one ``Chamber``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from meterbench.instruments.chamber.simserv import (
    CHAMBER,
    DONE,
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
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send, split_lines
from meterbench.world.climate import Chamber

PLC_S = 0.3
"""World seconds until the status shows that the machine was started or stopped."""
SENSOR_C = (-100.0, 200.0)
"""Where its resistance thermometer's input ends (unconfirmed)."""
HUMIDITY_SENSOR_PERCENT = (0.0, 120.0)
"""Where its humidity sensor's input ends (unconfirmed)."""
POWER_ON_SETPOINT_C = 23.0
POWER_ON_HUMIDITY_PERCENT = 50.0
"""Both unconfirmed."""
HIGHEST_GRADIENT_K_MIN = 20.0
"""What it takes, whether it can or not (unconfirmed)."""
INFO = {Info.type: "SIM WK 340/40", Info.year: "24", Info.serial: "58226186", Info.order: "1000", Info.software: "5.2"}
READ = frozenset(
    {
        Command.get_actual,
        Command.get_setpoint,
        Command.get_lowest,
        Command.get_highest,
        Command.get_gradient_up,
        Command.get_gradient_down,
    }
)
SET = frozenset({Command.set_setpoint, Command.set_gradient_up, Command.set_gradient_down})
"""What can be read of a control variable, and set."""
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
        humidity_error_percent: float = 0.0,
        gradient: bool = True,
        faults: FaultPlan | None = None,
    ) -> None:
        """``sensor_error_k`` and ``humidity_error_percent`` are what it shows too much; without ``gradient`` it does
        not know those commands."""
        self._faults = faults or FaultPlan()
        self.server = ByteServer(self, self._faults)
        self.compressor_fault = False
        """An alarm that stops the machine."""
        self._chamber = chamber
        self._now_s = now_s
        self._sensor_error_k = sensor_error_k
        self._humidity_error_percent = humidity_error_percent
        self._gradient = gradient
        self._switched_at_s = -PLC_S
        self._ran_before = False
        spec = chamber.spec
        self._readings: dict[tuple[Command, str], Callable[[], float]] = {
            (Command.get_actual, TEMPERATURE): self._measured_c,
            (Command.get_setpoint, TEMPERATURE): lambda: chamber.setpoint_c,
            (Command.get_lowest, TEMPERATURE): lambda: spec.lowest_c,
            (Command.get_highest, TEMPERATURE): lambda: spec.highest_c,
            (Command.get_gradient_up, TEMPERATURE): lambda: chamber.gradient_up_k_min,
            (Command.get_gradient_down, TEMPERATURE): lambda: chamber.gradient_down_k_min,
        }
        self._settings = {
            (Command.set_setpoint, TEMPERATURE): ("setpoint_c", spec.lowest_c, spec.highest_c),
            (Command.set_gradient_up, TEMPERATURE): ("gradient_up_k_min", 0.0, HIGHEST_GRADIENT_K_MIN),
            (Command.set_gradient_down, TEMPERATURE): ("gradient_down_k_min", 0.0, HIGHEST_GRADIENT_K_MIN),
        }
        self._variables = {TEMPERATURE: ("Temperature", "\xb0C")}
        if spec.humid:
            lowest, highest = spec.humidity_percent
            self._variables[HUMIDITY] = ("Humidity", "%rh")
            self._settings[Command.set_setpoint, HUMIDITY] = ("humidity_setpoint_percent", lowest, highest)
            self._readings |= {
                (Command.get_actual, HUMIDITY): self._measured_percent,
                (Command.get_setpoint, HUMIDITY): lambda: chamber.humidity_setpoint_percent,
                (Command.get_lowest, HUMIDITY): lambda: lowest,
                (Command.get_highest, HUMIDITY): lambda: highest,
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
        self._chamber.humidity_on, self._chamber.humidity_setpoint_percent = False, POWER_ON_HUMIDITY_PERCENT
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
        if command in READ or command in SET:
            if len(arguments) != (2 if command in SET else 1):
                raise _Refusal(-6)
            of_variable = command, arguments[0]
            if of_variable in self._readings:
                return [f"{self._readings[of_variable]():.1f}"]
            if of_variable not in self._settings:
                raise _Refusal(-10)
            name, lowest, highest = self._settings[of_variable]
            setattr(self._chamber, name, _number(arguments[1], lowest, highest))
            return []
        match command, arguments:
            case Command.chamber_info, [index]:
                return [_info(index)]
            case Command.chamber_status, []:
                return [str(int(self._status()))]
            case Command.variable_count, []:
                return [str(len(self._variables))]
            case Command.variable_name, [index]:
                return [self._variable(index)[0]]
            case Command.variable_unit, [index]:
                return [self._variable(index)[1]]
            case Command.set_output, [index, ("0" | "1") as level] if index == START_OUTPUT:
                self._switch(level == "1")
                return []
            case Command.get_output, [index] if index == START_OUTPUT:
                return [str(int(self._chamber.running))]
            case Command.set_output, [index, ("0" | "1") as level] if self._is_humidity(index):
                self._chamber.humidity_on = level == "1"
                return []
            case Command.get_output, [index] if self._is_humidity(index):
                return [str(int(self._chamber.humidity_on))]
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

    def _measured_percent(self) -> float:
        lowest, highest = HUMIDITY_SENSOR_PERCENT
        shown_percent = self._chamber.air_humidity_percent + self._humidity_error_percent
        return min(max(self._faults.measured(shown_percent, highest, self._now_s()), lowest), highest)

    def _is_humidity(self, output: str) -> bool:
        return self._chamber.spec.humid and output == str(HUMIDITY_OUTPUT)

    def _variable(self, index: str) -> tuple[str, str]:
        """Name and unit."""
        if index not in self._variables:
            raise _Refusal(-10)
        return self._variables[index]

    def _message(self, index: str) -> _Message:
        if not index.isdigit() or not 1 <= int(index) <= len(self._messages):
            raise _Refusal(-10)
        return self._messages[int(index) - 1]


def _info(index: str) -> str:
    if not index.isdigit() or int(index) not in tuple(Info):
        raise _Refusal(-8)
    return INFO[Info(int(index))]


def _number(text: str, lowest: float, highest: float) -> float:
    if not _NUMBER.fullmatch(text) or not lowest <= float(text) <= highest:
        raise _Refusal(-6)
    return float(text)
