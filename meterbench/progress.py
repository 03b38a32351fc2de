"""What a person sees while a programme runs: where it is, the results as they come, and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
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


class _Bar(Bar):
    """Reads the station's clock whenever it is drawn: watching must not disturb the run."""

    def __init__(self, console: Console) -> None:
        self.clock: Clock | None = None
        self._started_s = 0.0
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

    def follow(self, clock: Clock) -> None:
        """From now on the bar shows how far ``clock`` has come."""
        self.clock = clock
        self._started_s = clock.now_s()

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.clock is not None:
            self.tasks[0].completed = self.clock.now_s() - self._started_s
        return super().get_renderables()


class Progress:
    """A pytest plugin that shows the run's lines as they are recorded. Without a terminal, plain lines."""

    def __init__(self, console: Console) -> None:
        self.first_error: BaseException | None = None
        """What was raised first: without a record it is all that there is to say."""
        self.view_error = ""
        """Why pytest broke off: it does so when one of its own reports cannot be written."""
        self.closed = False
        """True once this session has closed its record."""
        self.on_closed: Callable[[], None] = lambda: None
        """Called when this session's record is closed: what is left are reports."""
        self._console = console
        self._bar = _Bar(console)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def pytest_meterbench_opened(self, folder: Path, clock: Clock) -> None:
        """The station is open."""
        self._bar.follow(clock)
        self._say(f"Station open, record in {folder}")

    def pytest_meterbench_line(self, kind: str, body: Mapping[str, Any]) -> None:
        """A line was recorded."""
        if kind == "plan":
            total_s = sum(step["bench_seconds"] for step in body["steps"])
            self._bar.update(self._bar.task_id, total=total_s)
            self._say(f"About {clock_text(total_s)} of bench time ahead")
        elif kind == "step_started":
            self._bar.update(self._bar.task_id, description=body["step"])
        elif kind == "measurement":
            where = " ".join(part for part in (body["meter"], body["flow_point"]) if part)
            value = "no value" if body["value"] is None else f"{body['value']:+.3f} {body['unit']}"
            u = body["expanded_uncertainty"]
            uncertainty = "" if u is None else f"  U {u:.3f} {body['unit']}"
            self._say(
                f"  {where:<14} {body['quantity'].replace('_', ' ')} {value}{uncertainty}  ",
                body["verdict"],
                body["reason"],
            )
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

    def _say(self, text: str, verdict: str = "", reason: str = "") -> None:
        line = Text(text)
        if verdict:
            line.append(verdict, style=VERDICT_STYLE[verdict])
        if reason:
            line.append(f": {reason}")
        self._console.print(line, soft_wrap=True)


def clock_text(duration_s: float) -> str:
    """``1:02:03`` or ``2:03``."""
    seconds = round(duration_s)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
