"""The memory map of this meter: everything that outlasts the supply has its region here."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.records.event_log import EVENT_LOGS_BYTES
from meterbench.dut.reference_meter.metrology.records.profile import Period, profile_bytes
from meterbench.dut.reference_meter.metrology.records.recorder import RECORDER_BYTES
from meterbench.dut.reference_meter.metrology.storage.counter import COUNTER_BYTES
from meterbench.dut.reference_meter.metrology.storage.layout import MemoryMap
from meterbench.dut.reference_meter.metrology.storage.slots import twin_slots_bytes

STATE_BYTES = 512
"""[design] Totals, clock, mode, batteries: what is saved every second, at the most."""
CONFIGURATION_BYTES = 1024
"""[design] What is configured from outside, at the most."""
COUNTERS = 8
"""[design] Invocation counters: one a key and channel."""

MEMORY_MAP = MemoryMap(
    {
        "state": twin_slots_bytes(STATE_BYTES),
        "configuration": twin_slots_bytes(CONFIGURATION_BYTES),
        "counters": COUNTERS * COUNTER_BYTES,
        "recorder": RECORDER_BYTES,
        "hourly": profile_bytes(Period.HOUR),
        "daily": profile_bytes(Period.DAY),
        "monthly": profile_bytes(Period.MONTH),
        "logs": EVENT_LOGS_BYTES,
    }
)
