"""A driver with its simulator as the fault matrix sees it; each driver's test folder makes its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from meterbench.instruments.capabilities import Instrument
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread


@dataclass
class Subject:
    """One question that procedures rely on, asked of a driver whose simulator can be made faulty."""

    instrument: Instrument
    faults: FaultPlan
    ask: Callable[[], object]
    """The question; or a command that is read back."""
    right: Callable[[object], bool]
    """Is that answer what the (present) truth allows? Tight: the accuracy of the box, nothing more."""
    change: Callable[[], None]
    """Change the truth so much that an answer from before is not ``right`` any more."""
    answers: int
    """How many answers of the simulator one ``ask`` takes when nothing is wrong."""
    deadline_s: float
    """Wall seconds within which ``ask`` ends, whatever happens (the links' deadlines may be shortened for tests)."""
    cannot: Mapping[FaultKind, str] = field(default_factory=dict)
    """Kinds of faults that this protocol or box cannot have, each with the reason."""
    cleared_at: tuple[int, ...] = ()
    """Numbers of the requests, from 0, with which the question itself clears the box's own errors (``*CLS``)."""


MakeSubject = Callable[[LoopThread], AbstractContextManager[Subject]]
"""Serves the simulator in the loop and opens the driver on it, until the block ends."""
