"""Fixtures for all instruments: the loop that simulators live in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meterbench.instruments.links.loop_thread import LoopThread


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    """An asyncio loop in a background thread; stopped after the test, whatever still runs there."""
    thread = LoopThread().start()
    yield thread
    thread.stop()
