"""Registers over Modbus TCP, RTU over TCP, and RTU over a serial port."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from meterbench.errors import BenchError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange
from meterbench.instruments.links.address import parse_modbus
from meterbench.instruments.links.trace import Trace
from meterbench.instruments.place import Tape

if TYPE_CHECKING:
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient
    from pymodbus.pdu import ModbusPDU

    Client = ModbusTcpClient | ModbusSerialClient

READ_HOLDING = 3
READ_INPUT = 4
WRITE_MULTIPLE = 16
EXCEPTION_WORDS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "accepted, still at work",
    6: "busy",
    7: "refused",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
"""Modbus Application Protocol V1.1b3, section 7."""
CHECK_NETWORK = "check network, power and address"
CHECK_LINE = "check cable, power, unit id, baud rate and parity"
REOPENED = "the connection is opened anew for the next request"
SILENCE_S = 0.05
"""After so long without a byte an RTU line is taken to be silent (3.5 characters at 1200 baud are 32 ms)."""
RESYNCHRONISE_ATTEMPTS = 3
SPARE_BYTES_TCP = 8
"""Header (7) and function code: what a Modbus TCP frame has besides the data."""
SPARE_BYTES_RTU = 4
"""Unit id, function code and checksum."""


class ModbusLink:
    """One owner of a Modbus device. The link never repeats a request: that is for the driver to decide.

    After any failure but an exception reply the connection is closed and opened anew for the next request. On Modbus
    TCP answers are matched by transaction id. RTU has none, and whoever stands between (a serial device server, the
    port's buffer) may hand a late answer to the new connection: an RTU line that was just opened, for whatever reason,
    is first listened to until it is silent, and then asked for another number of registers than anybody wants. Devices
    answer in the order in which they were asked, so that after this answer there is no older one. A refusal does not
    tell which question it refuses, and in a short question a number may have to be asked for again: then the line must
    also be silent for a deadline. That may take a few deadlines, after failures only. The same is done if something
    came before a question that nobody waits for.
    """

    def __init__(
        self,
        role: str,
        address: str,
        *,
        unit_id: int = 1,
        deadline_s: float = 1.0,
        baudrate: int = 19200,
        parity: str = "N",
        stopbits: int = 1,
        tape: Tape | None = None,
    ) -> None:
        """``address`` as ``parse_modbus`` reads it; ``baudrate``, ``parity`` and ``stopbits`` are for serial ports.

        ``unit_id`` is the address on an RTU line or behind a gateway; ``deadline_s`` holds for connecting and for each
        exchange. Pseudo-terminals take 8N1 only.
        """
        self.role = role
        self.lock = threading.RLock()
        """Hold it around several exchanges that belong together."""
        self._wire = parse_modbus(address)
        self._unit_id = unit_id
        self._deadline_s = deadline_s
        self._serial = (baudrate, parity, stopbits)
        self._trace = Trace(f"{role} at {address}, unit {unit_id}", tape)
        self._check = CHECK_LINE if self._wire.rtu else CHECK_NETWORK
        self._client: Client | None = None
        self._stale = False
        self._barriers = 0
        self._asked_count = 0
        self._unanswered: set[int] = set()
        """Numbers of registers that were asked for on a line that is stale since, and may still be answered."""
        self._sent = b""
        self._received = b""

    def open(self) -> None:
        """Connect; ``ConnectionLost`` if nobody listens, or the port cannot be opened with these settings."""
        with self.lock:
            self.close()
            client = self._make_client()
            if not client.connect():
                raise self._trace.error(ConnectionLost, "nobody answers the connection", todo=self._check)
            self._client = client
            self._stale = self._wire.rtu

    def close(self) -> None:
        """Release the connection; safe to call twice."""
        with self.lock:
            client, self._client = self._client, None
            if client is not None:
                client.close()  # type: ignore[no-untyped-call]

    def trace(self) -> tuple[Exchange, ...]:
        """The last 20 exchanges as frames, oldest first."""
        return self._trace.exchanges()

    def read_holding(self, address: int, count: int) -> list[int]:
        """``count`` (1 to 125) holding registers from the 0-based wire ``address`` (function 3), each 0 to 65535.

        Raises ``InstrumentError`` for an exception reply, ``ConnectionLost``, ``DeadlineExceeded``, ``ProtocolError``.
        """
        return self._read(READ_HOLDING, address, count)

    def read_input(self, address: int, count: int) -> list[int]:
        """Input registers (function 4); all else as for ``read_holding``."""
        return self._read(READ_INPUT, address, count)

    def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Write ``values`` (1 to 123, each 0 to 65535) from the 0-based wire ``address`` on (function 16).

        Errors as for ``read_holding``; after ``DeadlineExceeded`` or ``ConnectionLost`` it may have happened or not.
        """

        def ask(client: Client) -> ModbusPDU:
            return client.write_registers(address, list(values), device_id=self._unit_id)

        def check(reply: ModbusPDU) -> str:
            echoed = (reply.address, reply.count)
            return "" if echoed == (address, len(values)) else f"it confirms {echoed[1]} registers at {echoed[0]}"

        with self.lock:
            self._make_fresh(READ_HOLDING, address, len(values))
            self._exchange(f"writing {list(values)} to registers from {address}", WRITE_MULTIPLE, ask, check)

    def _read(self, function: int, address: int, count: int) -> list[int]:
        with self.lock:
            self._make_fresh(function, address, count)
            return self._read_once(f"reading {count} registers from {address}", function, address, count)

    def _read_once(self, doing: str, function: int, address: int, count: int) -> list[int]:
        def ask(client: Client) -> ModbusPDU:
            read = client.read_holding_registers if function == READ_HOLDING else client.read_input_registers
            return read(address, count=count, device_id=self._unit_id)

        def check(reply: ModbusPDU) -> str:
            got = len(reply.registers)
            return "" if got == count else f"{got} registers instead of {count}"

        self._asked_count = count
        return list(self._exchange(doing, function, ask, check).registers)

    def _make_fresh(self, function: int, address: int, count: int) -> None:
        """Before a question for ``count`` registers on an RTU line on which an older answer may still be under way."""
        if self._wire.rtu and not self._stale and self._client is not None and _something_came(self._client):
            self._stale = True
        for attempt in range(1, RESYNCHRONISE_ATTEMPTS + 1):
            if not self._stale or self._client is None:
                return
            try:
                self._resynchronise(self._client, function, address, count)
            except ProtocolError:  # most likely the late answer that this is about
                if attempt == RESYNCHRONISE_ATTEMPTS:
                    raise

    def _resynchronise(self, client: Client, function: int, address: int, count: int) -> None:
        """Each time another number of registers is asked for, so that a late answer to an earlier attempt does not
        count either, or the line must be silent for long. A refusal counts: some devices do not give part of a
        number."""
        self._barriers += 1
        other_count = 1 + self._barriers % (count - 1) if count > 1 else 2
        doing = f"resynchronising by {other_count} registers from {address}"
        self._sent = self._received = b""
        if not client.connect():
            why = f"{doing}: nobody answers the connection"
            raise self._failure(ConnectionLost, why, time.monotonic(), self._check)
        self._wait_for_silence(client, doing, SILENCE_S)
        ambiguous = other_count in self._unanswered
        try:
            self._read_once(doing, function, address, other_count)
        except InstrumentError:
            ambiguous = True
        if ambiguous:
            self._wait_for_silence(client, doing, self._deadline_s)
        self._stale = False
        self._unanswered.clear()

    def _wait_for_silence(self, client: Client, doing: str, silence_s: float) -> None:
        started_s = time.monotonic()
        late = b""
        try:
            while chunk := _listen(client, silence_s):
                late += chunk
                if time.monotonic() - started_s > self._deadline_s + silence_s:
                    self._received = late
                    raise self._failure(ProtocolError, f"{doing}: the line is never silent", started_s, self._check)
        except OSError as cause:
            raise self._failure(ConnectionLost, f"{doing}: connection lost", started_s, self._check) from cause
        if late:
            self._trace.add(b"", late, time.monotonic() - started_s, "late, thrown away")

    def _exchange(
        self,
        doing: str,
        function: int,
        ask: Callable[[Client], ModbusPDU],
        check: Callable[[ModbusPDU], str],
    ) -> ModbusPDU:
        """One request; ``check`` says what is wrong with a proper reply, nothing if it fits the request."""
        from pymodbus.exceptions import ConnectionException, ModbusIOException

        if self._client is None:
            raise self._trace.error(ConnectionLost, f"{doing}: the link is not open", todo="open the link first")
        self._sent = self._received = b""
        started_s = time.monotonic()
        try:
            reply = ask(self._client)
        except (ConnectionException, OSError) as cause:
            raise self._failure(ConnectionLost, f"{doing}: connection lost", started_s, self._check) from cause
        except ModbusIOException as cause:
            if self._received:
                why = f"{doing}: not an answer to it{self._foreign()}"
                raise self._failure(ProtocolError, why, started_s, REOPENED) from cause
            why = f"{doing}: no answer within {self._deadline_s:g} s"
            raise self._failure(DeadlineExceeded, why, started_s, self._check) from cause
        except Exception as cause:
            if not self._received:  # refused before anything was sent, such as 126 registers: the caller's mistake
                raise
            raise self._failure(ProtocolError, f"{doing}: {cause}", started_s, REOPENED) from cause
        if wrong := self._wrong_frame(reply):
            raise self._failure(ProtocolError, f"{doing}: not an answer to it, {wrong}", started_s, REOPENED)
        if reply.function_code == function | 0x80:
            code = reply.exception_code
            why = f"{doing}: refused with exception {code} ({EXCEPTION_WORDS.get(code, 'unknown')})"
            raise self._error(InstrumentError, why, started_s, "check the register map and the device's state")
        wrong = check(reply) if reply.function_code == function else f"it is function {reply.function_code}"
        if wrong:
            raise self._failure(ProtocolError, f"{doing}: not an answer to it, {wrong}", started_s, REOPENED)
        self._trace.add(self._sent, self._received, time.monotonic() - started_s)
        return reply

    def _wrong_frame(self, reply: ModbusPDU) -> str:
        """What came must be one frame from its first byte to its last: pymodbus looks for one amid other bytes."""
        spare = SPARE_BYTES_RTU if self._wire.rtu else SPARE_BYTES_TCP
        frame_bytes = spare + len(reply.encode())
        came = len(self._received)
        return "" if came == frame_bytes else f"{came} bytes instead of a frame of {frame_bytes}"

    def _foreign(self) -> str:
        """Who sent it, if it looks like the frame of another unit."""
        place = 0 if self._wire.rtu else 6
        unit_id = self._received[place] if len(self._received) > place else self._unit_id
        return "" if unit_id == self._unit_id else f": it comes from unit {unit_id}, not {self._unit_id}"

    def _failure(self, kind: type[BenchError], why: str, started_s: float, todo: str) -> BenchError:
        """The error of an exchange after which the connection cannot be trusted: it is closed."""
        if self._client is not None:
            # pymodbus connects again on the next request.
            self._client.close()  # type: ignore[no-untyped-call]
        self._stale = self._wire.rtu
        self._unanswered.add(self._asked_count)
        return self._error(kind, why, started_s, todo)

    def _error(self, kind: type[BenchError], why: str, started_s: float, todo: str) -> BenchError:
        duration_s = time.monotonic() - started_s
        return self._trace.error(kind, why, sent=self._sent, received=self._received, duration_s=duration_s, todo=todo)

    def _make_client(self) -> Client:
        from pymodbus import FramerType
        from pymodbus.client import ModbusTcpClient

        from meterbench.instruments.links.rtu_port import RtuPort

        wire = self._wire
        if wire.serial_url:
            baudrate, parity, stopbits = self._serial
            return RtuPort(
                wire.serial_url,
                framer=FramerType.RTU,
                baudrate=baudrate,
                parity=parity,
                stopbits=stopbits,
                timeout=self._deadline_s,
                retries=0,
                trace_packet=self._keep_packet,
            )
        return ModbusTcpClient(
            wire.host,
            port=wire.port,
            framer=FramerType.RTU if wire.rtu else FramerType.SOCKET,
            timeout=self._deadline_s,
            retries=0,
            trace_packet=self._keep_packet,
        )

    def _keep_packet(self, sending: bool, frame: bytes) -> bytes:
        if sending:
            self._sent = frame
        else:
            self._received = frame
        return frame


def _something_came(client: Client) -> bool:
    """True if there is something to read already, be it that the other side has hung up."""
    wire = client.socket
    if isinstance(wire, socket.socket):
        return bool(select.select([wire], [], [], 0.0)[0])
    try:
        return wire is not None and bool(wire.in_waiting)
    except OSError:
        return True


def _listen(client: Client, silence_s: float) -> bytes:
    """What comes within ``silence_s``, nothing if the line is silent; ``OSError`` if the connection is gone."""
    wire = client.socket
    if wire is None:
        raise OSError("not connected")
    if isinstance(wire, socket.socket):
        if not select.select([wire], [], [], silence_s)[0]:
            return b""
        if chunk := wire.recv(4096):
            return chunk
        raise OSError("closed by the other side")
    end_s = time.monotonic() + silence_s
    while not wire.in_waiting:
        if time.monotonic() > end_s:
            return b""
        time.sleep(SILENCE_S / 10.0)
    return bytes(wire.read(wire.in_waiting))
