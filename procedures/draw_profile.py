"""A recorded flow trace is played on the rig, and what the meters registered is compared with what was weighed.

Not a clause of ISO 4064: it shows how a meter follows real use (short draws, steep edges) at the bench.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from meterbench.bench.bench import TANK_CAPACITY_L, TANK_USE, Bench
from meterbench.bench.collection import assign
from meterbench.bench.reference_volume import air_density_kg_m3, error_of_indication_percent
from meterbench.bench.run import Run, Subject
from meterbench.bench.uncertainty import VolumeConditions, error_budget
from meterbench.bench.verdict import Verdict
from meterbench.dut.meter import Nameplate
from meterbench.procedures import conditions
from meterbench.procedures.collecting import (
    RESTS_ON,
    check_tightness,
    cross_checks,
    expanded,
    keep_readings,
    volume_conditions,
    warn_of_certificates,
    weighing_u_g,
)
from meterbench.procedures.edition import Edition
from meterbench.procedures.flow_trace import Draw, Stretch

NAME = "draw-profile"
PAUSE_S = 3.0
"""Between two draws: longer pauses of the trace are not waited for."""
SETPOINT_STEP = 0.02
"""The set-point is changed when the trace has moved by 2 %."""
PART_OVERHEAD_S = 100.0
PART_L = 0.8 * TANK_USE * TANK_CAPACITY_L
"""Drawn into the tank before it is weighed: a rig that overshoots on steep edges must not overfill it."""


def draw_profile(run: Run, bench: Bench, edition: Edition, draws: Sequence[Draw]) -> None:
    """Play the draws, weigh all of the water, and report volume, error and uncertainty of every meter.

    The tank takes some draws at a time (a part): standing start and finish, with the diverter on the tank. A meter
    passes if its error is within the mean of the MPE of the zones that the water passed in, weighted by volume.
    """
    parts = split(draws, PART_L)
    run.plan(
        [(f"{NAME}/tightness before", 45.0)]
        + [
            (step_name(number), PART_OVERHEAD_S + sum(draw.duration_s + PAUSE_S for draw in part))
            for number, part in enumerate(parts, start=1)
        ]
        + [(f"{NAME}/tightness after", 45.0)]
    )
    warn_of_certificates(run, bench)
    leak_rate = check_tightness(run, bench, edition, NAME, "before")
    for number, part in enumerate(parts, start=1):
        if not run.finished(step_name(number)):
            _play_part(run, bench, edition, number, part, leak_rate)
    check_tightness(run, bench, edition, NAME, "after")
    with run.step(f"{NAME}/conclusion"):
        for meter in bench.batch:
            _conclude(run, bench, edition, draws, meter, leak_rate)


def step_name(number: int) -> str:
    """The step of a part."""
    return f"{NAME}/part {number}"


def split(draws: Sequence[Draw], room_l: float) -> list[list[Draw]]:
    """Draws in groups of at most ``room_l``; a draw that alone is too large is cut."""
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
    """The draw cut wherever ``room_l`` is full."""
    pieces: list[list[Stretch]] = [[]]
    left_l = room_l
    for stretch in draw.stretches:
        left_s, rate_l_s = stretch.duration_s, stretch.flow_l_h / 3600.0
        while left_s * rate_l_s > left_l:
            pieces[-1].append(Stretch(left_l / rate_l_s, stretch.flow_l_h))
            pieces.append([])
            left_s -= left_l / rate_l_s
            left_l = room_l
        pieces[-1].append(Stretch(left_s, stretch.flow_l_h))
        left_l -= left_s * rate_l_s
    return [Draw(tuple(piece)) for piece in pieces]


def _play_part(run: Run, bench: Bench, edition: Edition, number: int, draws: Sequence[Draw], leak_rate: float) -> None:
    with run.step(step_name(number)):
        bench.make_room(PART_L)
        with bench.collecting(bench.line_for(draws[0].peak_l_h)) as outcome:
            bench.clock.sleep(1.0)  # the diverter is on the tank before water runs
            for draw in draws:
                _play(bench, draw)
        collected = outcome[0]
        volumes = assign(collected, bench.batch, bench.air.pressure_hpa, bench.air.humidity_percent)
        keep_readings(run, bench, collected, volumes)
        run.reading("trace", "recorded_volume", math.fsum(draw.volume_l for draw in draws), "L")
        thermometer_u_k = expanded(bench, "thermometer", collected.probe_temp_c.mean)
        for condition in (
            conditions.water_temperature(
                edition, collected, thermometer_u_k, conditions.verification_water_temp_c(edition)
            ),
            *conditions.covered(collected),
            *cross_checks(bench, collected, volumes, leak_rate),
        ):
            run.condition(condition)
        for volume in volumes:
            seen = volume_conditions(bench, collected, volume, leak_rate)
            run.reading("thermometer", "temperature_drift", seen.temp_drift_k, "K", meter=volume.nameplate.serial)


def _play(bench: Bench, draw: Draw) -> None:
    """One draw: the smallest line that carries its peak follows it as fast as the rig can."""
    running_l_h = 0.0
    for stretch in draw.stretches:
        if stretch.flow_l_h == 0.0:
            if running_l_h:
                bench.stop_flow()
        elif abs(stretch.flow_l_h - running_l_h) > SETPOINT_STEP * running_l_h:
            bench.follow_flow(bench.line_for(draw.peak_l_h), stretch.flow_l_h)
        running_l_h = stretch.flow_l_h
        bench.clock.sleep(stretch.duration_s)
    bench.stop_flow()
    bench.clock.sleep(PAUSE_S)


def _conclude(
    run: Run, bench: Bench, edition: Edition, draws: Sequence[Draw], meter: Nameplate, leak_rate: float
) -> None:
    def summed(quantity: str, serial: str = "") -> float:
        return math.fsum(_values(run.readings, quantity, serial))

    where = Subject(NAME, clause="", requirement="ADR-011", meter=meter.serial, flow_point="profile")
    actual_l = summed("actual_volume", meter.serial)
    if actual_l <= 0.0:
        reason = f"{actual_l:g} L were weighed: no water was collected"
        verdict = run.measure("error_of_indication", None, "%", where, invalid=[reason])
        run.conclude_meter(meter.serial, verdict, [reason])
        return
    indicated_l = summed("indicated_volume", meter.serial)
    temps_c = _values(run.readings, "water_temperature", meter.serial)
    probe_temps_c = _values(run.readings, "water_temperature")
    ambient_c = _values(run.readings, "ambient_temperature")
    parts = len(temps_c)
    budget = error_budget(
        f"{NAME}/conclusion",
        meter.serial,
        VolumeConditions(
            weighed_g=summed("weighed_mass"),
            duration_s=summed("gate_time"),
            flow_l_h=3600.0 * actual_l / summed("gate_time"),
            water_temp_c=sum(temps_c) / parts,
            temp_drift_k=max(_values(run.readings, "temperature_drift", meter.serial)),
            pressure_span_kpa=0.0,  # standing start and finish: the line is as full after as before
            leak_rate_kpa_min=leak_rate,
            pulse_volume_l=meter.pulse_volume_ml / 1000.0,
            indicated_l=indicated_l,
            balance_u_g=weighing_u_g(
                bench,
                list(zip(_values(run.readings, "mass_start"), _values(run.readings, "mass_end"), strict=True)),
            ),
            readability_g=bench.balance.readability_g,
            thermometer_u_k=max(expanded(bench, "thermometer", temp_c) for temp_c in temps_c),
            diverter_u_s=0.0,  # standing start and finish: no water runs while the diverter swings
            time_base_u_percent=expanded(bench, "counter"),
            air_density_kg_m3=air_density_kg_m3(
                sum(ambient_c) / parts, bench.air.pressure_hpa, bench.air.humidity_percent
            ),
            temp_shift_k=max(
                (temp_c - probe_c for temp_c, probe_c in zip(temps_c, probe_temps_c, strict=True)), key=abs
            ),
            collections=parts,
        ),
        bench.reference,
    )
    run.budget(budget)
    coldest_c = min(*temps_c, *probe_temps_c)
    limit = _weighted_mpe(edition, meter, draws, coldest_c, expanded(bench, "thermometer", coldest_c))
    unmet = [f"{part} INVALID" for part, verdict in run.finished_steps.items() if verdict == "INVALID"]
    u_l = actual_l * budget.expanded_uncertainty_percent / 100.0
    run.report("actual_volume", actual_l, "L", where, expanded_uncertainty=u_l)
    run.report("indicated_volume", indicated_l, "L", where)
    verdict = run.measure(
        "error_of_indication",
        error_of_indication_percent(indicated_l, actual_l),
        "%",
        where,
        expanded_uncertainty=budget.expanded_uncertainty_percent,
        uncertainty_limit=limit * edition.condition("uncertainty_part_of_mpe").value,
        lower=-limit,
        upper=limit,
        invalid=[*bench.uncalibrated(RESTS_ON), *unmet],
    )
    run.conclude_meter(meter.serial, verdict, [] if verdict is Verdict.PASS else [run.rows[-1].reason])


def _values(readings: Sequence[dict[str, Any]], quantity: str, serial: str = "") -> list[float]:
    return [line["value"] for line in readings if line["quantity"] == quantity and line["meter"] == serial]


def _weighted_mpe(
    edition: Edition, meter: Nameplate, draws: Sequence[Draw], water_temp_c: float, temp_u_k: float
) -> float:
    """The MPE of each zone, weighted by the volume that the trace draws in it (below Q1: the lower zone's)."""
    rating = meter.rating
    upper_l = lower_l = 0.0
    for draw in draws:
        for stretch in draw.stretches:
            volume_l = stretch.flow_l_h * stretch.duration_s / 3600.0
            if stretch.flow_l_h >= rating.q2_l_h:
                upper_l += volume_l
            else:
                lower_l += volume_l
    upper, lower = (
        edition.mpe_percent(zone, water_temp_c, temp_u_k, rating.accuracy_class) for zone in ("upper", "lower")
    )
    return (upper_l * upper + lower_l * lower) / (upper_l + lower_l)
