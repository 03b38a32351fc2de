"""A meter's non-volatile memory as a file: whose it is, the bytes, and a check sum over both."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_type_hints

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import rating
from meterbench.errors import ConfigError, RecordError
from meterbench.meter_files import replace_file

FORMAT_VERSION = 1
_MAGIC = b"\x89MBMETER"
_HEAD = struct.Struct("<8sHHI")
"""Magic, version, bytes of the unit, bytes of the memory."""
_CHECK = struct.Struct("<I")
"""CRC-32 of all that stands before it."""
_LARGEST_BYTES = 1 << 24
"""What no meter's memory comes near."""
_LONGEST_SERIAL = 40
ALLOWED_SERIAL = f"1 to {_LONGEST_SERIAL} printable characters"


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


def serial_is_allowed(serial: str) -> bool:
    """True for ``ALLOWED_SERIAL``."""
    return 0 < len(serial) <= _LONGEST_SERIAL and serial.isprintable()


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
    return _unit(path, body[_HEAD.size : _HEAD.size + unit_bytes]), body[_HEAD.size + unit_bytes :]


def _unit(path: Path, head: bytes) -> UnitId:
    """Whose memory it is; ``ConfigError`` if that is nobody's, or said in another way than this version does."""
    try:
        said = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--state {path}: its head, which says whose it is, is no JSON: {error}") from error
    known = get_type_hints(UnitId)
    if not isinstance(said, dict) or said.keys() != known.keys():
        found = ", ".join(said) if isinstance(said, dict) else repr(said)
        raise ConfigError(
            f"--state {path}: its head says {found!r}, this version reads {', '.join(known)!r}; name another file"
        )
    for name, kind in known.items():
        if type(said[name]) is not kind:
            raise ConfigError(f"--state {path}: {name} in its head is {said[name]!r}, which is no {kind.__name__}")
    unit = UnitId(**said)
    try:
        made = unit_id(unit.nameplate(), unit.seed)
    except (ConfigError, ArithmeticError) as error:
        raise ConfigError(f"--state {path}: is the memory of a meter that is not made: {error}") from error
    if unit != made or unit.seed < 0 or not serial_is_allowed(unit.serial):
        raise ConfigError(f"--state {path}: no meter is called {asdict(unit)}, as its head says")
    return unit


def save_state(path: Path, unit: UnitId, memory: bytes) -> None:
    """Put the memory into the file, whole or not at all; ``RecordError`` if that cannot be done."""
    who = json.dumps(asdict(unit)).encode()
    body = _HEAD.pack(_MAGIC, FORMAT_VERSION, len(who), len(memory)) + who + memory
    try:
        replace_file(path, body + _CHECK.pack(zlib.crc32(body)), mode=0o600)
    except OSError as error:
        raise RecordError(f"--state {path}: the meter's memory cannot be saved: {error.strerror}") from error
