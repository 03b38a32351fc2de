"""A session: one station, one programme, one record, from opening to safe state, whatever happens in between."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from meterbench.bench.bench import Bench
from meterbench.bench.opening import open_station
from meterbench.bench.run import Observer, Run
from meterbench.bench.signals import StopSignals
from meterbench.bench.station import StationFile
from meterbench.dut.meter import Nameplate
from meterbench.errors import BenchError, Cancelled, InterlockTripped
from meterbench.world.clock import WallClock


@dataclass(frozen=True, slots=True)
class Programme:
    """What is to be run: its name, its title, the edition of the standard, and settings that a resume must share."""

    name: str
    title: str
    edition: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def session(
    station: StationFile,
    programme: Programme,
    folder: Path,
    *,
    resume: bool = False,
    observers: Sequence[Observer] = (),
    stop: StopSignals | None = None,
) -> Iterator[tuple[Run, Bench]]:
    """Open the station and the record in ``folder``, hand them to the block, then make safe and close both.

    What the block raises is written into the record and comes out again. A station that does not open leaves a closed
    record, too; a run that was to be resumed stays as it is. ``stop`` is told whose clock to stop.
    """
    stop = stop or StopSignals()
    with contextlib.ExitStack() as stack:
        try:
            bench = stack.enter_context(open_station(station))
        except (BenchError, Cancelled) as error:
            if not resume:
                run = Run.open(folder, WallClock(), opening_line(station, programme, None), observers)
                run.abandon(error)
                run.close()
            raise
        stop.follow(bench.clock)
        start = Run.resume if resume else Run.open
        run = start(folder, bench.clock, opening_line(station, programme, bench), observers)
        try:
            bench.take_control()
            yield run, bench
        except BaseException as error:
            run.abandon(error)
            raise
        finally:
            _end(run, bench)
            stop.finish()


def _end(run: Run, bench: Bench) -> None:
    """Safe state first, then the last line of the record."""
    start_s = bench.clock.now_s()
    complaints = bench.make_safe()
    took_s = bench.clock.now_s() - start_s
    if complaints:
        # Whatever was measured: a rig that cannot be brought to rest is a matter for a person, at once.
        run.abandon(InterlockTripped("safe state not reached: " + "; ".join(complaints)))
    try:
        if not complaints:
            run.event("info", f"safe state reached after {took_s:.1f} s")
    except BenchError as error:
        run.abandon(error)
    run.close()


def opening_line(station: StationFile, programme: Programme, bench: Bench | None) -> dict[str, Any]:
    """What is known before the first step; without a bench, of instruments only what the station file says."""
    head = station.station
    return {
        "schema": 1,
        "programme": programme.name,
        "title": programme.title,
        "edition": dict(programme.edition),
        "settings": dict(programme.settings),
        "software": {
            "name": "meterbench",
            "version": version("meterbench"),
            "commit": _commit(),
            "python": platform.python_version(),
        },
        "station": {
            "name": head.name,
            "clock": station.clock,
            "simulated": station.virtual is not None,
            "seed": station.virtual.seed if station.virtual else None,
            "world": _world_hash(station),
            "air_pressure_hpa": head.air_pressure_hpa,
            "relative_humidity_percent": head.relative_humidity_percent,
        },
        "reference": asdict(head.reference()) | {"probe": station.instruments.thermometer.probe.model_dump()},
        "batch": [_meter_line(slot, nameplate) for slot, nameplate in enumerate(station.batch(), start=1)],
        "instruments": _instrument_lines(bench) if bench else [],
    }


def _world_hash(station: StationFile) -> str | None:
    """Tells one simulated world from another without telling what is true in it: nobody reads the truth in a record."""
    if station.virtual is None:
        return None
    return hashlib.sha256(station.virtual.model_dump_json().encode()).hexdigest()


def _meter_line(slot: int, nameplate: Nameplate) -> dict[str, Any]:
    rating = nameplate.rating
    return {
        "slot": slot,
        "serial": nameplate.serial,
        "designation": str(nameplate.designation),
        "dn": rating.dn,
        "q3_m3_h": str(rating.q3_m3_h),
        "ratio": rating.ratio,
        "q1_l_h": rating.q1_l_h,
        "q2_l_h": rating.q2_l_h,
        "q3_l_h": rating.q3_l_h,
        "q4_l_h": rating.q4_l_h,
        "accuracy_class": str(rating.accuracy_class),
        "temperature_class": rating.temperature_class,
        "pulse_volume_ml": nameplate.pulse_volume_ml,
    }


def _instrument_lines(bench: Bench) -> list[dict[str, Any]]:
    lines = []
    for standard in bench.standards:
        identity, certificate = standard.instrument.identity, standard.certificate
        lines.append(
            {
                "role": standard.instrument.role,
                "driver": standard.driver,
                "address": standard.address,
                "manufacturer": identity.manufacturer,
                "model": identity.model,
                "serial": identity.serial,
                "firmware": identity.firmware,
                "certificate": certificate.number if certificate else None,
                "due": certificate.due.isoformat() if certificate else None,
                "expanded_uncertainty": certificate.as_written if certificate else None,
                "calibration": standard.calibration.value,
            }
        )
    return lines


def _commit() -> str | None:
    """The commit of the checkout that runs, if it is one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            timeout=2,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
