"""Both drivers against the hardest kind of disturbance: digits that became other digits, all within the grammar.

Kind: fault.
"""

from __future__ import annotations

import random

import pytest

from meterbench.errors import BenchError
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from tests.instruments.chamber import espec_p300_subject, weiss_simserv_subject


@pytest.mark.parametrize("make", [weiss_simserv_subject.make, espec_p300_subject.make])
def test_changed_digits_are_outvoted_or_named(make, loop_thread: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any one answer; some are outvoted, and none is ever taken."""
    rng, outvoted = random.Random(1), 0

    def other_digits(payload: bytes) -> bytes:
        return bytes(
            rng.choice(b"0123456789") if chr(byte).isdigit() and rng.random() < 0.5 else byte for byte in payload
        )

    with make(loop_thread) as subject:
        monkeypatch.setattr(subject.faults, "garble", other_digits)
        for after in [*range(subject.answers)] * 3:
            subject.faults.add(Fault(FaultKind.GARBLE, after))
            try:
                answer = subject.ask()
            except BenchError as error:
                assert "chamber" in str(error)  # noqa: PT017
            else:
                assert subject.right(answer), f"{answer} after {after}"
                outvoted += 1
            subject.faults.clear()
            subject.change()
    assert outvoted > subject.answers
