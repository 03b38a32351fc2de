"""Calibrations that no meter has are refused, with a message that names the figure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.calibration import Calibration, curve_at
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.type_data import type_calibration

PLAIN = Calibration(10.5e-3, 60e-3, 24e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"throat_m": 4.9e-3}, "throat_m is 0.0049"),
        ({"throat_m": 0.051}, "throat_m is 0.051"),
        ({"throat_m": -10.5e-3}, "throat_m is -0.0105"),
        ({"throat_m": math.nan}, "throat_m is nan"),
        ({"axial_m": 0.0}, "axial_m is 0.0"),
        ({"axial_m": 60.0}, "axial_m is 60.0"),
        ({"axial_m": math.inf}, "axial_m is inf"),
        ({"legs_m": -1e-3}, "legs_m is -0.001"),
        ({"legs_m": 0.21}, "legs_m is 0.21"),
        ({"legs_m": math.nan}, "legs_m is nan"),
        ({"expansion_per_k": -1e-6}, "expansion_per_k is -1e-06"),
        ({"expansion_per_k": 3e-4}, "expansion_per_k is 0.0003"),
        ({"expansion_per_k": math.nan}, "expansion_per_k is nan"),
        ({"delay_s": (6e-6, 0.0, 0.0)}, "delay_s is"),
        ({"delay_s": (-6e-6, 0.0, 0.0)}, "delay_s is"),
        ({"delay_s": (0.0, 1e-6, 0.0)}, "delay_s is"),
        ({"delay_s": (0.0, 0.0, 1e-8)}, "delay_s is"),
        ({"delay_s": (math.nan, 0.0, 0.0)}, "delay_s is"),
        ({"delay_s": (0.0, math.nan, 0.0)}, "delay_s is"),
        ({"delay_s": (0.0, 0.0, math.inf)}, "delay_s is"),
        ({"delay_s": (0.0, 0.0)}, "delay_s is"),
        ({"delay_s": (0.0, 0.0, 0.0, 0.0)}, "delay_s is"),
        ({"zero_offset_ps": (2001.0, 0.0, 0.0)}, "zero_offset_ps is"),
        ({"zero_offset_ps": (0.0, -110.0, 0.0)}, "zero_offset_ps is"),
        ({"zero_offset_ps": (0.0, 0.0, 10.0)}, "zero_offset_ps is"),
        ({"zero_offset_ps": (2000.0, 30.0, -1.0)}, "zero_offset_ps is"),
        ({"zero_offset_ps": (math.nan, 0.0, 0.0)}, "zero_offset_ps is"),
        ({"zero_offset_ps": ()}, "zero_offset_ps is"),
        ({"re_knots": (), "factors": ()}, "0 re_knots"),
        ({"re_knots": (1.0, 2.0)}, "2 re_knots need as many factors, not 1"),
        ({"factors": (1.0, 1.0)}, "1 re_knots need as many factors, not 2"),
        ({"re_knots": (2.0, 1.0), "factors": (1.0, 1.0)}, "re_knots must rise"),
        ({"re_knots": (1.0, 1.0), "factors": (1.0, 1.0)}, "re_knots must rise"),
        ({"re_knots": (0.0, 1.0), "factors": (1.0, 1.0)}, "re_knots must rise from above zero"),
        ({"re_knots": (-1.0,)}, "re_knots must rise from above zero"),
        ({"re_knots": (1.0, math.nan), "factors": (1.0, 1.0)}, "re_knots must rise"),
        ({"re_knots": (1.0, math.inf), "factors": (1.0, 1.0)}, "re_knots must rise"),
        ({"factors": (0.49,)}, "factors must lie between 0.5 and 2.0"),
        ({"factors": (2.01,)}, "factors must lie between"),
        ({"factors": (-1.0,)}, "factors must lie between"),
        ({"factors": (math.nan,)}, "factors must lie between"),
    ],
)
def test_a_figure_that_no_meter_has_is_refused(changes: dict[str, object], message: str) -> None:
    """Each figure out of its range, missing, NaN or infinite is refused by its name."""
    with pytest.raises(Refused, match=message):
        replace(PLAIN, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"throat_m": 5e-3, "axial_m": 0.02, "legs_m": 0.0, "expansion_per_k": 0.0},
        {"throat_m": 50e-3, "axial_m": 0.5, "legs_m": 0.2, "expansion_per_k": 2e-4},
        {"delay_s": (5e-6, 0.0, 0.0), "zero_offset_ps": (-2000.0, 0.0, 0.0)},
        {"factors": (0.5,)},
        {"factors": (2.0,)},
    ],
)
def test_the_bounds_themselves_are_allowed(changes: dict[str, object]) -> None:
    """What lies on a bound is not refused, and is kept as given."""
    kept = replace(PLAIN, **changes)
    assert {name: getattr(kept, name) for name in changes} == changes


@pytest.mark.parametrize("dn", [15, 20, 25])
def test_the_types_calibrations_are_meters(dn: int) -> None:
    """What the programme is loaded with names the drawing of metering.md 2.2 and is itself allowed."""
    drawing = {15: (10.5e-3, 60e-3, 24e-3), 20: (13.2e-3, 70e-3, 24e-3), 25: (16.6e-3, 85e-3, 24e-3)}[dn]
    told = type_calibration(dn)
    assert (told.throat_m, told.axial_m, told.legs_m) == drawing
    assert told.zero_offset_ps == told.delay_s == (0.0, 0.0, 0.0)


def test_there_is_no_other_diameter() -> None:
    """A diameter without a drawing has no calibration."""
    with pytest.raises(KeyError):
        type_calibration(32)


@example((1990.0, 30.0, -1.0))
@given(st.tuples(st.floats(-3000.0, 3000.0), st.floats(-100.0, 100.0), st.floats(-5.0, 5.0)))
def test_the_zero_stays_within_its_bound_at_every_temperature(curve: tuple[float, float, float]) -> None:
    """A zero that was not refused is within +-2000 ps from 0.1 to 50 degC, one that was is not, but for 1 ps of the
    grid of 0.01 K on which it is looked for."""
    largest_ps = float(np.abs(curve_at(curve, np.linspace(0.1, 50.0, 4991))).max())
    try:
        replace(PLAIN, zero_offset_ps=curve)
    except Refused:
        assert largest_ps > 1999.0
    else:
        assert largest_ps <= 2000.0 + 1e-9


def test_a_curve() -> None:
    """Constant, linear and square term above 20 degC; arrays as numbers."""
    assert curve_at((1.0, 2.0, 3.0), 20.0) == 1.0
    assert curve_at((1.0, 2.0, 3.0), 22.0) == 17.0
    assert curve_at((1.0, 2.0, 3.0), np.array([20.0, 18.0])).tolist() == [1.0, 9.0]
