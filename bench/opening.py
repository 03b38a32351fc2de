"""From a station file to an open bench: all instruments in parallel, one error that names every failure."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from meterbench.bench.bench import Air, Bench, Standard
from meterbench.bench.certificate import gate
from meterbench.bench.station import StationFile
from meterbench.errors import BenchError, ConnectionLost
from meterbench.instruments.capabilities import Instrument
from meterbench.instruments.drivers import opener
from meterbench.instruments.place import Place
from meterbench.instruments.roles import ROLES
from meterbench.instruments.thermometer.pt100 import PlatinumProbe
from meterbench.world.clock import Clock, VirtualClock, WallClock


@dataclass(frozen=True, slots=True)
class _Seat:
    """An instrument that the station file names."""

    role: str
    driver: str
    settings: Mapping[str, Any]
    place: Place
    written: str
    """The address as the station file has it: what the record shows, the same in every run."""


@contextlib.contextmanager
def open_station(station: StationFile) -> Iterator[Bench]:
    """Open everything that the station file names, starting the virtual lab if there is one.

    ``ConnectionLost`` names every instrument that did not open; those that did are closed again. At the end all links
    are closed; making the rig safe is the caller's business, before.
    """
    with contextlib.ExitStack() as stack:
        clock: Clock
        lab_addresses: Mapping[str, Sequence[str]] = {}
        in_wall_time = station.clock == "wall"
        if station.virtual is None:
            clock = WallClock()
        else:
            from meterbench.bench.virtual_lab import VirtualLab  # a real station needs no simulated world

            if not in_wall_time:
                stack.enter_context(_on_one_core())
            lab = VirtualLab(station)
            stack.callback(lab.stop)
            lab_addresses = lab.start(in_wall_time)
            clock = WallClock() if in_wall_time else VirtualClock(lab.advance)
        seats = _seats(station, lab_addresses, clock)
        bench = _bench(station, clock, seats, _open_all(seats))
        stack.callback(bench.close)
        yield bench


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one core.

    In virtual time the bench and the lab take turns, some thousand times a second. A turn that wakes a sleeping core
    takes longer than what is done in it: on two cores a run takes twice the time and more.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[os.getpid() % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _seats(station: StationFile, lab_addresses: Mapping[str, Sequence[str]], clock: Clock) -> list[_Seat]:
    slots = len(station.batch())
    seats = []
    for role, section in station.instruments.by_role().items():
        addresses: Sequence[str] = section.addresses
        written = addresses
        if section.simulated:
            addresses = lab_addresses[role]
            written = section.addresses * len(addresses)
        for number, (address, as_written) in enumerate(zip(addresses[:slots], written, strict=False), start=1):
            name = f"{role} {number}" if ROLES[role].per_slot else role
            place = Place(name, address, clock, section.driver)
            seats.append(_Seat(role, section.driver, section.settings, place, as_written))
    return seats


def _open_all(seats: Sequence[_Seat]) -> list[Instrument]:
    openers = [opener(seat.driver, seat.settings) for seat in seats]
    with ThreadPoolExecutor(len(seats), "opening") as threads:
        opening = [threads.submit(opens, seat.place) for opens, seat in zip(openers, seats, strict=True)]
    failures = [str(each.exception()) for each in opening if isinstance(each.exception(), BenchError)]
    broken = next((each.exception() for each in opening if each.exception() is not None), None)
    if broken is None:
        return [each.result() for each in opening]
    for each in opening:
        if each.exception() is None:
            each.result().close()
    if not isinstance(broken, BenchError):
        raise broken
    count = "one instrument" if len(failures) == 1 else f"{len(failures)} instruments"
    raise ConnectionLost(f"{count} of {len(seats)} did not open: " + "; ".join(failures)) from broken


def _bench(station: StationFile, clock: Clock, seats: Sequence[_Seat], instruments: Sequence[Instrument]) -> Bench:
    today = clock.utc().date()
    standards = []
    for seat, instrument in zip(seats, instruments, strict=True):
        certificate = station.certificate(seat.role)
        standards.append(
            Standard(seat.role, seat.driver, seat.written, instrument, certificate, gate(certificate, today))
        )
    probe = station.instruments.thermometer.probe
    return Bench(
        clock,
        standards,
        station.batch(),
        PlatinumProbe(probe.r0_ohm, probe.a, probe.b, probe.c),
        station.station.reference(),
        Air(station.station.air_pressure_hpa, station.station.relative_humidity_percent),
    )
