"""Durations on the wall."""

from __future__ import annotations

import time
from collections.abc import Callable


def duration_s(work: Callable[[], object]) -> float:
    """Seconds that one call of ``work`` takes."""
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def best_call_s(work: Callable[[], object], calls: int, repeats: int = 5) -> float:
    """Seconds a call in the fastest of ``repeats`` goes of ``calls`` calls: what the work takes undisturbed."""

    def go() -> None:
        for _ in range(calls):
            work()

    return min(duration_s(go) for _ in range(repeats)) / calls
