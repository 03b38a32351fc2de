"""A meter's memory as a file: what was saved comes back, and nothing else does."""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.errors import ConfigError, RecordError
from meterbench.meter_state import UnitId, load_state, save_state

UNIT = UnitId("Zähler 7", "ADR20-1-1", "4", 1600, 3)
MEMORY = bytes(range(256)) * 4


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    save_state(path, UNIT, MEMORY)
    return path


def test_what_was_saved_comes_back(state: Path) -> None:
    """Unit and memory; a second save takes the place of the first, and leaves no other file; nobody else reads it."""
    assert load_state(state) == (UNIT, MEMORY)
    save_state(state, UNIT, MEMORY[::-1])
    assert load_state(state) == (UNIT, MEMORY[::-1])
    assert [path.name for path in state.parent.iterdir()] == ["state"]
    assert state.stat().st_mode & 0o077 == 0


def test_the_form_of_the_file(state: Path) -> None:
    """Magic, version 1, two lengths, the unit, the memory, and the CRC-32 of all before it, little-endian."""
    content = state.read_bytes()
    magic, version, unit_bytes, memory_bytes = struct.unpack_from("<8sHHI", content)
    assert (magic, version, memory_bytes) == (b"\x89MBMETER", 1, len(MEMORY))
    assert content[16 + unit_bytes : -4] == MEMORY
    assert struct.unpack("<I", content[-4:]) == (zlib.crc32(content[:-4]),)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_is_refused_and_left_alone(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any flipped bit, any length that is not its own."""
    path = tmp_path_factory.mktemp("states") / "state"
    save_state(path, UNIT, MEMORY)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="--state"):
        load_state(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not the memory of a meter"),
        (b"\x89PNG and so on, a picture of some length", "not the memory of a meter"),
        (struct.pack("<8sHHI", b"\x89MBMETER", 2, 0, 0) + bytes(4), "format 2"),
        (struct.pack("<8sHHI", b"\x89MBMETER", 1, 0, 10) + bytes(4), "cut off or added to"),
    ],
    ids=["empty", "something else", "another version", "cut off"],
)
def test_another_file_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        load_state(path)


def head_of(**other: object) -> bytes:
    """As ``UNIT`` has it, but for these."""
    return json.dumps({**asdict(UNIT), **other}).encode()


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"none", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b"[1]", r"its head says '\[1\]'"),
        (b'{"serial": "7"}', "its head says 'serial', this version reads 'serial, designation"),
        (head_of(radio=1), "its head says '.*, radio', this version reads"),
        (head_of(seed="2"), "seed in its head is '2', which is no int"),
        (head_of(seed=True), "seed in its head is True"),
        (head_of(q3_m3_h="sNaN"), "a meter that is not made"),
        (head_of(designation="ADR99-1-1"), "a meter that is not made: .* no DN 99"),
        (head_of(serial="7\n"), "no meter is called"),
        (head_of(seed=-3), "no meter is called"),
    ],
)
def test_a_head_that_says_something_else_is_refused(head: bytes, says: str, tmp_path: Path) -> None:
    """With a good check sum, as another version or another program may write it."""
    path = tmp_path / "state"
    body = struct.pack("<8sHHI", b"\x89MBMETER", 1, len(head), len(MEMORY)) + head + MEMORY
    path.write_bytes(body + struct.pack("<I", zlib.crc32(body)))
    with pytest.raises(ConfigError, match=says):
        load_state(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a link to nowhere, a pipe that nobody writes to."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "link", tmp_path / "pipe"):
        with pytest.raises(ConfigError, match="is no file"):
            load_state(path)


def test_a_file_that_may_not_be_read_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        load_state(state)


def test_a_save_that_fails_leaves_the_old_file(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any moment: ``RecordError``, the old memory is there, and no half of a new one."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(RecordError, match="cannot be saved: No space left on device"):
                save_state(state, UNIT, MEMORY[::-1])
        assert load_state(state) == (UNIT, MEMORY)
        assert [path.name for path in state.parent.iterdir()] == ["state"]


def test_a_link_keeps_leading_to_the_file(state: Path, tmp_path: Path) -> None:
    """The file that it leads to is written, not the link."""
    link = tmp_path / "link"
    link.symlink_to(state)
    save_state(link, UNIT, b"new")
    assert link.is_symlink()
    assert load_state(state) == (UNIT, b"new")
