"""What a person sees of one meter alone: who it is, its display or a line with its registers, and its events."""

from __future__ import annotations

import math
import time
from textwrap import wrap
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
_TABLE_COLUMNS = 40
"""In a terminal with fewer a table would cut numbers."""
_UNBROKEN = "\u00a0"
"""The blank between a number and its unit, where lines are broken."""


def clock_text(clock_ticks: int) -> str:
    """Date and time of the meter's clock."""
    return f"{as_datetime(clock_ticks):%Y-%m-%d %H:%M:%S}"


def alarm_text(registers: Registers) -> str:
    """Names of the alarms, or that there is none."""
    return ", ".join(alarm.name or "" for alarm in registers.alarms).replace("_", " ").lower() or "none"


def say(console: Console, text: str) -> None:
    """Print a sentence as it is: a serial number or the name of a file in it is no markup."""
    console.print(Text(text), soft_wrap=True)


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
    if console.width < _TABLE_COLUMNS:
        for name, text in {"meter": plate.serial, **rows}.items():
            console.print(Text(f"{name}: {text}"))
        return
    table = Table(title=Text(f"Meter {plate.serial}"), title_justify="left", show_header=False)
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
        self._registers_printed = ""
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
                say(self._console, event_line(event))
        if self._live is not None:
            picture = self._picture()
            if picture != self._drawn:
                self._drawn = picture
                text = Text(picture, overflow="fold")
                text.highlight_regex("alarms: .*", "bold yellow")
                self._live.update(text, refresh=True)
        elif wall_s >= self._next_print_s:
            self._print_if_new(wall_s)

    def last_look(self) -> None:
        """See how it is at the end, whatever was printed a moment ago."""
        self.look(math.inf)
        if self._live is None and self._registers() != self._registers_printed:
            self._print(self._registers())

    def _print_if_new(self, wall_s: float) -> None:
        if self._display:
            shown = self._meter.lcd.lit - {_BLINKING}
            if shown != self._shown:
                self._shown, self._next_print_s = shown, wall_s + FRAMES_EVERY_S
                self._print(self._picture())
        elif (hour := self._hour_now()) != self._hour:
            self._hour, self._next_print_s = hour, wall_s + LINES_EVERY_S
            self._print(self._registers())

    def _print(self, text: str) -> None:
        self._registers_printed = self._registers()
        say(self._console, text)

    def _hour_now(self) -> int | None:
        """Of the meter's clock; None while it is Off."""
        return self._meter.registers().clock_ticks // (3600 * TICKS_PER_S) if self._meter.powered else None

    def _picture(self) -> str:
        if not self._display:
            return self._registers()
        display = terminal_picture(self._meter.lcd.lit)
        needed = display.index("\n")
        if self._live is not None and needed > self._console.width:
            display = f"No room for the display: the terminal has {self._console.width} columns, it takes {needed}."
        return f"{display}\n{self._registers()}"

    def _registers(self) -> str:
        """With the alarms; on a terminal in as many lines as its width makes of them."""
        if not self._meter.powered:
            return "Off: no supply"
        registers = self._meter.registers()
        alarms = [f"alarms: {alarm_text(registers)}"] if registers.alarms else []
        if self._live is None:
            return ("\n" if self._display else "  ").join([register_line(registers), *alarms])
        return "\n".join([*register_lines(registers, self._console.width), *alarms])

    def _new_events(self) -> list[Event]:
        """Those that no call has given yet, oldest first; none while the meter is Off."""
        if not self._meter.powered:
            return []
        events = [event for log in LogType for event in self._meter.reading.events(log)]
        new = [event for event in events if event.number > self._seen[event.log]]
        self._seen |= {event.log: event.number for event in new}
        return sorted(new, key=lambda event: event.clock_ticks)


def register_line(registers: Registers) -> str:
    """The registers in one line."""
    return "  ".join(_register_texts(registers))


def register_lines(registers: Registers, columns: int) -> list[str]:
    """The registers in lines of so many columns at the most, or of one register: none is cut."""
    text = "  ".join(each.replace(" ", _UNBROKEN) for each in _register_texts(registers))
    lines = wrap(text, columns, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_UNBROKEN, " ") for line in lines]


def _register_texts(registers: Registers) -> list[str]:
    return [
        clock_text(registers.clock_ticks),
        _m3(registers.forward_nl),
        f"{registers.flow_l_h:7.1f} L/h",
        _temp(registers),
        registers.mode.value,
    ]


def event_line(event: Event) -> str:
    """When, and what."""
    return f"{clock_text(event.clock_ticks)}  {event.code.name.replace('_', ' ').lower()}"


def _m3(volume_nl: int) -> str:
    return f"{volume_nl // 10**6 / 1e6:.6f} m³"


def _temp(registers: Registers) -> str:
    if registers.dry:
        return "no water"
    return "not known" if math.isnan(registers.water_temp_c) else f"{registers.water_temp_c:.1f} °C"
