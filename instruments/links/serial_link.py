"""Lines and binary messages over a serial port, a pseudo-terminal, a raw TCP socket or RFC 2217."""

from __future__ import annotations

import contextlib
import math
import select
import threading
import time
from collections.abc import Callable
from typing import NoReturn

import serial

from meterbench.errors import ConnectionLost, DeadlineExceeded, ProtocolError
from meterbench.instruments.capabilities import Exchange
from meterbench.instruments.links.pyserial_warnings import pass_over_pyserial_deprecations
from meterbench.instruments.links.trace import Trace
from meterbench.instruments.place import Tape

POLL_S = 0.02
"""How long one read of the port may block; a deadline is overrun by no more than this."""
SILENCE_S = 0.05
"""After so long without a byte an instrument is taken to have finished talking (9600 baud: 48 characters)."""
CHUNK_BYTES = 4096
"""Most bytes that one read of a socket takes."""
REOPEN_AFTER_S = 0.3
"""A socket stays closed for so long before it is opened anew: a device server with room for one client must notice."""
CHECK_CABLE = "check cable, power and serial settings"
RESYNCHRONISE = "resynchronise before the next question"

MessageEnd = Callable[[bytes], int]
"""Where the first complete message ends in what has come in so far; 0 while it is incomplete."""


class SerialLink:
    """One owner of an instrument; text is latin-1, so that every byte is one character.

    After a time-out, a bad answer (``fail_protocol``) or a lost connection the link is ``stale``: it refuses to be
    asked anything until ``resynchronise`` has seen the answer to a barrier that no other command gives.
    """

    def __init__(
        self,
        role: str,
        address: str,
        *,
        deadline_s: float = 1.0,
        terminator: bytes = b"\r\n",
        reply_terminator: bytes = b"",
        baudrate: int = 9600,
        bytesize: int = 8,
        parity: str = "N",
        stopbits: float = 1,
        tape: Tape | None = None,
    ) -> None:
        """``address`` is a device path, ``socket://host:port`` or ``rfc2217://host:port``.

        ``terminator`` ends lines both ways, unless replies have a ``reply_terminator`` of their own. Pseudo-terminals
        take 8N1 only.
        """
        self.role = role
        self.address = address
        self.lock = threading.RLock()
        """Hold it around several calls that belong together, such as a multi-line answer."""
        self.stale = False
        """True if a late answer may still be under way."""
        self._deadline_s = deadline_s
        self._terminator = terminator
        self._reply_terminator = reply_terminator or terminator
        self._is_socket = address.startswith("socket:")
        self._settings = {"baudrate": baudrate, "bytesize": bytesize, "parity": parity, "stopbits": stopbits}
        self._trace = Trace(f"{role} at {address}", tape)
        self._opened = False
        self._port: serial.SerialBase | None = None
        self._closed_s = -math.inf
        self._pending = bytearray()

    def open(self) -> None:
        """Open the port; ``ConnectionLost`` if it cannot be opened with these settings."""
        with self.lock:
            self._connect()
            self._opened = True
            self.stale = False

    def close(self) -> None:
        """Release the port; safe to call twice."""
        with self.lock:
            self._opened = False
            self._drop()

    def trace(self) -> tuple[Exchange, ...]:
        """The last 20 exchanges, oldest first."""
        return self._trace.exchanges()

    def exchange(self, command: str, deadline_s: float | None = None) -> str:
        """Send ``command`` and return the next line, both without terminator, in one locked exchange.

        What arrived unasked before is thrown away (and kept in the trace). Raises ``DeadlineExceeded``,
        ``ConnectionLost``, or ``ProtocolError`` on a stale link.
        """
        with self.lock:
            self._require_fresh(command.encode("latin-1"))
            started_s = time.monotonic()
            sent = self._send(command.encode("latin-1") + self._terminator)
            return self._receive_line(sent, started_s, deadline_s)

    def exchange_message(self, request: bytes, end: MessageEnd, deadline_s: float | None = None) -> bytes:
        """Send ``request`` as it is and return all that comes until ``end`` finds it complete; as ``exchange`` else.

        What comes behind the message is left, and thrown away before the next one.
        """
        with self.lock:
            self._require_fresh(request)
            started_s = time.monotonic()
            return self._receive(self._send(request), started_s, deadline_s, end, "no complete answer")

    def read_line(self, deadline_s: float | None = None) -> str:
        """The next line of an answer of several lines, without terminator; errors as for ``exchange``."""
        with self.lock:
            self._require_fresh(b"")
            return self._receive_line(b"", time.monotonic(), deadline_s)

    def listen_anew(self) -> bytes:
        """Throw away and return what has come, for what speaks by itself; opens the port anew if it was lost."""
        with self.lock:
            if self._opened and self._port is None:
                self._connect()
            self.stale = False
            return self.drain()

    def heard_lines(self) -> list[str]:
        """The lines that came unasked since the last call; waits for the rest of a line, but for none to begin.

        ``ProtocolError`` if a line stops for ``SILENCE_S`` before its end: what came next would seem to belong to it.
        """
        with self.lock:
            started_s = heard_s = time.monotonic()
            while self._waiting(started_s) or (self._pending and time.monotonic() - heard_s < SILENCE_S):
                if chunk := self._read_chunk(b"", started_s):
                    self._pending += chunk
                    heard_s = time.monotonic()
                if self._pending.endswith(self._terminator) or heard_s - started_s > self._deadline_s:
                    break
            *lines, rest = bytes(self._pending).split(self._terminator)
            self._pending.clear()
            for line in lines:
                self._trace.add(b"", line + self._terminator, 0.0)
            if rest:
                why = "a line without an end"
                raise self._trace.error(ProtocolError, why, received=rest, todo="repeat what made it speak")
            return [line.decode("latin-1") for line in lines]

    def drain(self, silence_s: float = SILENCE_S) -> bytes:
        """Throw away and return what comes until nothing has come for ``silence_s``; gives up after the deadline."""
        with self.lock:
            started_s = heard_s = time.monotonic()
            heard = bytearray(self._pending)
            self._pending.clear()
            while (
                now_s := time.monotonic()
            ) - heard_s < silence_s and now_s - started_s < self._deadline_s + silence_s:
                if chunk := self._read_chunk(b"", started_s):
                    heard += chunk
                    heard_s = time.monotonic()
            if heard:
                self._trace.add(b"", bytes(heard), time.monotonic() - started_s, "thrown away")
            return bytes(heard)

    def resynchronise(self, barrier: str, is_barrier_reply: Callable[[str], bool], deadline_s: float) -> str:
        """Make the link fresh again and return the barrier's reply; opens the port anew if the connection was lost.

        Throws away what is under way, sends ``barrier`` and skips lines until ``is_barrier_reply``. Choose a barrier
        whose reply no other command gives. Raises ``DeadlineExceeded`` or ``ConnectionLost`` and stays stale.
        """
        with self.lock:
            self._clear_line()
            started_s = time.monotonic()
            sent = self._send(barrier.encode("latin-1") + self._terminator)
            while not is_barrier_reply(line := self._receive_line(sent, started_s, deadline_s)):
                pass
            self.drain()
            self.stale = False
            return line

    def resynchronise_message(self, barrier: bytes, end: MessageEnd, deadline_s: float) -> bytes:
        """``resynchronise`` of binary protocols: ``end`` finds the end of the barrier's reply in all that comes.

        Returns all of it, what was under way before the reply included.
        """
        with self.lock:
            self._clear_line()
            started_s = time.monotonic()
            message = self._receive(self._send(barrier), started_s, deadline_s, end, "no answer to the barrier")
            self.drain()
            self.stale = False
            return message

    def fail_protocol(self, asked: str | bytes, reply: str | bytes, why: str) -> NoReturn:
        """Raise ``ProtocolError`` for a ``reply`` outside the instrument's grammar, and mark the link stale."""
        self.stale = True
        sent, received = (text.encode("latin-1") if isinstance(text, str) else text for text in (asked, reply))
        raise self._trace.error(ProtocolError, why, sent=sent, received=received, todo=RESYNCHRONISE)

    def _clear_line(self) -> None:
        """Open the port anew if the connection was lost, and throw away what comes."""
        if self._opened and self._port is None:
            self._connect()
        self.stale = True
        self.drain()

    def _connect(self) -> None:
        self._drop()
        if self._is_socket and (early_s := self._closed_s + REOPEN_AFTER_S - time.monotonic()) > 0.0:
            time.sleep(early_s)
        # pyserial's RFC 2217 client knows no time-out of writing; what it writes goes into a socket.
        write_timeout = None if self.address.startswith("rfc2217:") else self._deadline_s
        pass_over_pyserial_deprecations()
        try:
            self._port = serial.serial_for_url(
                self.address, timeout=0 if self._is_socket else POLL_S, write_timeout=write_timeout, **self._settings
            )
        except Exception as cause:  # OSError, ValueError, and termios.error, which is neither
            raise self._trace.error(ConnectionLost, f"cannot open the port: {cause}", todo=CHECK_CABLE) from cause

    def _drop(self) -> None:
        port, self._port = self._port, None
        self._pending.clear()
        if port is None:
            return
        # pyserial leaves the socket of a socket:// port open if the peer has reset the connection.
        sock = getattr(port, "_socket", None)
        if self._is_socket:
            port.is_open = False  # or pyserial would wait now, whether it is ever opened again or not
            self._closed_s = time.monotonic()
        with contextlib.suppress(OSError):
            port.close()
        if sock is not None:
            sock.close()

    def _require_fresh(self, sent: bytes) -> None:
        if self.stale:
            why = "a late answer may still come"
            raise self._trace.error(ProtocolError, why, sent=sent, todo=RESYNCHRONISE)

    def _send(self, sent: bytes) -> bytes:
        """``sent``, once it is on its way."""
        started_s = time.monotonic()
        unasked = bytearray(self._pending)
        self._pending.clear()
        port = self._require_port(sent)
        try:
            while port.in_waiting and time.monotonic() - started_s < self._deadline_s:
                unasked += port.read(port.in_waiting)
            port.write(sent)
        except OSError as cause:
            raise self._lost(cause, sent, bytes(unasked), started_s) from cause
        if unasked:
            self._trace.add(b"", bytes(unasked), 0.0, "unasked, thrown away")
        return sent

    def _receive_line(self, sent: bytes, started_s: float, deadline_s: float | None) -> str:
        terminator = self._reply_terminator

        def line_end(received: bytes) -> int:
            at = received.find(terminator)
            return at + len(terminator) if at >= 0 else 0

        line = self._receive(sent, started_s, deadline_s, line_end, "no complete line")
        return line.removesuffix(terminator).decode("latin-1")

    def _receive(self, sent: bytes, started_s: float, deadline_s: float | None, end: MessageEnd, missing: str) -> bytes:
        allowed_s = self._deadline_s if deadline_s is None else deadline_s
        while not (length := end(bytes(self._pending))):
            if time.monotonic() - started_s > allowed_s:
                self.stale = True
                received = bytes(self._pending)
                self._pending.clear()
                raise self._trace.error(
                    DeadlineExceeded,
                    f"{missing} within {allowed_s:g} s",
                    sent=sent,
                    received=received,
                    duration_s=time.monotonic() - started_s,
                    todo=CHECK_CABLE,
                )
            self._pending += self._read_chunk(sent, started_s)
        message = bytes(self._pending[:length])
        del self._pending[:length]
        self._trace.add(sent, message, time.monotonic() - started_s)
        return message

    def _waiting(self, started_s: float) -> bool:
        port = self._require_port(b"")
        try:
            return bool(port.in_waiting)
        except OSError as cause:
            raise self._lost(cause, b"", bytes(self._pending), started_s) from cause

    def _read_chunk(self, sent: bytes, started_s: float) -> bytes:
        port = self._require_port(sent)
        try:
            if self._is_socket:  # pyserial knows only whether something waits there: byte by byte would be slow
                select.select([port], [], [], POLL_S)
                return bytes(port.read(CHUNK_BYTES))
            return bytes(port.read(max(1, port.in_waiting)))
        except OSError as cause:
            raise self._lost(cause, sent, bytes(self._pending), started_s) from cause

    def _require_port(self, sent: bytes) -> serial.SerialBase:
        if self._port is None:
            raise self._trace.error(ConnectionLost, "the port is not open", sent=sent, todo="open the link first")
        return self._port

    def _lost(self, cause: OSError, sent: bytes, received: bytes, started_s: float) -> ConnectionLost:
        self._drop()
        self.stale = True
        duration_s = time.monotonic() - started_s
        why = f"connection lost: {cause}"
        return self._trace.error(
            ConnectionLost, why, sent=sent, received=received, duration_s=duration_s, todo=CHECK_CABLE
        )
