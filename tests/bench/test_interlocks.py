"""Interlocks: what trips the bench, that the first cause is latched, and what it refuses from then on. Kind: plant."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meterbench.bench import opening, station
from meterbench.bench.bench import Bench
from meterbench.bench.interlocks import (
    ChamberInterlock,
    DryRun,
    Guarded,
    Latch,
    Pace,
    Permissives,
    Stopped,
    SupplyInterlock,
    rig_interlocks,
)
from meterbench.bench.record import load
from meterbench.bench.rig_watch import RigWatch
from meterbench.bench.run import Run, Subject
from meterbench.bench.served_lab import ServedLab
from meterbench.bench.session import Programme, session
from meterbench.bench.verdict import Verdict
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.errors import ConnectionLost, InstrumentError, InterlockTripped, RecordError
from meterbench.instruments.capabilities import ChamberStatus, FlowRig, RigState, RigStatus, SupplyStatus
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.world.clock import VirtualClock
from tests.conftest import QUICK_METER, station_content

FINE = RigStatus(
    state=RigState.RUNNING, uptime_s=100, alarms=frozenset(), warnings=frozenset(), missing_permissives=frozenset(),
    flow_l_h={"A": 0.0, "B": 500.0, "C": 0.0}, pressure_upstream_kpa=400.0, pressure_downstream_kpa=380.0,
    meters_dp_kpa=20.0, pump_speed_percent=100.0, water_temp_upstream_c=20.0, water_temp_downstream_c=20.0,
    tank_temp_c=20.0, weigh_tank_level_percent=10.0, ambient_temp_c=20.0, leak_rate_kpa_min=0.0,
)  # fmt: skip
DIVERTING = {"state": RigState.DIVERTING}


@pytest.fixture
def lab_and_bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[VirtualLab, Bench]]:
    """A station under control with 1000 L/h flowing, and the lab behind it."""
    labs: list[VirtualLab] = []

    class KnownLab(VirtualLab):
        def __init__(self, parsed: station.StationFile) -> None:
            super().__init__(parsed)
            labs.append(self)

    monkeypatch.setattr("meterbench.bench.virtual_lab.VirtualLab", KnownLab)
    with opening.open_station(station.parse(station_content(), "test")) as bench:
        bench.take_control()
        line = bench.start_flow(1000.0)
        bench.wait_until_steady(line, 1000.0, 0.01, 240.0)
        yield labs[0], bench


def in_the_lab(lab: VirtualLab, do: Callable[[], object]) -> None:
    lab._loop.call(do)


def clock() -> VirtualClock:
    return VirtualClock(lambda _duration_s: True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"alarms": frozenset({"LEAK_TRAY"})}, "LEAK_TRAY"),
        ({"state": RigState.ESTOP}, "ESTOP"),
        ({"missing_permissives": frozenset({"guard_closed"})}, "guard_closed"),
        ({"missing_permissives": frozenset({"guard_closed"}), "state": RigState.IDLE}, ""),
        ({"missing_permissives": frozenset({"weigh_tank_empty"})}, ""),
        ({"pressure_upstream_kpa": 1680.0}, ""),
        ({"pressure_upstream_kpa": 1680.1}, "1680 kPa"),
        ({"pressure_upstream_kpa": float("nan")}, "nan kPa"),
        ({"tank_temp_c": 65.0}, ""),
        ({"tank_temp_c": 65.1}, "65.1 °C in the tank"),
        ({"water_temp_upstream_c": 2.9}, "2.9 °C"),
        ({"tank_temp_c": 2.9}, "2.9 °C"),
        ({"weigh_tank_level_percent": 91.0}, ""),
        ({"weigh_tank_level_percent": 91.0, **DIVERTING}, "91 %"),
        ({"weigh_tank_level_percent": 90.0, **DIVERTING}, ""),
    ],
)
def test_limits_of_the_rig(change: dict[str, object], says: str) -> None:
    """Each limit trips beyond its number and not at it; a reading that is no number trips; the sentence has it."""
    status = dataclasses.replace(FINE, **change)  # type: ignore[arg-type]
    causes = [cause for each in rig_interlocks(DryRun()) if (cause := each.cause(0.0, status))]
    assert bool(causes) == bool(says)
    assert says in " ".join(causes)


def test_a_dry_run_takes_five_seconds_and_a_flow_that_was_asked_for() -> None:
    """Not while nothing is asked for, not in the ramp, not for 4.9 s; then with what is missing."""
    dry = dataclasses.replace(FINE, flow_l_h={"A": 0.0, "B": 0.0, "C": 0.0})
    interlock = DryRun()
    assert [interlock.cause(at_s, dry) for at_s in (0.0, 10.0)] == ["", ""]
    interlock.ask(20.0, 500.0)
    assert [interlock.cause(at_s, dry) for at_s in (20.0, 24.9, 25.0, 29.9)] == [""] * 4
    assert "500 L/h" in interlock.cause(30.0, dry)
    assert interlock.cause(30.5, FINE) == ""
    assert [interlock.cause(at_s, dry) for at_s in (31.0, 35.5)] == ["", ""]
    interlock.ask(35.6, 0.0)
    assert interlock.cause(36.1, dry) == ""


def test_permissives_count_in_every_state_of_motion() -> None:
    """Also under the pressure of a tightness test."""
    status = dataclasses.replace(FINE, missing_permissives=frozenset({"no_leak"}), state=RigState.PRESSURE_TEST)
    assert "no_leak" in Permissives().cause(0.0, status)


@pytest.mark.parametrize("state", [RigState.SAFE, RigState.IDLE, RigState.READY, RigState.BOOT])
def test_a_rig_that_stops_by_itself_is_seen(state: RigState) -> None:
    """Without any alarm: only after the ramp, and only while a flow is asked for."""
    dry_run = DryRun()
    interlock, stopped = Stopped(dry_run), dataclasses.replace(FINE, state=state)
    assert interlock.cause(0.0, stopped) == ""
    dry_run.ask(10.0, 500.0)
    assert interlock.cause(14.9, stopped) == ""
    assert f"in state {state} where 500 L/h" in interlock.cause(15.0, stopped)
    for flowing in (RigState.RUNNING, RigState.DIVERTING, RigState.DRAINING):
        assert interlock.cause(15.0, dataclasses.replace(FINE, state=flowing)) == ""
    dry_run.ask(16.0, 0.0)
    assert interlock.cause(16.0, stopped) == ""


def pace_trips_at_s(uptime_s: Callable[[float], float], speed: float = 1.0, until_s: float = 3600.0) -> float | None:
    """When two looks a second at a PLC with this uptime trip; None: never."""
    pace = Pace(speed)
    for look in range(round(2.0 * until_s)):
        at_s = 0.5 * look
        if pace.cause(at_s, dataclasses.replace(FINE, uptime_s=int(1000.9 + uptime_s(at_s)))):
            return at_s
    return None


@pytest.mark.parametrize(
    ("uptime_s", "speed", "between_s"),
    [
        (lambda at_s: at_s, 1.0, None),
        (lambda at_s: 1.04 * at_s, 1.0, None),
        (lambda at_s: 0.96 * at_s, 1.0, None),
        (lambda at_s: 10.0 * at_s, 1.0, (20.0, 20.0)),
        (lambda at_s: 0.5 * at_s, 1.0, (20.0, 20.0)),
        (lambda at_s: 1.1 * at_s, 1.0, (20.0, 65.0)),
        (lambda at_s: 0.9 * at_s, 1.0, (40.0, 65.0)),
        (lambda at_s: at_s if at_s < 3000.0 else 3000.0 + 2.0 * (at_s - 3000.0), 1.0, (3000.0, 3030.0)),
        (lambda at_s: at_s if at_s < 1000.0 else at_s - 100.0, 1.0, (1000.0, 1030.0)),
        (lambda at_s: min(at_s, 100.0), 1.0, (105.0, 107.0)),
        (lambda at_s: at_s // 2.0 * 2.0, 100.0, None),
        (lambda at_s: at_s + 20.0 * (at_s % 7.0 > 5.0), 100.0, None),
        (lambda at_s: 2.0 * at_s, 100.0, (20.0, 60.0)),
    ],
)
def test_the_plcs_clock_goes_as_fast_as_the_stations(
    uptime_s: Callable[[float], float], speed: float, between_s: tuple[float, float] | None
) -> None:
    """5 % and 2 s over 20 s at least, from the beginning and lately; more for a laboratory that shows longer steps.

    An uptime that stands is noticed in 5 s.
    """
    at_s = pace_trips_at_s(uptime_s, speed)
    assert at_s == between_s if at_s is None or between_s is None else between_s[0] <= at_s <= between_s[1]


@pytest.mark.parametrize(("speed", "trips"), [(20.0, False), (40.0, True), (10.0, True)])
def test_a_laboratory_of_another_speed_is_noticed(speed: float, trips: bool) -> None:
    """A bench that was told 20 times wall time, at laboratories of that speed, of twice and of half."""
    content = station_content()
    lab = VirtualLab(station.parse(content, "test"))
    served = ServedLab(station="test", speed=20.0, pid=1, addresses=lab.start(speed))
    content |= {"station": {"name": "test", "clock": "wall"}, "meters": content["virtual"]["meters"]}
    del content["virtual"]
    for section in content["instruments"].values():
        section["address"] = "tcp://127.0.0.1:1"
    try:
        with opening.open_station(station.parse(content, "test"), opening.Wires(served=served)) as bench:
            bench.take_control()
            if trips:
                with pytest.raises(InterlockTripped, match="does not go at the bench's speed"):
                    bench.clock.sleep(60.0)
            else:
                bench.clock.sleep(60.0)
            bench.make_safe()
    finally:
        lab.stop()


class Chamber:
    role = "chamber"
    limits_c = (-40.0, 90.0)

    def __init__(self, status: ChamberStatus) -> None:
        self._status = status

    def status(self) -> ChamberStatus:
        return self._status


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (ChamberStatus(True, 55.0, 55.0, ()), ""),
        (ChamberStatus(True, 55.0, 55.0, ("FAN",)), "chamber: it reports FAN at 55.0 °C"),
        (ChamberStatus(True, 95.1, 90.0, ()), "made for -40 to 90 °C"),
        (ChamberStatus(True, -45.1, -40.0, ()), "made for -40 to 90 °C"),
        (ChamberStatus(True, float("nan"), 20.0, ()), "nan °C"),
        (ChamberStatus(False, 95.1, 90.0, ()), ""),
    ],
)
def test_limits_of_a_chamber(status: ChamberStatus, says: str) -> None:
    """An alarm trips always, a temperature beyond what the chamber is made for while it runs."""
    cause = ChamberInterlock(Chamber(status)).cause()  # type: ignore[arg-type]
    assert says in cause
    assert bool(says) == bool(cause)


class Supply:
    role = "supply 1"

    def __init__(self) -> None:
        self.now = SupplyStatus(True, False, ())

    def status(self) -> SupplyStatus:
        return self.now


def test_a_supply_may_limit_for_one_look_only() -> None:
    """Inrush is no fault; limiting in two looks in a row is, and a tripped protection at once."""
    supply = Supply()
    interlock = SupplyInterlock(supply)  # type: ignore[arg-type]
    fine, limiting = supply.now, SupplyStatus(True, True, ())
    seen = []
    for supply.now in (fine, limiting, fine, limiting):
        seen.append(interlock.cause())
    assert seen == ["", "", "", ""]
    assert "limits the current" in interlock.cause()
    supply.now = SupplyStatus(False, False, ("OVP",))
    assert interlock.cause() == "supply 1: its protection tripped: OVP"


def test_the_first_cause_stays() -> None:
    """A second trip changes nothing: the first one has cause, time and UTC."""
    latch = Latch(clock())
    latch._clock.sleep(3.0)
    for cause in ("first", "second"):
        with pytest.raises(InterlockTripped, match=r"^first$"):
            latch.trip(cause)
    assert latch.first is not None
    assert (latch.first.cause, latch.first.at_s) == ("first", 3.0)


def test_a_latch_raises_in_every_wait_until_it_is_disarmed() -> None:
    """However short; a clean-up can wait nevertheless, and commands stay refused."""
    time = clock()
    latch = Latch(time)
    time.sleep(0.01)
    with pytest.raises(InterlockTripped):
        latch.trip("cause")
    for _ in range(3):
        with pytest.raises(InterlockTripped, match="cause"):
            time.sleep(0.001)
    latch.disarm()
    time.sleep(1.0)
    with pytest.raises(InterlockTripped, match="cause"):
        latch.check()
    latch.arm()
    with pytest.raises(InterlockTripped, match="cause"):
        time.sleep(0.001)


def test_a_latch_raises_in_a_job_that_waits() -> None:
    """A job whose instrument makes it wait ends there: it may not go on with what it was about to do."""
    time = clock()
    latch = Latch(time)
    done: list[str] = []

    def job() -> None:
        with pytest.raises(InterlockTripped):
            latch.trip("cause")
        time.sleep(0.1)
        done.append("went on")

    time.every(1.0, job)
    with pytest.raises(InterlockTripped, match="cause"):
        time.sleep(2.0)
    assert done == []


def test_a_guarded_instrument_reads_and_stops_but_does_not_act() -> None:
    """Once something is latched."""

    class Box:
        role = "box"

        def start(self, temp_c: float) -> str:
            return f"started {temp_c}"

        def make_safe(self) -> str:
            return "safe"

    latch = Latch(clock())
    box = Guarded(Box(), latch)
    assert box.start(20.0) == "started 20.0"  # type: ignore[operator]
    with pytest.raises(InterlockTripped):
        latch.trip("cause")
    with pytest.raises(InterlockTripped, match="cause"):
        box.start(20.0)  # type: ignore[operator]
    assert box.make_safe() == "safe"  # type: ignore[operator]
    assert box.role == "box"


def test_what_a_command_finds_tripped_is_latched(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """The alarm comes between two looks, and the next command is what sees it."""
    lab, bench = lab_and_bench
    in_the_lab(lab, lambda: lab.plc.trip("DOOR_OPEN"))
    with pytest.raises(InterlockTripped, match="DOOR_OPEN"):
        bench.rig.divert_to_tank()
    assert bench.latch.first is not None
    with pytest.raises(InterlockTripped, match=r"divert_to_tank.*DOOR_OPEN"):
        bench.clock.sleep(0.01)


class Rig:
    """Fails as often as it is told."""

    role = "rig"

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def beat(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionLost("rig: no answer")

    def status(self) -> RigStatus:
        return FINE


def test_a_full_disk_hides_no_alarm() -> None:
    """The traces of this look cannot be written, and it is the one that sees the leak: latched."""

    class Full:
        def keep(self, source: str, values: object) -> None:
            raise RecordError("no space")

    rig = Rig(0)
    rig.status = lambda: dataclasses.replace(FINE, alarms=frozenset({"LEAK_TRAY"}))  # type: ignore[method-assign]
    watch = RigWatch(rig, clock(), Latch(clock()))  # type: ignore[arg-type]
    watch.sink = Full()
    with pytest.raises(InterlockTripped, match="LEAK_TRAY"):
        watch.look()
    assert watch.latch.first is not None


@pytest.mark.parametrize(("failures", "trips"), [(0, False), (1, False), (2, True)])
def test_a_lost_link_is_one_that_fails_twice_in_a_row(failures: int, trips: bool) -> None:
    """One broken frame is repeated; a second one at once is a lost link, and that is latched."""
    time = clock()
    latch = Latch(time)
    rig: FlowRig = Rig(failures)  # type: ignore[assignment]
    watch = RigWatch(rig, time, latch)
    if trips:
        with pytest.raises(InterlockTripped, match="no answer; rig acts on the world"):
            watch.start()
        with pytest.raises(InterlockTripped, match="no answer"):
            watch.look()
    else:
        watch.start()
    assert (latch.first is not None) == trips


def test_over_pressure_stops_the_bench_before_the_plc(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """1720 kPa before the meters: above the bench's limit, below the PLC's; waits and commands are refused after it."""
    lab, bench = lab_and_bench
    in_the_lab(lab, lambda: setattr(lab.plant, "spec", dataclasses.replace(lab.plant.spec, supply_pressure_kpa=1720.0)))
    with pytest.raises(InterlockTripped, match="kPa before the meters; the bench stops above 1680 kPa"):
        bench.collect("C", 60.0)
    assert bench.rig.status().alarms == frozenset()
    for act in (lambda: bench.start_flow(500.0), bench.rig.divert_to_tank, lambda: bench.clock.sleep(0.01)):
        with pytest.raises(InterlockTripped, match="the bench stops above 1680 kPa"):
            act()
    assert all(action.confirmed for action in bench.make_safe())
    assert lab.plant.pump_percent == 0.0
    with pytest.raises(InterlockTripped, match="the bench stops above 1680 kPa"):
        bench.clock.sleep(0.01)


def test_over_temperature_stops_the_bench_before_the_plc(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """66 °C in the tank."""
    lab, bench = lab_and_bench
    in_the_lab(lab, lambda: setattr(lab.plant, "tank_temp_c", 66.0))
    with pytest.raises(InterlockTripped, match="in the tank; the bench stops above 65 °C"):
        bench.clock.sleep(5.0)


def test_a_pump_that_runs_dry_is_seen(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """The supply fails while the pump turns: tripped after five seconds, not at once."""
    lab, bench = lab_and_bench
    in_the_lab(lab, lambda: setattr(lab.plant, "spec", dataclasses.replace(lab.plant.spec, supply_pressure_kpa=0.0)))
    start_s = bench.clock.now_s()
    with pytest.raises(InterlockTripped, match="it runs dry"):
        bench.clock.sleep(60.0)
    assert 5.0 <= bench.clock.now_s() - start_s <= 15.0


def test_control_that_somebody_takes_away_is_seen(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """Another program hands the rig back: the PLC stops without an alarm, and the bench does not wait for water."""
    lab, bench = lab_and_bench
    in_the_lab(lab, lambda: lab.plc.remote_request(0))
    with pytest.raises(InterlockTripped, match=r"it stopped by itself|in state SAFE"):
        bench.collect("C", 60.0)
    assert bench.rig.status().alarms == frozenset()


def test_two_heartbeats_are_refused(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """Another program, of another station file, has the rig: its death would not be noticed while we beat."""
    lab, bench = lab_and_bench
    bench.make_safe()
    bench._had_control = False
    in_the_lab(lab, lambda: lab.plc.remote_request(1))
    for resetting in (False, True):
        with pytest.raises(InterlockTripped, match="heartbeat of another program"):
            bench.take_control(resetting=resetting)
    in_the_lab(lab, lambda: lab.plc.remote_request(0))
    bench.take_control()


def test_a_collection_that_does_not_begin_leaves_no_job(
    lab_and_bench: tuple[VirtualLab, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PLC refuses to divert: what would have been read meanwhile is not read in what follows."""
    _, bench = lab_and_bench

    def refuse(_: object) -> None:
        raise InstrumentError("rig: refused divert_to_tank")

    monkeypatch.setattr(ModbusPlcRig, "divert_to_tank", refuse)
    jobs = sum(job.active for job in bench.clock._jobs)
    with pytest.raises(InstrumentError, match="refused divert_to_tank"):
        bench.collect("C", 30.0)
    assert sum(job.active for job in bench.clock._jobs) == jobs


def test_an_alarm_in_the_middle_of_the_diverters_travel(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """The jet ends at the return, the collection is void, and what follows is refused with that alarm."""
    lab, bench = lab_and_bench
    outcomes = []

    def collect() -> None:
        with bench.collecting("C") as outcome:
            outcomes.append(outcome)
            in_the_lab(lab, lambda: lab.plc.trip("DIVERTER_TIMEOUT"))
            bench.clock.sleep(30.0)

    with pytest.raises(InterlockTripped, match="DIVERTER_TIMEOUT"):
        collect()
    assert outcomes == [[]]
    bench.make_safe()
    assert not lab.plant.diverter.gate
    with pytest.raises(InterlockTripped, match="DIVERTER_TIMEOUT"):
        bench.rig.divert_to_tank()


def test_a_procedure_that_catches_a_trip_gets_no_further(tmp_path: Path) -> None:
    """No step begins, no flow starts, and the run is ERROR with the first cause although nothing was raised."""
    programme = Programme("test", "test", {})
    with session(station.parse(station_content(), "test"), programme, tmp_path / "run") as (run, bench):
        with pytest.raises(InterlockTripped, match="first cause"):
            bench.latch.trip("first cause")
        for act in (lambda: bench.start_flow(500.0), lambda: _step(run)):
            with pytest.raises(InterlockTripped, match="first cause"):
                act()
    record = load(tmp_path / "run")
    assert record.verdict is Verdict.ERROR
    assert record.closed is not None
    assert record.closed["reasons"] == ["first cause"]
    assert not record.finished_steps
    tripped, safe = record.events
    assert tripped["text"] == "tripped: first cause"
    assert tripped["at_s"] <= safe["safe_state"][0]["started_s"]
    assert [action["device"] for action in safe["safe_state"]] == ["rig"]


def test_a_step_in_which_a_trip_was_caught_is_not_finished(tmp_path: Path) -> None:
    """Resumed, it would count as done: what was measured after the trip is measured again."""
    parsed, folder = station.parse(station_content(), "test"), tmp_path / "run"

    def caught(run: Run, bench: Bench) -> None:
        with contextlib.suppress(InterlockTripped):
            bench.latch.trip("first cause")
        subject = Subject("test", "7.4", "ADR-1", QUICK_METER["serial"])
        run.measure("error_of_indication", 0.0, "%", subject, lower=-2.0, upper=2.0)

    with (
        pytest.raises(InterlockTripped, match="first cause"),
        session(parsed, Programme("test", "test", {}), folder) as (run, bench),
        run.step("disturbed"),
    ):
        caught(run, bench)
    assert not load(folder).finished_steps


def _step(run: Run) -> None:
    with run.step("later"):
        pass


def test_alarms_that_are_latched_at_the_start_are_not_reset_silently(
    lab_and_bench: tuple[VirtualLab, Bench],
) -> None:
    """Taking control names them and says what to do; clearing resets them, unless the cause persists."""
    lab, bench = lab_and_bench
    bench.make_safe()
    in_the_lab(lab, lambda: lab.plc.trip("LEAK_TRAY"))
    with pytest.raises(InterlockTripped, match=r"LEAK_TRAY latched before .* `meterbench clear`"):
        bench.take_control()
    assert bench.rig.status().alarms == {"LEAK_TRAY"}
    in_the_lab(lab, lambda: setattr(lab.plant, "tank_temp_c", 70.0))
    with pytest.raises(InterlockTripped, match="OVERTEMP_WATER"):
        bench.take_control(resetting=True)
    in_the_lab(lab, lambda: setattr(lab.plant, "tank_temp_c", 20.0))
    bench.take_control(resetting=True)
    assert bench.rig.status().alarms == frozenset()
