"""An ESPEC chamber with a P-300 controller, on a serial line or a TCP gateway (grammar: instruments.md 3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable

from meterbench.instruments.chamber.p300 import ACCEPTED, CONSTANT, IDLE_MODES, OFF, REFUSED, TERMINATOR
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send, split_lines
from meterbench.world.climate import Chamber

HIGHEST_C = 160.0
"""Of its type, as ``TYPE?`` says."""
SETTLING_S = 0.4
"""World seconds after a setting in which it takes no other (unconfirmed)."""
SENSOR_C = (-100.0, 200.0)
"""Where its resistance thermometer's input ends (unconfirmed)."""
DOOR_ALARM, COMPRESSOR_ALARM = 14, 2
"""Codes of the simulator; the real ones are in each chamber's manual."""
HUMIDITY_SENSOR_PERCENT = (0.0, 120.0)
"""What its wet bulb can be computed to (unconfirmed)."""
HUMIDITY_LIMITS_PERCENT = (0, 100)
"""Of its alarms, as ``HUMI?`` says."""
_TEMP = re.compile(
    r"TEMP, ?(?=[SHL])(?:S(?P<set>-?\d+(?:\.\d+)?))?(?: ?H(?P<high>-?\d+(?:\.\d+)?))?(?: ?L(?P<low>-?\d+(?:\.\d+)?))?"
)
_HUMI = re.compile(rf"HUMI, ?S(?P<set>{OFF}|\d+(?:\.\d+)?)")


class EspecP300Sim:
    """A chamber's controller; made, started, used and stopped in the lab's loop."""

    terminator = TERMINATOR

    def __init__(
        self,
        chamber: Chamber,
        now_s: Callable[[], float],
        *,
        sensor_error_k: float = 0.0,
        humidity_error_percent: float = 0.0,
        rs485_address: int | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        """``sensor_error_k`` and ``humidity_error_percent`` are what it shows too much; with an address it hears only
        what begins with that."""
        self._faults = faults or FaultPlan()
        self.server = ByteServer(self, self._faults, "pty")
        self._chamber = chamber
        self._now_s = now_s
        self._sensor_error_k = sensor_error_k
        self._humidity_error_percent = humidity_error_percent
        self._prefix = "" if rs485_address is None else f"{rs485_address},"
        self._high_c, self._low_c = HIGHEST_C - 5.0, chamber.spec.lowest_c
        self._mode = "STANDBY"
        self._busy_until_s = 0.0
        self._compressor_fault = False

    async def start(self, wire: str = "") -> str:
        """Serve lines on ``tcp`` or ``pty``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Lines end in CR LF."""
        return split_lines(received, self.terminator)

    async def answer(self, request: bytes, send: Send) -> None:
        """One line; none if another chamber of the line was meant."""
        command = request.decode("ascii", "replace")
        if command.startswith(self._prefix):
            send(self.line_for(command.removeprefix(self._prefix)).encode("ascii") + self.terminator)

    def refusal(self, request: bytes) -> bytes:  # noqa: ARG002
        """Not at the moment."""
        return b"NA:CHB NOT READY" + self.terminator

    def restart(self) -> bytes:
        """Comes back with its panel off; its constant settings are kept (unconfirmed)."""
        self._set_mode("OFF")
        self._busy_until_s = 0.0
        return b""

    def wrong_unit(self, message: bytes) -> bytes:
        """Answers carry no address."""
        return message

    # The controller.

    def raise_alarm(self) -> None:
        """The compressor's pressure switch opens: operation stops."""
        self._compressor_fault = True
        self._set_mode("STANDBY")

    def line_for(self, command: str) -> str:
        """The line that answers ``command``."""
        chamber = self._chamber
        match command:
            case "TYPE?":
                return f"{'T,T' if chamber.spec.humid else 'T'},S2,{HIGHEST_C:.1f}"
            case "TEMP?":
                return f"{self._measured_c():.1f},{chamber.setpoint_c:.1f},{self._high_c:.1f},{self._low_c:.1f}"
            case "HUMI?" if chamber.spec.humid:
                setpoint = f"{chamber.humidity_setpoint_percent:.0f}" if chamber.humidity_on else OFF
                lowest, highest = HUMIDITY_LIMITS_PERCENT
                return f"{self._measured_percent()},{setpoint},{highest},{lowest}"
            case "MON?":
                humidity = self._measured_percent() if chamber.spec.humid else ""
                return f"{self._measured_c():.1f},{humidity},{self._mode},{len(self._alarms)}"
            case "MODE?":
                return self._mode
            case "ALARM?":
                return ",".join(str(number) for number in (len(self._alarms), *self._alarms))
            case "CONSTANT SET?,TEMP":
                return f"{chamber.setpoint_c:.1f},ON"
        if command.startswith("HUMI") and not chamber.spec.humid:
            return f"{REFUSED}CONT NOT READY-1"
        if command.partition(",")[0] not in ("TEMP", "HUMI", "MODE"):
            return f"{REFUSED}CMD ERR"
        if self._now_s() < self._busy_until_s:
            return f"{REFUSED}CHB NOT READY"
        refusal = self._set(command)
        if refusal:
            return f"{REFUSED}{refusal}"
        self._busy_until_s = self._now_s() + SETTLING_S
        return f"{ACCEPTED}{command}"

    def _set(self, command: str) -> str:
        """Carry out a setting; why not, if it is refused."""
        if command.startswith("MODE,"):
            mode = command.removeprefix("MODE,")
            if mode not in (*IDLE_MODES, CONSTANT):
                return "DATA NOT READY" if re.fullmatch(r"RUN\d+", mode) else "PARA ERR"
            if mode == CONSTANT and self._compressor_fault:
                return "CHB NOT READY"
            self._set_mode(mode)
            return ""
        if command.startswith("HUMI"):
            return self._set_humidity(command)
        found = _TEMP.fullmatch(command)
        if found is None:
            return "PARA ERR"
        high_c, low_c = float(found["high"] or self._high_c), float(found["low"] or self._low_c)
        setpoint_c = float(found["set"] or self._chamber.setpoint_c)
        if not self._chamber.spec.lowest_c <= low_c <= setpoint_c <= high_c <= HIGHEST_C:
            return "DATA OUT OF RANGE"
        self._high_c, self._low_c, self._chamber.setpoint_c = high_c, low_c, setpoint_c
        return ""

    def _set_humidity(self, command: str) -> str:
        found = _HUMI.fullmatch(command)
        if found is None:
            return "PARA ERR"
        on = found["set"] != OFF
        if on:
            percent = float(round(float(found["set"])))
            lowest, highest = self._chamber.spec.humidity_percent
            if not lowest <= percent <= highest:
                return "DATA OUT OF RANGE"
            self._chamber.humidity_setpoint_percent = percent
        self._chamber.humidity_on = on
        return ""

    def _set_mode(self, mode: str) -> None:
        self._mode = mode
        if mode == CONSTANT:
            self._chamber.start()
        else:
            self._chamber.stop()

    @property
    def _alarms(self) -> tuple[int, ...]:
        door = (DOOR_ALARM,) if self._chamber.door_open else ()
        return (*door, COMPRESSOR_ALARM) if self._compressor_fault else door

    def _measured_c(self) -> float:
        shown_c = self._chamber.air_temp_c + self._sensor_error_k
        shown_c = self._faults.measured(shown_c, SENSOR_C[1], self._now_s())
        return min(max(shown_c, SENSOR_C[0]), SENSOR_C[1])

    def _measured_percent(self) -> int:
        """In whole percent."""
        lowest, highest = HUMIDITY_SENSOR_PERCENT
        shown_percent = self._chamber.air_humidity_percent + self._humidity_error_percent
        return round(min(max(self._faults.measured(shown_percent, highest, self._now_s()), lowest), highest))
