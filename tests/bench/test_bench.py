"""The bench on the virtual lab: interlocks, safe state, time. Kind: plant."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from meterbench.bench import opening, station
from meterbench.bench.bench import Bench
from meterbench.bench.safe_state import SafeAction
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.errors import Cancelled, DeadlineExceeded, InstrumentError, InterlockTripped
from meterbench.instruments.capabilities import RigState
from tests.conftest import station_content


@pytest.fixture
def lab_and_bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[VirtualLab, Bench]]:
    """An open station under control, and the lab behind it."""
    labs: list[VirtualLab] = []

    class KnownLab(VirtualLab):
        def __init__(self, parsed: station.StationFile) -> None:
            super().__init__(parsed)
            labs.append(self)

    monkeypatch.setattr("meterbench.bench.virtual_lab.VirtualLab", KnownLab)
    with opening.open_station(station.parse(station_content(), "test")) as bench:
        bench.take_control()
        yield labs[0], bench


def confirmed(actions: list[SafeAction]) -> bool:
    """Something was done, and all of it is confirmed."""
    return bool(actions) and all(action.confirmed for action in actions)


def test_water_collected_is_what_was_asked(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """A collection of 60 s lasts 60 s by the gate, and the tank gains what flowed."""
    _, bench = lab_and_bench
    line = bench.start_flow(1000.0)
    assert bench.wait_until_steady(line, 1000.0, 0.01, 240.0)
    collected = bench.collect(line, 60.0)
    assert collected.gate.duration_s == pytest.approx(60.0, abs=0.05)
    assert collected.weighed_g == pytest.approx(1000.0 / 3600.0 * collected.gate.duration_s * 998.0, rel=0.01)
    assert all(pulses > 0 for pulses in collected.pulses)


@pytest.mark.parametrize("alarm", ["ESTOP", "OVERPRESSURE", "LEAK_TRAY", "DOOR_OPEN"])
def test_an_alarm_reaches_whatever_waits(lab_and_bench: tuple[VirtualLab, Bench], alarm: str) -> None:
    """In mid-collection: the wait raises InterlockTripped with the alarm's name; the safe state is reached."""
    lab, bench = lab_and_bench
    line = bench.start_flow(1000.0)
    bench.wait_until_steady(line, 1000.0, 0.01, 240.0)
    bench.clock.every(20.0, lambda: lab._loop.call(lambda: lab.plc.trip(alarm)))
    with pytest.raises(InterlockTripped, match=alarm):
        bench.collect(line, 120.0)
    assert confirmed(bench.make_safe())
    assert lab.plant.flow_l_h < 0.5
    assert not lab.plant.diverter.gate


def test_make_safe_works_from_anywhere_and_twice(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """While water runs into the tank, and again at rest: no complaint, pump off, jet to the return, in seconds."""
    lab, bench = lab_and_bench
    bench.start_flow(5000.0)
    bench.clock.sleep(10.0)
    bench.rig.divert_to_tank()
    bench.clock.sleep(2.0)
    start_s = bench.clock.now_s()
    assert confirmed(bench.make_safe())
    assert bench.clock.now_s() - start_s < 5.0
    assert lab.plant.pump_percent == 0.0
    assert lab.plant.flow_l_h < 0.5
    assert confirmed(bench.make_safe())


def test_make_safe_goes_on_after_a_request_to_stop(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """Cancelled waits raise; the clean-up after them does not."""
    lab, bench = lab_and_bench
    bench.start_flow(1000.0)
    bench.clock.sleep(5.0)
    bench.clock.cancel("test")
    with pytest.raises(Cancelled):
        bench.clock.sleep(1.0)
    assert confirmed(bench.make_safe())
    assert lab.plant.flow_l_h < 0.5


def test_make_safe_says_what_it_could_not_do(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """With the PLC gone: one sentence, no exception."""
    lab, bench = lab_and_bench
    lab._loop.run(lab._servers[0].stop())
    (action,) = bench.make_safe()
    assert not action.confirmed
    assert "rig" in action.complaint
    assert "watchdog" in action.complaint


def test_a_leak_shows_in_the_closed_line() -> None:
    """0.5 L/h out of a line that gives 0.1 mL/kPa: 83 kPa a minute; a tight line shows none."""
    for leak_l_h, rate in ((0.0, 0.0), (0.5, 83.3)):
        content = station_content()
        content["virtual"]["meters"][0] = {**content["virtual"]["meters"][0], "truth": {"water_leak_l_h": leak_l_h}}
        with opening.open_station(station.parse(content, "test")) as bench:
            bench.take_control()
            found = bench.test_tightness()
            assert found.fall_kpa_min == pytest.approx(rate, rel=0.02, abs=0.05)
            assert found.pressure_kpa > 300.0
            assert bench.rig.status().state is RigState.IDLE


def test_what_the_rig_cannot_do_is_refused(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """Flows beyond its lines and volumes beyond its tank, by name."""
    _, bench = lab_and_bench
    for flow_l_h in (0.0, -1.0, 9001.0, float("nan")):
        with pytest.raises(InstrumentError, match="L/h asked for"):
            bench.start_flow(flow_l_h)
    with pytest.raises(InstrumentError, match="would not fit"):
        bench.make_room(200.0)


def test_a_simulated_station_can_live_in_wall_time() -> None:
    """With ``clock = "wall"`` the world goes on by itself: two seconds are two seconds, and water runs in them."""
    content = station_content()
    content["station"]["clock"] = "wall"
    with opening.open_station(station.parse(content, "test")) as bench:
        bench.take_control()
        before_s, uptime_s = time.monotonic(), bench.rig.status().uptime_s
        bench.start_flow(2000.0)
        bench.clock.sleep(2.5)
        status = bench.rig.status()
        assert 2 <= status.uptime_s - uptime_s <= time.monotonic() - before_s + 1.0
        assert status.flow_l_h["C"] > 0.0
        assert confirmed(bench.make_safe())


def test_a_certificate_may_run_out_in_mid_run() -> None:
    """Its last good day is over while the bench works: from then on nothing can be PASS."""
    content = station_content()
    content["instruments"]["balance"]["calibration"]["due"] = datetime.now(UTC).date().isoformat()
    with opening.open_station(station.parse(content, "test")) as bench:
        assert bench.uncalibrated() == []
        bench.clock.sleep(24 * 3600.0)
        (reason,) = bench.uncalibrated()
        assert "balance is out of calibration" in reason


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be chosen on this system")
def test_virtual_time_stays_on_one_core() -> None:
    """While a simulated station is open in virtual time, and no longer: bench and lab only ever take turns."""
    before = os.sched_getaffinity(0)
    with opening.open_station(station.parse(station_content(), "test")):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_half_the_flow_is_no_flow(lab_and_bench: tuple[VirtualLab, Bench]) -> None:
    """A flow that never comes near its target ends the wait with a sentence, not with a long measurement."""
    _, bench = lab_and_bench
    line = bench.start_flow(100.0)
    with pytest.raises(DeadlineExceeded, match="asked for 500 L/h"):
        bench.wait_until_steady(line, 500.0, 0.01, 60.0)
