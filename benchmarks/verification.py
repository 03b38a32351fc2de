"""How fast the virtual station lives: simulated seconds per wall second of an initial verification of four meters.

    python benchmarks/verification.py [--json]

Once inside this process (session and procedure, from opening to safe state), and once as a person starts it: the
command in a process of its own, with its reports. Beside it ten minutes of recorded draws, whose flow changes every
second: the station is hardly ever steady then. Last, what waiting costs where nothing moves.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from common.figures import Figure, main_of
from common.timing import duration_s

from meterbench.bench.bench import Bench
from meterbench.bench.run import Run
from meterbench.bench.session import Programme, session
from meterbench.bench.station import load as load_station
from meterbench.cli import default_station
from meterbench.procedures import edition
from meterbench.procedures.draw_profile import draw_profile
from meterbench.procedures.flow_trace import Draw, Stretch
from meterbench.procedures.initial_verification import initial_verification

REPEATS = 3
DRAWS = 6
DRAW_S = 100
WAITS_S = {"an hour": 3600.0, "a day": 86_400.0, "an hour in steps of a minute": 60.0}


def synthetic_draws() -> list[Draw]:
    """Ten minutes of draws, 60 to 540 L/h, another flow every second."""
    return [
        Draw(tuple(Stretch(1.0, 300.0 + 240.0 * math.sin(0.3 * second + number)) for second in range(DRAW_S)))
        for number in range(DRAWS)
    ]


def in_process(name: str, procedure: Callable[[Run, Bench], None]) -> tuple[float, float]:
    """Simulated seconds and wall seconds of one session; the meters are those of the virtual station."""
    station = load_station(default_station())
    with tempfile.TemporaryDirectory() as folder:
        start_s = time.perf_counter()
        with session(station, Programme(name, name, {}), Path(folder) / "run") as (run, bench):
            procedure(run, bench)
        return run.elapsed_s, time.perf_counter() - start_s


def waiting() -> list[Figure]:
    """Wall time of waits in a steady world, with everything that is looked at beside them."""
    figures = []
    with (
        tempfile.TemporaryDirectory() as folder,
        session(load_station(default_station()), Programme("waiting", "waiting", {}), Path(folder) / "run") as (
            _,
            bench,
        ),
    ):
        bench.clock.sleep(600.0)
        for name, sleep_s in WAITS_S.items():
            start_s = time.perf_counter()
            for _ in range(round(max(3600.0 / sleep_s, 1.0))):
                bench.clock.sleep(sleep_s)
            figures.append(Figure(f"waiting {name}, wall", 1e3 * (time.perf_counter() - start_s), "ms"))
    return figures


def as_command() -> float:
    """Wall seconds of what ``make run`` starts."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "meterbench", "run", "initial-verification", "--out", f"{folder}/run"]
        return duration_s(lambda: subprocess.run(command, check=True, capture_output=True))


def measure() -> list[Figure]:
    """The verification in this process and as a command, the draws, and waiting."""
    tables = edition.load()
    figures = []
    for name, title, procedure in (
        (
            "initial-verification",
            "verification of four meters",
            lambda run, bench: initial_verification(run, bench, tables),
        ),
        (
            "draw-profile",
            "ten minutes of draws",
            lambda run, bench: draw_profile(run, bench, tables, synthetic_draws()),
        ),
    ):
        goes = [in_process(name, procedure) for _ in range(REPEATS)]
        figures += [
            Figure(f"{title}, simulated", goes[0][0], "s"),
            Figure(f"{title}, wall", median(wall_s for _, wall_s in goes), "s"),
            Figure(f"{title}, speed", median(simulated_s / wall_s for simulated_s, wall_s in goes), "simulated s/s"),
        ]
    command_s = median(as_command() for _ in range(REPEATS))
    figures.append(Figure("meterbench run initial-verification, wall", command_s, "s", "at most 20"))
    return figures + waiting()


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "verification", measure)


if __name__ == "__main__":
    main()
