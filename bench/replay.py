"""A station that answers from a ``wire.jsonl``: a day at a laboratory becomes a test that runs in seconds.

Drivers open real sockets and ask; each question must be the one that was asked then, and gets the answer that came
then; the clock tells what it told then. The first difference ends the run and is named.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from meterbench.bench.station import StationFile, parse
from meterbench.bench.wire_record import FILE_NAME
from meterbench.errors import ConfigError, RecordError
from meterbench.instruments.capabilities import Exchange
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.trace import show
from meterbench.instruments.place import Tape
from meterbench.instruments.roles import ROLES
from meterbench.world.clock import Clock

_TRANSACTION_BYTES = 2
"""A Modbus TCP frame begins with a number that only pairs question and answer."""


@dataclass(frozen=True, slots=True)
class WireRecord:
    """What a ``wire.jsonl`` holds."""

    path: Path
    head: Mapping[str, Any]
    exchanges: Mapping[str, tuple[Exchange, ...]]
    """By link."""
    times: Mapping[str, Sequence[float | str | bool]]
    """What the clock told, by the thread that asked; the procedure's has no name."""
    sha256: str


def load(name: Path) -> WireRecord:
    """Read what ``--record`` wrote: a file, or a run's folder, or its name under ./runs.

    ``ConfigError`` if there is none; ``RecordError`` names the line that is none. A cut last line is left out.
    """
    path = _find(name)
    try:
        content = path.read_bytes()
        lines = content.decode("ascii").splitlines(keepends=True)
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise RecordError(f"{path} is not a record of wires, which has ASCII only") from None
    exchanges: dict[str, list[Exchange]] = {}
    times: dict[str, list[float | str | bool]] = {}
    head: Mapping[str, Any] = {}
    for number, text in enumerate(lines, start=1):
        if not text.endswith("\n"):
            break
        try:
            line = json.loads(text)
            if number == 1:
                head = line
                _check_head(head)
            elif "clock" in line:
                times.setdefault(line["thread"], []).extend(line["clock"])
            else:
                sent, received = line["sent"].encode("latin-1"), line["received"].encode("latin-1")
                exchanges.setdefault(line["link"], []).append(Exchange(sent, received, line["took_s"], line["fault"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(f"{path}, line {number}: not a record of wires: {error!r}") from error
    if not head:
        raise RecordError(f"{path} is empty: it was cut off before anything was recorded")
    return WireRecord(
        path,
        head,
        {link: tuple(kept) for link, kept in exchanges.items()},
        times,
        hashlib.sha256(content).hexdigest(),
    )


def _find(name: Path) -> Path:
    """The file of the wires that ``name`` means."""
    for place in (name, Path("runs") / name):
        path = place / FILE_NAME if place.is_dir() else place
        if path.is_file():
            return path
        if place.is_dir():
            raise ConfigError(f"{place} holds no {FILE_NAME}: a run keeps its wires only with --record")
    raise ConfigError(f"there is no recording {str(name)!r}: no file or run of that name, here or under ./runs")


def _check_head(head: Mapping[str, Any]) -> None:
    """``ValueError`` if it is not the first line of a record of wires."""
    if head.get("schema", 1) != 1:
        raise ValueError(f"schema {head['schema']} is that of another version of meterbench")
    _ = head["programme"], dict(head["station"]), head["speed"]
    for role, addresses in head["addresses"].items():
        if role not in ROLES or not addresses or not all(isinstance(address, str) for address in addresses):
            raise ValueError(f"addresses of {role}: {addresses!r}")


def station_of(record: WireRecord) -> StationFile:
    """The recorded station; ``RecordError`` if the record lacks one of its instruments: the real one must not act."""
    station = parse(dict(record.head["station"]), str(record.path))
    for role, section in station.instruments.by_role().items():
        found = len(record.head["addresses"].get(role, ()))
        if found < (section.in_slots(len(station.line())) if ROLES[role].per_slot else 1):
            raise RecordError(f"{record.path}, line 1: the station has a {role} of which no wire was recorded")
    return station


@dataclass
class _Link:
    """One link's exchanges, and how far they have been gone through."""

    name: str
    address: str
    exchanges: deque[Exchange]
    done: int = 0
    pending: bytearray = field(default_factory=bytearray)


class Replay:
    """Serves every link of a record on loopback ports, until ``stop``."""

    def __init__(self, record: WireRecord) -> None:
        self.record = record
        self.divergence = ""
        """What was asked otherwise than then, once something was."""
        self.clock = ReplayClock(record, lambda: bool(self.divergence))
        self._loop = LoopThread("replay")
        self._servers: list[asyncio.Server] = []
        self._writers: list[asyncio.StreamWriter] = []

    def start(self) -> dict[str, list[str]]:
        """By role, where the links answer now."""
        self._loop.start()
        found: dict[str, list[str]] = {}
        for role, addresses in self.record.head["addresses"].items():
            names = [f"{role} {slot}" for slot in range(1, len(addresses) + 1)] if ROLES[role].per_slot else [role]
            found[role] = [
                self._loop.run(self._serve(name, address)) for name, address in zip(names, addresses, strict=True)
            ]
        return found

    def stop(self) -> None:
        """Close all ports; safe to call twice."""
        if self._servers:
            self._loop.call(self._close)
        self._loop.stop()

    def tape(self, _link: str) -> Tape:
        """Raises the first difference in the driver that met it."""

        def check(_: Exchange) -> None:
            if self.divergence:
                raise RecordError(self.divergence)

        return check

    async def _serve(self, name: str, address: str) -> str:
        link = _Link(name, address, deque(self.record.exchanges.get(name, ())))
        server = await asyncio.start_server(lambda reader, writer: self._answer(link, reader, writer), "127.0.0.1", 0)
        self._servers.append(server)
        return _loopback(address, server.sockets[0].getsockname()[1])

    def _close(self) -> None:
        for server in self._servers:
            server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _answer(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        link.pending.clear()
        modbus = link.address.startswith("tcp://")
        try:
            while chunk := await reader.read(65536):
                link.pending += chunk
                while link.pending and self._next(link, writer, modbus):
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _next(self, link: _Link, writer: asyncio.StreamWriter, modbus: bool) -> bool:
        """Answer one question if it is complete."""
        skip = _TRANSACTION_BYTES if modbus else 0
        while link.exchanges and not link.exchanges[0].sent:
            link.exchanges.popleft()  # heard and thrown away then, with nothing that could bring it again
        if not link.exchanges:
            return self._diverge(link, b"", bytes(link.pending))
        then = link.exchanges[0]
        asked = bytes(link.pending[: len(then.sent)])
        if asked[skip:] != then.sent[skip : len(asked)]:
            return self._diverge(link, then.sent, bytes(link.pending))
        if len(asked) < len(then.sent):
            return False
        link.exchanges.popleft()
        link.done += 1
        del link.pending[: len(then.sent)]
        answer = then.received
        if modbus and answer:
            answer = asked[:skip] + answer[skip:]
        writer.write(answer)
        while link.exchanges and not link.exchanges[0].sent:
            writer.write(link.exchanges.popleft().received)  # further lines of the answer
        if "connection lost" in then.fault:
            writer.close()
        return True

    def _diverge(self, link: _Link, then: bytes, now: bytes) -> bool:
        was = f"{show(then)} was asked" if then else "nothing more was asked"
        self.divergence = self.divergence or (
            f"replay of {self.record.path}: {link.name}, exchange {link.done + 1}: then {was}, now {show(now)}; a "
            "recording holds for the procedures and drivers that it was made with"
        )
        for writer in self._writers:
            writer.transport.abort()
        link.pending.clear()
        return False


class ReplayClock(Clock):
    """Tells what the clock told then; waits for nothing. After the first difference it goes by what is slept, so that
    the run can be ended in an orderly way."""

    def __init__(self, record: WireRecord, diverged: Callable[[], bool]) -> None:
        super().__init__()
        self.speed = record.head["speed"]
        """Then: what is looked at how often goes by it."""
        self._wires_diverged = diverged
        self._path = record.path
        self._told = {thread: deque(told) for thread, told in record.times.items()}
        first = record.times.get("", ())
        self._now_s = next((told for told in first if isinstance(told, float)), 0.0)
        self._utc = next((told for told in first if isinstance(told, str)), "2000-01-01T00:00:00+00:00")
        self._thread = threading.current_thread()
        self._diverged = False

    def now_s(self) -> float:
        if self._follows:
            self._now_s = float(self._next(float))
        return self._now_s

    def utc(self) -> datetime:
        if self._follows:
            self._utc = str(self._next(str))
        return datetime.fromisoformat(self._utc)

    def _pass(self, duration_s: float) -> bool:
        if self._follows:
            return bool(self._next(bool))
        self._now_s += duration_s
        return False

    @property
    def _follows(self) -> bool:
        return not self._diverged and not self._wires_diverged() and self._name in ("", *self._told)

    @property
    def _name(self) -> str:
        thread = threading.current_thread()
        return "" if thread is self._thread else thread.name

    def _next(self, kind: type) -> float | str | bool:
        stream = self._told.get(self._name)
        told = stream.popleft() if stream else None
        if type(told) is not kind:
            self._diverged = True
            asked = {float: "the time", str: "the date", bool: "a wait"}[kind]
            what = "ended here" if told is None else f"told {told!r}"
            raise RecordError(
                f"replay of {self._path}: asked for {asked}, but then the clock {what}; a recording holds for the "
                "procedures and drivers that it was made with"
            )
        return cast("float | str | bool", told)


def _loopback(address: str, port: int) -> str:
    """An address of the same kind as ``address``, at a loopback port."""
    if "::" in address and "://" not in address:
        return f"TCPIP::127.0.0.1::{port}::SOCKET"
    scheme = address.partition("://")[0] if "://" in address else "socket"
    same = {"tcp": "tcp", "rtu-tcp": "rtu-tcp", "rtu": "rtu-tcp", "socket": "socket", "rfc2217": "socket"}
    if scheme not in same:
        raise ConfigError(f"replay: an instrument at {address!r} cannot be replayed")
    return f"{same[scheme]}://127.0.0.1:{port}"
