"""What every procedure that weighs water does: test the line, keep the readings, gather what a budget needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meterbench.bench.bench import Bench
from meterbench.bench.collection import Collected, MeterVolume
from meterbench.bench.cross_check import weighed_against_master
from meterbench.bench.record import Condition
from meterbench.bench.reference_volume import air_density_kg_m3
from meterbench.bench.run import Run
from meterbench.bench.uncertainty import VolumeConditions, error_budget
from meterbench.bench.verdict import Verdict
from meterbench.procedures import conditions
from meterbench.procedures.edition import Edition


def check_tightness(run: Run, bench: Bench, edition: Edition, procedure: str, when: str) -> float:
    """The fall of pressure in the closed line in kPa/min; tested before and after, and again after a resumption."""
    step = f"{procedure}/tightness {when}"
    with run.step(step if run.previous is None else f"{step}, resumed at line {run.lines}"):
        found = bench.test_tightness()
        seen = conditions.tightness(edition, found)
        for condition in seen:
            run.condition(condition)
        for sentence in conditions.unmet(seen):
            run.event("warning", f"{sentence}: find the leak; no result of this run can be PASS")
    return found.fall_kpa_min


def not_tight(run: Run, procedure: str) -> list[str]:
    """One sentence for each tightness test of the run, before or after, in this session or before, that failed."""
    return [
        f"{step} was {verdict}: water may have been lost between meters and tank"
        for step, verdict in run.finished_steps.items()
        if step.startswith(f"{procedure}/tightness") and verdict != Verdict.PASS.name
    ]


def warn_of_certificates(run: Run, bench: Bench) -> None:
    """Before a drop runs: what makes every result INVALID, and which instruments do not watch the others."""
    for reason in bench.uncalibrated(RESTS_ON):
        run.event("warning", f"{reason}: no result of this run can be PASS")
    for reason in bench.doubts():
        run.event("warning", reason)


RESTS_ON = ("rig", "balance", "thermometer", "counter")
"""The roles that every error of indication against weighed water rests on: each needs a valid certificate."""


def expanded(bench: Bench, role: str, shown: float | None = None) -> float:
    """Expanded uncertainty of a role's certificate where it showed ``shown``, or its largest.

    0 without a certificate: the result is INVALID anyway.
    """
    certificate = bench.certificate(role)
    if certificate is None:
        return 0.0
    return certificate.expanded_uncertainty if shown is None else certificate.uncertainty_at(shown)


def weighing_u_g(bench: Bench, weighings_g: Sequence[tuple[float, float]]) -> float:
    """Expanded uncertainty that stands for each of the two readings of a difference, or of a sum of differences.

    Those of several differences are added as they are: one balance weighs them all, and errs alike.
    """
    return math.fsum(
        math.hypot(*(expanded(bench, "balance", mass_g) for mass_g in pair)) for pair in weighings_g
    ) / math.sqrt(2.0)


def cross_checks(
    bench: Bench, collected: Collected, volumes: Sequence[MeterVolume], leak_rate: float
) -> list[Condition]:
    """What instruments that see the same thing said of each other, and what no certificate covers."""
    comparisons = list(collected.comparisons)
    if collected.master is not None:
        volume = volumes[-1]  # next to the flow meter
        budget = error_budget("", "", volume_conditions(bench, collected, volume, leak_rate), bench.reference)
        comparisons.append(
            weighed_against_master(
                volume.actual_l,
                budget.expanded_uncertainty_percent,
                collected.gate.duration_s,
                collected.master,
                bench.allowances,
            )
        )
    return [comparison.condition() for comparison in comparisons]


def volume_conditions(bench: Bench, collected: Collected, volume: MeterVolume, leak_rate: float) -> VolumeConditions:
    """What the budget of a meter's error takes from a collection with flying start and finish."""
    return VolumeConditions(
        weighed_g=collected.weighed_g,
        duration_s=collected.gate.duration_s,
        flow_l_h=volume.flow_l_h,
        water_temp_c=volume.water_temp_c,
        temp_drift_k=collected.probe_temp_c.highest - collected.probe_temp_c.lowest,
        pressure_span_kpa=collected.upstream_kpa.highest - collected.upstream_kpa.lowest,
        leak_rate_kpa_min=leak_rate,
        pulse_volume_l=volume.nameplate.pulse_volume_ml / 1000.0,
        indicated_l=volume.indicated_l,
        balance_u_g=weighing_u_g(bench, [(collected.mass_start_g, collected.mass_end_g)]),
        readability_g=bench.balance.readability_g,
        thermometer_u_k=expanded(bench, "thermometer", volume.water_temp_c),
        diverter_u_s=expanded(bench, "rig"),
        time_base_u_percent=expanded(bench, "counter"),
        air_density_kg_m3=air_density_kg_m3(
            collected.ambient_temp_c, bench.air.pressure_hpa, bench.air.humidity_percent
        ),
        temp_shift_k=volume.water_temp_c - collected.probe_temp_c.mean,
    )


def keep_readings(run: Run, bench: Bench, collected: Collected, volumes: Sequence[MeterVolume]) -> None:
    """Record what was read and what follows for each meter, at full precision."""
    run.reading("balance", "mass_start", collected.mass_start_g, "g")
    run.reading("balance", "mass_end", collected.mass_end_g, "g")
    run.reading("balance", "mass_correction", collected.mass_correction_g, "g")
    run.reading("balance", "weighed_mass", collected.weighed_g, "g")
    run.reading("rig", "gate_time", collected.gate.duration_s, "s")
    run.reading("rig", "flow_mean", collected.flow_l_h.mean, "L/h")
    run.reading("rig", "pressure_upstream", collected.upstream_kpa.mean, "kPa")
    run.reading("rig", "pressure_downstream", collected.downstream_kpa.mean, "kPa")
    run.reading("rig", "ambient_temperature", collected.ambient_temp_c, "°C")
    run.reading("thermometer", "water_temperature", collected.probe_temp_c.mean, "°C")
    run.reading("thermometer", "water_temperature_correction", collected.probe_correction_k, "K")
    for extra in collected.extra_readings:
        run.reading(extra.instrument, extra.quantity, extra.value, extra.unit)
    for counter, pulses, volume in zip(bench.counters, collected.pulses, volumes, strict=True):
        serial = volume.nameplate.serial
        run.reading(counter.role, "pulses", pulses, "1", meter=serial)
        run.reading(counter.role, "indicated_volume", volume.indicated_l, "L", meter=serial)
        run.reading("balance", "actual_volume", volume.actual_l, "L", meter=serial)
        run.reading("balance", "actual_flow", volume.flow_l_h, "L/h", meter=serial)
        run.reading("thermometer", "water_temperature", volume.water_temp_c, "°C", meter=serial)
        run.reading("rig", "line_pressure", volume.gauge_kpa, "kPa", meter=serial)
