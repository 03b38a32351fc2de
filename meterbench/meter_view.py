"""What a person sees of one meter alone: who it is, its display or a line with its registers, and its events."""

from __future__ import annotations

import math
import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from meterbench.dut.reference_meter.lcd_picture.terminal import terminal_picture
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology.interface import (
    TICKS_PER_S,
    Event,
    LogType,
    Registers,
    as_datetime,
)

EVENTS_EVERY_S = 1.0
FRAMES_EVERY_S = 1.0
LINES_EVERY_S = 10.0
"""Of wall time, where there is no terminal: a log must not grow with the speed."""
SLOW_S = 2.0
"""From here on somebody wants to know how long it will take."""
_BLINKING = "icon.FLOW"
_NO_HOUR = -1
"""Of a line that was not printed yet: the first one comes at once."""


def clock_text(clock_ticks: int) -> str:
    """Date and time of the meter's clock."""
    return f"{as_datetime(clock_ticks):%Y-%m-%d %H:%M:%S}"


def alarm_text(registers: Registers) -> str:
    """Names of the alarms, or that there is none."""
    return ", ".join(alarm.name or "" for alarm in registers.alarms).replace("_", " ").lower() or "none"


def print_meter(console: Console, meter: ReferenceMeter, water: str) -> None:
    """Who the meter is and how it is, as it has just been opened."""
    plate, registers, software = meter.nameplate, meter.registers(), meter.reading.software()
    external = registers.external_percent
    rows = {
        "type": f"{plate.designation}, {plate.rating}, class {plate.rating.accuracy_class}",
        "software": f"{software.identifier}, checksum {software.checksum}",
        "clock": f"{clock_text(registers.clock_ticks)} UTC" + ("" if registers.clock_valid else ", not valid"),
        "forward": _m3(registers.forward_nl),
        "reverse": _m3(registers.reverse_nl),
        "water": f"{_temp(registers)}; {water}",
        "mode": registers.mode.value,
        "alarms": alarm_text(registers),
        "battery": f"{registers.internal_percent} %, "
        + ("no external pack" if external is None else f"external pack {external} %"),
    }
    table = Table(title=f"Meter {plate.serial}", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows.items():
        style = "bold yellow" if name == "alarms" and registers.alarms else ""
        table.add_row(name, Text(text, style=style))
    console.print(table)


class Catching:
    """How far a meter has come in its history: shown once that has taken ``SLOW_S``."""

    def __init__(self, console: Console, total_h: float) -> None:
        self._bar = Progress(
            TextColumn("living through the history"),
            BarColumn(bar_width=18),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID = self._bar.add_task("", total=total_h)
        self._started_s = time.monotonic()
        self._shown = False

    def __enter__(self) -> Catching:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def lived(self, hours: float) -> None:
        """So many more."""
        self._bar.advance(self._task, hours)
        if not self._shown and time.monotonic() - self._started_s > SLOW_S:
            self._shown = True
            self._bar.start()


class View:
    """A meter at work. On a terminal the last lines are redrawn in place; elsewhere only what changes is printed."""

    def __init__(self, console: Console, meter: ReferenceMeter, *, display: bool) -> None:
        self._console = console
        self._meter = meter
        self._display = display
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._drawn = ""
        self._shown: frozenset[str] | None = None
        self._hour: int | None = _NO_HOUR
        self._next_print_s = self._next_events_s = -math.inf
        self._seen = dict.fromkeys(LogType, 0)
        self._new_events()

    def __enter__(self) -> View:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def look(self, wall_s: float) -> None:
        """See how the meter is now; ``wall_s`` is the observer's time, monotonic."""
        self._meter.look()
        if wall_s >= self._next_events_s:
            self._next_events_s = wall_s + EVENTS_EVERY_S
            for event in self._new_events():
                self._say(event_line(event))
        if self._live is not None:
            picture = self._picture()
            if picture != self._drawn:
                self._drawn = picture
                text = Text(picture, no_wrap=True, overflow="crop")
                text.highlight_regex("alarms: .*", "bold yellow")
                self._live.update(text, refresh=True)
        elif wall_s >= self._next_print_s:
            self._print_if_new(wall_s)

    def last_look(self) -> None:
        """See how it is at the end, whatever was printed a moment ago."""
        self.look(math.inf)

    def _print_if_new(self, wall_s: float) -> None:
        if self._display:
            shown = self._meter.lcd.lit - {_BLINKING}
            if shown != self._shown:
                self._shown, self._next_print_s = shown, wall_s + FRAMES_EVERY_S
                self._say(self._picture())
        elif (hour := self._hour_now()) != self._hour:
            self._hour, self._next_print_s = hour, wall_s + LINES_EVERY_S
            self._say(self._picture().replace("\n", "  "))

    def _hour_now(self) -> int | None:
        """Of the meter's clock; None while it is Off."""
        return self._meter.registers().clock_ticks // (3600 * TICKS_PER_S) if self._meter.powered else None

    def _picture(self) -> str:
        lines = [terminal_picture(self._meter.lcd.lit)] if self._display else []
        if self._meter.powered:
            registers = self._meter.registers()
            lines.append(register_line(registers))
            if registers.alarms:
                lines.append(f"alarms: {alarm_text(registers)}")
        else:
            lines.append("Off: no supply")
        return "\n".join(lines)

    def _new_events(self) -> list[Event]:
        """Those that no call has given yet, oldest first; none while the meter is Off."""
        if not self._meter.powered:
            return []
        events = [event for log in LogType for event in self._meter.reading.events(log)]
        new = [event for event in events if event.number > self._seen[event.log]]
        self._seen |= {event.log: event.number for event in new}
        return sorted(new, key=lambda event: event.clock_ticks)

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)


def register_line(registers: Registers) -> str:
    """The registers in one line."""
    return "  ".join(
        [
            clock_text(registers.clock_ticks),
            _m3(registers.forward_nl),
            f"{registers.flow_l_h:7.1f} L/h",
            _temp(registers),
            registers.mode.value,
        ]
    )


def event_line(event: Event) -> str:
    """When, and what."""
    return f"{clock_text(event.clock_ticks)}  {event.code.name.replace('_', ' ').lower()}"


def _m3(volume_nl: int) -> str:
    return f"{volume_nl // 10**6 / 1e6:.6f} m³"


def _temp(registers: Registers) -> str:
    if registers.dry:
        return "no water"
    return "not known" if math.isnan(registers.water_temp_c) else f"{registers.water_temp_c:.1f} °C"
