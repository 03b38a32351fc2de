"""Was the rig as the standard asks while a volume was collected? A window violated is INVALID, never FAIL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from meterbench.bench.bench import Tightness
from meterbench.bench.collection import Collected, MeterVolume, Span
from meterbench.bench.record import Condition
from meterbench.instruments.capabilities import RigStatus
from meterbench.procedures.edition import Edition, FlowPoint

TEMP_TOLERANCE_K = 0.1
"""A temperature at the very edge of its window cannot be told from one inside it by less than the thermometer's
uncertainty; this much of it is granted at the most (docs/decisions)."""


def _condition(
    quantity: str,
    unit: str,
    seen: tuple[float, float],
    window: tuple[float | None, float | None],
    clause: str,
    note: str,
    tolerance: float = 0.0,
) -> Condition:
    lowest, highest = seen
    lower, upper = window
    # Comparisons are written so that NaN is never met.
    met = (lower is None or lowest >= lower - tolerance) and (upper is None or highest <= upper + tolerance)
    return Condition("", quantity, unit, _finite(lowest), _finite(highest), _finite(lower), _finite(upper), met, clause,
                     note)  # fmt: skip


def _finite(number: float | None) -> float | None:
    """A record holds no NaN: what was not seen is None."""
    return number if number is not None and math.isfinite(number) else None


def _percent(part: float, whole: float) -> float:
    """NaN, which meets no condition, where there is nothing to take a part of."""
    return 100.0 * part / whole if whole > 0.0 else math.nan


def tightness(edition: Edition, found: Tightness) -> list[Condition]:
    """The closed line holds its pressure: all water that passes the meters reaches the tank.

    A pressure that rises is no better: an inlet valve that lets water in hides a leak.
    """
    limit = edition.plan("tightness_kpa_min")
    fall, pressure = (found.fall_kpa_min,) * 2, (found.pressure_kpa,) * 2
    enough_kpa = edition.plan("tightness_pressure_kpa")
    return [
        _condition("fall of pressure in the closed line", "kPa/min", fall, (-limit, limit), "", "bench"),
        _condition("pressure in the closed line", "kPa", pressure, (enough_kpa, None), "", "at the beginning"),
    ]


def verification_water_temp_c(edition: Edition) -> tuple[float, float]:
    """The window of the water's temperature at an initial verification."""
    return edition.condition("water_temp_lower_c").value, edition.condition("water_temp_upper_c").value


def water_temperature(
    edition: Edition, collected: Collected, thermometer_u_k: float, window_c: tuple[float, float]
) -> Condition:
    """The water's temperature while it was collected."""
    tolerance_k = min(thermometer_u_k, TEMP_TOLERANCE_K)
    return _condition(
        "water temperature",
        "°C",
        (collected.probe_temp_c.lowest, collected.probe_temp_c.highest),
        window_c,
        edition.condition("water_temp_variation_k").clause,
        f"in doubt by the thermometer's uncertainty, {tolerance_k:g} K at the most, it counts as inside",
        tolerance_k,
    )


_GAUGE_KPA = ("pressure_start_corrected", "pressure_end_corrected")


def of_samples(
    quantity: str,
    unit: str,
    samples: Sequence[float],
    window: tuple[float | None, float | None],
    clause: str,
    note: str,
) -> Condition:
    """Something that was sampled all the while, and must have been in a window. Not met without a sample, or with one
    that is no number."""
    known = len(samples) > 0 and all(math.isfinite(sample) for sample in samples)
    span = (min(samples), max(samples)) if known else (math.nan, math.nan)
    return _condition(quantity, unit, span, window, clause, note)


def not_known(sentences: Sequence[str], clause: str) -> list[Condition]:
    """What could not be vouched for, one sentence each."""
    return [Condition("", each, "", None, None, None, None, False, clause, "calibration") for each in sentences]


def inlet_pressure(collected: Collected, window_kpa: tuple[float, float], clause: str) -> Condition:
    """The pressure before the meters: by the gauge with a certificate at both ends of the collection, where there is
    one; else by the rig's transmitter, mean over the collection, as single samples carry its noise."""
    gauge = [each.value for each in collected.extra_readings if each.quantity in _GAUGE_KPA]
    if gauge:
        return _condition("inlet pressure", "kPa", (min(gauge), max(gauge)), window_kpa, clause, "by the gauge")
    mean = (collected.upstream_kpa.mean,) * 2
    return _condition("inlet pressure", "kPa", mean, window_kpa, clause, "mean over the collection, by the rig")


def ambient_temperature(edition: Edition, collected: Collected, window_c: tuple[float, float]) -> Condition:
    """The air around the rig, by its own sensor: reference conditions."""
    clause = edition.of_type_evaluation("reference_ambient_temp_lower_c").clause
    seen_c = (collected.ambient_temp_c,) * 2
    return _condition("air temperature at the rig", "°C", seen_c, window_c, clause, "mean over the collection")


def covered(collected: Collected) -> list[Condition]:
    """Readings beyond the points of a certificate: what rests on them cannot be judged."""
    return [
        Condition("", sentence, "", None, None, None, None, False, "", "calibration")
        for sentence in collected.uncorrected
    ]


def of_collection(
    edition: Edition,
    point: FlowPoint,
    collected: Collected,
    volumes: Sequence[MeterVolume],
    thermometer_u_k: float,
    water_temp_c: tuple[float, float],
    *,
    outlet: bool = True,
) -> list[Condition]:
    """All conditions of one collected volume, in the order in which a report lists them.

    ``outlet``: false where the test itself asks for less pressure than the outlet must have otherwise.
    """
    mean = sum(volume.flow_l_h for volume in volumes) / len(volumes)
    there_s, back_s = collected.gate.travel_on_s, collected.gate.travel_off_s
    travel = edition.condition("diverter_travel_difference_percent")
    travels = _percent(abs(there_s - back_s), max(there_s, back_s))
    longest = edition.condition("diverter_travel_part_of_time")
    part = _percent(max(there_s, back_s), collected.gate.duration_s)
    agreement = edition.plan("reference_agreement_percent")
    difference = _percent(collected.flow_l_h.mean - mean, mean)
    return [
        *_of_running_water(edition, point, collected, volumes, thermometer_u_k, water_temp_c, outlet=outlet),
        _condition("difference of the diverter's travel times", "%", (travels, travels), (None, travel.value),
                   travel.clause, "to the tank against back"),
        _condition("longest travel of the diverter", "% of the time", (part, part), (None, 100.0 * longest.value),
                   longest.clause, ""),
        _condition("flow meter of the line against the weighed volume", "%", (difference, difference),
                   (-agreement, agreement), "", "bench"),
        *covered(collected),
    ]  # fmt: skip


def _of_running_water(
    edition: Edition,
    point: FlowPoint,
    collected: Collected,
    volumes: Sequence[MeterVolume],
    thermometer_u_k: float,
    water_temp_c: tuple[float, float],
    *,
    outlet: bool,
) -> list[Condition]:
    """Flow, temperature and pressures."""
    flows = [volume.flow_l_h for volume in volumes]
    steadiness = edition.condition(f"steadiness_{point.zone}_zone_percent")
    flow = collected.flow_l_h
    deviation = _percent(max(flow.highest - flow.mean, flow.mean - flow.lowest), flow.mean)
    temps = (collected.probe_temp_c.lowest, collected.probe_temp_c.highest)
    drift = edition.condition("water_temp_variation_k")
    known = edition.condition("water_temp_uncertainty_k")
    pressure = edition.condition("inlet_pressure_variation_percent")
    upstream = collected.upstream_kpa
    variation = _percent(upstream.highest - upstream.lowest, upstream.mean)
    outlet_kpa = edition.condition("outlet_pressure_kpa")
    downstream = (collected.downstream_kpa.lowest, collected.downstream_kpa.highest)
    return [
        _condition("mean flow", "L/h", (min(flows), max(flows)), (point.lower_l_h, point.upper_l_h), point.clause,
                   f"window of {point.name}"),
        _condition("deviation of the flow from its mean", "%", (deviation, deviation), (None, steadiness.value),
                   steadiness.clause, "largest sample"),
        water_temperature(edition, collected, thermometer_u_k, water_temp_c),
        _condition("uncertainty of the water temperature", "K", (thermometer_u_k,) * 2, (None, known.value),
                   known.clause, "thermometer certificate"),
        _condition("change of the water temperature", "K", (temps[1] - temps[0],) * 2, (None, drift.value),
                   drift.clause, ""),
        _condition("variation of the inlet pressure", "%", (variation, variation), (None, pressure.value),
                   pressure.clause, ""),
        *([_condition("outlet pressure", "kPa", downstream, (outlet_kpa.value, None), outlet_kpa.clause,
                      "after the last meter")] if outlet else []),
    ]  # fmt: skip


def of_exposure(
    edition: Edition,
    collected: Collected,
    thermometer_u_k: float,
    water_temp_c: tuple[float, float],
    flow: tuple[float, float],
    clause: str,
) -> list[Condition]:
    """Of water that only has to flow through the meters at a temperature: ``flow`` is its flow in L/h and how long, in
    seconds, at least. What the balance weighed says that it did."""
    flow_l_h, duration_s = flow
    known = edition.condition("water_temp_uncertainty_k")
    steadiness = edition.condition("steadiness_upper_zone_percent").value / 100.0
    weighed_l = (collected.weighed_g / 1000.0,) * 2
    seen_s = (collected.gate.duration_s,) * 2
    return [
        water_temperature(edition, collected, thermometer_u_k, water_temp_c),
        _condition("uncertainty of the water temperature", "K", (thermometer_u_k,) * 2, (None, known.value),
                   known.clause, "thermometer certificate"),
        _condition("time of the exposure", "s", seen_s, (duration_s, None), clause, "by the diverter"),
        _condition("water of the exposure", "L", weighed_l,
                   ((1.0 - steadiness) * flow_l_h * duration_s / 3600.0, None), clause, "by the balance"),
        *covered(collected),
    ]  # fmt: skip


def of_standing_start(
    edition: Edition,
    point: FlowPoint,
    collected: Collected,
    volumes: Sequence[MeterVolume],
    steady: Sequence[RigStatus],
    steady_s: float,
    thermometer_u_k: float,
    water_temp_c: tuple[float, float],
) -> list[Condition]:
    """Of a volume with standing start and finish; ``steady`` is what the rig showed for the ``steady_s`` seconds in
    which the flow stood at its rate. The line's own flow meter tells that rate: the weighed volume must be as much as
    it makes in that time, and no more than it makes in the whole."""
    flow = Span.of([status.flow_l_h[collected.line] for status in steady])
    upstream = Span.of([status.pressure_upstream_kpa for status in steady])
    downstream = Span.of([status.pressure_downstream_kpa for status in steady])
    running = replace(collected, flow_l_h=flow, upstream_kpa=upstream, downstream_kpa=downstream)
    at_rate = [replace(volume, flow_l_h=flow.mean) for volume in volumes]
    agreement = edition.plan("reference_agreement_percent") / 100.0
    least_l = flow.mean * steady_s / 3600.0 * (1.0 - agreement)
    most_l = flow.mean * collected.gate.duration_s / 3600.0 * (1.0 + agreement)
    weighed_l = [volume.actual_l for volume in volumes]
    return [
        *_of_running_water(edition, point, running, at_rate, thermometer_u_k, water_temp_c, outlet=True),
        _condition("weighed volume against the flow meter of the line", "L", (min(weighed_l), max(weighed_l)),
                   (least_l, most_l), "", "bench"),
        *covered(collected),
    ]  # fmt: skip


def unmet(conditions: Sequence[Condition]) -> list[str]:
    """One sentence for each condition that was not met."""
    sentences = []
    for condition in conditions:
        if condition.met:
            continue
        if condition.lowest is None or condition.highest is None:
            sentences.append(f"{condition.quantity}: not known")
            continue
        seen = " … ".join(dict.fromkeys((f"{condition.lowest:.4g}", f"{condition.highest:.4g}")))
        low = "" if condition.lower is None else f"{condition.lower:g}"
        high = "" if condition.upper is None else f"{condition.upper:g}"
        window = f"{low} … {high}" if low and high else (f"at most {high}" if high else f"at least {low}")
        sentences.append(f"{condition.quantity} {seen} {condition.unit}, allowed {window} {condition.unit}")
    return sentences
