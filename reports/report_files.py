"""Reports as files: written as a whole or not at all, of the record that was read and of no other."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from meterbench.bench import journal
from meterbench.bench.record import RunRecord
from meterbench.errors import RecordError


def write_whole(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` and return it; what was there before stays if that fails (``RecordError``)."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise RecordError(f"cannot write the report {path}: {error.strerror}") from error
    return path


def verified_lines(record: RunRecord) -> int:
    """How many lines of the journal hold together, up to the head that this record was read from."""
    for number, line in enumerate(journal.read(record.folder), 1):
        if line["hash"] == record.head_hash:
            return number
    raise RecordError(f"the record in {record.folder} is not the one that was read: its head has another hash")
