"""Who the legally relevant software is: an identifier, and a checksum over its code and data (ADR-034).

The checksum covers every file of this package: the modules and the type's data. It is shown on the display and read
over any link, beside the digest of the unit's own parameters.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

SOFTWARE_ID = "1.0.0"
"""Of the legally relevant part; it changes with any change that changes what is measured, registered or shown."""


@cache
def software_checksum() -> str:
    """Eight hexadecimal digits: CRC-32 over names and contents of all files of the package, with their lengths."""
    root = Path(__file__).parent
    checksum = 0
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            for part in (path.relative_to(root).as_posix().encode(), path.read_bytes().replace(b"\r\n", b"\n")):
                checksum = zlib.crc32(part, zlib.crc32(len(part).to_bytes(8, "little"), checksum))
    return f"{checksum:08X}"
