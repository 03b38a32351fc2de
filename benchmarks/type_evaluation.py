"""The whole type evaluation of three samples on the virtual station, test by test: wall seconds, and days at the bench.

    python benchmarks/type_evaluation.py [--json]

Aim: at most 120 s on two cores, from opening to safe state, without the reports. One run; every sample must pass.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from common.figures import Figure, main_of

from meterbench.bench.session import Programme, session
from meterbench.bench.station import load as load_station
from meterbench.bench.verdict import Verdict
from meterbench.cli import default_station
from meterbench.procedures import edition, type_evaluation

AIM = "at most 120 s"
SAMPLES = 3
DAY_S = 86_400.0


def measure() -> list[Figure]:
    """One figure a test, then the whole."""
    tables = edition.load()
    suite = type_evaluation.suite(tables)
    station = load_station(default_station()).with_line(None, SAMPLES, None)
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        start_s = time.perf_counter()
        programme = Programme(suite.name, suite.title, tables.header(suite.clause))
        with session(station, programme, Path(folder) / "run") as (run, bench):
            suite.begin(run, bench, suite.usual)
            for test in suite.tests:
                before_s = time.perf_counter()
                suite.carry_out(run, bench, test)
                figures.append(Figure(f"{test.clause} {test.title}", time.perf_counter() - before_s, "s"))
            suite.finish(run, bench)
        wall_s = time.perf_counter() - start_s
        if run.verdict is not Verdict.PASS:
            raise SystemExit(f"the samples are good, and the run is {run.verdict}: {run.folder}")
        figures.append(Figure("days at the bench", run.elapsed_s / DAY_S, "d"))
        figures.append(Figure(f"the whole, {SAMPLES} samples", wall_s, "s", AIM))
    return figures


if __name__ == "__main__":
    main_of(__doc__, "type evaluation", measure)
