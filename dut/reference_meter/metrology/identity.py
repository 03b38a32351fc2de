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
    """Eight hexadecimal digits: CRC-32 over names and contents of all files of the package, in the order of names."""
    root = Path(__file__).parent
    checksum = 0
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml"):
            content = path.read_bytes().replace(b"\r\n", b"\n")
            checksum = zlib.crc32(content, zlib.crc32(path.relative_to(root).as_posix().encode(), checksum))
    return f"{checksum:08X}"
