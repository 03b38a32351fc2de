"""A log is whole or an error: as many samples as lie between start and stop."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from meterbench.errors import BenchError, InstrumentError
from meterbench.instruments.capabilities import SupplyStatus
from meterbench.instruments.supply.fast_log import BoxLog, record
from meterbench.world.clock import VirtualClock

PERIOD_S = 0.01
FEEDING = SupplyStatus(on=True, limiting=False, tripped=())


class Link:
    """What a log needs of a link: to fail."""

    def fail(self, kind: type[BenchError], asked: str, answer: str, why: str, todo: str) -> NoReturn:
        raise kind(f"{why}; {todo}")


class Box:
    """Samples of 3.6 V, as many as pass; ``surplus`` of them are another log's, and each fetch takes ``fetch_s``."""

    def __init__(self, surplus: int = 0, fetch_s: float = 0.0, lost: int = 0) -> None:
        self.now_s, self.waiting_s, self.running = 0.0, 0.0, False
        self.surplus, self.fetch_s, self.lost = surplus, fetch_s, lost
        self.clock = VirtualClock(self.advance)

    def advance(self, duration_s: float) -> bool:
        self.now_s += duration_s
        self.waiting_s += duration_s * self.running
        return True

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def fetch(self) -> NDArray[np.float64]:
        self.clock.sleep(self.fetch_s * self.running)
        count = round(self.waiting_s / PERIOD_S)
        self.waiting_s = 0.0
        if count:
            count, self.surplus, self.lost = count + self.surplus - self.lost, 0, 0
        return np.full((count, 2), 3.6)

    def log(self, duration_s: float = 2.0) -> int:
        box = BoxLog(PERIOD_S, 0.5, self.start, self.fetch, self.stop, lambda: FEEDING)
        return len(record(Link(), self.clock, box, duration_s, 4.0).current_ma)  # type: ignore[arg-type]


def test_a_whole_log_has_what_was_asked_for() -> None:
    """Also where fetching takes its time: what came beyond is cut off."""
    assert Box().log() == 200
    assert Box(fetch_s=0.3).log() == 200


def test_more_samples_than_time_are_not_ours() -> None:
    """The first of them would be those of a log before."""
    with pytest.raises(InstrumentError, match="lost or are not ours"):
        Box(surplus=20).log()


def test_lost_samples_are_not_made_up_for_by_a_longer_log() -> None:
    """There are enough, but with a hole among them."""
    with pytest.raises(InstrumentError, match="lost or are not ours"):
        Box(fetch_s=0.3, lost=20).log()
