"""The lattice of verdicts."""

from __future__ import annotations

import itertools

import pytest

from meterbench.bench.verdict import EXIT_STATUS, Verdict, worst

N, P, V, F, A, E = Verdict


def test_the_order_of_severity() -> None:
    """NOT_RUN < PASS < INVALID < FAIL < ABORTED < ERROR, as the plan of the house says."""
    assert [str(verdict) for verdict in sorted(Verdict)] == ["NOT_RUN", "PASS", "INVALID", "FAIL", "ABORTED", "ERROR"]


@pytest.mark.parametrize(
    ("children", "parent"),
    [([], N), ([N], N), ([P], P), ([P, P], P), ([P, N], V), ([N, P, P], V), ([P, V], V), ([N, V], V), ([V, F], F),
     ([N, F], F), ([F, A], A), ([A, E], E)],
)  # fmt: skip
def test_a_parent_takes_the_worst(children: list[Verdict], parent: Verdict) -> None:
    """The worst child is the parent's verdict; among passing children one that was not run makes it INVALID."""
    assert worst(children) is parent
    assert worst(iter(children)) is parent


def test_only_passes_pass() -> None:
    """Of all sets of up to three children those and only those of PASS alone give PASS, in any order."""
    for children in itertools.chain.from_iterable(itertools.product(Verdict, repeat=n) for n in range(4)):
        assert (worst(children) is P) == (set(children) == {P})


def test_nothing_lowers_a_verdict() -> None:
    """One more child never makes a judged parent better; only the first child ends NOT_RUN."""
    for children in itertools.chain.from_iterable(itertools.product(Verdict, repeat=n) for n in range(1, 4)):
        assert all(worst([*children, more]) >= worst(children) for more in Verdict)


def test_exit_status() -> None:
    """0 all PASS, 1 FAIL, 3 no verdict or the bench's fault, 130 aborted (INTERFACE.md)."""
    assert EXIT_STATUS == {P: 0, F: 1, N: 3, V: 3, E: 3, A: 130}
