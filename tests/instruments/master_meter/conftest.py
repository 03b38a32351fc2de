"""Master meters that are served, and drivers that are opened on them, until the end of a test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.master_meter.modbus_master import ModbusMasterMeter
from tests.instruments.master_meter.served import Bench, Open, Serve, serving


@pytest.fixture
def serve(loop_thread: LoopThread) -> Iterator[Serve]:
    """Serves simulated master meters until the end of the test: ``serve(name, wire, **box)``."""
    with ExitStack() as stack:

        def start(*args: Any, **box: Any) -> Bench:
            return stack.enter_context(serving(loop_thread, *args, **box))

        yield start


@pytest.fixture
def opened(serve: Serve) -> Iterator[Open]:
    """Opens a driver on a bench, and closes it after the test."""
    with ExitStack() as stack:

        def start(bench: Bench, **settings: Any) -> ModbusMasterMeter:
            meter = bench.meter(**settings)
            stack.callback(meter.close)
            meter.open()
            return meter

        yield start


@pytest.fixture(autouse=True)
def quiet_pymodbus() -> Iterator[None]:
    """pymodbus dumps its last frames at ERROR level for each broken request."""
    logger = logging.getLogger("pymodbus")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)
