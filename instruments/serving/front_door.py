"""Closing a listening server without leaving a client at the door."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

TURNS = 4
"""Of the loop, until a client that the kernel has accepted is one of ours."""


async def turn_away(listening: Iterable[socket.socket]) -> None:
    """Take no more clients, and let those in who are at the door: then close the connections, and the server.

    A client that asyncio has accepted, but not yet given to us when its server is closed, is never closed.
    """
    loop = asyncio.get_running_loop()
    for each in listening:
        loop.remove_reader(each.fileno())
    for _ in range(TURNS):
        await asyncio.sleep(0)
