"""Recorded flow traces: reading them, and cutting them into draws that a rig can play.

Two forms, blank-, comma- or semicolon-separated, a header line is allowed: ``unix-seconds value`` (one sample a second
while water runs; a gap does not mean flow) and ``start value end`` (constant from start to end, unix seconds).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from meterbench.bench.bench import LINE_LIMITS_L_H
from meterbench.errors import ConfigError

FLOW_UNITS_L_H = {"L/h": 1.0, "L/min": 60.0, "mL/s": 3.6, "L/s": 3600.0, "m3/h": 1000.0}
"""What a trace's value may be; ``L`` besides, for the start-value-end form: litres in the interval."""
SAMPLE_S = 1.0
"""A sample stands for one second."""
JITTER_S = 0.2
"""Samples may come that much early; more often than that, water would count twice."""
HIGHEST_L_H = LINE_LIMITS_L_H[-1][1]
LONGEST_PAUSE_S = 5.0
"""A longer pause ends a draw."""
_SPLIT = re.compile(r"[\s,;]+")
_HEADER_FIELDS = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Stretch:
    """Constant flow for some time."""

    duration_s: float
    flow_l_h: float


@dataclass(frozen=True, slots=True)
class Draw:
    """One use of water: stretches without a long pause."""

    stretches: tuple[Stretch, ...]

    @property
    def volume_l(self) -> float:
        return math.fsum(each.flow_l_h * each.duration_s for each in self.stretches) / 3600.0

    @property
    def duration_s(self) -> float:
        return math.fsum(each.duration_s for each in self.stretches)

    @property
    def peak_l_h(self) -> float:
        return max(each.flow_l_h for each in self.stretches)


def read_trace(path: Path, unit: str) -> list[Draw]:
    """The draws of a trace file; ``ConfigError`` names the line that cannot be meant."""
    if unit != "L" and unit not in FLOW_UNITS_L_H:
        raise ConfigError(
            f"--flow-unit {unit!r}; allowed: {', '.join(FLOW_UNITS_L_H)}, and L for start-value-end traces"
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"cannot read the trace {path}: {reason}") from error
    intervals: list[tuple[float, float, float]] = []
    for number, line in enumerate(lines, start=1):
        fields = _numbers(line)
        if fields is None:
            if number == 1 and not any(_numbers(word) for word in _words(line)):
                continue  # a header; with a number in it, it is rather a first sample that is spoiled
            raise ConfigError(f"{path}, line {number}: {line.strip()[:60]!r} is not numbers")
        if fields:
            intervals.append(_interval(fields, unit, f"{path}, line {number}", intervals))
    draws = _cut(_superposed(intervals))
    peak_l_h = max((draw.peak_l_h for draw in draws), default=0.0)
    if peak_l_h > HIGHEST_L_H:
        raise ConfigError(
            f"{path}: it draws {peak_l_h:g} L/h; the rig regulates up to {HIGHEST_L_H:g}; is --flow-unit right?"
        )
    if not draws:
        raise ConfigError(f"{path}: no water runs in this trace")
    return draws


def _numbers(line: str) -> list[float] | None:
    """The numbers of a line, [] for a blank one, None if it is something else."""
    try:
        return [float(word) for word in _words(line)]
    except ValueError:
        return None


def _words(line: str) -> list[str]:
    return [word for word in _SPLIT.split(_HEADER_FIELDS.sub("header", line.strip())) if word]


def _interval(
    fields: Sequence[float], unit: str, where: str, before: Sequence[tuple[float, float, float]]
) -> tuple[float, float, float]:
    """Start, end (unix seconds) and flow in L/h of one line."""
    if len(fields) not in (2, 3):
        raise ConfigError(f"{where}: {len(fields)} columns; a trace has time and value, or start, value and end")
    if not all(math.isfinite(field) for field in fields) or fields[1] < 0.0:
        raise ConfigError(f"{where}: value {fields[1]:g}; a flow is a finite number, zero or more")
    start_s, value = fields[0], fields[1]
    end_s = fields[2] if len(fields) == 3 else start_s + SAMPLE_S
    if end_s <= start_s:
        raise ConfigError(f"{where}: it ends at {end_s:.0f}, before it starts at {start_s:.0f}")
    if unit == "L" and len(fields) == 2:
        raise ConfigError(f"{where}: --flow-unit L is for start-value-end traces; samples are a flow, as mL/s")
    if before and start_s < before[-1][0]:
        raise ConfigError(f"{where}: time goes back from {before[-1][0]:.0f} to {start_s:.0f}")
    if len(fields) == 2 and before and start_s < before[-1][1] - JITTER_S:
        raise ConfigError(f"{where}: overlaps the line before; a sample stands for {SAMPLE_S:g} s")
    flow_l_h = value * 3600.0 / (end_s - start_s) if unit == "L" else value * FLOW_UNITS_L_H[unit]
    return start_s, end_s, flow_l_h


def _superposed(intervals: Sequence[tuple[float, float, float]]) -> Sequence[tuple[float, float, float]]:
    """Two uses at the same time (start-value-end traces) are one flow: their sum, from edge to edge."""
    if all(later[0] >= earlier[1] - JITTER_S for earlier, later in pairwise(intervals)):
        return intervals
    edges = sorted({edge for start_s, end_s, _ in intervals for edge in (start_s, end_s)})
    waiting, running = list(reversed(intervals)), list[tuple[float, float, float]]()
    pieces = []
    for from_s, to_s in pairwise(edges):
        while waiting and waiting[-1][0] <= from_s:
            running.append(waiting.pop())
        running = [each for each in running if each[1] > from_s]
        if running:
            pieces.append((from_s, to_s, math.fsum(flow_l_h for _, _, flow_l_h in running)))
    return pieces


def _cut(intervals: Sequence[tuple[float, float, float]]) -> list[Draw]:
    draws: list[Draw] = []
    stretches: list[Stretch] = []
    last_end_s = -math.inf
    for start_s, end_s, flow_l_h in intervals:
        if flow_l_h == 0.0:
            continue
        if start_s - last_end_s > LONGEST_PAUSE_S and stretches:
            draws.append(Draw(tuple(stretches)))
            stretches = []
        if stretches and start_s > last_end_s:
            stretches.append(Stretch(start_s - last_end_s, 0.0))
        stretches.append(Stretch(end_s - start_s, flow_l_h))
        last_end_s = end_s
    if stretches:
        draws.append(Draw(tuple(stretches)))
    return draws
