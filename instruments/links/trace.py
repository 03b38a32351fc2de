"""The last exchanges of a link, and the one form in which all links tell what went wrong."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from meterbench.errors import BenchError
from meterbench.instruments.capabilities import Exchange
from meterbench.instruments.place import Tape

KEPT_EXCHANGES = 20
SHOWN_BYTES = 120
"""A longer payload is cut in messages; the trace itself keeps all of it."""

BenchErrorT = TypeVar("BenchErrorT", bound=BenchError)


def show(payload: bytes) -> str:
    """``payload`` as text and as hex, ``'Z\\r' (5A 0D)``; ``nothing`` if it is empty."""
    if not payload:
        return "nothing"
    head = payload[:SHOWN_BYTES]
    more = f" and {len(payload) - SHOWN_BYTES} more bytes" if len(payload) > SHOWN_BYTES else ""
    return f"{head.decode('latin-1')!r} ({head.hex(' ').upper()}){more}"


class Trace:
    """Keeps the last 20 exchanges of the instrument ``who`` (role and address), and tells ``tape`` each of them."""

    def __init__(self, who: str, tape: Tape | None = None) -> None:
        self.who = who
        self._tape = tape
        self._kept: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)

    def add(self, sent: bytes, received: bytes, duration_s: float, fault: str = "") -> None:
        """Keep one exchange; ``fault`` says in a word or two what was wrong with it."""
        exchange = Exchange(sent, received, duration_s, fault)
        self._kept.append(exchange)
        if self._tape is not None:
            self._tape(exchange)

    def exchanges(self) -> tuple[Exchange, ...]:
        """What is kept, oldest first."""
        return tuple(self._kept)

    def error(
        self,
        kind: type[BenchErrorT],
        why: str,
        *,
        sent: bytes = b"",
        received: bytes = b"",
        duration_s: float = 0.0,
        todo: str,
    ) -> BenchErrorT:
        """Keep the failed exchange and make its error: who, what was asked, what came, how long, what to do next.

        The exchanges before it are the error's note, so that they are printed below the traceback.
        """
        self.add(sent, received, duration_s, why)
        asked = f"; asked {show(sent)}, got {show(received)} in {duration_s:.3f} s" if sent or received else ""
        error = kind(f"{self.who}: {why}{asked}; {todo}")
        error.add_note(str(self))
        return error

    def __str__(self) -> str:
        lines = [
            f"  > {show(kept.sent)}  < {show(kept.received)}  {kept.duration_s:.3f} s"
            + (f"  [{kept.fault}]" if kept.fault else "")
            for kept in self._kept
        ]
        return "\n".join([f"The last {len(lines)} exchanges with {self.who}, oldest first:", *lines])
