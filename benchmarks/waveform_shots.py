"""Shots per second of the reference meter at waveform fidelity on one core, beside the floor of its noise.

    python benchmarks/waveform_shots.py [--json]

A shot is two captures of 320 samples, rendered, amplified, converted and timed. None can be faster than the 640 normal
numbers that are its noise.
"""

from __future__ import annotations

import numpy as np
from common.figures import Figure, main_of
from common.timing import best_call_s

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.front_end import NOMINAL_AMPLITUDE_V, Arrivals, FrontEnd, noise_v_for
from meterbench.dut.reference_meter.hardware.truth import SHOT_NOISE_PS
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.measuring.captures import CAPTURE_SAMPLES
from meterbench.dut.reference_meter.metrology.measuring.gain_control import next_gain_db
from meterbench.dut.reference_meter.metrology.measuring.receiver import Receiver, reference_burst
from meterbench.dut.variants import rating
from meterbench.world.segment import Segment

SHOTS = 8_192
BLOCKS = (64, 8)
"""Shots: eight seconds of measuring cycles, which the meter takes at once in clear water, and one second's."""
REPEATS = 7
STILL_S = 56.87e-6
WINDOW_START_S = 52.2e-6
"""DN15."""
GAIN_DB = 24.0


def arrivals(shots: int) -> Arrivals:
    """A block of DN15 at Q3 and 20 degC."""
    amplitude_v = np.full(shots, NOMINAL_AMPLITUDE_V)
    noise_v = noise_v_for(SHOT_NOISE_PS, NOMINAL_AMPLITUDE_V)
    return Arrivals(STILL_S + 219e-9, STILL_S - 219e-9, 20.0, amplitude_v, amplitude_v, noise_v)


def measure() -> list[Figure]:
    """The rates of whole shots and of their parts, by size of the block."""
    front_end = FrontEnd(WINDOW_START_S, np.random.Generator(np.random.SFC64(1)))
    receiver = Receiver(reference_burst(front_end.capture(arrivals(256), GAIN_DB), STILL_S))
    figures = []
    for shots in BLOCKS:
        came = arrivals(shots)
        taken = front_end.capture(came, GAIN_DB)

        def draw_only(shots: int = shots) -> None:
            front_end.rng.standard_normal((shots, 2, CAPTURE_SAMPLES), dtype=np.float32)

        def whole(came: Arrivals = came) -> None:
            captures = front_end.capture(came, GAIN_DB)
            receiver.receive(captures)
            next_gain_db(captures)

        for name, work, aim in (
            ("floor: 640 normal draws a shot", draw_only, ""),
            ("captured and received", whole, "at least 20 000"),
            ("captured only", lambda came=came: front_end.capture(came, GAIN_DB), ""),
            ("received only", lambda taken=taken: receiver.receive(taken), ""),
        ):
            took_s = best_call_s(work, SHOTS // shots, REPEATS)
            figures.append(Figure(f"blocks of {shots}, {name}", shots / took_s, "shots/s", aim))
    designation = Designation.parse("ADR15-1-1")
    nameplate = Nameplate("10000001", designation, rating(designation, 2.5, 1600))
    meter = ReferenceMeter(nameplate, seed=1, fidelity=Fidelity.WAVEFORM)
    seconds = iter(range(0, 10**9, SHOTS // 8))
    took_s = best_call_s(
        lambda: meter.advance(Segment(float(next(seconds)), SHOTS / 8.0, 2500.0, 20.0, 0.5)), 1, REPEATS
    )
    figures.append(Figure("the meter, from flow to registers", SHOTS / took_s, "shots/s", "at least 20 000"))
    return figures


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "waveform_shots", measure)


if __name__ == "__main__":
    main()
