"""HiSLIP 1.0 for simulated instruments, in synchronized mode (IVI-6.1): two connections to one port make a session.

The synchronous one carries messages, the asynchronous one locks, status and device clear beside them. An answer has the
number of the question's message, by which a client knows a stale one.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum

from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.status import Status

HEADER = struct.Struct("!2sBBIQ")
PROLOGUE = b"HS"
VERSION_1_0 = 0x0100
VENDOR = int.from_bytes(b"MB")
LONGEST_MESSAGE = 1 << 18


class Kind(IntEnum):
    """Message types (IVI-6.1, table 4)."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    ASYNC_MAX_MESSAGE_SIZE = 15
    ASYNC_MAX_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


POOR_HEADER, NO_SECOND_CHANNEL, BAD_INITIALIZATION = 1, 2, 3
"""Codes of ``FATAL_ERROR``."""
UNKNOWN_TYPE, TOO_LARGE = 1, 4
"""Codes of ``ERROR``."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``parameter`` is its number, its session or whatever its type has there."""

    kind: int
    control: int = 0
    parameter: int = 0
    payload: bytes = b""

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        return HEADER.pack(PROLOGUE, self.kind, self.control, self.parameter, len(self.payload)) + self.payload


class FatalError(Exception):
    """What ends a session; ``code`` goes to the client."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


Answer = Callable[[bytes, bool], Awaitable[None]]
"""Sends an answer, line feed included; only a part of it if the second argument is true."""
Obey = Callable[[bytes, Answer, Callable[[], None]], Awaitable[None]]
"""Carries out a message, answers it, or drops the connection."""


class HislipServer:
    """The sessions of one port; ``accept`` is given each connection of it."""

    def __init__(self, status: Status, obey: Obey) -> None:
        self._status = status
        self._obey = obey
        self._sessions: dict[int, _Session] = {}
        self._sessions_so_far = 0
        self._lock_holder: _Session | None = None
        self._unlocked = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends; the first message says which of the two channels it is."""
        try:
            first = await _read(reader)
            if first.kind == Kind.INITIALIZE:
                await self._serve_synchronous(reader, writer)
            elif first.kind == Kind.ASYNC_INITIALIZE and first.parameter in self._sessions:
                await self._serve_asynchronous(self._sessions[first.parameter], reader, writer)
            else:
                raise FatalError(BAD_INITIALIZATION, "begin with Initialize, or with AsyncInitialize of a session")
        except FatalError as error:
            writer.write(Message(Kind.FATAL_ERROR, error.code, 0, str(error).encode()).encoded())
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()

    async def _serve_synchronous(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sessions_so_far += 1
        number = self._sessions_so_far % 0x10000
        session = self._sessions[number] = _Session(writer)
        try:
            writer.write(Message(Kind.INITIALIZE_RESPONSE, 0, VERSION_1_0 << 16 | number).encoded())
            while True:
                await self._on_synchronous(session, await _read(reader))
        finally:
            del self._sessions[number]
            await self._release(session)
            if session.asynchronous is not None:
                session.asynchronous.close()

    async def _on_synchronous(self, session: _Session, message: Message) -> None:
        if session.asynchronous is None:
            raise FatalError(NO_SECOND_CHANNEL, "the asynchronous channel is not open")
        if session.clearing and message.kind != Kind.DEVICE_CLEAR_COMPLETE:
            return  # sent before the client asked to clear, and overtaken
        match message.kind:
            case Kind.DATA | Kind.DATA_END:
                session.message_available = False
                session.received += message.payload
                if len(session.received) > LONGEST_MESSAGE:
                    session.received = b""
                    self._status.push(ScpiError(-363))
                    session.tell(Message(Kind.ERROR, TOO_LARGE, 0, b"message too large"))
                elif message.kind == Kind.DATA_END:
                    line, session.received = session.received, b""
                    await self._carry_out(session, line, message.parameter)
            case Kind.TRIGGER:
                await self._carry_out(session, b"*TRG\n", message.parameter)
            case Kind.DEVICE_CLEAR_COMPLETE:
                session.clearing = False
                session.tell(Message(Kind.DEVICE_CLEAR_ACKNOWLEDGE))
            case _:
                session.tell(Message(Kind.ERROR, UNKNOWN_TYPE, 0, b"unrecognized message type"))

    async def _carry_out(self, session: _Session, line: bytes, number: int) -> None:
        """``line``, unless a device clear comes in between."""

        async def answer(reply: bytes, cut: bool) -> None:
            session.message_available = True
            encoded = Message(Kind.DATA_END, 0, number, reply).encoded()
            session.synchronous.write(encoded[: -len(reply) // 2] if cut else encoded)
            await session.synchronous.drain()

        async def work() -> None:
            async with self._unlocked:
                await self._unlocked.wait_for(lambda: self._lock_holder in (None, session))
            await self._obey(line, answer, session.close)

        session.work = asyncio.ensure_future(work())
        try:
            await asyncio.wait({session.work})
        finally:
            session.work.cancel()  # if the connection has ended before
        if not session.work.cancelled():
            session.work.result()

    async def _serve_asynchronous(
        self, session: _Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        session.asynchronous = writer
        writer.write(Message(Kind.ASYNC_INITIALIZE_RESPONSE, 0, VENDOR).encoded())
        while True:
            message = await _read(reader)
            match message.kind:
                case Kind.ASYNC_MAX_MESSAGE_SIZE:
                    size = LONGEST_MESSAGE.to_bytes(8)
                    reply = Message(Kind.ASYNC_MAX_MESSAGE_SIZE_RESPONSE, 0, 0, size)
                case Kind.ASYNC_STATUS_QUERY:
                    if message.control:  # the answer was delivered to its end
                        session.message_available = False
                    reply = Message(Kind.ASYNC_STATUS_RESPONSE, self._status.byte(session.message_available))
                case Kind.ASYNC_DEVICE_CLEAR:
                    session.abandon()
                    reply = Message(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)
                case Kind.ASYNC_LOCK:
                    reply = Message(Kind.ASYNC_LOCK_RESPONSE, await self._lock(session, bool(message.control)))
                case Kind.ASYNC_LOCK_INFO:
                    locked = int(self._lock_holder is not None)
                    reply = Message(Kind.ASYNC_LOCK_INFO_RESPONSE, locked, locked)
                case Kind.ASYNC_REMOTE_LOCAL_CONTROL:
                    reply = Message(Kind.ASYNC_REMOTE_LOCAL_RESPONSE)
                case _:
                    reply = Message(Kind.ERROR, UNKNOWN_TYPE, 0, b"unrecognized message type")
            writer.write(reply.encoded())

    async def _lock(self, session: _Session, request: bool) -> int:
        """1 done, 0 somebody else has it (nobody waits here), 3 it was not held."""
        if not request:
            return int(await self._release(session)) or 3
        if self._lock_holder not in (None, session):
            return 0
        self._lock_holder = session
        return 1

    async def _release(self, session: _Session) -> bool:
        if self._lock_holder is not session:
            return False
        self._lock_holder = None
        async with self._unlocked:
            self._unlocked.notify_all()
        return True


class _Session:
    """One client."""

    def __init__(self, synchronous: asyncio.StreamWriter) -> None:
        self.synchronous = synchronous
        self.asynchronous: asyncio.StreamWriter | None = None
        self.received = b""
        self.message_available = False
        self.clearing = False
        self.work: asyncio.Future[None] | None = None

    def tell(self, message: Message) -> None:
        """On the synchronous channel."""
        self.synchronous.write(message.encoded())

    def abandon(self) -> None:
        """Leave what is being carried out, what was to be said, and what comes before the end of the clear."""
        self.clearing = True
        if self.work is not None:
            self.work.cancel()
        self.received = b""
        self.message_available = False

    def close(self) -> None:
        """Both channels, once what was written has gone."""
        self.synchronous.close()
        if self.asynchronous is not None:
            self.asynchronous.close()


async def _read(reader: asyncio.StreamReader) -> Message:
    prologue, kind, control, parameter, length = HEADER.unpack(await reader.readexactly(HEADER.size))
    if prologue != PROLOGUE:
        raise FatalError(POOR_HEADER, "poorly formed message header")
    payload = bytearray()
    left = length
    while left:
        chunk = await reader.read(min(left, 1 << 16))
        if not chunk:
            raise asyncio.IncompleteReadError(bytes(payload), length)
        left -= len(chunk)
        if len(payload) <= LONGEST_MESSAGE:  # one byte beyond is enough to see that it is too long
            payload += chunk
    return Message(kind, control, parameter, bytes(payload))
