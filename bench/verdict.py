"""The lattice of verdicts: a parent takes the worst of its children, and nothing lowers it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Verdict(IntEnum):
    """In order of severity; the order is the lattice."""

    NOT_RUN = 0
    PASS = 1
    INVALID = 2
    """The bench could not judge: a condition, an uncertainty or a certificate was not what the rule asks for."""
    FAIL = 3
    ABORTED = 4
    ERROR = 5

    def __str__(self) -> str:
        return self.name


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a parent: the worst of its children, NOT_RUN without any.

    A child that was not run is worse than a PASS for its parent: what was not measured cannot pass.
    """
    found = list(verdicts)
    top = max(found, default=Verdict.NOT_RUN)
    return Verdict.INVALID if top is Verdict.PASS and Verdict.NOT_RUN in found else top


EXIT_STATUS = {
    Verdict.PASS: 0,
    Verdict.FAIL: 1,
    Verdict.NOT_RUN: 3,
    Verdict.INVALID: 3,
    Verdict.ERROR: 3,
    Verdict.ABORTED: 130,
}
"""What the command answers to its caller for a run that ended so; 2 (wrong usage) never reaches a run."""
