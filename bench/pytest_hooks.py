"""Hooks of the pytest plugin: what the rooms above the bench (reports, the front door) hang on to a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from meterbench.world.clock import Clock


@pytest.hookspec
def pytest_meterbench_opened(folder: Path, clock: Clock) -> None:
    """A run's record is open in ``folder``; ``clock`` is the station's."""


@pytest.hookspec
def pytest_meterbench_line(kind: str, body: Mapping[str, Any]) -> None:
    """A line was recorded."""


@pytest.hookspec
def pytest_meterbench_closed(folder: Path) -> None:
    """The record in ``folder`` is closed: views of it can be made."""
