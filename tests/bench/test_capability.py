"""What a station can measure: the budget's own figures, put to a plan. Kind: unit."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.bench.capability import (
    ROOM_L,
    SHORTEST_S,
    Demand,
    Reference,
    capability,
    expected_u_percent,
    minimum_volume_l,
    procedures,
)
from meterbench.bench.certificate import CalibrationPoint, Certificate
from meterbench.bench.uncertainty import ReferenceData
from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import Rating, all_ratings
from meterbench.procedures import edition
from meterbench.procedures.demands import demands, grid_l_h


def certificate(u: float, unit: str) -> Certificate:
    return Certificate("V-1", date(2099, 6, 30), u, f"{u} {unit}", unit)


CERTIFICATES = {"rig": certificate(0.005, "s"), "balance": certificate(0.3, "g"),
                "thermometer": certificate(0.05, "K"), "counter": certificate(1e-4, "%")}  # fmt: skip
STATION = Reference(
    ReferenceData(
        dead_volume_l=0.6, line_compliance_ml_kpa=0.1, reproducibility_percent=0.05, water_density_percent=0.015,
        cover_opening_m2=100e-6,
    ),
    CERTIFICATES,
    readability_g=0.1,
)  # fmt: skip
Q1 = Demand("initial-verification", "DN15", "Q1", 1.640625, 1.0, 1e-4, 5.0, 5.0 / 3.0)


def with_certificate(role: str, found: Certificate | None) -> Reference:
    return replace(STATION, certificates=CERTIFICATES | {role: found})


def test_a_point_by_hand() -> None:
    """A litre at Q1 in water of 20 degC: the contributions of the budget, added by hand."""
    parts = (
        0.02125, 0.00409, 0.00578, 0.00065, 0.00175,  # weighing 0.3/sqrt2 g, 0.1/sqrt6, 0.1/sqrt3 of 998 g; air
        0.00143, 0.015, 0.00026, 0.00011, 0.00005,  # temperature, density, pressure, diverter, time base
        0.00086, 0.01155, 0.02111, 0.05, 0.00408,  # dead volume, line, leak of 0.01 mL/min in 27.3, rig, pulses
    )  # fmt: skip
    found = capability(Q1, STATION)
    assert found.expanded_uncertainty_percent == pytest.approx(
        2.0 * math.sqrt(sum(part**2 for part in parts)), rel=5e-3
    )
    assert (found.line, found.volume_l, found.duration_s) == ("A", 1.0, pytest.approx(2194.3, abs=0.1))
    assert found.possible
    assert found.reason == ""


@pytest.mark.parametrize(
    ("demand", "station", "reason"),
    [
        (Q1, with_certificate("balance", certificate(20.0, "g")), "U = 2.84 % with 1 L, allowed 1.67 %"),
        (Q1, with_certificate("thermometer", None), "no certificate says how good the thermometer is"),
        (Q1, replace(STATION, readability_g=math.nan), "the uncertainty is not known"),
        (replace(Q1, flow_l_h=9001.0), STATION, "no line of the rig carries it; the largest carries 9000 L/h"),
        (replace(Q1, flow_l_h=2000.0, volume_l=200.0), STATION, "200 L do not fit into the weighing tank"),
        (replace(Q1, allowed_percent=0.05), STATION, f"U = 0.124 % with 1 L, allowed 0.05 %, even with {ROOM_L:g} L"),
        (replace(Q1, flow_l_h=2000.0, volume_l=15.0), STATION, "15 L have come after 27 s; at least 30 s"),
        (Q1, with_certificate("thermometer", replace(CERTIFICATES["thermometer"], points=(
            CalibrationPoint(30.0, 0.0, 0.05), CalibrationPoint(50.0, 0.0, 0.05)))),
         "the thermometer's certificate covers 30 to 50 °C, and water of 20 °C is expected"),
        (replace(Q1, volume_l=80.0),
         with_certificate("balance", replace(CERTIFICATES["balance"], points=(
             CalibrationPoint(0.0, 0.0, 0.3), CalibrationPoint(60_000.0, 0.0, 0.3)))),
         "79.9 kg are more than the 0 to 60 kg that the balance's certificate covers"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_says_why(demand: Demand, station: Reference, reason: str) -> None:
    """One sentence with the flow, what is, and what would have to be."""
    found = capability(demand, station)
    assert not found.possible
    assert reason in found.reason


@settings(deadline=None)
@given(st.floats(1.0, 9000.0), st.floats(0.2, 5.0))
def test_the_minimum_volume_is_enough_and_hardly_more(flow_l_h: float, allowed: float) -> None:
    """With it U is allowed; with 2 % less it is not (unless it is the least that is looked for)."""
    demand = replace(Q1, flow_l_h=flow_l_h, allowed_percent=allowed)
    volume_l = minimum_volume_l(demand, STATION)
    if volume_l is None:
        assert expected_u_percent(demand, STATION, ROOM_L) > allowed
        return
    assert expected_u_percent(demand, STATION, volume_l) <= allowed
    comes_l = flow_l_h * SHORTEST_S / 3600.0
    assert volume_l >= comes_l
    if volume_l > 1.02 * max(0.01, comes_l):
        assert expected_u_percent(demand, STATION, 0.98 * volume_l) > allowed


def test_a_draw_has_no_least_time() -> None:
    """The diverter rests before and after: what counts is the volume."""
    draw = replace(Q1, flow_l_h=2500.0, allowed_percent=2.0 / 3.0, flying=False)
    volume_l = minimum_volume_l(draw, STATION)
    assert volume_l is not None
    assert volume_l < 0.1
    assert capability(replace(draw, volume_l=1.0), STATION).possible


@settings(deadline=None)
@given(st.floats(1.0, 9000.0), st.floats(0.01, 100.0), st.floats(1.0, 10.0))
def test_more_water_never_makes_u_larger(flow_l_h: float, volume_l: float, factor: float) -> None:
    """What the search for the minimum volume rests on."""
    demand = replace(Q1, flow_l_h=flow_l_h)
    more = expected_u_percent(demand, STATION, factor * volume_l)
    assert more <= expected_u_percent(demand, STATION, volume_l) + 1e-12


def test_a_procedure_can_run_if_nothing_is_in_its_way() -> None:
    """An obstacle of its own, or a point that is not possible; rows of other procedures do not count."""
    good = capability(Q1, STATION)
    bad = capability(Q1, with_certificate("balance", certificate(20.0, "g")))
    grid = replace(bad, procedure="")
    found = procedures([good, grid], {"initial-verification": [], "draw-profile": ["rig is out of calibration"]})
    assert [(each.procedure, each.can_run) for each in found] == [
        ("initial-verification", True),
        ("draw-profile", False),
    ]
    (spoilt,) = procedures([good, bad], {"initial-verification": []})
    assert not spoilt.can_run
    assert spoilt.reasons == (bad.reason,)


@pytest.mark.parametrize("rating", all_ratings(), ids=str)
def test_a_good_station_can_verify_every_kind(rating: Rating) -> None:
    """The virtual station's figures: all points of all 21 kinds, Q4 and the grid between Q1 and Q4."""
    batch = [Nameplate(serial, Designation(rating.dn, 1, 1), rating) for serial in ("1", "2")]
    rows = [capability(demand, STATION) for demand in demands(edition.load(), batch)]
    assert all(row.possible for row in rows)
    assert all(row.duration_s >= SHORTEST_S and 0.999 <= row.volume_l <= ROOM_L for row in rows)
    assert all(row.minimum_volume_l is not None and row.minimum_volume_l <= row.volume_l for row in rows)
    assert [row.point for row in rows][:5] == ["Q3", "Q2", "Q1", "profile", "Q4"]
    assert len(rows) == 5 + len(grid_l_h(rating))
    assert [row.allowed_percent for row in rows[:3]] == pytest.approx([2.0 / 3.0, 2.0 / 3.0, 5.0 / 3.0])
