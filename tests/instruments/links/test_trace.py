"""What a link tells about a failed exchange."""

from __future__ import annotations

from meterbench.errors import DeadlineExceeded
from meterbench.instruments.links.trace import Trace, show


def test_show_gives_text_and_hex() -> None:
    """A payload is printed as text and as hex, and an empty one says so."""
    assert show(b"Z\r") == r"'Z\r' (5A 0D)"
    assert show(b"") == "nothing"


def test_long_payload_is_cut_in_messages_only() -> None:
    """A long answer does not flood the message."""
    assert show(b"x" * 200).endswith("and 80 more bytes")


def test_keeps_the_last_twenty() -> None:
    """The trace holds 20 exchanges, the newest last."""
    trace = Trace("balance at /dev/ttyS0")
    for number in range(25):
        trace.add(b"SI", str(number).encode(), 0.01)
    kept = trace.exchanges()
    assert [exchange.received for exchange in kept] == [str(number).encode() for number in range(5, 25)]


def test_error_says_who_what_how_long_and_what_next() -> None:
    """One sentence for the person at the bench; the exchanges before it are the error's note."""
    trace = Trace("balance at /dev/ttyS0")
    trace.add(b"Z", b"Z A", 0.1)
    error = trace.error(
        DeadlineExceeded, "no answer", sent=b"SI", received=b"S", duration_s=1.5, todo="check the cable"
    )
    assert (
        str(error) == "balance at /dev/ttyS0: no answer; asked 'SI' (53 49), got 'S' (53) in 1.500 s; check the cable"
    )
    assert error.__notes__[0].splitlines()[1:] == [
        "  > 'Z' (5A)  < 'Z A' (5A 20 41)  0.100 s",
        "  > 'SI' (53 49)  < 'S' (53)  1.500 s  [no answer]",
    ]
