"""Overhead of one step with one durable measurement, beside the floor of its disk and beside OpenHTF.

    python benchmarks/step_overhead.py [--json] [--folder DIR] [--openhtf-python FILE]

A step is ``Run.step`` with one ``Run.measure`` that passes; what it wrote is on the disk (fdatasync) before the next
one starts. The floor writes the same bytes and waits for the disk, nothing else. OpenHTF runs a test of as many plain
phases with one measurement in range each, and keeps its record in memory: it waits for no disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from common.figures import Figure, Report, options, show

from meterbench.bench.journal import FILE_NAME
from meterbench.bench.run import Run, Subject
from meterbench.world.clock import WallClock

ROOT = Path(__file__).resolve().parent.parent
STEPS = 1000
PHASES = 100
WARM_UP = 20
SUBJECT = Subject("benchmark", clause="7.4", requirement="ADR-011", meter="10000001", flow_point="Q3")


def one_step(run: Run, number: int) -> None:
    """What is measured."""
    with run.step(f"benchmark/step {number}"):
        run.measure(
            "error_of_indication",
            0.123456789 + number * 1e-6,
            "%",
            SUBJECT,
            expanded_uncertainty=0.061234567,
            uncertainty_limit=0.66,
            lower=-2.0,
            upper=2.0,
        )


def each_s(work: Callable[[int], object], count: int) -> list[float]:
    """Seconds of each of ``count`` calls, after a few that do not count."""
    durations_s = []
    for number in range(WARM_UP + count):
        start_s = time.perf_counter()
        work(number)
        durations_s.append(time.perf_counter() - start_s)
    return durations_s[WARM_UP:]


def steps_s(folder: Path) -> tuple[float, bytes]:
    """Median seconds of a step, and the bytes that one step wrote."""
    run = Run.open(folder, WallClock(), {"programme": "benchmark", "batch": []})
    took_s = median(each_s(lambda number: one_step(run, number), STEPS))
    run.close()
    lines = (folder / FILE_NAME).read_bytes().splitlines(keepends=True)
    return took_s, b"".join(lines[-4:-1])  # started, measurement, finished; the last line closes the run


def floor_s(folder: Path, written: bytes) -> float:
    """Median seconds of writing these bytes in one go and waiting for the disk."""
    descriptor = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)

    def write_and_wait(_number: int) -> None:
        os.write(descriptor, written)
        os.fdatasync(descriptor)

    try:
        return median(each_s(write_and_wait, STEPS))
    finally:
        os.close(descriptor)


def openhtf_phase_s(python: Path | None) -> tuple[str, float] | str:
    """OpenHTF's version and its seconds a phase; a sentence if it cannot be measured."""
    if python is None:
        python = Path(sys.executable) if find_spec("openhtf") else ROOT / ".venv-bench" / "bin" / "python"
    if not python.is_file():
        return "OpenHTF is not installed: make bench does it, or name an interpreter that has it (--openhtf-python)."
    peer = Path(__file__).resolve().parent / "peers" / "openhtf_phases.py"
    done = subprocess.run([str(python), str(peer), str(PHASES)], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"OpenHTF did not run: {(done.stderr.strip() or 'no message').splitlines()[-1]}"
    told = json.loads(done.stdout.splitlines()[-1])
    return told["version"], told["phase_s"]


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT, help="on the disk to measure (default: this checkout)")
    parser.add_argument("--openhtf-python", type=Path, help="interpreter that has OpenHTF (default: .venv-bench)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=".step-overhead-", dir=arguments.folder) as name:
        step_s, written = steps_s(Path(name) / "run")
        disk_s = floor_s(Path(name), written)
    figures = [
        Figure("one step with one durable measurement", 1e3 * step_s, "ms", "at most 0.1"),
        Figure(f"floor: write {len(written)} bytes and fdatasync", 1e3 * disk_s, "ms"),
        Figure("our own part of the step", 1e3 * (step_s - disk_s), "ms"),
    ]
    notes = []
    peer = openhtf_phase_s(arguments.openhtf_python)
    if isinstance(peer, str):
        notes.append(peer)
    else:
        version, phase_s = peer
        figures.append(Figure(f"OpenHTF {version}: one phase, not durable", 1e3 * phase_s, "ms"))
    show(Report("step_overhead", figures, notes), arguments.json)


if __name__ == "__main__":
    main()
