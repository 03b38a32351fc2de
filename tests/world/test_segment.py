"""Segments and courses: what they refuse, and what they hand out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from meterbench.world.segment import Course, Segment

EDGES_S = np.array([0.0, 1.5, 4.0])
FLOWS_L_H = np.array([100.0, -20.0])
TEMPS_C = np.array([20.0, 30.0])
PRESSURES_MPA = np.array([0.5, 0.4])


def test_volume_is_flow_times_time() -> None:
    """36 L/h for 100 s are 1 L; the volume has the sign of the flow."""
    segment = Segment(5.0, 100.0, -36.0, 20.0, 0.5)
    assert segment.end_s == 105.0
    assert segment.volume_l == pytest.approx(-1.0, rel=1e-15)


def test_a_segment_is_clear_water_unless_told_otherwise() -> None:
    """Full pipe, no bubbles of either kind."""
    segment = Segment(0.0, 1.0, 1.0, 20.0, 0.5)
    assert (segment.fill, segment.bubbles, segment.microbubbles) == (1.0, 0.0, 0.0)


def test_a_course_is_its_segments() -> None:
    """Each segment has its own edges, flow, temperature and pressure, as plain numbers, and follows without a gap."""
    course = Course(EDGES_S, FLOWS_L_H, TEMPS_C, PRESSURES_MPA)
    assert course.segment(0) == Segment(0.0, 1.5, 100.0, 20.0, 0.5)
    assert course.segment(1) == Segment(1.5, 2.5, -20.0, 30.0, 0.4)
    assert type(course.segment(1).flow_l_h) is float
    assert course.segment(0).end_s == course.segment(1).start_s


@pytest.mark.parametrize(
    "edges_s",
    [
        [],
        [0.0],
        [0.0, 0.0, 1.0],
        [0.0, 2.0, 1.0],
        [0.0, math.nan, 1.0],
        [0.0, 1.0, math.inf],
        [-math.inf, 0.0, 1.0],
    ],
    ids=["none", "one", "twice the same", "falling", "NaN", "no end", "no beginning"],
)
def test_edges_must_rise(edges_s: list[float]) -> None:
    """Fewer than two edges, edges that do not rise, and edges that are never reached are refused."""
    with pytest.raises(ValueError, match="two finite edges at least"):
        Course(np.array(edges_s), FLOWS_L_H, TEMPS_C, PRESSURES_MPA)


@pytest.mark.parametrize("name", ["flow_l_h", "water_temp_c", "pressure_mpa"])
@pytest.mark.parametrize(
    "given",
    [[1.0], [1.0, 2.0, 3.0], [1.0, math.nan], [math.inf, 1.0], [[1.0, 2.0]]],
    ids=["too few", "too many", "NaN", "infinite", "two-dimensional"],
)
def test_each_segment_needs_its_figures(name: str, given: list[float]) -> None:
    """A series of another shape, or with a figure that is none, is refused by its name."""
    series = {"flow_l_h": FLOWS_L_H, "water_temp_c": TEMPS_C, "pressure_mpa": PRESSURES_MPA}
    with pytest.raises(ValueError, match=f"2 finite numbers in {name}"):
        Course(EDGES_S, **{**series, name: np.array(given)})


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_s": -5.0},
        {"duration_s": 0.0},
        {"duration_s": math.nan},
        {"flow_l_h": math.inf},
        {"water_temp_c": math.nan},
        {"fill": 2.0},
        {"fill": -0.1},
        {"bubbles": -1.0},
        {"bubbles": math.nan},
        {"microbubbles": 1.0},
    ],
)
def test_a_segment_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """Time does not run back, and parts lie between nothing and all."""
    good = {"start_s": 0.0, "duration_s": 1.0, "flow_l_h": 1.0, "water_temp_c": 20.0, "pressure_mpa": 0.5}
    with pytest.raises(ValueError, match="a segment lasts more than 0 s"):
        Segment(**(good | wrong))


def test_a_course_of_lists_is_refused() -> None:
    """A list is no array: said so, instead of failing somewhere inside."""
    with pytest.raises(ValueError, match="made of arrays"):
        Course([0.0, 1.0], [1.0], [20.0], [0.5])  # type: ignore[arg-type]
