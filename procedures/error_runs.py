"""One collected volume at a flow point, and the error of indication of every meter in the line: what most tests do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from meterbench.bench.bench import TANK_CAPACITY_L, TANK_USE, Bench
from meterbench.bench.collection import Collected, MeterVolume, assign
from meterbench.bench.record import Condition, ResultRow
from meterbench.bench.run import Run, Subject
from meterbench.bench.uncertainty import error_budget
from meterbench.dut.meter import Nameplate
from meterbench.procedures import conditions, rules
from meterbench.procedures.collecting import (
    RESTS_ON,
    cross_checks,
    expanded,
    keep_readings,
    not_tight,
    volume_conditions,
)
from meterbench.procedures.edition import Edition, FlowPoint

STEADY_WITHIN = 0.01
STEADY_DEADLINE_S = 240.0
ROOM = 1.06
"""The tank must take the volume with the upper end of the window, and the diverter's delay."""
OVERHEAD_S = 90.0
"""Settling, weighing and draining around one collection, for the estimate of the time left."""
ERROR, FAULT = "error_of_indication", "fault"

Window = tuple[float, float]
LimitPercent = Callable[[FlowPoint, float, float, Nameplate], float]
"""Largest permissible error in per cent, from the flow point, the coldest water temperature that may have been at the
meter, its expanded uncertainty, and the meter."""


@dataclass(frozen=True, slots=True)
class Judging:
    """By what the errors of a procedure are judged."""

    procedure: str
    clause: str
    requirement: str
    uncertainty_part_of_mpe: float
    water_temp_c: Window
    """The water's temperature must be inside."""
    ambient_temp_c: Window | None = None
    """The air's around the rig, too; None: not asked for."""


@dataclass(frozen=True, slots=True)
class ErrorRun:
    """One collection."""

    judging: Judging
    point: FlowPoint
    meters: Sequence[Nameplate]
    """Of whom a result is wanted; all meters in the line are read."""
    condition: str = ""
    """Under what, for the rows."""
    repeat: int = 1
    attempt: int = 1
    provisional: bool = False
    """A rule will decide on these errors together with others."""
    inlet_kpa: Window | None = None
    """The inlet pressure must be inside; None: only as steady as always."""
    limit_percent: LimitPercent | None = None
    """None: the class's MPE."""
    intrinsic: Mapping[str, float] | None = None
    """By serial, the error without the disturbance: then the fault is judged, and the error itself only reported."""
    during: Callable[[], None] | None = None
    """What is done while the water is collected; it may sleep on the bench's clock, for ``during_s`` at the most."""
    during_s: float = 0.0
    surroundings: Callable[[], Sequence[Condition]] | None = None
    """What else must have held, asked once the water is collected: one that was not met makes the error INVALID."""

    @property
    def step(self) -> str:
        """``procedure/condition/point, run n``."""
        parts = [self.judging.procedure, self.condition, self.point.name]
        name = "/".join(part for part in parts if part)
        name += f", repeat {self.repeat}" if self.repeat > 1 else ""
        return name + (f", run {self.attempt}" if self.attempt > 1 else "")


def duration_s(edition: Edition, flow_l_h: float) -> float:
    """How long a flow is collected: a minimum time as far as the weighing tank takes it, and a minimum volume."""
    tank_s = math.floor(3600.0 * TANK_USE * TANK_CAPACITY_L / (ROOM * flow_l_h))
    wanted_s = min(max(edition.plan("shortest_s"), min(edition.plan("min_duration_s"), tank_s)), tank_s)
    return max(wanted_s, 3600.0 * edition.plan("min_volume_l") / flow_l_h)


def measure_errors(run: Run, bench: Bench, edition: Edition, wanted: ErrorRun, leak_kpa_min: float) -> None:
    """Regulate, wait until steady, collect, and record one error for each of the meters that are wanted.

    ``leak_kpa_min`` is what the last tightness test found. A step that is finished is not done again.
    """
    if run.finished(wanted.step):
        return
    point = wanted.point
    collect_s = max(duration_s(edition, point.target_l_h), wanted.during_s)
    with run.step(wanted.step):
        bench.make_room(point.target_l_h * collect_s / 3600.0 * ROOM)
        line = bench.start_flow(point.target_l_h)
        bench.wait_until_steady(line, point.target_l_h, STEADY_WITHIN, STEADY_DEADLINE_S)
        collected = bench.collect(line, collect_s, wanted.during)
        bench.stop_flow()
        volumes = assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
        keep_readings(run, bench, collected, volumes)
        seen = [*_conditions(bench, edition, wanted, collected, volumes),
                *cross_checks(bench, collected, volumes, leak_kpa_min),
                *(wanted.surroundings() if wanted.surroundings else ())]  # fmt: skip
        for condition in seen:
            run.condition(condition)
        procedure = wanted.judging.procedure
        invalid = [*bench.uncalibrated(RESTS_ON), *not_tight(run, procedure), *conditions.unmet(seen)]
        for volume in volumes:
            if volume.nameplate in wanted.meters:
                reasons = [*_uncounted(run, volume.nameplate), *invalid]
                _measure(run, bench, edition, wanted, collected, volume, leak_kpa_min, reasons)


def errors_of(
    run: Run, procedure: str, meter: Nameplate, point: str = "", condition: str | None = None
) -> list[ResultRow]:
    """The errors of a meter in a procedure, in the order in which they were measured; at a flow point, if one is given,
    and under one condition."""
    return [
        row
        for row in run.rows
        if row.quantity == ERROR
        and row.procedure == procedure
        and row.meter == meter.serial
        and (not point or row.flow_point == point)
        and (condition is None or row.condition == condition)
    ]


def last_errors(run: Run, procedure: str, meters: Sequence[Nameplate], condition: str) -> dict[str, float]:
    """By serial, the last valid error under a condition: what a fault is counted from. A meter without one is left
    out: its fault cannot be told, and is INVALID."""
    found: dict[str, float] = {}
    for meter in meters:
        rows = [row for row in errors_of(run, procedure, meter, condition=condition) if row.verdict != "INVALID"]
        if rows and rows[-1].value is not None:
            found[meter.serial] = rows[-1].value
    return found


def _conditions(
    bench: Bench, edition: Edition, wanted: ErrorRun, collected: Collected, volumes: Sequence[MeterVolume]
) -> list[Condition]:
    thermometer_u_k = expanded(bench, "thermometer", collected.probe_temp_c.mean)
    found = conditions.of_collection(
        edition, wanted.point, collected, volumes, thermometer_u_k, wanted.judging.water_temp_c,
        outlet=wanted.inlet_kpa is None,
    )  # fmt: skip
    if wanted.judging.ambient_temp_c is not None:
        found.append(conditions.ambient_temperature(edition, collected, wanted.judging.ambient_temp_c))
    if wanted.inlet_kpa is not None:
        found.append(conditions.inlet_pressure(collected, wanted.inlet_kpa, wanted.judging.clause))
    return found


def _uncounted(run: Run, meter: Nameplate) -> list[str]:
    """A meter that never gave a pulse cannot be told from a cable that carries none."""
    counts = [line["value"] for line in run.readings if (line["quantity"], line["meter"]) == ("pulses", meter.serial)]
    return [] if any(count > 0 for count in counts) else ["no test pulse was counted yet: check its head and cable"]


def _measure(
    run: Run,
    bench: Bench,
    edition: Edition,
    wanted: ErrorRun,
    collected: Collected,
    volume: MeterVolume,
    leak_kpa_min: float,
    invalid: Sequence[str],
) -> None:
    meter, point, judging = volume.nameplate, wanted.point, wanted.judging
    subject = Subject(
        judging.procedure, judging.clause, judging.requirement, meter.serial, point.name, wanted.condition,
        wanted.repeat, wanted.attempt,
    )  # fmt: skip
    thermometer_u_k = expanded(bench, "thermometer", volume.water_temp_c)
    # The rig's sensors, which have no certificate, tell how warm it is at the meter: they open no wider column.
    coldest_c = min(volume.water_temp_c, collected.probe_temp_c.lowest)
    mpe = edition.mpe_percent(point.zone, coldest_c, thermometer_u_k, meter.rating.accuracy_class)
    limit = wanted.limit_percent(point, coldest_c, thermometer_u_k, meter) if wanted.limit_percent else mpe
    if collected.weighed_g <= 0.0:
        weighed = f"the balance gained {collected.weighed_g:g} g: no water was collected"
        run.measure(ERROR, None, "%", subject, lower=-limit, upper=limit, invalid=[weighed, *invalid])
        return
    budget = error_budget(
        wanted.step, meter.serial, volume_conditions(bench, collected, volume, leak_kpa_min), bench.reference
    )
    run.budget(budget)
    u_percent = budget.expanded_uncertainty_percent
    u_limit = mpe * judging.uncertainty_part_of_mpe
    if wanted.intrinsic is None:
        run.measure(
            ERROR,
            volume.error_percent,
            "%",
            subject,
            expanded_uncertainty=u_percent,
            uncertainty_limit=u_limit,
            lower=-limit,
            upper=limit,
            invalid=invalid,
            provisional=wanted.provisional,
        )
        return
    run.report(ERROR, volume.error_percent, "%", subject, expanded_uncertainty=u_percent)
    measure_fault(
        run, edition, subject, volume.error_percent, wanted.intrinsic.get(meter.serial), u_percent, meter, invalid
    )


def measure_fault(
    run: Run,
    edition: Edition,
    subject: Subject,
    error_percent: float,
    intrinsic_percent: float | None,
    u_percent: float,
    meter: Nameplate,
    invalid: Sequence[str],
) -> None:
    """Judge the fault: the error under a disturbance less the meter's own, at most half the MPE of the upper zone.

    Both errors were measured on the same rig: its systematic parts cancel, so sqrt(2) U bounds the difference's.
    """
    upper = edition.mpe_percent("upper", 20.0, 0.0, meter.rating.accuracy_class)
    limit = upper * edition.of_type_evaluation("fault_part_of_mpe").value
    unknown = [] if intrinsic_percent is not None else ["the error without the disturbance is not known"]
    run.measure(
        FAULT,
        None if intrinsic_percent is None else rules.fault(error_percent, intrinsic_percent),
        "%",
        subject,
        expanded_uncertainty=math.sqrt(2.0) * u_percent,
        uncertainty_limit=upper * edition.of_type_evaluation("uncertainty_part_of_mpe").value,
        lower=-limit,
        upper=limit,
        invalid=[*unknown, *invalid],
    )
