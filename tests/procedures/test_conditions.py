"""Conditions of a collected volume: met to the edge, violated beyond it, and never met by what is not known."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from meterbench.bench.bench import Tightness
from meterbench.bench.collection import Collected, MeterVolume, Span
from meterbench.bench.record import Condition
from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import Rating
from meterbench.instruments.capabilities import GateTiming
from meterbench.procedures.conditions import (
    of_collection,
    tightness,
    unmet,
    verification_water_temp_c,
    water_temperature,
)
from meterbench.procedures.edition import load

EDITION = load("2014")
RATING = Rating(15, Decimal("2.5"), 1600)
NAMEPLATE = Nameplate("1", Designation(15, 1, 1), RATING)
Q2 = EDITION.flow_point("Q2", RATING)
Q1 = EDITION.flow_point("Q1", RATING)


def flat(value: float) -> Span:
    return Span(value, value, value)


GOOD = Collected(
    line="A", mass_start_g=0.0, mass_end_g=1000.0, gate=GateTiming(1000.0, 0.06, 0.06), pulses=(1,),
    probe_temp_c=Span(19.9, 20.1, 20.0),
    flow_l_h=Span(2.60, 2.64, 2.62), upstream_kpa=Span(298.0, 302.0, 300.0), downstream_kpa=Span(290.0, 294.0, 292.0),
    warming_k=0.0, ambient_temp_c=20.0,
)  # fmt: skip


def judged(
    point: Any = Q2, flows: tuple[float, ...] = (2.62, 2.63), u_k: float = 0.05, **changes: Any
) -> list[Condition]:
    volumes = [MeterVolume(NAMEPLATE, 1.0, 1.0, 20.0, 300.0, flow) for flow in flows]
    return of_collection(EDITION, point, replace(GOOD, **changes), volumes, u_k, verification_water_temp_c(EDITION))


def violated(**changes: Any) -> list[str]:
    return [condition.quantity for condition in judged(**changes) if not condition.met]


def test_a_good_collection_meets_all() -> None:
    """Nine conditions are looked at, all are met, and there is nothing to complain of."""
    assert len(judged()) == 10
    assert violated() == []
    assert unmet(judged()) == []


@pytest.mark.parametrize(
    ("changes", "quantities"),
    [
        # Each meter's mean flow in the window of its point: 2.5 to 2.75.
        ({"flows": (2.5, 2.5), "flow_l_h": flat(2.5)}, []),
        ({"flows": (2.75, 2.75), "flow_l_h": flat(2.75)}, []),
        ({"flows": (2.62, 2.499), "flow_l_h": flat(2.56)}, ["mean flow"]),
        ({"flows": (2.751, 2.74), "flow_l_h": flat(2.745)}, ["mean flow"]),
        # Steadiness: 5 % from Q2, 2.5 % below; both sides.
        ({"flow_l_h": Span(2.5, 2.62, 2.62)}, []),
        ({"flow_l_h": Span(2.48, 2.62, 2.62)}, ["deviation of the flow from its mean"]),
        ({"flow_l_h": Span(2.62, 2.76, 2.62)}, ["deviation of the flow from its mean"]),
        ({"point": Q1, "flows": (1.64,), "flow_l_h": Span(1.60, 1.68, 1.64)}, []),
        ({"point": Q1, "flows": (1.64,), "flow_l_h": Span(1.59, 1.64, 1.64)}, ["deviation of the flow from its mean"]),
        # Water 10 to 30 degC, no more doubt granted than the thermometer has, and 0.1 K at the most.
        ({"probe_temp_c": flat(30.05)}, []),
        ({"probe_temp_c": flat(30.06)}, ["water temperature"]),
        ({"probe_temp_c": Span(29.0, 30.2, 29.5), "u_k": 1.0}, ["water temperature"]),
        ({"u_k": 1.01}, ["uncertainty of the water temperature"]),
        ({"probe_temp_c": flat(9.95)}, []),
        ({"probe_temp_c": flat(9.94)}, ["water temperature"]),
        ({"probe_temp_c": flat(30.01), "u_k": 0.0}, ["water temperature"]),
        ({"probe_temp_c": Span(15.0, 20.0, 17.0)}, []),
        ({"probe_temp_c": Span(15.0, 20.01, 17.0)}, ["change of the water temperature"]),
        # Inlet pressure within 10 %, outlet 30 kPa at least.
        ({"upstream_kpa": Span(285.0, 315.0, 300.0)}, []),
        ({"upstream_kpa": Span(284.0, 315.0, 300.0)}, ["variation of the inlet pressure"]),
        ({"downstream_kpa": Span(30.0, 40.0, 35.0)}, []),
        ({"downstream_kpa": Span(29.9, 40.0, 35.0)}, ["outlet pressure"]),
        # The diverter: both ways within 5 %, neither longer than 1/50 of the time.
        ({"gate": GateTiming(1000.0, 0.060, 0.0571)}, []),
        ({"gate": GateTiming(1000.0, 0.060, 0.0569)}, ["difference of the diverter's travel times"]),
        ({"gate": GateTiming(1000.0, 0.0569, 0.060)}, ["difference of the diverter's travel times"]),
        ({"gate": GateTiming(3.01, 0.060, 0.060)}, []),
        ({"gate": GateTiming(2.99, 0.060, 0.060)}, ["longest travel of the diverter"]),
        ({"gate": GateTiming(1000.0, 0.0, 0.0)}, ["difference of the diverter's travel times"]),
        # The line's own flow meter against the weighed volume: 1.5 %.
        ({"flow_l_h": flat(2.66)}, []),
        ({"flow_l_h": flat(2.67)}, ["flow meter of the line against the weighed volume"]),
        ({"flow_l_h": flat(2.58)}, ["flow meter of the line against the weighed volume"]),
    ],
)
def test_windows(changes: dict[str, Any], quantities: list[str]) -> None:
    """The edge of a window belongs to it; beyond it that condition alone is violated."""
    assert violated(**changes) == quantities


@pytest.mark.parametrize(
    ("name", "quantities"),
    [
        ("probe_temp_c", {"water temperature", "change of the water temperature"}),
        ("flow_l_h", {"deviation of the flow from its mean", "flow meter of the line against the weighed volume"}),
        ("upstream_kpa", {"variation of the inlet pressure"}),
        ("downstream_kpa", {"outlet pressure"}),
    ],
)
def test_what_is_not_known_is_not_met(name: str, quantities: set[str]) -> None:
    """NaN meets nothing, is recorded as missing, and is named."""
    conditions = judged(**{name: flat(math.nan)})
    assert {condition.quantity for condition in conditions if not condition.met} == quantities
    assert all((c.lowest, c.highest) == (None, None) for c in conditions if not c.met)
    assert set(unmet(conditions)) == {f"{quantity}: not known" for quantity in quantities}


@pytest.mark.parametrize("u_k", [math.nan, -0.2])
def test_an_unknown_thermometer_grants_nothing(u_k: float) -> None:
    """A thermometer whose uncertainty is not known does not widen the window."""
    seen = replace(GOOD, probe_temp_c=flat(30.05))
    assert not water_temperature(EDITION, seen, u_k, verification_water_temp_c(EDITION)).met


@pytest.mark.parametrize("flow_l_h", [0.0, -2.6])
def test_no_flow_is_not_met(flow_l_h: float) -> None:
    """A tank that gained nothing, a line without flow or pressure: violated conditions, no arithmetic error."""
    seen = violated(flows=(flow_l_h,), flow_l_h=flat(flow_l_h), upstream_kpa=flat(0.0), downstream_kpa=flat(0.0))
    assert {"mean flow", "deviation of the flow from its mean", "outlet pressure"} <= set(seen)


@pytest.mark.parametrize(
    ("rate", "met"), [(0.0, True), (0.1, True), (0.11, False), (-0.11, False), (math.nan, False), (-math.inf, False)]
)
def test_tightness(rate: float, met: bool) -> None:
    """At most 0.1 kPa/min, falling or rising: an inlet that lets water in would hide a leak."""
    fall, _ = tightness(EDITION, Tightness(rate, 400.0))
    assert fall.met is met


@pytest.mark.parametrize(
    ("pressure_kpa", "met"), [(400.0, True), (100.0, True), (99.9, False), (0.0, False), (math.nan, False)]
)
def test_without_pressure_nothing_is_tight(pressure_kpa: float, met: bool) -> None:
    """A line that holds no pressure loses none: that says nothing."""
    fall, pressure = tightness(EDITION, Tightness(0.0, pressure_kpa))
    assert fall.met
    assert pressure.met is met


def test_complaints_are_sentences() -> None:
    """A violated window is told with what was seen and what is allowed, one sided or two."""
    assert unmet(judged(flows=(2.4, 2.62)))[:1] == ["mean flow 2.4 … 2.62 L/h, allowed 2.5 … 2.75 L/h"]
    assert unmet(judged(downstream_kpa=flat(12.0))) == ["outlet pressure 12 kPa, allowed at least 30 kPa"]
    assert unmet(judged(probe_temp_c=Span(12.0, 20.0, 16.0))) == [
        "change of the water temperature 8 K, allowed at most 5 K"
    ]
