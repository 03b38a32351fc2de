"""Standard output and standard error: nothing is too strange to be printed, and what cannot be written voids no run."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputLost(Exception):
    """What was to be printed cannot be written: the reader has gone away, or the disk is full."""


class Output(io.FileIO):
    """The bytes of standard output or error. The first fault is kept; what comes after it is dropped."""

    def __init__(self, stream: TextIO | None, *, carries_on: bool) -> None:
        # A stream that the caller closed is None; without a stand-in the record would get its number.
        super().__init__(stream.fileno() if stream else os.open(os.devnull, os.O_WRONLY), "w", closefd=False)
        self.carries_on = carries_on
        """True: a fault is not raised, because what goes on is worth more than what it prints."""
        self.fault: OSError | None = None
        self._encoding = stream.encoding if stream else "utf-8"

    def text(self) -> TextIO:
        """As text; what the encoding does not have is written as ``\\xb0``."""
        return io.TextIOWrapper(io.BufferedWriter(self), self._encoding, "backslashreplace", line_buffering=True)

    def write(self, chunk: ReadableBuffer, /) -> int:
        if self.fault is None:
            try:
                return super().write(chunk)
            except OSError as error:
                self.fault = error
                if not self.carries_on:
                    raise OutputLost from error
        return memoryview(chunk).nbytes
