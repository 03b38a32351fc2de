"""What the procedures ask of a station: flows, volumes, and how well an error of indication must be known there."""

from __future__ import annotations

from collections.abc import Sequence

from meterbench.bench.capability import ROOM_L, Demand
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import Rating
from meterbench.procedures import draw_profile, initial_verification
from meterbench.procedures.edition import Edition
from meterbench.procedures.error_runs import ROOM, duration_s

WATER_C = 20.0
GRID = (1.0, 2.0, 5.0)
"""Of each decade between Q1 and Q4."""


def demands(edition: Edition, batch: Sequence[Nameplate]) -> list[Demand]:
    """Of every kind of meter in the line: the flow points of the verification, the draws, Q4, and a grid of flows."""
    kinds = {nameplate.rating: nameplate for nameplate in batch}
    return [demand for nameplate in kinds.values() for demand in _of_kind(edition, nameplate)]


def _of_kind(edition: Edition, nameplate: Nameplate) -> list[Demand]:
    rating = nameplate.rating
    found = []
    for point in edition.verification_points(rating):
        found.append(_demand(edition, nameplate, initial_verification.NAME, point.name, point.target_l_h, point.zone))
    found.append(_demand(edition, nameplate, draw_profile.NAME, "profile", rating.q3_l_h, "upper", flying=False))
    found.append(_demand(edition, nameplate, "", "Q4", rating.q4_l_h, "upper"))
    for flow_l_h in grid_l_h(rating):
        zone = "upper" if flow_l_h >= rating.q2_l_h else "lower"
        found.append(_demand(edition, nameplate, "", "grid", flow_l_h, zone))
    return found


def collected_l(edition: Edition, flow_l_h: float) -> float:
    """What the verification collects at a flow; above those that it asks for, what the weighing tank takes."""
    wanted_l = flow_l_h * duration_s(edition, flow_l_h) / 3600.0
    return min(wanted_l, ROOM_L / ROOM)


def grid_l_h(rating: Rating) -> list[float]:
    """1, 2 and 5 of each decade from Q1 to Q4."""
    decades = [10.0**power for power in range(5)]
    flows = [step * decade for decade in decades for step in GRID]
    return [flow for flow in flows if rating.q1_l_h <= flow <= rating.q4_l_h]


def _demand(
    edition: Edition,
    nameplate: Nameplate,
    procedure: str,
    point: str,
    flow_l_h: float,
    zone: str,
    *,
    flying: bool = True,
) -> Demand:
    mpe_percent = edition.mpe_percent(zone, WATER_C, 0.0, nameplate.rating.accuracy_class)
    return Demand(
        procedure=procedure,
        rating=str(nameplate.rating),
        point=point,
        flow_l_h=flow_l_h,
        volume_l=collected_l(edition, flow_l_h),
        pulse_volume_l=nameplate.pulse_volume_ml / 1000.0,
        mpe_percent=mpe_percent,
        allowed_percent=mpe_percent * edition.condition("uncertainty_part_of_mpe").value,
        flying=flying,
    )
