"""The safe state: order, guards, time limits, and the record of it; BROKEN and what it stops. Kind: fault."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from meterbench.bench import safe_state, station
from meterbench.bench.broken import Standing
from meterbench.bench.record import RunRecord, load
from meterbench.bench.safe_state import SafeAction, make_all_safe
from meterbench.bench.session import Programme, session
from meterbench.bench.verdict import Verdict
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.errors import BenchError, ConnectionLost, DeadlineExceeded, InterlockTripped, RecordError
from meterbench.instruments.capabilities import RigState, RigStatus
from meterbench.world.clock import Clock, VirtualClock
from tests.bench.test_interlocks import FINE
from tests.conftest import QUICK_METER, station_content

PROGRAMME = Programme("test", "test", {})
AT_REST = dataclasses.replace(
    FINE, state=RigState.SAFE, flow_l_h={"A": 0.0, "B": 0.0, "C": 0.0}, pump_speed_percent=0.0
)
UTC = "2026-11-22T07:00:00.000+00:00"


def clock() -> Clock:
    return VirtualClock(lambda _duration_s: True)


class Box:
    """Acts, and tells when it was made safe; does what ``trouble`` says first."""

    def __init__(self, role: str, told: list[str], trouble: Callable[[], None] = lambda: None) -> None:
        self.role = role
        self._told = told
        self._trouble = trouble

    def make_safe(self) -> None:
        self._told.append(self.role)
        self._trouble()


class Rig:
    role = "rig"

    def __init__(
        self, told: list[str], status: RigStatus = AT_REST, trouble: Callable[[], None] = lambda: None
    ) -> None:
        self._told = told
        self._status = status
        self._trouble = trouble

    def controlled_stop(self) -> None:
        self._told.append("rig")
        self._trouble()

    def status(self) -> RigStatus:
        return self._status

    def beat(self) -> None: ...

    def release_remote(self) -> None:
        self._told.append("rig released")


def boxes(told: list[str], **trouble: Callable[[], None]) -> dict[str, Any]:
    """A station with everything that acts, the roles in no order at all."""
    made: dict[str, Any] = {
        role: [Box(role, told, trouble.get(role, lambda: None))]
        for role in ("rtd", "new_role", "aux_supply", "supply", "chamber")
    }
    return {"balance": [object()], **made, "rig": [Rig(told, trouble=trouble.get("rig", lambda: None))]}


def fail(error: BaseException) -> Callable[[], None]:
    def trouble() -> None:
        raise error

    return trouble


def test_the_order_is_that_of_the_table() -> None:
    """Rig, chamber, supplies, RTD; what acts in a role that the table does not know comes last."""
    told: list[str] = []
    actions = make_all_safe(boxes(told), clock())
    assert told == ["rig", "rig released", "chamber", "supply", "aux_supply", "rtd", "new_role"]
    assert [action.device for action in actions] == ["rig", "chamber", "supply", "aux_supply", "rtd", "new_role"]
    assert all(action.confirmed for action in actions)
    assert make_all_safe(boxes(told), clock()) == actions


@pytest.mark.parametrize("role", ["rig", "chamber", "supply", "aux_supply", "rtd", "new_role"])
@pytest.mark.parametrize("error", [ConnectionLost("gone"), TypeError("a mistake")], ids=["lost link", "mistake"])
def test_whatever_one_raises_the_others_are_made_safe(role: str, error: Exception) -> None:
    """One complaint, which names who and why; each failure was tried twice; a rig that failed is not released."""
    told: list[str] = []
    actions = make_all_safe(boxes(told, **{role: fail(error)}), clock())
    assert [action.device for action in actions if not action.confirmed] == [role]
    (complaint,) = (action.complaint for action in actions if action.complaint)
    assert str(error) in complaint
    assert told.count(role) == 2
    assert ("rig released" in told) == (role != "rig")
    assert set(told) >= {"rig", "chamber", "supply", "aux_supply", "rtd", "new_role"}


def test_a_frame_that_broke_once_is_repeated() -> None:
    """The second attempt confirms it: no complaint."""
    told: list[str] = []
    troubles: Iterator[None] = iter([None])

    def trouble() -> None:
        if next(troubles, "over") is None:
            raise DeadlineExceeded("late")

    assert all(action.confirmed for action in make_all_safe(boxes(told, supply=trouble), clock()))
    assert told.count("supply") == 2


def test_a_link_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its limit the next one is made safe; all of one role share a limit."""
    monkeypatch.setattr(safe_state, "ORDER", tuple(dataclasses.replace(step, limit_s=0.2) for step in safe_state.ORDER))
    told: list[str] = []
    over = threading.Event()
    station_boxes = boxes(told)
    station_boxes["supply"] = [Box(f"supply {slot}", told, lambda: bool(over.wait(20.0)) or None) for slot in (1, 2, 3)]
    start_s = time.monotonic()
    actions = make_all_safe(station_boxes, clock())
    took_s = time.monotonic() - start_s
    over.set()
    assert [action.device for action in actions if not action.confirmed] == ["supply 1", "supply 2", "supply 3"]
    assert "not confirmed within 0.2 s; do it by hand" in next(
        action.complaint for action in actions if action.complaint
    )
    assert told[-3:] == ["aux_supply", "rtd", "new_role"]
    assert took_s < 2.0


def test_water_that_does_not_come_to_rest_is_a_complaint() -> None:
    """A valve that leaks: some seconds of the clock, then a sentence; the rig is not released."""
    told: list[str] = []
    time_ = clock()
    flowing = dataclasses.replace(AT_REST, flow_l_h={"A": 0.0, "B": 40.0, "C": 0.0})
    (action,) = make_all_safe({"rig": [Rig(told, flowing)]}, time_)  # type: ignore[list-item]
    assert "water still flows 5 s after the controlled stop" in action.complaint
    assert "watchdog" in action.complaint
    assert action.took_s == pytest.approx(2 * 5.2, abs=0.5)
    assert "rig released" not in told


def test_a_request_to_stop_cuts_nothing() -> None:
    """A cancelled clock still makes all safe."""
    told: list[str] = []
    time_ = clock()
    time_.cancel("test")
    assert all(action.confirmed for action in make_all_safe(boxes(told), time_))


# A session over the real simulators.


@pytest.fixture
def labs(monkeypatch: pytest.MonkeyPatch) -> list[VirtualLab]:
    """The labs that sessions start."""
    known: list[VirtualLab] = []

    class KnownLab(VirtualLab):
        def __init__(self, parsed: station.StationFile) -> None:
            super().__init__(parsed)
            known.append(self)

    monkeypatch.setattr("meterbench.bench.virtual_lab.VirtualLab", KnownLab)
    return known


def lose(lab: VirtualLab, role: str) -> None:
    """That simulator leaves its wire."""
    names = list(lab.addresses)
    lab._loop.run(lab._servers[names.index(role)].stop())


def run_once(folder: Path, standing: Standing, disturb: Callable[[], None]) -> tuple[RunRecord, BaseException | None]:
    """Water flows into the tank, ``disturb`` happens, and the collection goes on."""
    error: BaseException | None = None
    parsed = station.parse(station_content(), "test")
    try:
        with session(parsed, PROGRAMME, folder, standing=standing) as (run, bench), run.step("flow"):
            line = bench.start_flow(1000.0)
            bench.clock.sleep(10.0)
            disturb()
            bench.collect(line, 30.0)
    except BaseException as raised:
        error = raised
    return load(folder), error


def safe_actions(record: RunRecord) -> list[dict[str, Any]]:
    (actions,) = (event["safe_state"] for event in record.events if "safe_state" in event)
    return list(actions)


@pytest.mark.parametrize("role", ["rig", "balance", "thermometer", "counter"])
def test_a_lost_link_of_each_role(role: str, labs: list[VirtualLab], tmp_path: Path) -> None:
    """ERROR with the role named; the rig is safe, or that it could not be reached is said and the station BROKEN."""
    standing = Standing()
    record, error = run_once(tmp_path / "run", standing, lambda: lose(labs[0], role))
    assert isinstance(error, BenchError)
    assert role in str(error)
    assert record.verdict is Verdict.ERROR
    (action,) = safe_actions(record)
    assert action["device"] == "rig"
    assert action["confirmed"] == (role != "rig")
    if role == "rig":
        assert "watchdog" in action["complaint"]
        with pytest.raises(InterlockTripped, match=r"BROKEN since .*run run.*safe state not reached: rig"):
            standing.refuse()
    else:
        assert labs[0].plant.pump_percent == 0.0
        standing.refuse()


def test_a_mistake_in_a_procedure_leaves_a_safe_rig_and_no_broken_station(
    labs: list[VirtualLab], tmp_path: Path
) -> None:
    """The crash is recorded, the rig at rest, and the next run may begin."""
    standing = Standing()
    record, error = run_once(tmp_path / "run", standing, fail(ZeroDivisionError("a mistake")))
    assert isinstance(error, ZeroDivisionError)
    assert record.verdict is Verdict.ERROR
    assert safe_actions(record)[0]["confirmed"]
    assert (labs[0].plant.pump_percent, labs[0].plant.diverter.gate) == (0.0, False)
    assert run_once(tmp_path / "next", standing, lambda: None)[1] is None


def test_after_a_trip_the_next_run_is_refused_with_the_first_cause(labs: list[VirtualLab], tmp_path: Path) -> None:
    """The journal holds the trip before the safe state; the second run opens nothing and leaves no record."""
    standing = Standing()
    record, error = run_once(
        tmp_path / "run", standing, lambda: labs[0]._loop.call(lambda: labs[0].plc.trip("LEAK_TRAY"))
    )
    assert isinstance(error, InterlockTripped)
    assert not record.finished_steps
    assert [("tripped" in event["text"], "safe state" in event["text"]) for event in record.events] == [
        (True, False),
        (False, True),
    ]
    (action,) = safe_actions(record)
    assert action["confirmed"]
    assert action["started_s"] > 0.0
    assert 0.0 <= action["took_s"] <= 5.0
    parsed = station.parse(station_content(), "test")
    with (
        pytest.raises(InterlockTripped, match=r"BROKEN.*LEAK_TRAY.*the safe state was reached"),
        session(parsed, PROGRAMME, tmp_path / "again", standing=standing),
    ):
        pass
    assert len(labs) == 1
    assert not (tmp_path / "again").exists()


def test_an_opening_that_breaks_off_makes_safe_what_did_open(labs: list[VirtualLab], tmp_path: Path) -> None:
    """The balance is missing: the rig, which may still be running from before, is stopped, and the record says so."""
    content = station_content()
    content["instruments"]["balance"]["address"] = "socket://127.0.0.1:1"
    with pytest.raises(ConnectionLost), session(station.parse(content, "test"), PROGRAMME, tmp_path / "run"):
        pass
    (action,) = safe_actions(load(tmp_path / "run"))
    assert (action["device"], action["confirmed"]) == ("rig", True)


def test_a_view_that_fails_costs_nothing_of_the_end(path: Path, labs: list[VirtualLab], tmp_path: Path) -> None:
    """The terminal is gone when the safe state is told: the record is closed, and the station is not BROKEN."""

    def observe(kind: str, _: object) -> None:
        if kind == "event":
            raise OSError(5, "Input/output error")

    standing = Standing(path)
    parsed = station.parse(station_content(), "test")
    with session(parsed, PROGRAMME, tmp_path / "run", standing=standing, observers=[observe]) as (_, bench):
        bench.start_flow(1000.0)
        bench.clock.sleep(10.0)
    record = load(tmp_path / "run")
    assert record.closed is not None
    assert record.verdict is Verdict.ERROR
    assert labs[0].plant.pump_percent == 0.0
    Standing(path).refuse()


# BROKEN, kept in files.


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.toml"


def test_one_bench_at_a_time(path: Path) -> None:
    """The second one is told who holds the station; afterwards nothing is left."""
    with Standing(path).used(), pytest.raises(InterlockTripped, match=r"in use by run \(opening\)"):
        Standing(path).refuse()
    first = Standing(path)
    with first.used():
        first.take("run 1", UTC)
        with pytest.raises(
            InterlockTripped, match=f"in use by run run 1 since {UTC}.*process {os.getpid()}".replace("+", r"\+")
        ):
            Standing(path).refuse()
        first.give_back()
    Standing(path).refuse()
    assert list(path.parent.iterdir()) == []


def test_a_bench_that_was_killed_leaves_a_broken_station(path: Path) -> None:
    """A marker that nobody holds: BROKEN, with the run that it was, until it is cleared."""
    killed = Standing(path)
    with killed.used():
        killed.take("run 1", UTC)
    with pytest.raises(InterlockTripped, match=r"BROKEN since .* \(run run 1\).*was killed.*meterbench clear"):
        Standing(path).refuse()
    clearing = Standing(path)
    with clearing.being_cleared() as state:
        assert state is not None
        clearing.clear({"by": "me"})
    Standing(path).refuse()
    cleared = Standing(path).last_clearance()
    assert cleared is not None
    assert (cleared["by"], cleared["broken"]["run"]) == ("me", "run 1")
    assert [each.name for each in path.parent.iterdir()] == ["lab.broken.log"]


def test_the_first_cause_is_on_the_disk_before_anything_is_made_safe(path: Path) -> None:
    """Declared, then completed; another process sees both; the first cause stays."""
    standing = Standing(path)
    with standing.used():
        standing.take("run 1", UTC)
        standing.declare("run 1", UTC, "first cause", None)
        assert json.loads((path.parent / "lab.broken.json").read_text())["safe_state"] is None
        action = SafeAction("rig", "controlled stop", 1.0, 0.5, True, "")
        standing.declare("run 1", UTC, "second cause", [action])
        standing.give_back()
    state = json.loads((path.parent / "lab.broken.json").read_text())
    assert state == {
        "since": UTC, "run": "run 1", "cause": "first cause", "safe_state": [dataclasses.asdict(action)]
    }  # fmt: skip
    with pytest.raises(InterlockTripped, match="first cause; the safe state was reached"):
        Standing(path).refuse()


def test_being_broken_outlives_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it cannot be written, the marker stays: the next bench finds it."""
    standing = Standing(path)
    with standing.used():
        standing.take("run 1", UTC)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", fail_with_no_space)
            with pytest.raises(RecordError, match="No space left"):
                standing.declare("run 1", UTC, "first cause", None)
        standing.give_back()
    with pytest.raises(InterlockTripped, match="first cause"):
        standing.refuse()
    with pytest.raises(InterlockTripped, match="was killed"):
        Standing(path).refuse()


def fail_with_no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe"])
def test_a_state_that_cannot_be_read_is_broken(content: bytes, path: Path) -> None:
    """Half a file is no reason to start."""
    (path.parent / "lab.broken.json").write_bytes(content)
    with pytest.raises(InterlockTripped, match=r"lab\.broken\.json cannot be read"):
        Standing(path).refuse()


def test_a_link_to_a_station_file_is_the_same_station(path: Path, tmp_path: Path) -> None:
    """Two names do not let two benches in."""
    path.touch()
    (tmp_path / "other.toml").symlink_to(path)
    with Standing(path).used(), pytest.raises(InterlockTripped, match="in use"):
        Standing(tmp_path / "other.toml").refuse()


TWO_PROGRAMMES = """
import pytest
from meterbench.bench.session import Programme

@pytest.fixture(scope="module")
def outcome(run_programme):
    def procedure(run, bench):
        with run.step("only"):
            bench.latch.trip("hose 3 is off")
    return run_programme(Programme("{name}", "{name}", {{}}), procedure)

def test_{name}(outcome, meter):
    outcome.assert_meter(meter.serial)
"""


def test_later_programmes_of_a_pytest_session_are_not_run(
    station_file: Callable[[dict[str, Any]], Path], tmp_path: Path
) -> None:
    """The first one trips; the second one is an error with the first cause, and leaves no record."""
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(TWO_PROGRAMMES.format(name=name))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-c", os.devnull, "-p", "no:cacheprovider",
         "--station", str(station_file(station_content())), str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert "2 errors" in done.stdout, done.stdout + done.stderr
    assert "the station is BROKEN since" in done.stdout
    assert len(list((tmp_path / "runs").glob("*/journal.jsonl"))) == 1


# With the drivers and simulators of everything that acts.

FULL = {
    "chamber": {"driver": "weiss_simserv"},
    "supply": {"driver": "rs_ngu201"},
    "aux_supply": {"driver": "keysight_e36312a", "settings": {"channel": 1, "overvoltage_v": 5.0}},
    "rtd": {"driver": "meatest_m631"},
}


def full_station() -> station.StationFile:
    """A station with all roles that act; its meter has a PT1000."""
    content = station_content({**QUICK_METER, "sensor": "pt1000"})
    content["instruments"] |= FULL
    return station.parse(content, "test")


def simulator(lab: VirtualLab, role: str) -> Any:
    return lab._servers[list(lab.addresses).index(role)]


@pytest.mark.parametrize("trouble", ["none", "alarm of the chamber", "supply tripped", "chamber lost", "supply lost"])
def test_everything_that_acts_is_made_safe(trouble: str, labs: list[VirtualLab], tmp_path: Path) -> None:
    """In the table's order, confirmed; what is lost is named, and the others are safe nevertheless."""
    error: BaseException | None = None
    parsed, folder = full_station(), tmp_path / "run"
    try:
        with session(parsed, PROGRAMME, folder) as (_, bench):
            chamber, supply, aux, rtd = (cast(Any, bench.instruments[role][0]) for role in FULL)
            supply.set_output(3.6, 500.0)
            supply.switch_on()
            aux.set_output(3.3, 200.0)
            aux.switch_on()
            rtd.set_resistance_ohm(1000.0)
            chamber.start(30.0)
            bench.start_flow(1000.0)
            bench.clock.sleep(10.0)
            lab = labs[0]
            if trouble == "alarm of the chamber":
                lab._loop.call(simulator(lab, "chamber").raise_alarm)
            elif trouble == "supply tripped":
                lab._loop.call(lambda: simulator(lab, "supply").sample.__self__._trip(1 << 10))
            elif trouble.endswith("lost"):
                lose_one(lab, trouble.split()[0])
            bench.clock.sleep(120.0)
            assert trouble == "none"
            assert chamber.status().running
    except InterlockTripped as raised:
        error = raised
    record = load(folder)
    actions = safe_actions(record)
    assert [action["device"] for action in actions] == ["rig", "chamber", "supply 1", "aux_supply", "rtd 1"]
    lost = [action["device"] for action in actions if not action["confirmed"]]
    assert lost == {"chamber lost": ["chamber"], "supply lost": ["supply 1"]}.get(trouble, [])
    assert (error is None) == (trouble == "none")
    if error is not None:
        assert record.verdict is Verdict.ERROR
        assert trouble.replace("alarm of the ", "").split()[0] in str(error)
    assert labs[0].plant.pump_percent == 0.0


def lose_one(lab: VirtualLab, role: str) -> None:
    lab._loop.run(simulator(lab, role).stop())
