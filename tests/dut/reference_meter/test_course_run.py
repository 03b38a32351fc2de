"""How a course is cut: nothing of its time and water is lost, and cycles fall where they belong."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.course_run import Run, after, midnights_s, runs, split, split_segment, with_edges
from meterbench.dut.reference_meter.metrology.measuring.transit import Stretches
from meterbench.world.segment import Course, Segment

DAY_S = 86_400.0
LENGTHS = st.lists(st.integers(1, 200_000), min_size=1, max_size=8)


def course_of(lengths: list[int], first_s: float = 0.0) -> Course:
    """Segments of so many seconds; flow, temperature and pressure tell which one it is."""
    index = np.arange(len(lengths), dtype=float)
    return Course(first_s + np.concatenate(([0.0], np.cumsum(lengths))), 100.0 + index, 10.0 + index, 0.3 + index / 100)


def water_at(course: Course, at_s: float) -> tuple[float, float, float]:
    """Looked up segment by segment."""
    for index in range(len(course.flow_l_h)):
        segment = course.segment(index)
        if segment.start_s <= at_s < segment.end_s:
            return segment.flow_l_h, segment.water_temp_c, segment.pressure_mpa
    raise AssertionError(f"{at_s} s lies outside")


@given(LENGTHS, st.integers(0, 400_000))
def test_midnights(lengths: list[int], first_s: int) -> None:
    """All multiples of a day within a course, those at its ends among them."""
    course = course_of(lengths, float(first_s))
    last_s = first_s + sum(lengths)
    assert midnights_s(course).tolist() == [at for at in range(0, last_s + 1, 86_400) if at >= first_s]


@given(LENGTHS, st.lists(st.integers(0, 1024).map(lambda part: part / 1024.0), max_size=10))
def test_more_edges_change_no_water(lengths: list[int], parts: list[float]) -> None:
    """Every old edge and every new one is there once, and between them the water is what it was."""
    course = course_of(lengths)
    total_s = float(sum(lengths))
    at_s = np.array([part * total_s for part in parts])
    finer = with_edges(course, at_s)
    assert finer.edges_s.tolist() == sorted({*course.edges_s.tolist(), *at_s.tolist()})
    for begin_s, end_s in zip(finer.edges_s, finer.edges_s[1:], strict=False):
        middle_s = (begin_s + end_s) / 2.0
        assert water_at(finer, middle_s) == water_at(course, middle_s)
    assert float((finer.flow_l_h * np.diff(finer.edges_s)).sum()) == pytest.approx(
        float((course.flow_l_h * np.diff(course.edges_s)).sum()), rel=1e-12
    )


@given(LENGTHS, st.floats(0.0, 1.1))
def test_a_split_course_is_the_same_course(lengths: list[int], part: float) -> None:
    """Both parts together have its edges and its water; there is no second part from its end on."""
    course = course_of(lengths)
    total_s = float(sum(lengths))
    at_s = max(part * total_s, 0.5)
    before, later = split(course, at_s)
    if at_s >= total_s - 1e-6:
        assert (before, later) == (course, None)
        return
    assert later is not None
    assert before.edges_s[-1] == later.edges_s[0] == at_s
    assert (before.edges_s[0], later.edges_s[-1]) == (0.0, total_s)
    for piece in (before, later):
        for begin_s, end_s in zip(piece.edges_s, piece.edges_s[1:], strict=False):
            middle_s = (begin_s + end_s) / 2.0
            assert water_at(piece, middle_s) == water_at(course, middle_s)


SEGMENT = Segment(100.0, 50.0, 33.0, 15.0, 0.4, fill=0.5, bubbles=0.1)


@given(st.floats(100.1, 149.9))
def test_a_split_segment_is_the_same_segment(at_s: float) -> None:
    """Time without a gap, and the same water with all its air."""
    before, later = split_segment(SEGMENT, at_s)
    assert later is not None
    assert (before.start_s, before.end_s, later.start_s) == (100.0, pytest.approx(at_s), at_s)
    assert later.end_s == pytest.approx(150.0, abs=1e-9)
    for piece in (before, later):
        assert (piece.flow_l_h, piece.water_temp_c, piece.pressure_mpa) == (33.0, 15.0, 0.4)
        assert (piece.fill, piece.bubbles, piece.microbubbles) == (0.5, 0.1, 0.0)
    assert before.volume_l + later.volume_l == pytest.approx(SEGMENT.volume_l, rel=1e-12)
    assert after(SEGMENT, at_s) == later


@pytest.mark.parametrize("at_s", [150.0, 150.0 - 5e-7, 151.0])
def test_nothing_comes_after_the_end(at_s: float) -> None:
    """Within a millionth of a second."""
    assert split_segment(SEGMENT, at_s) == (SEGMENT, None)
    assert after(SEGMENT, at_s) is None


@pytest.mark.parametrize("at_s", [99.0, 100.0])
def test_all_comes_after_the_beginning(at_s: float) -> None:
    assert after(SEGMENT, at_s) == SEGMENT


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_runs_of_equal_values(flags: list[bool]) -> None:
    """First and end of each, as grouping finds them."""
    expected, first = [], 0
    for _, group in groupby(flags):
        length = len(list(group))
        expected.append((first, first + length))
        first += length
    assert list(runs(np.array(flags))) == expected


@given(
    st.lists(st.one_of(st.just(0), st.integers(0, 60)), min_size=1, max_size=10),
    st.data(),
)
def test_cycles_of_a_run_fall_into_their_segments(cycles: list[int], data: st.DataObject) -> None:
    """Between any two cycles of any run: which segments they belong to and how many to each, counted one by one."""
    first = data.draw(st.integers(0, len(cycles) - 1))
    end = data.draw(st.integers(first + 1, len(cycles)))
    index = np.arange(len(cycles), dtype=float)
    chance = np.array([index, -index])
    stretches = Stretches(np.array(cycles, dtype=np.int64), index, 7.0, 1.0 + index, 2.0 + index, chance)
    run = Run(course_of([1] * len(cycles)), stretches, index, first, end)
    each = [number for number in range(first, end) for _ in range(cycles[number])]
    assert run.total == len(each)
    low = data.draw(st.integers(0, len(each)))
    high = data.draw(st.integers(low, len(each)))
    expected = [(number, len(list(group))) for number, group in groupby(each[low:high])]
    assert list(run.segments(low, high)) == expected
    part = run.between(low, high)
    assert part.cycles.tolist() == [count for _, count in expected]
    inside = [number for number, _ in expected]
    assert part.mean_dt_ps.tolist() == inside
    assert (part.t_up_s - 1.0).tolist() == (part.t_dn_s - 2.0).tolist() == inside
    assert part.chance.tolist() == [inside, [-number for number in inside]]
    assert part.sd_dt_ps == 7.0
