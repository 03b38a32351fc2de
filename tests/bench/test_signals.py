"""Signals: one breaks the opening off, the next ones cut nothing. Kind: fault."""

from __future__ import annotations

import os
import signal

import pytest

from meterbench.bench.signals import StopSignals
from meterbench.errors import Cancelled
from meterbench.world.clock import VirtualClock


def test_a_second_signal_does_not_cut_what_makes_safe() -> None:
    """Ctrl-C while the station opens raises once; an impatient second one leaves the clean-up alone."""
    with StopSignals() as stop:
        with pytest.raises(Cancelled, match="SIGINT"):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.reason == "SIGINT received"


def test_a_signal_that_was_swallowed_stops_the_station_that_opens_nevertheless() -> None:
    """Raised inside somebody's ``except``: the station's clock is stopped as soon as there is one."""
    clock = VirtualClock(lambda _duration_s: True)
    with StopSignals() as stop:
        with pytest.raises(Cancelled):
            os.kill(os.getpid(), signal.SIGTERM)
        stop.follow(clock)
    with pytest.raises(Cancelled, match="SIGTERM"):
        clock.sleep(1.0)
