"""What the firmware must know again after a loss of supply, as it lies in the memory: saved every second, whole or not
at all."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields

from meterbench.dut.reference_meter.metrology.records.event_log import LogType

_LOGS = len(LogType)
_FORM = struct.Struct(f"<qqqddqqIIIIIqqqqqd?{_LOGS}qH")
_NONE = -1


@dataclass(frozen=True, slots=True)
class State:
    """Times in ticks, volumes in nanolitres."""

    clock_ticks: int
    forward_nl: int
    reverse_nl: int
    forward_pending_nl: float
    reverse_pending_nl: float
    transport_from_nl: int | None
    test_left: int | None
    present: int
    latched: int
    to_push: int
    seen: int
    """Alarms that were active since the last record."""
    sticky: int
    """``Status`` that the next record will carry."""
    measuring_cycles: int
    lost_shots: int
    refused_shots: int
    suspected_slips: int
    captured: int
    """Number of the next record of the hourly profile."""
    zero_correction_ps: float
    valve_closed: bool
    logged: tuple[int, ...]
    """Number of the next event of each log: what a log has beyond that happened after this was saved."""
    power: bytes
    """Of the power switching."""

    def to_bytes(self) -> bytes:
        """For the memory."""
        parts = (getattr(self, name) for name in _NAMES)
        fixed: bytes = _FORM.pack(*(_NONE if part is None else part for part in parts), *self.logged, len(self.power))
        return fixed + self.power

    @classmethod
    def from_bytes(cls, kept: bytes) -> State:
        """The same again; what follows it in the slot is left alone."""
        *parts, power_bytes = _FORM.unpack_from(kept)
        parts[5:7] = [None if part == _NONE else part for part in parts[5:7]]
        return cls(*[*parts[:-_LOGS], tuple(parts[-_LOGS:]), kept[_FORM.size : _FORM.size + power_bytes]])


_NAMES = tuple(field.name for field in fields(State) if field.name not in ("logged", "power"))
