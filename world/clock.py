"""Time for everything that waits: ``WallClock`` for a real bench, ``VirtualClock`` for a simulated one.

Only the procedure's thread sleeps. What beats or polls at a fixed rate (heartbeat, interlocks, sampling) is a job on
the clock and runs inside ``sleep``, so that a sequence that hangs stops beating and the rig's own watchdog acts.
In steady stretches of virtual time a job may be thinned (``steady_period_s``), or 37 days would cost hours of polling;
the longer the sleep, the more, so that a day of waiting has as many looks as five minutes have.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from meterbench.errors import Cancelled

_ROUNDING_S = 1e-9
"""What is due within a nanosecond is due now: sums of floats never meet exactly."""
_STRETCHED_FROM_S = 50.0
"""In a longer sleep steady periods grow in proportion to it."""
_LONGEST_STRETCH = 720.0
"""A steady period of 5 s grows to an hour at most."""
_GRID_S = 5.0
"""Thinned jobs run at multiples of this, stretched, after the beginning of the sleep: several at one time, so that
neither the world is cut into more pieces nor the heart beats more often than one of them needs."""
_LAZY_PART = 2.0
"""A lazy job waits for so many times as long as the world has been steady."""


@dataclass(slots=True)
class Job:
    """Something that is due every ``period_s`` (or ``steady_period_s`` while the simulated world is steady)."""

    run: Callable[[], object]
    period_s: float
    steady_period_s: float
    due_s: float
    vital: bool = False
    """It runs also while another job waits."""
    lazy: bool = False
    """Nobody waits for what it sees: it is thinned as long as the world is steady, whoever sleeps for however long."""
    active: bool = True
    running: bool = False
    ran_s: float = -math.inf

    def cancel(self) -> None:
        """Stop running this job; safe to call twice."""
        self.active = False


@dataclass(frozen=True, slots=True)
class _Calm:
    """A sleep in a steady world: nobody acts before it ends."""

    start_s: float
    end_s: float

    def next_s(self, job: Job, now_s: float) -> float | None:
        """When ``job``, which is due now, is due again: at the end of the sleep at the latest, unless that is sooner
        than its own period. None if it is not to be thinned.
        """
        duration_s = self.end_s - self.start_s
        left_s = self.end_s - now_s
        thinner = job.steady_period_s > job.period_s and duration_s + _ROUNDING_S >= job.steady_period_s
        if not thinner or left_s < job.period_s:
            return None
        stretch = min(max(duration_s / _STRETCHED_FROM_S, 1.0), _LONGEST_STRETCH)
        grid_s = _GRID_S * stretch
        wanted_s = now_s - self.start_s + job.steady_period_s * stretch
        on_grid_s = grid_s * math.floor(wanted_s / grid_s + _ROUNDING_S)
        return min(self.start_s + max(on_grid_s, now_s - self.start_s + job.period_s), self.end_s)


class Clock:
    """Monotonic seconds, UTC for records, sleeping with jobs, and cooperative cancellation."""

    speed: float | None = None
    """Seconds of this clock in one of wall time; None where only ``sleep`` moves it."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._running_jobs = False
        self._moved_s = 0.0
        """When the world was last seen to move."""
        self._cancelled = threading.Event()
        self._shields = 0
        self._cancel_reason = ""

    def now_s(self) -> float:
        """Monotonic time in seconds; for durations."""
        raise NotImplementedError

    def utc(self) -> datetime:
        """Aware UTC time; for records and due dates."""
        raise NotImplementedError

    def _pass(self, duration_s: float) -> bool:
        """Let ``duration_s`` go by; True if the world stood still in the meantime (jobs may be thinned)."""
        raise NotImplementedError

    def every(
        self,
        period_s: float,
        run: Callable[[], object],
        *,
        steady_period_s: float | None = None,
        vital: bool = False,
        lazy: bool = False,
    ) -> Job:
        """Run ``run`` every ``period_s`` seconds inside ``sleep``, first after one period.

        While a job waits for its instrument, only ``vital`` ones run beside it: a heartbeat must go on. Jobs are
        thinned within one sleep only, because somebody may act after it; ``lazy`` ones for as long as nothing moves.
        What ``run`` raises comes out of the ``sleep`` that it ran in.
        """
        if not period_s > 0:
            raise ValueError(f"a job's period must be positive, not {period_s!r} s")
        job = Job(run, period_s, steady_period_s or period_s, self.now_s() + period_s, vital, lazy)
        self._jobs.append(job)
        return job

    def sleep(self, duration_s: float) -> None:
        """Wait ``duration_s`` seconds (0 or more) and run what falls due; raise ``Cancelled`` if asked to stop."""
        if not duration_s >= 0:
            raise ValueError(f"cannot sleep {duration_s!r} s")
        start_s = self.now_s()
        end_s = start_s + duration_s
        calm = _Calm(start_s, end_s)
        while True:
            self.check_cancelled()
            remaining_s = end_s - self.now_s()
            if remaining_s <= _ROUNDING_S:
                return
            if self._running_jobs:
                self._thin_no_more()
            due_in_s = self._due_in_s(remaining_s)
            passed = due_in_s > 0
            steady = passed and self._pass(due_in_s)
            if passed and not steady:
                self._moved()
            self._run_due_jobs(calm if steady else None)

    def _may_run(self, job: Job) -> bool:
        """A job that sleeps itself must not be started a second time, and nothing beside it but what is vital."""
        return job.active and not job.running and (job.vital or not self._running_jobs)

    def _thin_no_more(self) -> None:
        """Somebody acts: what is vital comes at its own period again."""
        for job in self._jobs:
            if job.vital:
                job.due_s = min(job.due_s, max(self.now_s(), job.ran_s + job.period_s))

    def _moved(self) -> None:
        """The world does not stand still any more: what is lazy comes at its own period again."""
        self._moved_s = self.now_s()
        for job in self._jobs:
            if job.lazy:
                job.due_s = min(job.due_s, max(self._moved_s, job.ran_s + job.period_s))

    def _due_in_s(self, at_most_s: float) -> float:
        self._jobs = [job for job in self._jobs if job.active]
        return min([at_most_s, *(job.due_s - self.now_s() for job in self._jobs if self._may_run(job))])

    def run_vital_jobs(self) -> None:
        """Run what is vital and due, without waiting: for whoever asks several instruments in a row."""
        for job in list(self._jobs):
            if job.vital and self._is_due(job):
                self._run(job, None)

    def _run_due_jobs(self, calm: _Calm | None) -> None:
        """Jobs are thinned only where nobody acts for a while: within one long sleep in a steady world."""
        if any(self._is_due(job) for job in self._jobs):
            self._thin_no_more()
        for job in list(self._jobs):
            if self._is_due(job):
                self._run(job, calm)
                if not job.vital:  # it may have waited long for an answer
                    self.run_vital_jobs()

    def _is_due(self, job: Job) -> bool:
        return self._may_run(job) and job.due_s <= self.now_s() + _ROUNDING_S

    def _run(self, job: Job, calm: _Calm | None) -> None:
        thinned_s = self._thinned_s(job, calm) if calm else None
        # From due time to due time, or every run of a job would add its rounding; never twice at once.
        job.due_s = job.due_s + job.period_s if thinned_s is None else thinned_s
        if job.due_s <= self.now_s():
            job.due_s = self.now_s() + job.period_s
        before, self._running_jobs, job.running = self._running_jobs, True, True
        job.ran_s = self.now_s()
        try:
            job.run()
        finally:
            self._running_jobs, job.running = before, False

    def _thinned_s(self, job: Job, calm: _Calm) -> float | None:
        if not job.lazy:
            return calm.next_s(job, self.now_s())
        wanted_s = _LAZY_PART * (self.now_s() - self._moved_s)
        return self.now_s() + min(max(wanted_s, job.steady_period_s), _LONGEST_STRETCH * job.steady_period_s)

    def cancel(self, reason: str) -> None:
        """Make every ``sleep``, now and later, raise ``Cancelled``; safe from signal handlers and other threads."""
        if not self._cancelled.is_set():
            self._cancel_reason = reason
            self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """True once somebody asked to stop."""
        return self._cancelled.is_set()

    def check_cancelled(self) -> None:
        """Raise ``Cancelled`` if somebody asked to stop, unless a ``shield`` protects a clean-up."""
        if self._cancelled.is_set() and not self._shields:
            raise Cancelled(self._cancel_reason)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Within this block sleeping goes on although somebody asked to stop: for a bounded clean-up."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1


class WallClock(Clock):
    """The real thing; or, for a laboratory that ``meterbench lab --speed`` serves, so many times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        super().__init__()
        self.speed: float = speed
        self._started_s = time.monotonic()
        self._started_utc = datetime.now(UTC)

    def now_s(self) -> float:
        return self._started_s + (time.monotonic() - self._started_s) * self.speed

    def utc(self) -> datetime:
        if self.speed == 1.0:
            return datetime.now(UTC)  # of a machine that is set right while a run goes on
        return self._started_utc + timedelta(seconds=self.now_s() - self._started_s)

    def _pass(self, duration_s: float) -> bool:
        wall_s = duration_s / self.speed
        if self._shields:
            time.sleep(wall_s)
        else:
            self._cancelled.wait(wall_s)
        return False


class VirtualClock(Clock):
    """Time that only ``sleep`` moves: the world is advanced as fast as the machine can.

    ``advance`` is given the seconds to go by and tells whether the world was steady all the while.
    UTC starts at the real date, so that due dates mean what they say.
    """

    def __init__(self, advance: Callable[[float], bool], start_utc: datetime | None = None) -> None:
        super().__init__()
        self._advance = advance
        self._elapsed_s = 0.0
        self._start_utc = start_utc or datetime.now(UTC)

    def now_s(self) -> float:
        return self._elapsed_s

    def utc(self) -> datetime:
        return self._start_utc + timedelta(seconds=self._elapsed_s)

    def _pass(self, duration_s: float) -> bool:
        steady = self._advance(duration_s)
        self._elapsed_s += duration_s
        return steady
