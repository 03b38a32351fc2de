"""The driver krohne_ifc300 for the fault matrix: one reading, over RTU on a pseudo-terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager

from meterbench.instruments.links.loop_thread import LoopThread
from tests.instruments.master_meter.served import subject_of
from tests.instruments.subjects import Subject


def make(loop_thread: LoopThread) -> AbstractContextManager[Subject]:
    """See ``subject_of``."""
    return subject_of(loop_thread, "krohne_ifc300", "pty", answers=1)
