"""Water of another temperature for a test, and back to the reference afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from meterbench.procedures.trial import NotDone, Trial

LOOK_EVERY_S = 300.0
PART_OF_THE_WAY = 0.9
ARRIVED_K = 0.5
"""Of the target, before and after the meters, by the rig's own sensors; whether a window was kept, the probe tells."""
SOAK_S = 300.0
"""For pipes and meters to take the water's temperature; and for whatever else a deadline has to allow."""


def temper(trial: Trial, target_c: float) -> bool:
    """Bring the water at the meters to a temperature: it runs at the reference flow until it has come, and a while on.

    False if it has not come by a deadline that follows from the slowest rate at which a rig changes it: the conditions
    of whatever is measured then will tell.
    """
    bench, run = trial.bench, trial.run
    rate_k_s = trial.edition.plan("water_temp_k_h") / 3600.0
    bench.stop_flow()  # a test that broke off may have left water running in another line
    bench.rig.set_water_temp(target_c)
    bench.start_flow(trial.point("reference").target_l_h)
    start_s, first_k = bench.clock.now_s(), _gap_k(trial, target_c)
    end_s = start_s + SOAK_S + first_k / rate_k_s
    wait_s = LOOK_EVERY_S
    while not (arrived := _gap_k(trial, target_c) <= ARRIVED_K) and bench.clock.now_s() < end_s:
        bench.clock.sleep(wait_s)
        left_k = _gap_k(trial, target_c)
        seen_k_s = (first_k - left_k) / (bench.clock.now_s() - start_s)
        left_s = end_s - bench.clock.now_s()
        # One long wait for most of what is left, at the rate that was seen so far.
        wait_s = max(LOOK_EVERY_S, min(left_s, PART_OF_THE_WAY * left_k / seen_k_s)) if seen_k_s > 0.0 else LOOK_EVERY_S
    if arrived:
        bench.clock.sleep(SOAK_S)
    else:
        run.event("warning", f"the water is {_gap_k(trial, target_c):.1f} K away from {target_c:g} °C at the deadline")
    bench.stop_flow()
    return arrived


@contextlib.contextmanager
def other_water(trial: Trial) -> Iterator[None]:
    """Whatever is done to the water's temperature inside, it ends at the reference: also where the person at the bench
    could not do a part of the test. Anything else that breaks off ends the run, and the safe state the heating."""
    try:
        yield
    except NotDone:
        to_reference(trial)
        raise
    to_reference(trial)


def to_reference(trial: Trial) -> None:
    """The middle of the reference window."""
    temper(trial, sum(trial.reference_water_c) / 2.0)


def _gap_k(trial: Trial, target_c: float) -> float:
    """NaN, which is no arrival, where a sensor shows none."""
    status = trial.bench.watch.look()
    gaps = [abs(shown_c - target_c) for shown_c in (status.water_temp_upstream_c, status.water_temp_downstream_c)]
    return gaps[1] if gaps[1] > gaps[0] else gaps[0]
