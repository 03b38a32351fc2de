"""From a station file to an open bench: all instruments in parallel, one error that names every failure."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meterbench.bench.bench import Air, Bench, Standard
from meterbench.bench.certificate import Certificate, state_of
from meterbench.bench.replay import Replay, WireRecord
from meterbench.bench.served_lab import ServedLab
from meterbench.bench.station import StationFile
from meterbench.bench.wire_record import RecordingClock, WireRecorder
from meterbench.errors import BenchError, CalibrationError, ConfigError, ConnectionLost
from meterbench.instruments.capabilities import Instrument
from meterbench.instruments.drivers import Opener, opener
from meterbench.instruments.place import Place, Tape
from meterbench.instruments.roles import ROLES
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
    certificate: Certificate | None
    """None too where another instrument stands for the one that the certificate is of."""


@dataclass(frozen=True, slots=True)
class Wires:
    """What stands on the other side of the wires, if it is not what the station file says; and who listens in."""

    served: ServedLab | None = None
    """A simulated laboratory takes the place of the real one, whose station file it is."""
    replay: WireRecord | None = None
    """A recorded run answers."""
    record: Path | None = None
    """Where to record all wires."""
    programme: str = ""
    """What is recorded."""


GiveUp = Callable[[Mapping[str, Sequence[Instrument]], Clock], object]
"""Told, by role, which instruments did open when others did not, before they are closed again."""


@contextlib.contextmanager
def open_station(
    station: StationFile, wires: Wires = Wires(), give_up: GiveUp = lambda _opened, _clock: None
) -> Iterator[Bench]:
    """Open everything that the station file names, starting the virtual lab if there is one.

    ``ConnectionLost`` (``ConfigError`` if only the station file is to blame) names every instrument that did not open;
    those that did are closed again, after ``give_up``. At the end all links are closed; making the station safe is the
    caller's business, before, and in ``give_up``.
    """
    with contextlib.ExitStack() as stack:
        clock, addresses, tape = _other_side(station, wires, stack)
        stand_in = wires.served is not None or wires.replay is not None
        seats = _seats(station, addresses, clock, tape, check_serials=not stand_in)
        instruments = _open_all(seats, lambda opened: give_up(opened, clock))
        bench = _bench(station, clock, seats, instruments)
        stack.callback(bench.close)
        yield bench


def _other_side(
    station: StationFile, wires: Wires, stack: contextlib.ExitStack
) -> tuple[Clock, Mapping[str, Sequence[str]], Callable[[str], Tape] | None]:
    """The station's clock, the addresses that are not those of the station file, and who is told the exchanges."""
    clock: Clock
    addresses: Mapping[str, Sequence[str]] = {}
    if wires.replay is not None:
        replay = Replay(wires.replay)
        stack.callback(replay.stop)
        return replay.clock, replay.start(), replay.tape
    if wires.served is not None:
        clock, addresses = WallClock(wires.served.speed), wires.served.addresses
    elif station.virtual is None:
        clock = WallClock()
    else:
        from meterbench.bench.virtual_lab import VirtualLab  # a real station needs no simulated world

        in_wall_time = station.clock == "wall"
        if not in_wall_time:
            stack.enter_context(_on_one_core())
        lab = VirtualLab(station)
        stack.callback(lab.stop)
        addresses = lab.start(1.0 if in_wall_time else None)
        clock = WallClock() if in_wall_time else VirtualClock(lab.advance)
    if wires.record is None:
        return clock, addresses, None
    in_force = {role: addresses.get(role, section.addresses) for role, section in station.instruments.by_role().items()}
    recorder = WireRecorder(
        wires.record,
        {
            "programme": wires.programme,
            "speed": clock.speed,
            "station": station.model_dump(mode="json", by_alias=True, exclude_none=True),
            "addresses": in_force,
        },
    )
    stack.callback(recorder.close)
    return RecordingClock(clock, recorder), addresses, recorder.tape


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


def _seats(
    station: StationFile,
    elsewhere: Mapping[str, Sequence[str]],
    clock: Clock,
    tape: Callable[[str], Tape] | None,
    *,
    check_serials: bool,
) -> list[_Seat]:
    slots = len(station.batch())
    seats = []
    for role, section in station.instruments.by_role().items():
        certificate = station.certificate(role) if check_serials else None
        addresses: Sequence[str] = section.addresses
        written = addresses
        if role in elsewhere:
            addresses = elsewhere[role]
        if section.simulated:
            written = list(section.addresses) if len(section.addresses) > 1 else section.addresses * len(addresses)
        for number, (address, as_written) in enumerate(zip(addresses[:slots], written, strict=False), start=1):
            name = f"{role} {number}" if ROLES[role].per_slot else role
            place = Place(name, address, clock, section.driver, tape(name) if tape else None)
            seats.append(_Seat(role, section.driver, section.settings, place, as_written, certificate))
    return seats


def _open_all(
    seats: Sequence[_Seat], give_up: Callable[[Mapping[str, Sequence[Instrument]]], object]
) -> list[Instrument]:
    openers = [_opener(seat) for seat in seats]
    with ThreadPoolExecutor(len(seats), "opening") as threads:
        opening = [threads.submit(opens, seat.place) for opens, seat in zip(openers, seats, strict=True)]
        try:
            wait(opening)
        except BaseException:  # a signal
            threads.shutdown(cancel_futures=True)
            _close_again(seats, opening, give_up)
            raise
    failures = [error for each in opening if isinstance(error := each.exception(), BenchError)]
    broken = next((each.exception() for each in opening if each.exception() is not None), None)
    if broken is None:
        return [each.result() for each in opening]
    _close_again(seats, opening, give_up)
    if not isinstance(broken, BenchError):
        raise broken
    count = "one instrument" if len(failures) == 1 else f"{len(failures)} instruments"
    kind = ConfigError if all(isinstance(error, ConfigError) for error in failures) else ConnectionLost
    raise kind(f"{count} of {len(seats)} did not open: {'; '.join(map(str, failures))}") from broken


def _opener(seat: _Seat) -> Opener:
    """Opens the instrument, and sends it away if its certificate is of another one."""
    opens = opener(seat.driver, seat.settings)

    def open_and_compare(place: Place) -> Instrument:
        instrument = opens(place)
        refusal = seat.certificate.refusal(instrument.identity.serial) if seat.certificate else ""
        if refusal:
            with contextlib.suppress(BenchError):
                instrument.close()
            raise CalibrationError(f"{place.role}: {refusal}")
        return instrument

    return open_and_compare


def _close_again(
    seats: Sequence[_Seat],
    opening: Sequence[Future[Instrument]],
    give_up: Callable[[Mapping[str, Sequence[Instrument]]], object],
) -> None:
    opened: dict[str, list[Instrument]] = {}
    for seat, each in zip(seats, opening, strict=True):
        if not each.cancelled() and each.exception() is None:
            opened.setdefault(seat.role, []).append(each.result())
    try:
        give_up(opened)
    finally:
        for of_role in opened.values():
            for instrument in of_role:
                with contextlib.suppress(BenchError):
                    instrument.close()


def _bench(station: StationFile, clock: Clock, seats: Sequence[_Seat], instruments: Sequence[Instrument]) -> Bench:
    today = clock.utc().date()
    standards = []
    for seat, instrument in zip(seats, instruments, strict=True):
        certificate = station.certificate(seat.role)
        standards.append(
            Standard(
                seat.role,
                seat.driver,
                seat.written,
                instrument,
                certificate,
                state_of(seat.role, certificate, today),
                seat.place,
                seat.settings,
            )
        )
    chamber_probe = station.instruments.chamber_probe
    return Bench(
        clock,
        standards,
        station.batch(),
        station.instruments.thermometer.probe.platinum(),
        station.station.reference(),
        Air(station.station.air_pressure_hpa, station.station.relative_humidity_percent),
        station.cross_checks.allowances(),
        chamber_probe.probe.platinum() if chamber_probe else None,
        station.station.assumed() if station.virtual is None else (),
        station.type.software,
    )
