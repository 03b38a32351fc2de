"""Serves a simulated SCPI instrument on a loopback TCP port, one program message a line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from meterbench.errors import ConfigError
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError

LONGEST_MESSAGE = 1 << 18


@dataclass(frozen=True, slots=True)
class Transcribed:
    """One line on the wire: ``direction`` is ``>`` to the instrument or ``<`` from it."""

    direction: str
    line: bytes


class ScpiServer:
    """Answers on 127.0.0.1 at a port that the system chooses, obeying ``faults``; lives in one loop."""

    def __init__(self, instrument: ScpiInstrument, faults: FaultPlan) -> None:
        self.transcript: list[Transcribed] = []
        """All lines so far, of all connections."""
        self._instrument = instrument
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.address = ""
        """The VISA resource to open, known once started."""

    async def start(self, wire: str = "") -> str:
        """Listen; the VISA resource to open."""
        if wire not in ("", "tcp"):
            raise ConfigError(f"this instrument has no wire {wire!r}; allowed: tcp")
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=LONGEST_MESSAGE)
        self.address = f"TCPIP::127.0.0.1::{self._server.sockets[0].getsockname()[1]}::SOCKET"
        return self.address

    async def stop(self) -> None:
        """Close all connections and the port; safe to call twice."""
        self._go_away()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _go_away(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.transcript.append(Transcribed(">", line))
                await self._obey(line.decode("latin-1").strip(), writer)
        except ValueError:  # a line beyond the limit
            self._instrument.status.push(ScpiError(-363))
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _obey(self, message: str, writer: asyncio.StreamWriter) -> None:
        fault = self._faults.next()
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.DIE:
            self._go_away()
            return
        answer = await self._instrument.execute(message, refused=kind is FaultKind.REFUSE)
        reply = b"" if answer is None else answer.encode("latin-1")
        if kind is FaultKind.CLOSE:
            writer.write(reply[: len(reply) // 2])
            await writer.drain()
            writer.close()
        elif reply and kind is not FaultKind.SILENCE:
            if fault is not None and kind is FaultKind.LATE:
                await asyncio.sleep(fault.delay_s)
            if kind is FaultKind.GARBLE:
                reply = self._faults.garble(reply)
            self.transcript.append(Transcribed("<", reply + b"\n"))
            writer.write(reply + b"\n")
            await writer.drain()
