"""OpenHTF's overhead of one phase: total of a test with N plain phases over N. Needs OpenHTF and nothing of ours.

    python benchmarks/peers/openhtf_phases.py N

The last line of standard output is JSON: version and seconds a phase (the best of three tests after a first one).
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import openhtf


def plain_phase(number: int) -> openhtf.PhaseDescriptor:
    """A phase that sets one measurement in range and does nothing else."""

    @openhtf.PhaseOptions(name=f"phase_{number}")
    @openhtf.measures(openhtf.Measurement("error_of_indication").in_range(-2.0, 2.0).with_units("%"))
    def phase(test: openhtf.TestApi) -> None:
        test.measurements.error_of_indication = 0.123456789

    return phase


def test_s(phases: int) -> float:
    """Seconds of one test with its default record in memory."""
    test = openhtf.Test(*[plain_phase(number) for number in range(phases)], test_name="phases")
    start_s = time.perf_counter()
    if not test.execute(test_start=lambda: "10000001"):
        raise SystemExit("the test did not pass")
    return time.perf_counter() - start_s


def main() -> None:
    """Measure and print."""
    phases = int(sys.argv[1])
    test_s(phases)
    phase_s = min(test_s(phases) for _ in range(3)) / phases
    print(json.dumps({"version": version("openhtf"), "phase_s": phase_s}))


if __name__ == "__main__":
    main()
