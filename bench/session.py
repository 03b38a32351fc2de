"""A session: one station, one programme, one record, from opening to safe state, whatever happens in between."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from meterbench.bench.bench import Bench
from meterbench.bench.broken import Standing
from meterbench.bench.guardian import Guardian, wards_of
from meterbench.bench.opening import Wires, open_station
from meterbench.bench.run import Observer, Run
from meterbench.bench.safe_state import SafeAction, make_all_safe
from meterbench.bench.signals import StopSignals
from meterbench.bench.station import StationFile
from meterbench.bench.traces import Traces
from meterbench.dut.meter import Nameplate
from meterbench.errors import BenchError, Cancelled, InterlockTripped
from meterbench.instruments.capabilities import Instrument
from meterbench.world.clock import Clock, WallClock

if TYPE_CHECKING:
    from meterbench.bench.comparison import Comparison


@dataclass(frozen=True, slots=True)
class Programme:
    """What is to be run: its name, its title, the edition of the standard, and settings that a resume must share."""

    name: str
    title: str
    edition: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


class _LatchedRun(Run):
    """A run that begins no step any more once its bench has tripped."""

    check: Callable[[], None] = staticmethod(lambda: None)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """As every run's; ``InterlockTripped`` with the first cause instead of a step after it, or of its end."""
        self.check()
        with super().step(name):
            yield
            self.check()  # whoever caught the trip in a step has not finished it


@contextlib.contextmanager
def session(
    station: StationFile,
    programme: Programme,
    folder: Path,
    *,
    resume: bool = False,
    observers: Sequence[Observer] = (),
    stop: StopSignals | None = None,
    wires: Wires = Wires(),  # noqa: B008
    standing: Standing | None = None,
    compare: bool = False,
) -> Iterator[tuple[Run, Bench]]:
    """Open the station and the record in ``folder``, hand them to the block, then make safe and close both.

    What the block raises is written into the record and comes out again. A station that does not open leaves a closed
    record, too; a run that was to be resumed stays as it is. ``stop`` is told whose clock to stop.
    ``wires`` says what answers if it is not what the station file says, and where to record it. ``standing`` refuses a
    station that is BROKEN, before anything is opened, and is told if it is afterwards. ``compare``: a reference meter
    lives beside each meter in the line.
    """
    stop = stop or StopSignals()
    standing = standing or Standing()
    with contextlib.ExitStack() as stack:
        stack.enter_context(standing.used())
        opening = _Opening(folder, standing, stop)
        try:
            bench = stack.enter_context(open_station(station, wires, opening.give_up))
        except (BenchError, Cancelled) as error:
            if not resume:
                run = Run.open(folder, WallClock(), opening_line(station, programme, None, wires), observers)
                run.abandon(error)
                _record_safe_state(run, opening.safe_state)
                run.close()
            raise
        stop.follow(bench.clock)
        start = _LatchedRun.resume if resume else _LatchedRun.open
        clearance = standing.last_clearance()
        opened = opening_line(station, programme, bench, wires) | ({"clearance": clearance} if clearance else {})
        run = cast(_LatchedRun, start(folder, bench.clock, opened, observers))
        run.check = bench.latch.check
        traces = Traces(run.folder, bench.clock, run.trace)
        run.observe(lambda kind, _: traces.flush() if kind == "step_finished" else None)
        bench.watch.sink = traces
        comparison = _comparison(run, bench) if compare else None
        swallowed = True
        guardian: Guardian | None = None
        try:
            if resume and clearance:
                run.event("info", f"last cleared by {clearance['by']}: {clearance['reason']}", clearance=clearance)
            standing.take(folder.name, _utc(bench.clock))
            wards = wards_of(bench.standards) if standing.paths is not None else []
            if wards and standing.paths is not None:
                speed = wires.served.speed if wires.served is not None else 1.0
                guardian = Guardian(folder.name, wards, speed, *standing.paths)
            bench.take_control()
            yield run, bench
        except BaseException as error:
            swallowed = False
            run.abandon(error)
            raise
        finally:
            try:
                with _going_on(run):
                    if comparison is not None:
                        comparison.finish()
                _end(run, bench, standing, swallowed, traces)
            finally:
                if guardian is not None:
                    guardian.release()  # what acts was made safe, or declared not to be, whatever became of the record
            stop.finish()


def _comparison(run: Run, bench: Bench) -> Comparison:
    """Reference meters that hear what the bench measures and what is recorded."""
    from meterbench.bench.comparison import Comparison  # the reference meter: only who compares waits for it

    comparison = Comparison(run, bench.clock, bench.batch, bench.air.pressure_hpa)
    bench.watch.sink = comparison.beside(bench.watch.sink)
    run.observe(comparison.heed)
    return comparison


class _Opening:
    """Makes safe what did open and acts, when the opening of a station breaks off."""

    def __init__(self, folder: Path, standing: Standing, stop: StopSignals) -> None:
        self._folder = folder
        self._standing = standing
        self._stop = stop
        self.safe_state: list[SafeAction] = []

    def give_up(self, opened: Mapping[str, Sequence[Instrument]], clock: Clock) -> None:
        """A ``GiveUp`` of the opening."""
        self._stop.follow(clock)  # from here on a signal does not cut the clean-up
        self.safe_state = make_all_safe(opened, clock)
        if complaint := _complaint(self.safe_state):
            self._standing.declare(self._folder.name, _utc(clock), complaint, self.safe_state)


def _end(run: Run, bench: Bench, standing: Standing, swallowed: bool, traces: Traces) -> None:
    """BROKEN if it is, the safe state, then the last line of the record, whatever of these cannot be done.

    ``swallowed``: nothing was raised; a trip that somebody caught on the way still ends the run in ERROR.
    """
    trip, clock, name = bench.latch.first, bench.clock, run.folder.name
    if trip is not None:
        if swallowed:
            run.abandon(InterlockTripped(trip.cause))
        with _going_on(run):
            standing.declare(name, trip.utc, trip.cause, None)
    actions = bench.make_safe()
    complaint = _complaint(actions)
    if complaint:
        # Whatever was measured: what cannot be brought to rest is a matter for a person, at once.
        run.abandon(InterlockTripped(complaint))
    if trip is not None or complaint:
        with _going_on(run):
            standing.declare(name, _utc(clock), trip.cause if trip else complaint, actions)
    if trip is not None:
        with _going_on(run):
            run.event("error", f"tripped: {trip.cause}", at_s=trip.at_s)
    with _going_on(run):
        _record_safe_state(run, actions)
    with _going_on(run):
        traces.flush()
    with _going_on(run):
        standing.give_back()
    run.close()


@contextlib.contextmanager
def _going_on(run: Run) -> Iterator[None]:
    """What cannot be done makes the run ERROR; what comes after it is done nevertheless."""
    try:
        yield
    except Exception as error:
        run.abandon(error)


def _record_safe_state(run: Run, actions: Sequence[SafeAction]) -> None:
    """One line with every action in its order."""
    if not actions:
        return
    took_s = max(action.started_s + action.took_s for action in actions) - actions[0].started_s
    complaint = _complaint(actions)
    run.event(
        "error" if complaint else "info",
        complaint or f"safe state reached after {took_s:.1f} s",
        safe_state=[asdict(action) for action in actions],
    )


def _complaint(actions: Sequence[SafeAction]) -> str:
    complaints = dict.fromkeys(action.complaint for action in actions if not action.confirmed)  # a replay has one
    return "safe state not reached: " + "; ".join(complaints) if complaints else ""


def _utc(clock: Clock) -> str:
    return clock.utc().isoformat(timespec="milliseconds")


def opening_line(station: StationFile, programme: Programme, bench: Bench | None, wires: Wires) -> dict[str, Any]:
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
            "simulated": station.virtual is not None or wires.served is not None or wires.replay is not None,
            "other_side": _other_side(wires),
            "seed": station.virtual.seed if station.virtual else None,
            "world": _world_hash(station),
            "air_pressure_hpa": head.air_pressure_hpa,
            "relative_humidity_percent": head.relative_humidity_percent,
        },
        "reference": asdict(head.reference())
        | {
            "probe": station.instruments.thermometer.probe.model_dump(),
            "cross_checks": asdict(station.cross_checks.allowances()),
        },
        "type": station.type.model_dump(),
        "batch": [_meter_line(slot, nameplate) for slot, nameplate in enumerate(station.batch(), start=1)],
        "instruments": _instrument_lines(bench) if bench else [],
    }


def _other_side(wires: Wires) -> str:
    """What answered, if it was not what the station file says: nobody takes a replay for a day at the laboratory."""
    if wires.replay is not None:
        return f"replay of {wires.replay.path.name}, SHA-256 {wires.replay.sha256}"
    if wires.served is not None:
        return f"meterbench lab, station {wires.served.station}, {wires.served.speed:g} times as fast as wall time"
    return ""


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
        "max_pressure_mpa": rating.max_pressure_mpa,
        "pressure_loss_class": rating.pressure_loss_class,
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
                "issued_by": certificate.issued_by if certificate else None,
                "issued": certificate.issued.isoformat() if certificate and certificate.issued else None,
                "points": [asdict(point) for point in certificate.points] if certificate else [],
                "certified_serials": list(certificate.serials) if certificate else [],
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
