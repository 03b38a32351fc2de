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
    "sartorius_sbi": DriverEntry(("balance",), "balance.sartorius_sbi", "open_sartorius_sbi", "SbiSettings"),
    "keller_bus": DriverEntry(("pressure",), "pressure.keller_bus", "open_keller_bus", "KellerSettings"),
    "keysight_53220a": DriverEntry(
        ("counter",), "counter.keysight_53220a", "open_keysight_53220a", "Keysight53220ASettings"
    ),
    "barcode_reader": DriverEntry(("scanner",), "scanner.barcode_reader", "open_barcode_reader", "ScannerSettings"),
    "tinysa": DriverEntry(("analyser",), "analyser.tinysa", "open_tinysa", "TinySaSettings"),
    "keysight_34461a": DriverEntry(
        ("thermometer", "chamber_probe"), "thermometer.keysight_34461a", "open_keysight_34461a"
    ),
    "fluke_1595a": DriverEntry(
        ("thermometer", "chamber_probe"), "thermometer.fluke_1595a", "open_fluke_1595a", "Fluke1595ASettings"
    ),
    "rs_fsv": DriverEntry(("analyser",), "analyser.rs_fsv", "open_rs_fsv", "RsFsvSettings"),
    "operator_console": DriverEntry(("operator",), "operator.operator_console", "open_operator_console"),
    "operator_script": DriverEntry(("operator",), "operator.operator_script", "open_operator_script"),
    "operator_panel": DriverEntry(("operator",), "operator.operator_panel", "open_operator_panel"),
    "druck_pace": DriverEntry(("pressure",), "pressure.druck_pace", "open_druck_pace", "DruckPaceSettings"),
    "keysight_e36312a": DriverEntry(
        ("aux_supply",), "supply.keysight_e36312a", "open_keysight_e36312a", "KeysightE36312ASettings"
    ),
    "meatest_m631": DriverEntry(("rtd",), "rtd.meatest_m631", "open_meatest_m631"),
    "weiss_simserv": DriverEntry(("chamber",), "chamber.weiss_simserv", "open_weiss_simserv", "WeissSimservSettings"),
    "espec_p300": DriverEntry(("chamber",), "chamber.espec_p300", "open_espec_p300", "EspecP300Settings"),
    "rs_ngu201": DriverEntry(("supply",), "supply.rs_ngu201", "open_rs_ngu201", "NguSettings"),
    "keysight_n6705c": DriverEntry(("supply",), "supply.keysight_n6705c", "open_keysight_n6705c", "N6705Settings"),
    **{
        name: DriverEntry(
            ("master_a", "master_b", "master_c"),
            "master_meter.modbus_master",
            "open_master_meter",
            "MasterMeterSettings",
        )
        for name in ("krohne_mfc400", "krohne_ifc300", "siemens_mag6000", "endress_promass")
    },
}

WITHOUT_A_WIRE = frozenset({"operator_console", "operator_script"})
"""Nothing can be simulated behind these: a person, and a file."""


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


def settings_model(name: str) -> type[DriverSettings] | None:
    """The model of the settings of the driver ``name``; None if it takes none."""
    entry = DRIVERS[name]
    if not entry.settings:
        return None
    return cast(type[DriverSettings], getattr(import_module(f"{_ROOM}.{entry.module}"), entry.settings))


def checked_settings(name: str, settings: Mapping[str, Any]) -> DriverSettings | None:
    """``settings`` as the driver ``name`` wants them, None if it takes none; ``ConfigError`` names the key."""
    kind = settings_model(name)
    if kind is None:
        if settings:
            raise ConfigError(f"settings.{next(iter(settings))}: the driver {name} takes no settings")
        return None
    try:
        return kind.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in ("settings", *first["loc"]))
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{key}: unknown key; allowed: {', '.join(kind.model_fields)}") from None
        raise ConfigError(f"{key}: {first['msg'].removeprefix('Value error, ')}") from None
