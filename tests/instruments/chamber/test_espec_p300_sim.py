"""The simulated P-300 as any client sees it: lines in, lines out (instruments.md 3.3)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from meterbench.instruments.chamber.espec_p300_sim import EspecP300Sim
from tests.instruments.chamber.cabinet import DRY, Cabinet

Say = Callable[[str], str]


@pytest.fixture
def say(cabinet: Cabinet) -> Iterator[Say]:
    sim = EspecP300Sim(cabinet.chamber, cabinet.now_s, sensor_error_k=-0.2, humidity_error_percent=1.0)
    host, port = cabinet.loop_thread.run(sim.start("tcp")).removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), timeout=5.0) as client, client.makefile("rwb") as lines:

        def ask(command: str) -> str:
            lines.write(f"{command}\r\n".encode("ascii"))
            lines.flush()
            reply = lines.readline()
            assert reply.endswith(b"\r\n")
            return reply[:-2].decode("ascii")

        yield ask
    cabinet.loop_thread.run(sim.stop())


def test_questions(say: Say, cabinet: Cabinet) -> None:
    """The rows of the table."""
    cabinet.jump(23.4, 49.0)
    assert say("TYPE?") == "T,T,S2,160.0"
    assert say("TEMP?") == "23.2,23.0,155.0,-40.0"
    assert say("HUMI?") == "50,OFF,100,0"
    assert say("MON?") == "23.2,50,STANDBY,0"
    assert say("MODE?") == "STANDBY"
    assert say("ALARM?") == "0"
    assert say("CONSTANT SET?,TEMP") == "23.0,ON"


def test_settings_are_echoed_and_need_a_pause(say: Say, cabinet: Cabinet) -> None:
    assert say("TEMP, S55.0 H100.0 L-10.0") == "OK:TEMP, S55.0 H100.0 L-10.0"
    assert say("MODE,CONSTANT") == "NA:CHB NOT READY"
    cabinet.clock.sleep(0.5)
    assert say("MODE,CONSTANT") == "OK:MODE,CONSTANT"
    assert say("MODE?") == "CONSTANT"
    assert say("TEMP?").endswith(",55.0,100.0,-10.0")
    assert cabinet.chamber.controlled


def test_humidity_is_set_in_whole_percents_or_off(say: Say, cabinet: Cabinet) -> None:
    assert say("HUMI, S85.4") == "OK:HUMI, S85.4"
    assert cabinet.chamber.humidity_on
    assert say("HUMI?").split(",")[1] == "85"
    cabinet.clock.sleep(0.5)
    assert say("HUMI,SOFF") == "OK:HUMI,SOFF"
    assert not cabinet.chamber.humidity_on
    assert say("HUMI?").split(",")[1] == "OFF"


@pytest.mark.parametrize("cabinet", [DRY], indirect=True)
def test_without_a_wet_bulb(say: Say, cabinet: Cabinet) -> None:
    assert say("TYPE?") == "T,S2,160.0"
    assert say("MON?") == "19.8,,STANDBY,0"
    assert say("HUMI?") == say("HUMI, S85.0") == "NA:CONT NOT READY-1"


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        ("BOGUS", "CMD ERR"),
        ("temp?", "CMD ERR"),
        ("TEMP, S200.0", "DATA OUT OF RANGE"),
        ("TEMP, H170.0", "DATA OUT OF RANGE"),
        ("TEMP, X5", "PARA ERR"),
        ("HUMI, S99.0", "DATA OUT OF RANGE"),
        ("HUMI, SON", "PARA ERR"),
        ("MODE,WARM", "PARA ERR"),
        ("MODE,RUN1", "DATA NOT READY"),
    ],
)
def test_each_mistake_has_its_text(say: Say, command: str, refusal: str) -> None:
    assert say(command) == f"NA:{refusal}"


def test_with_an_address_it_hears_nothing_else(cabinet: Cabinet) -> None:
    heard: list[bytes] = []
    sim = EspecP300Sim(cabinet.chamber, cabinet.now_s, rs485_address=3)
    for request in (b"TYPE?", b"4,TYPE?", b"3,TYPE?"):
        cabinet.loop_thread.run(sim.answer(request, heard.append))
    assert heard == [b"T,T,S2,160.0\r\n"]
