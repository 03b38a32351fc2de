"""How often the busiest bytes of each region are written in the meter's life.

What is written in turn to ``slots`` slots writes each byte of them once in so many times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.records.event_log import EVENTS_A_LOG
from meterbench.dut.reference_meter.metrology.records.profile import CAPACITY, Period
from meterbench.dut.reference_meter.metrology.storage.counter import RESERVED
from meterbench.dut.reference_meter.metrology.storage.ring import ring_slots
from meterbench.dut.reference_meter.metrology.storage.slots import COPIES

LIFE_YEARS = 16
"""ADR-056."""
_DAYS_A_YEAR = 365.25
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Wearing:
    """How a region is used."""

    region: str
    writes_a_day: float
    slots: int
    """That take turns."""

    def writes_a_byte(self, years: float = LIFE_YEARS) -> int:
        """Of the bytes written most often."""
        return math.ceil(self.writes_a_day * _DAYS_A_YEAR * years / self.slots)


SAVE_PERIOD_S = 1
CONFIGURATIONS_A_DAY = 1
TELEGRAM_PERIOD_S = 20
EVENTS_A_DAY = 20
"""[design] All four; telegrams as wM-Bus sends them, events all in one log."""

WEARING = (
    Wearing("state", _SECONDS_A_DAY / SAVE_PERIOD_S, COPIES),
    Wearing("configuration", CONFIGURATIONS_A_DAY, 1),
    Wearing("counters", _SECONDS_A_DAY / TELEGRAM_PERIOD_S / RESERVED, 1),
    Wearing("recorder", 24, COPIES),
    Wearing("hourly", 24, ring_slots(CAPACITY[Period.HOUR])),
    Wearing("daily", 1, ring_slots(CAPACITY[Period.DAY])),
    Wearing("monthly", 12 / _DAYS_A_YEAR, ring_slots(CAPACITY[Period.MONTH])),
    Wearing("logs", EVENTS_A_DAY, ring_slots(EVENTS_A_LOG)),
)
