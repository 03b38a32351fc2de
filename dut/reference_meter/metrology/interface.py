"""The walls of the legally relevant software: what others may read of it and ask of it (ADR-034).

``communication`` imports this module and what it names, and nothing else of this package (a contract in pyproject.toml
keeps it so). What is read are copies that cannot be changed; no command can change a total, a parameter or what a
record says (other columns empty a profile, as an event tells): each either is carried out as the firmware defines it,
or is ``Refused``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.metrology.audit import AuditRecord
from meterbench.dut.reference_meter.metrology.channels import Channel
from meterbench.dut.reference_meter.metrology.clock import TICKS_PER_S, as_datetime
from meterbench.dut.reference_meter.metrology.display.frame import Caption, Frame, Icon, Unit
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.firmware import Firmware
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.power.places import Place, Source
from meterbench.dut.reference_meter.metrology.records.columns import Column
from meterbench.dut.reference_meter.metrology.records.event_log import Event, EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.registers import Registers
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.settings import Settings
from meterbench.dut.reference_meter.metrology.status import TAMPER, Alarm, Status
from meterbench.dut.reference_meter.metrology.storage.memory import PowerLost

__all__ = [
    "TAMPER",
    "TICKS_PER_S",
    "Alarm",
    "AuditRecord",
    "Caption",
    "Channel",
    "Column",
    "Commands",
    "Event",
    "EventCode",
    "Frame",
    "Icon",
    "LogType",
    "Mode",
    "Period",
    "Place",
    "Reading",
    "Refused",
    "Registers",
    "Screen",
    "SensorFault",
    "Settings",
    "Software",
    "Source",
    "Status",
    "Unit",
    "as_datetime",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Software:
    """What the legally relevant software says it is."""

    identifier: str
    checksum: str
    """Over its code and data."""
    parameters: str
    """Digest of the unit's own parameters."""


def _at_once() -> None:
    """Nothing waits."""


class Reading:
    """The read interface. ``settle`` lets the firmware come to the present before it answers."""

    def __init__(self, firmware: Firmware, settle: Callable[[], None] = _at_once) -> None:
        self._of = firmware
        self._settle = settle

    @property
    def _firmware(self) -> Firmware:
        self._settle()
        return _running(self._of)

    def software(self) -> Software:
        """Identifier and checksums."""
        programme = self._firmware.programme
        return Software(programme.identifier, programme.checksum, self._firmware.parameters_digest)

    def registers(self) -> Registers:
        """All registers, now."""
        return self._firmware.registers()

    def settings(self) -> Settings:
        """The configuration in force."""
        return self._firmware.settings

    def columns(self, period: Period) -> Column:
        """What a profile captures."""
        return self._firmware.kept.profiles[period].columns

    def profile(self, period: Period) -> NDArray[np.void]:
        """The rows of a profile, oldest first, as a read-only structured array (``records.columns`` has the units)."""
        rows = self._firmware.kept.profiles[period].rows()
        return np.frombuffer(rows.tobytes(), dtype=rows.dtype)

    def events(self, log: LogType) -> tuple[Event, ...]:
        """The events of a log, oldest first."""
        return self._firmware.kept.logs.events(log)

    def audit_records(self) -> tuple[AuditRecord, ...]:
        """What happened to the legally relevant parameters."""
        return self._firmware.audit_records

    def frame(self) -> Frame:
        """What the display shows."""
        return self._firmware.frame()


class Commands:
    """The command interface; each may be ``Refused``, also because the supply fails before it is carried out.

    ``settle`` lets the firmware come to the present before a command is carried out.
    """

    def __init__(self, firmware: Firmware, settle: Callable[[], None] = _at_once) -> None:
        self._firmware = firmware
        self._settle = settle

    def set_clock(self, clock_ticks: int) -> None:
        """Set the clock to eighths of a second since 1970, UTC."""
        self._carry_out(lambda firmware: firmware.set_clock(clock_ticks))

    def enter_test(self) -> None:
        """Begin TEST, or begin its time anew."""
        self._carry_out(Firmware.enter_test)

    def leave_test(self) -> None:
        """End TEST."""
        self._carry_out(Firmware.leave_test)

    def enter_transportation(self) -> None:
        """Begin TRANSPORTATION."""
        self._carry_out(Firmware.enter_transportation)

    def configure(self, settings: Settings) -> None:
        """Put other settings into force."""
        _must_be("configure", settings, Settings)
        self._carry_out(lambda firmware: firmware.configure(settings))

    def set_columns(self, period: Period, columns: Column) -> None:
        """Capture other columns in a profile; it is emptied."""
        _must_be("set columns of", period, Period)
        _must_be("set columns to", columns, Column)
        self._carry_out(lambda firmware: firmware.set_columns(period, columns))

    def show(self, screen: Screen | None) -> None:
        """Let the display show one screen for a minute; None: the cycle again."""
        if screen is not None:
            _must_be("show", screen, Screen)
        self._carry_out(lambda firmware: firmware.panel.show(screen, firmware.tick))

    def report_wan(self, level: int | None) -> None:
        """Level of the WAN's signal, 0 to 4, for the display; None while there is no connection."""
        if level is not None:
            _must_be("report a WAN level of", level, int)
        self._carry_out(lambda firmware: firmware.panel.report_wan(level))

    def report_supply(self, *, small_credit: bool, limited: bool) -> None:
        """State of a prepayment, for the display (ADR-086)."""
        self._carry_out(lambda firmware: firmware.panel.report_supply(small_credit=small_credit, limited=limited))

    def battery_replaced(self, place: Place) -> None:
        """Say that the pack in a place is a new one: an exchange while the meter is Off is not noticed."""
        _must_be("replace the battery in", place, Place)
        self._carry_out(lambda firmware: firmware.battery_replaced(place))

    def acknowledge(self, alarms: Alarm) -> None:
        """Clear alarms that stay after their cause is gone."""
        _must_be("acknowledge", alarms, Alarm)
        self._carry_out(lambda firmware: firmware.acknowledge(alarms))

    def told(self, alarms: Alarm) -> None:
        """The control centre has been told of these alarms."""
        _must_be("told", alarms, Alarm)
        self._carry_out(lambda firmware: firmware.told(alarms))

    def count_up(self, counter: int) -> int:
        """The next number of an invocation counter: never given before."""
        _must_be("count up", counter, int)
        return self._carry_out(lambda firmware: firmware.count_up(counter))

    def _carry_out(self, command: Callable[[Firmware], T]) -> T:
        self._settle()
        firmware = _running(self._firmware)
        try:
            return command(firmware)
        except PowerLost as lost:
            firmware.running = False
            raise Refused("the meter went Off: read back whether the command was carried out") from lost


def _running(firmware: Firmware) -> Firmware:
    """``Refused`` after a loss of supply: a meter that is back has another firmware, and this is of the old one."""
    if not firmware.running:
        raise Refused("the meter is Off, or was since this interface was opened; open it again")
    return firmware


def _must_be(what: str, given: object, kind: type) -> None:
    """``bool`` is no number here."""
    if type(given) is not kind:
        raise Refused(f"{what} {given!r}: it must be of the kind {kind.__name__}")
