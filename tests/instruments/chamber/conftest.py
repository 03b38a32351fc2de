"""The chamber and its world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meterbench.instruments.links.loop_thread import LoopThread
from tests.instruments.chamber.cabinet import Cabinet, quick_sockets


@pytest.fixture(autouse=True)
def quick_wires() -> Iterator[None]:
    with quick_sockets():
        yield


@pytest.fixture
def cabinet(loop_thread: LoopThread, request: pytest.FixtureRequest) -> Cabinet:
    """Indirect parametrization: its spec."""
    return Cabinet(loop_thread, getattr(request, "param", None))
