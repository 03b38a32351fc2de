"""Simulated Fluke 1595A: one resistor a channel, read in turn with the sample period, one command a line.

User's Manual 8.7: commands end in CR or LF, only the first four letters of a word count, a query without data gives no
answer and -230.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send

FULL_SCALE_OHM = 500e3
"""Range of the box (data sheet: 0 to 500 kohm)."""
NOISE = 2e-7
"""Standard deviation of a reading, of its value (taken, not from the data sheet)."""
SAMPLE_PERIOD_S = 2.0
CLOCK_AT_START = datetime(2026, 3, 23, 14, 33, 20)
QUEUE_LENGTH = 10
NEW_READING = QUESTIONABLE = MEASURING = 16
_ERRORS = {
    -113: "Undefined header",
    -222: "Data out of range",
    -230: "Data corrupt or stale",
    -221: "Settings conflict",
    -310: "System error",
    -350: "Queue overflow",
}
UNITS = {"RES": "O", "TEMP": "C", "RAT": "R"}


class Fluke1595ASim:
    """A thermometer of one channel; made, started, used and stopped in the lab's loop.

    ``resistance_ohm`` is the probe's true resistance and ``now_s`` the time, both of the world. Call ``sample`` after
    each step of the world. A probe beyond the range (infinite: not connected) gives no reading.
    """

    terminator = b"\r\n"

    def __init__(
        self,
        resistance_ohm: Callable[[], float],
        now_s: Callable[[], float],
        noise: random.Random,
        faults: FaultPlan,
        *,
        channel: int = 1,
        serial: str = "B26001",
        on_for_s: float = 0.0,
    ) -> None:
        """``on_for_s``: how long ago it was switched on."""
        self.server = ByteServer(self, faults)
        self._resistance_ohm = resistance_ohm
        self._faults = faults
        self._now_s = now_s
        self._noise = noise
        self._channel = channel
        self._idn = f"FLUKE,1595A,{serial},1.05"
        self.calculation = "RES"
        """RES, TEMP or RAT: what the front panel is set to."""
        self._errors: deque[int] = deque()
        self._switch_on()
        self._started_s -= on_for_s

    def _switch_on(self) -> None:
        self._errors.clear()
        self._started_s = self._now_s()
        self._taken = 0
        self._record: str | None = None
        self._new = self._questionable = False

    async def start(self, wire: str = "") -> str:
        """Serve lines on ``tcp`` or ``pty``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    def sample(self) -> None:
        """Take the reading that has become due since the last look, if any."""
        due = int((self._now_s() - self._started_s) / SAMPLE_PERIOD_S + 1e-6)
        if due == self._taken:
            return
        self._taken = due
        true_ohm = self._faults.measured(self._resistance_ohm(), FULL_SCALE_OHM, self._now_s())
        self._questionable = not 0.0 <= true_ohm <= FULL_SCALE_OHM
        self._new = True
        if self._questionable:
            self._record = None
            return
        at = CLOCK_AT_START + timedelta(seconds=self._started_s + due * SAMPLE_PERIOD_S)
        number = f"{true_ohm * self._noise.gauss(1.0, NOISE):.6f}".rstrip("0").rstrip(".")
        self._record = f"{number},{UNITS[self.calculation]},{self._channel},{at:%Y-%m-%d %H:%M:%S}"

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Commands end in CR or LF; an empty line is none."""
        *lines, rest = re.split(rb"[\r\n]", received)
        return [line for line in lines if line.strip()], rest

    async def answer(self, request: bytes, send: Send) -> None:
        """A command; only queries with a result are answered."""
        self.sample()
        if (reply := self._reply(request.decode("latin-1").strip().upper())) is not None:
            send(reply.encode("ascii") + self.terminator)

    def refusal(self, request: bytes) -> bytes:  # noqa: ARG002
        """Says nothing, and keeps the reason in its queue."""
        self._push(-221)
        return b""

    def restart(self) -> bytes:
        """Back with its settings, but without a reading."""
        self._switch_on()
        return b""

    def complain(self) -> None:
        """An error of its own in its queue."""
        self._push(-310)

    def wrong_unit(self, message: bytes) -> bytes:
        """It has no addresses."""
        return message

    # The box.

    def _push(self, code: int) -> None:
        if len(self._errors) == QUEUE_LENGTH:
            self._errors[-1] = -350
        else:
            self._errors.append(code)

    def _reply(self, command: str) -> str | None:
        head, _, parameter = command.partition(" ")
        match re.sub(r"(ERR|[A-Z]{4})[A-Z]+", r"\1", head):
            case "*IDN?":
                return self._idn
            case "*CLS":
                self._errors.clear()
                self._new = False
            case "SYST:ERR?":
                code = self._errors.popleft() if self._errors else 0
                return f'{code},"{_ERRORS.get(code, "No error")}"'
            case "STAT:OPER?":
                new, self._new = self._new, False
                return str(NEW_READING * new)
            case "STAT:OPER:COND?":
                return str(MEASURING)
            case "STAT:QUES:COND?":
                return str(QUESTIONABLE * self._questionable)
            case "FETC?":
                return self._fetch(parameter)
            case _:
                self._push(-113)
        return None

    def _fetch(self, parameter: str) -> str | None:
        if parameter and not (parameter.isdigit() and 1 <= int(parameter) <= 24):
            self._push(-222)
            return None
        if self._record is None or (parameter and int(parameter) != self._channel):
            self._push(-230)
            return None
        self._new = False
        return self._record
