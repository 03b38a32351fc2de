"""The P-300 driver: exact exchanges, what it refuses, RS-485 addresses, and how it finds its way back."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

import pytest

from meterbench.errors import ConfigError, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Actor, ChamberStatus, Identity
from meterbench.instruments.chamber import espec_p300
from meterbench.instruments.chamber.espec_p300 import EspecP300, EspecP300Settings, open_espec_p300
from meterbench.instruments.chamber.espec_p300_sim import EspecP300Sim
from meterbench.instruments.drivers import checked_settings
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.place import Place
from tests.instruments.chamber.cabinet import DRY, LINK_DEADLINE_S, Cabinet, exchanges

both_wires = pytest.mark.parametrize("address", ["tcp", "pty"], indirect=True)
on_rs485 = pytest.mark.parametrize("settings", [EspecP300Settings(rs485_address=3)])


@pytest.fixture
def settings() -> EspecP300Settings:
    return EspecP300Settings()


@pytest.fixture
def sim(cabinet: Cabinet, settings: EspecP300Settings) -> EspecP300Sim:
    return EspecP300Sim(cabinet.chamber, cabinet.now_s, rs485_address=settings.rs485_address)


@pytest.fixture
def address(cabinet: Cabinet, sim: EspecP300Sim, request: pytest.FixtureRequest) -> Iterator[str]:
    yield cabinet.loop_thread.run(sim.start(getattr(request, "param", "")))
    cabinet.loop_thread.run(sim.stop())


@pytest.fixture
def box(
    cabinet: Cabinet, address: str, settings: EspecP300Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EspecP300]:
    opened = open_espec_p300(Place("chamber", address, cabinet.clock), settings)
    opened._link._deadline_s = LINK_DEADLINE_S
    monkeypatch.setattr(espec_p300, "RESYNCHRONISE_S", LINK_DEADLINE_S)
    yield opened
    opened.close()


@both_wires
def test_opening_reads_type_and_limits(box: EspecP300, cabinet: Cabinet) -> None:
    """TYPE? is the barrier and the identity, and tells of a wet bulb; TEMP? and HUMI? have the limits last
    (instruments.md 3.3). It takes no bench time."""
    assert box.identity == Identity("ESPEC", "S2", "", "")
    assert box.limits_c == (-40.0, 155.0)
    assert exchanges(box) == [
        (b"TYPE?\r\n", b"T,T,S2,160.0\r\n"),
        (b"TYPE?\r\n", b"T,T,S2,160.0\r\n"),
        (b"TEMP?\r\n", b"20.0,23.0,155.0,-40.0\r\n"),
        (b"TEMP?\r\n", b"20.0,23.0,155.0,-40.0\r\n"),
        (b"HUMI?\r\n", b"50,OFF,100,0\r\n"),
        (b"HUMI?\r\n", b"50,OFF,100,0\r\n"),
    ]
    assert cabinet.elapsed_s == 0.0
    assert isinstance(box, Actor)


def test_a_start_word_by_word(box: EspecP300, cabinet: Cabinet) -> None:
    """Alarms, set-points, mode, all read back, alarms again (instruments.md 3.3)."""
    box.start(55.0, humidity_percent=93.0)
    rounds = [
        (b"TEMP?\r\n", b"24.2,55.0,155.0,-40.0\r\n"),
        (b"MON?\r\n", b"24.2,50,CONSTANT,0\r\n"),
    ]
    trace = exchanges(box)
    assert trace[-15:-8] == [
        (b"ALARM?\r\n", b"0\r\n"),
        (b"ALARM?\r\n", b"0\r\n"),
        (b"TEMP, S55.0\r\n", b"OK:TEMP, S55.0\r\n"),
        (b"HUMI, S93.0\r\n", b"OK:HUMI, S93.0\r\n"),
        (b"MODE,CONSTANT\r\n", b"OK:MODE,CONSTANT\r\n"),
        (b"CONSTANT SET?,TEMP\r\n", b"55.0,ON\r\n"),
        (b"CONSTANT SET?,TEMP\r\n", b"55.0,ON\r\n"),
    ]
    humidity = [b"HUMI?\r\n"] * 2
    assert [sent for sent, _ in trace[-8:]] == [sent for sent, _ in rounds * 2] + humidity + [b"ALARM?\r\n"] * 2
    assert trace[-3] == (b"HUMI?\r\n", b"50,93,100,0\r\n")
    assert cabinet.elapsed_s == pytest.approx(1.5), "a pause after each setting"
    cabinet.clock.sleep(1200.0)
    assert box.status() == ChamberStatus(True, pytest.approx(55.0, abs=0.1), 55.0, (), 93.0)


def test_without_a_humidity_it_is_switched_off(box: EspecP300, cabinet: Cabinet) -> None:
    """Whatever was set before."""
    box.start(55.0, humidity_percent=93.0)
    cabinet.clock.sleep(3600.0)
    box.start(55.0)
    assert (b"HUMI, SOFF\r\n", b"OK:HUMI, SOFF\r\n") in exchanges(box)
    assert not cabinet.chamber.humidity_controlled
    cabinet.clock.sleep(9.0 * 3600.0)
    assert box.status().humidity_percent < 15.0


@pytest.mark.parametrize("cabinet", [DRY], indirect=True)
def test_a_chamber_without_a_wet_bulb_refuses_a_humidity(box: EspecP300, cabinet: Cabinet) -> None:
    """TYPE? names one sensor; of the humidity nothing is asked then."""
    with pytest.raises(InstrumentError, match="chamber: asked for 93 % relative humidity, but this chamber has no"):
        box.start(55.0, humidity_percent=93.0)
    assert not cabinet.chamber.running
    box.start(55.0)
    assert cabinet.chamber.running
    assert math.isnan(box.status().humidity_percent)
    assert not any(sent.startswith(b"HUMI") for sent, _ in exchanges(box))


@pytest.mark.parametrize("humidity_percent", [-1.0, 100.1, float("nan")])
def test_a_humidity_out_of_its_limits_is_not_sent(box: EspecP300, cabinet: Cabinet, humidity_percent: float) -> None:
    before = exchanges(box)
    with pytest.raises(InstrumentError, match=r"% relative humidity not set; this chamber takes 0 to 100 %"):
        box.start(55.0, humidity_percent=humidity_percent)
    assert exchanges(box) == before


def test_what_it_cannot_hold_it_refuses_itself(box: EspecP300, cabinet: Cabinet) -> None:
    """Its limits are those of the alarms."""
    with pytest.raises(InstrumentError, match=r"'HUMI, S99\.0', got 'NA:DATA OUT OF RANGE'"):
        box.start(55.0, humidity_percent=99.0)
    assert not cabinet.chamber.running


@pytest.mark.parametrize(("asked_percent", "why"), [(92.6, "set 92.6 % humidity, read back 93"), (None, "set OFF")])
def test_a_humidity_that_did_not_take_is_read_back(
    box: EspecP300, cabinet: Cabinet, sim: EspecP300Sim, asked_percent: float | None, why: str
) -> None:
    """The controller keeps whole percents; or the panel is locked."""
    if asked_percent is None:
        cabinet.chamber.humidity_on = True
        sim._set_humidity = lambda command: ""
    with pytest.raises(InstrumentError, match=why):
        box.start(55.0, humidity_percent=asked_percent)


@pytest.mark.parametrize("shown", ["", "120"])
def test_a_humidity_that_is_not_measured_is_no_number(
    box: EspecP300, sim: EspecP300Sim, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    """Left out, or a wick that fell dry: the temperature is right all the same."""
    monkeypatch.setattr(sim, "_measured_percent", lambda: shown)
    status = box.status()
    assert math.isnan(status.humidity_percent)
    assert status.temp_c == pytest.approx(20.0, abs=0.05)


@on_rs485
def test_on_rs485_each_command_begins_with_the_address(box: EspecP300, cabinet: Cabinet) -> None:
    box.start(-25.0)
    assert all(sent.startswith(b"3,") for sent, _ in exchanges(box))
    assert (b"3,TEMP, S-25.0\r\n", b"OK:TEMP, S-25.0\r\n") in exchanges(box)
    assert cabinet.chamber.setpoint_c == -25.0


@pytest.mark.parametrize("temp_c", [-40.1, 155.1, float("nan")])
def test_out_of_its_limits_nothing_is_sent(box: EspecP300, cabinet: Cabinet, temp_c: float) -> None:
    before = exchanges(box)
    with pytest.raises(InstrumentError, match=r"chamber: .* not set; this chamber takes -40 to 155 degC"):
        box.start(temp_c)
    assert exchanges(box) == before


def test_a_gradient_is_refused(box: EspecP300, cabinet: Cabinet) -> None:
    with pytest.raises(InstrumentError, match="asked for 2 K/min, but a P-300 has no gradient"):
        box.start(55.0, gradient_k_min=2.0)
    assert not cabinet.chamber.running


def test_alarms_are_told_and_stop_a_start(box: EspecP300, cabinet: Cabinet, sim: EspecP300Sim) -> None:
    box.start(55.0)
    cabinet.chamber.door_open = True
    cabinet.loop_thread.call(sim.raise_alarm)
    status = box.status()
    assert not status.running
    assert status.alarms == ("alarm 14", "alarm 2")
    with pytest.raises(InstrumentError, match="asked to start, but it reports alarm 14, alarm 2"):
        box.start(55.0)


@pytest.mark.parametrize("settings", [EspecP300Settings(), EspecP300Settings(safe_mode="OFF")])
def test_safe_is_idle_and_safe_to_do_twice(box: EspecP300, cabinet: Cabinet, settings: EspecP300Settings) -> None:
    box.start(55.0, humidity_percent=93.0)
    cabinet.clock.cancel("the operator")
    for _ in range(2):
        box.make_safe()
        assert not cabinet.chamber.running
        assert not cabinet.chamber.humidity_controlled
    assert any(sent == f"MODE,{settings.safe_mode}\r\n".encode() for sent, _ in exchanges(box))


@pytest.mark.parametrize("kind", [FaultKind.SILENCE, FaultKind.CLOSE, FaultKind.GARBLE, FaultKind.REFUSE])
@pytest.mark.parametrize("after", [0, 1])
@both_wires
def test_one_fault_does_not_keep_it_from_being_made_safe(
    box: EspecP300, cabinet: Cabinet, sim: EspecP300Sim, kind: FaultKind, after: int
) -> None:
    box.start(55.0)
    sim.server.faults.add(Fault(kind, after))
    box.make_safe()
    assert not cabinet.chamber.running


def test_what_cannot_be_made_safe_is_told_in_time(box: EspecP300, sim: EspecP300Sim) -> None:
    box.start(55.0)
    sim.server.faults.add(Fault(FaultKind.SILENCE, count=-1))
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="chamber"):
        box.make_safe()
    assert time.monotonic() - started_s < 3.0


def test_a_refusal_is_told_in_words(box: EspecP300, sim: EspecP300Sim, cabinet: Cabinet) -> None:
    """NA:PROTECT ON and the like, with what was asked."""
    sim._set = lambda command: "PROTECT ON"
    with pytest.raises(
        InstrumentError, match=r"asked 'TEMP, S55\.0', got 'NA:PROTECT ON': its settings are locked at the panel"
    ):
        box.start(55.0)
    assert not cabinet.chamber.running


def test_a_setting_that_did_not_take_is_read_back(box: EspecP300, sim: EspecP300Sim) -> None:
    sim._set = lambda command: ""
    with pytest.raises(InstrumentError, match=r"set 55\.0 degC, read back 23\.0 degC, ON"):
        box.start(55.0)


@both_wires
def test_a_late_answer_never_answers_the_next_question(box: EspecP300, cabinet: Cabinet, sim: EspecP300Sim) -> None:
    """It comes when the line is in use again; what it says is outvoted or out of grammar."""
    cabinet.chamber.air_temp_c = 23.4
    for delay_s in (0.14, 0.17, 0.22):
        sim.server.faults.add(Fault(FaultKind.LATE, delay_s=delay_s))
        with pytest.raises(DeadlineExceeded, match="chamber"):
            box.status()
        cabinet.chamber.air_temp_c += 10.0
        until_s = time.monotonic() + delay_s + 0.1
        while time.monotonic() < until_s:
            with contextlib.suppress(ProtocolError):
                assert box.status().temp_c == pytest.approx(cabinet.chamber.air_temp_c)


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"settings\.rs485_address"):
        checked_settings("espec_p300", {"rs485_address": 17})
    with pytest.raises(ConfigError, match=r"settings\.safe_mode"):
        checked_settings("espec_p300", {"safe_mode": "RUN"})
