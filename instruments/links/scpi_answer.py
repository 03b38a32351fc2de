"""The form of SCPI answers on the wire: entries of the error queue, numbers, blocks, repeated headers. No I/O."""

from __future__ import annotations

import re

ERROR_ENTRY = re.compile(r'[+-]?\d{1,5},"(?:[^"]|"")*"')
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[Ee][+-]?\d+)?")
_CHECKED = re.compile(rf"(?:(?P<answer>.*);)?(?P<error>{ERROR_ENTRY.pattern})", re.DOTALL)
_HEADER = re.compile(r"(?:^|(?<=;))[:*][A-Za-z]\w*(?::[A-Za-z]\w*)* ")
_BLOCK_HEAD = re.compile(rb"#(?P<digits>[1-9])(?P<length>\d*)")


def block_end(received: bytes) -> int | None:
    """Where the definite-length block at the beginning of ``received`` ends, in it or beyond; None if there is none."""
    match = _BLOCK_HEAD.match(received)
    digits = int(match["digits"]) if match is not None else 0
    if match is None or len(match["length"]) < digits:
        return None
    return 2 + digits + int(match["length"][:digits])


def is_whole(received: bytes) -> bool:
    """Does ``received`` end at the end of the answer, and not at a line feed in a block?"""
    return received.endswith(b"\n") and len(received) > (block_end(received) or 0)


def checked_answer(reply: str) -> re.Match[str] | None:
    """``reply`` as ``answer`` and ``error``, or ``error`` alone; None if it is neither.

    The content of a block may look like anything: the answer must end where the block does.
    """
    match = _CHECKED.fullmatch(reply)
    end = block_end(reply.encode("latin-1"))
    if match is None or end is None or (match["answer"] is not None and len(match["answer"]) == end):
        return match
    return None


def without_headers(reply: str) -> str:
    """``reply`` without the header that an instrument repeats before each answer (``:SENS:PRES 10.0``)."""
    return _HEADER.sub("", reply)
