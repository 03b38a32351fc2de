"""The journal holds together or says at which line it does not; a full disk leaves no half line."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.bench.journal import FILE_NAME, FIRST_PREV, RESERVE_BYTES, RESERVE_NAME, Journal, chain_hash, read
from meterbench.errors import RecordError

UTC = "2026-03-04T09:00:00.000+00:00"


def write(folder: Path, lines: int = 5) -> bytes:
    """A journal of some lines with text beyond ASCII and numbers; its bytes."""
    journal = Journal.create(folder)
    for number in range(lines):
        body = {"text": f"{number}: 20,3 °C", "value": 20.25 + number, "parts": [1, None, True], "more": {"b": 1}}
        journal.append("event", float(number), UTC, body)
    journal.close()
    return (folder / FILE_NAME).read_bytes()


def outcome(folder: Path, content: bytes) -> int | str:
    """Lines that can be read of ``content``, or the refusal."""
    (folder / FILE_NAME).write_bytes(content)
    try:
        return len(list(read(folder)))
    except RecordError as error:
        return str(error)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A folder to write spoiled journals into, and the intact journal's bytes."""
    return (tmp_path_factory.mktemp("spoiled"), write(tmp_path_factory.mktemp("runs") / "intact"))


def test_lines_are_chained_as_documented(tmp_path: Path) -> None:
    """A reader that we did not write finds seq from 0, prev = hash of the line before, SHA-256 over the rest."""
    lines = [json.loads(line) for line in write(tmp_path).splitlines()]
    assert [line["seq"] for line in lines] == list(range(5))
    assert [line["prev"] for line in lines] == [FIRST_PREV, *(line["hash"] for line in lines[:-1])]
    assert [chain_hash(line) for line in lines] == [line["hash"] for line in lines]
    assert lines == list(read(tmp_path))


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_changed_byte_is_refused_with_its_line(intact: tuple[Path, bytes], data: st.DataObject) -> None:
    """Whatever byte becomes whatever other byte: the line is named; the very last line end only drops its line."""
    folder, content = intact
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    seen = outcome(folder, content[:place] + bytes([byte]) + content[place + 1 :])
    if place == len(content) - 1:
        assert seen == 4
    else:
        number = content[:place].count(b"\n") + 1
        assert f"line {number}:" in str(seen)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_removed_or_added_byte_is_refused_with_its_line(intact: tuple[Path, bytes], data: st.DataObject) -> None:
    """A byte missing or added anywhere is found in its line; what follows the last line end counts as unfinished."""
    folder, content = intact
    place = data.draw(st.integers(0, len(content) - 2))
    number = content[:place].count(b"\n") + 1
    assert f"line {number}:" in str(outcome(folder, content[:place] + content[place + 1 :]))
    added = bytes([data.draw(st.integers(0, 255))])
    assert f"line {number}:" in str(outcome(folder, content[:place] + added + content[place:]))
    if added != b"\n":
        assert outcome(folder, content + added) == 5
    assert "line 6:" in str(outcome(folder, content + b"\n"))


@pytest.mark.parametrize("order", [order for order in itertools.permutations(range(3)) if order != (0, 1, 2)])
def test_moved_lines_are_refused(intact: tuple[Path, bytes], order: tuple[int, ...]) -> None:
    """Whole lines in another order break the chain at the first that is out of place."""
    folder, content = intact
    lines = content.splitlines(keepends=True)
    moved = next(number for number, place in enumerate(order) if number != place)
    assert f"line {moved + 1}: the chain is broken" in str(
        outcome(folder, b"".join([lines[place] for place in order] + lines[3:]))
    )


@pytest.mark.parametrize("number", range(4))
def test_a_removed_or_doubled_line_is_refused(intact: tuple[Path, bytes], number: int) -> None:
    """A line that is missing or there twice breaks the chain where it was."""
    folder, content = intact
    lines = content.splitlines(keepends=True)
    without, twice = lines[:number] + lines[number + 1 :], lines[: number + 1] + lines[number:]
    assert f"line {number + 1}: the chain is broken" in str(outcome(folder, b"".join(without)))
    assert f"line {number + 2}: the chain is broken" in str(outcome(folder, b"".join(twice)))


def test_a_line_that_was_made_to_fit_is_refused(intact: tuple[Path, bytes]) -> None:
    """A changed line with a hash of its own computed anew still does not fit the line after it."""
    folder, content = intact
    lines = content.splitlines(keepends=True)
    forged = json.loads(lines[1])
    forged["value"] = 0.0
    forged["hash"] = chain_hash(forged)
    lines[1] = json.dumps(forged, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    assert "line 3: the chain is broken" in str(outcome(folder, b"".join(lines)))


@pytest.mark.parametrize(
    "spoiled",
    [b"NaN", b"1e999", b"-Infinity", b'"\\ud800"', b'"\xed\xa0\x80"', b"[" * 100_000, b"9" * 5000],
    ids=["NaN", "1e999", "-Infinity", "half surrogate", "half surrogate in bytes", "nested", "long"],
)
def test_what_no_record_holds_is_refused(intact: tuple[Path, bytes], spoiled: bytes) -> None:
    """Numbers that JSON cannot hold, broken text and endless nesting are refused like any other change."""
    folder, content = intact
    assert "line 1:" in str(outcome(folder, content.replace(b"20.25", spoiled, 1)))


@pytest.mark.parametrize(
    ("old", "new"), [(b"20.25", b"20.250"), (b'"seq":0', b'"seq": 0'), ("°".encode(), b"\\u00b0"), (b"true", b" true")]
)
def test_the_same_in_other_bytes_is_refused(intact: tuple[Path, bytes], old: bytes, new: bytes) -> None:
    """A line that says the same in another spelling was touched, too."""
    folder, content = intact
    assert "line 1: the line was changed" in str(outcome(folder, content.replace(old, new, 1)))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_cut_off_journal_goes_on(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut anywhere after its first line by a crash, a journal drops the unfinished line and goes on from there."""
    folder = tmp_path_factory.mktemp("cut")
    content = write(folder)
    place = data.draw(st.integers(content.index(b"\n") + 1, len(content)))
    (folder / FILE_NAME).write_bytes(content[:place])
    journal = Journal.reopen(folder)
    whole = content[:place].count(b"\n")
    assert journal.lines == whole
    journal.append("event", 9.0, UTC, {"text": "resumed"})
    journal.close()
    lines = list(read(folder))
    assert [line["seq"] for line in lines] == list(range(whole + 1))
    assert lines[-1]["text"] == "resumed"


@pytest.mark.parametrize("content", [None, b"", b'{"seq":0'])
def test_nothing_to_resume_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Without a file, or without one finished line, there is nothing to go on with; and nothing is changed."""
    if content is not None:
        (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(RecordError):
        Journal.reopen(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else [FILE_NAME])
    assert content is None or (tmp_path / FILE_NAME).read_bytes() == content


def test_a_broken_chain_is_not_gone_on_with(tmp_path: Path) -> None:
    """A record that does not hold together is refused on resume, and left as it is."""
    spoiled = write(tmp_path).replace(b"20.25", b"20.26")
    (tmp_path / FILE_NAME).write_bytes(spoiled)
    with pytest.raises(RecordError, match="line 1"):
        Journal.reopen(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == spoiled


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    """A record is never overwritten, and never written by two runs at once."""
    first = Journal.create(tmp_path)
    first.append("event", 0.0, UTC, {"text": "mine"})
    with pytest.raises(RecordError, match="never overwritten"):
        Journal.create(tmp_path)
    with pytest.raises(RecordError, match="being written by another run"):
        Journal.reopen(tmp_path)
    first.append("event", 1.0, UTC, {"text": "still mine"})
    first.close()
    again = Journal.reopen(tmp_path)
    assert again.lines == 2
    again.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_json_cannot_hold_is_not_written(tmp_path: Path, value: object) -> None:
    """NaN, infinity and strange objects are refused before a byte is written; the journal goes on."""
    journal = Journal.create(tmp_path)
    with pytest.raises((ValueError, TypeError)):
        journal.append("reading", 0.0, UTC, {"value": value})
    with pytest.raises(ValueError, match="own prev, seq"):
        journal.append("reading", 0.0, UTC, {"seq": 7, "prev": ""})
    journal.append("reading", 0.0, UTC, {"value": 1.0})
    journal.close()
    assert [line["value"] for line in read(tmp_path)] == [1.0]


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(st.sampled_from("abc"), st.text(st.characters()) | st.floats(allow_nan=False, allow_infinity=False))
)
def test_any_text_and_number_comes_back(tmp_path_factory: pytest.TempPathFactory, body: dict[str, object]) -> None:
    """What was appended is read back as it was: line ends, half surrogates, every float to its last bit."""
    folder = tmp_path_factory.mktemp("any")
    journal = Journal.create(folder)
    journal.append("event", 0.0, UTC, body)
    journal.close()
    (line,) = read(folder)
    assert {key: line[key] for key in body} == body


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    """Closing twice is safe and frees the reserve; a line after it is refused as a fault of the record."""
    journal = Journal.create(tmp_path)
    assert (tmp_path / RESERVE_NAME).stat().st_size == RESERVE_BYTES
    journal.append("event", 0.0, UTC, {})
    journal.close()
    journal.close()
    assert not (tmp_path / RESERVE_NAME).exists()
    with pytest.raises(RecordError, match="closed"):
        journal.append("event", 1.0, UTC, {})


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder that cannot be made, or a journal that cannot be read, is refused with its path and the cause."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"cannot create the record .*file/run/journal\.jsonl: Not a directory"):
        Journal.create(tmp_path / "file" / "run")
    with pytest.raises(RecordError, match=r"cannot read the record .*journal\.jsonl: No such file"):
        list(read(tmp_path))


FILL = """
import sys
from pathlib import Path
from meterbench.bench.journal import Journal, read, FILE_NAME
from meterbench.errors import RecordError
folder = Path(sys.argv[1]) / "run"
journal = Journal.create(folder)
{limit}
try:
    for number in range(10_000):
        journal.append("event", 0.0, "", {{"text": "x" * 1500}})
except RecordError as error:
    assert "cannot write the record" in str(error) and "free some space" in str(error), error
else:
    raise SystemExit("the disk never filled up")
assert (folder / FILE_NAME).read_bytes().endswith(b"\\n"), "half a line was left behind"
assert len(list(read(folder))) == journal.lines == number > 0
{free}
journal.append("run_closed", 1.0, "", {{"reasons": ["the disk is full"] * 20}})
journal.sync()
journal.close()
assert list(read(folder))[-1]["kind"] == "run_closed"
print("held")
"""


def python(script: str, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    if before:
        command = ["unshare", "-rm", "sh", "-c", before + ' && exec "$@"', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def may_mount(tmp_path: Path) -> None:
    """Skips where an ordinary user cannot mount a small disk in a namespace of its own."""
    try:
        tried = subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except FileNotFoundError:
        pytest.skip("no unshare on this machine")
    if tried.returncode:
        pytest.skip(f"user namespaces are not permitted here: {tried.stderr.strip()}")


@pytest.mark.usefixtures("may_mount")
def test_a_full_disk_keeps_whole_lines_and_room_for_the_last(tmp_path: Path) -> None:
    """On a full tmpfs the line that did not fit leaves nothing, and the reserve makes room to close the run."""
    script = FILL.format(limit="", free="journal.release_reserve(); journal.release_reserve()")
    done = python(script, str(tmp_path), before=f"mount -t tmpfs -o size=160k tmpfs {tmp_path}")
    assert (done.stdout, done.stderr) == ("held\n", "")


@pytest.mark.usefixtures("may_mount")
def test_no_room_for_a_record_leaves_nothing_behind(tmp_path: Path) -> None:
    """A disk without room for the reserve is refused at once, and the next attempt finds a clean folder."""
    script = """
import os, sys
from pathlib import Path
from meterbench.bench.journal import Journal
from meterbench.errors import RecordError
try:
    Journal.create(Path(sys.argv[1]))
except RecordError as error:
    print(error, os.listdir(sys.argv[1]))
"""
    done = python(script, str(tmp_path), before=f"mount -t tmpfs -o size=32k tmpfs {tmp_path}")
    assert done.stdout == f"no room for a record in {tmp_path}: No space left on device []\n", done.stderr


def test_a_line_cut_off_by_a_limit_is_taken_back(tmp_path: Path) -> None:
    """Where the first part of a line still fits (a quota), that part is removed again."""
    limit = (
        "import resource; hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (70_001, hard))"
    )
    done = python(
        FILL.format(limit=limit, free="resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))"), str(tmp_path)
    )
    assert (done.stdout, done.stderr) == ("held\n", "")


def test_a_disk_that_loses_data_is_a_fault_of_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk reports an error on sync, sync and close raise ``RecordError``; the file is closed all the same."""
    journal = Journal.create(tmp_path)

    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    for act in (journal.sync, journal.close):
        with pytest.raises(RecordError, match="cannot secure the record"):
            act()
    journal.close()
