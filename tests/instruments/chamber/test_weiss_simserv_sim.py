"""The simulated SIMSERV chamber as any client sees it: bytes in, bytes out (instruments.md 3.1)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from meterbench.instruments.chamber.weiss_simserv_sim import WeissSimservSim
from tests.instruments.chamber.cabinet import DRY, Cabinet

Say = Callable[[bytes], bytes]


@pytest.fixture
def say(cabinet: Cabinet) -> Iterator[Say]:
    sim = WeissSimservSim(cabinet.chamber, cabinet.now_s, sensor_error_k=0.3, humidity_error_percent=-1.0)
    host, port = cabinet.loop_thread.run(sim.start()).removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), timeout=5.0) as client:

        def ask(request: bytes) -> bytes:
            """One short receive is one answer."""
            client.sendall(request)
            return client.recv(512)

        yield ask
    cabinet.loop_thread.run(sim.stop())


def test_golden_vector_5(say: Say, cabinet: Cabinet) -> None:
    cabinet.chamber.air_temp_c = 23.1
    assert say(bytes.fromhex("31 31 30 30 31 B6 31 B6 31 B6 32 33 2E 35 0D")) == bytes.fromhex("31 0D 0A")
    assert say(b"11004\xb61\xb61\r") == b"1\xb623.4\r\n", "with the error of its own sensor"
    assert say(b"11002\xb61\xb61\r") == b"1\xb623.5\r\n"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"\r", -1),
        (b"10012\r", -2),
        (b"10012\xb6x\r", -3),
        (b"10012\xb62\r", -4),
        (b"12345\xb61\r", -5),
        (b"11001\xb61\xb61\r", -6),
        (b"11001\xb61\xb61\xb6200.0\r", -6),
        (b"11001\xb61\xb61\xb6warm\r", -6),
        (b"11001\xc2\xb61\xc2\xb61\r", -3),  # the sign in UTF-8
        (b"99997\xb61\xb69\r", -8),
        (b"11004\xb61\xb63\r", -10),
        (b"11066\xb61\xb62\r", -10),
        (b"11001\xb61\xb62\xb699.0\r", -6),
        (b"17007\xb61\xb69\r", -10),
    ],
)
def test_each_mistake_has_its_code(say: Say, request_: bytes, code: int) -> None:
    assert say(request_) == b"%d\r\n" % code


def test_starting_stopping_and_the_status_a_scan_later(say: Say, cabinet: Cabinet) -> None:
    assert say(b"10012\xb61\r") == b"1\xb61\r\n"
    assert say(b"14001\xb61\xb61\xb61\r") == b"1\r\n"
    assert say(b"14003\xb61\xb61\r") == b"1\xb61\r\n"
    assert say(b"10012\xb61\r") == b"1\xb61\r\n"
    cabinet.clock.sleep(0.4)
    assert say(b"10012\xb61\r") == b"1\xb63\r\n"
    cabinet.chamber.door_open = True
    assert say(b"10012\xb61\r") == b"1\xb67\r\n"
    assert say(b"14001\xb61\xb61\xb60\r") == b"1\r\n"
    cabinet.clock.sleep(0.4)
    assert say(b"10012\xb61\r") == b"1\xb65\r\n"


def test_messages(say: Say, cabinet: Cabinet) -> None:
    assert say(b"17002\xb61\r") == b"1\xb63\r\n"
    assert say(b"17007\xb61\xb62\r") == b"1\xb6Door open\r\n"
    assert say(b"17005\xb61\xb62\r") == b"1\xb62\r\n"
    assert say(b"17009\xb61\xb62\r") == b"1\xb60\r\n"
    cabinet.chamber.door_open = True
    assert say(b"17009\xb61\xb62\r") == b"1\xb61\r\n"


def test_gradients_are_the_chambers(say: Say, cabinet: Cabinet) -> None:
    assert say(b"11068\xb61\xb61\xb61.5\r") == b"1\r\n"
    assert say(b"11072\xb61\xb61\xb60.5\r") == b"1\r\n"
    assert (cabinet.chamber.gradient_up_k_min, cabinet.chamber.gradient_down_k_min) == (1.5, 0.5)


def test_humidity_is_variable_2_and_output_2(say: Say, cabinet: Cabinet) -> None:
    cabinet.jump(23.1, 60.0)
    assert say(b"11026\xb61\xb62\r") == b"1\xb6Humidity\r\n"
    assert say(b"11004\xb61\xb62\r") == b"1\xb659.0\r\n", "with the error of its own sensor"
    assert say(b"11001\xb61\xb62\xb693.0\r") == b"1\r\n"
    assert say(b"14003\xb61\xb62\r") == b"1\xb60\r\n"
    assert say(b"14001\xb61\xb62\xb61\r") == b"1\r\n"
    assert say(b"14003\xb61\xb62\r") == b"1\xb61\r\n"
    assert (cabinet.chamber.humidity_on, cabinet.chamber.humidity_setpoint_percent) == (True, 93.0)


@pytest.mark.parametrize("cabinet", [DRY], indirect=True)
def test_without_humidity_there_is_one_variable(say: Say, cabinet: Cabinet) -> None:
    assert say(b"11018\xb61\r") == b"1\xb61\r\n"
    assert say(b"11004\xb61\xb62\r") == b"-10\r\n"
    assert say(b"14001\xb61\xb62\xb61\r") == b"-6\r\n"
