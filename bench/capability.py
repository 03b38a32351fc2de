"""What a station can measure, before a drop runs: the uncertainty that its budget foresees at each flow.

The formulas are those of the budget (``bench.uncertainty``); here is only what is put into them. Pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from meterbench.bench.bench import LINE_LIMITS_L_H, TANK_CAPACITY_L, TANK_USE
from meterbench.bench.certificate import Certificate
from meterbench.bench.reference_volume import water_density_kg_m3
from meterbench.bench.uncertainty import ReferenceData, VolumeConditions, error_budget
from meterbench.errors import CalibrationError

ROOM_L = TANK_USE * TANK_CAPACITY_L
"""The largest volume that can be collected at once."""
SMALLEST_L = 0.01
"""Where the search for the least volume begins."""
SHORTEST_S = 30.0
"""The least time of a collection with flying start and finish. A diverter may travel for 1/50 of the time (iso4064.md
3.2), and takes up to 0.6 s; what a shorter one collects says more of the diverter than of the meter."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A day at the bench as it is expected: not the best one."""

    water_temp_c: float = 20.0
    temp_drift_k: float = 0.1
    temp_shift_k: float = 0.1
    pressure_span_kpa: float = 2.0
    leak_rate_kpa_min: float = 0.1
    """As much as the tightness test lets pass."""
    air_density_kg_m3: float = 1.2


@dataclass(frozen=True, slots=True)
class Reference:
    """A station as its budget sees it."""

    data: ReferenceData
    certificates: Mapping[str, Certificate | None]
    """Of the rig, balance, thermometer and counter."""
    readability_g: float
    expected: Expected = Expected()


@dataclass(frozen=True, slots=True)
class Demand:
    """An error of indication that is to be measured."""

    procedure: str
    """That asks for it; empty where none does."""
    rating: str
    """Of the meter, in words."""
    point: str
    flow_l_h: float
    volume_l: float
    """That is collected for it; what a laboratory would collect where no procedure asks."""
    pulse_volume_l: float
    mpe_percent: float
    allowed_percent: float
    """The largest expanded uncertainty with which a verdict is allowed."""
    flying: bool = True
    """False: no water runs while the diverter swings, and its timing does not count."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What a station can do about a demand."""

    procedure: str
    rating: str
    point: str
    flow_l_h: float
    line: str | None
    """Of the rig, that carries the flow; None if none does."""
    volume_l: float
    duration_s: float
    expanded_uncertainty_percent: float | None
    """k = 2; None where it is not known."""
    mpe_percent: float
    allowed_percent: float
    minimum_volume_l: float | None
    """The least with which the uncertainty is allowed, and for which the diverter is on the tank long enough; None if
    even a full tank is not enough."""
    possible: bool
    reason: str
    """Why not."""


@dataclass(frozen=True, slots=True)
class ProcedureCapability:
    """Whether a station can run a procedure so that something may be PASS."""

    procedure: str
    can_run: bool
    reasons: tuple[str, ...]


def capability(demand: Demand, station: Reference) -> Capability:
    """What ``station`` can do about ``demand``."""
    line = next((name for name, limit in LINE_LIMITS_L_H if 0.0 < demand.flow_l_h <= limit), None)
    missing = [role for role, certificate in station.certificates.items() if certificate is None]
    minimum_l = None if missing else minimum_volume_l(demand, station)
    expanded = None if missing else expected_u_percent(demand, station, demand.volume_l)
    if expanded is not None and not math.isfinite(expanded):
        expanded = None
    found = Capability(
        procedure=demand.procedure,
        rating=demand.rating,
        point=demand.point,
        flow_l_h=demand.flow_l_h,
        line=line,
        volume_l=demand.volume_l,
        duration_s=3600.0 * demand.volume_l / demand.flow_l_h,
        expanded_uncertainty_percent=expanded,
        mpe_percent=demand.mpe_percent,
        allowed_percent=demand.allowed_percent,
        minimum_volume_l=minimum_l,
        possible=False,
        reason="",
    )
    reason = _why_not(demand, found, missing, station)
    return replace(found, possible=not reason, reason=reason)


def _why_not(demand: Demand, found: Capability, missing: Sequence[str], station: Reference) -> str:
    where = f"{found.point} ({found.flow_l_h:.4g} L/h)"
    if missing:
        return f"{where}: no certificate says how good the {', '.join(missing)} is"
    if found.line is None:
        return f"{where}: no line of the rig carries it; the largest carries {LINE_LIMITS_L_H[-1][1]:g} L/h"
    if found.volume_l > ROOM_L:
        return f"{where}: {found.volume_l:.4g} L do not fit into the weighing tank, which takes {ROOM_L:g} L"
    if demand.flying and found.duration_s < SHORTEST_S:
        return f"{where}: {found.volume_l:.4g} L have come after {found.duration_s:.0f} s; at least {SHORTEST_S:g} s"
    if found.expanded_uncertainty_percent is None:
        return f"{where}: the uncertainty is not known"
    if found.expanded_uncertainty_percent > found.allowed_percent:
        return (
            f"{where}: U = {found.expanded_uncertainty_percent:.3g} % with {found.volume_l:.3g} L, allowed "
            f"{found.allowed_percent:.3g} %" + ("" if found.minimum_volume_l else f", even with {ROOM_L:g} L")
        )
    return _not_covered(found, station, where)


def _not_covered(found: Capability, station: Reference, where: str) -> str:
    thermometer, temp_c = station.certificates["thermometer"], station.expected.water_temp_c
    if thermometer is not None:
        try:
            thermometer.error_at(temp_c)
        except CalibrationError:
            points = thermometer.points
            return (
                f"{where}: the thermometer's certificate covers {points[0].at:g} to {points[-1].at:g} °C, and water of "
                f"{temp_c:g} °C is expected"
            )
    points = station.certificates["balance"].points if station.certificates["balance"] else ()
    mass_g = found.volume_l * water_density_kg_m3(station.expected.water_temp_c)
    if points and points[-1].at - points[0].at < mass_g:
        return (
            f"{where}: {mass_g / 1000.0:.3g} kg are more than the {points[0].at / 1000.0:.3g} to "
            f"{points[-1].at / 1000.0:.3g} kg that the balance's certificate covers"
        )
    return ""


def expected_u_percent(demand: Demand, station: Reference, volume_l: float) -> float:
    """Expanded uncertainty (k = 2, %) of an error of indication measured with ``volume_l``, by the budget."""
    expected, duration_s = station.expected, 3600.0 * volume_l / demand.flow_l_h
    largest = {role: found.expanded_uncertainty for role, found in station.certificates.items() if found is not None}
    seen = VolumeConditions(
        weighed_g=volume_l * water_density_kg_m3(expected.water_temp_c),
        duration_s=duration_s,
        flow_l_h=demand.flow_l_h,
        water_temp_c=expected.water_temp_c,
        temp_drift_k=expected.temp_drift_k,
        pressure_span_kpa=expected.pressure_span_kpa if demand.flying else 0.0,
        leak_rate_kpa_min=expected.leak_rate_kpa_min,
        pulse_volume_l=demand.pulse_volume_l,
        indicated_l=volume_l,
        balance_u_g=largest["balance"],  # nobody knows yet how full the tank will be: its largest
        readability_g=station.readability_g,
        thermometer_u_k=_at(station, "thermometer", expected.water_temp_c),
        diverter_u_s=largest["rig"] if demand.flying else 0.0,
        time_base_u_percent=largest["counter"],
        air_density_kg_m3=expected.air_density_kg_m3,
        temp_shift_k=expected.temp_shift_k,
    )
    return error_budget(demand.point, "", seen, station.data).expanded_uncertainty_percent


def minimum_volume_l(demand: Demand, station: Reference) -> float | None:
    """The least volume with which the uncertainty is allowed, to 1 %; None if a full tank is not enough.

    With flying start and finish not less than comes in ``SHORTEST_S``.
    More water never makes the uncertainty larger: each contribution falls with the volume or stays.
    """

    def enough(volume_l: float) -> bool:
        return expected_u_percent(demand, station, volume_l) <= demand.allowed_percent  # NaN never is

    if not enough(ROOM_L):
        return None
    too_little_l, enough_l = SMALLEST_L, ROOM_L
    if demand.flying:
        too_little_l = max(SMALLEST_L, demand.flow_l_h * SHORTEST_S / 3600.0)
    if enough(too_little_l):
        return too_little_l
    while enough_l / too_little_l > 1.01:
        middle_l = math.sqrt(too_little_l * enough_l)
        too_little_l, enough_l = (too_little_l, middle_l) if enough(middle_l) else (middle_l, enough_l)
    return enough_l


def procedures(rows: Sequence[Capability], obstacles: Mapping[str, Sequence[str]]) -> list[ProcedureCapability]:
    """For each procedure that ``obstacles`` names: its obstacles, and those of the demands that it has in ``rows``."""
    found = []
    for procedure, known in obstacles.items():
        reasons = (*known, *(row.reason for row in rows if row.procedure == procedure and not row.possible))
        found.append(ProcedureCapability(procedure, not reasons, tuple(dict.fromkeys(reasons))))
    return found


def _at(station: Reference, role: str, shown: float) -> float:
    certificate = station.certificates[role]
    return math.nan if certificate is None else certificate.uncertainty_at(shown)
