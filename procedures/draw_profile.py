"""A recorded flow trace is played on the rig, and what the meters registered is compared with what was weighed.

Not a clause of ISO 4064: it shows how a meter follows real use (short draws, steep edges) at the bench.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meterbench.bench.bench import TANK_CAPACITY_L, TANK_USE, Bench
from meterbench.bench.collection import assign
from meterbench.bench.reference_volume import error_of_indication_percent
from meterbench.bench.run import Run
from meterbench.bench.uncertainty import error_budget
from meterbench.dut.meter import Nameplate
from meterbench.procedures import conditions
from meterbench.procedures.collecting import expanded, keep_readings, volume_conditions
from meterbench.procedures.edition import Edition
from meterbench.procedures.flow_trace import Draw
from meterbench.procedures.tightness import check_tightness

NAME = "draw-profile"
REQUIREMENT = "ADR-011"
PAUSE_S = 3.0
"""Between two draws: longer pauses of the trace are not waited for."""
SETPOINT_STEP = 0.02
"""The set-point is changed when the trace has moved by 2 %."""
PART_OVERHEAD_S = 60.0


def draw_profile(run: Run, bench: Bench, edition: Edition, draws: Sequence[Draw]) -> None:
    """Play the draws, weigh all of the water, and report volume, error and uncertainty of every meter.

    The tank takes some draws at a time (a part): standing start and finish, the diverter stays on the tank. A meter
    passes if its error is within the mean of the MPE of the zones that the water passed in, weighted by volume.
    """
    parts = split(draws, TANK_USE * TANK_CAPACITY_L * 0.9)
    run.plan(
        [(f"{NAME}/tightness", 45.0)]
        + [
            (step_name(number), PART_OVERHEAD_S + sum(draw.duration_s + PAUSE_S for draw in part))
            for number, part in enumerate(parts, start=1)
        ]
    )
    for reason in bench.uncalibrated():
        run.event("warning", f"{reason}: no result of this run can be PASS")
    leak_rate = check_tightness(run, bench, edition, NAME)
    for number, part in enumerate(parts, start=1):
        if not run.finished(step_name(number)):
            _play_part(run, bench, edition, number, part)
    _conclude(run, bench, edition, draws, len(parts), leak_rate)


def step_name(number: int) -> str:
    """The step of a part."""
    return f"{NAME}/part {number}"


def split(draws: Sequence[Draw], room_l: float) -> list[list[Draw]]:
    """Draws in groups that fit into the tank; a draw that alone is too large is cut between its stretches."""
    parts: list[list[Draw]] = [[]]
    filled_l = 0.0
    for draw in (piece for whole in draws for piece in _pieces(whole, room_l)):
        if parts[-1] and filled_l + draw.volume_l > room_l:
            parts.append([])
            filled_l = 0.0
        parts[-1].append(draw)
        filled_l += draw.volume_l
    return parts


def _pieces(draw: Draw, room_l: float) -> list[Draw]:
    if draw.volume_l <= room_l:
        return [draw]
    pieces: list[list[object]] = [[]]
    from meterbench.procedures.flow_trace import Stretch

    result: list[Draw] = []
    current: list[Stretch] = []
    filled_l = 0.0
    for stretch in draw.stretches:
        left_s = stretch.duration_s
        while left_s > 0.0:
            rate_l_s = stretch.flow_l_h / 3600.0
            fits_s = math.inf if rate_l_s == 0.0 else (room_l - filled_l) / rate_l_s
            step_s = min(left_s, fits_s)
            current.append(Stretch(step_s, stretch.flow_l_h))
            filled_l += step_s * rate_l_s
            left_s -= step_s
            if left_s > 0.0:
                result.append(Draw(tuple(current)))
                current, filled_l = [], 0.0
    del pieces
    return [*result, Draw(tuple(current))]
