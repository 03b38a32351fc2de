"""The uncertainty budget, contribution by contribution, against figures worked out by hand."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.bench.uncertainty import ReferenceData, VolumeConditions, error_budget

RIG = ReferenceData(
    dead_volume_l=0.6,
    line_compliance_ml_kpa=0.1,
    reproducibility_percent=0.03,
    water_density_percent=0.015,
    cover_opening_m2=100e-6,
)
Q1 = VolumeConditions(
    weighed_g=1000.0, duration_s=2194.0, flow_l_h=1.640625, water_temp_c=20.0, temp_drift_k=0.1, pressure_span_kpa=2.0,
    leak_rate_kpa_min=0.2, pulse_volume_l=1e-4, indicated_l=1.003, balance_u_g=0.3, readability_g=0.1,
    thermometer_u_k=0.05, diverter_u_s=0.005, time_base_u_percent=1e-4, air_density_kg_m3=1.2,
)  # fmt: skip

# What each source gives in per cent of 1 kg at Q1, worked out by hand from iso4064.md 3.4.
BY_HAND = {
    "weighing, two readings": 0.021213,  # 0.3/2 sqrt2 of 1000 g
    "resolution of the balance, two readings": 0.0040825,  # 0.1/sqrt6
    "drops and film": 0.0057735,  # 0.1/sqrt3
    "evaporation": 0.00065,  # 1e-4 m2, 0.185 kg/m2/h, 0.61 h: 11 mg, over sqrt3
    "air density": 0.00175,  # 0.02 kg/m3 of 1/998 - 1/8000 a kg/m3
    "water temperature at the meter": 0.000789,  # hypot(0.025, 0.05/sqrt3) K, 207 ppm/K
    "water density": 0.015,
    "pressure at the meter": 0.000265,  # 0.01/sqrt3 MPa, 459 ppm/MPa
    "diverter timing": 0.000114,  # 2.5 ms of 2194 s
    "gate's time base": 0.00005,
    "water between meter and diverter": 0.000860,  # 0.6 L, 0.12/sqrt3 K, 207 ppm/K, of 1 L
    "water stored in the line": 0.011547,  # 2/sqrt3 kPa, 0.1 mL/kPa, of 1 L
    "undetected leak": 0.04223,  # 0.2 kPa/min, 0.1 mL/kPa: 0.02 mL/min of 27.34, over sqrt3
    "reproducibility of the rig": 0.03,
    "counting of test pulses": 0.0040825,  # 0.1 mL/sqrt6 of 1 L
}


def expanded(seen: VolumeConditions, rig: ReferenceData = RIG) -> float:
    return error_budget("Q1", "1", seen, rig).expanded_uncertainty_percent


def test_every_contribution_by_hand() -> None:
    """Each contribution of a worked example at Q1 is the figure worked out by hand within 2 %; none is missing."""
    budget = error_budget("Q1", "1", Q1, RIG)
    assert {part.name: part.percent for part in budget.contributions} == {
        name: pytest.approx(percent, rel=0.02) for name, percent in BY_HAND.items()
    }
    assert all(part.percent == abs(part.sensitivity) * part.standard_uncertainty for part in budget.contributions)


def test_the_sum_of_squares_and_k() -> None:
    """U is twice the root of the sum of the squares, 0.119 % here, far below MPE/3 = 1.67 %."""
    budget = error_budget("Q1", "1", Q1, RIG)
    assert budget.standard_uncertainty_percent == pytest.approx(
        math.sqrt(sum(part.percent**2 for part in budget.contributions))
    )
    assert budget.coverage_factor == 2.0
    assert budget.expanded_uncertainty_percent == 2.0 * budget.standard_uncertainty_percent
    assert budget.expanded_uncertainty_percent == pytest.approx(0.1194, rel=0.002)


WORSE = ("temp_drift_k", "pressure_span_kpa", "leak_rate_kpa_min", "pulse_volume_l", "balance_u_g", "readability_g",
         "thermometer_u_k", "temp_shift_k", "diverter_u_s", "time_base_u_percent")  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(WORSE), st.floats(1.0, 1e3))
def test_a_worse_instrument_never_makes_u_smaller(name: str, factor: float) -> None:
    """Anything that is less well known makes U larger or leaves it, never smaller."""
    assert expanded(replace(Q1, **{name: getattr(Q1, name) * factor})) >= expanded(Q1)


def test_u_grows_without_limit() -> None:
    """Each certificate counts: ten thousand times worse, it shows in U."""
    for name in ("balance_u_g", "thermometer_u_k", "diverter_u_s", "time_base_u_percent", "leak_rate_kpa_min"):
        assert expanded(replace(Q1, **{name: getattr(Q1, name) * 10_000.0})) > 1.005 * expanded(Q1)


def test_a_meter_far_from_the_probe_is_less_well_known() -> None:
    """5 K between probe and meter, told by sensors without a certificate: 5 K/sqrt3 of 207 ppm/K."""
    far = error_budget("Q1", "1", replace(Q1, temp_shift_k=-5.0), RIG)
    (part,) = (part for part in far.contributions if part.name == "water temperature at the meter")
    assert part.percent == pytest.approx(0.0598, rel=0.01)


def test_each_collection_adds_its_own() -> None:
    """Nine parts of one volume: steps, drops and pulses three times, the dead volume, always the same way, nine times.

    The weighing itself is given for the sum.
    """

    def parts(seen: VolumeConditions) -> dict[str, float]:
        return {part.name: part.percent for part in error_budget("Q1", "1", seen, RIG).contributions}

    one, nine = parts(Q1), parts(replace(Q1, collections=9))
    factors = {name: nine[name] / one[name] for name in one}
    by_itself = {"resolution of the balance, two readings", "drops and film", "counting of test pulses"}
    for name, factor in factors.items():
        expected = 3.0 if name in by_itself else 9.0 if name == "water between meter and diverter" else 1.0
        assert factor == pytest.approx(expected), name


def test_a_rising_pressure_is_as_bad_as_a_falling_one() -> None:
    """The tightness test counts by its size; a perfect one still stands for what it cannot resolve."""
    assert expanded(replace(Q1, leak_rate_kpa_min=-0.2)) == expanded(Q1)
    perfect = error_budget("Q1", "1", replace(Q1, leak_rate_kpa_min=0.0), RIG)
    assert next(part.percent for part in perfect.contributions if part.name == "undetected leak") > 0.0


@pytest.mark.parametrize("name", [each.name for each in fields(VolumeConditions)])
def test_what_is_not_known_leaves_no_uncertainty(name: str) -> None:
    """NaN in anything that a contribution rests on makes U NaN, with which nothing is PASS."""
    stated_only = {"indicated_l", "air_density_kg_m3"}
    assert math.isnan(expanded(replace(Q1, **{name: math.nan}))) == (name not in stated_only)


@pytest.mark.parametrize("name", [each.name for each in fields(ReferenceData)])
def test_a_rig_that_is_not_known_leaves_no_uncertainty(name: str) -> None:
    """So does NaN in what the laboratory states of its rig."""
    assert math.isnan(expanded(Q1, replace(RIG, **{name: math.nan})))
