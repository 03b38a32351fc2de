"""The command ``meterbench``. Heavy parts are imported by the commands that need them, so that it starts fast."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, cast

import typer

from meterbench.errors import BenchError, Cancelled, ConfigError
from meterbench.output import Output, OutputLost

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Test bench for smart water meters in the manner of ISO 4064.\n\n"
    "First steps:  meterbench run initial-verification   runs on the simulated station and writes a report.\n\n"
    "Exit status: 0 all PASS; 1 at least one FAIL; 2 wrong usage or configuration; 3 INVALID or ERROR; "
    "130 stopped by the operator; 141 nobody reads the output any more.",
)

PROGRAMMES = {
    "initial-verification": "test_initial_verification.py",
    "draw-profile": "test_draw_profile.py",
    "type-approval": "test_type_approval.py",
    "functional": "test_functional.py",
}

StationOption = Annotated[
    Path | None, typer.Option("--station", metavar="FILE", help="Station file; default: the virtual station.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
LabOption = Annotated[
    Path | None,
    typer.Option(metavar="JSON", help="Use the laboratory that `meterbench lab --json` serves: the file of its line."),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name under ./runs.")]


@app.callback()
def _options(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False) -> None:
    global _debug
    _debug = debug


_debug = False


@app.command()
def run(
    context: typer.Context,
    programme: Annotated[str, typer.Argument(metavar="PROGRAMME", help=f"One of: {', '.join(PROGRAMMES)}.")],
    station: StationOption = None,
    meters: Annotated[int | None, typer.Option(min=1, max=30, help="Simulated: that many meters in the line.")] = None,
    meter: Annotated[
        str | None,
        typer.Option(metavar="DESIGNATION", help="Simulated: meters of this kind, with its largest Q3 and Q3/Q1."),
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="CLAUSE", help="Only this clause of the programme.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Simulated: seed of everything random.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the run's record and reports.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with an interrupted run.")] = None,
    trace: Annotated[Path | None, typer.Option(metavar="CSV", help="draw-profile: the recorded flow trace.")] = None,
    flow_unit: Annotated[
        str | None,
        typer.Option(help="draw-profile: unit of the trace's flow (L/h, mL/s, L/min).", show_default="L/h"),
    ] = None,
    lab: LabOption = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep every exchange of every instrument in the run's folder.")
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Play a recorded run: its wire.jsonl answers for station and instruments."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Run a reference meter beside each meter, and report where they differ.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Run a programme on a station and write the record, the report, JUnit and Allure results into the run's folder.

    Example:  meterbench run initial-verification --station stations/virtual.toml --seed 7
    """
    from meterbench.programme import Request, execute

    context.obj.carries_on = True  # a viewer who leaves, or a full disk behind a log, must not void what is measured
    if programme not in PROGRAMMES:
        raise ConfigError(f"there is no programme {programme!r}; available: {', '.join(PROGRAMMES)}")
    if replay is not None and any(given is not None for given in (station, meter, meters, seed)):
        raise ConfigError(
            "--replay brings the station of the recorded run; leave --station, --meter, --meters and --seed away"
        )
    request = Request(
        programme=programme,
        module=PROGRAMMES[programme],
        station=station or default_station(),
        meters=meters,
        meter=meter,
        only=only,
        seed=seed,
        out=out,
        resume=None if resume is None else find_run(resume),
        trace=trace,
        flow_unit=flow_unit,
        lab=lab,
        record=record,
        replay=replay,
        compare=compare,
        as_json=as_json,
    )
    return execute(request)


@app.command()
def lab(
    station: StationOption = None,
    speed: Annotated[float, typer.Option(metavar="TIMES", help="So many times as fast as wall time.")] = 1.0,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Serve the virtual laboratory on loopback, for this bench or for any other program, until Ctrl-C or SIGTERM.

    Every instrument answers as its real counterpart does: Modbus, SCPI, serial lines. A bench in another process uses
    it in the place of a real laboratory:

    meterbench lab --speed 20 --json > lab.json &

    meterbench run draw-profile --trace draws.csv --station stations/lab-dn20.toml --lab lab.json
    """
    from meterbench.lab_command import serve

    return serve(station or default_station(), speed, seed, as_json)


@app.command()
def meter(
    designation: Annotated[
        str | None, typer.Option(metavar="DESIGNATION", help="Kind of meter.", show_default="ADR15-1-1")
    ] = None,
    q3: Annotated[
        float | None, typer.Option(metavar="M3/H", help="Permanent flow rate.", show_default="its largest")
    ] = None,
    ratio: Annotated[int | None, typer.Option(metavar="R", help="Q3/Q1.", show_default="its largest")] = None,
    serial: Annotated[str | None, typer.Option(help="Serial number.", show_default="10000001")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.", show_default="1")] = None,
    flow: Annotated[
        float | None,
        typer.Option(metavar="L/H", help="Steady flow, 0 for still water.", show_default="a household's draws"),
    ] = None,
    water_temp: Annotated[float, typer.Option(metavar="DEGC", help="Temperature of the water.")] = 15.0,
    ambient_temp: Annotated[float, typer.Option(metavar="DEGC", help="Temperature around the meter.")] = 20.0,
    history: Annotated[
        float, typer.Option(metavar="HOURS", help="Live through so many hours first: the profiles are filled.")
    ] = 0.0,
    speed: Annotated[float, typer.Option(metavar="TIMES", help="So many times as fast as wall time.")] = 1.0,
    for_s: Annotated[
        float,
        typer.Option("--for", metavar="SECONDS", help="Stop after that time of the meter.", show_default="no end"),
    ] = float("inf"),
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its non-volatile memory: read if it is there, saved every minute."),
    ] = None,
    display: Annotated[bool, typer.Option("--display", help="Show its display.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write its display at the end, as .svg or .png.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Let one reference meter live alone: in wall time from now on, until Ctrl-C.

    Example:  meterbench meter --history 720 --display   a month of a household behind it, and its display

    Example:  meterbench meter --flow 2500 --for 0 --picture display.png   what it shows, as a picture

    With --state the same meter goes on where it was stopped. With --json one line tells who it is, and it lives until
    SIGTERM.
    """
    from meterbench.meter_command import Request, execute

    request = Request(
        designation=designation,
        q3_m3_h=q3,
        ratio=ratio,
        serial=serial,
        seed=seed,
        state=state,
        history_h=history,
        flow_l_h=flow,
        water_temp_c=water_temp,
        ambient_temp_c=ambient_temp,
        speed=speed,
        for_s=for_s,
        display=display,
        picture=picture,
        as_json=as_json,
    )
    return execute(request)


@app.command()
def check(station: StationOption = None, lab: LabOption = None, as_json: JsonOption = False) -> int:
    """Open every instrument of a station, and show who answers, what certificates are worth, and what it can measure.

    Nothing moves. Exit status 3 if there is a procedure that could give no PASS there today; the reasons are told.
    """
    from meterbench.bench.broken import Standing
    from meterbench.bench.opening import Wires, open_station
    from meterbench.bench.served_lab import load as load_lab
    from meterbench.bench.station import load
    from meterbench.procedures import edition
    from meterbench.station_check import check_station
    from meterbench.tables import print_check

    path = station or default_station()
    loaded = load(path)
    wires = Wires(served=None if lab is None else load_lab(lab, path, loaded))
    with Standing.of(loaded, path, lab).used(), open_station(loaded, wires) as bench:
        found = check_station(bench, edition.load())
    if as_json:
        print(json.dumps(found.document, indent=1))
    else:
        print_check(str(path), found)
    for sentence in (*found.warnings, *found.reasons):
        print(f"meterbench: {sentence}", file=sys.stderr)
    return 3 if found.reasons else 0


@app.command()
def clear(
    by: Annotated[str, typer.Option(metavar="NAME", help="Who clears the station.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What was found, and what was done about it.")],
    station: Annotated[Path, typer.Option(metavar="FILE", help="Its station file.")],
    lab: LabOption = None,
) -> int:
    """Clear a BROKEN station, after its cause was removed: reset the PLC's alarms, and look whether all is well.

    Example:  meterbench clear --station stations/lab-dn20.toml --by "R. Maier" --reason "hose 3 replaced, tray dry"
    """
    from meterbench.bench.clearance import clear as clear_station
    from meterbench.bench.signals import StopSignals

    with StopSignals() as stop:
        cleared = clear_station(station, by, reason, stop, lab)
    print(f"{station}: cleared by {by}; alarms reset: {', '.join(cleared.alarms) or 'none'}")
    print(f"It was BROKEN: {cleared.cause}" if cleared.cause else "It was not BROKEN.")
    return 0


@app.command()
def runs(
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Folder that holds the runs.")] = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """List the runs in the store, newest first."""
    from meterbench.bench.store import Store, store_url
    from meterbench.tables import print_runs

    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder} with runs; name it with --folder")
    store = Store(store_url(folder))
    found = store.runs()
    store.close()
    if as_json:
        print(json.dumps([asdict(each) for each in found], indent=1))
    else:
        print_runs(found)


@app.command()
def results(run_name: RunArgument, as_json: JsonOption = False) -> None:
    """Show the results of a run, one row a measured value, from its verified record."""
    from meterbench.bench.record import load
    from meterbench.tables import print_results

    record = load(find_run(run_name))
    if as_json:
        print(json.dumps([asdict(row) for row in record.rows], indent=1))
    else:
        print_results(record)


@app.command()
def report(run_name: RunArgument) -> None:
    """Write the run's reports (HTML and PDF) again from its record, and print where they are."""
    from meterbench.bench.record import load
    from meterbench.reports.write import write_reports

    folder = find_run(run_name)
    for path in write_reports(load(folder), folder):
        print(path)


@app.command()
def verify(run_name: RunArgument, as_json: JsonOption = False) -> None:
    """Check that no byte of a run's record and of its traces was changed, added or removed."""
    from meterbench.bench import traces
    from meterbench.bench.journal import read
    from meterbench.bench.record import load

    folder = find_run(run_name)
    lines = sum(1 for _ in read(folder))
    record = load(folder)
    traces.verify(folder, record.traces)
    if as_json:
        print(json.dumps({"lines": lines, "head_hash": record.head_hash, "closed": record.closed is not None}))
    else:
        state = "closed" if record.closed else "not closed: the run was cut off"
        print(f"{folder}: {lines} lines hold together; {state}; head {record.head_hash}")


def default_station() -> Path:
    """The virtual station of this checkout or installation."""
    beside = Path("stations/virtual.toml")
    if beside.is_file():
        return beside
    import meterbench

    return Path(meterbench.__file__).resolve().parent / "stations" / "virtual.toml"


def find_run(name: str) -> Path:
    """The folder of a run given by folder or by name; ``ConfigError`` if there is none."""
    for folder in (Path(name), Path("runs") / name):
        if (folder / "journal.jsonl").is_file():
            return folder
    raise ConfigError(f"there is no run {name!r}: no folder of that name, here or under ./runs, holds a journal.jsonl")


def main() -> None:
    """Entry point: errors in one sentence on standard error, and the exit status of the contract."""
    output = Output(sys.stdout, carries_on=False)
    sys.stdout, sys.stderr = output.text(), Output(sys.stderr, carries_on=True).text()
    logging.getLogger("pymodbus").addHandler(logging.NullHandler())  # what it logs is in our sentence, too
    status = _status(output)
    if output.fault and not isinstance(output.fault, BrokenPipeError):
        _complain(f"standard output cannot be written: {output.fault.strerror}; not all was told")
        status = 130 if status == 130 else 3
    sys.exit(status)


def _status(output: Output) -> int:
    """Do what the command line says; the exit status. 1 is a FAIL and nothing else."""
    try:
        status: int | None = app(standalone_mode=False, obj=output)
        sys.stdout.flush()
        return status or 0
    except typer.TyperException as refused:
        cast(typer.BadParameter, refused).show()  # like all that is refused in a command line
        return 2
    except OutputLost:
        return 141  # 128 + SIGPIPE, as a shell knows it of other programs
    except BenchError as error:
        _complain(str(error), error)
        return 2 if isinstance(error, ConfigError) else 3
    except (KeyboardInterrupt, Cancelled) as stopped:
        _complain(str(stopped) or "stopped")
        return 130
    except (SystemExit, typer.Abort) as made_up:
        # What typer makes of a BrokenPipeError and of an EOFError, with a status of 1.
        return _unforeseen(made_up.__context__ or made_up)
    except Exception as error:
        return _unforeseen(error)


def _unforeseen(error: BaseException) -> int:
    """Say what happened where, and what to do about it; the exit status."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    _complain(
        f"unexpected {type(error).__name__}: {error} ({place.filename}, line {place.lineno}); this is a fault of "
        "meterbench: please report it, with what is printed if --debug stands before the command",
        error,
    )
    return 3


def _complain(sentence: str, error: BaseException | None = None) -> None:
    """On standard error, below the traceback of ``error`` if that was asked for."""
    if _debug and error:
        traceback.print_exception(error)
    print(f"meterbench: {sentence}", file=sys.stderr)
