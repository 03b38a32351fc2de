"""``meterbench meter``: a meter that lives alone, as a process and in its parts."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from meterbench import meter_command
from meterbench.dut.reference_meter.metrology.interface import EventCode, LogType, Period
from meterbench.errors import Cancelled, ConfigError, RecordError
from meterbench.meter_command import Keeper, MeterAlone, Request, StopSignals, execute, serve
from meterbench.meter_state import UnitId, load_state, save_state
from meterbench.meter_view import Catching, View, print_meter, register_line
from meterbench.world.clock import VirtualClock
from meterbench.world.demand import Household

UNIT = UnitId("10000001", "ADR15-1-1", "2.5", 1600, 1)
QUIET = Console(quiet=True)
STILL = Request(flow_l_h=0.0, for_s=0.0)
"""Over at once."""


# The command as a process.


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "meterbench", "meter", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def meter(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    process = start(*arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_program_learns_who_it_is_and_stops_it_with_sigterm(tmp_path: Path) -> None:
    """One JSON line, flushed, when all is open; then silence; SIGTERM: exit 0, and its memory is saved."""
    before_s = time.time()
    arguments = ("--designation", "ADR20-1-1", "--q3", "2.5", "--ratio", "800", "--serial", "A-7", "--flow", "100")
    process = start(*arguments, "--json", "--state", tmp_path / "state")
    assert process.stdout is not None
    opened = json.loads(process.stdout.readline())
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    assert {key: opened[key] for key in ("serial", "designation", "q3_m3_h", "ratio")} == {
        "serial": "A-7", "designation": "ADR20-1-1", "q3_m3_h": 2.5, "ratio": 800,
    }  # fmt: skip
    assert re.fullmatch(r"[0-9A-F]{8}", opened["checksum"])
    assert opened["software"]
    assert before_s - 1.0 <= datetime.fromisoformat(opened["clock"]).timestamp() <= time.time() + 1.0
    assert 0.0 <= opened["forward_m3"] < 0.01
    assert load_state(tmp_path / "state")[0] == UnitId("A-7", "ADR20-1-1", "2.5", 800, 1)


def test_ctrl_c_ends_it_in_a_sentence(tmp_path: Path) -> None:
    """SIGINT: exit 130, one sentence on standard error, its memory saved, no traceback."""
    process = start("--state", tmp_path / "state")
    assert process.stdout is not None
    assert any("Ctrl-C ends it" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(r"meterbench: stopped after [\d.]+ s of the meter's time\. Its memory is in .*state\.\n", err)
    assert load_state(tmp_path / "state")[0] == UNIT


def test_a_meter_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """A day at 100 L/h is 2.4 m3; the next start, told nothing but the file, has the same unit and total, and its clock
    set. Options that mean another unit, a history, and a damaged file are refused, and the file is left alone."""
    state = tmp_path / "state"
    picture = tmp_path / "display.svg"
    unit = ("--designation", "ADR25-1-2", "--serial", "7", "--seed", "3")
    status, out, err = meter(
        *unit, "--flow", "100", "--history", "24", "--for", "0", "--state", state, "--picture", picture
    )
    assert (status, err) == (0, "")
    total = re.search(r"forward +│ +([0-9.]+) m³", out)
    assert total is not None
    assert float(total[1]) == pytest.approx(2.4, rel=0.005)
    assert "<title>Display: " in picture.read_text(encoding="utf-8")

    status, out, err = meter("--flow", "0", "--for", "0", "--state", state, "--json")
    opened = json.loads(out)
    assert (status, opened["serial"], opened["designation"]) == (0, "7", "ADR25-1-2")
    assert math.floor(opened["forward_m3"] * 1e6) / 1e6 == float(total[1])
    assert abs(datetime.fromisoformat(opened["clock"]).timestamp() - time.time()) < 30.0
    assert re.fullmatch(r"The clock stood at .* not valid after the loss of supply: it was set\.\n", err)

    state.write_bytes(state.read_bytes()[:-1])
    damaged = state.read_bytes()
    status, out, err = meter("--state", state)
    assert (status, out) == (2, "")
    assert err.startswith("meterbench: --state")
    assert "Traceback" not in err
    assert state.read_bytes() == damaged


# What is refused, and which unit is meant.


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"designation": "ADR40-1-1"}, "allowed are 15, 20, 25"),
        ({"designation": "nonsense"}, "as ADR15-1-1"),
        ({"q3_m3_h": 3.0}, "allowed are Q3 1.6 with R 250"),
        ({"ratio": 300}, "allowed are Q3 1.6 with R 250"),
        ({"q3_m3_h": 1.6, "ratio": 1600}, "allowed are Q3 1.6 with R 250"),
        ({"q3_m3_h": math.nan}, "allowed are Q3 1.6"),
        ({"q3_m3_h": 0.0}, "no variant has Q3 0.0"),
        ({"ratio": 0}, "with R 0; allowed are Q3 1.6"),
        ({"designation": ""}, "as ADR15-1-1"),
        ({"serial": ""}, "--serial ''"),
        ({"serial": "1\n2"}, "printable"),
        ({"speed": 0.0}, "--speed 0: allowed are 0.01 to 1000000"),
        ({"speed": math.nan}, "--speed nan"),
        ({"speed": math.inf}, "--speed inf"),
        ({"for_s": -1.0}, "--for -1: allowed are 0 s or more"),
        ({"for_s": math.nan}, "--for nan: allowed are 0 s or more"),
        ({"flow_l_h": math.inf}, "--flow inf"),
        ({"flow_l_h": math.nan}, "--flow nan"),
        (
            {"flow_l_h": 3711.0},
            r"--flow 3711: allowed are 3710\.9375 L/h or less.* Q3 2\.5 m³/h .*3906\.25 L/h \(1\.25 Q4",
        ),
        ({"flow_l_h": -4000.0}, "--flow -4000"),
        ({"flow_l_h": 2500.0, "q3_m3_h": 1.6}, "allowed are 2375 L/h or less"),
        ({"history_h": -0.1}, "--history -0.1"),
        ({"history_h": 1e9}, "--history 1000000000: allowed are 0 to 350640 h"),
        ({"water_temp_c": 71.0}, "--water-temp 71: allowed are 0 to 70 °C"),
        ({"ambient_temp_c": math.nan}, "--ambient-temp nan"),
        ({"display": True, "as_json": True}, "--display is for people"),
        ({"picture": Path("display.gif")}, r"\.svg or \.png"),
        ({"picture": Path("no-such-folder/display.png")}, "no-such-folder is no folder"),
        ({"state": Path("no-such-folder/state")}, "no-such-folder is no folder"),
        ({"state": Path("/")}, "is a folder"),
        ({"picture": Path("")}, "--picture: an empty name"),
        ({"state": Path("a" * 256)}, "File name too long"),
        ({"state": Path("a" * 250)}, r"cannot be locked .*File name too long"),
        ({"state": Path("same.svg"), "picture": Path("same.svg")}, "would overwrite the memory"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        execute(replace(STILL, **wrong))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, UNIT),
        ({"designation": "ADR25-2-3"}, UnitId("10000001", "ADR25-2-3", "6.3", 1600, 1)),
        ({"q3_m3_h": 1.6}, UnitId("10000001", "ADR15-1-1", "1.6", 800, 1)),
        ({"ratio": 400, "serial": "7", "seed": 0}, UnitId("7", "ADR15-1-1", "2.5", 400, 0)),
    ],
)
def test_what_is_not_said_is_the_largest_meter(given: dict[str, Any], meant: UnitId, tmp_path: Path) -> None:
    """Of what fits what was said: its largest Q3, and that one's largest Q3/Q1."""
    assert execute(replace(STILL, state=tmp_path / "state", as_json=True, **given)) == 0
    assert load_state(tmp_path / "state")[0] == meant


@pytest.mark.parametrize(
    "given",
    [{"serial": "10000002"}, {"seed": 2}, {"designation": "ADR20-1-1"}, {"ratio": 800}, {"history_h": 1.0}],
    ids=str,
)
def test_another_units_memory_is_left_alone(given: dict[str, Any], tmp_path: Path) -> None:
    """Refused before anything is written; the same options as the file's are no contradiction."""
    state = tmp_path / "state"
    assert execute(replace(STILL, state=state, as_json=True)) == 0
    before = state.read_bytes()
    with pytest.raises(ConfigError, match=r"is the memory of ADR15-1-1 10000001|has its own"):
        execute(replace(STILL, state=state, as_json=True, **given))
    assert state.read_bytes() == before
    same = {"designation": "ADR15-1-1", "q3_m3_h": 2.5, "ratio": 1600, "serial": "10000001", "seed": 1}
    assert execute(replace(STILL, state=state, as_json=True, **same)) == 0


@pytest.mark.parametrize(
    ("zero", "says"),
    [({"q3_m3_h": 0.0}, "no variant has Q3 0.0"), ({"ratio": 0}, "with R 0"), ({"flow_l_h": 4000.0}, "3906.25 L/h")],
    ids=str,
)
def test_a_kept_unit_hides_no_nonsense(zero: dict[str, Any], says: str, tmp_path: Path) -> None:
    """Beside a state file a zero is refused, too, and so is a flow that the kept unit does not measure."""
    save_state(tmp_path / "state", UNIT, alone().meter.saved_memory())
    with pytest.raises(ConfigError, match=says):
        execute(replace(STILL, state=tmp_path / "state", **zero))


def test_a_meter_that_goes_on_knows_that_its_packs_are_new() -> None:
    """After eight years its count has fallen; the next start has full packs, and says so of each of them, once."""
    old = with_history(70_000.0)
    assert old.meter.registers().internal_percent < 85
    again = MeterAlone(STILL, UNIT, old.meter.saved_memory())
    again.live_until(time.time())
    assert again.meter.registers().internal_percent == 100
    events = again.meter.reading.events(LogType.POWER)
    replaced = [event for event in events if event.code is EventCode.BATTERY_REPLACED]
    assert len(replaced) == len(again.meter.packs) == 2


@pytest.mark.parametrize("fill", [b"\0", b"\xff"], ids=["zeros", "ones"])
def test_a_blank_memory_is_refused(fill: bytes, tmp_path: Path) -> None:
    """A whole file of the right size, but what is in it is no state: no meter of 1970 begins with 0 m3."""
    state = tmp_path / "state"
    save_state(state, UNIT, fill * len(alone().meter.saved_memory()))
    before = state.read_bytes()
    with pytest.raises(ConfigError, match="no state of a meter is in that memory"):
        execute(replace(STILL, state=state))
    assert state.read_bytes() == before


def restarted(memory: bytes, after_s: float, monkeypatch: pytest.MonkeyPatch) -> MeterAlone:
    """The meter of a memory, opened so long after now."""
    now_s = time.time() + after_s
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now_s)
        one = MeterAlone(replace(STILL, flow_l_h=3000.0), UNIT, memory)
        one.live_until(now_s)
    return one


def test_no_second_is_lived_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten starts in five seconds: no more water than flows in these; after an hour, what flows before it is open."""
    one = with_history(0.0, flow_l_h=3000.0)
    begin_l = one.meter.registers().forward_l
    for n in range(1, 11):
        one = restarted(one.meter.saved_memory(), 0.5 * n, monkeypatch)
        one.set_clock_right()
    flowed_l = one.meter.registers().forward_l - begin_l
    assert 0.5 * 3000.0 * 5.0 / 3600.0 < flowed_l <= 3000.0 * 5.0 / 3600.0
    before_l = one.meter.registers().forward_l
    later = restarted(one.meter.saved_memory(), 3600.0, monkeypatch)
    assert later.meter.registers().forward_l - before_l == pytest.approx(3000.0 * 4.5 / 3600.0, rel=0.05)


def test_what_is_said_of_a_clock_that_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it stood still, not a moment after its next start; and by how much one is set back that was ahead."""
    one = with_history(0.0)
    memory, stood_s = one.meter.saved_memory(), math.floor(one.meter.registers().clock_ticks / 8.0)
    stood = f"{datetime.fromtimestamp(stood_s, UTC):%Y-%m-%d %H:%M:%S}"
    told = restarted(memory, 60.0, monkeypatch).set_clock_right()
    assert told == f"The clock stood at {stood} UTC, not valid after the loss of supply: it was set."
    told = restarted(memory, -864_000.0, monkeypatch).set_clock_right()
    assert told.startswith(f"The clock stood at {stood} UTC")
    assert re.search(r"it was set back by 86(3999|4000) s; hours that come again are recorded again\.$", told)


def test_one_meter_at_a_time_lives_on_a_memory(tmp_path: Path) -> None:
    """The second one is refused by any name of the file; a process that died holds nothing, and nothing stays."""
    state, link = tmp_path / "state", tmp_path / "link"
    assert execute(replace(STILL, state=state, as_json=True)) == 0
    link.symlink_to(state)
    process = start("--json", "--state", state)
    assert process.stdout is not None
    assert process.stdout.readline()
    for path in (state, link):
        with pytest.raises(ConfigError, match=f"--state {path}: another meter lives on it now"):
            execute(replace(STILL, state=path))
    process.kill()
    process.communicate(timeout=60)
    assert execute(replace(STILL, state=link, as_json=True)) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "state"]


def test_a_memory_that_no_firmware_can_start_from_is_refused(tmp_path: Path) -> None:
    """A whole file whose memory has another size than the part."""
    save_state(tmp_path / "state", UNIT, bytes(100))
    with pytest.raises(ConfigError, match="this version cannot start from that memory"):
        execute(replace(STILL, state=tmp_path / "state"))


# History.


def alone(**request: Any) -> MeterAlone:
    return MeterAlone(replace(STILL, **request), UNIT, None)


def with_history(hours: float, **request: Any) -> MeterAlone:
    one = alone(history_h=hours, **request)
    one.live_history(Catching(QUIET, hours), StopSignals())
    one.live_until(time.time())
    return one


@pytest.mark.requirement("ADR-030")
def test_a_history_fills_the_profiles_up_to_now() -> None:
    """1000 hours of a household: a record each, up to this hour by a clock that runs wrong by 20 ppm at the most, and
    what has flowed; none of it looks like a leak or a burst."""
    one = with_history(1000.0, flow_l_h=None)
    rows = one.meter.reading.profile(Period.HOUR)
    assert len(rows) == pytest.approx(1000, abs=1)
    assert (np.diff(rows["clock_ticks"]) == 8 * 3600).all()
    assert -80.0 <= one.now_s - rows["clock_ticks"][-1] / 8.0 <= 3600.0 + 80.0
    assert one.now_s == pytest.approx(time.time(), abs=30.0)
    water = Household(1).between(one.now_s - 1000.0 * 3600.0, one.now_s)
    true_l = float((water.flow_l_h * np.diff(water.edges_s)).sum()) / 3600.0
    assert one.meter.registers().forward_l == pytest.approx(true_l, rel=0.01)
    assert one.meter.reading.events(LogType.FLOW) == ()


def test_a_history_without_hours_is_none() -> None:
    """The meter has been in its water for a few seconds: it knows the water and its flow, and shows its volume."""
    one = with_history(0.0, flow_l_h=1000.0, water_temp_c=30.0)
    registers = one.meter.registers()
    assert registers.flow_l_h == pytest.approx(1000.0, rel=0.01)
    assert len(one.meter.reading.profile(Period.HOUR)) <= 1
    assert registers.water_temp_c == pytest.approx(30.0, abs=0.1)
    assert registers.forward_l < 10.0
    assert "TOTAL" in str(one.meter.look())


def test_a_signal_ends_a_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is broken off between two pieces."""
    stop = StopSignals()
    stop.received = signal.SIGTERM
    monkeypatch.setattr(meter_command, "PIECE_H", 1.0)
    one = alone(history_h=100.0)
    began_s = one.now_s
    with pytest.raises(Cancelled):
        one.live_history(Catching(QUIET, 100.0), stop)
    assert one.now_s - began_s == pytest.approx(3600.0, abs=1e-3)


def test_a_clock_that_is_right_is_left_alone() -> None:
    """A new meter's clock is right; after months its crystal has drifted by less than 20 ppm, but by more than a
    second: it is set, which is an event, and told as nothing unusual."""
    assert with_history(0.0).set_clock_right() == ""
    one = with_history(4000.0)
    off_s = one.meter.registers().clock_ticks / 8.0 - one.now_s
    assert 1.0 < abs(off_s) < 20e-6 * 4000.0 * 3600.0
    told = one.set_clock_right()
    assert f"drifted by {off_s:+.0f} s over the history, which is normal" in told
    assert one.meter.registers().clock_ticks / 8.0 == pytest.approx(one.now_s, abs=0.1)
    codes = [event.code for event in one.meter.reading.events(LogType.STANDARD)]
    assert codes.count(EventCode.CLOCK_SET) == 1
    assert one.set_clock_right() == ""


# Serving: in virtual time.


class NoTime(VirtualClock):
    """Passes as it is slept on; whoever is called takes none."""

    def __init__(self) -> None:
        super().__init__(lambda _: False)


def serving(one: MeterAlone, clock: VirtualClock, keep: Keeper, for_s: float, speed: float = 1.0) -> float:
    """Seconds of the meter's time."""
    begin_s = one.now_s
    serve(one, View(QUIET, one.meter, display=False), keep, StopSignals(), clock, speed=speed, end_s=begin_s + for_s)
    return one.now_s - begin_s


@pytest.mark.parametrize("speed", [0.5, 1.0, 3600.0])
def test_it_lives_as_fast_as_it_is_told(speed: float) -> None:
    """40 s by the clock on the wall, to the step, and exactly the time that was asked for."""
    one, clock = with_history(0.0, flow_l_h=100.0), NoTime()
    before_l = one.meter.registers().forward_l
    assert serving(one, clock, Keeper(None, UNIT, one.meter), 40.0 * speed, speed) == pytest.approx(40.0 * speed)
    assert clock.now_s() == pytest.approx(40.0, abs=0.125)
    flowed_l = one.meter.registers().forward_l - before_l
    assert flowed_l == pytest.approx(100.0 * 40.0 * speed / 3600.0, rel=0.02)


class Counted(Keeper):
    saves = 0

    def save(self) -> None:
        self.saves += 1
        super().save()


@pytest.fixture
def long_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that last minutes on the wall."""
    monkeypatch.setattr(meter_command, "STEP_S", 5.0)


@pytest.mark.usefixtures("long_steps")
def test_it_saves_every_minute_of_the_wall() -> None:
    """In ten minutes ten times, however fast the meter lives."""
    for speed in (5.0, 100.0):
        one = with_history(0.0)
        keep = Counted(None, UNIT, one.meter)
        serving(one, NoTime(), keep, 601.0 * speed, speed)
        assert keep.saves == 10


@pytest.mark.usefixtures("long_steps")
def test_a_meter_goes_on_when_its_memory_cannot_be_saved(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Said once, tried again each minute; when there is room again it is saved."""
    folder = tmp_path / "folder"
    one = with_history(0.0)
    keep = Keeper(folder / "state", UNIT, one.meter)
    assert serving(one, NoTime(), keep, 1000.0, 5.0) == pytest.approx(1000.0)
    assert capfd.readouterr().err.count("cannot be saved: No such file or directory; the meter goes on") == 1
    with pytest.raises(RecordError):
        keep.save()
    folder.mkdir()
    serving(one, NoTime(), keep, 400.0, 5.0)
    assert load_state(folder / "state")[0] == UNIT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_the_step_finished(number: signal.Signals) -> None:
    """The first one counts; afterwards signals mean again what they meant."""
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        pytest.skip("whoever started the tests wants this signal ignored")
    with StopSignals() as stop:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.received is number
        one = with_history(0.0)
        began_s = one.now_s
        view = View(QUIET, one.meter, display=False)
        serve(one, view, Keeper(None, UNIT, one.meter), stop, NoTime(), speed=1.0, end_s=math.inf)
    assert one.now_s == began_s
    assert signal.getsignal(number) is before


def test_a_terminal_that_has_gone_is_told_nothing() -> None:
    """What it cannot take is no fault; a file is told how it ended."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        pytest.skip("whoever started the tests wants this signal ignored")
    for people in (Console(file=io.StringIO(), force_terminal=True), Console(file=io.StringIO())):
        with StopSignals(people):
            os.kill(os.getpid(), signal.SIGHUP)
        assert people.quiet is people.is_terminal


# What is to be seen.


def printed(one: MeterAlone, display: bool, for_s: float, speed: float = 1.0) -> str:
    """What a file or a pipe gets."""
    file = io.StringIO()
    view = View(Console(file=file, width=100), one.meter, display=display)
    end_s = one.now_s + for_s
    serve(one, view, Keeper(None, UNIT, one.meter), StopSignals(), NoTime(), speed=speed, end_s=end_s)
    return file.getvalue()


def test_without_a_terminal_the_display_is_printed_when_it_changes() -> None:
    """Still water: in forty seconds each of the eight screens once, the time every second; in flow no frame for the
    plus alone, and at any speed one a second at the most."""
    still = printed(with_history(0.0), True, 40.0)
    assert [still.count(f"│ {caption:<56} │") for caption in ("REVERSE", "INFO", "SW", "CRC")] == [1, 1, 1, 1]
    assert 12 <= still.count("╭") <= 14
    fast = printed(with_history(0.0, flow_l_h=1000.0), True, 400.0, speed=100.0)
    assert 4 <= fast.count("╭") <= 6


@pytest.mark.parametrize("display", [False, True])
def test_the_last_registers_are_printed(display: bool) -> None:
    """Ten minutes within an hour and a second on the wall: the last line is of the end, not of the beginning."""
    one = with_history(0.0, flow_l_h=0.0)
    lines = printed(one, display, 600.0, speed=600.0).splitlines()
    assert lines[-1] == register_line(one.meter.registers())


@pytest.mark.parametrize("columns", [12, 24, 40, 60])
@pytest.mark.parametrize("display", [False, True])
def test_a_narrow_terminal_cuts_no_number(columns: int, display: bool) -> None:
    """Each register is on the screen, unbroken; the display as a whole, or that it has no room."""
    file = io.StringIO()
    one = with_history(0.0, flow_l_h=3000.0)
    console = Console(file=file, width=columns, force_terminal=True)
    print_meter(console, one.meter, "water")
    with View(console, one.meter, display=display) as view:
        view.look(0.0)
    shown = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", file.getvalue())
    assert max(len(line) for line in shown.splitlines()) <= columns
    assert len(re.findall(r"0\.003\d{3} m³", shown)) >= 2
    assert re.search(r"(2999|3000)\.\d L/h", shown)
    assert ("╮" in shown.partition("NORMAL")[2]) is (display and columns >= 60)
    assert ("No room" in shown) is (display and columns < 60)


def test_a_serial_number_is_no_markup(tmp_path: Path) -> None:
    """Nor is the name of a file: both are printed as they are."""
    picture = tmp_path / "[bold]:smile:.svg"
    for serial in ("[red]x[/red]", "[/red]", ":smile:"):
        status, out, err = meter("--serial", serial, "--for", "0", "--picture", picture)
        assert (status, err) == (0, "")
        assert f"Meter {serial} " in out
        assert f"Its display is in {picture}." in out


def test_a_short_life_is_not_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(replace(STILL, for_s=0.01)) == 0
    assert "Stopped after 0.01 s" in capsys.readouterr().out


def test_without_a_display_there_is_a_line_an_hour_and_one_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty hours at 2 L/h, an hour in ten seconds or more: a line at once and one each, and after a day a leak."""
    monkeypatch.setattr(meter_command, "STEP_S", 1.0)
    text = printed(with_history(0.0, flow_l_h=2.0), False, 30 * 3600.0, speed=300.0)
    lines = text.splitlines()
    assert len([line for line in lines if " m³ " in line]) == pytest.approx(31, abs=1)
    assert [line[21:] for line in lines if " m³ " not in line] == ["leak began"]
    assert lines[-1].endswith("NORMAL  alarms: leak")
    assert "╭" not in text


def test_the_first_line_comes_at_once() -> None:
    """Before any time has passed, with the clock of the beginning; the same moment gets no second one."""
    one = with_history(0.0)
    lines = printed(one, False, 0.0).splitlines()
    assert len(lines) == 1
    clock = datetime.strptime(lines[0][:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert clock.timestamp() == pytest.approx(one.now_s, abs=2.0)


@pytest.mark.parametrize(
    ("dry", "temp_c", "text"), [(True, math.nan, "no water"), (False, math.nan, "not known"), (False, 15.04, "15.0 °C")]
)
def test_water_that_is_not_understood_is_not_absent(dry: bool, temp_c: float, text: str) -> None:
    """Only a meter that hears nothing says that there is no water."""
    registers = replace(with_history(0.0).meter.registers(), dry=dry, water_temp_c=temp_c)
    assert register_line(registers).split("  ")[-2] == text


def test_on_a_terminal_the_display_is_drawn_in_place() -> None:
    """The second picture stands where the first one was: the cursor goes up over all of its lines."""
    file = io.StringIO()
    one = with_history(0.0, flow_l_h=1000.0)
    with View(Console(file=file, width=100, force_terminal=True), one.meter, display=True) as view:
        view.look(0.0)
        one.live_until(one.now_s + 10.0)
        view.look(1.0)
    _, _, second = file.getvalue().partition("╰")
    assert second.count("\x1b[1A") >= 7
    assert second.count("╰") >= 1


def test_the_picture_shows_the_display(tmp_path: Path) -> None:
    """PNG and SVG, by the ending; the SVG's title is what is to be read."""
    for name in ("display.png", "DISPLAY.PNG", "display.svg"):
        assert execute(replace(STILL, picture=tmp_path / name, as_json=True)) == 0
    for name in ("display.png", "DISPLAY.PNG"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert "<title>Display: 000000.000 m³ TOTAL</title>" in (tmp_path / "display.svg").read_text(encoding="utf-8")


def test_only_a_picture_is_replaced_by_a_picture(tmp_path: Path) -> None:
    """A picture, or an empty file; a memory or a text stays what it is, under any of its names."""
    state, picture = tmp_path / "state", tmp_path / "display.svg"
    execute(replace(STILL, state=state, as_json=True))
    picture.write_bytes(b"")
    for _ in range(2):
        assert execute(replace(STILL, picture=picture, as_json=True)) == 0
    memory = state.read_bytes()
    (tmp_path / "hard.svg").hardlink_to(state)
    (tmp_path / "soft.svg").symlink_to(state)
    (tmp_path / "text.svg").write_text("no picture")
    for name in ("hard.svg", "soft.svg", "text.svg"):
        with pytest.raises(ConfigError, match="is there and no picture"):
            execute(replace(STILL, state=state, picture=tmp_path / name))
    for name in ("hard.svg", "soft.svg"):
        assert (tmp_path / name).read_bytes() == memory == state.read_bytes()
    state.write_bytes(b"")
    with pytest.raises(ConfigError, match="would overwrite the memory"):
        execute(replace(STILL, state=state, picture=tmp_path / "hard.svg"))


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: exit status 3, and no half of a picture."""
    picture = tmp_path / "display.svg"
    picture.write_text("<svg>old</svg>")

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordError, match="cannot be written: No space left on device"):
        execute(replace(STILL, picture=picture, as_json=True))
    assert [path.name for path in tmp_path.iterdir()] == ["display.svg"]
    assert picture.read_text() == "<svg>old</svg>"


def test_the_same_seed_has_the_same_past() -> None:
    """Two meters of a seed, made one after the other, have the same hours, within 60 mL: a draw's last cycle falls here
    or there, but what flowed depends on the date alone."""
    tables = [with_history(48.0, flow_l_h=None).meter.reading.profile(Period.HOUR) for _ in range(2)]
    volumes = [{row["clock_ticks"].item(): row["forward_nl"].item() for row in table} for table in tables]
    common = sorted(set(volumes[0]) & set(volumes[1]))
    assert len(common) >= 46
    flowed = [[table[later] - table[sooner] for sooner, later in pairwise(common)] for table in volumes]
    assert flowed[0] == pytest.approx(flowed[1], abs=60e6)
    assert max(flowed[0]) > 5e9
