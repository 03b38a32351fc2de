"""The command as users and programs call it: in a process of its own, judged by exit status and what it prints."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest

from meterbench.bench import journal
from meterbench.bench.record import load
from meterbench.bench.verdict import Verdict
from meterbench.progress import clock_text
from tests.conftest import QUICK_METER, station_content

StationFileWriter = Callable[[dict[str, Any]], Path]
COMMAND = [sys.executable, "-m", "meterbench"]


def meterbench(
    *arguments: str | Path, cwd: Path | None = None, stdout: int | IO[str] = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        errors="surrogateescape", timeout=120, cwd=cwd, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def run_verification(station: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return meterbench("run", "initial-verification", "--station", station, "--out", out, *more, cwd=out.parent)


def test_a_pass_exits_0_and_leaves_all_views(station_file: StationFileWriter, tmp_path: Path) -> None:
    """Exit 0; the folder holds journal, report, pytest.html, JUnit and Allure results; nothing on standard error."""
    done = run_verification(station_file(station_content()), tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert {"journal.jsonl", "report.html", "report.pdf", "pytest.html", "junit.xml", "allure-results"} <= {
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
        (["run", "initial-verification", "--trace", "some.csv"], "--trace some.csv"),
        (["run", "initial-verification", "--flow-unit", "L/h"], "--flow-unit L/h"),
        (["run", "initial-verification", "--resume", ""], "no run ''"),
        (["run", "initial-verification", "--replay", "nothing"], "there is no recording 'nothing'"),
        (["run", "initial-verification", "--replay", "nothing", "--seed", "3"], "leave --station, --meter, --meters"),
        (["run", "initial-verification", "--lab", "no-such.json"], "is simulated itself"),
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


def test_check_shows_who_answers_and_what_can_be_measured(station_file: StationFileWriter) -> None:
    """One document: instruments with identity, certificate and latency, capability, procedures, and reasons; exit 0."""
    done = meterbench("check", "--station", station_file(station_content()), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(found) == {"instruments", "capability", "procedures", "reasons"}
    lines = found["instruments"]
    assert {line["role"] for line in lines} == {"rig", "balance", "thermometer", "counter 1"}
    assert all(line["latency_ms"] > 0 and line["calibration"] == "valid" and line["days_left"] for line in lines)
    points = [row for row in found["capability"] if row["procedure"] == "initial-verification"]
    assert [row["point"] for row in points] == ["Q3", "Q2", "Q1"]
    assert all(row["possible"] and row["expanded_uncertainty_percent"] < row["allowed_percent"] for row in points)
    assert {"profile", "Q4", "grid"} <= {row["point"] for row in found["capability"]}
    assert found["procedures"] == [
        {"procedure": "initial-verification", "can_run": True, "reasons": []},
        {"procedure": "draw-profile", "can_run": True, "reasons": []},
    ]
    assert found["reasons"] == []


@pytest.mark.parametrize(
    ("calibration", "reason"),
    [
        ({"due": "2020-01-31"}, "balance is out of calibration"),
        ({"expanded_uncertainty": "20 g"}, "Q2 (42.34 L/h): U = "),
    ],
)
def test_check_says_why_a_station_cannot_judge(
    calibration: dict[str, str], reason: str, station_file: StationFileWriter
) -> None:
    """An expired certificate, a balance too poor: exit 3, the table says no, and standard error says why."""
    content = station_content()
    content["instruments"]["balance"]["calibration"] |= calibration
    done = meterbench("check", "--station", station_file(content))
    assert done.returncode == 3
    assert reason in done.stderr
    assert "│ no" in done.stdout


def test_check_warns_before_a_certificate_runs_out(station_file: StationFileWriter) -> None:
    """Ten days left: a word on standard error, and still exit 0."""
    content = station_content()
    due = datetime.now(UTC).date() + timedelta(days=10)
    content["instruments"]["balance"]["calibration"]["due"] = due.isoformat()
    done = meterbench("check", "--station", station_file(content))
    assert done.returncode == 0
    assert re.search(r"balance: certificate V-2026-002 is due in (9|10) days", done.stderr)
    assert re.search(r"(9|10) d", done.stdout)


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_in_safe_state_and_a_closed_record(
    number: signal.Signals, station_file: StationFileWriter, tmp_path: Path
) -> None:
    """Exit 130; the journal says that the safe state was reached, then that the run was ABORTED."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("whoever started the tests wants this signal ignored")
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


def test_a_run_under_nohup_outlives_its_terminal(station_file: StationFileWriter, tmp_path: Path) -> None:
    """SIGHUP is ignored before it starts: the run goes on to its verdict."""
    nohup = ["env", "--ignore-signal=HUP", *COMMAND, "run", "initial-verification"]
    arguments = ["--station", str(station_file(SLOW)), "--out", str(tmp_path / "run")]
    process = subprocess.Popen([*nohup, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_step(tmp_path / "run", "initial-verification/Q3")
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err


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
    *_, plan = (line["steps"] for line in journal.read(tmp_path / "run") if line["kind"] == "plan")
    assert "initial-verification/Q3" not in {each["step"] for each in plan}
    assert f"About {clock_text(sum(each['bench_seconds'] for each in plan))} of bench time ahead" in out
    started = [line["step"] for line in journal.read(tmp_path / "run") if line["kind"] == "step_started"]
    assert started.count("initial-verification/Q3") == 1
    assert started.count("initial-verification/Q2") == 2


def test_a_finished_run_is_not_resumed(station_file: StationFileWriter, tmp_path: Path) -> None:
    """There is nothing to resume in a run that was concluded; another line of meters is refused, too."""
    station = station_file(station_content())
    run_verification(station, tmp_path / "run")
    before = (tmp_path / "run" / "journal.jsonl").read_bytes()
    resume = ["run", "initial-verification", "--station", station, "--resume", tmp_path / "run"]
    for more, says in ([], "nothing to resume"), (["--out", "other"], "--out other"):
        done = meterbench(*resume, *more, cwd=tmp_path)
        assert done.returncode == 2
        assert says in done.stderr
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before
    assert not (tmp_path / "other").exists()


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
        assert done.returncode == 2
        assert "another station" in done.stderr
        assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("behind", ["half", "the row that failed", "all but the last line"])
def test_a_record_whose_end_was_cut_off_is_not_resumed(
    behind: str, station_file: StationFileWriter, tmp_path: Path
) -> None:
    """A FAIL whose last lines were removed looks interrupted, also if a row in it still fails. The store knows."""
    station = station_file(station_content(QUICK_METER | {"truth": {"gain_percent": 4.0}}))
    assert run_verification(station, tmp_path / "run").returncode == 1
    path = tmp_path / "run" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    failed = next(number for number, line in enumerate(lines, start=1) if b'"verdict":"FAIL"' in line)
    kept = {"half": len(lines) // 2, "the row that failed": failed, "all but the last line": len(lines) - 1}[behind]
    path.write_bytes(b"".join(lines[:kept]))
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


FAILING = station_content(QUICK_METER | {"truth": {"gain_percent": 4.0}})
OTHER_COMMANDS = [["meter", "--for", "0"], ["check"], ["--help"]]


def test_serials_are_shown_as_they_stand(station_file: StationFileWriter, tmp_path: Path) -> None:
    """What looks like mark-up, an emoji or a tag is part of a serial; in the terminal, the table and pytest.html."""
    serials = ["[x1]7", "[/b]<b>:a:" + 30 * "7"]
    station = station_file(station_content(*(QUICK_METER | {"serial": serial} for serial in serials)))
    done = run_verification(station, tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"│ {serial:<40} │" in done.stdout for serial in serials)
    table = meterbench("results", tmp_path / "run").stdout
    assert all(table.count(f"│ {serial:<40} │") == 4 for serial in serials)
    page = (tmp_path / "run" / "pytest.html").read_text(encoding="utf-8")
    (shown,) = re.findall('data-jsonblob="([^"]*)"', page)
    assert all(f"[{html.escape(serial)} ADR25-1-1]</td>" in html.unescape(shown) for serial in serials)


def test_a_viewer_who_leaves_voids_no_run(station_file: StationFileWriter, tmp_path: Path) -> None:
    """``run | head -1``: the run goes on to its end without a word, and the exit status tells its verdict."""
    with start(station_file(FAILING), tmp_path / "run") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "Station open" in process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == ("", 1)
    record = load(tmp_path / "run")
    assert record.closed is not None
    assert record.verdict is Verdict.FAIL
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize("arguments", OTHER_COMMANDS, ids=" ".join)
def test_other_commands_end_when_their_reader_leaves(arguments: list[str]) -> None:
    """``meter | head -1``: quietly, with status 141."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = meterbench(*arguments, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["for people", "for programs"])
def test_a_full_disk_behind_the_output_voids_no_run(
    more: list[str], station_file: StationFileWriter, tmp_path: Path
) -> None:
    """The record tells the verdict; exit 3 and a sentence, because the output did not."""
    run = ["run", "initial-verification", "--station", station_file(station_content()), "--out", tmp_path / "run"]
    with open("/dev/full", "w") as full:
        done = meterbench(*run, *more, stdout=full)
    assert done.returncode == 3
    assert done.stderr.endswith("standard output cannot be written: No space left on device; not all was told\n")
    assert "Traceback" not in done.stderr
    assert load(tmp_path / "run").verdict is Verdict.PASS


@pytest.mark.parametrize("arguments", OTHER_COMMANDS, ids=" ".join)
def test_output_that_cannot_be_written_exits_3(arguments: list[str]) -> None:
    """One sentence, no traceback."""
    with open("/dev/full", "w") as full:
        done = meterbench(*arguments, stdout=full)
    assert done.returncode == 3
    assert done.stderr == ("meterbench: standard output cannot be written: No space left on device; not all was told\n")


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}],
    ids=["ASCII", "Latin 1"],
)
def test_any_encoding_will_do(environment: dict[str, str], station_file: StationFileWriter, tmp_path: Path) -> None:
    """What an encoding does not have is written as an escape; nothing breaks off."""
    station = station_file(station_content(QUICK_METER | {"serial": "№ 7"}))
    run = ["run", "initial-verification", "--station", station, "--out", tmp_path / "run"]
    for arguments in (run, ["results", tmp_path / "run"], ["check"], ["meter", "--display", "--for", "1"]):
        done = meterbench(*arguments, **environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert ("\\u2116 7" in done.stdout) == (tmp_path / "run" in arguments)


def test_closed_output_is_no_fault(station_file: StationFileWriter, tmp_path: Path) -> None:
    """``>&- 2>&-``: whoever closes both wants nothing to be told; the record does not get into their place."""
    run = [*COMMAND, "run", "initial-verification", "--station", station_file(station_content()), "--out", "run"]
    done = subprocess.run(["bash", "-c", '"$@" >&- 2>&-', "-", *map(str, run)], cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 0
    assert load(tmp_path / "run").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("raised", "status", "says"),
    [
        ("RuntimeError('no idea')", 3, "unexpected RuntimeError: no idea"),
        ("BrokenPipeError(32, 'a socket')", 3, "unexpected BrokenPipeError: [Errno 32] a socket"),
        ("EOFError('a file')", 3, "unexpected EOFError: a file"),
        ("SystemExit(1)", 3, "unexpected SystemExit: 1"),
        ("Cancelled('stopped half-way')", 130, "meterbench: stopped half-way\n"),
        ("KeyboardInterrupt()", 130, ""),
    ],
)
def test_what_nobody_foresaw_is_no_fail(raised: str, status: int, says: str) -> None:
    """1 is a FAIL and nothing else; a sentence says what happened where, and ``--debug`` shows the traceback."""
    code = f"""
import meterbench.cli as cli
from meterbench.errors import Cancelled
def find_run(name): raise {raised}
cli.find_run = find_run
cli.main()
"""
    for debug in ([], ["--debug"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *debug, "results", "some"], capture_output=True, text=True, check=False
        )
        assert done.returncode == status
        assert says in done.stderr
        assert ("Traceback" in done.stderr) == (status == 3 and debug != [])
        assert ("<string>, line 4" in done.stderr) == (status == 3)
