"""Where ``meterbench lab`` serves a simulated laboratory: what its ``--json`` line says, for a bench to use."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from meterbench.bench.station import StationFile
from meterbench.errors import ConfigError, ConnectionLost
from meterbench.instruments.drivers import WITHOUT_A_WIRE
from meterbench.instruments.links.address import parse_modbus
from meterbench.instruments.roles import ROLES

ANSWER_S = 2.0


class ServedLab(BaseModel):
    """A simulated laboratory that another process serves, in wall time or so many times as fast."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    station: str
    speed: Annotated[float, Field(gt=0)]
    pid: int
    addresses: dict[str, list[str]]
    """By role; where there is one instrument a slot, in order of the slots."""


def load(path: Path, station_path: Path, station: StationFile) -> ServedLab:
    """Read what ``meterbench lab --json`` printed, to take the place of every instrument of ``station``.

    ``ConfigError`` if it is something else or does not serve all of them: an instrument that it lacks would be the
    real one, and act. ``ConnectionLost`` if nobody serves it any more.
    """
    if station.virtual is not None:
        raise ConfigError(
            f"{station_path} is simulated itself; --lab takes the place of a real laboratory's instruments"
        )
    try:
        served = ServedLab.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the line"
        raise ConfigError(f"{path} is not what `meterbench lab --json` prints: {key}: {first['msg']}") from None
    except ValueError as error:
        raise ConfigError(f"{path} is not what `meterbench lab --json` prints once it is open: {error}") from None
    slots = len(station.line())
    for role, section in station.instruments.by_role().items():
        found, needed = len(served.addresses.get(role, ())), section.in_slots(slots) if ROLES[role].per_slot else 1
        if section.driver not in WITHOUT_A_WIRE and found != needed:
            raise ConfigError(
                f"{path}: the laboratory {served.station} serves {found} instruments as {role}, and "
                f"{station_path} has {needed}; serve the same station: `meterbench lab --station {station_path} --json`"
            )
    _require_alive(path, served)
    return served


def _require_alive(path: Path, served: ServedLab) -> None:
    """Ask the rig alone for a connection: a laboratory that is gone is one sentence, not one an instrument."""
    address = served.addresses["rig"][0]
    wire = parse_modbus(address)
    if not wire.host:
        return
    try:
        socket.create_connection((wire.host, wire.port), ANSWER_S).close()
    except OSError as error:
        raise ConnectionLost(
            f"nobody serves the laboratory of {path} any more (process {served.pid}; {address}: "
            f"{error.strerror or error}); start `meterbench lab` again"
        ) from error
