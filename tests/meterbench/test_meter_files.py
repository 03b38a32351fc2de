"""Where a meter's command writes: what cannot become a file is refused early, and in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meterbench.errors import ConfigError
from meterbench.meter_files import held, refuse_place, replace_file


def test_what_cannot_become_a_file_is_refused(tmp_path: Path) -> None:
    """A link to nowhere, a link to itself, a folder, a pipe, a file as a folder."""
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, says in (
        ("link", "points to nowhere, and nothing is there"),
        ("loop", "points to loop, and nothing is there"),
        (".", "is a folder"),
        ("pipe", "is no file"),
        ("file/state", "file is no folder"),
        ("a" * 256, "File name too long"),
    ):
        with pytest.raises(ConfigError, match=f"^--state .*{says}"):
            refuse_place("--state", tmp_path / name)
    refuse_place("--state", tmp_path / "file")
    refuse_place("--state", tmp_path / "new")


def test_a_folder_in_which_nothing_may_be_written_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that is read-only: it is a folder all the same."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=f"no file may be written in {tmp_path}$"):
        refuse_place("--state", tmp_path / "state")


def test_what_is_held_is_held_once(tmp_path: Path) -> None:
    """And let go at the end; the lock is not left behind."""
    path = tmp_path / "state"
    for _ in range(2):
        with held(path), pytest.raises(ConfigError, match="another meter lives on it now"), held(path):
            pass
        assert list(tmp_path.iterdir()) == []


def test_who_may_read_a_file_that_is_written(tmp_path: Path) -> None:
    """A picture whoever the umask lets; a memory its owner."""
    umask = os.umask(0o022)
    try:
        replace_file(tmp_path / "picture", b"")
        replace_file(tmp_path / ("m" * 255), b"", mode=0o600)
    finally:
        os.umask(umask)
    assert (tmp_path / "picture").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / ("m" * 255)).stat().st_mode & 0o777 == 0o600
