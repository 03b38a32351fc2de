"""A real station's life in wall time: a bench that is stopped, killed or tripped in another process, and ``clear``.

Kind: fault. The laboratory lives in this process, the bench in one of its own, as at a real rig.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.record import RunRecord, load
from meterbench.bench.verdict import Verdict
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.instruments.rig.plc_map import ALARM_WORD_1, INTERLOCK_WORD, PlcState
from tests.conftest import QUICK_METER, station_content, to_toml
from tests.meterbench.test_cli import meterbench, start, wait_for_step

GUARD = 1 << INTERLOCK_WORD.index("guard_closed")
STEP = "initial-verification/tightness before"


@pytest.fixture
def lab() -> Iterator[VirtualLab]:
    """A laboratory that lives in wall time."""
    virtual_lab = VirtualLab(station.parse(station_content(), "test"))
    virtual_lab.start(1.0)
    yield virtual_lab
    virtual_lab.stop()


@pytest.fixture
def path(lab: VirtualLab, tmp_path: Path) -> Path:
    """The station file of that laboratory, with addresses as a real one has them."""
    content: dict[str, Any] = station_content()
    del content["virtual"]
    content["station"]["clock"] = "wall"
    content["meters"] = [QUICK_METER]
    for role, section in content["instruments"].items():
        section["address"] = lab.addresses[role] if role == "counter" else lab.addresses[role][0]
    file = tmp_path / "lab-dn25.toml"
    file.write_text(to_toml(content), encoding="utf-8")
    return file


def alarms(lab: VirtualLab) -> set[str]:
    word = lab._loop.call(lambda: lab.plc.process_image()["alarm_word_1"])
    return {name for bit, name in enumerate(ALARM_WORD_1) if int(word) >> bit & 1}


def in_the_lab(lab: VirtualLab, do: Callable[[], object]) -> None:
    lab._loop.call(do)


def files(path: Path) -> set[str]:
    """What lies beside the station file on its account."""
    return {each.name for each in path.parent.glob("*lab-dn25*")} - {path.name}


def clear(path: Path, *more: str) -> Any:
    return meterbench("clear", "--station", path, "--by", "R. Maier", "--reason", "looked at it", *more)


def stopped_run(path: Path, folder: Path) -> RunRecord:
    """A run that gets as far as its first step and is stopped there by SIGTERM."""
    process = start(path, folder)
    wait_for_step(folder, STEP)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    return load(folder)


def test_an_orderly_end_leaves_nothing_behind(lab: VirtualLab, path: Path, tmp_path: Path) -> None:
    """SIGTERM: the rig at rest and handed back, so that no watchdog trips afterwards; a tired operator starts again."""
    for name in ("first", "second"):
        record = stopped_run(path, tmp_path / name)
        (action,) = next(event["safe_state"] for event in record.events if "safe_state" in event)
        assert (action["device"], action["confirmed"]) == ("rig", True)
        assert action["took_s"] < 6.0
        assert files(path) == set()
    time.sleep(4.0)
    assert alarms(lab) == set()
    assert lab.plant.pump_percent == 0.0


def test_a_killed_bench_is_found_cleared_and_started_again(lab: VirtualLab, path: Path, tmp_path: Path) -> None:
    """SIGKILL: the PLC stops by itself; run and check refuse; clear resets, and the next run says who cleared."""
    process = start(path, tmp_path / "killed")
    wait_for_step(tmp_path / "killed", STEP)
    refused = meterbench("check", "--station", path)
    assert refused.returncode == 3
    assert "in use by run killed" in refused.stderr
    assert clear(path).returncode == 3
    assert lab._loop.call(lambda: lab.plc.state) is PlcState.PRESSURE_TEST
    process.kill()
    killed_s = time.monotonic()
    process.communicate(timeout=60)
    while alarms(lab) != {"PC_WATCHDOG"}:
        assert time.monotonic() - killed_s < 5.0
        time.sleep(0.05)
    assert time.monotonic() - killed_s > 2.0
    assert (lab.plant.pump_percent, lab.plant.line_blocked) == (0.0, False)
    assert files(path) == {"lab-dn25.in-use.json"}

    for arguments in (["run", "initial-verification", "--out", tmp_path / "refused"], ["check"]):
        refused = meterbench(*arguments, "--station", path)
        assert refused.returncode == 3
        assert "BROKEN since" in refused.stderr
        assert "(run killed)" in refused.stderr
        assert "meterbench clear --station" in refused.stderr
    assert not (tmp_path / "refused").exists()

    cleared = clear(path)
    assert cleared.returncode == 0, cleared.stderr
    assert "alarms reset: PC_WATCHDOG" in cleared.stdout
    assert alarms(lab) == set()
    assert files(path) == {"lab-dn25.broken.log"}
    (line,) = (path.parent / "lab-dn25.broken.log").read_text().splitlines()
    assert json.loads(line)["broken"]["run"] == "killed"

    clearance = stopped_run(path, tmp_path / "next").opened["clearance"]
    assert (clearance["by"], clearance["reason"], clearance["alarms_reset"]) == (
        "R. Maier",
        "looked at it",
        ["PC_WATCHDOG"],
    )


def test_a_trip_stays_until_its_cause_is_gone(lab: VirtualLab, path: Path, tmp_path: Path) -> None:
    """E-stop in mid-run: ERROR, BROKEN with that cause; clearing is refused while the tank is too hot, then works."""
    process = start(path, tmp_path / "run")
    wait_for_step(tmp_path / "run", STEP)
    in_the_lab(lab, lambda: lab.plc.trip("ESTOP"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out + err
    assert load(tmp_path / "run").verdict is Verdict.ERROR
    state = json.loads((path.parent / "lab-dn25.broken.json").read_text())
    assert "ESTOP" in state["cause"]
    assert [action["confirmed"] for action in state["safe_state"]] == [True]

    in_the_lab(lab, lambda: setattr(lab.plant, "tank_temp_c", 70.0))
    in_the_lab(lab, lambda: setattr(lab.plant, "heater_setpoint_c", 65.0))
    refused = clear(path)
    assert refused.returncode == 3
    assert "OVERTEMP_WATER" in refused.stderr
    assert files(path) == {"lab-dn25.broken.json"}
    in_the_lab(lab, lambda: setattr(lab.plant, "tank_temp_c", 20.0))
    in_the_lab(lab, lambda: setattr(lab.plant, "heater_setpoint_c", 20.0))
    assert clear(path).returncode == 0
    stopped_run(path, tmp_path / "next")


def test_alarms_that_nobody_saw_are_not_reset_by_a_start(lab: VirtualLab, path: Path, tmp_path: Path) -> None:
    """Between two runs somebody pressed the e-stop: the start names it, resets nothing, and leaves no BROKEN file."""
    in_the_lab(lab, lambda: lab.plc.trip("ESTOP"))
    refused = meterbench("run", "initial-verification", "--station", path, "--out", tmp_path / "run")
    assert refused.returncode == 3
    assert "ESTOP latched before the bench took control" in refused.stdout + refused.stderr
    assert alarms(lab) == {"ESTOP"}
    assert files(path) == set()
    assert "alarms reset: ESTOP" in clear(path).stdout


def test_a_station_in_virtual_time_has_nothing_to_clear(station_file: Callable[[dict[str, Any]], Path]) -> None:
    """Exit 2 and a sentence; so for a clearance without a name or a reason."""
    file = station_file(station_content())
    done = clear(file)
    assert done.returncode == 2
    assert "virtual time" in done.stderr
    for by, reason in (("", "text"), ("name", " ")):
        done = meterbench("clear", "--station", file, "--by", by, "--reason", reason)
        assert done.returncode == 2
        assert "names who cleared" in done.stderr


def test_a_guard_that_is_still_open_is_not_cleared(lab: VirtualLab, path: Path, tmp_path: Path) -> None:
    """A permissive is missing without an alarm: clearing looks at it although nothing moves."""
    process = start(path, tmp_path / "killed")
    wait_for_step(tmp_path / "killed", STEP)
    process.kill()
    process.communicate(timeout=60)
    time.sleep(3.5)
    given = lab.plc._interlocks
    in_the_lab(lab, lambda: setattr(lab.plc, "_interlocks", lambda: given() & ~GUARD))
    refused = clear(path)
    assert refused.returncode == 3
    assert "guard_closed" in refused.stderr
    assert files(path) == {"lab-dn25.in-use.json"}
    in_the_lab(lab, lambda: delattr(lab.plc, "_interlocks"))
    assert clear(path).returncode == 0


def test_a_guardian_makes_safe_what_has_no_watchdog(tmp_path: Path) -> None:
    """SIGKILL: a chamber that heats is idle and a supply off some seconds later; the station's state says so."""
    content = station_content()
    content["instruments"] |= {
        "chamber": {"driver": "weiss_simserv", "address": "virtual"},
        "supply": {"driver": "rs_ngu201", "address": "virtual"},
    }
    lab = VirtualLab(station.parse(content, "test"))
    addresses = lab.start(1.0)
    try:
        chamber = lab.chamber
        assert chamber is not None
        real = {key: part for key, part in content.items() if key != "virtual"}
        real["station"] = {"name": "guarded", "clock": "wall"}
        real["meters"] = [QUICK_METER]
        for role, section in real["instruments"].items():
            section["address"] = addresses[role] if role in ("counter", "supply") else addresses[role][0]
        path = tmp_path / "guarded.toml"
        path.write_text(to_toml(real), encoding="utf-8")
        process = start(path, tmp_path / "killed")
        wait_for_step(tmp_path / "killed", STEP)
        in_the_lab(lab, chamber.start)
        process.kill()
        process.communicate(timeout=60)
        broken, deadline_s = path.with_name("guarded.broken.json"), time.monotonic() + 30.0
        while not broken.exists():
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        state = json.loads(broken.read_text())
        assert "was killed" in state["cause"]
        assert [(action["device"], action["confirmed"]) for action in state["safe_state"]] == [
            ("chamber", True),
            ("supply 1", True),
        ]
        assert not chamber.running
        refused = meterbench("check", "--station", path)
        assert refused.returncode == 3
        assert "the safe state was reached" in refused.stderr
    finally:
        lab.stop()
