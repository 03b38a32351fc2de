"""A log that a box fills and the bench fetches: all of it or an error, never one with a hole."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.errors import BenchError, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import CurrentLog, SupplyStatus
from meterbench.instruments.links.visa_link import INFINITY, VisaLink
from meterbench.instruments.supply.readings import MOST_CURRENT_MA
from meterbench.world.clock import Clock

LATENCY_S = 0.05
"""Between a command and what it does, at both ends together. Unconfirmed."""
CLOCKS_PART = 2e-4
"""By which the box's clock and ours may differ."""
MOST_LEFT_OVER = 200
"""Blocks that a box may have left when it has stopped, so that one that never ends cannot hold us."""
PLAUSIBLE_PART = 0.1
"""So much beyond its protection and its limit no supply gives; bytes in another order give numbers far from it."""
LOWEST_V = -0.1


@dataclass(frozen=True, slots=True)
class BoxLog:
    """How one kind of box logs; ``fetch`` gives what it has by now, rows of V and mA, in the order of time."""

    period_s: float
    poll_s: float
    """Often enough for its buffer."""
    start: Callable[[], None]
    fetch: Callable[[], NDArray[np.float64]]
    stop: Callable[[], None]
    status: Callable[[], SupplyStatus]


def record(link: VisaLink, clock: Clock, box: BoxLog, duration_s: float, overvoltage_v: float) -> CurrentLog:
    """Log for ``duration_s`` of the clock.

    The box starts between sending the command and its confirmation, and so it stops: its samples must be as many as
    fall between. ``InstrumentError`` if they are not, or if one is an overload; ``ProtocolError`` for values that no
    supply gives. ``InstrumentError``, too, if the output was switched off, or on, during the log. The box is stopped
    whatever happens.
    """
    wanted = math.ceil(duration_s / box.period_s - 1e-6)
    if not wanted >= 1:
        link.fail(InstrumentError, "", "", f"{duration_s:g} s are less than a sample", "log for longer")
    was_on = box.status().on
    _discard_left_over(box)
    sent_s = clock.now_s()
    parts: list[NDArray[np.float64]] = []
    try:
        box.start()
        started_s = clock.now_s()
        end_s = started_s + duration_s + box.period_s
        while (left_s := end_s - clock.now_s()) > 0.0:
            clock.sleep(min(box.poll_s, left_s))
            parts.append(box.fetch())
        stopping_s = clock.now_s()
        box.stop()
    except BaseException:
        with contextlib.suppress(BenchError):
            box.stop()
        raise
    stopped_s = clock.now_s()
    for _ in range(MOST_LEFT_OVER):
        parts.append(box.fetch())
        if not len(parts[-1]):
            break
    rows = np.concatenate(parts)
    least = (stopping_s - started_s) * (1.0 - CLOCKS_PART) - LATENCY_S
    most = (stopped_s - sent_s) * (1.0 + CLOCKS_PART) + LATENCY_S
    lasted_s = len(rows) * box.period_s
    if not least <= lasted_s <= most or len(rows) < wanted:
        took_s = stopping_s - started_s
        why = f"{len(rows)} samples of {box.period_s:g} s in {took_s:.3f} s: some were lost or are not ours"
        link.fail(InstrumentError, "", "", why, "log again, more slowly, or with less to do for this computer")
    _check_values(link, rows, overvoltage_v)
    now = box.status()
    if now.tripped or now.on is not was_on:
        what = f"{', '.join(now.tripped)}: a protection tripped" if now.tripped else "the output was switched"
        link.fail(InstrumentError, "", "", f"{what} during the log", "find out why, set the output again, log again")
    return CurrentLog(box.period_s, rows[:wanted, 0].copy(), rows[:wanted, 1].copy())


def _discard_left_over(box: BoxLog) -> None:
    """What a log that was broken off has left in the buffer must not come first."""
    box.stop()
    for _ in range(MOST_LEFT_OVER):
        if not len(box.fetch()):
            break


def _check_values(link: VisaLink, rows: NDArray[np.float64], overvoltage_v: float) -> None:
    """An overload is ``inf``, or SCPI's infinity rounded to four bytes."""
    overloads = int((np.isnan(rows) | (np.abs(rows) >= 0.99 * INFINITY)).sum())
    if overloads:
        link.fail(InstrumentError, "", "", f"{overloads} samples are beyond the range", "check the load and the range")
    volts, currents_ma = rows[:, 0], rows[:, 1]
    odd = (volts < LOWEST_V) | (volts > overvoltage_v * (1.0 + PLAUSIBLE_PART))
    odd |= np.abs(currents_ma) > MOST_CURRENT_MA * (1.0 + PLAUSIBLE_PART)
    if odd.any():
        volts_there, ma_there = rows[int(odd.argmax())]
        why = f"{int(odd.sum())} samples that no supply gives, the first {volts_there:g} V and {ma_there:g} mA"
        link.fail(ProtocolError, "", "", why, "check the byte order and the firmware of the box")


def pairs(link: VisaLink, asked: str, block: bytes, form: str) -> NDArray[np.float64]:
    """A block of pairs of four-byte numbers in numpy's ``form``; ``ProtocolError`` if it ends within a pair."""
    if len(block) % 8:
        link.fail(ProtocolError, asked, "", f"a block of {len(block)} bytes, not whole pairs of samples", "log again")
    return np.frombuffer(block, form).astype(np.float64).reshape(-1, 2)
