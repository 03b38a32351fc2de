"""A client that comes just as a simulated instrument is taken off its wires."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable

import pytest

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.serving.byte_server import ByteServer, Send, split_lines

Served = tuple[int, Callable[[], Awaitable[None]]]
"""Port, and how it is stopped."""


class Mute:
    """A device that says nothing."""

    terminator = b"\n"

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        return split_lines(received, self.terminator)

    async def answer(self, request: bytes, send: Send) -> None:
        pass

    def refusal(self, request: bytes) -> bytes:
        return b""

    def restart(self) -> bytes:
        return b""

    def wrong_unit(self, message: bytes) -> bytes:
        return message


async def bytes_over(wire: str) -> Served:
    server = ByteServer(Mute(), FaultPlan())
    return int((await server.start(wire)).rpartition(":")[2]), server.stop


async def scpi() -> Served:
    server = ScpiServer(ScpiInstrument("A,B,C,D", on_reset=lambda: None), FaultPlan())
    return int((await server.start()).split("::")[2]), server.stop


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("serve", [lambda: bytes_over("tcp"), lambda: bytes_over("rfc2217"), scpi])
def test_a_client_at_the_door_is_not_left_there(
    loop_thread: LoopThread, serve: Callable[[], Awaitable[Served]], turns: int
) -> None:
    """However many turns of the loop before the end it came: its connection ends, and no socket is left open."""

    async def come_and_stop() -> socket.socket:
        port, stop = await serve()
        client = socket.create_connection(("127.0.0.1", port))
        for _ in range(turns):
            await asyncio.sleep(0)
        await stop()
        return client

    with loop_thread.run(come_and_stop()) as client:
        client.settimeout(2.0)
        try:
            while client.recv(100):
                pass
        except ConnectionResetError:
            pass
    gc.collect()
