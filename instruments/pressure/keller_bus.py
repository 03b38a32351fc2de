"""Driver of pressure transmitters on the Keller bus, RS-485 (frames: instruments.md 5)."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from meterbench.errors import InstrumentError
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import DriverSettings, Place
from meterbench.instruments.pressure.keller_bus_map import (
    ANSWER_BYTES,
    ERROR_BIT,
    ERROR_BYTES,
    ERRORS,
    F_FLOAT,
    F_INITIALISE,
    F_SERIAL,
    NOT_INITIALISED,
    P1,
    STATUS_BITS,
    crc16,
)

KPA_PER_BAR = 100.0
OVER_RANGE = 1.1
"""The transmitter measures up to this part of its range (unconfirmed); beyond, its figure means nothing."""
VACUUM_KPA = -100.0
DEADLINE_S = 0.5
"""Wall seconds for an answer; it takes 10 to 100 ms at 9600 baud."""
RESYNCHRONISE_S = 1.0


class KellerSettings(DriverSettings):
    """The transmitter's address, its range, and what stands between it and the computer."""

    address: Annotated[int, Field(ge=1, le=250)] = 1
    """250: whichever device there is."""
    baudrate: Literal[9600, 115200] = 9600
    echo: bool = False
    """The adapter repeats to the computer what the computer sends."""
    full_scale_kpa: Annotated[float, Field(gt=0, le=100_000)] = 1600.0
    """End of its range as it measures, gauge or absolute."""
    absolute: bool = False
    """It measures absolute pressure; ``ambient_kpa`` is then subtracted."""
    ambient_kpa: Annotated[float, Field(gt=50, lt=120)] | None = None

    @model_validator(mode="after")
    def _needs_ambient(self) -> Self:
        if self.absolute is (self.ambient_kpa is None):
            raise ValueError("absolute and ambient_kpa belong together: give both or neither")
        return self


class _NotInitialised(InstrumentError):
    """Error 32: it has lost its supply since it was initialised."""


class KellerTransmitter:
    """A ``ReferencePressure``. Not opened yet when made: use ``open_keller_bus``."""

    def __init__(self, role: str, link: SerialLink, settings: KellerSettings) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self._link = link
        self._settings = settings

    def open(self) -> None:
        """Connect, initialise (function 48), read the serial number (function 69)."""
        self._link.open()
        self.identity = self._initialise()

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def pressure_kpa(self) -> float:
        """Channel P1; ``InstrumentError`` if the transmitter reports a fault or the pressure is out of its range."""
        with self._link.lock:
            if self._link.stale:
                self._refresh()
            try:
                answer = self._ask(F_FLOAT, bytes([P1]))
            except _NotInitialised:  # a restart; its settings and its zero outlast that
                self._refresh()
                answer = self._ask(F_FLOAT, bytes([P1]))
        pressure_bar = float(struct.unpack(">f", answer[:4])[0])
        if status := answer[4]:
            faults = ", ".join(name for bit, name in enumerate(STATUS_BITS) if status >> bit & 1)
            raise InstrumentError(f"{self.role}: the transmitter reports a fault (status {status:#04x}: {faults})")
        measured_kpa = pressure_bar * KPA_PER_BAR
        low_kpa = 0.0 if self._settings.absolute else VACUUM_KPA
        high_kpa = OVER_RANGE * self._settings.full_scale_kpa
        if not (math.isfinite(measured_kpa) and low_kpa <= measured_kpa <= high_kpa):
            raise InstrumentError(
                f"{self.role}: the transmitter reads {measured_kpa:g} kPa, out of its range ({low_kpa:g} to "
                f"{high_kpa:g} kPa); check full_scale_kpa and the pressure"
            )
        return measured_kpa - (self._settings.ambient_kpa or 0.0)

    def _initialise(self) -> Identity:
        """Function 48 is the barrier, too: no other answer carries its number."""
        sent = self._frame(F_INITIALISE)
        head, length = bytes([self._settings.address, F_INITIALISE]), ANSWER_BYTES[F_INITIALISE]
        own = len(sent) if self._settings.echo else 0

        def end(received: bytes) -> int:
            """Behind the first frame that is such an answer and whole, whatever stands before it."""
            for start in range(own, len(received) - length + 1):
                frame = received[start : start + length]
                if frame[:2] == head and crc16(frame[:-2]) == frame[-2:]:
                    return start + length
            return 0

        answer = self._link.resynchronise_message(sent, end, RESYNCHRONISE_S)[-length:]
        number = int.from_bytes(self._ask(F_SERIAL), "big")
        return Identity("Keller", f"{answer[2]}.{answer[3]}", str(number), f"{answer[4]}.{answer[5]}")

    def _refresh(self) -> None:
        """Initialise again what must still be the same transmitter; until it has said so there is no reading."""
        try:
            now = self._initialise()
        except InstrumentError:
            self._link.stale = True
            raise
        if now != self.identity:
            why = f"{self.identity} expected: another transmitter?"
            self._link.fail_protocol(self._frame(F_SERIAL), str(now), why)

    def _frame(self, function: int, data: bytes = b"") -> bytes:
        payload = bytes([self._settings.address, function]) + data
        return payload + crc16(payload)

    def _ask(self, function: int, data: bytes = b"") -> bytes:
        """What stands between function and check sum in the answer."""
        sent = self._frame(function, data)
        own = len(sent) if self._settings.echo else 0

        def end(received: bytes) -> int:
            answer = received[own:]
            if len(answer) < 2:
                return 0
            length = ERROR_BYTES if answer[1] & ERROR_BIT else ANSWER_BYTES[function]
            return own + length if len(answer) >= length else 0

        received = self._link.exchange_message(sent, end)
        echoed, answer = received[:own], received[own:]
        if echoed != sent[:own]:
            self._link.fail_protocol(sent, received, "no echo of the question before the answer (setting echo)")
        if crc16(answer[:-2]) != answer[-2:]:
            hint = " (the question comes back: setting echo?)" if answer.startswith(sent) else ""
            self._link.fail_protocol(sent, received, f"the check sum is wrong{hint}")
        if answer[0] != self._settings.address or answer[1] & ~ERROR_BIT != function:
            why = f"device {self._settings.address} and function {function} expected, not {answer[0]} and {answer[1]}"
            self._link.fail_protocol(sent, received, why)
        if answer[1] & ERROR_BIT:
            code = answer[2]
            kind = _NotInitialised if code == NOT_INITIALISED else InstrumentError
            meaning = ERRORS.get(code, "see its manual")
            raise kind(f"{self.role}: asked function {function}, the transmitter answers error {code}: {meaning}")
        return answer[2:-2]


def open_keller_bus(place: Place, settings: KellerSettings) -> KellerTransmitter:
    """Connect to the transmitter at a serial port (8N1), ``socket://host:port`` or ``rfc2217://host:port``."""
    link = SerialLink(place.role, place.address, deadline_s=DEADLINE_S, baudrate=settings.baudrate, tape=place.tape)
    transmitter = KellerTransmitter(place.role, link, settings)
    try:
        transmitter.open()
    except BaseException:
        transmitter.close()
        raise
    return transmitter
