"""Cuts a course into what is lived through in closed form and what shot by shot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.measuring.transit import Stretches
from meterbench.world.segment import Course, Segment

DAY_S = 86_400.0
SAME_INSTANT_S = 1e-6


def midnights_s(course: Course) -> Array:
    """The midnights within a course: the zero drifts from day to day."""
    first, last = course.edges_s[0], course.edges_s[-1]
    return np.arange(np.ceil(first / DAY_S), np.floor(last / DAY_S) + 1.0) * DAY_S


def with_edges(course: Course, at_s: Array) -> Course:
    """The same course with more edges, all of them within it."""
    edges_s = np.union1d(course.edges_s, at_s)
    if len(edges_s) == len(course.edges_s):
        return course
    source = np.searchsorted(course.edges_s, edges_s[:-1], side="right") - 1
    return Course(edges_s, course.flow_l_h[source], course.water_temp_c[source], course.pressure_mpa[source])


def split_segment(segment: Segment, at_s: float) -> tuple[Segment, Segment | None]:
    """What comes before a time and what after; nothing after if the segment ends there, or before."""
    if at_s >= segment.end_s - SAME_INSTANT_S:
        return segment, None
    return (
        replace(segment, duration_s=at_s - segment.start_s),
        replace(segment, start_s=at_s, duration_s=segment.end_s - at_s),
    )


def after(segment: Segment, at_s: float) -> Segment | None:
    """What of a segment comes after a time."""
    if at_s >= segment.end_s - SAME_INSTANT_S:
        return None
    return segment if at_s <= segment.start_s else split_segment(segment, at_s)[1]


def split(course: Course, at_s: float) -> tuple[Course, Course | None]:
    """What comes before a time and what after; nothing after if the course ends there, or before."""
    if at_s >= course.edges_s[-1] - SAME_INSTANT_S:
        return course, None
    course = with_edges(course, np.array([at_s]))
    edge = int(np.searchsorted(course.edges_s, at_s))

    def part(edges: slice, pieces: slice) -> Course:
        water = (course.flow_l_h[pieces], course.water_temp_c[pieces], course.pressure_mpa[pieces])
        return Course(course.edges_s[edges], *water)

    return part(slice(edge + 1), slice(edge)), part(slice(edge, None), slice(edge, None))


def runs(certain: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and end of each run of equal values."""
    edges = np.flatnonzero(np.diff(certain)) + 1
    return zip([0, *edges.tolist()], [*edges.tolist(), len(certain)], strict=True)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Segments ``first`` to ``end`` of a course, counted in measuring cycles."""

    course: Course
    stretches: Stretches
    drift_ps: Array
    first: int
    end: int

    @property
    def total(self) -> int:
        """Cycles of the run."""
        return int(self.stretches.cycles[self.first : self.end].sum())

    def _cycles(self, first: int, end: int) -> NDArray[np.int64]:
        """How many cycles of each segment lie between two cycles of the run."""
        edges = np.concatenate(([0], np.cumsum(self.stretches.cycles[self.first : self.end])))
        return np.diff(np.clip(edges, first, end))

    def segments(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Index in the course, and cycles, of each segment between two cycles of the run."""
        cycles = self._cycles(first, end)
        for index in np.flatnonzero(cycles).tolist():
            yield self.first + index, int(cycles[index])

    def between(self, first: int, end: int) -> Stretches:
        """The stretches between two cycles of the run."""
        cycles = self._cycles(first, end)
        part = np.flatnonzero(cycles)
        inside, whole = self.first + part, self.stretches
        return replace(
            whole,
            cycles=cycles[part],
            mean_dt_ps=whole.mean_dt_ps[inside],
            t_up_s=whole.t_up_s[inside],
            t_dn_s=whole.t_dn_s[inside],
            chance=whole.chance[:, inside],
        )
