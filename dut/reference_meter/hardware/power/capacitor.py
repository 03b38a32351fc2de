"""The pulse capacitor (SPC) that feeds the loads, and how it goes between its sources and them (metering.md 5.2).

Each source stands behind a resistor and an ideal diode, so that none ever charges another: parallel lithium cells need
that (metering.md 5.1). While the set of conducting sources stays the same, the capacitor's voltage is a straight line
(no source) or relaxes exponentially; its whole way is a few such phases, and it never turns back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FARAD = 15.0
"""SPC1520. Unconfirmed: quoted in a catalogue of packs."""
FARAD_SPREAD = 0.1
"""[design] Units lie evenly within."""
ESR_OHM = 0.15
"""[design] At 20 degC."""
ESR_COLD_FACTOR = 3.0
"""[design] At -25 degC over 20 degC, exponential between and beyond."""
LEAKAGE_MA = 0.002
LEAKAGE_SPREAD_MA = (0.001, 0.003)
"""[design] metering.md 5.2; units lie evenly within."""
CHARGE_OHM = 10.0
"""[design] In series with each source: keeps a cell below some 0.3 A when the capacitor is empty."""


@dataclass(frozen=True, slots=True)
class Capacitor:
    """What the part is; its voltage is the supply's."""

    farad: float = FARAD
    esr_ohm: float = ESR_OHM
    leakage_ma: float = LEAKAGE_MA

    def esr_at_ohm(self, temp_c: float) -> float:
        """Series resistance at a temperature."""
        return float(self.esr_ohm * ESR_COLD_FACTOR ** ((20.0 - temp_c) / 45.0))


@dataclass(frozen=True, slots=True)
class Feed:
    """A source: its voltage without load, and all that lies between it and the capacitor."""

    open_v: float
    ohm: float


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time with the same sources conducting."""

    start_v: float
    end_v: float
    """Where another source joins or leaves."""
    duration_s: float
    """Until then; inf if that never happens."""
    conducting: tuple[int, ...]
    """Indices of the sources."""
    settles_v: float
    """Where it relaxes to, with a source; without, where it stays if nothing drains it."""
    tau_s: float
    """inf without a source."""
    slope_v_s: float
    """Without a source."""

    def at_v(self, time_s: float) -> float:
        """The voltage at a time within the phase."""
        if not self.conducting:
            return self.start_v + self.slope_v_s * time_s
        return self.start_v + (self.start_v - self.settles_v) * math.expm1(-time_s / self.tau_s)

    def reaches_s(self, level_v: float) -> float:
        """When it is at a level; inf if not in this phase. 0 if it is there already."""
        if level_v == self.start_v:
            return 0.0
        time_s = math.inf
        if not self.conducting:
            if self.slope_v_s < 0.0 and level_v < self.start_v:
                time_s = (level_v - self.start_v) / self.slope_v_s
        elif min(self.start_v, self.settles_v) < level_v < max(self.start_v, self.settles_v):
            time_s = -self.tau_s * math.log((level_v - self.settles_v) / (self.start_v - self.settles_v))
        return time_s if time_s <= self.duration_s else math.inf

    def charge_c(self, feed: Feed, time_s: float) -> float:
        """What one of the conducting sources gives from the phase's start on."""
        relaxed_v_s = (self.settles_v - self.start_v) * self.tau_s * math.expm1(-time_s / self.tau_s)
        return ((feed.open_v - self.settles_v) * time_s - relaxed_v_s) / feed.ohm


def next_phase(start_v: float, feeds: Sequence[Feed], drain_a: float, farad: float) -> Phase:
    """The phase that begins at a voltage, with a constant drain. Below 0 V nothing is drained any more."""
    net_a = sum((feed.open_v - start_v) / feed.ohm for feed in feeds if feed.open_v > start_v) - drain_a
    falling = net_a < 0.0
    conducting = tuple(
        number
        for number, feed in enumerate(feeds)
        if feed.open_v > start_v or (falling and feed.open_v == start_v and start_v > 0.0)
    )
    if not conducting:
        slope_v_s = -drain_a / farad if start_v > 0.0 else 0.0
        end_v = max((feed.open_v for feed in feeds if feed.open_v < start_v), default=0.0)
        duration_s = (end_v - start_v) / slope_v_s if slope_v_s < 0.0 else math.inf
        return Phase(start_v, end_v, duration_s, (), start_v, math.inf, slope_v_s)
    siemens = sum(1.0 / feeds[number].ohm for number in conducting)
    settles_v = (sum(feeds[number].open_v / feeds[number].ohm for number in conducting) - drain_a) / siemens
    tau_s = farad / siemens
    others_v = [feed.open_v for number, feed in enumerate(feeds) if number not in conducting]
    end_v = max(others_v, default=-math.inf) if falling else min(feeds[number].open_v for number in conducting)
    duration_s = math.inf
    if settles_v < end_v if falling else settles_v > end_v:
        duration_s = -tau_s * math.log((end_v - settles_v) / (start_v - settles_v))
    return Phase(start_v, end_v, duration_s, conducting, settles_v, tau_s, 0.0)
