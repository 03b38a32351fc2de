"""The run's journal: one JSON object a line, appended, durable, chained by hash.

Every line holds ``seq``, ``kind``, ``t_s`` (the station's clock, since the run was opened), ``utc``, what it has to
say, ``prev`` (the hash of the line before) and ``hash`` (SHA-256 over the line without it). A changed, missing or added
line breaks the chain. Wall-clock fields are ``utc`` and, because they cover it, ``prev`` and ``hash``.

A block of 64 KiB beside the journal is kept in reserve: when the disk is full it is given back, so that the run can
still be closed with the reason.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from meterbench.errors import RecordError

FILE_NAME = "journal.jsonl"
RESERVE_NAME = ".journal.reserve"
RESERVE_BYTES = 64 * 1024
FIRST_PREV = "0" * 64

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


_OWN_KEYS = frozenset({"seq", "kind", "t_s", "utc", "prev", "hash"})
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _encode(line: Mapping[str, object]) -> bytes:
    text = _ENCODER.encode(line)
    return text.encode(errors="backslashreplace")  # half a surrogate (a file's name, say) becomes its JSON escape


def chain_hash(line: Mapping[str, object]) -> str:
    """The hash of a line: SHA-256 of its JSON without the ``hash`` itself, keys in the order written."""
    body = {key: part for key, part in line.items() if key != "hash"}
    return hashlib.sha256(_encode(body)).hexdigest()


class Journal:
    """Appends lines; what ``append`` returned from is in the file, what ``sync`` returned from is on the disk."""

    def __init__(self, path: Path, descriptor: int, seq: int, prev: str) -> None:
        self.path = path
        self._descriptor = descriptor
        self._seq = seq
        self._prev = prev
        self._size = os.fstat(descriptor).st_size

    @classmethod
    def create(cls, folder: Path) -> Journal:
        """Start the journal of a new run in ``folder``; ``RecordError`` if there is one already."""
        path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        except FileExistsError:
            raise RecordError(f"{path} exists already: a record is never overwritten; choose another folder") from None
        except OSError as error:
            raise RecordError(f"cannot create the record {path}: {error.strerror}") from error
        _lock(path, descriptor)
        journal = cls(path, descriptor, 0, FIRST_PREV)
        try:
            journal._keep_reserve()
        except RecordError:
            # Nothing was recorded: leave nothing behind that would refuse the next attempt.
            os.close(descriptor)
            path.unlink()
            raise
        return journal

    @classmethod
    def reopen(cls, folder: Path) -> Journal:
        """Go on with an interrupted run's journal; a line cut off by a crash is dropped, a broken chain refused."""
        path = folder / FILE_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise RecordError(f"cannot go on with the record {path}: {error.strerror}") from error
        _lock(path, descriptor)
        try:
            lines = list(read(folder))
            if not lines:
                raise RecordError(f"{path} holds no record to resume")
            os.ftruncate(descriptor, path.read_bytes().rfind(b"\n") + 1)
            journal = cls(path, descriptor, len(lines), str(lines[-1]["hash"]))
            journal._keep_reserve()
        except BaseException:
            os.close(descriptor)
            raise
        return journal

    @property
    def lines(self) -> int:
        """Lines written so far."""
        return self._seq

    def append(self, kind: str, t_s: float, utc: str, body: Mapping[str, object]) -> None:
        """Write one line. A line that does not fit on the disk leaves no half of it behind."""
        if self._descriptor < 0:
            raise RecordError(f"the record {self.path} is closed: nothing can be added to it")
        if clash := _OWN_KEYS & body.keys():
            raise ValueError(f"a journal line writes its own {', '.join(sorted(clash))}")
        unsealed = _encode({"seq": self._seq, "kind": kind, "t_s": t_s, "utc": utc, **body, "prev": self._prev})
        line_hash = hashlib.sha256(unsealed).hexdigest()
        # ``hash`` is the last member: it is put before the closing brace, and the line is encoded only once.
        encoded = b'%b,"hash":"%b"}\n' % (unsealed[:-1], line_hash.encode())
        try:
            left = memoryview(encoded)
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise RecordError(
                f"cannot write the record {self.path}: {error.strerror}; free some space, then resume the run"
            ) from error
        self._size += len(encoded)
        self._seq += 1
        self._prev = line_hash

    def sync(self) -> None:
        """Return when everything appended so far is on the disk."""
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise RecordError(f"cannot secure the record {self.path} on the disk: {error.strerror}") from error

    def release_reserve(self) -> None:
        """Give the reserve back to a full disk, so that the last line fits; safe to call twice."""
        (self.path.parent / RESERVE_NAME).unlink(missing_ok=True)

    def close(self) -> None:
        """Sync and close; safe to call twice."""
        if self._descriptor >= 0:
            try:
                self.sync()
            finally:
                os.close(self._descriptor)
                self._descriptor = -1
                self.release_reserve()

    def _keep_reserve(self) -> None:
        try:
            descriptor = os.open(self.path.parent / RESERVE_NAME, os.O_CREAT | os.O_WRONLY, 0o644)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError as error:
            self.release_reserve()
            raise RecordError(f"no room for a record in {self.path.parent}: {error.strerror}") from error


def _lock(path: Path, descriptor: int) -> None:
    """One run writes a record; the lock goes with the process that holds it. A file system without locks has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise RecordError(f"{path} is being written by another run: wait for its end or stop it") from None
    except OSError:
        return


def read(folder: Path) -> Iterator[dict[str, Json]]:
    """The lines of a run's journal, verified one by one; ``RecordError`` at the first that does not hold.

    A last line without its line end was cut off by a crash before it counted: it is left out.
    """
    path = folder / FILE_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"cannot read the record {path}: {error.strerror}") from error
    prev = FIRST_PREV
    for number, encoded in enumerate(content.split(b"\n")[:-1]):
        try:
            line = json.loads(encoded)
            canonical = isinstance(line, dict) and _encode(line) == encoded
        except (ValueError, RecursionError):  # not JSON, or what a record never holds: NaN, 1e999, endless nesting
            raise RecordError(f"{path}, line {number + 1}: not a record line; the file was changed") from None
        if not isinstance(line, dict) or line.get("seq") != number or line.get("prev") != prev:
            raise RecordError(f"{path}, line {number + 1}: the chain is broken; a line was removed, added or moved")
        if line.get("hash") != chain_hash(line) or not canonical:
            raise RecordError(f"{path}, line {number + 1}: the line was changed after it was written")
        prev = str(line["hash"])
        yield line
