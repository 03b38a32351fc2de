"""Measuring cycles per second of the reference meter at transit fidelity on one core, beside the floor of its draws.

    python benchmarks/meter_cycles.py [--json]

No meter can be faster than its random numbers: the floor is what drawing one normal number a cycle takes alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from common.figures import Figure, main_of
from common.timing import best_call_s

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.sensor import LARGEST_BLOCK
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.variants import rating
from meterbench.world.segment import Segment

CYCLES = 4_000_000
CYCLES_PER_S = 8
"""ADR-014."""
REPEATS = 3
SCANS = 5_000
SCAN_S = 0.1


def draw_only() -> None:
    """Draw one normal number a cycle, and nothing else."""
    rng = np.random.Generator(np.random.SFC64(1))
    block = np.empty(LARGEST_BLOCK)
    for _ in range(CYCLES // LARGEST_BLOCK):
        rng.standard_normal(out=block)


def segments(meter: ReferenceMeter, flow_l_h: float, segment_s: float) -> Callable[[], None]:
    """A piece of work: the next segment of this flow."""
    number = iter(range(10**9))
    return lambda: meter.advance(Segment(next(number) * segment_s, segment_s, flow_l_h, 20.0, 0.5))


def measure() -> list[Figure]:
    """The rates at no flow and at four flows, and what single segments take."""
    designation = Designation.parse("ADR15-1-1")
    nameplate = Nameplate("10000001", designation, rating(designation, 2.5, 1600))
    long_s = CYCLES / CYCLES_PER_S

    floor_s = best_call_s(draw_only, 1, REPEATS)
    figures = [Figure("floor: one normal draw a cycle", CYCLES / floor_s / 1e6, "million/s")]
    for name, flow_l_h in (
        ("no flow", 0.0),
        ("Q1", nameplate.rating.q1_l_h),
        ("Q2", nameplate.rating.q2_l_h),
        ("20 L/h", 20.0),
        ("Q3", nameplate.rating.q3_l_h),
    ):
        meter = ReferenceMeter(nameplate, seed=1, fidelity=Fidelity.TRANSIT)
        took_s = best_call_s(segments(meter, flow_l_h, long_s), 1, REPEATS)
        figures.append(Figure(f"transit fidelity, {name}", CYCLES / took_s / 1e6, "million/s", "at least 10"))
    meter = ReferenceMeter(nameplate, seed=1)
    took_s = best_call_s(segments(meter, nameplate.rating.q3_l_h, long_s), 1, REPEATS)
    figures.append(Figure(f"closed form, {long_s / 3600:.0f} h in one segment", took_s * 1e6, "us"))
    meter = ReferenceMeter(nameplate, seed=1)
    took_s = best_call_s(segments(meter, nameplate.rating.q3_l_h, SCAN_S), SCANS, REPEATS)
    figures.append(Figure(f"one segment of {SCAN_S:g} s", took_s * 1e6, "us"))
    return figures


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "meter_cycles", measure)


if __name__ == "__main__":
    main()
