"""The lines that a bench and an operator's panel exchange: a JSON object, a blank, and its CRC-32 (docs/reference/
operator.md). The check sum is there because an answer may be free text: a changed digit would be a reading."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

TERMINATOR = b"\n"
ACCEPTED, PENDING, ANSWERED, WITHDRAWN, UNKNOWN = "accepted", "pending", "answered", "withdrawn", "unknown"
"""States of a task. ``unknown``: the panel has never heard of it, or was switched off since."""


def line_of(message: Mapping[str, object]) -> str:
    """The line, in ASCII and without its end; ``ValueError`` for what JSON has no word for (NaN)."""
    text = json.dumps(message, separators=(",", ":"), allow_nan=False)
    return f"{text} {zlib.crc32(text.encode('ascii')):08X}"


def message_in(line: str) -> dict[str, Any]:
    """The object in a line; ``ValueError`` says why there is none."""
    text, _, told = line.rpartition(" ")
    if told != f"{zlib.crc32(text.encode('latin-1')):08X}":
        raise ValueError("its check sum is wrong")
    try:
        message = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is no JSON that anybody means") from None
    if not isinstance(message, dict):
        raise ValueError("it is no JSON object")
    return message


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")
