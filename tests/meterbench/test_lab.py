"""``meterbench lab``: the virtual laboratory in another process, for this bench and for clients that we did not write.

Kind: plant, peer (pymodbus, pyvisa and a plain socket as third parties).
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvisa
from pymodbus.client import ModbusTcpClient

from meterbench.bench.record import load
from meterbench.bench.station import load as load_station
from tests.conftest import station_content, to_toml

ROOT = Path(__file__).resolve().parents[2]
LAB_DN20, VIRTUAL = ROOT / "stations/lab-dn20.toml", ROOT / "stations/virtual.toml"
SPEED = 6.0
"""The PLC's watchdog of 3 s bites after half a second of wall time: room for a busy machine."""
OPEN_S = 30.0

Serve = Callable[..., Any]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts laboratories; gives the file with the line of each, and its process."""
    started: list[subprocess.Popen[str]] = []

    def start(station: Path, speed: float = SPEED) -> tuple[Path, subprocess.Popen[str]]:
        lab = subprocess.Popen(
            [sys.executable, "-m", "meterbench", "lab", "--station", str(station), "--speed", str(speed), "--json"],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(lab)
        assert lab.stdout is not None
        path = tmp_path / f"lab{len(started)}.json"
        path.write_text(lab.stdout.readline())
        return path, lab

    yield start
    for lab in started:
        lab.kill()
        lab.communicate()


def real_content() -> dict[str, Any]:
    """A station of a laboratory, with one meter."""
    content: dict[str, Any] = station_content()
    content["meters"] = content.pop("virtual")["meters"]
    content["station"]["clock"] = "wall"
    for role, section in content["instruments"].items():
        section["address"] = ["tcp://192.0.2.1:502"] if role == "counter" else "tcp://192.0.2.1:502"
    content["instruments"]["balance"]["address"] = "socket://192.0.2.1:4001"
    return content


def meterbench(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meterbench", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


def test_the_laboratory_differs_from_the_virtual_one_in_addresses_only() -> None:
    """Drivers, settings, certificates and reference data are those of the virtual station; the meters are its own."""
    contents = [tomllib.loads(path.read_text()) for path in (LAB_DN20, VIRTUAL)]
    for content in contents:
        for section in content["instruments"].values():
            section.pop("address")
        for key in ("name", "clock"):
            content["station"].pop(key, None)
    lab, virtual = contents
    assert lab["instruments"] == virtual["instruments"]
    assert lab["station"] == virtual["station"]
    assert set(lab) - set(virtual) == {"meters"}
    assert set(virtual) - set(lab) == {"virtual"}


def test_a_run_against_the_lab_is_a_run_at_the_laboratory(serve: Serve, tmp_path: Path) -> None:
    """The station file of a laboratory as it is, over TCP, HiSLIP, RTU, RFC 2217 and serial lines: a draw profile."""
    trace = tmp_path / "draws.csv"
    draws = [(second, 1500 if second < 10 else 2500) for second in range(20)]
    trace.write_text("time,flow\n" + "".join(f"{1_700_000_000 + second},{flow}\n" for second, flow in draws))
    station = tmp_path / "lab-dn20.toml"  # beside which the bench keeps what it must remember of the station
    station.write_text(LAB_DN20.read_text())
    lab, _ = serve(LAB_DN20)
    played = ("run", "draw-profile", "--trace", trace)
    done = meterbench(*played, "--station", station, "--lab", lab, "--record", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    record = load(tmp_path / "run")
    assert record.verdict.name == "PASS"
    assert [conclusion.meter for conclusion in record.meter_verdicts] == [f"2000000{slot}" for slot in range(1, 5)]
    assert record.opened["station"]["simulated"], "nobody takes it for a day at the laboratory"
    assert record.opened["station"]["other_side"] == "meterbench lab, station lab-dn20, 6 times as fast as wall time"
    file = load_station(LAB_DN20)
    named = [each["address"] for each in record.opened["instruments"]]
    assert named == [address for section in file.instruments.by_role().values() for address in section.addresses]
    again = meterbench(*played, "--replay", tmp_path / "run/wire.jsonl", "--out", tmp_path / "again")
    assert again.returncode == 0, again.stdout + again.stderr
    assert load(tmp_path / "again").rows == record.rows, "a day at the laboratory becomes a test"


def test_clients_that_we_did_not_write_are_served(serve: Serve, tmp_path: Path) -> None:
    """A Modbus client reads the PLC's map, a VISA client counter and supply by HiSLIP, a plain socket the chamber."""
    addresses = json.loads(serve(LAB_DN20, 1.0)[0].read_text())["addresses"]
    host, port = addresses["rig"][0].removeprefix("tcp://").split(":")
    with ModbusTcpClient(host, port=int(port)) as client:
        assert client.read_holding_registers(0, count=1, device_id=1).registers == [0x0101]
    for role, model in (("counter", "53220A"), ("supply", "NGU201")):
        resource: Any = pyvisa.ResourceManager("@py").open_resource(
            addresses[role][0], read_termination="\n", write_termination="\n"
        )
        assert resource.query("*IDN?").split(",")[1] == model
        resource.close()
    host, port = addresses["chamber"][0].removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), 5.0) as chamber:
        chamber.sendall(b"11004\xb61\xb61\r")
        answer = chamber.recv(512)
    assert answer.startswith(b"1\xb6")
    assert answer.endswith(b"\r\n")
    assert 15.0 < float(answer[2:]) < 25.0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 0)])
def test_a_signal_ends_it(serve: Serve, tmp_path: Path, number: signal.Signals, status: int) -> None:
    """Orderly, at once, with all ports closed."""
    station = tmp_path / "small.toml"
    station.write_text(to_toml(station_content()))
    lab, process = serve(station)
    address = json.loads(lab.read_text())["addresses"]["balance"][0]
    process.send_signal(number)
    process.communicate(timeout=10.0)
    assert process.returncode == status
    host, port = address.removeprefix("socket://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 1.0)


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    """A speed that is none, a file that is no laboratory's line, a simulated station in the place of a real one."""
    for speed in ("0", "nan"):
        refused = meterbench("lab", "--speed", speed)
        assert refused.returncode == 2
        assert "--speed" in refused.stderr
    (tmp_path / "lab.json").write_text("{}")
    for asked in (["check"], ["run", "initial-verification", "--out", tmp_path / "run"]):
        refused = meterbench(*asked, "--station", LAB_DN20, "--lab", tmp_path / "lab.json")
        assert refused.returncode == 2
        assert "is not what `meterbench lab --json` prints" in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_what_is_broken_is_the_served_laboratory(serve: Serve, tmp_path: Path) -> None:
    """Not the real one: its state lies beside the file of the line, and the sentence tells how to clear it."""
    station = tmp_path / "small.toml"
    station.write_text(to_toml(real_content()))
    lab, process = serve(station, 1.0)
    state = {"since": "now", "run": "a", "cause": "a hose burst", "safe_state": None}
    (tmp_path / f"{lab.stem}.broken.json").write_text(json.dumps(state))
    at_the_lab = ("--station", station, "--lab", lab)
    for asked in (["check"], ["run", "initial-verification", "--out", tmp_path / "run"]):
        refused = meterbench(*asked, *at_the_lab)
        assert refused.returncode == 3
        assert f"`meterbench clear --station {station} --lab {lab} --by NAME --reason TEXT`" in refused.stderr
    for cause in ("It was BROKEN: a hose burst", "It was not BROKEN."):
        cleared = meterbench("clear", *at_the_lab, "--by", "R. Maier", "--reason", "a new hose")
        assert (cleared.returncode, cause in cleared.stdout) == (0, True)
    process.kill()
    process.wait()
    refused = meterbench("run", "initial-verification", *at_the_lab, "--out", tmp_path / "run")
    assert refused.returncode == 3
    assert f"nobody serves the laboratory of {lab} any more (process {process.pid}" in refused.stderr
    assert not (tmp_path / "run").exists()
    assert {path.name for path in tmp_path.glob("small*")} == {"small.toml"}
