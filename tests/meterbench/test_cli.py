"""The command as users and programs call it: in a process of its own, judged by exit status and what it prints."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import journal
from meterbench.bench.record import load
from meterbench.bench.verdict import Verdict
from tests.conftest import QUICK_METER, station_content

StationFileWriter = Callable[[dict[str, Any]], Path]
COMMAND = [sys.executable, "-m", "meterbench"]


def meterbench(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=cwd, check=False
    )


def run_verification(station: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return meterbench("run", "initial-verification", "--station", station, "--out", out, *more, cwd=out.parent)


def test_a_pass_exits_0_and_leaves_all_views(station_file: StationFileWriter, tmp_path: Path) -> None:
    """Exit 0; the folder holds journal, report, pytest.html, JUnit and Allure results; nothing on standard error."""
    done = run_verification(station_file(station_content()), tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert {"journal.jsonl", "report.html", "pytest.html", "junit.xml", "allure-results"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
    assert "PASS" in done.stdout
    assert "report.html" in done.stdout


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"truth": {"gain_percent": 4.0}}, 1),
        ({"truth": {"water_leak_l_h": 1.0}}, 3),
    ],
    ids=["bad unit", "leak"],
)
def test_exit_status_tells_the_verdict(
    change: dict[str, Any], status: int, station_file: StationFileWriter, tmp_path: Path
) -> None:
    """1 for a FAIL, 3 for what could not be judged."""
    done = run_verification(station_file(station_content(QUICK_METER | change)), tmp_path / "run")
    assert done.returncode == status
    assert load(tmp_path / "run").closed["exit_status"] == status  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "no-such-programme"], "available: initial-verification, draw-profile"),
        (["run", "initial-verification", "--station", "no-such.toml"], "no-such.toml"),
        (["run", "initial-verification", "--meter", "ADR40-1-1"], "allowed are 15, 20, 25"),
        (["run", "initial-verification", "--only", "7.4"], "--only 7.4"),
        (["run", "initial-verification", "--resume", "no-such-run"], "no-such-run"),
        (["run", "draw-profile"], "--trace"),
        (["run", "draw-profile", "--trace", "no-such.csv"], "no-such.csv"),
        (["results", "no-such-run"], "no-such-run"),
        (["run", "initial-verification", "--meters", "0"], "--meters"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_allowed(arguments: list[str], says: str, tmp_path: Path) -> None:
    """Exit 2, one sentence on standard error, no traceback, and nothing left behind."""
    done = meterbench(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_never_overwritten(station_file: StationFileWriter, tmp_path: Path) -> None:
    """The same folder twice: exit 2, and the first record is untouched."""
    station = station_file(station_content())
    run_verification(station, tmp_path / "run")
    before = (tmp_path / "run" / "journal.jsonl").read_bytes()
    done = run_verification(station, tmp_path / "run")
    assert done.returncode == 2
    assert "--resume" in done.stderr
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before


def test_results_have_the_columns_that_programs_rely_on(station_file: StationFileWriter, tmp_path: Path) -> None:
    """One JSON document: a list of rows, all values at full precision."""
    run_verification(station_file(station_content()), tmp_path / "run")
    done = meterbench("results", tmp_path / "run", "--json")
    rows = json.loads(done.stdout)
    columns = "procedure clause requirement meter flow_point repeat attempt quantity value unit expanded_uncertainty "
    columns += "lower upper verdict reason time"
    assert all(set(columns.split()) <= set(row) for row in rows)
    assert [row["value"] for row in rows] == [row.value for row in load(tmp_path / "run").rows]
    assert {row["flow_point"] for row in rows if row["quantity"] == "error_of_indication"} == {"Q1", "Q2", "Q3"}


def test_verify_finds_a_changed_byte(station_file: StationFileWriter, tmp_path: Path) -> None:
    """Exit 0 for a record as it was written; 3 and the line's number for one with a digit changed."""
    run_verification(station_file(station_content()), tmp_path / "run")
    assert meterbench("verify", tmp_path / "run").returncode == 0
    path = tmp_path / "run" / "journal.jsonl"
    content = path.read_bytes()
    place = content.index(b'"value":') + 10
    path.write_bytes(content[:place] + (b"1" if content[place : place + 1] != b"1" else b"2") + content[place + 1 :])
    for command in (["verify"], ["results"], ["report"]):
        done = meterbench(*command, tmp_path / "run")
        assert done.returncode == 3
        assert ", line " in done.stderr


def test_runs_lists_what_was_run(station_file: StationFileWriter, tmp_path: Path) -> None:
    """The store beside the runs knows each run and its verdict."""
    (tmp_path / "runs").mkdir()
    run_verification(station_file(station_content()), tmp_path / "runs" / "first")
    done = meterbench("runs", "--json", cwd=tmp_path)
    (run,) = json.loads(done.stdout)
    assert (run["name"], run["verdict"], run["meters"]) == ("first", "PASS", 1)


def test_check_shows_who_answers(station_file: StationFileWriter) -> None:
    """Identity, certificate and latency of every instrument; exit 3 if a certificate does not hold."""
    content = station_content()
    done = meterbench("check", "--station", station_file(content), "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert {row["role"] for row in rows} == {"rig", "balance", "thermometer", "counter 1"}
    assert all(row["latency_ms"] > 0 and row["calibration"] == "valid" for row in rows)
    content["instruments"]["balance"]["calibration"]["due"] = "2020-01-31"
    done = meterbench("check", "--station", station_file(content))
    assert done.returncode == 3
    assert "balance is out of calibration" in done.stderr


SLOW = station_content(*({**QUICK_METER, "serial": str(n), "ratio": 1600} for n in (1, 2)))
"""Long enough to be interrupted."""


def start(station: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    arguments = ["run", "initial-verification", "--station", str(station), *more]
    if "--resume" not in more:
        arguments += ["--out", str(out)]
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=out.parent
    )


def wait_for_step(folder: Path, step: str) -> None:
    """Until the journal says that ``step`` has started."""
    end = time.monotonic() + 60.0
    path, line = folder / "journal.jsonl", f'"step":"{step}"'
    while not (
        path.is_file()
        and any('"kind":"step_started"' in each and line in each for each in path.read_text().split("\n"))
    ):
        assert time.monotonic() < end, f"{step} did not start"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_in_safe_state_and_a_closed_record(
    number: signal.Signals, station_file: StationFileWriter, tmp_path: Path
) -> None:
    """Exit 130; the journal says that the safe state was reached, then that the run was ABORTED."""
    process = start(station_file(SLOW), tmp_path / "run")
    wait_for_step(tmp_path / "run", "initial-verification/Q3")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    record = load(tmp_path / "run")
    assert record.closed is not None
    assert record.verdict is Verdict.ABORTED
    assert any("safe state reached" in event["text"] for event in record.events)
    assert number.name in record.closed["reasons"][0]
    assert "Traceback" not in out + err


def test_a_killed_run_is_resumed_after_the_last_finished_flow_point(
    station_file: StationFileWriter, tmp_path: Path
) -> None:
    """SIGKILL in mid-run: finished steps are in the journal; ``--resume`` measures no finished point again."""
    station = station_file(SLOW)
    process = start(station, tmp_path / "run")
    wait_for_step(tmp_path / "run", "initial-verification/Q2")
    process.kill()
    process.communicate(timeout=60)
    killed = load(tmp_path / "run")
    assert killed.closed is None
    assert killed.finished_steps["initial-verification/Q3"] == "PASS"
    q3 = [row for row in killed.rows if row.flow_point == "Q3"]
    assert len(q3) == 2

    process = start(station, tmp_path / "run", "--resume", "run")
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, out + err
    resumed = load(tmp_path / "run")
    assert resumed.verdict is Verdict.PASS
    assert [row for row in resumed.rows if row.flow_point == "Q3"] == q3
    assert {(row.meter, row.flow_point) for row in resumed.rows if row.flow_point} == {
        (meter, point) for meter in ("1", "2") for point in ("Q1", "Q2", "Q3")
    }
    started = [line["step"] for line in journal.read(tmp_path / "run") if line["kind"] == "step_started"]
    assert started.count("initial-verification/Q3") == 1
    assert started.count("initial-verification/Q2") == 2


def test_a_finished_run_is_not_resumed(station_file: StationFileWriter, tmp_path: Path) -> None:
    """There is nothing to resume in a run that was concluded; another line of meters is refused, too."""
    station = station_file(station_content())
    run_verification(station, tmp_path / "run")
    before = (tmp_path / "run" / "journal.jsonl").read_bytes()
    done = meterbench("run", "initial-verification", "--station", station, "--resume", tmp_path / "run")
    assert done.returncode == 3
    assert "nothing to resume" in done.stderr
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before


def test_another_world_is_not_resumed(station_file: StationFileWriter, tmp_path: Path) -> None:
    """A killed run goes on with its own station only: another seed or other water is refused, the record untouched."""
    process = start(station_file(SLOW), tmp_path / "run")
    wait_for_step(tmp_path / "run", "initial-verification/Q2")
    process.kill()
    process.communicate(timeout=60)
    before = (tmp_path / "run" / "journal.jsonl").read_bytes()
    other = {**SLOW, "virtual": {**SLOW["virtual"], "water_temp_c": 25.0}}
    for station, more in ((station_file(SLOW), ["--seed", "9"]), (station_file(other), [])):
        done = meterbench("run", "initial-verification", "--station", station, "--resume", tmp_path / "run", *more)
        assert done.returncode == 3
        assert "another station" in done.stderr
        assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before


def test_a_record_whose_end_was_cut_off_is_not_resumed(station_file: StationFileWriter, tmp_path: Path) -> None:
    """A FAIL whose last lines were removed looks interrupted; the store knows better."""
    station = station_file(station_content(QUICK_METER | {"truth": {"gain_percent": 4.0}}))
    assert run_verification(station, tmp_path / "run").returncode == 1
    path = tmp_path / "run" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    done = meterbench("run", "initial-verification", "--station", station, "--resume", tmp_path / "run")
    assert done.returncode == 3
    assert "closed with FAIL" in done.stderr


def test_a_second_signal_does_not_cut_the_clean_up(station_file: StationFileWriter, tmp_path: Path) -> None:
    """Impatience changes nothing: safe state, closed record, exit 130."""
    process = start(station_file(SLOW), tmp_path / "run")
    wait_for_step(tmp_path / "run", "initial-verification/Q3")
    for _ in range(20):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert load(tmp_path / "run").verdict is Verdict.ABORTED


FULL_DISK = """
mount -t tmpfs -o size=100k none "$1" || exit 77
cp "$2" "$1/station.toml"; cd "$1"
TMPDIR=/tmp "$3" -m meterbench run initial-verification --station station.toml --out "$1/run"
status=$?
cp "$1/run/journal.jsonl" "$4"
exit $status
"""


def test_a_full_disk_ends_in_a_closed_record(station_file: StationFileWriter, tmp_path: Path) -> None:
    """A real full disk (a small tmpfs): exit 3, one sentence, and the journal's last line closes the run as ERROR."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    mount, kept = tmp_path / "disk", tmp_path / "kept"
    mount.mkdir()
    kept.mkdir()
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", FULL_DISK, "-", mount, station_file(SLOW), sys.executable,
         kept / "journal.jsonl"],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "METERBENCH_STORE": "sqlite://"},
    )  # fmt: skip
    if done.returncode in (1, 77) and not (kept / "journal.jsonl").exists():
        pytest.skip("no permission to mount a tmpfs here")
    record = load(kept)
    assert record.closed is not None
    assert record.verdict is Verdict.ERROR
    assert "No space left on device" in record.closed["reasons"][0]
    assert any("safe state" in event["text"] for event in record.events) or len(record.closed["reasons"]) >= 1
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
