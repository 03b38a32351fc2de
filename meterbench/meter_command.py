"""``meterbench meter``: one reference meter alone in its water, in wall time or faster, until somebody stops it."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import numpy as np
from rich.console import Console

from meterbench.bench.signals import stop_signals
from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.lcd_picture.png import png_picture
from meterbench.dut.reference_meter.lcd_picture.svg import svg_picture
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology.interface import TICKS_PER_S, EventCode, LogType, Place, as_datetime
from meterbench.dut.variants import Rating, all_ratings, rating
from meterbench.errors import Cancelled, ConfigError, RecordError
from meterbench.meter_files import held, refuse_place, replace_file, same_file
from meterbench.meter_state import ALLOWED_SERIAL, UnitId, load_state, save_state, serial_is_allowed, unit_id
from meterbench.meter_view import Catching, View, clock_text, print_meter, say
from meterbench.world.clock import Clock, WallClock
from meterbench.world.demand import Household
from meterbench.world.segment import Course

HOUR_S = 3600.0
STEP_S = 0.125
"""Wall time between two steps: a measuring cycle of a meter in wall time."""
SAVE_EVERY_S = 60.0
RUN_IN_S = 4.5
"""[design] A new meter has been in its water for so long when it is opened: longer than the 4 s over which it takes the
mean of the flow, and less than the 5 s after which its display shows another screen than the volume."""
PIECE_H = 30 * 24.0
"""Of a history, between two looks at the signals."""
CLOCK_IS_RIGHT_S = 1.0
"""A clock that is off by less is left alone."""
BELIEVED_Q4 = 1.25
"""[design] The firmware believes no shot from this times Q4 on."""
UNIT_MARGIN = 0.05
"""[design] Of that, more than what error and noise of a unit add to a shot."""
PRESSURE_MPA = 0.5
"""[design] Absolute."""
DESIGNATION, SERIAL, SEED = "ADR15-1-1", "10000001", 1
"""Of a meter of which nothing else was said."""
PICTURES = (".svg", ".png")
_BEGINNINGS = (b"<svg", b"<?xml", b"\x89PNG\r\n")
"""Of files that are pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asked for. Of the unit, None is what the state file says, or the default."""

    designation: str | None = None
    q3_m3_h: float | None = None
    ratio: int | None = None
    serial: str | None = None
    seed: int | None = None
    state: Path | None = None
    history_h: float = 0.0
    flow_l_h: float | None = None
    """None: a household's draws."""
    water_temp_c: float = 15.0
    ambient_temp_c: float = 20.0
    speed: float = 1.0
    for_s: float = math.inf
    """Of the meter's time."""
    display: bool = False
    picture: Path | None = None
    as_json: bool = False


_ALLOWED = {
    "--history": ("history_h", 0.0, 40.0 * 8766.0, "h"),
    "--water-temp": ("water_temp_c", 0.0, 70.0, "°C"),
    "--ambient-temp": ("ambient_temp_c", -40.0, 85.0, "°C"),
    "--speed": ("speed", 0.01, 1e6, "times wall time"),
    "--for": ("for_s", 0.0, math.inf, "s"),
}
"""Field, least, most and unit of the numbers."""


class Water(Protocol):
    """What flows through the meter."""

    def between(self, start_s: float, end_s: float) -> Course: ...


@dataclass(frozen=True, slots=True)
class SteadyFlow:
    """The same at all times."""

    flow_l_h: float
    water_temp_c: float

    def between(self, start_s: float, end_s: float) -> Course:
        """One segment."""
        flow, temp, pressure = (np.array([each]) for each in (self.flow_l_h, self.water_temp_c, PRESSURE_MPA))
        return Course(np.array([start_s, end_s]), flow, temp, pressure)


def execute(request: Request) -> int:
    """Let a meter live until it is told to stop; the exit status."""
    _refuse_early(request)
    with held(request.state) if request.state else nullcontext():
        return _execute(request)


def _execute(request: Request) -> int:
    loaded = load_state(request.state) if request.state and os.path.lexists(request.state) else None
    if loaded and request.history_h:
        raise ConfigError(f"--history: the meter in {request.state} has its own; leave it out, or name a new --state")
    unit = _unit(request, loaded[0] if loaded else None)
    _refuse_flow(request, unit)
    people = Console(quiet=request.as_json, force_terminal=False if request.as_json else None)
    with StopSignals(people) as stop:
        alone = MeterAlone(request, unit, loaded[1] if loaded else None)
        alone.live_history(Catching(people, request.history_h), stop)
        alone.live_until(time.time())
        remark = alone.set_clock_right()
        keep = Keeper(request.state, unit, alone.meter)
        keep.save()
        if request.as_json:
            print(json.dumps(_opened(alone.meter)), flush=True)
            _remark(remark)
        else:
            print_meter(people, alone.meter, _water_text(request))
            for sentence in filter(None, [remark, _how_it_goes_on(request)]):
                say(people, sentence)
        opened_s = alone.now_s
        try:
            with View(people, alone.meter, display=request.display) as view:
                serve(alone, view, keep, stop, WallClock(), speed=request.speed, end_s=opened_s + request.for_s)
        finally:
            keep.save()
            if request.picture:
                _write_picture(request.picture, alone.meter)
    return _end(request, people, stop, alone.now_s - opened_s)


def _refuse_early(request: Request) -> None:
    """All that can be refused before anything is made or written."""
    for option, (name, least, most, unit) in _ALLOWED.items():
        number = getattr(request, name)
        if number is not None and not least <= number <= most:
            allowed = f"{least:g} to {most:.10g} {unit}" if math.isfinite(most) else f"{least:g} {unit} or more"
            raise ConfigError(f"{option} {number:.10g}: allowed are {allowed}")
    serial = request.serial
    if serial is not None and not serial_is_allowed(serial):
        raise ConfigError(f"--serial {serial!r}: allowed are {ALLOWED_SERIAL}")
    if request.display and request.as_json:
        raise ConfigError("--display is for people and --json for programs; leave one of them out")
    if request.state:
        refuse_place("--state", request.state)
    if request.picture:
        refuse_place("--picture", request.picture)
        _refuse_picture(request.picture)
    if request.state and request.picture and same_file(request.state, request.picture):
        raise ConfigError(f"--picture {request.picture}: would overwrite the memory in --state {request.state}")


def _refuse_picture(path: Path) -> None:
    """No picture, and nothing that a picture may take the place of."""
    if path.suffix.lower() not in PICTURES:
        raise ConfigError(f"--picture {path}: allowed are files that end in {' or '.join(PICTURES)}")
    try:
        with path.open("rb") as file:
            begins = file.read(16)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"--picture {path}: cannot be read: {error.strerror}") from error
    if begins and not begins.startswith(_BEGINNINGS):
        raise ConfigError(f"--picture {path}: is there and no picture; it is left as it is, name another file")


def _refuse_flow(request: Request, unit: UnitId) -> None:
    """What this unit does not measure for certain."""
    if request.flow_l_h is None:
        return
    believed_l_h = BELIEVED_Q4 * unit.nameplate().rating.q4_l_h
    most_l_h = believed_l_h * (1.0 - UNIT_MARGIN)
    if not abs(request.flow_l_h) <= most_l_h:
        raise ConfigError(
            f"--flow {request.flow_l_h:.10g}: allowed are {most_l_h:.10g} L/h or less, forward or reverse; an "
            f"{unit.designation} of Q3 {unit.q3_m3_h} m³/h believes no flow from {believed_l_h:.10g} L/h "
            f"({BELIEVED_Q4:g} Q4) on, and {100.0 * UNIT_MARGIN:g} % are left for its error and noise"
        )


def _unit(request: Request, kept: UnitId | None) -> UnitId:
    """Which unit is meant; ``ConfigError`` if there is none, or if the memory is another one's."""
    usual = kept.designation if kept else DESIGNATION
    designation = Designation.parse(usual if request.designation is None else request.designation)
    if kept and str(designation) == kept.designation:
        q3_m3_h = float(kept.q3_m3_h) if request.q3_m3_h is None else request.q3_m3_h
        rated = rating(designation, q3_m3_h, kept.ratio if request.ratio is None else request.ratio)
    else:
        rated = _rating(designation, request.q3_m3_h, request.ratio)
    serial = request.serial if request.serial is not None else kept.serial if kept else SERIAL
    seed = request.seed if request.seed is not None else kept.seed if kept else SEED
    unit = unit_id(Nameplate(serial, designation, rated), seed)
    if kept and unit != kept:
        raise ConfigError(
            f"--state {request.state}: is the memory of {kept}, not of {unit}; leave out the options that name "
            "the unit, or name another file"
        )
    return unit


def _rating(designation: Designation, q3_m3_h: float | None, ratio: int | None) -> Rating:
    """The largest that fits what was given; ``ConfigError`` with the allowed values if none does."""
    largest_first = [made for made in reversed(all_ratings()) if made.dn == designation.dn]
    for made in largest_first:
        if q3_m3_h in (None, float(made.q3_m3_h)) and ratio in (None, made.ratio):
            return made
    largest = largest_first[0]
    q3_m3_h = float(largest.q3_m3_h) if q3_m3_h is None else q3_m3_h
    return rating(designation, q3_m3_h, largest.ratio if ratio is None else ratio)


class StopSignals:
    """While it is entered, SIGINT, SIGTERM and a terminal that goes away are noted; what is in hand is finished, and
    ``people`` are told no more once their terminal is gone."""

    def __init__(self, people: Console | None = None) -> None:
        # A terminal that is gone is none any more.
        self._terminal = people if people and people.is_terminal else None
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in stop_signals():
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # Under nohup.
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)
        if number == signal.SIGHUP and self._terminal:
            self._terminal.quiet = True


class MeterAlone:
    """A meter in its water, which lives from one time to the next. Times are seconds since 1970 UTC."""

    def __init__(self, request: Request, unit: UnitId, memory: bytes | None) -> None:
        self.meter = _make(request, unit, memory)
        self.meter.set_ambient(request.ambient_temp_c)
        self._water: Water = Household(unit.seed, water_temp_c=request.water_temp_c, pressure_mpa=PRESSURE_MPA)
        if request.flow_l_h is not None:
            self._water = SteadyFlow(request.flow_l_h, request.water_temp_c)
        self._history_h = request.history_h
        now_s = time.time()
        self.now_s = now_s - RUN_IN_S - request.history_h * HOUR_S
        self._stood_ticks = None if memory is None else self.meter.registers().clock_ticks
        """The clock of a memory that was loaded, before it went on."""
        if self._stood_ticks is not None:
            lived_until_s = (self._stood_ticks + 1) / TICKS_PER_S
            self.now_s = min(max(self.now_s, lived_until_s), now_s)

    def live_until(self, end_s: float) -> None:
        """Live on; nothing happens if that time is over."""
        if end_s > self.now_s:
            self.meter.live(self._water.between(self.now_s, end_s))
            self.now_s = end_s

    def live_history(self, catching: Catching, stop: StopSignals) -> None:
        """Live up to now; ``Cancelled`` if a signal comes, ``ConfigError`` if the batteries do not last."""
        left_h = self._history_h
        with catching:
            while left_h > 0.0:
                piece_h = min(left_h, PIECE_H)
                self.live_until(self.now_s + piece_h * HOUR_S)
                left_h -= piece_h
                catching.lived(piece_h)
                if stop.received:
                    raise Cancelled("stopped in the history, before the meter was open")
        if not self.meter.powered:
            raise ConfigError(f"--history {self._history_h:g}: the meter's batteries are empty before that is over")

    def set_clock_right(self) -> str:
        """Do what a person does who reads a wrong time; what was done, in a sentence, or nothing."""
        registers = self.meter.registers()
        off_s = registers.clock_ticks / TICKS_PER_S - self.now_s
        if registers.clock_valid and abs(off_s) <= CLOCK_IS_RIGHT_S:
            return ""
        self.meter.commands.set_clock(round(self.now_s * TICKS_PER_S))
        if not registers.clock_valid:
            stood_ticks = registers.clock_ticks if self._stood_ticks is None else self._stood_ticks
            ahead_s = stood_ticks / TICKS_PER_S - self.now_s
            told = f"The clock stood at {clock_text(stood_ticks)} UTC, not valid after the loss of supply: it was set"
            if ahead_s <= CLOCK_IS_RIGHT_S:
                return f"{told}."
            return f"{told} back by {ahead_s:.0f} s; hours that come again are recorded again."
        return (
            f"The clock was set, as a data centre would: the crystal had drifted by {off_s:+.0f} s over the history, "
            "which is normal."
        )


def _make(request: Request, unit: UnitId, memory: bytes | None) -> ReferenceMeter:
    if memory is None:
        return ReferenceMeter(unit.nameplate(), seed=unit.seed)
    try:
        meter = ReferenceMeter(unit.nameplate(), seed=unit.seed, memory=memory)
    except Exception as error:  # Whatever a firmware may stumble over in the memory of another version.
        raise ConfigError(f"--state {request.state}: this version cannot start from that memory: {error}") from error
    starts = [e for e in meter.reading.events(LogType.STANDARD) if e.code is EventCode.STARTED_AFTER_POWER_LOSS]
    if not starts or starts[-1].value_a:  # A blank memory was taken for a new one, or the state was lost.
        raise ConfigError(f"--state {request.state}: no state of a meter is in that memory; it is left as it is")
    for place in Place:
        if place.name in {pack.name for pack in meter.packs}:  # All new, while the memory counts what the old had left.
            meter.commands.battery_replaced(place)
    return meter


class Keeper:
    """Saves a meter's memory, if somebody wants it saved."""

    def __init__(self, path: Path | None, unit: UnitId, meter: ReferenceMeter) -> None:
        self._path = path
        self._unit = unit
        self._meter = meter
        self._told = False

    def save(self) -> None:
        """``RecordError`` if it cannot be done."""
        if self._path is not None:
            save_state(self._path, self._unit, self._meter.saved_memory())

    def try_to_save(self) -> None:
        """What cannot be done now may go in a minute: it is said once."""
        try:
            self.save()
            self._told = False
        except RecordError as error:
            if not self._told:
                _remark(f"meterbench: {error}; the meter goes on, and it is tried again")
            self._told = True


def serve(
    alone: MeterAlone, view: View, keep: Keeper, stop: StopSignals, clock: Clock, *, speed: float, end_s: float
) -> None:
    """Let the meter live ``speed`` times as fast as the clock goes, until the end or a signal."""
    job = clock.every(SAVE_EVERY_S, keep.try_to_save)
    began_s, wall_began_s = alone.now_s, clock.now_s()
    view.look(wall_began_s)
    while alone.now_s < end_s and not stop.received:
        due_s = began_s + speed * (clock.now_s() + STEP_S - wall_began_s)
        # A meter that is behind takes steps of a second: a signal must be heard.
        target_s = min(due_s, alone.now_s + speed, end_s)
        clock.sleep(max(0.0, wall_began_s + (target_s - began_s) / speed - clock.now_s()))
        alone.live_until(target_s)
        view.look(clock.now_s())
    job.cancel()
    view.last_look()


def _opened(meter: ReferenceMeter) -> dict[str, Any]:
    """What a program wants to know of the meter that it can talk to now."""
    plate, registers, software = meter.nameplate, meter.registers(), meter.reading.software()
    return {
        "serial": plate.serial,
        "designation": str(plate.designation),
        "q3_m3_h": float(plate.rating.q3_m3_h),
        "ratio": plate.rating.ratio,
        "software": software.identifier,
        "checksum": software.checksum,
        "clock": as_datetime(registers.clock_ticks).isoformat(timespec="milliseconds"),
        "forward_m3": registers.forward_nl / 1e12,
    }


def _water_text(request: Request) -> str:
    return "a household's draws" if request.flow_l_h is None else f"{request.flow_l_h:g} L/h all the time"


def _how_it_goes_on(request: Request) -> str:
    if request.for_s == 0.0:
        return ""
    speed = "In wall time" if request.speed == 1.0 else f"{request.speed:g} times as fast as wall time"
    until = "; Ctrl-C ends it." if request.for_s == math.inf else f", for {request.for_s:.10g} s of the meter's time."
    return f"{speed}{until}"


def _write_picture(path: Path, meter: ReferenceMeter) -> None:
    meter.look()
    lit = meter.lcd.lit
    picture = png_picture(lit) if path.suffix.lower() == ".png" else svg_picture(lit).encode()
    try:
        replace_file(path, picture)
    except OSError as error:
        raise RecordError(f"--picture {path}: cannot be written: {error.strerror}") from error


def _end(request: Request, people: Console, stop: StopSignals, lived_s: float) -> int:
    """Say what is left of it; the exit status."""
    shown_s = f"{lived_s:.0f}" if lived_s >= 10.0 else f"{lived_s:.2g}"
    said = [f"Stopped after {shown_s} s of the meter's time."] if lived_s or stop.received else []
    said += [f"Its memory is in {request.state}."] if request.state else []
    said += [f"Its display is in {request.picture}."] if request.picture else []
    if stop.received is signal.SIGINT:
        text = " ".join(said)
        _remark(f"meterbench: {text[0].lower()}{text[1:]}")
        return 130
    if said:
        say(people, " ".join(said))
    return 0


def _remark(text: str) -> None:
    if text:
        print(text, file=sys.stderr, flush=True)
