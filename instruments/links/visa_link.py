"""SCPI over a VISA resource, by pyvisa and pyvisa-py; written for raw sockets (``TCPIP::host::port::SOCKET``)."""

from __future__ import annotations

import contextlib
import re
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
from meterbench.instruments.links.trace import Trace
from meterbench.instruments.place import Tape

if TYPE_CHECKING:
    from pyvisa.resources import MessageBasedResource

ERROR_QUERY = "SYST:ERR?"
MOST_ERRORS = 32
"""Bound for draining an error queue, so that a box that always reports one cannot hold us."""
_ERROR = r'[+-]?\d+,"(?:[^"]|"")*"'
_CHECKED_ANSWER = re.compile(rf"(?:(?P<answer>.*);)?(?P<error>{_ERROR})", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[Ee][+-]?\d+)?")
INFINITY = 9.9e37
NOT_A_NUMBER = 9.91e37
"""SCPI-99 volume 1, 7.2.1: what stands for infinity (an overload) and for a missing result."""
CHECK_NETWORK = "check network, power and address"


class VisaLink:
    """One owner of a SCPI instrument. Every command's effect on the error queue is read in its own locked exchange.

    Command and ``SYST:ERR?`` go out as one program message and come back as one line: one round trip. After a
    time-out, a bad frame or a lost connection the resource is closed, and a new one is used only when it has given
    the same answer to ``*IDN?``: on a drained socket a late answer could still answer the next question.
    """

    identity: Identity
    """Known once the link is open."""

    def __init__(self, role: str, address: str, *, deadline_s: float = 1.0, tape: Tape | None = None) -> None:
        """``address`` is a VISA resource or ``tcp://host:port``; ``deadline_s`` holds for each exchange."""
        self.role = role
        self.lock = threading.RLock()
        """Hold it around several exchanges that belong together."""
        self._resource_name = visa_resource(address)
        self._deadline_s = deadline_s
        self._trace = Trace(f"{role} at {self._resource_name}", tape)
        self._resource: MessageBasedResource | None = None
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

    def query_numbers(self, text: str, infinity_means: str, deadline_s: float | None = None) -> tuple[float, ...]:
        """The comma-separated numbers that ``text`` (which must be repeatable, as ``FETC?`` is) answers.

        It is asked twice in one message, and ``ProtocolError`` unless both answers are equal: nothing else on a socket
        protects a digit. SCPI's infinity (``infinity_means`` says of what) and not-a-number are ``InstrumentError``.
        """
        both = self.query(f"{text};:{text}", deadline_s)
        answer, separator, again = both[: len(both) // 2], both[len(both) // 2 :][:1], both[len(both) // 2 + 1 :]
        fields = answer.split(",")
        if separator != ";" or answer != again or not all(_NUMBER.fullmatch(field.strip()) for field in fields):
            why = "not the same numbers twice"
            self.fail(ProtocolError, text, both, why, "the connection is opened anew for the next question")
        numbers = tuple(float(field) for field in fields)
        if any(abs(number) >= INFINITY for number in numbers):
            missing = any(abs(number) >= NOT_A_NUMBER for number in numbers)
            self.fail(InstrumentError, text, answer, "no result" if missing else infinity_means, "check the input")
        return numbers

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
            match = _CHECKED_ANSWER.fullmatch(reply)
            if match is None:
                self.fail(ProtocolError, message, reply, "garbled answer", "repeat; it is asked on a new connection")
            if errors := self._drain_errors(match["error"]):
                raise self._refusal(errors, message, reply, started_s)
            if (match["answer"] is not None) != answers:
                self.fail(ProtocolError, message, reply, "an answer too few or too many", "check the driver's command")
            return match["answer"] or ""

    def _drain_errors(self, first: str = "") -> list[str]:
        """All entries of the error queue, of which ``first`` has been read already; a queue of its own bound."""
        errors: list[str] = []
        entry = first or self._ask(ERROR_QUERY)
        while re.fullmatch(_ERROR, entry) is None or int(entry.partition(",")[0]) != 0:
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
        except (VisaIOError, OSError) as cause:
            took_s = time.monotonic() - started_s
            self._drop()
            kind, why = (
                (DeadlineExceeded, f"no answer within {allowed_s:g} s")
                if isinstance(cause, VisaIOError)
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
        return received.decode("latin-1").removesuffix("\n").removesuffix("\r")

    def _round_trip(self, sent: bytes, allowed_s: float) -> bytes:
        if self._resource is None:
            raise ConnectionResetError("the resource is closed")
        if self._resource.timeout != allowed_s * 1000:
            self._resource.timeout = allowed_s * 1000
        self._resource.write_raw(sent)
        return self._resource.read_raw()

    def _connect(self, expected_idn: str) -> list[str]:
        """Open a new resource; return what its error queue still held if it identifies itself as ``expected_idn``."""
        import pyvisa

        self._drop()
        known, self._idn = self._idn, ""  # while it is empty a failure does not try to recover by connecting
        try:
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
        resource, self._resource = self._resource, None
        if resource is not None:
            with contextlib.suppress(OSError):
                resource.close()
