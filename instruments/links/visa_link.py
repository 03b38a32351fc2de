"""SCPI over a VISA resource, by pyvisa and pyvisa-py: raw sockets (``TCPIP::host::port::SOCKET``) and HiSLIP
(``TCPIP::host::hislip0::INSTR``, at another port than 4880 ``TCPIP::host::hislip0,port::INSTR``).
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from typing import TYPE_CHECKING, NoReturn, cast

from meterbench.errors import (
    BenchError,
    ConfigError,
    ConnectionLost,
    DeadlineExceeded,
    InstrumentError,
    ProtocolError,
)
from meterbench.instruments.capabilities import Exchange, Identity
from meterbench.instruments.links.address import visa_resource
from meterbench.instruments.links.deadline_socket import DeadlineSocket, put_deadline
from meterbench.instruments.links.scpi_answer import (
    ERROR_ENTRY,
    NUMBER,
    block_end,
    checked_answer,
    is_whole,
    without_headers,
)
from meterbench.instruments.links.trace import Trace
from meterbench.instruments.place import Tape

if TYPE_CHECKING:
    from pyvisa.resources import MessageBasedResource

ERROR_QUERY = "SYST:ERR?"
MOST_ERRORS = 32
"""Bound for draining an error queue, so that a box that always reports one cannot hold us."""
_HISLIP = re.compile(r"TCPIP\d*::(?P<host>[^:]+|\[[^]]+\])::hislip\d+(?:,(?P<port>\d+))?(?:::INSTR)?", re.IGNORECASE)
HISLIP_PORT = 4880
INFINITY = 9.9e37
NOT_A_NUMBER = 9.91e37
"""SCPI-99 volume 1, 7.2.1: what stands for infinity (an overload) and for a missing result."""
CHECK_NETWORK = "check network, power and address"
NEW_CONNECTION = "repeat; it is asked on a new connection"


class VisaLink:
    """One owner of a SCPI instrument. Every command's effect on the error queue is read in its own locked exchange.

    Command and ``SYST:ERR?`` go out as one program message and come back as one line: one round trip. After a
    time-out, a bad frame or a lost connection the resource is closed, and a new one is used only when it has given
    the same answer to ``*IDN?``: on a drained socket a late answer could still answer the next question.
    """

    identity: Identity
    """Known once the link is open."""

    def __init__(
        self, role: str, address: str, *, deadline_s: float = 1.0, headers: bool = False, tape: Tape | None = None
    ) -> None:
        """``address`` is a VISA resource or ``tcp://host:port``; ``deadline_s`` holds for each exchange.

        ``headers``: the instrument may repeat a query's header before its answer; it is taken off.
        """
        self.role = role
        self.lock = threading.RLock()
        """Hold it around several exchanges that belong together."""
        self._resource_name = visa_resource(address)
        self._deadline_s = deadline_s
        self._headers = headers
        self._trace = Trace(f"{role} at {self._resource_name}", tape)
        self._resource: MessageBasedResource | None = None
        self._socket: DeadlineSocket | None = None
        self._timeout_s = 0.0
        """What the resource has been told, 0 if nothing yet: asking it back takes as long as half of our own work."""
        self._idn = ""

    def open(self, *models: str) -> None:
        """Connect and read the identity (twice, since it goes into the record).

        Raises ``ConnectionLost`` if nobody answers, ``ConfigError`` if the instrument is none of ``models``.
        """
        with self.lock:
            self.close()
            self._connect("")
            idn = self._ask("*IDN?")
            fields = [field.strip() for field in idn.split(",")]
            if idn != self._ask("*IDN?") or len(fields) != 4:
                self.fail(ProtocolError, "*IDN?", idn, "not an identity of four fields, twice the same", CHECK_NETWORK)
            self.identity = Identity(*fields)
            if self.identity.model not in models:
                self.close()
                expected = " or ".join(models)
                self.fail(ConfigError, "*IDN?", idn, f"this is no {expected}", "correct the station file or the wiring")
            self._drain_errors()  # of whoever used it before us
            self._idn = idn

    def close(self) -> None:
        """Release the connection; safe to call twice."""
        with self.lock:
            self._idn = ""
            self._drop()

    def trace(self) -> tuple[Exchange, ...]:
        """The last 20 exchanges, oldest first."""
        return self._trace.exchanges()

    def write(self, text: str) -> None:
        """Send the command ``text``; errors as for ``query``."""
        self._checked(text, self._deadline_s, answers=False)

    def query(self, text: str, deadline_s: float | None = None) -> str:
        """Send ``text``, whose last command is a query, and return its answer (or answers, joined by ``;``).

        Raises ``InstrumentError`` with all entries of the error queue, ``DeadlineExceeded`` without an answer in time,
        ``ConnectionLost``, or ``ProtocolError``. Not for ``*IDN?``, after which SCPI allows no other query.
        """
        return self._checked(text, self._deadline_s if deadline_s is None else deadline_s, answers=True)

    def query_twice(self, text: str, deadline_s: float | None = None) -> str:
        """The one answer to the query ``text`` (which must be repeatable, as ``FETC?`` is), asked twice in one message.

        ``ProtocolError`` unless both are equal: nothing else on a socket protects a digit.
        """
        both = self.query(f"{text};:{text.removeprefix(':')}", deadline_s)
        answer, separator, again = both[: len(both) // 2], both[len(both) // 2 :][:1], both[len(both) // 2 + 1 :]
        if separator != ";" or answer != again:
            self.fail(ProtocolError, text, both, "not the same twice", NEW_CONNECTION)
        return answer

    def query_numbers(self, text: str, infinity_means: str, deadline_s: float | None = None) -> tuple[float, ...]:
        """The comma-separated numbers that ``text`` answers, by ``query_twice``.

        SCPI's infinity (``infinity_means`` says of what) and not-a-number are ``InstrumentError``.
        """
        return self._numbers(text, self.query_twice(text, deadline_s), infinity_means)

    def query_measured(self, text: str, infinity_means: str, tolerance: float) -> float:
        """The mean of two measurements that ``text`` makes, asked for in one message.

        ``ProtocolError`` if they are more than ``tolerance`` apart: garbled, or of something that changes.
        """
        both = self.query(f"{text};:{text.removeprefix(':')}")
        readings = [reading for answer in both.split(";") for reading in self._numbers(text, answer, infinity_means)]
        if len(readings) != 2 or abs(readings[0] - readings[1]) > tolerance:
            self.fail(ProtocolError, text, both, f"not the same twice, within {tolerance:g}", NEW_CONNECTION)
        return (readings[0] + readings[1]) / 2.0

    def _numbers(self, text: str, answer: str, infinity_means: str) -> tuple[float, ...]:
        fields = answer.split(",")
        if not all(NUMBER.fullmatch(field.strip()) for field in fields):
            self.fail(ProtocolError, text, answer, "no number", NEW_CONNECTION)
        numbers = tuple(float(field) for field in fields)
        if any(abs(number) >= INFINITY for number in numbers):
            missing = any(abs(number) >= NOT_A_NUMBER for number in numbers)
            self.fail(InstrumentError, text, answer, "no result" if missing else infinity_means, "check the input")
        return numbers

    def query_block(self, text: str, deadline_s: float | None = None) -> bytes:
        """The content of the one definite-length block (IEEE 488.2, 8.7.9) that the query ``text`` answers.

        Errors as for ``query``. Its length is exact, and the error queue is read behind it in the same message; but
        nothing protects its bytes: an instrument that gives the same block again is to be asked twice.
        """
        reply = self._checked(text, self._deadline_s if deadline_s is None else deadline_s, answers=True)
        block = reply.encode("latin-1")
        end = block_end(block)
        if end != len(block):
            self.fail(ProtocolError, text, reply, "not one block of definite length", "check the driver's command")
        return block[2 + int(block[1:2]) :]

    def fail(self, kind: type[BenchError], asked: str, reply: str, why: str, todo: str) -> NoReturn:
        """Raise ``kind`` for a ``reply``; after a ``ProtocolError`` the connection is not trusted any more."""
        if issubclass(kind, ProtocolError):
            self._drop()
        raise self._trace.error(kind, why, sent=asked.encode(), received=reply.encode("latin-1"), todo=todo)

    def _checked(self, text: str, deadline_s: float, *, answers: bool) -> str:
        with self.lock:
            if not self._idn:
                self.fail(ConnectionLost, text, "", "the link is not open", "open the link first")
            if self._resource is None:
                self._connect(self._idn)
            message = f"{text};:{ERROR_QUERY}"
            started_s = time.monotonic()
            reply = self._ask(message, deadline_s)
            match = checked_answer(reply)
            if match is None:
                self.fail(ProtocolError, message, reply, "garbled answer", NEW_CONNECTION)
            if errors := self._drain_errors(match["error"]):
                raise self._refusal(errors, message, reply, started_s)
            if (match["answer"] is not None) != answers:
                self.fail(ProtocolError, message, reply, "an answer too few or too many", "check the driver's command")
            return match["answer"] or ""

    def _drain_errors(self, first: str = "") -> list[str]:
        """All entries of the error queue, of which ``first`` has been read already; a queue of its own bound."""
        errors: list[str] = []
        entry = first or self._ask(ERROR_QUERY)
        while ERROR_ENTRY.fullmatch(entry) is None or int(entry.partition(",")[0]) != 0:
            errors.append(entry)
            if len(errors) == MOST_ERRORS:
                break
            entry = self._ask(ERROR_QUERY)
        return errors

    def _refusal(self, errors: list[str], message: str, reply: str, started_s: float) -> InstrumentError:
        return self._trace.error(
            InstrumentError,
            f"it reports {' | '.join(errors)}",
            sent=message.encode(),
            received=reply.encode("latin-1"),
            duration_s=time.monotonic() - started_s,
            todo="check its range, mode and wiring",
        )

    def _ask(self, message: str, deadline_s: float | None = None) -> str:
        """One round trip; if it fails a new connection, and what the instrument itself has to say about it."""
        from pyvisa.errors import VisaIOError

        sent = message.encode("ascii") + b"\n"
        allowed_s = self._deadline_s if deadline_s is None else deadline_s
        started_s = time.monotonic()
        try:
            received = self._round_trip(sent, allowed_s)
        except (VisaIOError, OSError, RuntimeError, AssertionError) as cause:
            # pyvisa-py's HiSLIP tells a closed connection and a bad header by the latter two.
            took_s = time.monotonic() - started_s
            self._drop()
            kind, why = (
                (DeadlineExceeded, f"no answer within {allowed_s:g} s")
                if isinstance(cause, (VisaIOError, TimeoutError))
                else (ConnectionLost, f"connection lost: {cause}")
            )
            if not self._idn:
                raise self._trace.error(
                    ConnectionLost, f"{why}: nobody there", sent=sent, duration_s=took_s, todo=CHECK_NETWORK
                ) from cause
            error = self._trace.error(kind, why, sent=sent, duration_s=took_s, todo="repeat; the connection is new")
            if errors := self._connect(self._idn):
                raise self._refusal(errors, message, "", started_s) from error
            raise error from cause
        self._trace.add(sent, received, time.monotonic() - started_s)
        reply = received.decode("latin-1").removesuffix("\n").removesuffix("\r")
        return without_headers(reply) if self._headers else reply

    def _round_trip(self, sent: bytes, allowed_s: float) -> bytes:
        if self._resource is None:
            raise ConnectionResetError("the resource is closed")
        if self._timeout_s != allowed_s:
            self._resource.timeout = allowed_s * 1000
            self._timeout_s = allowed_s
        started_s = time.monotonic()
        if self._socket is not None:
            self._socket.end_s = started_s + allowed_s
        self._resource.write_raw(sent)
        received = self._resource.read_raw()
        while not is_whole(received):  # a line feed that was in a block
            if time.monotonic() - started_s > allowed_s:
                raise TimeoutError(f"the answer did not end within {allowed_s:g} s")
            more = self._resource.read_raw()
            if not more:  # HiSLIP's end of the message
                break
            received += more
        return received

    def _connect(self, expected_idn: str) -> list[str]:
        """Open a new resource; return what its error queue still held if it identifies itself as ``expected_idn``."""
        import pyvisa

        self._drop()
        known, self._idn = self._idn, ""  # while it is empty a failure does not try to recover by connecting
        try:
            if match := _HISLIP.fullmatch(self._resource_name):
                # pyvisa-py would wait 5 s for a HiSLIP server, and leave the socket open if there is none.
                port = int(match["port"] or HISLIP_PORT)
                socket.create_connection((match["host"].strip("[]"), port), self._deadline_s).close()
            # pyvisa gives every caller the same manager; closing it would close the resources of all drivers.
            self._resource = cast(
                "MessageBasedResource",
                pyvisa.ResourceManager("@py").open_resource(
                    self._resource_name,
                    open_timeout=int(self._deadline_s * 1000),
                    read_termination="\n",
                    write_termination="\n",
                ),
            )
            sessions = getattr(self._resource.visalib, "sessions", {})
            self._socket = put_deadline(sessions.get(self._resource.session))
            if not expected_idn:
                return []
            if (idn := self._ask("*IDN?")) != expected_idn:
                self.fail(ProtocolError, "*IDN?", idn, f"it was {expected_idn!r} before", "check what is connected")
            return self._drain_errors()
        except BenchError:
            raise
        except Exception as cause:  # pyvisa-py raises a bare Exception when connecting takes too long
            raise self._trace.error(ConnectionLost, f"cannot connect: {cause}", todo=CHECK_NETWORK) from cause
        finally:
            self._idn = known

    def _drop(self) -> None:
        resource, self._resource, self._socket, self._timeout_s = self._resource, None, None, 0.0
        if resource is not None:
            with contextlib.suppress(OSError):
                resource.close()
