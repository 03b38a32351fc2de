"""A pressure transmitter on the Keller bus, on TCP, a pseudo-terminal or RFC 2217 (frames: instruments.md 5)."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import numpy as np

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.pressure.keller_bus_map import (
    ANY_ADDRESS,
    ERROR_BIT,
    F_FLOAT,
    F_INITIALISE,
    F_SERIAL,
    NOT_INITIALISED,
    P1,
    REQUEST_BYTES,
    crc16,
)
from meterbench.instruments.serving.byte_server import ByteServer, Send

GAIN_SD = 0.0002
"""Standard deviation, from unit to unit, of the gain: 0.02 %."""
OFFSET_SD_SHARE = 0.0001
"""Standard deviation of the zero, of the full scale."""
OVER_RANGE = 1.1
"""Beyond this part of its range the figure is infinite and the status says so (unconfirmed)."""
CLASS_GROUP_YEAR_WEEK = (5, 24, 19, 11)
BUFFER_BYTES = 10


class KellerBusSim:
    """A gauge pressure transmitter; made, started, used and stopped in the lab's loop.

    ``pressure_kpa`` is the gauge pressure at its diaphragm and ``now_s`` the time, both of the world. ``echo`` plays a
    half-duplex adapter that repeats what it is told to send.
    """

    terminator = b""

    def __init__(
        self,
        pressure_kpa: Callable[[], float],
        now_s: Callable[[], float],
        rng: np.random.Generator,
        *,
        full_scale_kpa: float = 1600.0,
        address: int = 1,
        echo: bool = False,
        serial: int = 480213,
        faults: FaultPlan | None = None,
    ) -> None:
        self.faults = faults or FaultPlan()
        self.server = ByteServer(self, self.faults)
        self._pressure_kpa = pressure_kpa
        self._now_s = now_s
        self._full_scale_kpa = full_scale_kpa
        self._address = address
        self._echo = echo
        self._serial = serial
        self._gain = 1.0 + GAIN_SD * float(rng.standard_normal())
        self._offset_kpa = OFFSET_SD_SHARE * full_scale_kpa * float(rng.standard_normal())
        self._initialised = self._complains = False

    async def start(self, wire: str = "") -> str:
        """Serve ``tcp``, ``pty`` or ``rfc2217``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Frames have no ends: the function tells the length. What does not begin a good frame is passed over."""
        requests: list[bytes] = []
        while len(received) >= 2:
            length = REQUEST_BYTES.get(received[1], min(REQUEST_BYTES.values()))
            frame = received[:length]
            if len(frame) < length:
                break
            if crc16(frame[:-2]) == frame[-2:]:
                requests.append(frame)
                received = received[length:]
            else:
                received = received[1:]
        return requests, received

    async def answer(self, request: bytes, send: Send) -> None:
        """Silent to what another device is asked."""
        echo = request if self._echo else b""
        address, function, data = request[0], request[1], request[2:-2]
        if address in (self._address, ANY_ADDRESS):
            send(echo + self._sealed(bytes([address]) + self._answer(function, data)))
        elif echo:
            send(echo)

    def refusal(self, request: bytes) -> bytes:
        """Error 3, which stands for what it cannot do at the moment."""
        echo = request if self._echo else b""
        return echo + self._sealed(bytes([request[0]]) + self._error(request[1], 3))

    def restart(self) -> bytes:
        """Power off and on: it wants function 48 first, and says nothing by itself."""
        self._initialised = False
        return b""

    def complain(self) -> None:
        """A fault of the channel in the status of the next reading."""
        self._complains = True

    def wrong_unit(self, message: bytes) -> bytes:
        """The same from the device with the next address, properly sealed."""
        start = 0
        if self._echo:
            start = REQUEST_BYTES[message[1]]
        answer = message[start:-2]
        return message[:start] + self._sealed(bytes([answer[0] % 249 + 1]) + answer[1:])

    # The transmitter.

    def _answer(self, function: int, data: bytes) -> bytes:
        if function == F_INITIALISE:
            status = 0 if self._initialised else 1
            self._initialised = True
            return bytes([function, *CLASS_GROUP_YEAR_WEEK, BUFFER_BYTES, status])
        if not self._initialised:
            return self._error(function, NOT_INITIALISED)
        if function == F_SERIAL:
            return bytes([function]) + self._serial.to_bytes(4, "big")
        if function == F_FLOAT:
            return self._channel(data[0])
        return self._error(function, 1)

    def _channel(self, channel: int) -> bytes:
        if channel != P1:
            return self._error(F_FLOAT, 2)
        true_kpa = self.faults.measured(self._pressure_kpa(), self._full_scale_kpa, self._now_s())
        measured_kpa = true_kpa * self._gain + self._offset_kpa
        status, self._complains = self._complains << P1, False
        if abs(measured_kpa) > OVER_RANGE * self._full_scale_kpa:
            measured_kpa, status = math.copysign(math.inf, measured_kpa), 1 << P1
        return struct.pack(">Bf", F_FLOAT, measured_kpa / 100.0) + bytes([status])

    def _error(self, function: int, code: int) -> bytes:
        return bytes([function | ERROR_BIT, code])

    def _sealed(self, payload: bytes) -> bytes:
        return payload + crc16(payload)
