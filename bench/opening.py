"""From a station file to an open bench: all instruments in parallel, one error that names every failure."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from meterbench.bench.bench import Air, Bench, Standard
from meterbench.bench.certificate import gate
from meterbench.bench.station import VIRTUAL_ADDRESS, StationFile
from meterbench.errors import BenchError, ConnectionLost
from meterbench.instruments.capabilities import Instrument
from meterbench.instruments.drivers import ROLES, opener
from meterbench.instruments.thermometer.pt100 import PlatinumProbe
from meterbench.world.clock import Clock, VirtualClock, WallClock


@dataclass(frozen=True, slots=True)
class _Place:
    role: str
    name: str
    """The role, with the slot's number where there is one a slot."""
    driver: str
    address: str
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
        places = _places(station, lab_addresses)
        instruments = _open_all(places, clock)
        bench = _bench(station, clock, places, instruments)
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


def _places(station: StationFile, lab_addresses: Mapping[str, Sequence[str]]) -> list[_Place]:
    slots = len(station.batch())
    places = []
    for role in ROLES:
        written: Sequence[str] = station.addresses(role)
        addresses = written
        if list(written) == [VIRTUAL_ADDRESS]:
            addresses = lab_addresses[role]
            written = [VIRTUAL_ADDRESS] * len(addresses)
        for number, (address, as_written) in enumerate(zip(addresses[:slots], written, strict=False), start=1):
            name = f"{role} {number}" if role == "counter" else role
            places.append(_Place(role, name, station.instrument(role).driver, address, as_written))
    return places


def _open_all(places: Sequence[_Place], clock: Clock) -> list[Instrument]:
    openers = [opener(place.driver) for place in places]
    with ThreadPoolExecutor(len(places), "opening") as threads:
        opening = [
            threads.submit(opens, place.name, place.address, clock)
            for opens, place in zip(openers, places, strict=True)
        ]
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
    raise ConnectionLost(f"{count} of {len(places)} did not open: " + "; ".join(failures)) from broken


def _bench(station: StationFile, clock: Clock, places: Sequence[_Place], instruments: Sequence[Instrument]) -> Bench:
    today = clock.utc().date()
    standards = []
    for place, instrument in zip(places, instruments, strict=True):
        certificate = station.certificate(place.role)
        standards.append(
            Standard(place.role, place.driver, place.written, instrument, certificate, gate(certificate, today))
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
