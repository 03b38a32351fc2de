"""The SIMSERV driver: golden exchanges, what it refuses, and how it waits and stops."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest

from meterbench.errors import ConfigError, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Actor, ChamberStatus, Identity
from meterbench.instruments.chamber.weiss_simserv import WeissSimserv, WeissSimservSettings, open_weiss_simserv
from meterbench.instruments.chamber.weiss_simserv_sim import WeissSimservSim
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.place import Place
from tests.instruments.chamber.cabinet import DRY, LINK_DEADLINE_S, Cabinet, exchanges


@pytest.fixture
def sim(cabinet: Cabinet, request: pytest.FixtureRequest) -> Iterator[WeissSimservSim]:
    made = WeissSimservSim(cabinet.chamber, cabinet.now_s, **getattr(request, "param", {}))
    yield made
    cabinet.loop_thread.run(made.stop())


@pytest.fixture
def box(cabinet: Cabinet, sim: WeissSimservSim) -> Iterator[WeissSimserv]:
    opened = open_weiss_simserv(
        Place("chamber", cabinet.loop_thread.run(sim.start()), cabinet.clock), WeissSimservSettings()
    )
    opened._link._deadline_s = LINK_DEADLINE_S
    yield opened
    opened.close()


def test_opening_reads_identity_unit_and_limits(box: WeissSimserv, cabinet: Cabinet) -> None:
    """Each twice; 99997 1, 3 and 5, 11023, 11007, 11009, 11066, 11070; then 11018, and 11023, 11007, 11009 of a second
    variable (instruments.md 3.1). The trace has the last twenty. It takes no bench time."""
    assert box.identity == Identity("Weiss Technik", "SIM WK 340/40", "58226186", "5.2")
    assert box.limits_c == (-40.0, 180.0)
    assert exchanges(box)[::2] == [
        (b"99997\xb61\xb65\r", b"1\xb65.2\r\n"),
        (b"11023\xb61\xb61\r", b"1\xb6\xb0C\r\n"),
        (b"11007\xb61\xb61\r", b"1\xb6-40.0\r\n"),
        (b"11009\xb61\xb61\r", b"1\xb6180.0\r\n"),
        (b"11066\xb61\xb61\r", b"1\xb60.0\r\n"),
        (b"11070\xb61\xb61\r", b"1\xb60.0\r\n"),
        (b"11018\xb61\r", b"1\xb62\r\n"),
        (b"11023\xb61\xb62\r", b"1\xb6%rh\r\n"),
        (b"11007\xb61\xb62\r", b"1\xb610.0\r\n"),
        (b"11009\xb61\xb62\r", b"1\xb698.0\r\n"),
    ]
    assert cabinet.elapsed_s == 0.0
    assert isinstance(box, Actor)


def test_golden_set_and_actual(box: WeissSimserv, cabinet: Cabinet) -> None:
    """instruments.md 11, vector 5: set 23.5 degC, get the actual value 23.4 degC."""
    cabinet.chamber.air_temp_c = 23.4
    box.start(23.5)
    trace = exchanges(box)
    assert (bytes.fromhex("31 31 30 30 31 B6 31 B6 31 B6 32 33 2E 35 0D"), b"1\r\n") in trace
    assert (b"14001\xb61\xb61\xb61\r", b"1\r\n") in trace
    box.status()
    assert (b"11004\xb61\xb61\r", b"1\xb623.4\r\n") in exchanges(box)
    assert cabinet.chamber.setpoint_c == 23.5


def test_golden_humidity(box: WeissSimserv, cabinet: Cabinet) -> None:
    """Variable 2, and the digital output that switches it on, read back before the start and after it."""
    cabinet.jump(23.4, 61.2)
    box.start(40.0, humidity_percent=93.0)
    trace = exchanges(box)
    start = trace.index((b"14001\xb61\xb61\xb61\r", b"1\r\n"))
    assert trace[start - 4 : start] == [
        (b"11001\xb61\xb62\xb693.0\r", b"1\r\n"),
        (b"11002\xb61\xb62\r", b"1\xb693.0\r\n"),
        (b"11002\xb61\xb62\r", b"1\xb693.0\r\n"),
        (b"14001\xb61\xb62\xb61\r", b"1\r\n"),
    ]
    assert trace[-4:] == [(b"11002\xb61\xb62\r", b"1\xb693.0\r\n")] * 2 + [(b"14003\xb61\xb62\r", b"1\xb61\r\n")] * 2
    cabinet.chamber.air_humidity_percent = 61.2
    assert box.status().humidity_percent == 61.2
    assert (b"11004\xb61\xb62\r", b"1\xb661.2\r\n") in exchanges(box)
    cabinet.clock.sleep(3600.0)
    assert box.status().humidity_percent == 93.0


def test_without_a_humidity_it_is_switched_off(box: WeissSimserv, cabinet: Cabinet) -> None:
    """Whatever was set before."""
    box.start(55.0, humidity_percent=93.0)
    cabinet.clock.sleep(3600.0)
    box.start(55.0)
    assert not cabinet.chamber.humidity_controlled
    cabinet.clock.sleep(9.0 * 3600.0)
    assert box.status().humidity_percent < 15.0


@pytest.mark.parametrize("cabinet", [DRY], indirect=True)
def test_a_chamber_without_humidity_refuses_one(box: WeissSimserv, cabinet: Cabinet) -> None:
    """It has one control variable; of the second nothing is asked then, and its output is left alone."""
    with pytest.raises(InstrumentError, match="chamber: asked for 93 % relative humidity, but this chamber has no"):
        box.start(55.0, humidity_percent=93.0)
    assert not cabinet.chamber.running
    box.start(55.0)
    assert cabinet.chamber.running
    assert math.isnan(box.status().humidity_percent)
    assert not any(b"\xb61\xb62" in sent for sent, _ in exchanges(box))


@pytest.mark.parametrize("humidity_percent", [9.9, 98.1, float("nan")])
def test_a_humidity_out_of_its_limits_is_not_sent(box: WeissSimserv, cabinet: Cabinet, humidity_percent: float) -> None:
    before = exchanges(box)
    with pytest.raises(InstrumentError, match=r"% relative humidity not set; this chamber takes 10 to 98 %"):
        box.start(55.0, humidity_percent=humidity_percent)
    assert exchanges(box) == before


@pytest.mark.parametrize("name", ["setpoint_c", "humidity_setpoint_percent", "humidity_on"])
def test_a_set_point_that_is_lost_with_the_start_is_told(
    box: WeissSimserv, cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A restart between setting and starting brings back what was set before: here one of the three at a time."""
    start = cabinet.chamber.start

    def forget() -> None:
        setattr(cabinet.chamber, name, 23.0 if name != "humidity_on" else False)
        start()

    monkeypatch.setattr(cabinet.chamber, "start", forget)
    with pytest.raises(InstrumentError, match=r"chamber: set .* reads back .*; see its panel"):
        box.start(55.0, humidity_percent=93.0)


def test_a_gradient_is_no_faster_than_asked(box: WeissSimserv, cabinet: Cabinet) -> None:
    """In tenths of a K/min."""
    for asked_k_min, set_k_min in ((0.1667, 0.1), (0.3, 0.3), (2.99, 2.9)):
        box.start(55.0, gradient_k_min=asked_k_min)
        assert (cabinet.chamber.gradient_up_k_min, cabinet.chamber.gradient_down_k_min) == (set_k_min, set_k_min)


def test_a_broken_humidity_sensor_is_no_number(box: WeissSimserv, cabinet: Cabinet, sim: WeissSimservSim) -> None:
    """Dry heat needs none: the temperature is right all the same."""
    sim._humidity_error_percent = 80.0
    status = box.status()
    assert math.isnan(status.humidity_percent)
    assert status.temp_c == 20.0


def test_a_start_is_seen_through(box: WeissSimserv, cabinet: Cabinet) -> None:
    """It waits on the clock until the PLC says that it runs; the air follows; a new set-point does not stop it.

    Without a gradient it is again as fast as the panel was set.
    """
    box.start(55.0, gradient_k_min=1.0)
    assert 0.3 <= cabinet.elapsed_s < 1.0
    cabinet.clock.sleep(600.0)
    status = box.status()
    assert status == ChamberStatus(True, pytest.approx(30.0, abs=0.1), 55.0, (), pytest.approx(27.7, abs=0.5))
    box.start(-25.0)
    assert (cabinet.chamber.gradient_up_k_min, cabinet.chamber.gradient_down_k_min) == (0.0, 0.0)
    assert box.status().setpoint_c == -25.0


@pytest.mark.parametrize("temp_c", [-40.1, 180.1, float("nan")])
def test_out_of_its_limits_nothing_is_sent(box: WeissSimserv, cabinet: Cabinet, temp_c: float) -> None:
    before = exchanges(box)
    with pytest.raises(InstrumentError, match=r"chamber: .* not set; this chamber takes -40 to 180 degC"):
        box.start(temp_c)
    assert exchanges(box) == before
    assert not cabinet.chamber.running


@pytest.mark.parametrize("sim", [{"gradient": False}], indirect=True)
def test_a_chamber_without_gradients_refuses_one(box: WeissSimserv, cabinet: Cabinet) -> None:
    with pytest.raises(InstrumentError, match="cannot limit its gradient"):
        box.start(55.0, gradient_k_min=2.0)
    box.start(55.0)
    assert cabinet.chamber.running


def test_warnings_are_told_and_alarms_stop_a_start(box: WeissSimserv, cabinet: Cabinet, sim: WeissSimservSim) -> None:
    """Status bits 4 and 8, in the chamber's own words; its information is neither."""
    cabinet.chamber.door_open = True
    assert box.status().alarms == ("warning: Door open",)
    box.start(55.0)
    cabinet.loop_thread.call(sim.raise_alarm)
    cabinet.clock.sleep(1.0)
    status = box.status()
    assert not status.running
    assert status.alarms == ("warning: Door open", "alarm: Compressor high pressure")
    with pytest.raises(InstrumentError, match=r"chamber: asked to start, but it reports .*Compressor high pressure"):
        box.start(55.0)


def test_safe_is_idle_and_safe_to_do_twice(box: WeissSimserv, cabinet: Cabinet) -> None:
    box.start(55.0, humidity_percent=93.0)
    for _ in range(2):
        box.make_safe()
        assert not cabinet.chamber.running
        assert not cabinet.chamber.humidity_controlled
    assert not box.status().running


def test_safe_although_somebody_cancelled(box: WeissSimserv, cabinet: Cabinet) -> None:
    """The clean-up waits on a clock that makes everybody else stop."""
    box.start(55.0)
    cabinet.clock.cancel("the operator")
    box.make_safe()
    assert not cabinet.chamber.running


@pytest.mark.parametrize("kind", [FaultKind.SILENCE, FaultKind.CLOSE, FaultKind.GARBLE, FaultKind.REFUSE])
@pytest.mark.parametrize("after", [0, 1])
def test_one_fault_does_not_keep_it_from_being_made_safe(
    box: WeissSimserv, cabinet: Cabinet, sim: WeissSimservSim, kind: FaultKind, after: int
) -> None:
    box.start(55.0)
    sim.server.faults.add(Fault(kind, after))
    box.make_safe()
    assert not cabinet.chamber.running


def test_what_cannot_be_made_safe_is_told_in_time(box: WeissSimserv, sim: WeissSimservSim) -> None:
    box.start(55.0)
    sim.server.faults.add(Fault(FaultKind.SILENCE, count=-1))
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="chamber"):
        box.make_safe()
    assert time.monotonic() - started_s < 3.0


def test_a_machine_that_does_not_stop_is_told(box: WeissSimserv, cabinet: Cabinet, monkeypatch) -> None:
    """The command is accepted, and nothing happens."""
    box.start(55.0)
    monkeypatch.setattr(cabinet.chamber, "stop", lambda: None)
    with pytest.raises(DeadlineExceeded, match=r"chamber: stopped, but 3 s later its status is still running; stop it"):
        box.make_safe()


def test_a_tripped_limiter_shows_nowhere_but_in_the_air(box: WeissSimserv, cabinet: Cabinet) -> None:
    """A separate device: the controller says that it runs, without any alarm."""
    box.start(55.0)
    cabinet.clock.sleep(7200.0)
    cabinet.loop_thread.call(cabinet.chamber.trip_limiter)
    cabinet.clock.sleep(7200.0)
    status = box.status()
    assert (status.running, status.setpoint_c, status.alarms) == (True, 55.0, ())
    assert status.temp_c < 35.0


def test_an_answer_after_its_deadline_is_lost_with_its_connection(
    box: WeissSimserv, cabinet: Cabinet, sim: WeissSimservSim
) -> None:
    """After a time-out: a new connection, and the serial number again (decision 0009)."""
    cabinet.chamber.air_temp_c = 23.4
    sim.server.faults.add(Fault(FaultKind.LATE, after=1, delay_s=0.3))
    with pytest.raises(DeadlineExceeded, match="chamber"):
        box.status()
    cabinet.chamber.air_temp_c = 77.7
    until_s = time.monotonic() + 0.4
    while time.monotonic() < until_s:
        assert box.status().temp_c == 77.7


def test_another_chamber_after_a_failure_is_refused(
    box: WeissSimserv, sim: WeissSimservSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    from meterbench.instruments.chamber import weiss_simserv_sim as other

    sim.server.faults.add(Fault(FaultKind.SILENCE))
    with pytest.raises(DeadlineExceeded):
        box.status()
    monkeypatch.setitem(other.INFO, other.Info.serial, "99999999")
    with pytest.raises(ProtocolError, match="serial number 58226186 expected"):
        box.status()


def test_another_chamber_is_not_taken_because_it_refused_its_number_once(
    box: WeissSimserv, sim: WeissSimservSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a new connection nothing is asked before the serial number was right."""
    from meterbench.instruments.chamber import weiss_simserv_sim as other

    sim.server.faults.add(Fault(FaultKind.SILENCE))
    sim.server.faults.add(Fault(FaultKind.REFUSE, after=1))
    monkeypatch.setitem(other.INFO, other.Info.serial, "99999999")
    with pytest.raises(DeadlineExceeded):
        box.status()
    with pytest.raises(InstrumentError):
        box.status()
    with pytest.raises(ProtocolError, match="serial number 58226186 expected"):
        box.status()


def test_it_is_spoken_over_tcp_only(cabinet: Cabinet) -> None:
    with pytest.raises(ConfigError, match=r"chamber: SIMSERV is spoken over TCP"):
        open_weiss_simserv(Place("chamber", "/dev/ttyUSB0", cabinet.clock), WeissSimservSettings())
