"""The pure parts of the draw profile: splitting draws over tank fillings, and the weighted MPE."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import Rating
from meterbench.procedures import edition
from meterbench.procedures.draw_profile import _weighted_mpe, split
from meterbench.procedures.flow_trace import Draw, Stretch

EDITION = edition.load("2014")
METER = Nameplate("1", Designation(15, 1, 1), Rating(15, Decimal("2.5"), 1600))  # Q1 1.5625, Q2 2.5 L/h

DRAWS = st.lists(
    st.builds(
        lambda stretches: Draw(tuple(Stretch(*each) for each in stretches)),
        st.lists(st.tuples(st.floats(0.5, 2000.0), st.just(0.0) | st.floats(1.0, 3000.0)), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=50)
@given(DRAWS, st.floats(1.0, 90.0))
def test_splitting_keeps_all_water_and_time(draws: list[Draw], room_l: float) -> None:
    """The parts hold the draws' volume and duration in order, none holds more than the tank, none is empty."""
    parts = split(draws, room_l)
    assert all(parts)
    pieces = [piece for part in parts for piece in part]
    assert math.fsum(piece.volume_l for piece in pieces) == pytest.approx(math.fsum(d.volume_l for d in draws))
    assert math.fsum(piece.duration_s for piece in pieces) == pytest.approx(math.fsum(d.duration_s for d in draws))
    assert max(math.fsum(draw.volume_l for draw in part) for part in parts) <= room_l * (1.0 + 1e-9)
    assert all(stretch.duration_s >= 0.0 for piece in pieces for stretch in piece.stretches)
    flows = [s.flow_l_h for draw in draws for s in draw.stretches if s.flow_l_h]
    played = [s.flow_l_h for piece in pieces for s in piece.stretches if s.flow_l_h and s.duration_s]
    assert [flow for n, flow in enumerate(played) if n == 0 or flow != played[n - 1]] == [
        flow for n, flow in enumerate(flows) if n == 0 or flow != flows[n - 1]
    ]


def test_draws_that_fit_together_stay_together() -> None:
    """Two draws of 40 L share a tank of 80 L, the third gets its own; a draw of 100 L alone is cut."""
    draw = Draw((Stretch(60.0, 2400.0),))
    assert split([draw] * 3, 80.0) == [[draw, draw], [draw]]
    large = Draw((Stretch(150.0, 2400.0),))
    assert [[piece.volume_l for piece in part] for part in split([large], 80.0)] == [
        [pytest.approx(80.0)],
        [pytest.approx(20.0)],
    ]


@pytest.mark.parametrize(
    ("stretches", "temp_c", "mpe"),
    [
        ([(3600.0, 100.0)], 20.0, 2.0),
        ([(3600.0, 2.5)], 20.0, 2.0),  # Q2 itself is upper zone
        ([(3600.0, math.nextafter(2.5, 0.0))], 20.0, 5.0),
        ([(3600.0, 1.0)], 20.0, 5.0),  # below Q1: the lower zone's
        ([(3600.0, 2.0), (72.0, 100.0)], 20.0, 3.5),  # 2 L and 2 L
        ([(3600.0, 2.0), (216.0, 100.0)], 20.0, 2.75),  # 2 L and 6 L
        ([(3600.0, 2.0), (500.0, 0.0), (72.0, 100.0)], 20.0, 3.5),  # a pause weighs nothing
        ([(3600.0, 100.0)], 45.0, 3.0),
        ([(3600.0, 100.0)], 30.04, 2.0),  # within the thermometer's uncertainty of 30: strict
    ],
)
def test_the_mpe_is_weighted_by_volume(stretches: list[tuple[float, float]], temp_c: float, mpe: float) -> None:
    """Each zone's MPE counts by the litres drawn in it, at the flow of the trace and the temperature of the water."""
    draw = Draw(tuple(Stretch(*each) for each in stretches))
    assert _weighted_mpe(EDITION, METER, [draw], temp_c, 0.05) == pytest.approx(mpe)
