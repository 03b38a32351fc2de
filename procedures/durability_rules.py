"""What ISO 4064-2, 7.11 asks of the water that wears the meters, as pure functions. What violates it is INVALID."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from meterbench.bench.record import Condition
from meterbench.instruments.capabilities import CyclePlan

Array = NDArray[np.float64]
Window = tuple[float, float]
PHASES = ("rise_s", "on_s", "fall_s", "off_s")


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What may deviate by how much in the course of the cycles (7.11.2)."""

    clause: str
    flow_percent: float
    phase_percent: float
    total_time_percent: float
    volume_percent: float
    cycles_over_percent: float
    """So many cycles more than asked for are allowed."""
    water_temp_c: Window
    outlet_kpa: float
    """At least, after the last meter, while the water runs."""


def ramp_s(q3_l_h: float, s_per_m3_h: float, shortest_s: float) -> float:
    """7.11.2: how long the flow takes to rise, and to fall: in proportion to the number of Q3 in m3/h, with a least."""
    return max(shortest_s, s_per_m3_h * q3_l_h / 1000.0)


def chunk(log_depth: int, period_s: float, longest_s: float) -> int:
    """How many cycles are waited for at a time: half of what the log holds, so that none is lost if the bench comes
    late; and no more than end in ``longest_s``. At least one."""
    return max(1, min(log_depth // 2, math.floor(longest_s / period_s)))


def due_volume_l(plan: CyclePlan, cycles: int) -> float:
    """7.11.2: half of the flow times the theoretical time, ramps and pauses included."""
    return 0.5 * plan.flow_l_h * cycles * plan.period_s / 3600.0


def listed(numbers: Sequence[int]) -> str:
    """``17, 20 to 25``, of rising numbers; of many stretches the first ten."""
    stretches: list[tuple[int, int]] = []
    for number in numbers:
        if stretches and number == stretches[-1][1] + 1:
            stretches[-1] = stretches[-1][0], number
        else:
            stretches.append((number, number))
    texts = [f"{first}" if first == last else f"{first} to {last}" for first, last in stretches[:10]]
    return ", ".join(texts) + (" and more" if len(stretches) > len(texts) else "")


def each_cycle(cycles: Mapping[str, Array], plan: CyclePlan, allowed: Tolerances) -> list[Condition]:
    """What every single cycle has to keep; the notes name those that did not."""
    flow, phase = allowed.flow_percent / 100.0, allowed.phase_percent / 100.0
    return [
        _each(cycles, "flow_l_h", "flow while it was on", "L/h", _around(plan.flow_l_h, flow), allowed.clause),
        *(
            _each(cycles, name, f"{name.removesuffix('_s')} time", "s", _around(getattr(plan, name), phase),
                  allowed.clause)
            for name in PHASES
        ),
        _each(cycles, "water_temp_c", "water temperature", "°C", allowed.water_temp_c, allowed.clause),
        _each(cycles, "pressure_downstream_kpa", "outlet pressure", "kPa", (allowed.outlet_kpa, None), allowed.clause),
    ]  # fmt: skip


def all_cycles(cycles: Mapping[str, Array], plan: CyclePlan, allowed: Tolerances) -> list[Condition]:
    """What all cycles together have to keep: their number, their time, and the volume that they discharged."""
    clause, count = allowed.clause, len(cycles["number"])
    most = math.floor(plan.cycles * (1.0 + allowed.cycles_over_percent / 100.0))
    took_s = math.fsum(float(cycles[name].sum()) for name in PHASES)
    time_s = _around(plan.cycles * plan.period_s, allowed.total_time_percent / 100.0)
    volume_l = _around(due_volume_l(plan, plan.cycles), allowed.volume_percent / 100.0)
    return [
        window("number of cycles", "", (count, count), (plan.cycles, most), clause, "by the log of the cycles"),
        window("total time", "s", (took_s, took_s), time_s, clause, "all phases of all cycles"),
        window("discharged volume", "L", (float(cycles["volume_l"].sum()),) * 2, volume_l, clause,
               "half of the flow times the theoretical time"),
    ]  # fmt: skip


def window(
    quantity: str,
    unit: str,
    seen: tuple[float, float],
    limits: tuple[float | None, float | None],
    clause: str,
    note: str,
) -> Condition:
    """A condition; what was not seen, or is no number, does not meet it."""
    lowest, highest = seen
    lower, upper = limits
    met = math.isfinite(lowest) and math.isfinite(highest)
    met = met and (lower is None or lowest >= lower) and (upper is None or highest <= upper)
    known = [number if math.isfinite(number) else None for number in seen]
    return Condition("", quantity, unit, known[0], known[1], lower, upper, met, clause, note)


def _each(
    cycles: Mapping[str, Array],
    name: str,
    quantity: str,
    unit: str,
    limits: tuple[float, float | None],
    clause: str,
) -> Condition:
    values, (lower, upper) = cycles[name], limits
    inside = (values >= lower) & (values <= (math.inf if upper is None else upper))  # False for NaN
    wrong = cycles["number"][~inside].astype(np.int64).tolist()
    seen = (float(values.min()), float(values.max())) if len(values) else (math.nan, math.nan)
    found = window(quantity, unit, seen, limits, clause, "each cycle")
    return replace(found, note=f"not in cycle {listed(wrong)}") if wrong else found


def _around(nominal: float, part: float) -> Window:
    return nominal * (1.0 - part), nominal * (1.0 + part)
