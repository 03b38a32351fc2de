"""Serves a simulated SCPI instrument on a loopback TCP port: one program message a line, or HiSLIP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from meterbench.errors import ConfigError
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.hislip_server import LONGEST_MESSAGE, Answer, HislipServer
from meterbench.instruments.serving.front_door import turn_away

KEPT_LINES = 1000
"""A transcript of twice as many is cut down to so many: a laboratory may be served for days."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    """One line on the wire: ``direction`` is ``>`` to the instrument or ``<`` from it."""

    direction: str
    line: bytes


class ScpiServer:
    """Answers on 127.0.0.1 at a port that the system chooses, obeying ``faults``; lives in one loop."""

    def __init__(self, instrument: ScpiInstrument, faults: FaultPlan, terminator: bytes = b"\n") -> None:
        """``terminator`` ends its answers."""
        self.transcript: list[Transcribed] = []
        """The lines so far, of all connections; of many the latest."""
        self._instrument = instrument
        self._faults = faults
        self._terminator = terminator
        self._server: asyncio.Server | None = None
        self._hislip = HislipServer(instrument.status, self._obey)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.address = ""
        """The VISA resource to open, known once started."""

    async def start(self, wire: str = "") -> str:
        """Listen with one program message a line (``tcp``) or with ``hislip``; the VISA resource to open."""
        if wire not in ("", "tcp", "hislip"):
            raise ConfigError(f"this instrument has no wire {wire!r}; allowed: tcp, hislip")
        serve = self._hislip.serve if wire == "hislip" else self._serve_lines
        self._server = await asyncio.start_server(
            lambda reader, writer: self._accept(serve(reader, writer), writer), "127.0.0.1", 0, limit=LONGEST_MESSAGE
        )
        port = self._server.sockets[0].getsockname()[1]
        form = f"hislip0,{port}::INSTR" if wire == "hislip" else f"{port}::SOCKET"
        self.address = f"TCPIP::127.0.0.1::{form}"
        return self.address

    async def stop(self) -> None:
        """Close all connections and the port; safe to call twice."""
        await self._go_away()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_away(self) -> None:
        server, self._server = self._server, None
        try:
            if server is not None:
                await turn_away(server.sockets)
        finally:
            if server is not None:
                server.close()
            self._cut_connections()

    def _cut_connections(self) -> None:
        for writer in self._connections.values():
            writer.transport.abort()

    def _accept(self, session: Coroutine[None, None, None], writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(session)
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done))

    async def _serve_lines(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answer(reply: bytes, cut: bool) -> None:
            writer.write(reply[: len(reply) // 2] if cut else reply)
            await writer.drain()

        try:
            while line := await reader.readline():
                await self._obey(line, answer, writer.close)
        except ValueError:  # a line beyond the limit
            self._instrument.status.push(ScpiError(-363))
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _note(self, direction: str, line: bytes) -> None:
        self.transcript.append(Transcribed(direction, line))
        if len(self.transcript) > 2 * KEPT_LINES:
            del self.transcript[:-KEPT_LINES]

    async def _obey(self, line: bytes, answer: Answer, drop: Callable[[], None]) -> None:
        self._note(">", line)
        fault = self._faults.next()
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.DIE:
            await self._go_away()
            return
        if kind is FaultKind.RESTART:
            self._instrument.restart()
            self._cut_connections()
            return
        if kind is FaultKind.QUEUE:
            self._instrument.status.push(ScpiError(-310))
        message = line.decode("latin-1").strip()
        text = await self._instrument.execute(message, refused=kind is FaultKind.REFUSE)
        reply = b"" if text is None else text.encode("latin-1")
        if kind is FaultKind.CLOSE:
            if reply:
                await answer(reply + self._terminator, True)
            drop()
        elif reply and kind is not FaultKind.SILENCE:
            if fault is not None and kind is FaultKind.LATE:
                await asyncio.sleep(fault.delay_s)
            if kind is FaultKind.GARBLE:
                reply = self._faults.garble(reply)
            self._note("<", reply + self._terminator)
            await answer(reply + self._terminator, False)
