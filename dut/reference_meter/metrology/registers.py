"""The registers: what can be read of a meter at one moment (Table 3 of the technical description, ADR-015, ADR-016)."""

from __future__ import annotations

from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.channels import Channel
from meterbench.dut.reference_meter.metrology.measuring.measured import Measured
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.power.places import Source
from meterbench.dut.reference_meter.metrology.status import Alarm, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers(Measured):
    """All registers after one measuring cycle."""

    clock_ticks: int
    """Eighths of a second since 1970, UTC."""
    clock_valid: bool
    mode: Mode
    ambient_temp_c: float
    pressure_mpa: float | None
    """Gauge pressure, where a sensor is fitted and well."""
    alarms: Alarm
    """Info codes: what is going on, and what was and waits to be acknowledged."""
    to_push: Alarm
    """Of the alarms on the list for the control centre, those it has not been told of."""
    status: Status
    source: Source
    """What feeds the meter."""
    internal_percent: int
    external_percent: int | None
    """Charge left; None without an external pack."""
    channels: Channel
    """Ways to the outside that may work now."""
