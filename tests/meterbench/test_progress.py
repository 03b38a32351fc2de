"""What is told while a programme runs, line by line, and the time that is left."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from meterbench.progress import Progress, clock_text
from meterbench.world.clock import VirtualClock

DAY_S = 86_400.0
ROW: dict[str, Any] = {
    "meter": "1", "condition": "after", "flow_point": "Q1", "quantity": "error_of_indication", "value": 0.5,
    "unit": "%", "expanded_uncertainty": 0.1, "verdict": "PASS", "reason": "",
}  # fmt: skip
CONCLUSION: dict[str, Any] = {
    "clause": "7.4", "title": "Intrinsic error", "meter": "1", "verdict": "PASS", "reasons": [], "requirements": [],
}  # fmt: skip


class Shown:
    """A progress that writes into a pipe, and its station's clock."""

    def __init__(self, *, by_clause: bool = False) -> None:
        self._out = io.StringIO()
        self.clock = VirtualClock(lambda _: True)
        self.progress = Progress(Console(file=self._out, width=200), by_clause=by_clause)
        self.progress.pytest_meterbench_opened(Path("run"), self.clock)
        self.lines()

    def tell(self, kind: str, **body: Any) -> list[str]:
        """What a line of the record makes of it."""
        self.progress.pytest_meterbench_line(kind, body)
        return self.lines()

    def lines(self) -> list[str]:
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text.splitlines()


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0.0, "0:00"),
        (83.0, "1:23"),
        (3723.0, "1:02:03"),
        (86_399.4, "23:59:59"),
        (86_399.6, "1 d 00:00"),
        (DAY_S, "1 d 00:00"),
        (31 * DAY_S + 4 * 3600.0 + 12 * 60.0, "31 d 04:12"),
        (2 * DAY_S - 20.0, "2 d 00:00"),
    ],
)
def test_clock_text(duration_s: float, text: str) -> None:
    """Seconds up to a day; then days, hours and minutes."""
    assert clock_text(duration_s) == text


def test_a_verification_tells_every_result() -> None:
    """As it is measured, PASS or not."""
    assert "error of indication +0.500 %  U 0.100 %  PASS" in Shown().tell("measurement", **ROW)[0]


def test_a_programme_of_clauses_tells_conclusions_and_what_is_not_pass() -> None:
    """Hundreds of good results would hide the few that are not."""
    shown = Shown(by_clause=True)
    assert shown.tell("measurement", **ROW) == []
    (bad,) = shown.tell("measurement", **ROW | {"verdict": "FAIL", "reason": "+7 % is outside ±6 %"})
    assert bad == "  1 after Q1     error of indication +0.500 %  U 0.100 %  FAIL: +7 % is outside ±6 %"
    assert shown.tell("clause_verdict", **CONCLUSION) == ["7.4 Intrinsic error, meter 1: PASS"]
    (failed,) = shown.tell("clause_verdict", **CONCLUSION | {"verdict": "FAIL", "reasons": ["Q1", "Q2"]})
    assert failed == "7.4 Intrinsic error, meter 1: FAIL: Q1; Q2"


@pytest.mark.parametrize("by_clause", [False, True])
def test_what_is_only_reported_is_not_told(by_clause: bool) -> None:
    """It stands in the record."""
    row = ROW | {"verdict": "NOT_RUN", "reason": "reported, not judged"}
    assert Shown(by_clause=by_clause).tell("measurement", **row) == []


def test_one_line_a_day_where_there_is_no_bar() -> None:
    """37 days of chunks of six hours: 36 lines, each with the time that is left of what was planned."""
    shown = Shown()
    steps = [{"step": "durability", "bench_seconds": 37 * DAY_S}, {"step": "rest", "bench_seconds": 3600.0}]
    assert shown.tell("plan", steps=steps) == ["About 37 d 01:00 of bench time ahead"]
    told: list[str] = []
    for chunk in range(4 * 37):
        told += shown.tell("step_started", step=f"durability/chunk {chunk}")
        shown.clock.sleep(6 * 3600.0)
        told += shown.tell("step_finished", step=f"durability/chunk {chunk}", verdict="PASS")
    assert len(told) == 36
    assert told[0] == "Day 2: durability/chunk 4, 36 d 01:00 left"
    assert told[-1] == "Day 37: durability/chunk 144, 1 d 01:00 left"


def test_a_part_that_took_another_time_than_planned_does_not_shift_the_others() -> None:
    """A test of an hour is over after ten minutes, the next takes three days instead of two."""
    shown = Shown()
    plan = [("short", 3600.0), ("long", 2 * DAY_S), ("last", DAY_S)]
    shown.tell("plan", steps=[{"step": name, "bench_seconds": seconds} for name, seconds in plan])
    shown.tell("step_started", step="short/a")
    shown.clock.sleep(600.0)
    shown.tell("step_started", step="long/a")
    shown.clock.sleep(3 * DAY_S - 600.0)
    assert shown.tell("step_started", step="long/b") == ["Day 4: long/b, 1 d 00:00 left"]
    shown.clock.sleep(DAY_S)
    assert shown.tell("step_started", step="last") == ["Day 5: last, 1 d 00:00 left"]
