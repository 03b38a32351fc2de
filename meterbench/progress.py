"""What a person sees while a programme runs: where it is, the results as they come, and the time left.

A programme of clauses tells its conclusions, and of its hundreds of results those that are not PASS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from rich.console import Console, RenderableType
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from meterbench.tables import VERDICT_STYLE
from meterbench.world.clock import Clock

DAY_S = 86_400.0


class _TimeLeft(ProgressColumn):
    """Bench time left, and what that means by the clock of whoever waits here."""

    def __init__(self) -> None:
        super().__init__()
        self._started_s = time.monotonic()

    def render(self, task: Task) -> Text:
        if not task.total:
            return Text("")
        left_s = max(0.0, task.total - task.completed)
        text = f"{clock_text(left_s)} left"
        if task.completed > 0.0:
            elapsed_s = time.monotonic() - self._started_s
            text += f" (wall {clock_text(left_s * elapsed_s / task.completed)})"
        return Text(text, style="cyan", no_wrap=True)


class _Plan:
    """What is ahead, and how far it has come: each part advances by bench time, as far as it was estimated."""

    def __init__(self, steps: Sequence[Mapping[str, Any]] = ()) -> None:
        self._parts = [(str(step["step"]), float(step["bench_seconds"])) for step in steps]
        self._current = 0
        self._began_s = 0.0

    @property
    def total_s(self) -> float:
        return sum(seconds for _, seconds in self._parts)

    def begin(self, now_s: float) -> None:
        """The first part begins."""
        self._began_s = now_s

    def started(self, step: str, now_s: float) -> None:
        """A step of the run has begun: those parts are over that come before the one that it belongs to."""
        for number in range(self._current + 1, len(self._parts)):
            name = self._parts[number][0]
            if step == name or step.startswith(f"{name}/"):
                self._current, self._began_s = number, now_s
                return

    def done_s(self, now_s: float) -> float:
        """Of the total."""
        if not self._parts:
            return 0.0
        before_s = sum(seconds for _, seconds in self._parts[: self._current])
        return before_s + min(max(0.0, now_s - self._began_s), self._parts[self._current][1])


class _Bar(Bar):
    """Reads the station's clock whenever it is drawn: watching must not disturb the run."""

    def __init__(self, console: Console) -> None:
        self.clock: Clock | None = None
        self._plan = _Plan()
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=18),
            TextColumn("{task.percentage:3.0f} %"),
            _TimeLeft(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task_id = self.add_task("opening the station", total=None)

    @property
    def now_s(self) -> float:
        """By the station's clock; 0 before it is open."""
        return 0.0 if self.clock is None else self.clock.now_s()

    def plan(self, steps: Sequence[Mapping[str, Any]]) -> float:
        """What is ahead from now on; its seconds of bench time."""
        self._plan = _Plan(steps)
        self._plan.begin(self.now_s)
        self.update(self.task_id, total=self._plan.total_s)
        return self._plan.total_s

    def step(self, name: str) -> None:
        """A step has begun."""
        self._plan.started(name, self.now_s)
        self.update(self.task_id, description=name)

    @property
    def left_s(self) -> float:
        """Bench time that is left of what was ahead."""
        return self._plan.total_s - self._plan.done_s(self.now_s)

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            task.completed = self._plan.done_s(self.now_s)
        return super().get_renderables()


class Progress:
    """A pytest plugin that shows the run's lines as they are recorded.

    Without a terminal, plain lines, and one more for each day of bench time.
    """

    def __init__(self, console: Console, *, by_clause: bool = False) -> None:
        """``by_clause``: the programme concludes clause by clause."""
        self.first_error: BaseException | None = None
        """What was raised first: without a record it is all that there is to say."""
        self.view_error = ""
        """Why pytest broke off: it does so when one of its own reports cannot be written."""
        self.closed = False
        """True once this session has closed its record."""
        self.on_closed: Callable[[], None] = lambda: None
        """Called when this session's record is closed: what is left are reports."""
        self._console = console
        self._by_clause = by_clause
        self._bar = _Bar(console)
        self._days = 0
        self._opened_s = 0.0

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def pytest_meterbench_opened(self, folder: Path, clock: Clock) -> None:
        """The station is open."""
        self._bar.clock = clock
        self._opened_s = clock.now_s()
        self._say(f"Station open, record in {folder}")

    def pytest_meterbench_line(self, kind: str, body: Mapping[str, Any]) -> None:
        """A line was recorded."""
        if kind == "plan":
            self._say(f"About {clock_text(self._bar.plan(body['steps']))} of bench time ahead")
        elif kind == "step_started":
            self._bar.step(body["step"])
            self._tell_the_day(body["step"])
        elif kind == "measurement" and body["verdict"] != "NOT_RUN":
            if not self._by_clause or body["verdict"] != "PASS":
                self._tell_result(body)
        elif kind == "clause_verdict":
            self._say(f"{body['clause']} {body['title']}, meter {body['meter']}: ", body["verdict"],
                      "; ".join(body["reasons"]))  # fmt: skip
        elif kind == "condition" and not body["met"]:
            self._say(f"  condition not met: {body['quantity']} ", "INVALID")
        elif kind == "run_closed":
            self.closed = True
            self.on_closed()
        elif kind == "event" and body["level"] != "info":
            self._say(f"  {body['text']}  ", "INVALID" if body["level"] == "warning" else "ERROR")

    def pytest_exception_interact(self, call: pytest.CallInfo[object]) -> None:
        """A test, a fixture or the collection of a file raised something."""
        if self.first_error is None and call.excinfo is not None:
            self.first_error = call.excinfo.value

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Keep the sentence; True: nobody else prints the traceback."""
        self.view_error = excinfo.exconly()
        return True

    def _tell_result(self, body: Mapping[str, Any]) -> None:
        where = " ".join(part for part in (body["meter"], body["condition"], body["flow_point"]) if part)
        value = "no value" if body["value"] is None else f"{body['value']:+.3f} {body['unit']}"
        u = body["expanded_uncertainty"]
        uncertainty = "" if u is None else f"  U {u:.3f} {body['unit']}"
        self._say(
            f"  {where:<14} {body['quantity'].replace('_', ' ')} {value}{uncertainty}  ",
            body["verdict"],
            body["reason"],
        )

    def _tell_the_day(self, step: str) -> None:
        """Where nobody sees the bar: that it goes on, once a day of bench time."""
        days = int((self._bar.now_s - self._opened_s) // DAY_S)
        if days > self._days and not self._console.is_terminal:
            self._days = days
            self._say(f"Day {days + 1}: {step}, {clock_text(self._bar.left_s)} left")

    def _say(self, text: str, verdict: str = "", reason: str = "") -> None:
        line = Text(text)
        if verdict:
            line.append(verdict, style=VERDICT_STYLE[verdict])
        if reason:
            line.append(f": {reason}")
        self._console.print(line, soft_wrap=True)


def clock_text(duration_s: float) -> str:
    """``2:03`` (minutes and seconds), ``1:02:03``, or from a day on ``31 d 04:12`` (hours and minutes)."""
    if duration_s >= DAY_S - 0.5:
        minutes = round(duration_s / 60.0)
        return f"{minutes // 1440} d {minutes // 60 % 24:02}:{minutes % 60:02}"
    seconds = round(duration_s)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
