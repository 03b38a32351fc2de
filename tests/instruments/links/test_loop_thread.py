"""The background loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from meterbench.errors import DeadlineExceeded
from meterbench.instruments.links.loop_thread import LoopThread


def test_run_and_call_return_results_of_the_loops_thread(loop_thread: LoopThread) -> None:
    """Both run in the one background thread, never in the caller's."""

    async def who() -> int:
        return threading.get_ident()

    assert loop_thread.run(who()) == loop_thread.call(threading.get_ident) != threading.get_ident()


def test_call_within_the_loop_runs_at_once(loop_thread: LoopThread) -> None:
    """A plain function in the loop may use ``call`` too, and does not wait for itself."""
    assert loop_thread.call(lambda: loop_thread.call(lambda: 7)) == 7


def test_errors_come_back(loop_thread: LoopThread) -> None:
    """What was raised in the loop is raised at the caller."""
    with pytest.raises(ZeroDivisionError):
        loop_thread.call(lambda: 1 / 0)


def test_run_has_a_deadline(loop_thread: LoopThread) -> None:
    """A coroutine that does not end is cancelled, and its caller told."""
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(DeadlineExceeded, match=r"hang did not end within 0\.05 s"):
        loop_thread.run(hang(), timeout_s=0.05)
    assert cancelled.wait(1)


def test_time_out_of_the_coroutine_itself_is_not_taken_for_the_callers(loop_thread: LoopThread) -> None:
    """A ``TimeoutError`` raised inside is what comes out."""

    async def fail() -> None:
        raise TimeoutError("inside")

    with pytest.raises(TimeoutError, match="inside"):
        loop_thread.run(fail())


def test_stop_cancels_what_runs_and_is_safe_twice() -> None:
    """Nothing outlives the loop."""
    thread = LoopThread().start()
    task = thread.call(lambda: thread.loop.create_task(asyncio.sleep(60)))
    thread.stop()
    thread.stop()
    assert task.cancelled()
