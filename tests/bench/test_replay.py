"""A run that was recorded with its wires is played again: same answers over real sockets, same results.

Kind: plant. The recording is of a simulated station, with drivers, links and sockets as they are.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import replay
from meterbench.bench.opening import Wires
from meterbench.bench.record import RunRecord
from meterbench.bench.record import load as load_record
from meterbench.bench.session import Programme, session
from meterbench.bench.station import parse
from meterbench.bench.verdict import Verdict
from meterbench.bench.wire_record import FILE_NAME, WireRecorder
from meterbench.errors import BenchError, ConfigError, RecordError
from meterbench.instruments.capabilities import Exchange
from meterbench.procedures import edition
from meterbench.procedures.initial_verification import NAME, initial_verification
from tests.conftest import station_content

TABLES = edition.load()


def run(content: Mapping[str, Any], folder: Path, wires: Wires) -> RunRecord:
    programme = Programme(NAME, "Initial verification", TABLES.header(TABLES.verification_clause))
    with session(parse(dict(content), "test"), programme, folder, wires=wires) as (a_run, bench):
        initial_verification(a_run, bench, TABLES)
    return load_record(folder)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """A verification of one meter."""
    folder = tmp_path_factory.mktemp("recorded") / "run"
    return run(station_content(), folder, Wires(record=folder / FILE_NAME, programme=NAME))


def edited(recorded: RunRecord, path: Path, was: str, becomes: str) -> Path:
    text = (recorded.folder / FILE_NAME).read_text()
    assert was in text
    path.write_text(text.replace(was, becomes, 1))
    return path


def played(path: Path, folder: Path) -> RunRecord:
    record = replay.load(path)
    return run(record.head["station"], folder, Wires(replay=record))


def test_a_replay_measures_the_same_to_the_last_digit(recorded: RunRecord, tmp_path: Path) -> None:
    """Results, uncertainties, raw readings and times; and nobody takes it for a day at the laboratory."""
    again = played(recorded.folder / FILE_NAME, tmp_path / "again")
    assert again.verdict is recorded.verdict
    assert again.rows == recorded.rows
    assert again.rows
    chained = ("seq", "prev", "hash")
    assert [{key: part for key, part in reading.items() if key not in chained} for reading in again.readings] == [
        {key: part for key, part in reading.items() if key not in chained} for reading in recorded.readings
    ]
    assert again.opened["station"]["simulated"]
    assert "replay of wire.jsonl, SHA-256" in again.opened["station"]["other_side"]
    assert recorded.opened["station"]["other_side"] == ""


def test_the_first_other_question_ends_the_run_and_is_named(recorded: RunRecord, tmp_path: Path) -> None:
    """A driver or a procedure that asks something else gets no answer that belongs to another question."""
    path = edited(recorded, tmp_path / FILE_NAME, '"sent":"FETC?;', '"sent":"FETCH?;')
    with pytest.raises(RecordError, match=r"thermometer, exchange \d+: then 'FETCH\?.* was asked, now 'FETC\?"):
        played(path, tmp_path / "run")
    assert load_record(tmp_path / "run").closed is not None


def test_a_recording_is_found_by_its_run(recorded: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the file, the run's folder, or its name under ./runs; a run without one is told from none."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/monday").symlink_to(recorded.folder)
    (tmp_path / "unrecorded").mkdir()
    monkeypatch.chdir(tmp_path)
    named = (recorded.folder / FILE_NAME, recorded.folder, Path("monday"), Path("runs/monday"))
    assert len({replay.load(name).sha256 for name in named}) == 1
    with pytest.raises(ConfigError, match=r"unrecorded holds no wire.jsonl: a run keeps its wires only with --record"):
        replay.load(Path("unrecorded"))
    with pytest.raises(ConfigError, match="there is no recording 'sunday'"):
        replay.load(Path("sunday"))


def test_a_recording_without_one_of_the_wires_is_refused(recorded: RunRecord, tmp_path: Path) -> None:
    """The station file's address would be taken, and the real instrument act."""
    lines = (recorded.folder / FILE_NAME).read_text().splitlines(keepends=True)
    head = json.loads(lines[0])
    for spoil in (lambda: head["addresses"].pop("rig"), lambda: head["addresses"]["counter"].clear()):
        spoil()
        (tmp_path / FILE_NAME).write_text(json.dumps(head) + "\n" + "".join(lines[1:]))
        with pytest.raises(RecordError, match="line 1: "):
            replay.station_of(replay.load(tmp_path / FILE_NAME))


def test_what_was_silent_then_is_silent_again(tmp_path: Path) -> None:
    """A run that ended in a fault ends in the same one."""
    folder = tmp_path / "run"
    content = station_content(faults={"balance": [{"kind": "silence", "after": 7}]})
    with pytest.raises(BenchError, match=r"balance.*no complete line within 1 s"):
        run(content, folder, Wires(record=folder / FILE_NAME, programme=NAME))
    with pytest.raises(BenchError, match=r"balance.*no complete line within 1 s"):
        played(folder / FILE_NAME, tmp_path / "again")


def test_a_changed_answer_changes_the_result(recorded: RunRecord, tmp_path: Path) -> None:
    """The results come from the wires: nothing else is remembered."""
    weighed = next(
        line
        for line in map(json.loads, (recorded.folder / FILE_NAME).read_text().splitlines())
        if line.get("link") == "balance" and line["sent"] == "SI\r\n" and line["received"].startswith("S S")
    )
    text = (recorded.folder / FILE_NAME).read_text()
    (tmp_path / FILE_NAME).write_text(text.replace(json.dumps(weighed["received"]), '"S S    5000.00 g\\r\\n"'))
    again = played(tmp_path / FILE_NAME, tmp_path / "run")
    assert [row.value for row in again.rows] != [row.value for row in recorded.rows]


def test_a_recording_that_was_cut_off_ends_with_a_sentence(recorded: RunRecord, tmp_path: Path) -> None:
    """A run that was killed in the middle can be played up to there."""
    text = (recorded.folder / FILE_NAME).read_text()
    (tmp_path / FILE_NAME).write_text(text[: len(text) // 2])
    with pytest.raises(BenchError, match="replay of"):
        played(tmp_path / FILE_NAME, tmp_path / "run")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ('{"schema":1}\n', "line 1"),
        ('{"station":{},"programme":"x","speed":null,"addresses":{}}\n{"link":"rig"}\n', "line 2"),
        ('{"station":{},"programme":"x","speed":null,"addresses":{}}\n[1]\n', "line 2"),
        ('{"schema":2,"station":{},"programme":"x","speed":null,"addresses":{}}\n', "schema 2"),
        ('{"station":7,"programme":"x","speed":null,"addresses":{}}\n', "line 1"),
        ('{"station":{},"programme":"x","speed":null,"addresses":{"toaster":["tcp://x:1"]}}\n', "line 1.*toaster"),
        ("°", "ASCII"),
    ],
)
def test_what_is_no_recording_is_refused(content: str, said: str, tmp_path: Path) -> None:
    """With the line that is none."""
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(RecordError, match=said):
        replay.load(tmp_path / FILE_NAME)


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    """What is there stays."""
    WireRecorder(tmp_path / FILE_NAME, {"station": "first"}).close()
    with pytest.raises(RecordError, match="File exists"):
        WireRecorder(tmp_path / FILE_NAME, {})


def test_a_full_disk_ends_the_run_and_not_the_safe_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ERROR with the reason; the links go on, the rig comes to rest, and the station is not BROKEN."""
    write, left = os.write, [150_000]

    def short_of_space(descriptor: int, content: bytes) -> int:
        if b'{"link":' not in content[:8] and b'{"clock":' not in content[:9]:
            return write(descriptor, content)
        left[0] -= len(content)
        return write(descriptor, content if left[0] > 0 else content[:7])

    monkeypatch.setattr(os, "write", short_of_space)
    folder = tmp_path / "run"
    with pytest.raises(RecordError, match=r"cannot record the wires in .*: No space left on device"):
        run(station_content(), folder, Wires(record=folder / FILE_NAME, programme=NAME))
    record = load_record(folder)
    assert record.closed is not None
    assert record.verdict is Verdict.ERROR
    assert len(record.closed["reasons"]) == 1
    (actions,) = (event["safe_state"] for event in record.events if "safe_state" in event)
    assert all(action["confirmed"] for action in actions)
    replay.load(folder / FILE_NAME)  # up to there


def test_every_byte_comes_back(tmp_path: Path) -> None:
    """Binary protocols, too: all 256 of them, both ways, over the replayed socket."""
    every = bytes(range(256))
    recorder = WireRecorder(
        tmp_path / FILE_NAME,
        {"station": {}, "programme": "x", "speed": None, "addresses": {"pressure": ["/dev/ttyUSB0"]}},
    )
    recorder.tape("pressure")(Exchange(every, every[::-1], 0.001))
    recorder.close()
    station = replay.Replay(replay.load(tmp_path / FILE_NAME))
    try:
        host, port = station.start()["pressure"][0].removeprefix("socket://").split(":")
        with socket.create_connection((host, int(port)), 2.0) as client:
            client.sendall(every[:100])
            client.sendall(every[100:])
            got = b""
            while len(got) < 256:
                got += client.recv(4096)
        assert got == every[::-1]
    finally:
        station.stop()
