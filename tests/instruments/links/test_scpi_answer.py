"""The form of SCPI answers, taken apart."""

from __future__ import annotations

import pytest

from meterbench.instruments.links.scpi_answer import block_end, checked_answer, is_whole, without_headers

OK = '0,"No error"'


@pytest.mark.parametrize(
    ("received", "end", "whole"),
    [
        (b"#13ab\n\n", 6, True),
        (b"#13ab\n", 6, False),
        (b"#13a\n", 6, False),
        (b"#10\n", 3, True),
        (b"#213" + b"\n" * 13, 17, False),
        (b"#0abc\n", None, True),
        (b"#2\n", None, True),
        (b"3.6\n", None, True),
        (b"3.6", None, False),
    ],
)
def test_end_of_a_block(received: bytes, end: int | None, whole: bool) -> None:
    """IEEE 488.2, 8.7.9; one of indefinite length, or with a head cut short, is none."""
    assert (block_end(received), is_whole(received)) == (end, whole)


@pytest.mark.parametrize(
    ("reply", "answer", "error"),
    [
        (OK, None, OK),
        (f"1;2;{OK}", "1;2", OK),
        ('5;-113,"a;0,""b"""', "5", '-113,"a;0,""b"""'),
        (f"#216;{OK};12;{OK}", f"#216;{OK};12", OK),
    ],
)
def test_answer_and_error(reply: str, answer: str | None, error: str) -> None:
    """What is quoted, or in a block, ends nothing."""
    match = checked_answer(reply)
    assert match is not None
    assert (match["answer"], match["error"]) == (answer, error)


@pytest.mark.parametrize("reply", ["", "5", "5;0,No error", f"#12abc;{OK}", f"#14abc;{OK}", f"#12ab;5;{OK}"])
def test_what_is_no_checked_answer(reply: str) -> None:
    """Without an error entry, or with a block of another length than it says."""
    assert checked_answer(reply) is None


@pytest.mark.parametrize(
    ("reply", "bare"),
    [
        (f":SENS:PRES 10.0;:SYST:ERR {OK}", f"10.0;{OK}"),
        ("*IDN GE,Pace5000 User Interface,1,2", "GE,Pace5000 User Interface,1,2"),
        (':A "b :C d"', '"b :C d"'),
        ("-1.5;2", "-1.5;2"),
    ],
)
def test_headers_are_taken_off(reply: str, bare: str) -> None:
    """Of each answer, and of nothing inside it."""
    assert without_headers(reply) == bare
