"""The line of ``meterbench lab --json``: only a laboratory that has all of a station's instruments takes their place.

Kind: fault.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench.served_lab import load
from meterbench.bench.station import load as load_station
from meterbench.errors import ConfigError, ConnectionLost

STATIONS = Path(__file__).resolve().parents[2] / "stations"
LAB_DN20 = STATIONS / "lab-dn20.toml"
Line = dict[str, Any]


@pytest.fixture
def line() -> Iterator[Line]:
    """Of a laboratory that has every instrument of lab-dn20 and whose rig takes connections."""
    roles = load_station(LAB_DN20).instruments.by_role()
    with socket.create_server(("127.0.0.1", 0)) as rig:
        addresses = {role: ["tcp://127.0.0.1:1" for _ in section.addresses] for role, section in roles.items()}
        addresses["rig"] = [f"tcp://127.0.0.1:{rig.getsockname()[1]}"]
        yield {"station": "lab-dn20", "speed": 20.0, "pid": 4711, "addresses": addresses}


def read(line: Line, tmp_path: Path, station: Path = LAB_DN20) -> object:
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(line))
    return load(path, station, load_station(station))


def test_a_laboratory_with_all_instruments_takes_their_place(line: Line, tmp_path: Path) -> None:
    """What the laboratory has besides does no harm."""
    line["addresses"]["rtd"] = ["tcp://127.0.0.1:1"]
    assert read(line, tmp_path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda line: line["addresses"].pop("chamber"), "serves 0 instruments as chamber, and .*lab-dn20.toml has 1"),
        (lambda line: line["addresses"].pop("rig"), "serves 0 instruments as rig"),
        (lambda line: line["addresses"].update(rig=[]), "serves 0 instruments as rig"),
        (lambda line: line["addresses"]["counter"].pop(), "serves 3 instruments as counter, and .* has 4"),
        (lambda line: line["addresses"]["counter"].append("x"), "serves 5 instruments as counter, and .* has 4"),
        (lambda line: line.update(speed=0.0), "speed: "),
        (lambda line: line.update(speed=float("inf")), "speed: "),
        (lambda line: line.pop("pid"), "pid: Field required"),
        (lambda line: line.clear(), "is not what `meterbench lab --json` prints"),
    ],
)
def test_a_laboratory_that_lacks_something_is_refused(
    spoil: Callable[[Line], object], said: str, line: Line, tmp_path: Path
) -> None:
    """With what it lacks: the address of the station file would be taken, and a real chamber heat."""
    spoil(line)
    with pytest.raises(ConfigError, match=said):
        read(line, tmp_path)


def test_a_panel_is_served_and_a_person_is_not(line: Line, tmp_path: Path) -> None:
    """Behind the real panel a real person would act on a simulated rig; a terminal is the same in both."""
    assert load_station(LAB_DN20).twin().instrument("operator").address == "virtual"
    line["addresses"].pop("operator")
    with pytest.raises(ConfigError, match="serves 0 instruments as operator"):
        read(line, tmp_path)
    console = tmp_path / "console.toml"
    text = LAB_DN20.read_text().replace('"operator_panel"', '"operator_console"')
    console.write_text(text.replace('"socket://192.168.20.81:7001"', '"console"'))
    assert read(line, tmp_path, console)


def test_a_simulated_station_has_its_own_laboratory(line: Line, tmp_path: Path) -> None:
    """Nothing of it is served elsewhere."""
    with pytest.raises(ConfigError, match="is simulated itself"):
        read(line, tmp_path, STATIONS / "virtual.toml")


def test_a_laboratory_that_is_gone_is_one_sentence(line: Line, tmp_path: Path) -> None:
    """Not one an instrument; with its process, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    line["addresses"]["rig"] = [f"tcp://127.0.0.1:{port}"]
    with pytest.raises(ConnectionLost, match=r"nobody serves the laboratory of .*lab.json any more \(process 4711; "):
        read(line, tmp_path)
