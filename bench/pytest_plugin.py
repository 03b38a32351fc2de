"""The pytest face of the bench: ``pytest procedures --station FILE``, and what ``meterbench run`` is made of.

A procedure runs once a module, in a fixture; the tests of the module are the conclusions on each meter. Rows of the
record reach pytest-html, Allure and JUnit at full precision: all are views of the journal.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import pytest_hooks
from meterbench.bench.bench import Bench
from meterbench.bench.broken import Standing
from meterbench.bench.opening import Wires
from meterbench.bench.record import ResultRow
from meterbench.bench.record import load as load_record
from meterbench.bench.replay import load as load_replay
from meterbench.bench.replay import station_of
from meterbench.bench.run import Run
from meterbench.bench.served_lab import load as load_lab
from meterbench.bench.session import Programme, session
from meterbench.bench.signals import StopSignals
from meterbench.bench.station import StationFile, load
from meterbench.bench.verdict import Verdict
from meterbench.bench.wire_record import FILE_NAME as WIRE_FILE
from meterbench.dut.meter import Nameplate
from meterbench.errors import BenchError, ConfigError, RecordError

Procedure = Callable[[Run, Bench], None]


class InvalidResult(BenchError):
    """The bench could not judge this meter: not a failure of the meter."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a procedure recorded."""

    folder: Path
    rows: Sequence[ResultRow]
    verdicts: dict[str, tuple[Verdict, tuple[str, ...]]]
    """By serial: the conclusion and its reasons."""
    run_verdict: Verdict

    def assert_meter(self, serial: str) -> None:
        """Pass if the meter passed; ``AssertionError`` if it failed; ``InvalidResult`` if the bench could not tell."""
        __tracebackhide__ = True  # a reader wants the sentence, not our source
        verdict, reasons = self.verdicts.get(serial, (Verdict.NOT_RUN, ("no conclusion was reached",)))
        sentence = f"meter {serial}: {verdict}" + (f": {'; '.join(reasons)}" if reasons else "")
        if verdict is Verdict.FAIL:
            raise AssertionError(sentence)
        if verdict is not Verdict.PASS:
            raise InvalidResult(sentence)
        if self.run_verdict > max(each for each, _ in self.verdicts.values()):
            raise InvalidResult(
                f"meter {serial}: {verdict}, but the run as a whole is {self.run_verdict}: see {self.folder}"
            )


_STATION = pytest.StashKey[StationFile | None]()
_WIRES = pytest.StashKey[Wires]()
_STANDING = pytest.StashKey[Standing]()
"""Whether the station may be used: what tripped in one programme stops those after it."""
_ROWS = pytest.StashKey[list[ResultRow]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the bench; only ``--station`` makes procedures run."""
    group = parser.getgroup("meterbench", "water meter test bench")
    group.addoption("--station", metavar="FILE", type=Path, help="station file; without it procedures are skipped")
    group.addoption("--out", metavar="DIR", type=Path, help="folder of the run (default: runs/<time>_<programme>)")
    group.addoption("--resume", metavar="DIR", type=Path, help="go on with the interrupted run in this folder")
    group.addoption("--meter", metavar="DESIGNATION", help="simulated stations: put meters of this kind in the line")
    group.addoption("--meters", metavar="N", type=int, help="simulated stations: that many meters in the line")
    group.addoption("--seed", metavar="N", type=int, help="simulated stations: seed of everything random")
    group.addoption("--only", metavar="CLAUSE", help="only what carries out this clause, as 7.4 or 10")
    group.addoption("--flow-trace", metavar="CSV", type=Path, help="draw-profile: recorded flow trace")
    group.addoption("--lab", metavar="JSON", type=Path, help="the laboratory that `meterbench lab --json` serves")
    group.addoption("--record", action="store_true", help="keep every exchange of every wire in the run's folder")
    group.addoption("--replay", metavar="RUN", type=Path, help="a recorded run takes the station's place")
    group.addoption("--compare", action="store_true", help="a reference meter lives beside each meter in the line")
    group.addoption("--flow-unit", metavar="UNIT", default="L/h", help="draw-profile: unit of the trace's flow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """``--only CLAUSE``: keep what carries out that clause or a part of it."""
    only = config.getoption("--only")
    if only is None:
        return
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        clauses = [str(marker.args[0]) for marker in item.iter_markers("clause")]
        selected = any(clause == only or clause.startswith(f"{only}.") for clause in clauses)
        (kept if selected else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let other rooms take part in a run."""
    pluginmanager.add_hookspecs(pytest_hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a station that cannot be, once and early; declare the markers wherever procedures are collected from."""
    try:
        config.stash[_STATION], config.stash[_WIRES] = _load_station(config)
        config.stash[_STANDING] = _standing(config, config.stash[_STATION])
        _refuse_workers(config)
    except BenchError as error:
        raise pytest.UsageError(str(error)) from None
    config.addinivalue_line("markers", "clause(number): the clause of ISO 4064-2 that the test carries out")
    config.addinivalue_line("markers", "requirement(id): the requirement (ADR-nnn) that the test exercises")


def _load_station(config: pytest.Config) -> tuple[StationFile | None, Wires]:
    """The station that the options ask for, or None without one, and what answers; ``BenchError`` if it cannot be."""
    path: Path | None = config.getoption("--station")
    line = [config.getoption(option) for option in ("--meter", "--meters", "--seed")]
    lab, replay, record = config.getoption("--lab"), config.getoption("--replay"), config.getoption("--record")
    if replay is not None and (lab or record or config.getoption("--resume")):
        raise ConfigError("--replay plays a recorded run from its beginning; not with --lab, --record or --resume")
    if lab is not None and config.getoption("--station") is None:
        raise ConfigError("--lab takes the place of a laboratory: name its station file with --station")
    if record and config.getoption("--resume"):
        raise ConfigError("--record keeps a run from its beginning; it does not go with --resume")
    if replay is not None:
        if path is not None or any(given is not None for given in line):
            raise ConfigError(
                "--replay brings the station of the recorded run; leave --station, --meter, --meters and --seed away"
            )
        recorded = load_replay(replay)
        return station_of(recorded), Wires(replay=recorded)
    if path is None:
        return None, Wires()
    station = load(path).with_line(*line)
    return station, Wires(served=None if lab is None else load_lab(lab, path, station))


def _refuse_workers(config: pytest.Config) -> None:
    """Several workers of pytest-xdist: each simulates a station of its own; a real one is there once."""
    station, wires = config.stash[_STATION], config.stash[_WIRES]
    if station is None or not getattr(config, "workerinput", None):
        return
    if station.virtual is None or wires.served is not None or config.getoption("--resume") or wires.replay is not None:
        raise ConfigError(
            "-n: workers of pytest-xdist take simulated stations, each one of its own, from the beginning; a real or "
            "served station, --resume and --replay take one process"
        )


def _standing(config: pytest.Config, station: StationFile | None) -> Standing:
    path = config.getoption("--station")
    return Standing() if station is None or path is None else Standing.of(station, path, config.getoption("--lab"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a meter in the line, for tests that rest on a programme; others may call what they like ``meter``."""
    if "meter" not in metafunc.fixturenames or not {"run_programme", "open_programme"} & set(metafunc.fixturenames):
        return
    station = metafunc.config.stash[_STATION]
    batch = station.batch() if station else []
    metafunc.parametrize("meter", batch, ids=[f"{each.serial} {each.designation}" for each in batch])


class Campaign:
    """A programme that is carried out part by part on an open station, as its tests ask for it; one record."""

    def __init__(self, run: Run, bench: Bench, opened: contextlib.ExitStack) -> None:
        self.run = run
        self.bench = bench
        self._opened = opened
        self._done: set[str] = set()
        self._broken: BaseException | None = None

    def carry_out(self, part: str, procedure: Procedure) -> None:
        """Carry ``part`` out, once. What it raises ends the campaign: the station is made safe, the record closed, and
        every part after it is ``InvalidResult``."""
        if self._broken is not None:
            raise InvalidResult(f"{part} was not carried out: the run was broken off: {self._broken}")
        if part in self._done:
            return
        try:
            procedure(self.run, self.bench)
        except BaseException as error:
            self._broken = error
            with contextlib.suppress(type(error)):
                self._opened.__exit__(type(error), error, error.__traceback__)
            raise
        self._done.add(part)

    def finish(self, procedure: Procedure) -> None:
        """Draw the conclusions, make the station safe and close the record, unless that was done already."""
        if self._broken is None:
            self.carry_out("the conclusion", procedure)
            self._opened.close()

    def assert_clause(self, clause: str, serial: str) -> None:
        """As ``Outcome.assert_meter`` of one meter in one clause."""
        __tracebackhide__ = True
        verdict = self.run.clauses.get((clause, serial), Verdict.NOT_RUN)
        reasons = self.run.clause_reasons.get((clause, serial), ())
        sentence = f"{clause}, meter {serial}: {verdict}" + (f": {'; '.join(reasons)}" if reasons else "")
        if verdict is Verdict.FAIL:
            raise AssertionError(sentence)
        if verdict is not Verdict.PASS:
            raise InvalidResult(sentence)


@pytest.fixture(scope="module")
def open_programme(request: pytest.FixtureRequest) -> Callable[[Programme], Campaign]:
    """Opens the station of ``--station`` for a programme that tests carry out part by part; skips without a station."""
    config = request.config

    def open_it(programme: Programme) -> Campaign:
        opened = contextlib.ExitStack()
        run, bench, _ = opened.enter_context(_session(config, programme))
        return Campaign(run, bench, opened)

    return open_it


@pytest.fixture(scope="module")
def run_programme(request: pytest.FixtureRequest) -> Callable[[Programme, Procedure], Outcome]:
    """Runs a procedure on the station of ``--station`` and gives back what it recorded; skips without a station."""
    config = request.config

    def run_it(programme: Programme, procedure: Procedure) -> Outcome:
        with _session(config, programme) as (run, bench, verdicts):
            procedure(run, bench)
        return Outcome(run.folder, tuple(run.rows), verdicts, run.verdict)

    return run_it


@contextlib.contextmanager
def _session(
    config: pytest.Config, programme: Programme
) -> Generator[tuple[Run, Bench, dict[str, tuple[Verdict, tuple[str, ...]]]]]:
    """A session on the station of the options, with its hooks, and the meters' verdicts as they come."""
    station = config.stash[_STATION]
    if station is None:
        pytest.skip("no --station FILE: procedures need a station")
    resume: Path | None = config.getoption("--resume")
    folder = resume or _own_folder(config, config.getoption("--out") or default_folder(programme.name))
    hook = config.hook
    verdicts: dict[str, tuple[Verdict, tuple[str, ...]]] = {}

    def observe(kind: str, body: Any) -> None:
        hook.pytest_meterbench_line(kind=kind, body=body)

    def conclude(kind: str, body: Any) -> None:
        if kind == "meter_verdict":
            verdicts[body["meter"]] = Verdict[body["verdict"]], tuple(body["reasons"])

    standing = config.stash[_STANDING]
    standing.refuse()
    if resume is not None:
        _refuse_a_cut_record(resume)
    with StopSignals() as stop:
        try:
            with session(
                station,
                programme,
                folder,
                resume=resume is not None,
                observers=[observe, conclude],
                stop=stop,
                wires=_wires(config, programme, folder),
                standing=standing,
                compare=config.getoption("--compare"),
            ) as (run, bench):
                hook.pytest_meterbench_opened(folder=folder, clock=bench.clock)
                yield run, bench, verdicts
        finally:
            hook.pytest_meterbench_closed(folder=folder)


def _own_folder(config: pytest.Config, folder: Path) -> Path:
    """Of this process: several workers of pytest-xdist each have a station, and a record, of their own."""
    worker: str | None = getattr(config, "workerinput", {}).get("workerid")
    return folder if worker is None else folder / worker


def _wires(config: pytest.Config, programme: Programme, folder: Path) -> Wires:
    """For one programme; ``ConfigError`` if another one was recorded."""
    wires = config.stash[_WIRES]
    if wires.replay is not None and wires.replay.head["programme"] != programme.name:
        raise ConfigError(
            f"{wires.replay.path} recorded {wires.replay.head['programme']}; {programme.name} cannot be played from it"
        )
    if config.getoption("--record"):
        return replace(wires, record=folder / WIRE_FILE, programme=programme.name)
    return wires


def default_folder(programme: str) -> Path:
    """``runs/2026-11-22T07-02-11_initial-verification``, under the working directory."""
    return Path("runs") / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}_{programme}"


def _refuse_a_cut_record(folder: Path) -> None:
    """A journal whose last lines were cut off looks interrupted; the store remembers how the run ended."""
    from meterbench.bench.store import Store, store_url  # a database library: only who resumes waits for it

    store = Store(store_url(folder.resolve().parent))
    try:
        known = [run for run in store.runs() if run.name == folder.resolve().name and run.closed]
    finally:
        store.close()
    for run in known:
        if Verdict[run.verdict] in (Verdict.ABORTED, Verdict.ERROR):
            continue
        record = load_record(folder)
        if record.closed is None or record.closed["verdict"] != run.verdict:
            raise RecordError(
                f"{run.name} was closed with {run.verdict}, as the store knows: there is nothing to resume"
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Give the rows of the test's meter to JUnit, Allure and pytest-html, whatever the test concludes from them."""
    try:
        return (yield)
    finally:
        arguments = getattr(item, "funcargs", {})
        meter, rows = arguments.get("meter"), _rows_behind(item, arguments.values())
        if rows is not None and isinstance(meter, Nameplate):
            rows = [row for row in rows if row.meter == meter.serial]
            item.user_properties += [(row_name(row), repr(row.value)) for row in rows]
            item.stash[_ROWS] = rows
            _show_in_allure(meter, rows)


def _rows_behind(item: pytest.Item, arguments: Iterable[object]) -> Sequence[ResultRow] | None:
    """The rows that a test concludes from: of the whole run, or of its clauses in a campaign."""
    for value in arguments:
        if isinstance(value, Outcome):
            return value.rows
        if isinstance(value, Campaign):
            clauses = {str(marker.args[0]) for marker in item.iter_markers("clause")}
            return [row for row in value.run.rows if row.clause in clauses]
    return None


def row_name(row: ResultRow) -> str:
    """A row's name in the views that list values: ``Q1 error_of_indication (attempt 2)``."""
    attempt = f" (attempt {row.attempt})" if row.attempt > 1 else ""
    repeat = f" (repeat {row.repeat})" if row.repeat > 1 else ""
    return " ".join(part for part in (row.condition, row.flow_point, row.quantity) if part) + repeat + attempt


def _show_in_allure(meter: Nameplate, rows: Sequence[ResultRow]) -> None:
    import allure

    allure.dynamic.parameter("serial", meter.serial)
    allure.dynamic.parameter("rating", str(meter.rating))
    for row in rows:
        with allure.step(
            f"{row_name(row)}: {row.value_text} {row.unit} (U {row.uncertainty_text} {row.unit}, "
            f"limits {row.limits_text} {row.unit}): {row.verdict}"
        ):
            allure.attach(
                json.dumps({name: getattr(row, name) for name in ResultRow.__dataclass_fields__}, indent=1),
                name=row_name(row),
                attachment_type=allure.attachment_type.JSON,
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the rows in pytest-html, below the test that they belong to."""
    report = yield
    if report.when == "call" and _ROWS in item.stash:
        report.sections.append(("results", "\n".join(_line(row) for row in item.stash[_ROWS])))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: pytest.TestReport, cells: list[str]) -> None:
    """pytest-html takes the name of a test for HTML: a serial number in it would be read as tags."""
    cells[:] = [cell.replace(report.nodeid, escape(report.nodeid)) for cell in cells]


def _line(row: ResultRow) -> str:
    return f"{row_name(row)} = {row.value!r} {row.unit}, U = {row.expanded_uncertainty!r}, {row.verdict}"
