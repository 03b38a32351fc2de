"""The flags that others read: the alarm register (info codes, ADR-033) and the AMR status word of a record.

The technical description gives no bit order (OPEN-10): this one is our own profile.
"""

from __future__ import annotations

from enum import IntFlag


class Alarm(IntFlag):
    """Alarm situations (technical description, 7); TAMPER and LOWBAT are told apart by what caused them."""

    DRY = 1 << 0
    REVERSE = 1 << 1
    LEAK = 1 << 2
    BURST = 1 << 3
    CASE_OPEN = 1 << 4
    LOW_BATTERY_INTERNAL = 1 << 5
    LOW_BATTERY_EXTERNAL = 1 << 6
    MAGNET = 1 << 7
    TILT = 1 << 8


NO_ALARM = Alarm(0)
TAMPER = Alarm.CASE_OPEN | Alarm.MAGNET | Alarm.TILT
"""What counts as an attempt to tamper (ADR-044)."""
LOW_BATTERY = Alarm.LOW_BATTERY_INTERNAL | Alarm.LOW_BATTERY_EXTERNAL
"""ADR-045."""


class Status(IntFlag):
    """What a record says of the time it was made in, and since the record before."""

    CLOCK_INVALID = 1 << 0
    """The supply was lost since the clock was last set: the time is at best that of the loss, gone on."""
    CLOCK_SET = 1 << 1
    """Since the record before, the clock was set."""
    POWER_LOST = 1 << 2
    """Since the record before, the supply was lost: nothing was measured meanwhile."""
    CAPTURES_MISSED = 1 << 3
    """Between the record before and this one, others are missing."""
    DISTURBED = 1 << 4
    """Air, a weak signal or a fault of a sensor at the time of the record."""
    MEASUREMENT = 1 << 5
    TRANSPORTATION = 1 << 6
    TEST = 1 << 7
    VALVE_CLOSED = 1 << 8
