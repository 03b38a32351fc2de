"""One asyncio loop in one background thread: simulators and other asynchronous things live there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from meterbench.errors import DeadlineExceeded

T = TypeVar("T")


class LoopThread:
    """A loop that other threads hand work to; what lives in the loop is touched only there."""

    def __init__(self, name: str = "meterbench-loop") -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)

    def start(self) -> LoopThread:
        """Start the thread; returns itself."""
        self._thread.start()
        return self

    def run(self, coro: Coroutine[Any, Any, T], timeout_s: float = 10.0) -> T:
        """Run ``coro`` in the loop and return its result; it is cancelled and ``DeadlineExceeded`` after ``timeout_s``.

        Not from within the loop itself, which would wait for itself.
        """
        future = asyncio.run_coroutine_threadsafe(coro, self.loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            if future.done():
                raise
            future.cancel()
            name = getattr(coro, "__qualname__", "the coroutine")
            raise DeadlineExceeded(f"background loop: {name} did not end within {timeout_s:g} s") from None

    def call(self, fn: Callable[[], T]) -> T:
        """Run the plain function ``fn`` in the loop's thread and return its result, or raise what it raised."""
        if threading.current_thread() is self._thread:
            return fn()
        done = threading.Lock()  # a Future would take as long as the rest of a short call
        done.acquire()
        results: list[T] = []
        errors: list[BaseException] = []

        def run_it() -> None:
            try:
                results.append(fn())
            except BaseException as error:
                errors.append(error)
            finally:
                done.release()

        self.loop.call_soon_threadsafe(run_it)
        done.acquire()
        if errors:
            raise errors[0]
        return results[0]

    def stop(self) -> None:
        """Cancel what still runs, stop the loop and join the thread; safe to call twice."""
        if self.loop.is_closed():
            return
        if self._thread.is_alive():
            self.run(self._cancel_all())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
        self.loop.close()

    async def _cancel_all(self) -> None:
        for _ in range(5):  # what has only just begun gets to its first await, so that its clean-up is carried out
            await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports that were closed on the way let go of their sockets
        await self.loop.shutdown_asyncgens()
