"""Which driver names a station file may use, the role that each can fill, and how it is opened.

Opening returns a driver that has identified its instrument, or raises a ``BenchError`` with one sentence.
Modules are imported when a driver is needed: the command starts fast, and a laboratory needs only what it uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from meterbench.instruments.capabilities import Instrument
from meterbench.world.clock import Clock


@dataclass(frozen=True, slots=True)
class DriverEntry:
    """A driver by its name in station files."""

    role: str
    module: str
    opener: str
    """A function of (role, address, clock)."""


DRIVERS = {
    "rig_plc": DriverEntry("rig", "meterbench.instruments.rig.modbus_plc", "open_rig_plc"),
    "mt_sics": DriverEntry("balance", "meterbench.instruments.balance.mettler_mt_sics", "open_mt_sics"),
    "keysight_53220a": DriverEntry("counter", "meterbench.instruments.counter.keysight_53220a", "open_keysight_53220a"),
    "keysight_34461a": DriverEntry(
        "thermometer", "meterbench.instruments.thermometer.keysight_34461a", "open_keysight_34461a"
    ),
}

ROLES = ("rig", "balance", "thermometer", "counter")
"""What a station must have; there is one counter a slot, all under the one role."""


def drivers_for(role: str) -> tuple[str, ...]:
    """Names of the drivers that can fill ``role``."""
    return tuple(name for name, entry in DRIVERS.items() if entry.role == role)


Opener = Callable[[str, str, Clock], Instrument]
"""Opens the instrument at an address; what messages call it comes first."""


def opener(name: str) -> Opener:
    """How the driver called ``name`` is opened. Its module is imported here and not by threads that open side by side:
    pytest parses modules as it imports them, and CPython 3.11 cannot do that in two threads."""
    entry = DRIVERS[name]
    return cast(Opener, getattr(import_module(entry.module), entry.opener))
