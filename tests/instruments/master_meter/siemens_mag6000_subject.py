"""The driver siemens_mag6000 for the fault matrix: one reading, over RTU over TCP."""

from __future__ import annotations

from contextlib import AbstractContextManager

from meterbench.instruments.links.loop_thread import LoopThread
from tests.instruments.master_meter.served import subject_of
from tests.instruments.subjects import Subject


def make(loop_thread: LoopThread) -> AbstractContextManager[Subject]:
    """See ``subject_of``."""
    return subject_of(loop_thread, "siemens_mag6000", "rtu-tcp", answers=3)
