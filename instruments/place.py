"""Where an instrument stands and what it is called: what every driver is opened with, and the form of its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from meterbench.instruments.capabilities import Exchange
from meterbench.world.clock import Clock

Tape = Callable[[Exchange], None]
"""Told every exchange of one instrument, the failed ones, too; called from the thread that talked."""


@dataclass(frozen=True, slots=True)
class Place:
    """An instrument of a station before it is opened."""

    role: str
    """What messages call it: its role, with the slot's number where there is one a slot."""
    address: str
    clock: Clock
    """A driver waits for its instrument on it; opening waits for nothing."""
    driver: str = ""
    """Name in ``instruments.drivers.DRIVERS``, for drivers that serve several kinds of box."""
    tape: Tape | None = None
    """Keeps every exchange, if somebody records."""


class DriverSettings(BaseModel):
    """What a driver must be told beside the address: ``settings = { ... }`` of its section in the station file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)
