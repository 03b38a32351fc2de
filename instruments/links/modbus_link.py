"""Registers over Modbus TCP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from meterbench.errors import BenchError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange
from meterbench.instruments.links.trace import Trace
from meterbench.instruments.place import Tape

if TYPE_CHECKING:
    from pymodbus.client import ModbusTcpClient
    from pymodbus.pdu import ModbusPDU

READ_HOLDING = 3
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
REOPENED = "the connection is opened anew for the next request"


class ModbusLink:
    """One owner of a Modbus TCP device. The link never repeats a request: that is for the driver to decide.

    After any failure but an exception reply the connection is closed and opened anew for the next request, and answers
    are matched by transaction id, so that a late answer is never taken for another one.
    """

    def __init__(
        self,
        role: str,
        host: str,
        port: int,
        *,
        unit_id: int = 1,
        deadline_s: float = 1.0,
        tape: Tape | None = None,
    ) -> None:
        """``unit_id`` is the address behind a gateway; ``deadline_s`` holds for connecting and for each exchange."""
        self.role = role
        self.lock = threading.RLock()
        """Hold it around several exchanges that belong together."""
        self._host = host
        self._port = port
        self._unit_id = unit_id
        self._deadline_s = deadline_s
        self._trace = Trace(f"{role} at tcp://{host}:{port}, unit {unit_id}", tape)
        self._client: ModbusTcpClient | None = None
        self._sent = b""
        self._received = b""

    def open(self) -> None:
        """Connect; ``ConnectionLost`` if nobody listens."""
        from pymodbus.client import ModbusTcpClient

        with self.lock:
            self.close()
            client = ModbusTcpClient(
                self._host, port=self._port, timeout=self._deadline_s, retries=0, trace_packet=self._keep_packet
            )
            if not client.connect():  # type: ignore[no-untyped-call]
                raise self._trace.error(ConnectionLost, "nobody answers the connection", todo=CHECK_NETWORK)
            self._client = client

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

        def ask(client: ModbusTcpClient) -> ModbusPDU:
            return client.read_holding_registers(address, count=count, device_id=self._unit_id)

        def check(reply: ModbusPDU) -> str:
            got = len(reply.registers)
            return "" if got == count else f"{got} registers instead of {count}"

        return list(self._exchange(f"reading {count} registers from {address}", READ_HOLDING, ask, check).registers)

    def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Write ``values`` (1 to 123, each 0 to 65535) from the 0-based wire ``address`` on (function 16).

        Errors as for ``read_holding``; after ``DeadlineExceeded`` or ``ConnectionLost`` it may have happened or not.
        """

        def ask(client: ModbusTcpClient) -> ModbusPDU:
            return client.write_registers(address, list(values), device_id=self._unit_id)

        def check(reply: ModbusPDU) -> str:
            echoed = (reply.address, reply.count)
            return "" if echoed == (address, len(values)) else f"it confirms {echoed[1]} registers at {echoed[0]}"

        self._exchange(f"writing {list(values)} to registers from {address}", WRITE_MULTIPLE, ask, check)

    def _exchange(
        self,
        doing: str,
        function: int,
        ask: Callable[[ModbusTcpClient], ModbusPDU],
        check: Callable[[ModbusPDU], str],
    ) -> ModbusPDU:
        """One locked request; ``check`` says what is wrong with a proper reply, nothing if it fits the request."""
        from pymodbus.exceptions import ConnectionException, ModbusIOException

        with self.lock:
            if self._client is None:
                raise self._trace.error(ConnectionLost, f"{doing}: the link is not open", todo="open the link first")
            self._sent = self._received = b""
            started_s = time.monotonic()
            try:
                reply = ask(self._client)
            except (ConnectionException, OSError) as cause:
                raise self._failure(ConnectionLost, f"{doing}: connection lost", started_s, CHECK_NETWORK) from cause
            except ModbusIOException as cause:
                if self._received:
                    raise self._failure(ProtocolError, f"{doing}: not an answer to it", started_s, REOPENED) from cause
                why = f"{doing}: no answer within {self._deadline_s:g} s"
                raise self._failure(DeadlineExceeded, why, started_s, CHECK_NETWORK) from cause
            except Exception as cause:
                if not self._received:  # refused before anything was sent, such as 126 registers: the caller's mistake
                    raise
                raise self._failure(ProtocolError, f"{doing}: {cause}", started_s, REOPENED) from cause
            if reply.function_code == function | 0x80:
                code = reply.exception_code
                why = f"{doing}: refused with exception {code} ({EXCEPTION_WORDS.get(code, 'unknown')})"
                raise self._error(InstrumentError, why, started_s, "check the register map and the device's state")
            wrong = check(reply) if reply.function_code == function else f"it is function {reply.function_code}"
            if wrong:
                raise self._failure(ProtocolError, f"{doing}: not an answer to it, {wrong}", started_s, REOPENED)
            self._trace.add(self._sent, self._received, time.monotonic() - started_s)
            return reply

    def _failure(self, kind: type[BenchError], why: str, started_s: float, todo: str) -> BenchError:
        """The error of an exchange after which the connection cannot be trusted: it is closed."""
        if self._client is not None:
            # pymodbus connects again on the next request.
            self._client.close()  # type: ignore[no-untyped-call]
        return self._error(kind, why, started_s, todo)

    def _error(self, kind: type[BenchError], why: str, started_s: float, todo: str) -> BenchError:
        duration_s = time.monotonic() - started_s
        return self._trace.error(kind, why, sent=self._sent, received=self._received, duration_s=duration_s, todo=todo)

    def _keep_packet(self, sending: bool, frame: bytes) -> bytes:
        if sending:
            self._sent = frame
        else:
            self._received = frame
        return frame
