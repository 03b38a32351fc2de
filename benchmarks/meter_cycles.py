"""Measuring cycles per second of the reference meter at transit fidelity on one core, beside the floor of its draws.

    python benchmarks/meter_cycles.py

No meter can be faster than its random numbers: the floor is what drawing one normal number a cycle takes alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.sensor import LARGEST_BLOCK
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.variants import rating
from meterbench.world.segment import Segment

CYCLES = 4_000_000
REPEATS = 3


def best_rate_per_s(work: Callable[[], None]) -> float:
    """Cycles per second of the fastest of ``REPEATS`` goes."""
    durations_s = []
    for _ in range(REPEATS):
        start_s = time.perf_counter()
        work()
        durations_s.append(time.perf_counter() - start_s)
    return CYCLES / min(durations_s)


def draw_only() -> None:
    """Draw one normal number a cycle, and nothing else."""
    rng = np.random.Generator(np.random.SFC64(1))
    block = np.empty(LARGEST_BLOCK)
    for _ in range(CYCLES // LARGEST_BLOCK):
        rng.standard_normal(out=block)


def run(meter: ReferenceMeter, flow_l_h: float, segment_s: float, count: int) -> Callable[[], None]:
    """A piece of work: ``count`` segments of this flow, one after the other."""
    clock = iter(range(10**9))

    def work() -> None:
        for _ in range(count):
            meter.advance(Segment(next(clock) * segment_s, segment_s, flow_l_h, 20.0, 0.5))

    return work


def main() -> None:
    """Print the rates."""
    designation = Designation.parse("ADR15-1-1")
    nameplate = Nameplate("10000001", designation, rating(designation, 2.5, 1600))
    print(f"floor (one normal draw a cycle)      {best_rate_per_s(draw_only) / 1e6:8.1f} million/s")
    for name, flow_l_h in (
        ("no flow", 0.0),
        ("Q1", nameplate.rating.q1_l_h),
        ("Q2", nameplate.rating.q2_l_h),
        ("20 L/h", 20.0),
        ("Q3", nameplate.rating.q3_l_h),
    ):
        meter = ReferenceMeter(nameplate, seed=1, fidelity=Fidelity.TRANSIT)
        rate_per_s = best_rate_per_s(run(meter, flow_l_h, CYCLES / 8, 1))
        print(f"transit fidelity, {name:<18} {rate_per_s / 1e6:8.1f} million/s")
    meter = ReferenceMeter(nameplate, seed=1)
    rate_per_s = best_rate_per_s(run(meter, nameplate.rating.q3_l_h, CYCLES / 8, 1))
    print(f"closed form, {CYCLES / 8 / 3600:.0f} h in one segment      {CYCLES / rate_per_s * 1e6:8.0f} us")
    meter = ReferenceMeter(nameplate, seed=1)
    count = 5_000
    scan_s = CYCLES / best_rate_per_s(run(meter, nameplate.rating.q3_l_h, 0.1, count)) / count
    print(f"one segment of 0.1 s                 {scan_s * 1e6:8.1f} us")


if __name__ == "__main__":
    main()
