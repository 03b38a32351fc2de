"""Five logs of events, by type, 120 of each (ADR-032). The codes are our own profile (OPEN-10).

A log's number is that of its object in common DLMS profiles (dlms.md: 0 standard, 1 fraud, 2 valve, 3 power,
4 communication).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from meterbench.dut.reference_meter.metrology.storage.memory import Memory
from meterbench.dut.reference_meter.metrology.storage.ring import RecordRing, ring_bytes

EVENTS_A_LOG = 120
"""Technical description, 5.2."""
_PAYLOAD = struct.Struct("<Hqqq")
"""Code, clock time, two parameters."""
_LOG_BYTES = ring_bytes(EVENTS_A_LOG, _PAYLOAD.size)


class LogType(IntEnum):
    """What kind of events a log keeps."""

    STANDARD = 0
    TAMPER = 1
    FLOW = 2
    POWER = 3
    COMMUNICATION = 4


EVENT_LOGS_BYTES = len(LogType) * _LOG_BYTES
"""Bytes that all logs take in the memory."""


class EventCode(IntEnum):
    """What happened: the log in the upper byte. The codes stand in the memory: they never change their meaning."""

    # Where values are numbers of a mode, a source, a place or a period, they count from 0 in the order in which the
    # firmware's enumeration has them; that order stands in the memory as well, and is only ever added to.
    CLOCK_SET = 0x0001
    """Old and new clock time, in ticks."""
    MODE_CHANGED = 0x0002
    """From one mode to another."""
    COLUMNS_CHANGED = 0x0003
    """Period of the profile, its new columns."""
    CONFIGURATION_CHANGED = 0x0004
    CAPTURES_MISSED = 0x0005
    """How many hours."""
    STARTED_AFTER_POWER_LOSS = 0x0006
    """1 if the saved state was damaged."""

    CASE_OPENED = 0x0101
    CASE_CLOSED = 0x0102
    MAGNET_BEGAN = 0x0103
    MAGNET_ENDED = 0x0104
    TILT_BEGAN = 0x0105
    TILT_ENDED = 0x0106
    ALARMS_ACKNOWLEDGED = 0x0107
    """Which, as flags."""

    DRY_BEGAN = 0x0201
    DRY_ENDED = 0x0202
    REVERSE_BEGAN = 0x0203
    REVERSE_ENDED = 0x0204
    LEAK_BEGAN = 0x0205
    LEAK_ENDED = 0x0206
    BURST_BEGAN = 0x0207
    BURST_ENDED = 0x0208
    VALVE_CLOSED = 0x0209
    VALVE_OPENED = 0x020A

    SOURCE_CHANGED = 0x0301
    """From one source to another."""
    PACK_REMOVED = 0x0302
    PACK_INSERTED = 0x0303
    """Its place, as for the others of packs."""
    LOW_BATTERY_INTERNAL_BEGAN = 0x0304
    LOW_BATTERY_INTERNAL_ENDED = 0x0305
    LOW_BATTERY_EXTERNAL_BEGAN = 0x0306
    LOW_BATTERY_EXTERNAL_ENDED = 0x0307
    POWER_FAILED = 0x0308
    BATTERY_REPLACED = 0x0309

    PUSH_LIST_CHANGED = 0x0401
    """Old and new list, as flags."""

    @property
    def log(self) -> LogType:
        """Where it is kept."""
        return LogType(self >> 8)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a log; the two parameters mean what the code says."""

    number: int
    """Counted in its log, from 1 on, for ever."""
    log: LogType
    code: EventCode
    clock_ticks: int
    value_a: int
    value_b: int


class EventLogs:
    """The five logs, at ``address``."""

    def __init__(self, memory: Memory, address: int) -> None:
        self._rings = {
            log: RecordRing(memory, address + log * _LOG_BYTES, EVENTS_A_LOG, _PAYLOAD.size) for log in LogType
        }

    def add(self, code: EventCode, clock_ticks: int, value_a: int = 0, value_b: int = 0) -> Event:
        """Put an event into the log of its code; ``ValueError`` for figures of more than 64 bits."""
        try:
            payload = _PAYLOAD.pack(code, clock_ticks, value_a, value_b)
        except struct.error as error:
            raise ValueError(f"event {code.name}: {clock_ticks}, {value_a}, {value_b} have no room") from error
        return Event(self._rings[code.log].append(payload), code.log, code, clock_ticks, value_a, value_b)

    @property
    def next_numbers(self) -> tuple[int, ...]:
        """The number of the next event of each log."""
        return tuple(self._rings[log].next_number for log in LogType)

    def events(self, log: LogType) -> tuple[Event, ...]:
        """The events of a log, oldest first."""
        numbers, payloads = self._rings[log].records()
        fields = (_PAYLOAD.unpack(payload.tobytes()) for payload in payloads)
        return tuple(
            Event(number, log, EventCode(code), clock_ticks, value_a, value_b)
            for number, (code, clock_ticks, value_a, value_b) in zip(numbers.tolist(), fields, strict=True)
        )
