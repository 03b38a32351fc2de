"""``meterbench run``: a pytest session with the programme's selection, our plugin, and progress for people."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

import meterbench.procedures
from meterbench.bench.broken import Standing
from meterbench.bench.journal import FILE_NAME
from meterbench.bench.pytest_plugin import default_folder
from meterbench.bench.record import RunRecord, load
from meterbench.bench.replay import load as load_replay
from meterbench.bench.replay import station_of
from meterbench.bench.served_lab import load as load_lab
from meterbench.bench.signals import StopSignals
from meterbench.bench.station import load as load_station
from meterbench.bench.verdict import EXIT_STATUS, Verdict
from meterbench.bench.wire_record import FILE_NAME as WIRE_FILE
from meterbench.errors import Cancelled, ConfigError, RecordError
from meterbench.procedures import edition, functional, type_evaluation
from meterbench.procedures.flow_trace import read_trace
from meterbench.progress import Progress
from meterbench.tables import print_summary, terminal

CLAUSES = {
    "initial-verification": ("10",),
    "draw-profile": (),
    "type-approval": tuple(test.clause for test in type_evaluation.suite(edition.load()).tests),
    "functional": tuple(test.clause for test in functional.suite().tests),
}
"""What ``--only`` can select."""
USUAL_FLOW_UNIT = "L/h"


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    programme: str
    module: str
    station: Path
    meters: int | None
    meter: str | None
    only: str | None
    seed: int | None
    out: Path | None
    resume: Path | None
    trace: Path | None
    flow_unit: str | None
    """None: ``USUAL_FLOW_UNIT``."""
    lab: Path | None
    """What ``meterbench lab --json`` printed."""
    record: bool
    """Keep all wires."""
    replay: Path | None
    """A recorded run, by folder or name, or its file of the wires; ``station`` is not used then."""
    compare: bool
    """A reference meter lives beside each meter in the line."""
    as_json: bool


def execute(request: Request) -> int:
    """Run it; the exit status."""
    _refuse_early(request)
    folder = request.resume or request.out or default_folder(request.programme)
    if request.resume is None and (folder / FILE_NAME).exists():
        raise ConfigError(f"{folder} holds the record of a run already; choose another --out, or --resume it")
    if request.record and (folder / WIRE_FILE).exists():
        raise ConfigError(f"{folder} holds a recording already ({WIRE_FILE}); choose another --out")
    if request.resume is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {folder}: no folder can be made there: {error.strerror}") from error
    console = terminal(stderr=request.as_json)
    progress = Progress(console, by_clause=len(CLAUSES[request.programme]) > 1)
    with StopSignals() as stop, progress:
        progress.on_closed = stop.finish
        try:
            pytest.main(_arguments(request, folder), plugins=[progress])
        except Cancelled:
            pass  # before there was a station to stop: ``stop`` knows the reason
        except OSError as error:
            progress.view_error = str(error)
    if stop.reason and not progress.closed:
        print(f"meterbench: {stop.reason} before the station was open: nothing was started", file=sys.stderr)
        return EXIT_STATUS[Verdict.ABORTED]
    if progress.view_error:
        # A view (JUnit, Allure, pytest-html) that cannot be made harms neither the record nor its verdict.
        print(f"meterbench: not all reports could be written: {progress.view_error}", file=sys.stderr)
    if not progress.closed:
        # Whatever the folder holds is the record of another session: its verdict is not this one's.
        raise progress.first_error or RecordError(f"{request.programme} ended without a closed record in {folder}")
    record = load(folder)
    status = EXIT_STATUS[record.verdict]
    if isinstance(progress.first_error, RecordError) and record.verdict is not Verdict.ERROR:
        # What was lost after the record was closed, as the last of the recorded wires, is no part of it.
        print(f"meterbench: {progress.first_error}", file=sys.stderr)
        status = EXIT_STATUS[Verdict.ERROR]
    if request.as_json:
        print(json.dumps(_outcome(record), indent=1))
        return status
    print_summary(record, console)
    for reason in record.closed["reasons"] if record.closed else []:
        console.print(f"meterbench: {reason}", style="bold", soft_wrap=True)
    if (folder / "report.html").exists():
        console.print(f"Report:  {folder / 'report.html'}", soft_wrap=True)
    console.print(f"Record:  {folder / FILE_NAME}", soft_wrap=True)
    return status


def _outcome(record: RunRecord) -> dict[str, Any]:
    """What a program wants to know of a run that has ended."""
    return {
        "run": record.name,
        "folder": str(record.folder),
        "verdict": record.verdict.name,
        "exit_status": EXIT_STATUS[record.verdict],
        "reasons": record.closed["reasons"] if record.closed else [],
        "meters": [asdict(conclusion) for conclusion in record.meter_verdicts],
        "report": str(record.folder / "report.html"),
    }


def _refuse_early(request: Request) -> None:
    """Everything that can be refused in one sentence before anything is started or written."""
    if request.replay is not None and (request.lab or request.record or request.resume):
        raise ConfigError("--replay plays a recorded run from its beginning; not with --lab, --record or --resume")
    if request.record and request.resume is not None:
        raise ConfigError("--record keeps the wires of a run from its beginning; it does not go with --resume")
    if request.resume is not None and request.out is not None:
        raise ConfigError(f"--out {request.out}: a run that is resumed stays in its folder; leave --out away")
    if request.replay is not None:
        recorded = load_replay(request.replay)
        if recorded.head["programme"] != request.programme:
            raise ConfigError(
                f"{recorded.path} recorded {recorded.head['programme']}; {request.programme} cannot be played from it"
            )
        station_of(recorded)
    else:
        station = load_station(request.station).with_line(request.meter, request.meters, request.seed)
        if request.lab is not None:
            load_lab(request.lab, request.station, station)
        Standing.of(station, request.station, request.lab).refuse()
    clauses = CLAUSES[request.programme]
    if request.only is not None and not any(f"{clause}.".startswith(f"{request.only}.") for clause in clauses):
        raise ConfigError(
            f"--only {request.only}: {request.programme} carries out clause {', '.join(clauses) or '(none)'}"
        )
    if request.programme == "draw-profile":
        if request.trace is None:
            raise ConfigError("draw-profile plays a recorded trace: name it with --trace CSV (and its --flow-unit)")
        read_trace(request.trace, request.flow_unit or USUAL_FLOW_UNIT)
    else:
        for option, given in (("--trace", request.trace), ("--flow-unit", request.flow_unit)):
            if given is not None:
                raise ConfigError(f"{option} {given}: {request.programme} plays no trace; only draw-profile does")


def _arguments(request: Request, folder: Path) -> list[str]:
    procedures = Path(meterbench.procedures.__file__).parent
    arguments = [
        str(procedures / request.module),
        "-c",
        os.devnull,
        f"--rootdir={procedures}",
        "--import-mode=importlib",
        "--capture=no",
        "-p",
        "no:terminal",
        "-p",
        "no:cacheprovider",
        f"--html={folder / 'pytest.html'}",
        "--self-contained-html",
        f"--alluredir={folder / 'allure-results'}",
        f"--junitxml={folder / 'junit.xml'}",
        f"--flow-unit={request.flow_unit or USUAL_FLOW_UNIT}",
    ]
    arguments.append(f"--replay={request.replay}" if request.replay else f"--station={request.station}")
    arguments.append(f"--resume={request.resume}" if request.resume else f"--out={folder}")
    arguments += ["--record"] if request.record else []
    arguments += ["--compare"] if request.compare else []
    for option, value in (
        ("--lab", request.lab),
        ("--meter", request.meter),
        ("--meters", request.meters),
        ("--seed", request.seed),
        ("--only", request.only),
        ("--flow-trace", request.trace),
    ):
        if value is not None:
            arguments.append(f"{option}={value}")
    return arguments
