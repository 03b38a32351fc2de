"""A meter's non-volatile memory as a file: whose it is, the bytes, and a check sum over both.

The file is written anew beside the old one and put into its place when it is on the disk: whenever the power goes, one
of the two is there, whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import tempfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import rating
from meterbench.errors import ConfigError, RecordError

FORMAT_VERSION = 1
_MAGIC = b"\x89MBMETER"
_HEAD = struct.Struct("<8sHHI")
"""Magic, version, bytes of the unit, bytes of the memory."""
_CHECK = struct.Struct("<I")
"""CRC-32 of all that stands before it."""
_LARGEST_BYTES = 1 << 24
"""What no meter's memory comes near."""


@dataclass(frozen=True, slots=True)
class UnitId:
    """Whose memory it is: what a reference meter is made from."""

    serial: str
    designation: str
    q3_m3_h: str
    ratio: int
    seed: int

    def nameplate(self) -> Nameplate:
        """``ConfigError`` with the allowed values if there is no such meter."""
        designation = Designation.parse(self.designation)
        return Nameplate(self.serial, designation, rating(designation, self.q3_m3_h, self.ratio))

    def __str__(self) -> str:
        return f"{self.designation} {self.serial}, Q3 {self.q3_m3_h} R{self.ratio}, seed {self.seed}"


def unit_id(nameplate: Nameplate, seed: int) -> UnitId:
    """Of a unit with this nameplate in the world of this seed."""
    made = nameplate.rating
    return UnitId(nameplate.serial, str(nameplate.designation), str(made.q3_m3_h), made.ratio, seed)


def load_state(path: Path) -> tuple[UnitId, bytes]:
    """The unit and its memory; ``ConfigError`` for a file that cannot be read, is damaged, or is none of these."""
    try:
        if not path.is_file():
            raise ConfigError(f"--state {path}: is no file")
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES)
    except OSError as error:
        raise ConfigError(f"--state {path}: cannot be read: {error.strerror}") from error
    if len(content) < _HEAD.size or not content.startswith(_MAGIC):
        raise ConfigError(f"--state {path}: is not the memory of a meter; it is left as it is, name another file")
    _, version, unit_bytes, memory_bytes = _HEAD.unpack_from(content)
    if version != FORMAT_VERSION:
        raise ConfigError(
            f"--state {path}: has format {version}, this version reads {FORMAT_VERSION}; name another file"
        )
    whole = _HEAD.size + unit_bytes + memory_bytes + _CHECK.size
    if len(content) != whole:
        raise ConfigError(f"--state {path}: has {len(content)} bytes and not {whole}: it was cut off or added to")
    body, check = content[: -_CHECK.size], content[-_CHECK.size :]
    if _CHECK.pack(zlib.crc32(body)) != check:
        raise ConfigError(f"--state {path}: is damaged: its check sum does not fit; it is left as it is")
    unit = UnitId(**json.loads(body[_HEAD.size : _HEAD.size + unit_bytes]))
    return unit, body[_HEAD.size + unit_bytes :]


def save_state(path: Path, unit: UnitId, memory: bytes) -> None:
    """Put the memory into the file, whole or not at all; ``RecordError`` if that cannot be done."""
    who = json.dumps(asdict(unit)).encode()
    body = _HEAD.pack(_MAGIC, FORMAT_VERSION, len(who), len(memory)) + who + memory
    path = path.resolve()
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                _write_durably(file, body + _CHECK.pack(zlib.crc32(body)))
                os.replace(file.name, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(file.name)
                raise
        _sync_folder(path.parent)
    except OSError as error:
        raise RecordError(f"--state {path}: the meter's memory cannot be saved: {error.strerror}") from error


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
