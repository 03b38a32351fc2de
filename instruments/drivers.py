"""Which driver names a station file may use, the roles that each can fill, its settings, and how it is opened.

Opening returns a driver that has identified its instrument, or raises a ``BenchError`` with one sentence.
Modules are imported when a driver is needed: the command starts fast, and a laboratory needs only what it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, cast

from pydantic import ValidationError

from meterbench.errors import ConfigError
from meterbench.instruments.capabilities import Instrument
from meterbench.instruments.place import DriverSettings, Place

_ROOM = "meterbench.instruments"


@dataclass(frozen=True, slots=True)
class DriverEntry:
    """A driver by its name in station files."""

    roles: tuple[str, ...]
    module: str
    """Below ``meterbench.instruments``."""
    opener: str
    """A function of a ``Place``, and of ``settings`` if it has any."""
    settings: str = ""
    """Name of its ``DriverSettings``, if it has any."""


DRIVERS = {
    "rig_plc": DriverEntry(("rig",), "rig.modbus_plc", "open_rig_plc"),
    "mt_sics": DriverEntry(("balance",), "balance.mettler_mt_sics", "open_mt_sics"),
    "keysight_53220a": DriverEntry(("counter",), "counter.keysight_53220a", "open_keysight_53220a"),
    "keysight_34461a": DriverEntry(
        ("thermometer", "chamber_probe"), "thermometer.keysight_34461a", "open_keysight_34461a"
    ),
}


def drivers_for(role: str) -> tuple[str, ...]:
    """Names of the drivers that can fill ``role``."""
    return tuple(name for name, entry in DRIVERS.items() if role in entry.roles)


Opener = Callable[[Place], Instrument]
"""Opens the instrument at a place."""


def opener(name: str, settings: Mapping[str, Any] | None = None) -> Opener:
    """How the driver called ``name`` is opened. Its module is imported here and not by threads that open side by side:
    pytest parses modules as it imports them, and CPython 3.11 cannot do that in two threads."""
    entry = DRIVERS[name]
    opens = getattr(import_module(f"{_ROOM}.{entry.module}"), entry.opener)
    checked = checked_settings(name, settings or {})
    return cast(Opener, opens if checked is None else partial(opens, settings=checked))


def checked_settings(name: str, settings: Mapping[str, Any]) -> DriverSettings | None:
    """``settings`` as the driver ``name`` wants them, None if it takes none; ``ConfigError`` names the key."""
    entry = DRIVERS[name]
    if not entry.settings:
        if settings:
            raise ConfigError(f"settings.{next(iter(settings))}: the driver {name} takes no settings")
        return None
    kind: type[DriverSettings] = getattr(import_module(f"{_ROOM}.{entry.module}"), entry.settings)
    try:
        return kind.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in ("settings", *first["loc"]))
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{key}: unknown key; allowed: {', '.join(kind.model_fields)}") from None
        raise ConfigError(f"{key}: {first['msg'].removeprefix('Value error, ')}") from None
