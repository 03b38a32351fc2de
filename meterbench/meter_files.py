"""Files that a meter's command writes: refused in time, replaced whole or not at all, and held by one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from meterbench.errors import ConfigError

_KEPT_OF_NAME = 40
"""Characters: a file beside one with the longest name needs a name, too."""


def refuse_place(option: str, path: Path) -> None:
    """``ConfigError`` unless a file can be written there, a new one or in the place of one."""
    if path == Path():
        raise ConfigError(f"{option}: an empty name, or '.', is no file's")
    try:
        if path.is_symlink() and not path.exists():
            raise ConfigError(f"{option} {path}: points to {os.readlink(path)}, and nothing is there")
        if path.is_dir():
            raise ConfigError(f"{option} {path}: is a folder; name a file in it")
        folder = path.resolve().parent
        if not folder.is_dir():
            raise ConfigError(f"{option} {path}: {folder} is no folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError(f"{option} {path}: no file may be written in {folder}")
        if path.exists() and not path.is_file():
            raise ConfigError(f"{option} {path}: is no file")
    except OSError as error:
        raise ConfigError(f"{option} {path}: {error.strerror}") from error


def same_file(one: Path, other: Path) -> bool:
    """True if what is written into one is found in the other, whatever they are called."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Nobody else can hold this file meanwhile; ``ConfigError`` if somebody does. The kernel lets go of what a process
    held that has died."""
    whole = path.resolve()
    beside = whole.with_name(f".{whole.name}.lock")
    try:
        descriptor = _lock(beside)
    except BlockingIOError as error:
        raise ConfigError(
            f"--state {path}: another meter lives on it now; stop that one, or name another file"
        ) from error
    except OSError as error:
        raise ConfigError(f"--state {path}: cannot be locked by {beside.name}: {error.strerror}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Descriptor of a file that this process alone has locked; ``BlockingIOError`` if another one has."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # Whoever held it has removed it in between: the next one would lock another file.


def replace_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write beside the old file and put it into its place when it is on the disk: whenever the power goes, one of the
    two is there, whole. ``OSError`` if that cannot be done. A link keeps leading to the file."""
    path = path.resolve()
    beside = path.with_name(f".{path.name[:_KEPT_OF_NAME]}.{secrets.token_hex(4)}")
    try:
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            _write_durably(file, content)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(path.parent)


def _write_durably(file: IO[bytes], content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Only then the new name is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
